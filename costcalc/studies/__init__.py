"""Questions put to models: load, analyse, compare, judge, vary, rewrite.

Each folder is one command and one API function.
"""
