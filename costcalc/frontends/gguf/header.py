"""The beginning of a GGUF file -> its metadata and its tensors.

The format (ggml, docs/gguf.md): "GGUF", a version, the numbers of tensors and of metadata pairs; the pairs, each a key,
a type and a value; for each tensor its name, extents (the contiguous one first), type and offset; padding; the data.
Version 1 counts in 32 bits, 2 and 3 in 64; since 3 a file may be big-endian. Nothing that a file announces is allocated
before it is known to lie in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from costcalc.core.budget import spend
from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.tensor import TensorEntry
from costcalc.frontends.gguf.block_types import BLOCK_TYPES, REMOVED

REMEDY = "the file is cut, damaged, or no GGUF file: download it again"

MAGIC = b"GGUF"

MAX_AXES = 4
"""GGML_MAX_DIMS."""

MAX_KEY = 1 << 16
"""Bytes of the longest key or tensor name."""

MAX_TEXT = 1 << 14
"""Bytes of the longest text value that is kept; of a longer one (a chat template) its beginning."""

MAX_ITEMS = 1 << 12
"""Items of the longest array that is kept; of a longer one (a vocabulary) its length only."""

MAX_BYTES = 1 << 60

MAX_DEPTH = 4
"""How deep arrays may be nested."""

MIN_PAIR, MIN_TENSOR = 8, 20
"""The least bytes of a metadata pair and of a tensor's description, in any version."""

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
"""Type of a value -> its code in the struct module; 8 is text, 9 an array."""

_BOOL, _TEXT, _ARRAY = 7, 8, 9


