"""Options and exit codes; one file per command."""
