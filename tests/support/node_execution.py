"""Runs one node in ONNX Runtime and tells the types of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType

VERSIONS = {"": 17, "com.microsoft": 1, "ai.onnx.ml": 3}
ort.set_default_logger_severity(4)


def contents(t: TensorType) -> Any:
    """An array of a type: its value, or small numbers."""
    dtype = helper.tensor_dtype_to_np_dtype(t.dtype.code)
    shape = [int(extent) for extent in t.shape or ()]
    if t.value is not None:
        return np.array(t.value, dtype).reshape(shape)
    if t.dtype.is_float:
        return np.random.default_rng(0).random(shape).astype(dtype)
    return np.zeros(shape, dtype)


def executed(
    op_type: str,
    *inputs: TensorType | None,
    domain: str = "",
    opset: int | None = None,
    n: int = 1,
    constant: Sequence[int] = (),
    **attributes: Any,
) -> list[tuple[DType, tuple[int, ...]]]:
    """The element type and the shape of each of the node's n outputs. The inputs that `constant` names are
    initializers; opset is the version of the node's domain. An output that the kernel leaves empty is (UNDEFINED, ())."""
    names = ["" if x is None else f"i{i}" for i, x in enumerate(inputs)]
    given: Any = {k: list(v) if isinstance(v, tuple) else v for k, v in attributes.items()}
    node = helper.make_node(op_type, names, [f"o{i}" for i in range(n)], domain=domain, **given)
    arrays = {f"i{i}": contents(x) for i, x in enumerate(inputs) if x is not None}
    fixed = {f"i{i}" for i in constant}
    types = {
        f"i{i}": helper.make_tensor_value_info(f"i{i}", x.dtype.code, [int(d) for d in x.shape or ()])
        for i, x in enumerate(inputs)
        if x is not None
    }
    graph = helper.make_graph(
        [node],
        "g",
        [types[k] for k in arrays if k not in fixed],
        [helper.make_empty_tensor_value_info(f"o{i}") for i in range(n)],
        [numpy_helper.from_array(arrays[k], k) for k in arrays if k in fixed],
    )
    versions = VERSIONS if opset is None else {**VERSIONS, domain: opset}
    imports = [helper.make_opsetid(d, v) for d, v in versions.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {k: v for k, v in arrays.items() if k not in fixed})
    return [(_dtype(y), tuple(y.shape)) if y is not None else (DType.UNDEFINED, ()) for y in outputs]


def _dtype(y: Any) -> DType:
    code = TensorProto.STRING if y.dtype == object else helper.np_dtype_to_tensor_dtype(y.dtype)
    return DTYPE_OF_CODE[code]
