"""The first bytes of a source -> whether they are of a format with a built-in front end. Imports no reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from costcalc.frontends.module import TorchModule, is_torch_object
from costcalc.frontends.source import ZIP, RemoteModel, Source, is_onnx_message

TextFormat = Literal["onnxtxt", "textproto", "json"]
"""The text forms of an ONNX model, as onnx.load names them."""

MODEL_KEY = rb"(?m)^(name|source|description|aliases|params|input|blocks|layers|output):"

PROTOTXT = rb"(?m)^\s*layers?\s*:?\s*\{"
"""Caffe's text format has `name:` and `input:` at the beginning of lines too."""

TEXTUAL = (
    rb"(?:\s|#[^\n]*\n)*<\s*(ir_version|opset_import|producer_name|producer_version|domain|model_version|doc_string"
    rb"|metadata_props)\s*:"
)

TEXT_PROTO = (
    rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*(?:(?:ir_version|model_version)\s*:\s*-?\d"
    rb"|(?:producer_name|producer_version|domain|doc_string)\s*:\s*[\"']"
    rb"|(?:graph|opset_import|metadata_props|training_info|functions)\s*:?\s*[{<])"
)
"""A field of ONNX's ModelProto in protobuf's text format, which begins with no other message that is known."""

JSON_KEY = rb'"(?:irVersion|ir_version|opsetImport|opset_import|opType|op_type)"\s*:'
"""A key of ONNX's ModelProto, or of its first nodes, in protobuf's JSON mapping (in either spelling of names)."""

_VARINTS, _LENGTHS = frozenset((1, 5)), frozenset((2, 3, 4, 6, 7, 8, 14, 20, 25, 26))
"""Fields of ONNX's ModelProto by their wire types; see onnx.proto."""

_PRODUCER, _GRAPH = 2, 7

_CONTROL = rb"[\0-\x1f]"


def is_yaml(source: Source) -> bool:
    """Text with one of a YAML model's keys at the beginning of a line."""
    head = source.head
    is_model = source.is_text and re.search(MODEL_KEY, head) is not None and re.search(PROTOTXT, head) is None
    return is_model and text_format(head) is None


def is_onnx(source: Source) -> bool:
    """A ModelProto in memory or serialised, one of its text forms, or a zip archive that holds one (or is damaged)."""
    if source.object is not None:
        return is_onnx_message(source.object)
    head = source.head
    if source.is_text:
        return text_format(head) is not None
    if head.startswith(ZIP):
        return not source.members or any(name.endswith(".onnx") for name in source.members)
    return _is_model_message(head)


def is_exported_program(source: Source) -> bool:
    """PyTorch's PT2 archive (https://docs.pytorch.org/docs/stable/export/pt2_archive.html), or the form before 2.8."""
    names = source.members
    return any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names)


def is_tflite(source: Source) -> bool:
    """A flatbuffer with the identifier of TensorFlow Lite and LiteRT."""
    return source.head.startswith(b"TFL3", 4)


MODEL_TYPE = re.compile(rb'"(?:model_type|architectures)"\s*:')

CONFIG_NAME = "config.json"

MAX_CONFIG = 1 << 20
"""Bytes of a file of that name in which its model type is looked for: lists of layers may stand before it."""


GGUF_ADDRESS = re.compile(r"\.gguf(?:@[^/]*|[?#].*)?$", re.IGNORECASE)
"""The end of an address of a GGUF file, with a revision or a query: a hub's pages link to `x.gguf?download=true`."""


def is_gguf(source: Source) -> bool:
    """A GGUF file, here or on a server."""
    if isinstance(source.object, RemoteModel):
        return GGUF_ADDRESS.search(source.object.text) is not None
    return source.head.startswith(b"GGUF")


def is_hugging_face(source: Source) -> bool:
    """A Hugging Face configuration: a JSON object with a model type, or a folder, here or on a server, with a
    config.json that is one."""
    if isinstance(source.object, RemoteModel):
        return not is_gguf(source)
    if source.is_directory:
        path = source.path / CONFIG_NAME if source.path is not None else None
        return path is not None and path.is_file() and is_hugging_face(Source(CONFIG_NAME, path=path, file=str(path)))
    head = source.head
    if not source.is_text or not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    if MODEL_TYPE.search(head) is None and source.file.endswith(CONFIG_NAME):
        with source.open() as stream:
            head = stream.read(MAX_CONFIG)
    return MODEL_TYPE.search(head) is not None


def is_module(source: Source) -> bool:
    """A PyTorch module or an ExportedProgram in memory, or the text that names one."""
    return source.object is not None and (isinstance(source.object, TorchModule) or is_torch_object(source.object))


def text_format(head: bytes) -> TextFormat | None:
    """The first bytes of text -> which text form of ONNX they are of: onnx.parser's syntax, which begins with
    `<ir_version: …>`, protobuf's text format, or protobuf's JSON mapping; None where they are of none."""
    if re.match(TEXTUAL, head):
        return "onnxtxt"
    if re.match(TEXT_PROTO, head):
        return "textproto"
    is_object = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return "json" if is_object and re.search(JSON_KEY, head) else None


def _is_model_message(head: bytes) -> bool:
    """Whether the fields that lie in the first bytes are those of ONNX's ModelProto. Of TensorFlow's SavedModel and of
    Core ML, which begin alike, the second field is a message and not a producer's name."""
    has_model_field = False
    for number, wire, begin, end in protobuf_fields(head):
        if (wire, number in _VARINTS) != (0, True) and (wire, number in _LENGTHS) != (2, True):
            return False
        if number == _PRODUCER and (end > len(head) or re.search(_CONTROL, head[begin:end])):
            return False
        has_model_field = has_model_field or number in (1, _GRAPH)
    return has_model_field


def protobuf_fields(head: bytes) -> Iterator[tuple[int, int, int, int]]:
    """The first bytes of a message -> (field number, wire type, begin, end) of its fields; the last may reach beyond
    them. begin of a varint is its value. The field number 0 marks bytes that are no field, and ends the fields."""
    offset = 0
    while offset < len(head):
        key, offset = _varint(head, offset)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, offset = _varint(head, offset)
            yield number, wire, value, offset
            continue
        size, offset = _varint(head, offset) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), offset)
        if number == 0 or size < 0:
            yield 0, wire, offset, offset
            return
        yield number, wire, offset, offset + size
        offset += size


def _varint(head: bytes, offset: int) -> tuple[int, int]:
    """(value, next offset); bytes that are missing count as 0."""
    value = shift = 0
    while offset < len(head) and shift < 70:
        byte = head[offset]
        value |= (byte & 127) << shift
        offset += 1
        shift += 7
        if byte < 128:
            break
    return value, offset
