"""A config is run: its models are found, read and costed once each, and judged."""

from costcalc.checking.figures import Failure, Found
from costcalc.checking.run import analysed, check, run
from costcalc.checking.targets import Target, targets

__all__ = ["Failure", "Found", "Target", "analysed", "check", "run", "targets"]
