"""The command line: options and exit codes, one file a command."""
