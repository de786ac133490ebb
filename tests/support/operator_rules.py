"""Calls rules by name as the builder and the costing do, and asks ONNX's own inference for the same node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper
from onnx.shape_inference import infer_node_outputs

from costcalc import ops
from costcalc.core import registry
from costcalc.core.dim import Dim
from costcalc.core.formula import Cost
from costcalc.core.ir import DType, TensorType
from costcalc.graph.builder import GraphBuilder

F32, F16, I32, I64, I8, U8, BOOL = (
    DType.FLOAT32,
    DType.FLOAT16,
    DType.INT32,
    DType.INT64,
    DType.INT8,
    DType.UINT8,
    DType.BOOL,
)
OPSET = 24
ops.load_families()


def t(*shape: Dim, dtype: DType = F32, value: Sequence[Any] | None = None) -> TensorType:
    """A tensor type."""
    return TensorType(dtype, shape, None if value is None else tuple(value))


def ints(*values: Dim, dtype: DType = I64) -> TensorType:
    """A vector of known integers."""
    return t(len(values), dtype=dtype, value=values)


def floats(*values: Any) -> TensorType:
    """A vector of known numbers."""
    return t(len(values), value=values)


def scalar(value: Dim | float, dtype: DType = I64) -> TensorType:
    """A known number."""
    return t(dtype=dtype, value=(value,))


def run(
    op_type: str,
    *inputs: TensorType | None,
    domain: str = "",
    opset: int = OPSET,
    n: int = 1,
    **attributes: Any,
) -> list[TensorType]:
    """The types of a node's n outputs."""
    builder = GraphBuilder("test", "", {domain: opset})
    names = []
    for i, type_ in enumerate(inputs):
        names.append("" if type_ is None else f"i{i}")
        if type_ is not None:
            builder.types[f"i{i}"] = type_
    outputs = builder.add(op_type, names, attributes, name="n", outputs=[f"o{i}" for i in range(n)], domain=domain)
    return [builder.types[o] for o in outputs]


def value(op_type: str, *inputs: TensorType | None, **attributes: Any) -> Any:
    """The elements of the first output; None where they are not known."""
    return run(op_type, *inputs, **attributes)[0].value


def shape(op_type: str, *inputs: TensorType | None, **how: Any) -> tuple[Dim, ...] | None:
    """The shape of the first output."""
    return run(op_type, *inputs, **how)[0].shape


def cost(
    op_type: str, *inputs: TensorType | None, domain: str = "", opset: int = OPSET, n: int = 1, **attributes: Any
) -> Cost:
    """What the node costs; FREE operators cost nothing."""
    outs = run(op_type, *inputs, domain=domain, opset=opset, n=n, **attributes)
    rule = registry.COST_RULES.get((domain, op_type))
    if rule is None:
        assert registry.rule_state(domain, op_type) == "free", f"{op_type} has no cost"
        return Cost()
    found = registry.infer_cost(
        rule, inputs, attributes, {"opset": opset, "n_outputs": n, "out": outs[0], "outs": outs}
    )
    assert isinstance(found, Cost)
    return found


def work(found: Cost) -> dict[tuple[str, str], Dim]:
    """{(kind, role): operations}."""
    total: dict[tuple[str, str], Dim] = {}
    for w in found.work:
        total[w.kind, w.role] = total.get((w.kind, w.role), 0) + w.formula.value
    return total


def onnx_shapes(
    op_type: str,
    *inputs: TensorType | None,
    domain: str = "",
    opset: int = OPSET,
    n: int = 1,
    **attributes: Any,
) -> list[tuple[int, ...]]:
    """The shapes that ONNX's own inference gives a node's n outputs."""
    names = ["" if x is None else f"i{i}" for i, x in enumerate(inputs)]
    node = helper.make_node(op_type, names, [f"o{i}" for i in range(n)], domain=domain, **_protos(attributes))
    types = {
        f"i{i}": helper.make_tensor_type_proto(x.dtype.code, _ints(x)) for i, x in enumerate(inputs) if x is not None
    }
    data: dict[str, TensorProto] = {
        f"i{i}": helper.make_tensor(f"i{i}", x.dtype.code, _ints(x), x.value)
        for i, x in enumerate(inputs)
        if x is not None and x.value is not None
    }
    schema = onnx.defs.get_schema(op_type, opset, domain)
    found = infer_node_outputs(schema, node, types, data, opset_imports=[helper.make_opsetid(domain, opset)])
    return [tuple(d.dim_value for d in found[f"o{i}"].tensor_type.shape.dim) for i in range(n)]


def _protos(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in attributes.items()}


def _ints(x: TensorType) -> list[int]:
    return [int(extent) for extent in x.shape or ()]


OperatorCase = tuple[str, list[TensorType | None], dict[str, Any], tuple[int, ...]]
"""An operator, its inputs, its attributes (and opset, n: how many outputs), and the shape of its first output."""


def check_shape(case: OperatorCase, oracle: bool = True) -> None:
    """Holds the rule to the shape of the case and, where oracle says that it can tell, to ONNX's own inference."""
    op_type, inputs, attributes, expected = case
    assert shape(op_type, *inputs, **attributes) == expected
    if oracle:
        assert onnx_shapes(op_type, *inputs, **attributes)[0] == expected
