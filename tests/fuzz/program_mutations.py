"""A random source and exported programs of PyTorch -> a damaged one: its JSON changed as a tree, or its archive."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FILES = sorted((Path(__file__).parents[1] / "data" / "pt2").glob("*.pt2"))

SIZES = (0, -1, 1, 2, 7, 65536, 1 << 31, (1 << 63) - 1, -(1 << 63), 1 << 64, 10**400, 0.5, 1e400, True, None)

EXPRESSIONS = (
    "s0",
    "Symbol('s0', positive=True, integer=True)",
    "Mul(Integer(2), Symbol('s77'))",
    "FloorDiv(s0, 0)",
    "s0**9999999",
    "Pow(Symbol('s0'), Integer(64))",
    "Max(" * 300,
    "(s0 + s1 + s2 + s3)**8",
    "__import__('os')",
    "lambda: 0",
    "-".join(["s0"] * 400),
    "",
    "🦆",
)

TARGETS = (
    "torch.ops.aten.conv2d.default",
    "torch.ops.aten.linear.default",
    "torch.ops.aten.view.default",
    "torch.ops.aten.lstm.input",
    "torch.ops.aten.cat.default",
    "torch.ops.aten.repeat.default",
    "torch.ops.higher_order.while_loop",
    "torch.ops.mine.op.default",
    "aten",
    "..",
    "x" * 5000,
)


def damaged_program(r: random.Random, programs: Sequence[bytes] = ()) -> bytes:
    """A random source -> the bytes of a damaged `.pt2` file."""
    content = r.choice(list(programs) or [path.read_bytes() for path in FILES])
    if r.random() < 0.25:
        return _damage_archive(r, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = next(name for name in members if name.endswith("models/model.json"))
    document = json.loads(members[name])
    for _ in range(r.choice((1, 1, 1, 2, 3, 8))):
        _mutate(r, document)
    members[name] = json.dumps(document).encode()
    return _pack(r, members)


def _pack(r: random.Random, members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", r.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if r.random() < 0.05:
            archive.writestr("../../models/other.json", b"{}")
    return buffer.getvalue()


def _damage_archive(r: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    kind = r.randrange(5)
    if kind == 0:
        del data[r.randrange(len(data)) :]
    elif kind == 1:
        for _ in range(r.choice((1, 4, 32))):
            data[r.randrange(len(data))] = r.randrange(256)
    elif kind == 2:  # the directory, which stands at the end
        start = max(0, len(data) - 400)
        for _ in range(r.choice((1, 2, 8))):
            data[r.randrange(start, len(data))] = r.choice((0, 1, 127, 255))
    elif kind == 3:  # many zeros, packed
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("m/archive_format", b"pt2")
            archive.writestr("m/models/model.json", b'{"a": [' + b"0," * r.choice((1000, 1 << 20, 1 << 23)) + b"0]}")
        return buffer.getvalue()
    else:
        depth = r.choice((100, 5000, 200_000))
        return _pack(r, {"m/archive_format": b"pt2", "m/models/model.json": b"[" * depth + b"]" * depth})
    return bytes(data)


def _mutate(r: random.Random, document: Any) -> None:
    """Changes one place of a tree of JSON."""
    places = list(_places(document, r))
    container, key = r.choice(places)
    value = container[key]
    kind = r.random()
    if kind < 0.15 and isinstance(container, dict):
        del container[key]
    elif kind < 0.3:
        container[key] = r.choice(SIZES)
    elif kind < 0.4:
        container[key] = r.choice(([], {}, "", "x", [[]], {"name": "x"}, {"as_int": 1}, {"as_tensor": {"name": "x"}}))
    elif kind < 0.5:
        other, other_key = r.choice(places)
        container[key] = copy.deepcopy(other[other_key])  # a tree: a cycle could not be written
        if len(json.dumps(document)) > 3_000_000:
            container[key] = None
    elif kind < 0.6 and isinstance(value, list):
        container[key] = value[::-1] if r.random() < 0.5 else value * r.choice((0, 2, 3))
    elif isinstance(value, str):
        container[key] = r.choice((*EXPRESSIONS, *TARGETS, value[:-1], value + "_2", value[::-1]))
    elif isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int):
        container[key] = r.choice((*SIZES, value + 1, -value, value * 2))
    else:
        container[key] = r.choice(SIZES)


def _places(value: Any, r: random.Random, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Containers and keys of a tree, those that are deep less often."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        if depth < 3 or r.random() < 0.3:
            yield value, key
        if isinstance(inner, (dict, list)) and key != "metadata":
            yield from _places(inner, r, depth + 1)
