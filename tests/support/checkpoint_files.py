"""Bytes of safetensors files with any header, right or wrong."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from costcalc.frontends.checkpoint.safetensors import BITS


def header_bytes(tensors: Mapping[str, tuple[str, Sequence[int]]]) -> tuple[bytes, int]:
    """Name -> (element type, shape) -> the header's JSON, and the bytes of the data behind it."""
    document, place = {}, 0
    for name, (encoding, shape) in tensors.items():
        bits = BITS[encoding]
        for extent in shape:
            bits *= extent
        document[name] = {"dtype": encoding, "shape": list(shape), "data_offsets": [place, place + bits // 8]}
        place += bits // 8
    return json.dumps(document).encode(), place


def framed(header: bytes, data: bytes = b"") -> bytes:
    """A header's JSON and data -> the bytes of a file."""
    return struct.pack("<Q", len(header)) + header + data


def write_safetensors(path: Path, tensors: Mapping[str, tuple[str, Sequence[int]]]) -> None:
    """A file with these tensors; its data is a hole of the file system, so that gigabytes cost nothing."""
    header, size = header_bytes(tensors)
    with path.open("wb") as file:
        file.write(framed(header))
        file.truncate(8 + len(header) + size)
