"""Rewrites that this field knows: where a model could be made cheaper, by how much exactly, and the model rewritten."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.frontends import ModelSource
    from costcalc.report import Report
    from costcalc.suggest.suggestions import Suggestions


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.suggest has its name."""

    def __call__(self, model: ModelSource | Report, **options: Any) -> Suggestions:
        from costcalc.suggest.find import suggest

        return suggest(model, **options)


sys.modules[__name__].__class__ = _Package
