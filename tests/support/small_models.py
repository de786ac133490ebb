"""A folder with small models and a config, for tests of `check`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from onnx import TensorProto, helper

from support.onnx_models import info, model, weight

NET = """\
input: [N, 8, 10, 10]
layers:
  - conv: {filters: 4, kernel: 1, bias: false, as: stem}
  - relu
  - conv: {filters: 2, kernel: 1, bias: false, as: head}
"""
"""4·8·100 and 2·4·100 MACs, 32 and 8 parameters."""
MACS, PARAMS = 4 * 8 * 100 + 2 * 4 * 100, 4 * 8 + 2 * 4
WIDER = NET.replace("filters: 2", "filters: 4")
"""The head has 4·4·100 MACs."""
TEXT = """\
input: [N, seq, 16]
layers:
  - linear: {units: 4, bias: false, as: proj}
"""
"""16·4·seq MACs."""
BROKEN = NET.replace("filters: 2", "filtres: 2")


def write(folder: Path, **files: str) -> Path:
    """Files by name, `__` for a folder and the last `_` for the dot: net_yaml, models__net_yaml."""
    for name, text in files.items():
        file = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return folder


def mystery(file: Path) -> Path:
    """An ONNX model with an operator that nobody knows behind a convolution of 27·16·5 MACs."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Mystery", ["c"], ["y"], name="mystery", domain="com.acme"),
    ]
    inputs, stored = [info("x", TensorProto.FLOAT, [1, 3, 6, 6])], [weight("w", 5, 3, 3, 3)]
    file.write_bytes(model(nodes, inputs, ["y"], stored, opsets={"com.acme": 1}, name="mystery"))
    return file
