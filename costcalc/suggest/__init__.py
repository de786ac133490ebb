"""Rewrites that this field knows: where a model could be made cheaper, by how much exactly, and the model rewritten."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from costcalc.ir import Graph

if TYPE_CHECKING:
    from costcalc.report import Report
    from costcalc.suggest.suggestions import Suggestions


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.suggest has its name."""

    def __call__(self, model: str | os.PathLike[str] | Graph | Report, **options: Any) -> Suggestions:
        from costcalc.suggest.find import suggest

        return suggest(model, **options)


sys.modules[__name__].__class__ = _Package
