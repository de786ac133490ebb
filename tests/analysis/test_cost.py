"""Networks that other counters get wrong, as YAML and as ONNX: both cost the same, and it is this arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import costcalc
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.yaml.reader import load_spec

Shape = Sequence[int]


class Case(NamedTuple):
    """A network twice: YAML; and ONNX as nodes over the input x, float weights and int64 constants."""

    macs: int
    params: int
    yaml: str
    x: Shape
    nodes: list[onnx.NodeProto]
    weights: Mapping[str, Shape] = MappingProxyType({})
    constants: Mapping[str, Any] = MappingProxyType({})
    dtype: int = TensorProto.FLOAT


def node(op_type: str, inputs: str, output: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs.split(), output.split(), name=output, **attributes)


def conv(macs: int, params: int, x: Shape, options: str, weight: Shape, bias: int = 0, **attributes: Any) -> Case:
    """One convolution: `options` of the YAML layer conv, its weight's shape and attributes in ONNX."""
    weights: dict[str, Shape] = {"w": weight, **({"b": [bias]} if bias else {})}
    made = [node("Conv", "x w b" if bias else "x w", **attributes)]
    return Case(macs, params, f"input: {list(x)}\nlayers: [{{conv: {{{options}}}}}]", x, made, weights)


def attention() -> Case:
    """Multi-head attention as it is exported: four linear maps, two products by head."""
    nodes = []
    for name in "qkv":
        nodes += [
            node("MatMul", f"x w{name}", f"{name}0"),
            node("Add", f"{name}0 b{name}", f"{name}1"),
            node("Reshape", f"{name}1 heads", f"{name}2"),
            node("Transpose", f"{name}2", name, perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]),
        ]
    nodes += [
        node("MatMul", "q k", "scores"),
        node("Mul", "scores scale", "scaled"),
        node("Softmax", "scaled", "weights"),
        node("MatMul", "weights v", "mixed"),
        node("Transpose", "mixed", "tokens", perm=[0, 2, 1, 3]),
        node("Reshape", "tokens joined", "flat"),
        node("MatMul", "flat wo", "out"),
        node("Add", "out bo"),
    ]
    weights = {f"w{n}": [64, 64] for n in "qkvo"} | {f"b{n}": [64] for n in "qkvo"}
    constants = {"heads": [0, 0, 4, 16], "joined": [0, 0, 64], "scale": 0.25}
    yaml = """
input: [N, 49, 64]
layers:
  - linear: {units: 64, as: q}
  - linear: {units: 64, as: k, from: input}
  - linear: {units: 64, as: v, from: input}
  - attention: {heads: 4, from: [q, k, v]}
  - linear: {units: 64}
"""
    macs = 4 * 49 * 64 * 64 + 4 * 49 * 49 * 16 + 4 * 49 * 49 * 16
    return Case(macs, 4 * (64 * 64 + 64), yaml, [1, 49, 64], nodes, weights, constants)


def lstm() -> Case:
    """Gates · directions · (input + state) in each of 10 steps; the second layer reads both directions."""
    nodes = [
        node("LSTM", "x w1 r1 b1", "s1", hidden_size=64, direction="bidirectional"),
        node("Transpose", "s1", "t1", perm=[0, 2, 1, 3]),
        node("Reshape", "t1 joined", "x2"),
        node("LSTM", "x2 w2 r2 b2", hidden_size=64, direction="bidirectional"),
    ]
    weights: dict[str, Shape] = {
        "w1": [2, 4 * 64, 32],
        "r1": [2, 4 * 64, 64],
        "b1": [2, 8 * 64],
        "w2": [2, 4 * 64, 128],
        "r2": [2, 4 * 64, 64],
        "b2": [2, 8 * 64],
    }
    yaml = "input: [N, 10, 32]\nlayers: [{lstm: {hidden: 64, layers: 2, bidirectional: true}}]"
    macs = 10 * 2 * 4 * 64 * (32 + 64) + 10 * 2 * 4 * 64 * (128 + 64)
    params = 2 * 4 * 64 * (32 + 64 + 2) + 2 * 4 * 64 * (128 + 64 + 2)
    return Case(macs, params, yaml, [10, 1, 32], nodes, weights, {"joined": [0, 0, -1]})


def same_twice() -> Case:
    """One linear layer, applied ten times."""
    nodes = [node("Gemm", f"{f'h{i}' if i else 'x'} w b", f"h{i + 1}", transB=1) for i in range(10)]
    yaml = """
input: [3, 64]
layers:
  - linear: {units: 64, as: f}
  - repeat: {times: 9, layers: [{linear: {units: 64, weights: f}}]}
"""
    return Case(10 * 3 * 64 * 64, 64 * 64 + 64, yaml, [3, 64], nodes, {"w": [64, 64], "b": [64]})


