"""A fuzzer: a seed -> files and a command line; what costcalc does with them is judged, shrunk and kept."""
