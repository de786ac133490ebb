"""Headers of GGUF files: those that the official package wrote, and damaged ones."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest

from costcalc.core.errors import LoadError
from costcalc.frontends.gguf.block_types import BLOCK_TYPES
from costcalc.frontends.gguf.files import read_source
from costcalc.frontends.gguf.header import LongArray, ShortBufferError, parse_header
from costcalc.frontends.source import find_source

DATA = Path(__file__).parents[2] / "data" / "gguf"
FIGURES = json.loads((DATA / "figures.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FIGURES)
def test_what_the_official_package_says(name: str) -> None:
    header = parse_header((DATA / name).read_bytes())
    assert {t.name: [t.encoding, list(t.shape), t.nbytes] for t in header.tensors} == FIGURES[name]


def test_every_type() -> None:
    """[2, 3, 256] of each type of gguf 0.19; Q2_0 came after it (ggml-common.h: a half and 64 × 2 bits)."""
    types = {entry[0]: entry[2] for entry in FIGURES["types.gguf"].values() if entry[1] == [2, 3, 256]}
    assert types == {t.name: 2 * 3 * 256 // t.values * t.nbytes for t in BLOCK_TYPES.values() if t.name != "Q2_0"}
    assert BLOCK_TYPES[42].bits == 2.25 and BLOCK_TYPES[12].bits == 4.5 and BLOCK_TYPES[39].bits == 4.25


def test_metadata() -> None:
    header = parse_header((DATA / "types.gguf").read_bytes())
    values = {key.removeprefix("t."): value for key, value in header.metadata.items() if key.startswith("t.")}
    assert values == {
        "uint8": 255,
        "int8": -128,
        "uint16": 65535,
        "int16": -5,
        "int32": -6,
        "uint64": (1 << 64) - 1,
        "int64": -7,
        "float32": 0.5,
        "float64": 0.25,
        "bool": True,
        "text": "Grüße",
        "bools": (True, False),
        "numbers": (1, 2, 3),
        "texts": ("a", "", "bc"),
    }
    assert header.metadata["general.architecture"] == "llama" and header.metadata["llama.block_count"] == 2
    assert header.metadata["tokenizer.ggml.tokens"] == LongArray(5000)
    assert header.metadata["tokenizer.ggml.scores"] == LongArray(5000)
    assert header.version == 3 and not header.big_endian


def test_big_endian() -> None:
    header = parse_header((DATA / "big_endian.gguf").read_bytes())
    assert header.big_endian and header.metadata["llama.block_count"] == 3
    assert header.tensors[0].shape == (2, 5)


def test_a_split_model(tmp_path: Path) -> None:
    model = read_source(find_source(str(DATA / "split-00002-of-00002.gguf")))
    assert {name: t.nbytes for name, t in model.checkpoint.tensors.items()} == {
        "a": 4 * 64 * 2,
        "b": 4 * 32 * 2,
        "c": 4 * 96 * 2,
    }
    for name in ("split-00001-of-00002.gguf", "split-00002-of-00002.gguf"):
        shutil.copy(DATA / name, tmp_path)
    (tmp_path / "split-00001-of-00002.gguf").rename(tmp_path / "alone.gguf")
    with pytest.raises(LoadError, match=r"split-00001-of-00002\.gguf is not there; download all files"):
        read_source(find_source(str(tmp_path / "split-00002-of-00002.gguf")))
    with pytest.raises(LoadError, match="it is one of 2 files of a model"):
        read_source(find_source(str(tmp_path / "alone.gguf")))
    shutil.copy(tmp_path / "split-00002-of-00002.gguf", tmp_path / "split-00001-of-00002.gguf")
    with pytest.raises(LoadError, match="it says that it is file 1 of 2, from 0 on"):
        read_source(find_source(str(tmp_path / "split-00002-of-00002.gguf")))


def text(content: bytes, code: str = "Q") -> bytes:
    return struct.pack("<" + code, len(content)) + content


def tensor(name: bytes, extents: tuple[int, ...], kind: int, offset: int, code: str = "Q") -> bytes:
    shape = struct.pack(f"<I{len(extents)}{code}", len(extents), *extents)
    return text(name, code) + shape + struct.pack("<IQ", kind, offset)


def file(*tensors: bytes, pairs: tuple[bytes, ...] = (), data: int = 0, version: int = 3, code: str = "Q") -> bytes:
    head = b"GGUF" + struct.pack(f"<I2{code}", version, len(tensors), len(pairs)) + b"".join((*pairs, *tensors))
    return head + bytes(-len(head) % 32 + data)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_versions(version: int) -> None:
    """Version 1 counts in 32 bits."""
    code = "I" if version == 1 else "Q"
    pair = text(b"k", code) + struct.pack("<I", 8) + text(b"value", code)
    content = file(tensor(b"a", (32, 3), 8, 0, code), pairs=(pair,), data=3 * 34, version=version, code=code)
    header = parse_header(content)
    assert header.version == version and header.metadata == {"k": "value"}
    assert header.tensors[0]._asdict() == {"name": "a", "encoding": "Q8_0", "shape": (3, 32), "nbytes": 3 * 34}


def test_a_buffer_that_ends_before_the_header() -> None:
    """A remote file is read piece by piece: at each length the refusal says how much is missing at least."""
    content = (DATA / "types.gguf").read_bytes()
    whole = parse_header(content)
    length, rounds = 24, 0
    while rounds < 100_000:
        try:
            header = parse_header(content[:length], len(content))
            break
        except ShortBufferError as error:
            assert length < error.needed <= whole.data_offset
            length, rounds = error.needed, rounds + 1
    assert header == whole and length <= whole.data_offset


KEY = text(b"k")
F32 = tensor(b"a", (4,), 0, 0)
DAMAGED = [
    (b"GGUF", "reaches beyond the file"),
    (b"GGML" + bytes(20), "does not begin as a GGUF file"),
    (b"GGUF" + struct.pack("<IQQ", 4, 0, 0), "version 4; 1 to 3"),
    (b"GGUF" + struct.pack("<IQQ", 3, 1 << 63, 0), "claims 9,223,372,036,854,775,808 tensors"),
    (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40), "pairs of metadata"),
    (file(pairs=(struct.pack("<Q", 1 << 63),)), "a name claims"),
    (file(pairs=(struct.pack("<Q", 60_000),)), "reaches beyond the file"),
    (file(pairs=(KEY + struct.pack("<IQ", 8, 1 << 30),)), "reaches beyond the file"),
    (file(pairs=(KEY + struct.pack("<I", 13),)), "a value has the type 13"),
    (file(pairs=(KEY + struct.pack("<IIQ", 9, 0, 1 << 62),)), "reaches beyond the file"),
    (file(pairs=(KEY + struct.pack("<IIQ", 9, 8, 1 << 62),)), "texts, more than the file"),
    (file(pairs=(KEY + struct.pack("<IIQQ", 9, 8, 5000, 1 << 40),), data=60_000), "reaches beyond the file"),
    (file(pairs=(KEY + struct.pack("<IIQ", 9, 9, 1 << 62),)), "an array of arrays claims"),
    (file(pairs=(KEY + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9,)), "a value has the type 9"),
    (file(pairs=(KEY + struct.pack("<IB", 0, 1),) * 2), "the key 'k' stands twice"),
    (file(pairs=(text(b"general.alignment") + struct.pack("<II", 4, 0),)), "general.alignment is 0"),
    (file(pairs=(text(b"general.alignment") + struct.pack("<I", 8) + KEY,)), "general.alignment is k"),
    (file(tensor(b"a", (1,) * 5, 0, 0)), "has 5 axes"),
    (file(tensor(b"a", (4,), 4, 0)), "the type Q4_2, which ggml has removed"),
    (file(tensor(b"a", (4,), 77, 0)), "the type number 77"),
    (file(tensor(b"a", (100,), 12, 0)), "rows of 100, no whole number of Q4_K's 256"),
    (file(tensor(b"a", (1 << 62, 1 << 62), 0, 0)), "more than 2\\^60 values"),
    (file(tensor(b"a", (), 12, 0), data=999), "has no axis"),
    (file(F32, tensor(b"a", (4,), 0, 32), data=99), "'a' stands twice"),
    (file(F32, tensor(b"b", (4,), 0, 0), data=99), "'b' at byte 0 of the data overlaps"),
    (file(F32, tensor(b"b", (4,), 0, 64), data=99), "leaves a hole of 32"),
    (file(F32, tensor(b"b", (4,), 0, (1 << 64) - 1), data=99), "leaves a hole"),
    (file(F32, data=15), "end at byte 16 of the data, of which the file has 15"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED, ids=[message[:30] for _, message in DAMAGED])
def test_damaged_headers(content: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        parse_header(content)


def test_every_cut_is_refused() -> None:
    content = file(
        F32, tensor(b"b", (256, 2), 12, 32), pairs=(KEY + struct.pack("<IIQ2I", 9, 4, 2, 7, 8),), data=32 + 288
    )
    parse_header(content)
    for length in range(len(content)):
        with pytest.raises(LoadError):
            parse_header(content[:length])
