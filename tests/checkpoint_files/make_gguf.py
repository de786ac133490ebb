"""Writes the GGUF files of tests/data/gguf with the package gguf (0.19.0), and what it says of them:
`python tests/checkpoint_files/make_gguf.py`. The tests read what it wrote, and do not need it."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np

DATA = Path(__file__).parents[1] / "data" / "gguf"


def write_types(path: Path) -> None:
    """A tensor of [2, 3, blocks of 256] of each type, and metadata of each type of value."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_uint8("t.uint8", 255)
    writer.add_int8("t.int8", -128)
    writer.add_uint16("t.uint16", 65535)
    writer.add_int16("t.int16", -5)
    writer.add_int32("t.int32", -6)
    writer.add_uint64("t.uint64", (1 << 64) - 1)
    writer.add_int64("t.int64", -7)
    writer.add_float32("t.float32", 0.5)
    writer.add_float64("t.float64", 0.25)
    writer.add_bool("t.bool", True)
    writer.add_string("t.text", "Grüße")
    writer.add_array("t.bools", [True, False])
    writer.add_array("t.numbers", [1, 2, 3])
    writer.add_array("t.texts", ["a", "", "bc"])
    writer.add_array("tokenizer.ggml.tokens", [f"<{i}>" for i in range(5_000)])
    writer.add_array("tokenizer.ggml.scores", [0.5] * 5_000)
    for kind, (values, nbytes) in gguf.GGML_QUANT_SIZES.items():
        row = 256 // values * nbytes
        writer.add_tensor(f"t.{kind.name}", np.zeros((2, 3, row), np.uint8), raw_dtype=kind)
    writer.add_tensor("t.vector", np.zeros(7, np.float32))
    write(writer)


def write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_split(folder: Path) -> None:
    """Three tensors in files of at most two."""
    writer = gguf.GGUFWriter(folder / "split.gguf", "llama", split_max_tensors=2)
    for name, extent in (("a", 64), ("b", 32), ("c", 96)):
        writer.add_tensor(name, np.zeros((4, extent), np.float16))
    write(writer)


def describe(path: Path) -> dict[str, object]:
    """What the package's reader says of a file's tensors: name -> [type, shape, bytes]."""
    reader = gguf.GGUFReader(path)
    return {t.name: [t.tensor_type.name, [int(n) for n in reversed(t.shape)], int(t.n_bytes)] for t in reader.tensors}


def main() -> None:
    DATA.mkdir(exist_ok=True)
    write_types(DATA / "types.gguf")
    write_split(DATA)
    big = gguf.GGUFWriter(DATA / "big_endian.gguf", "llama", endianess=gguf.GGUFEndian.BIG)
    big.add_block_count(3)
    big.add_tensor("a", np.zeros((2, 5), np.float32))
    write(big)
    figures = {path.name: describe(path) for path in sorted(DATA.glob("*.gguf"))}
    (DATA / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
