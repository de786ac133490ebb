"""Two versions of a model to what was added, removed, renamed and changed, with costs and causes."""
