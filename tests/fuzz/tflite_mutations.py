"""A random source and TensorFlow Lite's small networks -> the bytes of a damaged `.tflite` file.

Numbers of four bytes are changed where they stand (offsets, lengths, indexes, extents), single bytes, and stretches.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

FILES = sorted((Path(__file__).parents[1] / "data" / "tflite").glob("*.tflite"))

HEADER = 8
"""Bytes of the root's offset and of the identifier, by which a file is known as one of this format."""

NUMBERS = (0, 1, 2, 3, 4, 8, 127, 255, 256, 4095, 65536, 1 << 20, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)


def damaged_flatbuffer(r: random.Random, models: Sequence[bytes] = ()) -> bytes:
    """A random source -> the bytes of a damaged file, which still begins as one."""
    data = bytearray(r.choice(list(models) or [path.read_bytes() for path in FILES]))
    for _ in range(r.choice((1, 1, 1, 2, 4, 16))):
        if len(data) > 4 * HEADER:
            _mutate(r, data)
    return bytes(data)


def _mutate(r: random.Random, data: bytearray) -> None:
    place = r.randrange(HEADER, len(data) - 4)
    kind = r.random()
    if kind < 0.3:
        data[place] = r.choice((0, 1, 2, 127, 128, 255, r.randrange(256)))
    elif kind < 0.65:  # a number, where the format aligns them
        place -= place % 4
        old = int.from_bytes(data[place : place + 4], "little")
        new = r.choice((*NUMBERS, old + 1, old - 1, old + 4, old * 2, r.randrange(64)))
        data[place : place + 4] = (new % (1 << 32)).to_bytes(4, "little")
    elif kind < 0.75:  # a field of a vtable
        place -= place % 2
        data[place : place + 2] = r.choice((0, 4, 6, 8, 12, 16, 65535)).to_bytes(2, "little")
    elif kind < 0.85:
        source, size = r.randrange(HEADER, len(data)), r.randrange(1, 64)
        data[place : place + size] = data[source : source + size]
    elif kind < 0.9:
        del data[place:]
    elif kind < 0.95:
        del data[place : place + r.randrange(1, 32)]
    else:
        data[place:place] = bytes(r.choice((1, 4, 16, 4096)))
