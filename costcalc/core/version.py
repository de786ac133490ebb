"""The version of costcalc, for the build, the command line and every file that says what wrote it."""

__version__ = "0.1.0"
