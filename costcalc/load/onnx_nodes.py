"""Reads nodes and their attributes out of the wire format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from sys import intern
from typing import Any

from costcalc.ir import TensorType
from costcalc.load.onnx_graphs import graph
from costcalc.load.onnx_records import AttributeProto, NodeProto, Span
from costcalc.load.onnx_tensor import sparse_tensor, tensor
from costcalc.load.onnx_types import type_proto
from costcalc.load.wire import Buffer, damaged, fields, signed, string, varints


def plain_domain(domain: str) -> str:
    """ "ai.onnx" is the other name of the default domain ""."""
    return "" if domain == "ai.onnx" else domain


_SCOPES = b"\x0a\x1apkg.torch.onnx.name_scopes\x12"

Cache = dict[bytes, AttributeProto]
_CACHED_BYTES = 128
"""Attributes up to this size are read once per spelling: networks repeat kernel_shape = [3, 3] a hundred times."""


def nodes(buf: Buffer, spans: tuple[Span, ...], cache: Cache) -> Iterator[NodeProto]:
    """Reads nodes one by one. Names of values are interned: each is looked up some ten times, and the one object is
    found without comparing letters."""
    for at, end in spans:
        op_type = domain = overload = name = scopes = ""
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: list[AttributeProto] = []
        for key, a, b in fields(buf, at, end):
            if key == 10:
                inputs.append(intern(str(buf[a:b], "utf8", "backslashreplace")))
            elif key == 18:
                outputs.append(intern(str(buf[a:b], "utf8", "backslashreplace")))
            elif key == 42:
                if b - a > _CACHED_BYTES:
                    attributes.append(attribute(buf, a, b))
                    continue
                spelling = buf[a:b]
                known = cache.get(spelling)
                if known is None:
                    known = cache[spelling] = attribute(buf, a, b)
                attributes.append(known)
            elif key == 26:
                name = str(buf[a:b], "utf8", "backslashreplace")
            elif key == 34:
                op_type = intern(str(buf[a:b], "utf8", "backslashreplace"))
            elif key == 58:
                domain = plain_domain(string(buf, a, b))
            elif key == 66:
                overload = string(buf, a, b)
            elif key == 74 and buf[a : a + len(_SCOPES)] == _SCOPES:
                scopes = next((string(buf, c, d) for k, c, d in fields(buf, a, b) if k == 18), "")
        if not op_type:
            raise damaged("a node has no operator", at)
        yield NodeProto(op_type, domain, overload, name, tuple(inputs), tuple(outputs), tuple(attributes), scopes)


_EMPTY = {1: 0.0, 2: 0, 3: "", 6: (), 7: (), 8: (), 9: (), 10: (), 12: (), 14: ()}
"""AttributeProto.type -> the value where the field itself is left out: proto3 writers omit zeros and empty lists."""


def attribute(buf: Buffer, at: int, end: int) -> AttributeProto:
    """Reads an AttributeProto."""
    name = ref = ""
    kind = 0
    value: Any = None
    many: list[Any] = []
    for key, a, b in fields(buf, at, end):
        if key == 10:
            name = string(buf, a, b)
        elif key == 160:
            kind = a
        elif key == 24:
            value = signed(a)
        elif key == 64:
            many.append(signed(a))
        elif key == 66:
            many += map(signed, varints(buf, a, b))
        elif key == 21:
            (value,) = struct.unpack_from("<f", buf, a)
        elif key in (61, 58):
            many += struct.unpack_from(f"<{(b - a) // 4}f", buf, a)
        elif key == 34:
            value = string(buf, a, b)
        elif key == 74:
            many.append(string(buf, a, b))
        elif key in _MESSAGES:
            value = _MESSAGES[key](buf, a, b)
        elif key in _MESSAGE_LISTS:
            many.append(_MESSAGE_LISTS[key](buf, a, b))
        elif key == 170:
            ref = string(buf, a, b)
    if many or kind in (6, 7, 8, 9, 10, 12, 14):
        value = tuple(many)
    elif value is None:
        value = _EMPTY.get(kind)
    return AttributeProto(name, value, ref)


def _dense(buf: Buffer, at: int, end: int) -> TensorType:
    return tensor(buf, at, end).type()


def _sparse(buf: Buffer, at: int, end: int) -> TensorType:
    return sparse_tensor(buf, at, end).type()


_MESSAGES = {42: _dense, 50: graph, 114: type_proto, 178: _sparse}
_MESSAGE_LISTS = {82: _dense, 90: graph, 122: type_proto, 186: _sparse}
