"""A path, a built-in name or a Graph -> Graph, by the front end that reads it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from costcalc.dim import Dim
from costcalc.given import read_already
from costcalc.ir import Graph
from costcalc.load.builtin import builtin_models, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from costcalc.frontends import ModelSource


def load(
    source: ModelSource,
    *,
    dims: Mapping[str, Dim | str] | None = None,
    params: Mapping[str, Any] | None = None,
    shapes: Mapping[str, Sequence[Dim | str]] | None = None,
    values: Mapping[str, int | bool] | None = None,
    symbolic: bool = False,
) -> Graph:
    """The graph of a model: a YAML or ONNX file (`-`: on standard input), a built-in name, a file of a git revision
    (`main:models/net.yaml`), the bytes of a file, a binary file object, or an onnx.ModelProto.

    dims binds symbols, params replaces a YAML model's parameters, shapes replaces whole input shapes (extents are
    numbers or symbols' names), values binds small integer or boolean inputs of an ONNX model; symbolic leaves batch
    and spatial extents open. LoadError, SpecError, ShapeError and UsageError say what is wrong.
    """
    if isinstance(source, Graph):
        read_already(dims=dims, params=params, shapes=shapes, values=values, symbolic=symbolic)
        return source
    from costcalc.frontends import read_model, read_options  # it reads by the modules of this package

    options = read_options(dims=dims, params=params, shapes=shapes, values=values, symbolic=symbolic)
    return read_model(source, options).graph


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.load has its name."""

    def __call__(self, source: ModelSource, **options: Any) -> Graph:
        from costcalc.api import load as of_the_api

        return of_the_api(source, **options)


sys.modules[__name__].__class__ = _Package

__all__ = ["builtin_models", "load", "names"]
