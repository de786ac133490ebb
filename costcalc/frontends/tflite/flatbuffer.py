"""A flatbuffer -> its tables, vectors and strings, found in place without a copy.

A table begins with the distance back to its vtable, which says at which offset of the table each field stands, 0 where
it has its default; see https://flatbuffers.dev/internals. Every offset is checked before it is followed. The work is
bounded: a step is counted for each table and each item of a vector, so that tables which many offsets share end in a
LimitError; nothing that a file states as a length is allocated before it is known to lie in the file.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple, Union

from costcalc.core.budget import spend
from costcalc.core.errors import LoadError

Buffer = Union[bytes, mmap.mmap]

REMEDY = "the file is cut, damaged, or no TensorFlow Lite model"

MAX_TEXT = 1 << 12
"""Bytes of the longest name that is read in full."""

_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")

SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}
"""Bytes of a number by its code in the struct module; all numbers are little-endian."""


class Vector(NamedTuple):
    """Where the items of a vector begin, and how many they are."""

    offset: int
    length: int


class FlatTable(NamedTuple):
    """A table of a buffer: where it begins, and its vtable and that one's bytes."""

    buffer: Buffer
    position: int
    vtable: int
    vtable_size: int

    def _find(self, field: int, size: int) -> int:
        """Where a field stands in the file; 0 where it has its default."""
        slot = 4 + 2 * field
        if slot + 2 > self.vtable_size:
            return 0
        offset: int = _U16.unpack_from(self.buffer, self.vtable + slot)[0]
        if not offset:
            return 0
        place = self.position + offset
        if offset < 4 or place + size > len(self.buffer):
            raise damage_error(f"field {field} of a table lies outside of the file", self.position)
        return place

    def number(self, field: int, code: str, default: int = 0) -> int:
        """A whole number (a truth value as 0 or 1), by its code in the struct module."""
        place = self._find(field, SIZES[code])
        return int(struct.unpack_from(f"<{code}", self.buffer, place)[0]) if place else default

    def real(self, field: int, default: float = 0.0) -> float:
        """A float32."""
        place = self._find(field, 4)
        return float(struct.unpack_from("<f", self.buffer, place)[0]) if place else default

    def table(self, field: int) -> FlatTable | None:
        """A table that the field refers to; None where it has none."""
        place = self._find(field, 4)
        return read_table(self.buffer, _follow(self.buffer, place)) if place else None

    def vector(self, field: int, size: int) -> Vector:
        """A vector whose items have `size` bytes; an empty one where the field has none."""
        place = self._find(field, 4)
        return read_vector(self.buffer, _follow(self.buffer, place), size) if place else Vector(0, 0)

    def numbers(self, field: int, code: str) -> tuple[int, ...]:
        """The whole numbers of a vector."""
        return read_numbers(self.buffer, self.vector(field, SIZES[code]), code)

    def reals(self, field: int) -> tuple[float, ...]:
        """The float32 numbers of a vector."""
        vector = self.vector(field, 4)
        spend(1 + vector.length)
        return struct.unpack_from(f"<{vector.length}f", self.buffer, vector.offset)

    def tables(self, field: int) -> Iterator[FlatTable]:
        """The tables of a vector of tables, in order."""
        offset, count = self.vector(field, 4)
        for place in range(offset, offset + 4 * count, 4):
            yield read_table(self.buffer, _follow(self.buffer, place))

    def text(self, field: int) -> str:
        """A string, cut after MAX_TEXT bytes; bytes that are no UTF-8 become \\x escapes. "" where there is none."""
        offset, count = self.vector(field, 1)
        spend(1 + min(count, MAX_TEXT) // 64)
        return str(self.buffer[offset : offset + min(count, MAX_TEXT)], "utf8", "backslashreplace")


def read_root(buffer: Buffer) -> FlatTable:
    """A flatbuffer -> its root table. LoadError where it is too short."""
    if len(buffer) < 8:
        raise damage_error("it has no root table", 0)
    return read_table(buffer, _follow(buffer, 0))


def read_table(buffer: Buffer, position: int) -> FlatTable:
    """The table at a position. LoadError where it or its vtable lies outside of the file."""
    spend(2)
    if position < 4 or position + 4 > len(buffer):
        raise damage_error("a table lies outside of the file", position)
    vtable = position - _I32.unpack_from(buffer, position)[0]
    if not 0 <= vtable <= len(buffer) - 4:
        raise damage_error("the vtable of a table lies outside of the file", position)
    size: int = _U16.unpack_from(buffer, vtable)[0]
    if size < 4 or vtable + size > len(buffer):
        raise damage_error(f"a vtable of {size} bytes is too short, or reaches beyond the file", vtable)
    return FlatTable(buffer, position, vtable, size)


def read_vector(buffer: Buffer, position: int, size: int) -> Vector:
    """The vector at a position. LoadError where its items reach beyond the file."""
    if position + 4 > len(buffer):
        raise damage_error("a vector lies outside of the file", position)
    count: int = _U32.unpack_from(buffer, position)[0]
    if position + 4 + count * size > len(buffer):
        raise damage_error(f"a vector claims {count:,} items of {size} bytes, more than the file has", position)
    return Vector(position + 4, count)


def read_numbers(buffer: Buffer, vector: Vector, code: str) -> tuple[int, ...]:
    """The whole numbers of a vector that is known to lie in the file."""
    spend(1 + vector.length)
    return struct.unpack_from(f"<{vector.length}{code}", buffer, vector.offset)


def _follow(buffer: Buffer, place: int) -> int:
    """What the offset at a place refers to."""
    offset: int = _U32.unpack_from(buffer, place)[0]
    if offset < 4 or place + offset >= len(buffer):
        raise damage_error("an offset leads out of the file", place)
    return place + offset


def damage_error(fact: str, offset: int) -> LoadError:
    """The refusal of a broken file."""
    return LoadError(f"{fact} (at byte {offset:,})", REMEDY)
