"""Two snapshots of a model → what was added, removed, renamed and changed, each with its cost and the causes."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.diff.change import Diff


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.diff has its name."""

    def __call__(self, before: Any, after: Any, **options: Any) -> Diff:
        from costcalc.api import diff

        return diff(before, after, **options)


sys.modules[__name__].__class__ = _Package