def tokens(tied: bool) -> Case:
    """A table of words and a head: the look-up multiplies nothing."""
    nodes = [node("Gather", "table x", "e")]
    if tied:
        nodes += [node("Transpose", "table", "head", perm=[1, 0]), node("MatMul", "e head")]
        yaml = """
input: {shape: [N, 7], dtype: int64}
layers:
  - embedding: {entries: 100, features: 16, as: table}
  - linear: {units: 100, bias: false, weights: table}
"""
        return Case(7 * 16 * 100, 100 * 16, yaml, [1, 7], nodes, {"table": [100, 16]}, dtype=TensorProto.INT64)
    nodes += [node("MatMul", "e w", "p"), node("Add", "p b")]
    yaml = """
input: {shape: [N, 7], dtype: int64}
layers:
  - embedding: {entries: 1000, features: 64}
  - linear: {units: 10}
"""
    weights: dict[str, Shape] = {"table": [1000, 64], "w": [64, 10], "b": [10]}
    return Case(7 * 64 * 10, 1000 * 64 + 64 * 10 + 10, yaml, [1, 7], nodes, weights, dtype=TensorProto.INT64)


def transposed(groups: int) -> Case:
    """Each of 8 · 8 · 16 inputs meets 8 / groups filters of 4 · 4."""
    each = 8 // groups
    yaml = f"""
input: [N, 16, 8, 8]
layers: [{{conv_transpose: {{filters: 8, kernel: 4, stride: 2, pad: 1, groups: {groups}, bias: false}}}}]
"""
    made = [node("ConvTranspose", "x w", strides=[2, 2], pads=[1, 1, 1, 1], group=groups)]
    return Case(8 * 8 * 16 * each * 4 * 4, 16 * each * 4 * 4, yaml, [1, 16, 8, 8], made, {"w": [16, each, 4, 4]})


def pooled(op_type: str, short: str, extent: int, pad: int, after: int) -> Case:
    """A pool of 3 × 3, stride 3, that rounds up; a 1 × 1 convolution sees `after` · `after` positions."""
    yaml = f"""
input: [N, 4, {extent}, {extent}]
layers:
  - {short}: {{kernel: 3, stride: 3, pad: {pad}, ceil: true}}
  - pointwise_conv: {{filters: 5, bias: false}}
"""
    nodes = [
        node(op_type, "x", "p", kernel_shape=[3, 3], strides=[3, 3], pads=[pad] * 4, ceil_mode=1),
        node("Conv", "p w"),
    ]
    return Case(after * after * 4 * 5, 4 * 5, yaml, [1, 4, extent, extent], nodes, {"w": [5, 4, 1, 1]})


