"""A model and what varies to a row of figures for each combination."""
