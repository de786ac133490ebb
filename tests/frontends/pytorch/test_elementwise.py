"""ATen's elementwise calls, reductions and creations -> the nodes that PyTorch's own exporter writes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from support.operator_rules import BOOL, F16, F32, I64, t

from costcalc.core.dim import symbol
from costcalc.core.ir import DType, Node, TensorType
from costcalc.frontends.pytorch.program import Call, ExportedProgram, InputSpec, ProgramGraph, ValueName
from costcalc.frontends.pytorch.walker import ProgramWalker
from costcalc.graph.builder import GraphBuilder

X, WHOLE, B, H = t(2, 4), t(2, 4, dtype=I64), t(2, 4, dtype=BOOL), t(2, 4, dtype=F16)
Z = t(2, 4, dtype=DType.COMPLEX64)
x, i, b, h, z = map(ValueName, "xibhz")
INPUTS = {"x": X, "i": WHOLE, "b": B, "h": H, "z": Z}


def translate(target: str, out: TensorType | tuple[TensorType, ...], /, **arguments: Any) -> GraphBuilder:
    """A call of one operator over the inputs x, i, b, h, z (decimal, whole, boolean, float16, complex) -> the builder
    with its nodes. No call is unknown."""
    outs = {f"out{k}": type_ for k, type_ in enumerate(out if isinstance(out[0], TensorType) else (out,))}
    names = tuple(map(ValueName, outs))
    call = Call("call", f"aten.{target}", arguments, names, {})
    graph = ProgramGraph(tuple(map(ValueName, INPUTS)), names, (call,), INPUTS | outs, frozenset())
    specs = tuple([InputSpec("input", name, name) for name in INPUTS])
    builder = GraphBuilder("test", "", {"": 23, "aten": 1})
    walker = ProgramWalker(builder, ExportedProgram(graph, specs, {}, "2.14"), {})
    walker.run()
    assert not walker.differences
    return builder


def operators(target: str, out: Any, /, **arguments: Any) -> list[str]:
    """The operators of the nodes that a call becomes."""
    return [node.op_type for node in translate(target, out, **arguments).nodes]


CALLS: list[tuple[str, TensorType, dict[str, Any], list[str]]] = [
    ("add.Tensor", X, {"self": x, "other": x}, ["Add"]),
    ("add.Tensor", X, {"self": x, "other": 1}, ["Add"]),
    ("add.Tensor", X, {"self": x, "other": i}, ["Cast", "Add"]),
    ("add_.Tensor", H, {"self": h, "other": x}, ["Cast", "Add"]),
    ("add.Tensor", X, {"self": x, "other": x, "alpha": 2}, ["Mul", "Add"]),
    ("add.Tensor", X, {"self": x, "other": 3, "alpha": 2}, ["Add"]),
    ("add.Tensor", X, {"self": x, "other": symbol("s0")}, ["Add"]),
    ("add.Tensor", X, {"self": x, "other": None}, ["Add"]),
    ("add.Tensor", B, {"self": b, "other": b}, ["Or"]),
    ("mul.Tensor", B, {"self": b, "other": b}, ["And"]),
    ("rsub.Scalar", X, {"self": x, "other": 1}, ["Sub"]),
    ("div.Tensor", X, {"self": i, "other": 2}, ["Cast", "Div"]),
    ("div.Tensor_mode", X, {"self": x, "other": 2, "rounding_mode": "floor"}, ["Div", "Floor"]),
    ("floor_divide.default", WHOLE, {"self": i, "other": 2}, ["Mod", "Sub", "Div"]),
    ("div.Tensor_mode", WHOLE, {"self": i, "other": 2, "rounding_mode": "trunc"}, ["Div"]),
    ("remainder.Scalar", WHOLE, {"self": i, "other": 2}, ["Mod"]),
    ("pow.Tensor_Scalar", X, {"self": x, "exponent": 2}, ["Pow"]),
    ("rsqrt.default", X, {"self": x}, ["Sqrt", "Reciprocal"]),
    ("sqrt.default", X, {"self": i}, ["Cast", "Sqrt"]),
    ("floor.default", WHOLE, {"self": i}, []),
    ("eq.Scalar", B, {"self": x, "other": 0}, ["Equal"]),
    ("ne.Scalar", B, {"self": x, "other": 0}, ["Equal", "Not"]),
    ("lt.Scalar", B, {"self": i, "other": 0.5}, ["Cast", "Less"]),
    ("lt.Tensor", B, {"self": h, "other": x}, ["Cast", "Less"]),
    ("gt_.Scalar", X, {"self": x, "other": 0}, ["Greater", "Cast"]),
    ("bitwise_not.default", B, {"self": b}, ["Not"]),
    ("bitwise_and.Tensor", WHOLE, {"self": i, "other": i}, ["BitwiseAnd"]),
    ("logical_and.default", B, {"self": x, "other": b}, ["Cast", "And"]),
    ("where.self", X, {"condition": b, "self": x, "other": x}, ["Where"]),
    ("where.ScalarOther", X, {"condition": b, "self": x, "other": 0}, ["Where"]),
    ("masked_fill.Scalar", X, {"self": x, "mask": b, "value": -math.inf}, ["Where"]),
    ("clamp.default", X, {"self": x, "min": 0, "max": None}, ["Clip"]),
    ("clamp.Tensor", X, {"self": x, "min": x, "max": h}, ["Cast", "Max", "Min"]),
    ("hardtanh_.default", X, {"self": x, "min_val": 0.0, "max_val": 6.0}, ["Clip"]),
    ("silu_.default", X, {"self": x}, ["Sigmoid", "Mul"]),
    ("gelu.default", X, {"self": x}, ["Gelu"]),
    ("softplus.default", X, {"self": x}, ["Softplus"]),
    ("softplus.default", X, {"self": x, "beta": 2}, ["Mul", "Softplus", "Div"]),
    ("elu.default", X, {"self": x, "alpha": 1.0, "scale": 1.5}, ["Elu", "Mul"]),
    ("glu.default", t(2, 2), {"self": x}, ["Split", "Sigmoid", "Mul"]),
    ("dropout.default", X, {"input": x, "p": 0.5, "train": False}, []),
    ("dropout_.default", X, {"self": x, "p": 0.5, "train": False}, []),
    ("dropout.default", X, {"input": x, "p": 0.5, "train": True}, ["dropout"]),
    ("to.dtype", X, {"self": x, "dtype": F32}, []),
    ("to.dtype", H, {"self": x, "dtype": F16}, ["Cast"]),
    ("copy_.default", X, {"self": x, "src": h}, ["Cast"]),
    ("mul.Tensor", Z, {"self": z, "other": z}, ["complex_mul"]),
    ("mul.Tensor", Z, {"self": z, "other": x}, ["complex_cast", "complex_mul"]),
    ("abs.default", X, {"self": z}, ["complex_abs"]),
    ("view_as_real.default", t(2, 4, 2), {"self": z}, ["view_as_real"]),
    ("sum.dim_IntList", t(2), {"self": x, "dim": (-1,)}, ["ReduceSum"]),
    ("sum.default", t(dtype=I64), {"self": b}, ["Cast", "ReduceSum"]),
    ("mean.dim", t(2, 1), {"self": x, "dim": (1,), "keepdim": True}, ["ReduceMean"]),
    ("any.default", t(dtype=BOOL), {"self": x}, ["Cast", "ReduceMax"]),
    ("argmax.default", t(dtype=I64), {"self": x}, ["Reshape", "ArgMax", "Reshape"]),
    ("var.correction", t(2), {"self": x, "dim": (1,)}, ["ReduceMean", "Sub", "Mul", "ReduceSum", "Div"]),
    ("var.dim", t(2), {"self": x, "dim": (1,), "unbiased": False}, ["ReduceMean", "Sub", "Mul", "ReduceMean"]),
    ("linalg_vector_norm.default", t(2), {"self": x, "ord": 2.0, "dim": (-1,)}, ["ReduceL2"]),
    ("softmax.int", X, {"self": h, "dim": -1, "dtype": F32}, ["Cast", "Softmax"]),
    ("cumsum.default", WHOLE, {"self": b, "dim": 0}, ["Cast", "CumSum"]),
    ("zeros.default", t(3, 3), {"size": (3, 3)}, ["ConstantOfShape"]),
    ("scalar_tensor.default", t(), {"s": 2}, []),
    ("arange.default", t(5, dtype=I64), {"end": 5}, ["Range"]),
    ("arange.start_step", t(10), {"start": 0, "end": 1, "step": 0.1}, ["Range"]),
    (
        "cross_entropy_loss.default",
        t(),
        {"self": x, "target": x},
        ["LogSoftmax", "Mul", "ReduceSum", "Neg", "ReduceMean"],
    ),
    ("mse_loss.default", t(), {"self": x, "target": x}, ["Sub", "Mul", "ReduceMean"]),
]


@pytest.mark.parametrize(
    ("target", "out", "arguments", "expected"), CALLS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_operators(target: str, out: TensorType, arguments: dict[str, Any], expected: list[str]) -> None:
    assert operators(target, out, **arguments) == expected


def test_numbers_are_constants_in_the_type_that_is_computed_in() -> None:
    builder = translate("mul.Tensor", H, self=h, other=2)
    (node,) = builder.nodes
    assert builder.types[node.inputs[1]] == t(dtype=F16, value=(2.0,))
    assert not builder.initializers


def test_what_nothing_reads_is_not_computed() -> None:
    """max along an axis gives values and places; both are computed where both are read."""
    values, places = t(2), t(2, dtype=I64)
    assert operators("max.dim", (values, places), self=x, dim=1) == ["ReduceMax", "ArgMax"]


def test_a_list_of_axes_may_be_empty_or_absent() -> None:
    for dim in ((), None):
        (node,) = translate("sum.dim_IntList", t(), self=x, dim=dim).nodes
        assert node.inputs == ("x",)


def test_names_of_intermediate_nodes() -> None:
    nodes: list[Node] = translate("silu.default", X, self=x).nodes
    assert [node.name for node in nodes] == ["silu/sigmoid", "silu"]
