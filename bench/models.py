"""Writes the large models that the benchmarks read: chains in YAML and ONNX, exports with and without weights."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from costcalc.frontends import load
from costcalc.frontends.onnx.writer import export


def yaml_chain(path: Path, layers: int) -> Path:
    """A chain of `layers` 3×3 convolutions."""
    line = "  - conv: {filters: 64, kernel: 3, pad: same}\n"
    path.write_text("input: [N, 64, 16, 16]\nlayers:\n" + line * layers)
    return path


def onnx_chain(path: Path, nodes: int) -> Path:
    """A chain of `nodes` nodes: convolutions that share one weight, and ReLUs."""
    made = []
    for i in range(nodes):
        inputs = [f"v{i}", "w"] if i % 2 == 0 else [f"v{i}"]
        made.append(helper.make_node("Conv" if i % 2 == 0 else "Relu", inputs, [f"v{i + 1}"], name=f"node_{i}"))
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[16, 16, 1, 1], raw_data=bytes(16 * 16 * 4))
    graph = helper.make_graph(
        made,
        "chain",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, [1, 16, 8, 8])],
        [helper.make_tensor_value_info(f"v{nodes}", TensorProto.FLOAT, None)],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def exported(path: Path, name: str, weights: str, **options: object) -> Path:
    """A built-in model as an ONNX file."""
    export(load(name, **options), path, weights)  # type: ignore[arg-type]
    return path


def with_external_data(path: Path) -> bool:
    """Whether a file's weights lie beside it."""
    model = onnx.load(path, load_external_data=False)
    return any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer)
