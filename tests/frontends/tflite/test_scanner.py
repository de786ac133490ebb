"""The scanner over a flatbuffer: what is damaged is refused with its place, and nothing outside of the file is read."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.paths import DATA

import costcalc
from costcalc.core.errors import CostcalcError, LoadError
from costcalc.frontends.tflite.flatbuffer import read_root
from costcalc.frontends.tflite.model import read_model
from costcalc.frontends.tflite.operators import BUILTIN_OPERATORS, ELEMENT_TYPES

FOLDER = DATA / "tflite"


def flat_table(*fields: bytes) -> bytes:
    """A flatbuffer of one table whose fields have 4 bytes each."""
    vtable = struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
    vtable += b"".join(struct.pack("<H", 4 + 4 * i) for i in range(len(fields)))
    start = 8 + len(vtable)
    return struct.pack("<I", start) + b"TFL3" + vtable + struct.pack("<i", len(vtable)) + b"".join(fields)


def test_fields_of_a_table() -> None:
    table = read_root(flat_table(struct.pack("<i", -7), struct.pack("<f", 0.5)))
    assert (table.number(0, "i"), table.real(1), table.number(2, "i", 9)) == (-7, 0.5, 9)
    assert table.table(5) is None and table.numbers(5, "i") == () and table.text(5) == ""


@pytest.mark.parametrize(
    ("offset", "fact"),
    [
        (1 << 30, "an offset leads out of the file"),
        (0, "an offset leads out of the file"),
        (5, "claims .* more than the file has"),
    ],
)
def test_an_offset_that_leads_out_of_the_file(offset: int, fact: str) -> None:
    content = flat_table(struct.pack("<I", offset), b"\xff\xff\xff\xff", b"\xff\xff\xff\xff")
    with pytest.raises(LoadError, match=fact):
        read_root(content).vector(0, 4)


@pytest.mark.parametrize("name", ["convolutions", "slices", "recurrent"])
def test_every_cut_is_refused(name: str) -> None:
    content = (FOLDER / f"{name}.tflite").read_bytes()
    for size in range(8, len(content), len(content) // 40):
        with pytest.raises(CostcalcError):
            costcalc.analyze(content[:size])


def test_another_version_is_refused() -> None:
    with pytest.raises(LoadError, match="version 2 of the schema"):
        costcalc.analyze(flat_table(struct.pack("<I", 2)))


def test_a_model_without_subgraphs_is_refused() -> None:
    with pytest.raises(LoadError, match="holds no subgraph"):
        costcalc.analyze(flat_table(struct.pack("<I", 3)))


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "network"
    path.write_bytes((FOLDER / "products.tflite").read_bytes())
    assert costcalc.analyze(path).macs == costcalc.analyze(FOLDER / "products.tflite").macs


def test_buffers_behind_the_flatbuffer() -> None:
    """Files beyond 2 GB keep their constants behind the flatbuffer: the bytes are found by offset and size."""
    content = (FOLDER / "behind.tflite").read_bytes()
    tensors = read_model(content).subgraphs[0].tensors
    places = [t.data for t in tensors if t.data is not None]
    assert places and all(p.offset + p.length <= len(content) for p in places)
    assert costcalc.analyze(content).macs == costcalc.analyze(FOLDER / "products.tflite").macs
    with pytest.raises(LoadError, match="reaches beyond the file"):
        costcalc.analyze(content[:-16])


def test_the_table_of_operators() -> None:
    """Names that the schema numbers, from its first to its newest."""
    numbers = {"ADD": 0, "CUSTOM": 32, "BATCH_MATMUL": 126, "GELU": 150, "STABLEHLO_LOGISTIC": 162, "DILATE": 203}
    assert {name: BUILTIN_OPERATORS.index(name) for name in numbers} == numbers
    assert len(set(BUILTIN_OPERATORS)) == len(BUILTIN_OPERATORS) == 210
    assert [ELEMENT_TYPES[i].label for i in (0, 1, 9, 17, 18, 22)] == [
        "float32",
        "float16",
        "int8",
        "int4",
        "bfloat16",
        "float8e5m2",
    ]
