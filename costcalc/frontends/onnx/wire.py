"""A message in protobuf's wire format -> its fields, found in place without a copy.

The wire format is a sequence of (key, payload), key = field number × 8 + wire type; see
https://protobuf.dev/programming-guides/encoding. A broken message is a LoadError with its byte offset. The work is
bounded by the bytes that are read: every step moves forward, and no length that a file states is allocated.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Union

from costcalc.core.errors import LoadError

Buffer = Union[bytes, mmap.mmap]

Field = tuple[int, int, int]

VARINT, FIXED64, LENGTH, START_GROUP, END_GROUP, FIXED32 = range(6)

REMEDY = "the file is cut, damaged, or not an ONNX model"

_SIGN = 1 << 63


def read_fields(buf: Buffer, offset: int, end: int) -> Iterator[Field]:
    """The fields of the message buf[offset:end] as (key, a, b): a varint's value is a (unsigned); any other payload is
    buf[a:b]."""
    if end > len(buf):
        raise damage_error("a message reaches beyond the end of the file", offset)
    while offset < end:
        field_start = offset
        key = buf[offset]
        offset += 1
        if key > 127:
            key, offset = _varint_tail(buf, offset, end, key)
        if key < 8:
            raise damage_error("a field has the number 0", field_start)
        wire = key & 7
        if wire == 2:
            if offset >= end:
                raise damage_error("a length is missing", offset)
            size = buf[offset]
            offset += 1
            if size > 127:
                size, offset = _varint_tail(buf, offset, end, size)
            stop = offset + size
            if stop > end:
                raise damage_error(f"field {key >> 3} claims {size} bytes where {end - offset} are left", field_start)
            yield key, offset, stop
            offset = stop
        elif wire == 0:
            if offset >= end:
                raise damage_error("a number is missing", offset)
            value = buf[offset]
            offset += 1
            if value > 127:
                value, offset = _varint_tail(buf, offset, end, value)
            yield key, value, offset
        elif wire == 5 or wire == 1:
            stop = offset + (4 if wire == 5 else 8)
            if stop > end:
                raise damage_error("a number is cut", field_start)
            yield key, offset, stop
            offset = stop
        else:
            wire_name = "a group" if wire in (START_GROUP, END_GROUP) else f"wire type {wire}"
            raise damage_error(f"field {key >> 3} is {wire_name}, which ONNX does not use", field_start)


def _varint_tail(buf: Buffer, offset: int, end: int, value: int) -> tuple[int, int]:
    """(value, next offset) of a varint whose first byte says that more follow."""
    value &= 127
    shift = 7
    while shift < 70:
        if offset >= end:
            raise damage_error("a number is cut", offset)
        byte = buf[offset]
        offset += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, offset
        shift += 7
    raise damage_error("a number has more than 10 bytes", offset)


def to_int64(value: int) -> int:
    """A varint as int64."""
    return value - (_SIGN << 1) if value >= _SIGN else value


def read_varints(buf: Buffer, offset: int, end: int) -> Iterator[int]:
    """The unsigned numbers of a packed field."""
    while offset < end:
        value = buf[offset]
        offset += 1
        if value > 127:
            value, offset = _varint_tail(buf, offset, end, value)
        yield value


def read_string(buf: Buffer, offset: int, end: int) -> str:
    """Bytes -> UTF-8 text; other bytes become \\x escapes, so that different names stay different."""
    return str(buf[offset:end], "utf8", "backslashreplace")


def damage_error(fact: str, offset: int) -> LoadError:
    """The refusal of a broken file."""
    return LoadError(f"{fact} (at byte {offset})", REMEDY)
