"""File formats to Graph (and ONNX back). The only place that knows where bytes come from.

The first bytes of a source decide which front end reads it; its suffix decides only where they match no format (a
damaged file).
"""

from __future__ import annotations

from typing import Any

from costcalc.core.arguments import refuse_read_options
from costcalc.core.budget import limited_work
from costcalc.core.dim import Poly
from costcalc.core.dim import symbols as symbols_of
from costcalc.core.errors import LoadError
from costcalc.core.ir import Graph
from costcalc.frontends.frontend import Frontend, Loaded, ParametricFrontend
from costcalc.frontends.options import ReadOptions, read_options
from costcalc.frontends.source import MODEL_REMEDY, ModelSource, Source, find_source, hold_source
from costcalc.frontends.table import BUILT_IN, YAML, frontends, suffixes


def load(source: ModelSource, **options: Any) -> Graph:
    """The graph of a model: a YAML or ONNX file (`-`: on standard input), a built-in name, a file of a git revision
    (`main:models/net.yaml`), the bytes of a file, a binary file object, or an onnx.ModelProto.

    The options are the fields of ReadOptions; extents are numbers or symbols' names. LoadError, SpecError, ShapeError
    and UsageError say what is wrong.
    """
    if isinstance(source, Graph):
        refuse_read_options(**options)
        return source
    return read_model(source, read_options(**options)).graph


ANY_SYMBOL = "*"
"""The name by which dims bind every symbol that is open."""

MAX_ROUNDS = 4
"""A model is read again with what was open bound; an extent that it then has may be open in its turn."""


def _bind_open(frontend: Frontend, source: Source, options: ReadOptions) -> Loaded:
    """A model and options whose dims have `*` → the model with every symbol that is open bound to its value."""
    dims = dict(options.dims)
    value = dims.pop(ANY_SYMBOL)
    for _ in range(MAX_ROUNDS):
        loaded = frontend.read(source, options._replace(dims=dims))
        types = loaded.graph.types.values()
        names = symbols_of(*{d for t in types for d in t.shape or () if isinstance(d, Poly)})
        if not names:
            break
        dims |= dict.fromkeys(names, value)
    if dims.keys() == options.dims.keys() - {ANY_SYMBOL}:
        graph = loaded.graph
        bound = "".join(
            f"; {name} is {number} by default" for name, number in graph.symbols.items() if name not in dims
        )
        note = f"--dim '{ANY_SYMBOL}={value}' binds nothing, no extent is open{bound}"
        return loaded._replace(graph=graph._replace(notes=(*graph.notes, note)))
    return loaded


SUPPORTED_FORMATS = "give a YAML model, an ONNX model, a .pt2, .tflite or .gguf file, or a built-in name"


def read_model(model: ModelSource, options: ReadOptions = ReadOptions()) -> Loaded:  # noqa: B008
    """A path, a built-in name, `REV:path`, `-` (standard input), bytes, a binary file object or an onnx.ModelProto ->
    its graph, with its source map if the options ask for one. CostcalcError where it is no model."""
    source = find_source(model)
    frontend = find_frontend(source)
    with limited_work("reading the model", nbytes=source.size):
        is_any = ANY_SYMBOL in options.dims
        loaded = _bind_open(frontend, source, options) if is_any else frontend.read(source, options)
    return loaded._replace(graph=loaded.graph._replace(settings=options.non_defaults()))


def find_frontend(source: Source) -> Frontend:
    """A source -> the front end that reads it: one that recognises it, else the one of its suffix; text without a
    suffix is a YAML model. LoadError for a file of another format, named where it is known, UsageError for another
    object."""
    for frontend in frontends():
        if frontend.recognises(source):
            return frontend
    if source.object is not None:
        from costcalc.frontends.objects import refuse_object

        refuse_object(source.object)
    from costcalc.frontends.foreign import refuse_directory, refuse_foreign

    if source.is_directory:
        refuse_directory(source)
        fact = f"{source.file} is a directory, and no config.json in it names a model_type"
        raise LoadError(fact, f"{MODEL_REMEDY}, or the directory of a Hugging Face model")
    refuse_foreign(source)
    for frontend in BUILT_IN:
        if source.kind in frontend.suffixes:
            return frontend
    if not source.kind and source.is_text:
        return YAML
    raise LoadError("its content is of no model format that is known", SUPPORTED_FORMATS, source.file)


def model_parameters(model: ModelSource) -> dict[str, Any] | None:
    """A model -> its own parameters with their defaults; None where its format has none. CostcalcError where it is no
    model."""
    source = find_source(model)
    frontend = find_frontend(source)
    return dict(frontend.parameters(source)) if isinstance(frontend, ParametricFrontend) else None


__all__ = [
    "YAML",
    "Frontend",
    "Loaded",
    "ModelSource",
    "ParametricFrontend",
    "ReadOptions",
    "Source",
    "find_frontend",
    "find_source",
    "hold_source",
    "load",
    "model_parameters",
    "read_model",
    "read_options",
    "suffixes",
]
