"""The vocabulary: exact extents, formulas, graph data, the operator registry, refusals; imports nothing above it."""
