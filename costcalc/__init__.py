"""costcalc: what a neural network costs before anyone runs it.

`add_ignores`, `analyze`, `check`, `compare`, `diff`, `explain`, `footprint`, `load`, `on_hardware`, `reconcile`,
`suggest` and `sweep` are the Python API, `TorchModule` is a PyTorch module with its inputs; each is imported when it is
first used, so that `import costcalc` costs nothing.
"""

from __future__ import annotations

from costcalc.core.result import install_presenter
from costcalc.core.version import __version__

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from costcalc.analysis.report import Report
    from costcalc.api import analyze, compare, diff, explain, footprint, load, on_hardware
    from costcalc.core.errors import CostcalcError
    from costcalc.frontends.module import TorchModule
    from costcalc.studies.check.adopt import add_ignores
    from costcalc.studies.check.run import check
    from costcalc.studies.reconcile.reconcile import reconcile
    from costcalc.studies.suggest.find import suggest
    from costcalc.studies.sweep.sweep import sweep

__all__ = [
    "CostcalcError",
    "Report",
    "TorchModule",
    "__version__",
    "add_ignores",
    "analyze",
    "check",
    "compare",
    "diff",
    "explain",
    "footprint",
    "load",
    "on_hardware",
    "reconcile",
    "suggest",
    "sweep",
]

install_presenter("costcalc.render.display")


def __dir__() -> list[str]:
    """The names of the API, for completion."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name in ("analyze", "compare", "diff", "explain", "footprint", "load", "on_hardware"):
        from costcalc import api

        return getattr(api, name)
    if name == "check":
        from costcalc.studies.check.run import check

        return check
    if name == "add_ignores":
        from costcalc.studies.check.adopt import add_ignores

        return add_ignores
    if name == "reconcile":
        from costcalc.studies.reconcile.reconcile import reconcile

        return reconcile
    if name == "suggest":
        from costcalc.studies.suggest.find import suggest

        return suggest
    if name == "sweep":
        from costcalc.studies.sweep.sweep import sweep

        return sweep
    if name == "CostcalcError":
        from costcalc.core.errors import CostcalcError

        return CostcalcError
    if name == "Report":
        from costcalc.analysis.report import Report

        return Report
    if name == "TorchModule":
        from costcalc.frontends.module import TorchModule

        return TorchModule
    raise AttributeError(f"module 'costcalc' has no attribute {name!r}")
