"""A model to what other counters say of it, as sums of named terms."""
