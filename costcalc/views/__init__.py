"""A result to what is shown: neutral tables, notes, charts, JSON documents. Computes nothing, prints nothing."""
