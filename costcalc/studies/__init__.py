"""Questions put to models: load, analyse, compare, judge, vary, rewrite. A folder is a command and a function."""
