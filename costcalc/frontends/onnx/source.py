"""A path, bytes, a zip archive, text or an onnx.ModelProto -> the bytes of one serialised model.

A large ModelProto is serialised without the elements of its large tensors. The onnx package is imported only for the
text forms.
"""

from __future__ import annotations

import io
import lzma
import mmap
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from costcalc.core.errors import LoadError
from costcalc.frontends.archive import read_directory
from costcalc.frontends.onnx.wire import REMEDY, Buffer
from costcalc.frontends.recognition import TextFormat

MIN_MAPPED_BYTES = 1 << 25
"""Files from this size on are mapped, smaller ones read: bytes are faster to look at one by one."""

MAX_UNPACKED_BYTES = 1 << 31
"""Bytes of the largest model that is unpacked into memory; one that is stored uncompressed may be larger."""

_MAX_RATIO, _RATIO_FROM = 200, 1 << 26
"""Weights hardly compress: a member from this size on that shrank by more than this factor holds none."""

_MAX_TEXT_DEPTH = 200
"""Brackets inside each other in a textual model: its parser recurses."""

_CHUNK = 1 << 20

_ZIP = b"PK\x03\x04"


def read_bytes(source: str) -> Buffer:
    """The bytes of the model at a path."""
    path = Path(source)
    try:
        with path.open("rb") as file:
            if path.suffix == ".onnxtxt":
                return _parse_text(file.read(), "onnxtxt")
            if file.read(4) == _ZIP:
                return _read_archive(file)
            size = file.seek(0, 2)
            if size >= MIN_MAPPED_BYTES:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            file.seek(0)
            return file.read()
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror or error}", "check the path") from error


def unpack(data: bytes) -> Buffer:
    """The model in some bytes, which may be a zip archive."""
    return _read_archive(io.BytesIO(data)) if data[:4] == _ZIP else data


