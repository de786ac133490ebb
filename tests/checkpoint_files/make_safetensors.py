"""Writes the safetensors files of tests/data/checkpoint with the package safetensors (0.8.0) and ml_dtypes:
`python tests/checkpoint_files/make_safetensors.py`. The tests read what it wrote, and need neither."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

DATA = Path(__file__).parents[1] / "data" / "checkpoint"

TYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
}


def main() -> None:
    DATA.mkdir(exist_ok=True)
    known = {}
    for name, dtype in TYPES.items():
        try:
            save_file({name: np.zeros((2, 3), dtype)}, DATA / "one.safetensors")
        except (KeyError, ValueError, TypeError) as error:
            print(name, "is not written:", error)
            continue
        known[name] = np.zeros((2, 3, 4), dtype)
    known["scalar"] = np.zeros((), np.float32)
    known["empty"] = np.zeros((0, 7), np.float32)
    save_file(known, DATA / "types.safetensors", metadata={"format": "np", "note": "[[{{}}]]"})
    (DATA / "one.safetensors").unlink()
    shards = [("a.weight", 3), ("b.weight", 5)], [("c.weight", 7)]
    index = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        (DATA / "sharded").mkdir(exist_ok=True)
        save_file({name: np.zeros((n, n), np.float16) for name, n in names}, DATA / "sharded" / file)
        index.update({name: file for name, _ in names})
    document = {"metadata": {"total_size": 2 * (9 + 25 + 49)}, "weight_map": index}
    (DATA / "sharded" / "model.safetensors.index.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
