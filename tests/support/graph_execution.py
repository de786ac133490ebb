"""ONNX Runtime as the oracle of shapes: runs a Graph with every value as an output."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime

from costcalc.core.ir import DType, Graph
from costcalc.frontends.onnx import stored as onnx_weights
from costcalc.frontends.onnx.writer import export

onnxruntime.set_default_logger_severity(4)
NUMPY = {
    DType.FLOAT32: np.float32,
    DType.FLOAT16: np.float16,
    DType.FLOAT64: np.float64,
    DType.INT64: np.int64,
    DType.INT32: np.int32,
    DType.BOOL: np.bool_,
    DType.UINT8: np.uint8,
    DType.INT8: np.int8,
}


def executed(graph: Graph, folder: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """(element type, shape) of every value that a node computes, as ONNX Runtime computes it on inputs of ones. The
    weights are zeros in a sparse file, which is mapped: nothing is copied."""
    path = folder / "model.onnx"
    with patch.object(onnx_weights, "MAX_INLINE_BYTES", 0):
        export(graph, path, "zeros")
    model = onnx.load(path, load_external_data=False)
    names = list(
        dict.fromkeys(name for node in model.graph.node for name in node.output if name and node.op_type != "Constant")
    )
    del model.graph.output[:]
    del model.graph.value_info[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(path), options)
    types = [graph.types[name] for name in graph.inputs]
    feeds: dict[str, Any] = {
        n: np.ones(onnx_weights.require_numbers(t.shape or (), n), NUMPY[t.dtype])
        for n, t in zip(graph.inputs, types, strict=True)
    }
    results = session.run(names, feeds)
    return {name: (str(r.dtype), r.shape) for name, r in zip(names, results, strict=True)}


def result(graph: Graph, folder: Path) -> Any:
    """The only output of a graph with random weights, on random inputs that are the same each time."""
    export(graph, folder / "run.onnx", weights="random")
    session = onnxruntime.InferenceSession(folder / "run.onnx", providers=["CPUExecutionProvider"])
    feeds = {i.name: np.random.default_rng(0).standard_normal(i.shape, np.float32) for i in session.get_inputs()}
    (array,) = session.run(None, feeds)
    return array


def inferred(graph: Graph) -> dict[str, tuple[str, tuple[object, ...]]]:
    """The same, as the graph has it."""
    computed = {name for node in graph.nodes for name in node.outputs if name}
    return {name: (str(t.dtype), t.shape or ()) for name, t in graph.types.items() if name in computed}
