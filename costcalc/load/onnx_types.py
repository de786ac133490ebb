"""Reads the types that an ONNX file declares: ValueInfoProto and TypeProto."""

from __future__ import annotations

from costcalc.errors import LoadError
from costcalc.load.onnx_records import TypeProto, ValueInfoProto
from costcalc.load.wire import REMEDY, Buffer, fields, signed, string


def value_info(buf: Buffer, at: int, end: int) -> ValueInfoProto:
    """Reads a ValueInfoProto."""
    name, type_ = "", TypeProto()
    for key, a, b in fields(buf, at, end):
        if key == 10:
            name = string(buf, a, b)
        elif key == 18:
            type_ = type_proto(buf, a, b)
    return ValueInfoProto(name, type_)


_KINDS = {10: "tensor", 34: "sequence", 42: "map", 66: "sparse", 74: "optional", 58: "opaque"}
_DEEPEST_TYPE = 16


def type_proto(buf: Buffer, at: int, end: int, depth: int = 0) -> TypeProto:
    """Reads a TypeProto."""
    if depth > _DEEPEST_TYPE:
        raise LoadError(f"types are nested more than {_DEEPEST_TYPE} deep (at byte {at})", REMEDY)
    for key, a, b in fields(buf, at, end):
        kind = _KINDS.get(key)
        if kind in ("tensor", "sparse"):
            return _tensor_type(kind, buf, a, b)
        if kind in ("sequence", "optional"):
            spans = [(c, d) for k, c, d in fields(buf, a, b) if k == 10]
            return TypeProto(kind, element=type_proto(buf, *spans[-1], depth + 1) if spans else None)
        if kind:
            return TypeProto(kind)
    return TypeProto()


def _tensor_type(kind: str, buf: Buffer, at: int, end: int) -> TypeProto:
    elem_type, dims = 0, None
    for key, a, b in fields(buf, at, end):
        if key == 8:
            elem_type = a
        elif key == 18:
            dims = tuple([_dim(buf, c, d) for k, c, d in fields(buf, a, b) if k == 10])
    return TypeProto(kind, elem_type, dims)


def _dim(buf: Buffer, at: int, end: int) -> int | str | None:
    for key, a, b in fields(buf, at, end):
        if key == 8:
            return signed(a)
        if key == 18:
            return string(buf, a, b)
    return None
