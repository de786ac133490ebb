"""Two snapshots of a model → which layers were added, removed, renamed and changed, each with its cost and the causes."""
