"""Why other counters say another number: their figures as sums of named parts, which follow from the graph."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.frontends import ModelSource
    from costcalc.reconcile.reconciliation import Reconciliation


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.reconcile has its name."""

    def __call__(self, model: ModelSource, **options: Any) -> Reconciliation:
        from costcalc.reconcile.find import reconcile

        return reconcile(model, **options)


sys.modules[__name__].__class__ = _Package
