"""Two snapshots of a model → what was added, removed, renamed and changed, each with its cost and the causes."""
