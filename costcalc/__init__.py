"""costcalc: what a neural network costs before anyone runs it.

`analyze`, `compare`, `explain`, `footprint`, `load` and `on_hardware` are the Python API; each is imported when it is
first used, so that `import costcalc` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.api import analyze, compare, explain, footprint, load, on_hardware
    from costcalc.report import Report

__version__ = "0.1.0"

__all__ = ["Report", "__version__", "analyze", "compare", "explain", "footprint", "load", "on_hardware"]


def __getattr__(name: str) -> Any:
    if name in ("analyze", "compare", "explain", "footprint", "load", "on_hardware"):
        from costcalc import api

        return getattr(api, name)
    if name == "Report":
        from costcalc.report import Report

        return Report
    raise AttributeError(f"module 'costcalc' has no attribute {name!r}")
