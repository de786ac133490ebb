"""An ONNX source (file, bytes, archive, text or ModelProto) -> Loaded."""

from __future__ import annotations

from costcalc.core.ir import Graph
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.onnx.source import parse_text, serialize_model
from costcalc.frontends.options import NO_PARAMETERS, ReadOptions
from costcalc.frontends.recognition import TextFormat, text_format
from costcalc.frontends.source import Source

NAMED_TEXT: dict[str, TextFormat] = {".onnxtxt": "onnxtxt", ".onnxtext": "onnxtxt", ".textproto": "textproto"}
"""Suffixes of text that is read as ONNX even where its first bytes do not show it: its errors say what is wrong."""


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it is damaged. UnknownNameError for options.params."""
    remedy = "an ONNX file has no parameters; --dim binds its symbols, --shape the extents of an input"
    options.refuse("params", NO_PARAMETERS, remedy)
    return Loaded(_load(model_content(source), source, options))


def model_content(source: Source) -> str | bytes:
    """A source -> the path of its file, or the bytes of the model: of text and of objects those that they stand for."""
    if source.object is not None:
        return serialize_model(source.object)
    form: TextFormat | None = text_format(source.head) if source.is_text else None
    if form is None and source.is_text:
        form = NAMED_TEXT.get(source.kind)
    if form is not None:
        return parse_text(source.content(), source.file, form)
    if source.path is not None and source.kind not in NAMED_TEXT:
        return str(source.path)
    return source.content()


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