CASES = {
    "dilated convolution": conv(
        16 * 16 * 8 * 8 * 3 * 3,
        8 * 8 * 3 * 3 + 8,
        [1, 8, 16, 16],
        "filters: 8, kernel: 3, pad: 2, dilation: 2",
        [8, 8, 3, 3],
        8,
        dilations=[2, 2],
        pads=[2, 2, 2, 2],
    ),
    "transposed convolution": transposed(1),
    "transposed convolution in 4 groups": transposed(4),
    "multi-head attention": attention(),
    "bidirectional LSTM of two layers": lstm(),
    "x · xᵀ": Case(
        49 * 49 * 64,
        0,
        "input: {x: [49, 64]}\nlayers: [{transpose: {perm: [1, 0], as: t}}, {matmul: {from: [x, t]}}]",
        [49, 64],
        [node("Transpose", "x", "t", perm=[1, 0]), node("MatMul", "x t")],
    ),
    "a bare parameter": Case(
        49 * 64 * 32,
        64 * 32,
        "input: {x: [49, 64]}\nlayers: [{parameter: {shape: [64, 32], as: w}}, {matmul: {from: [x, w]}}]",
        [49, 64],
        [node("MatMul", "x w")],
        {"w": [64, 32]},
    ),
    "embedding and linear": tokens(tied=False),
    "embedding tied to the head": tokens(tied=True),
    "a linear layer used ten times": same_twice(),
    "depthwise, multiplier 2": Case(
        16 * 16 * (8 * 2) * 3 * 3,
        8 * 2 * 3 * 3,
        "input: [N, 8, 16, 16]\nlayers: [{depthwise_conv: {kernel: 3, multiplier: 2, pad: same, bias: false}}]",
        [1, 8, 16, 16],
        [node("Conv", "x w", group=8, pads=[1, 1, 1, 1])],
        {"w": [16, 1, 3, 3]},
    ),
    "4 groups, 3 filters for each channel": conv(
        14 * 14 * 24 * (8 // 4) * 3 * 3,
        24 * (8 // 4) * 3 * 3 + 24,
        [1, 8, 16, 16],
        "filters: 24, kernel: 3, groups: 4",
        [24, 2, 3, 3],
        24,
        group=4,
    ),
    "1-D": conv(96 * 16 * 8 * 5, 16 * 8 * 5, [1, 8, 100], "filters: 16, kernel: 5, bias: false", [16, 8, 5]),
    "1-D depthwise": conv(
        100 * 8 * 1 * 5,
        8 * 5,
        [1, 8, 100],
        "filters: 8, kernel: 5, pad: 2, groups: 8, bias: false",
        [8, 1, 5],
        group=8,
        pads=[2, 2],
    ),
    "3-D": conv(
        (4 * 4 * 4) * 6 * 4 * (3 * 3 * 3),
        6 * 4 * 27,
        [1, 4, 8, 8, 8],
        "filters: 6, kernel: 3, stride: 2, pad: 1, bias: false",
        [6, 4, 3, 3, 3],
        strides=[2, 2, 2],
        pads=[1] * 6,
    ),
    "3-D in 2 groups": conv(
        (8 * 7 * 6) * 6 * 2 * (1 * 2 * 3),
        6 * 2 * 6 + 6,
        [1, 4, 8, 8, 8],
        "filters: 6, kernel: [1, 2, 3], groups: 2",
        [6, 2, 1, 2, 3],
        6,
        group=2,
    ),
    "asymmetric pads": conv(
        ((10 + 0 + 2) - 3 + 1) * ((10 + 1 + 3) - 3 + 1) * 4 * 2 * 9,
        4 * 2 * 9,
        [1, 2, 10, 10],
        "filters: 4, kernel: 3, pad: [0, 1, 2, 3], bias: false",
        [4, 2, 3, 3],
        pads=[0, 1, 2, 3],
    ),
    "auto_pad VALID": conv(
        6 * 6 * 4 * 2 * 16,
        4 * 2 * 16,
        [1, 2, 15, 15],
        "filters: 4, kernel: 4, stride: 2, pad: valid, bias: false",
        [4, 2, 4, 4],
        strides=[2, 2],
        auto_pad="VALID",
    ),
    "auto_pad SAME_UPPER": conv(
        8 * 8 * 4 * 2 * 16,
        4 * 2 * 16,
        [1, 2, 15, 15],
        "filters: 4, kernel: 4, stride: 2, pad: same, bias: false",
        [4, 2, 4, 4],
        strides=[2, 2],
        auto_pad="SAME_UPPER",
    ),
    "auto_pad SAME_LOWER": conv(
        8 * 8 * 4 * 2 * 16,
        4 * 2 * 16,
        [1, 2, 15, 15],
        "filters: 4, kernel: 4, stride: 2, pad: same_lower, bias: false",
        [4, 2, 4, 4],
        strides=[2, 2],
        auto_pad="SAME_LOWER",
    ),
    "auto_pad NOTSET": conv(
        7 * 7 * 4 * 2 * 16,
        4 * 2 * 16,
        [1, 2, 15, 15],
        "filters: 4, kernel: 4, stride: 2, pad: 1, bias: false",
        [4, 2, 4, 4],
        strides=[2, 2],
        auto_pad="NOTSET",
        pads=[1, 1, 1, 1],
    ),
    "max pool, ceil_mode": pooled("MaxPool", "max_pool", 7, 0, 3),
    "average pool, ceil_mode": pooled("AveragePool", "avg_pool", 7, 0, 3),
    "max pool, ceil_mode, no window starts in the padding": pooled("MaxPool", "max_pool", 5, 1, 2),
}

GIVEN = {
    "dilated convolution": 147_456,
    "transposed convolution": 131_072,
    "transposed convolution in 4 groups": 32_768,
    "multi-head attention": 1_110_144,
    "bidirectional LSTM of two layers": 1_474_560,
    "x · xᵀ": 153_664,
    "a bare parameter": 100_352,
    "embedding and linear": 4_480,
    "embedding tied to the head": 11_200,
    "a linear layer used ten times": 122_880,
}
"""What the arithmetic above comes to."""


def as_onnx(case: Case) -> bytes:
    """The case's ONNX model, checked."""
    weights = [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in case.weights.items()]
    constants = [
        numpy_helper.from_array(np.array(v, np.float32 if isinstance(v, float) else np.int64), name)
        for name, v in case.constants.items()
    ]
    last = case.nodes[-1].output[0]
    graph = helper.make_graph(
        case.nodes,
        "case",
        [helper.make_tensor_value_info("x", case.dtype, case.x)],
        [onnx.ValueInfoProto(name=last)],
        weights + constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(inferred)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", ["yaml", "onnx"])
def test_case(name: str, form: str) -> None:
    case = CASES[name]
    graph = load_spec(case.yaml, "case.yaml") if form == "yaml" else load_onnx(as_onnx(case))
    report = costcalc.analyze(graph)
    assert not report.lower_bound
    assert (report.macs, report.params) == (case.macs, case.params)


@pytest.mark.parametrize("name", GIVEN)
def test_given_figures(name: str) -> None:
    assert CASES[name].macs == GIVEN[name]
