"""An ONNX source (file, bytes, archive, text or ModelProto) -> Loaded."""

from __future__ import annotations

from costcalc.core.ir import Graph
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.source import parse_text, serialize_model
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.recognition import is_textual_onnx
from costcalc.frontends.source import Source


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it is damaged. UnknownNameError for options.params."""
    remedy = "an ONNX file has no parameters; use --dim or --shape"
    options.refuse("params", "--set is for YAML models", remedy)
    if source.object is not None:
        return Loaded(_load(serialize_model(source.object), source, options))
    named_text = source.kind == ".onnxtxt"
    if is_textual_onnx(source.head) or (named_text and source.is_text):
        return Loaded(_load(parse_text(source.content(), source.file), source, options))
    if source.path is not None and not named_text:
        return Loaded(_load(str(source.path), source, options))
    return Loaded(_load(source.content(), source, options))


def _load(content: str | bytes, source: Source, options: ReadOptions) -> Graph:
    """load_onnx of a path or of bytes."""
    return load_onnx(
        content,
        options.dims,
        options.shapes,
        options.values,
        name=source.file,
        symbolic=options.symbolic,
        upper=options.upper,
    )
