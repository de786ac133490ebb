"""costcalc: what a neural network costs before anyone runs it.

The functions are the Python API, each with the name of the command that does the same; `TorchModule` is a PyTorch
module with its inputs. Each is imported when it is first used, so that `import costcalc` costs nothing.
"""

from __future__ import annotations

from costcalc.core.result import install_presenter
from costcalc.core.version import __version__

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from costcalc.analysis.report import Report
    from costcalc.api import (
        analyze,
        compare,
        diff,
        explain,
        export,
        footprint,
        hardware,
        llm,
        load,
        memory,
        models,
        on_hardware,
        operators,
        plot,
        report,
        rule,
        schema,
        table,
    )
    from costcalc.core.errors import CostcalcError
    from costcalc.frontends.module import TorchModule
    from costcalc.studies.check.adopt import add_ignores
    from costcalc.studies.check.locking import lock
    from costcalc.studies.check.run import check
    from costcalc.studies.history import history
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
    "export",
    "footprint",
    "hardware",
    "history",
    "llm",
    "load",
    "lock",
    "memory",
    "models",
    "on_hardware",
    "operators",
    "plot",
    "reconcile",
    "report",
    "rule",
    "schema",
    "suggest",
    "sweep",
    "table",
]

HOMES = {
    "add_ignores": "costcalc.studies.check.adopt",
    "CostcalcError": "costcalc.core.errors",
    "Report": "costcalc.analysis.report",
    "TorchModule": "costcalc.frontends.module",
    "check": "costcalc.studies.check.run",
    "history": "costcalc.studies.history",
    "lock": "costcalc.studies.check.locking",
    "reconcile": "costcalc.studies.reconcile.reconcile",
    "suggest": "costcalc.studies.suggest.find",
    "sweep": "costcalc.studies.sweep.sweep",
}
"""Name of the API -> its module, where that is not costcalc.api."""

install_presenter("costcalc.render.display")


def __dir__() -> list[str]:
    """The names of the API, for completion."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'costcalc' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(HOMES.get(name, "costcalc.api")), name)
    globals()[name] = value
    return value
