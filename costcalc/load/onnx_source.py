"""Where an ONNX model's bytes come from: a file, standard input, a zip archive with one model, or textual ONNX."""

from __future__ import annotations

import io
import mmap
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO

from costcalc.errors import LoadError
from costcalc.load.wire import Buffer

MAPPED = 1 << 25
"""Files from this size on are mapped, smaller ones read: bytes are faster to look at one by one."""
LARGEST_UNPACKED = 1 << 31
"""Bytes of the largest model that is unpacked into memory."""

_ZIP = b"PK\x03\x04"


def read(source: str) -> Buffer:
    """The bytes of the model at a path, or on standard input where it is `-`."""
    if source == "-":
        return unpack(sys.stdin.buffer.read())
    path = Path(source)
    try:
        with path.open("rb") as file:
            if path.suffix == ".onnxtxt":
                return _text(file.read())
            if file.read(4) == _ZIP:
                return _zip(file)
            size = file.seek(0, 2)
            if size >= MAPPED:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            file.seek(0)
            return file.read()
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror or error}", "check the path") from error


def unpack(data: bytes) -> bytes:
    """The model in some bytes, which may be a zip archive."""
    return _zip(io.BytesIO(data)) if data[:4] == _ZIP else data


def _zip(file: IO[bytes]) -> bytes:
    """The one .onnx file in an archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            found = [i for i in archive.infolist() if i.filename.endswith(".onnx")]
            if len(found) != 1:
                names = ", ".join(i.filename for i in found[:5]) or "none"
                raise LoadError(f"the archive holds {len(found)} .onnx files ({names})", "unpack the one that is meant")
            if found[0].file_size > LARGEST_UNPACKED:
                raise LoadError(f"{found[0].filename} unpacks to {found[0].file_size:,} bytes", "unpack it first")
            return archive.read(found[0])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise LoadError(f"the archive cannot be unpacked: {error}", "unpack it first") from error


def _text(data: bytes) -> bytes:
    """ONNX's textual form, parsed by the onnx package."""
    try:
        from onnx import parser
    except ImportError as error:
        raise LoadError("a textual model is parsed by the onnx package", "pip install 'costcalc[onnx]'") from error
    try:
        parsed: bytes = parser.parse_model(data.decode("utf8")).SerializeToString()
        return parsed
    except (parser.ParseError, UnicodeDecodeError) as error:
        raise LoadError(f"it is no textual ONNX: {error}".strip(), "correct it") from error
