"""The command line: thin click commands, load → report → render."""