def _read_archive(file: IO[bytes]) -> Buffer:
    """The one .onnx file in an archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [i for i in archive.infolist() if i.filename.endswith(".onnx")]
            if len(members) != 1:
                names = ", ".join(i.filename for i in members[:5]) or "none"
                raise LoadError(
                    f"the archive holds {len(members)} .onnx files ({names})", "unpack the one that is meant"
                )
            info = members[0]
            compressed = info.compress_type != zipfile.ZIP_STORED
            overcompressed = info.file_size >= _RATIO_FROM and info.file_size > _MAX_RATIO * info.compress_size
            if compressed and (info.file_size > MAX_UNPACKED_BYTES or overcompressed):
                fact = f"{info.filename} unpacks from {info.compress_size:,} to {info.file_size:,} bytes"
                raise LoadError(fact, "unpack it first")
            with archive.open(info) as member:
                return _read_member(member, info)
    except _ARCHIVE_ERRORS as error:
        read_directory(file)  # says what zipfile does not: that the archive is cut off
        fact = f"the archive is damaged or of a kind that is not read: {error or type(error).__name__}"
        raise LoadError(fact, "unpack it first") from error


_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
"""The errors of zipfile and its decompressors; RuntimeError where a password is needed."""


def _read_member(member: IO[bytes], info: zipfile.ZipInfo) -> Buffer:
    """A member of an archive, after a look at its first byte: the key of a field, if it is a model."""
    head = member.read(1)
    if not head or head[0] < 8 or head[0] & 7 not in (0, 1, 2, 5):
        raise LoadError(f"{info.filename} is {'no protobuf message' if head else 'empty'}", REMEDY)
    if info.file_size < MIN_MAPPED_BYTES:
        return head + member.read()
    unpacked = mmap.mmap(-1, info.file_size)  # one copy, where bytes would be joined from two
    unpacked.write(head)
    while chunk := member.read(_CHUNK):
        unpacked.write(chunk)
    if unpacked.tell() != info.file_size:
        raise EOFError(f"{info.filename} is cut")
    return unpacked


MAX_TEXT_BYTES = 1 << 26
"""Bytes of the largest model that is parsed as text: parsers hold some ten times as much in memory."""


def parse_text(data: bytes, place: str, form: TextFormat) -> bytes:
    """The bytes of a text form of ONNX -> the serialised model; errors carry the place."""
    try:
        return _parse_text(data, form)
    except LoadError as error:
        raise error.at(place) from error


def _parse_text(data: bytes, form: TextFormat) -> bytes:
    """A text form of ONNX, parsed by the onnx and protobuf packages."""
    if len(data) > MAX_TEXT_BYTES:
        fact = f"a textual model of {len(data):,} bytes is larger than the {MAX_TEXT_BYTES:,} that are parsed"
        raise LoadError(fact, f"write it in binary: onnx.save(onnx.load(FILE, format={form!r}), 'model.onnx')")
    if _bracket_depth(data, form) > _MAX_TEXT_DEPTH:
        raise LoadError(f"brackets are nested more than {_MAX_TEXT_DEPTH} deep", "unnest them")
    import onnx
    from google.protobuf import json_format, text_format
    from onnx import parser

    try:
        text = data.decode("utf-8-sig")
        if form == "onnxtxt":
            model = parser.parse_model(text)
        elif form == "textproto":
            model = text_format.Parse(text, onnx.ModelProto())
        else:
            model = json_format.Parse(text, onnx.ModelProto())
    except (parser.ParseError, text_format.ParseError, json_format.ParseError, ValueError) as error:
        raise LoadError(f"it is no {TEXT_NAMES[form]}: {error}".strip(), "correct it") from error
    return serialize_model(model)


TEXT_NAMES: Mapping[TextFormat, str] = {
    "onnxtxt": "textual ONNX",
    "textproto": "ONNX model in protobuf's text format",
    "json": "ONNX model in protobuf's JSON mapping",
}


_BRACKETS: Mapping[TextFormat, re.Pattern[bytes]] = {
    "onnxtxt": re.compile(rb'"(?:[^"\\]|\\.)*"|#[^\n]*|=>|[\[({<]|[\])}>]', re.S),
    "textproto": re.compile(rb'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*|[\[{<]|[\]}>]', re.S),
    "json": re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.S),
}
"""Strings, comments and brackets of each text form."""


def _bracket_depth(data: bytes, form: TextFormat) -> int:
    """The depth of nested brackets, outside of strings and comments."""
    depth = max_depth = 0
    for match in _BRACKETS[form].finditer(data):
        token = match[0]
        if token in b"[({<":
            depth += 1
            max_depth = max(max_depth, depth)
        elif token in b"])}>":
            depth -= 1
    return max_depth


MAX_WHOLE_BYTES = 1 << 24
"""Bytes of the largest model that is serialised with all its weights."""

MAX_SMALL_BYTES = 1 << 16
"""Bytes of the largest part that is copied whole: more than any tensor whose elements the reader decodes."""

_PAYLOAD = frozenset(
    ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
)


def serialize_model(model: Any) -> bytes:
    """An onnx.ModelProto -> its bytes. Weights are never read, so those of a model above MAX_WHOLE_BYTES are left out
    of the copy: it stays small, and below the 2 GiB that protobuf can serialise."""
    if model.ByteSize() <= MAX_WHOLE_BYTES:
        full: bytes = model.SerializeToString()
        return full
    reduced = type(model)()
    _copy_without_payloads(model, reduced)
    data: bytes = reduced.SerializeToString()
    return data


def _copy_without_payloads(message: Any, target: Any) -> None:
    """Copies the set fields of a protobuf message into an empty one, without the elements of large tensors."""
    if message.ByteSize() <= MAX_SMALL_BYTES:
        target.CopyFrom(message)
        return
    is_tensor = message.DESCRIPTOR.name == "TensorProto"
    for field, value in message.ListFields():
        if is_tensor and field.name in _PAYLOAD:
            continue
        repeated = isinstance(getattr(target, field.name), type(value)) and hasattr(value, "extend")
        if field.message_type is None:
            if repeated:
                getattr(target, field.name).extend(value)
            else:
                setattr(target, field.name, value)
        elif repeated:
            for element in value:
                _copy_without_payloads(element, getattr(target, field.name).add())
        else:
            _copy_without_payloads(value, getattr(target, field.name))