class HeaderBytes(Protocol):
    """bytes, or a file mapped into memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> bytes: ...


class LongArray(NamedTuple):
    """In the place of an array with more than MAX_ITEMS items: how many they are."""

    length: int


class ShortBufferError(LoadError):
    """The buffer holds less of the file than the header; needed are the bytes that are known to be in it."""

    def __init__(self, fact: str, remedy: str = REMEDY, place: str = "", needed: int = 0) -> None:
        super().__init__(fact, remedy, place)
        self.needed = needed


class GgufHeader(NamedTuple):
    """A header: version, metadata by key, tensors in the file's order (shapes with the contiguous axis last), where the
    data begins, and whether numbers are big-endian."""

    version: int
    metadata: Mapping[str, Any]
    tensors: tuple[TensorEntry, ...]
    data_offset: int
    big_endian: bool


class _Scanner:
    """A position in the buffer of a file of `size` bytes."""

    def __init__(self, buffer: HeaderBytes, size: int) -> None:
        self.buffer, self.size, self.place = buffer, size, 0
        self.order, self.count_code = "<", "Q"

    def skip(self, nbytes: int) -> int:
        """Moves on, and returns where it was. LoadError where the file, ShortBufferError where the buffer ends."""
        begin, end = self.place, self.place + nbytes
        if end > self.size:
            raise LoadError(f"its header reaches beyond the file (at byte {begin:,} of {self.size:,})", REMEDY)
        if end > len(self.buffer):
            raise ShortBufferError("its header is longer than what was read of the file", needed=end)
        self.place = end
        return begin

    def number(self, code: str) -> Any:
        """A number by its code in the struct module."""
        form = self.order + code
        return struct.unpack_from(form, self.buffer, self.skip(struct.calcsize(form)))[0]  # type: ignore[arg-type]

    def count(self) -> int:
        """A length: 32 bits in version 1, else 64."""
        return int(self.number(self.count_code))

    def text(self, limit: int = MAX_TEXT) -> str:
        """A text; of one longer than the limit its beginning. Bytes that are no UTF-8 become \\x escapes."""
        length = self.count()
        begin = self.skip(length)
        return str(self.buffer[begin : begin + min(length, limit)], "utf-8", "backslashreplace")

    def name(self) -> str:
        """A key or a tensor's name. LoadError where it is longer than the format lets it be."""
        begin = self.place
        length = self.count()
        if length > MAX_KEY:
            raise LoadError(f"a name claims {length:,} bytes (at byte {begin:,})", REMEDY)
        begin = self.skip(length)
        return str(self.buffer[begin : begin + length], "utf-8", "backslashreplace")

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value of a type of the format."""
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY and depth < MAX_DEPTH:
            return self._array(depth)
        code = _NUMBERS.get(kind)
        if code is None:
            raise LoadError(f"a value has the type {kind} (at byte {self.place:,})", REMEDY)
        number = self.number(code)
        return number != 0 if kind == _BOOL else number

    def _array(self, depth: int) -> Any:
        kind, length = self.number("I"), self.count()
        spend(1 + length // 8)
        code = _NUMBERS.get(kind)
        if code is not None:
            begin = self.skip(length * struct.calcsize("<" + code))
            if length > MAX_ITEMS:
                return LongArray(length)
            items = struct.unpack_from(f"{self.order}{length}{code}", self.buffer, begin)  # type: ignore[arg-type]
            return tuple([item != 0 for item in items]) if kind == _BOOL else items
        if kind == _TEXT and length > MAX_ITEMS:
            self._skip_texts(length)
            return LongArray(length)
        if length > MAX_ITEMS:
            raise LoadError(f"an array of arrays claims {length:,} items (at byte {self.place:,})", REMEDY)
        return tuple([self.value(kind, depth + 1) for _ in range(length)])

    def _skip_texts(self, count: int) -> None:
        """Moves over so many texts: half a million of a vocabulary, so without the functions for single values."""
        form = struct.Struct(self.order + self.count_code)
        buffer, place, end, width = self.buffer, self.place, len(self.buffer), form.size
        if place + count * width > self.size:
            raise LoadError(f"an array claims {count:,} texts, more than the file has bytes for", REMEDY)
        unpack = form.unpack_from
        for _ in range(count):
            if place + width > end:
                self.place = min(place, self.size)
                self.skip(width)
            place += width + unpack(buffer, place)[0]  # type: ignore[arg-type]
        self.skip(place - self.place)


def parse_header(buffer: HeaderBytes, size: int | None = None) -> GgufHeader:
    """The bytes of a file from its beginning, and the file's size if they are not all -> its header. LoadError where it
    is damaged, ShortBufferError where it goes on behind the buffer."""
    scanner = _Scanner(buffer, len(buffer) if size is None else size)
    if bytes(buffer[: len(MAGIC)]) != MAGIC:
        raise LoadError("it does not begin as a GGUF file", REMEDY)
    scanner.skip(len(MAGIC))
    version = scanner.number("I")
    if version & 0xFFFF == 0 and version:
        scanner.order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in (1, 2, 3):
        raise LoadError(f"it is GGUF version {version}; 1 to 3 are known", "convert the model again")
    scanner.count_code = "I" if version == 1 else "Q"
    tensor_count, pair_count = scanner.count(), scanner.count()
    if tensor_count * MIN_TENSOR + pair_count * MIN_PAIR > scanner.size:
        raise LoadError(f"it claims {tensor_count:,} tensors and {pair_count:,} pairs of metadata", REMEDY)
    metadata: dict[str, Any] = {}
    for _ in range(pair_count):
        spend(2)
        key = scanner.name()
        if key in metadata:
            raise LoadError(f"the key {key[:80]!r} stands twice in its metadata", REMEDY)
        metadata[key] = scanner.value(scanner.number("I"))
    entries = [_read_entry(scanner) for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 1 << 20:
        raise LoadError(f"its general.alignment is {str(alignment)[:40]}", REMEDY)
    data_offset = _padded(scanner.place, alignment)
    _check_offsets(entries, alignment, scanner.size - data_offset)
    return GgufHeader(version, metadata, tuple([entry for entry, _ in entries]), data_offset, scanner.order == ">")


def _padded(place: int, alignment: int) -> int:
    return -(-place // alignment) * alignment


def _read_entry(scanner: _Scanner) -> tuple[TensorEntry, int]:
    """The description of a tensor -> the tensor and its offset in the data."""
    spend(4)
    name = scanner.name()
    axes = scanner.number("I")
    if axes > MAX_AXES:
        raise LoadError(f"the tensor {name[:80]!r} has {axes:,} axes, the limit is {MAX_AXES}", REMEDY)
    extents = [scanner.count() for _ in range(axes)]
    number, offset = scanner.number("I"), scanner.number("Q")
    kind = BLOCK_TYPES.get(number)
    if kind is None:
        label = f"{REMOVED[number]}, which ggml has removed" if number in REMOVED else f"number {number}"
        raise LoadError(f"the tensor {name[:80]!r} has the type {label}", "quantise the model again")
    if extents and extents[0] % kind.values:
        fact = f"the tensor {name[:80]!r} has rows of {extents[0]:,}, no whole number of {kind.name}'s {kind.values}"
        raise LoadError(fact, REMEDY)
    blocks = 1
    for extent in extents:
        blocks *= extent
        if blocks > MAX_BYTES:
            raise LoadError(f"the tensor {name[:80]!r} has more than 2^60 values", REMEDY)
    if not extents and kind.values > 1:
        raise LoadError(f"the tensor {name[:80]!r} has no axis and the type {kind.name}", REMEDY)
    return TensorEntry(name, kind.name, tuple(reversed(extents)), blocks // kind.values * kind.nbytes), offset


def _check_offsets(entries: list[tuple[TensorEntry, int]], alignment: int, data_bytes: int) -> None:
    """LoadError where two tensors have a name, overlap, leave a hole that is no padding, or reach beyond the file."""
    names: set[str] = set()
    for entry, _ in entries:
        if entry.name in names:
            raise LoadError(f"the tensor {entry.name[:80]!r} stands twice", REMEDY)
        names.add(entry.name)
    place = 0
    for entry, offset in sorted(entries, key=lambda item: (item[1], item[0].nbytes)):
        expected = _padded(place, alignment)
        if offset != expected:
            problem = "overlaps the one before it" if offset < expected else f"leaves a hole of {offset - expected:,}"
            raise LoadError(f"the tensor {entry.name[:80]!r} at byte {offset:,} of the data {problem}", REMEDY)
        place = offset + entry.nbytes
    if place > data_bytes:
        fact = f"its tensors end at byte {place:,} of the data, of which the file has {max(data_bytes, 0):,}"
        raise LoadError(fact, REMEDY)
