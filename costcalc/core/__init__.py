"""The vocabulary: exact extents, formulas, typed graph data, operator registry, refusals. Knows no operator, file or
screen; imports nothing of costcalc.
"""
