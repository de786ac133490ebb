"""A random source and TensorFlow Lite's small networks -> the bytes of a damaged `.tflite` file.

The file's tables are walked first, so that changes hit what they mean: offsets, fields of vtables, lengths, enumerations,
indexes, extents, options, the contents of small constants; some bytes are changed blindly, moved or cut.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parents[1] / "data"
FILES = [path for name in ("tflite", "tflm", "npu") for path in sorted((DATA / name).glob("*.tflite"))]

HEADER = 8
"""Bytes of the root's offset and of the identifier, by which a file is known as one of this format."""

NUMBERS = (0, 1, 2, 3, 4, 8, 127, 255, 256, 4095, 65536, 1 << 20, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)

SCHEMA: dict[str, dict[int, str]] = {
    "Model": {
        0: "I",
        1: "[OperatorCode",
        2: "[SubGraph",
        3: "s",
        4: "[Buffer",
        7: "[SignatureDef",
        9: "[ExternalBuffer",
    },
    "OperatorCode": {0: "b", 1: "s", 2: "i", 3: "i"},
    "SubGraph": {0: "[Tensor", 1: "[i", 2: "[i", 3: "[Operator", 4: "s"},
    "Tensor": {0: "[i", 1: "b", 2: "I", 3: "s", 4: "Quantisation", 5: "b", 6: "Sparsity", 7: "[i", 8: "b", 10: "I"},
    "Quantisation": {2: "[i", 3: "[q", 4: "b", 5: "Options", 6: "i"},
    "Sparsity": {0: "[i", 1: "[i", 2: "[Dimension"},
    "Dimension": {0: "b", 1: "i", 2: "b", 3: "Options", 4: "b", 5: "Options"},
    "Operator": {0: "I", 1: "[i", 2: "[i", 3: "b", 4: "Options", 5: "s", 9: "q", 10: "q", 11: "b", 12: "Options"},
    "Buffer": {0: "s", 1: "q", 2: "q"},
    "SignatureDef": {0: "[TensorMap", 1: "[TensorMap", 2: "s", 4: "I"},
    "TensorMap": {0: "s", 1: "I"},
    "ExternalBuffer": {0: "I", 1: "I", 2: "q", 3: "q"},
    "Options": dict.fromkeys(range(8), "i"),
}
"""The fields of each table by number: a number by its code in the struct module, text (s), a table by its name, and [
before the items of a vector. Options stands for any of the tables of options: fields of four bytes."""

SIZES = {"b": 1, "i": 4, "I": 4, "q": 8}


class Place(NamedTuple):
    """Where something stands, its bytes, and what it is: a number, a length, an offset, a field of a vtable, data."""

    offset: int
    size: int
    kind: str


@lru_cache(maxsize=128)
def find_places(content: bytes) -> tuple[Place, ...]:
    """The places of a sound file that a change may hit."""
    places: list[Place] = []
    _visit(content, struct.unpack_from("<I", content, 0)[0], "Model", places)
    return tuple(places)


def _visit(content: bytes, position: int, name: str, places: list[Place]) -> None:
    vtable = position - struct.unpack_from("<i", content, position)[0]
    size = struct.unpack_from("<H", content, vtable)[0]
    places += [Place(position, 4, "offset"), Place(vtable, 2, "field")]
    for field, kind in SCHEMA[name].items():
        slot = vtable + 4 + 2 * field
        if slot + 2 > vtable + size:
            continue
        places.append(Place(slot, 2, "field"))
        offset = struct.unpack_from("<H", content, slot)[0]
        if offset:
            _visit_field(content, position + offset, kind, places)


def _visit_field(content: bytes, place: int, kind: str, places: list[Place]) -> None:
    if kind in SIZES:
        if place + SIZES[kind] <= len(content):
            places.append(Place(place, SIZES[kind], "number"))
        return
    places.append(Place(place, 4, "offset"))
    target = place + struct.unpack_from("<I", content, place)[0]
    if kind in SCHEMA:
        _visit(content, target, kind, places)
        return
    places.append(Place(target, 4, "length"))
    count = struct.unpack_from("<I", content, target)[0]
    item = kind[1:]
    if item in SCHEMA:
        for i in range(count):
            place = target + 4 + 4 * i
            places.append(Place(place, 4, "offset"))
            _visit(content, place + struct.unpack_from("<I", content, place)[0], item, places)
    elif kind == "s":
        places += [Place(target + 4 + 4 * i, 4, "data") for i in range(min(count // 4, 8))]
    else:
        places += [Place(target + 4 + SIZES[item] * i, SIZES[item], "number") for i in range(min(count, 8))]


def damaged_flatbuffer(r: random.Random, models: Sequence[bytes] = ()) -> bytes:
    """A random source -> the bytes of a damaged file, which still begins as one."""
    content = r.choice(list(models) or _contents())
    data = bytearray(content)
    places = find_places(content)
    for _ in range(r.choice((1, 1, 1, 2, 4, 16))):
        if r.random() < 0.85:
            _change_place(r, data, places)
        elif len(data) > 4 * HEADER:
            _change_bytes(r, data)
    return bytes(data)


@lru_cache(maxsize=1)
def _contents() -> list[bytes]:
    return [path.read_bytes() for path in FILES]


def _change_place(r: random.Random, data: bytearray, places: Sequence[Place]) -> None:
    """A number becomes another one; an offset leads to another table or vector, or nowhere."""
    place, size, kind = r.choice(places)
    if place < HEADER or place + size > len(data):
        return
    old = int.from_bytes(data[place : place + size], "little")
    if kind == "field":
        new = r.choice((0, 4, 6, 8, 12, 16, 65535, int.from_bytes(data[place - 2 : place], "little")))
    elif kind == "offset" and r.random() < 0.6:
        new = r.choice([other.offset for other in places if other.kind in ("offset", "length")]) - place
    else:
        new = r.choice((*NUMBERS, old + 1, old - 1, old + 4, old * 2, r.randrange(24), r.randrange(256), -1, -2))
    data[place : place + size] = (new % (1 << 8 * size)).to_bytes(size, "little")


def _change_bytes(r: random.Random, data: bytearray) -> None:
    place = r.randrange(HEADER, len(data) - 4)
    kind = r.random()
    if kind < 0.4:
        data[place] = r.choice((0, 1, 2, 127, 128, 255, r.randrange(256)))
    elif kind < 0.6:
        source, size = r.randrange(HEADER, len(data)), r.randrange(1, 64)
        data[place : place + size] = data[source : source + size]
    elif kind < 0.75:
        del data[place:]
    elif kind < 0.9:
        del data[place : place + r.randrange(1, 32)]
    else:
        data[place:place] = bytes(r.choice((1, 4, 16, 4096)))
