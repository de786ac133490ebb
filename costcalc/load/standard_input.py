"""Standard input -> the model that came there, and what kind of file it would be: it has no name that tells."""

from __future__ import annotations

import re
import sys

from costcalc.errors import LoadError

LOOKED_AT = 4096
"""Bytes from the beginning that tell the kind."""
BINARY = re.compile(rb"[\0-\x08\x0e-\x1f]")
"""What no text holds, and every protobuf message: the key of its first field, or a length."""


def content() -> bytes:
    """All that comes on standard input. LoadError where nothing does: it is empty, closed or read already."""
    data: bytes = b"" if sys.stdin is None else sys.stdin.buffer.read()
    if not data:
        raise LoadError("standard input is empty", "pipe one model into it; it can be read once", "-")
    return data


def kind(data: bytes) -> str:
    """The suffix that a file of this content has: .yaml, .onnxtxt (which begins with its `<header>`) or .onnx."""
    head = data[:LOOKED_AT]
    if BINARY.search(head):
        return ".onnx"
    return ".onnxtxt" if head.lstrip().startswith(b"<") else ".yaml"
