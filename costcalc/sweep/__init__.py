"""Sweeps: a model at many sizes. `costcalc.sweep(…)` is the API's function; the package itself can be called."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.sweep.result import Sweep


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.sweep has its name."""

    def __call__(self, source: Any, **options: Any) -> Sweep:
        from costcalc.sweep.run import sweep

        return sweep(source, **options)


sys.modules[__name__].__class__ = _Package
