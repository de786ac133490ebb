"""Questions put to models: load, analyse, compare, judge, vary, rewrite. Each folder is one command, one function."""
