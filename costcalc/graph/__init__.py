"""Reads graphs: the index of producers and readers, and the patterns that several nodes make together."""
