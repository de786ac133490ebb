"""What the Edge TPU runs by the table that Coral publishes: conditions one by one, one partition, and the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.cli import ok
from support.paths import DATA

import costcalc
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.npu.call import NpuCall
from costcalc.analysis.npu.edge_tpu_rules import RULES, reject_call
from costcalc.analysis.npu.placement import place_operators
from costcalc.core.ir import DType, Graph, Node, TensorType

VELA = DATA / "npu" / "vela"

TABLE = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC LSTM
MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE
RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQUARED_DIFFERENCE SQUEEZE
STRIDED_SLICE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV
"""
"""The operators of Coral's table 1."""


def call(
    operator: str,
    inputs: list[tuple[int, ...]],
    output: tuple[int, ...],
    attributes: Mapping[str, Any] = {},
    stored: Mapping[int, tuple[int, ...] | None] = {},
    dtype: DType = DType.INT8,
) -> NpuCall:
    """A call of int8 values; stored gives the positions of constants and their elements."""
    names = [f"x{i}" for i in range(len(inputs))]
    types = {
        name: TensorType(DType.INT32 if stored.get(i) else dtype, shape, stored.get(i))
        for i, (name, shape) in enumerate(zip(names, inputs, strict=True))
    }
    types["y"] = TensorType(dtype, output)
    node = Node("node", operator, tuple(names), ("y",), attributes, "tflite")
    constants = {names[i]: types[names[i]] for i in stored}
    return NpuCall(Graph("net", "", (), ("y",), constants, (node,), types, {"tflite": 3}), node)


IMAGE = (1, 8, 8, 4)

CASES = [
    (call("RELU", [IMAGE], IMAGE), ""),
    (call("HARD_SWISH", [IMAGE], IMAGE), "does not have this operator"),
    (call("RELU", [IMAGE], IMAGE, dtype=DType.FLOAT32), "x0 is float32"),
    (call("RELU", [(2, 8, 8, 4)], (2, 8, 8, 4)), "three innermost axes"),
    (call("CONV_2D", [IMAGE, (4, 3, 3, 4)], IMAGE, {"dilations": (2, 2)}, {1: None}), ""),
    (call("CONV_2D", [IMAGE, (4, 3, 3, 4)], IMAGE, {"dilations": (1, 2)}, {1: None}), "dilated by 1×2"),
    (call("CONV_2D", [IMAGE, (4, 3, 3, 4)], IMAGE), "x1 is computed"),
    (call("DEPTHWISE_CONV_2D", [IMAGE, (1, 3, 3, 4)], IMAGE, {"dilations": (2, 2)}, {1: None}), "dilated by 2×2"),
    (call("FULLY_CONNECTED", [(1, 8), (4, 8)], (1, 4), stored={1: None}), ""),
    (call("FULLY_CONNECTED", [(3, 8), (4, 8)], (3, 4), stored={1: None}), "more than one axis"),
    (call("MAX_POOL_2D", [IMAGE], IMAGE, {"activation": "RELU"}), "fused activation RELU"),
    (call("CONCATENATION", [IMAGE, IMAGE], (1, 8, 8, 8), {"axis": 3}), ""),
    (call("CONCATENATION", [IMAGE, IMAGE], (1, 8, 8, 8), {"activation": "RELU"}), "fused activation"),
    (call("MEAN", [IMAGE, (2,)], (1, 4), stored={1: (1, 2)}), ""),
    (call("MEAN", [IMAGE, (1,)], (1, 8, 8), stored={1: (3,)}), "it reduces the axes [3]"),
    (call("SUM", [IMAGE, (1,)], (1, 8, 8), stored={1: (3,)}), ""),
    (call("PAD", [IMAGE, (4, 2)], (1, 10, 8, 4), stored={1: (0, 0, 1, 1, 0, 0, 0, 0)}), ""),
    (call("PAD", [IMAGE, (4, 2)], (1, 8, 8, 6), stored={1: (0, 0, 0, 0, 0, 0, 1, 1)}), "other axes than height"),
    (call("SOFTMAX", [(1, 16_000)], (1, 16_000)), ""),
    (call("SOFTMAX", [(1, 16_001)], (1, 16_001)), "16,000 at most"),
    (call("SOFTMAX", [(4, 10)], (4, 10)), "not one axis"),
    (call("SQUEEZE", [(1, 1, 5, 10)], (5, 10)), ""),
    (call("SQUEEZE", [(1, 5, 1, 10)], (5, 10)), "do not lead"),
    (call("STRIDED_SLICE", [IMAGE] + [(4,)] * 3, (1, 4, 4, 4), stored={3: (1, 2, 2, 1)}), "strides are not all 1"),
    (call("STRIDED_SLICE", [IMAGE] + [(4,)] * 3, (1, 4, 4, 4), stored={3: (1, 1, 1, 1)}), ""),
    (call("SPLIT", [(), IMAGE], (1, 8, 8, 2), stored={0: (3,)}), ""),
    (call("SPLIT", [(), IMAGE], (1, 8, 8, 2), stored={0: (0,)}), "along the batch"),
    (call("PACK", [(8, 4), (8, 4)], (2, 8, 4), {"axis": 0}), "along the batch"),
    (call("PRELU", [IMAGE, (1, 1, 4)], IMAGE, stored={1: None}), ""),
    (call("PRELU", [IMAGE, (8, 8, 4)], IMAGE, stored={1: None}), "more than one axis"),
]


@pytest.mark.parametrize(("case", "reason"), CASES, ids=lambda value: str(getattr(value, "node", value))[:40])
def test_each_condition_of_the_table(case: NpuCall, reason: str) -> None:
    answer = reject_call(case)
    assert reason in answer if reason else not answer, answer


def test_the_rules_are_of_the_operators_in_the_table() -> None:
    assert set(RULES) == {*TABLE.split(), "UNIDIRECTIONAL_SEQUENCE_LSTM"}


def test_what_comes_behind_an_operator_of_the_cpu_is_left_to_the_cpu() -> None:
    report = costcalc.analyze(DATA / "npu" / "calls_pools.tflite")
    placement = place_operators(report, find_profile("coral"))
    assert placement is not None
    reasons = [node.reason for node in placement.nodes]
    assert [node.target for node in placement.nodes][:2] == ["npu", "cpu"]  # the second has a batch of 2
    assert "only one part is compiled" in reasons[2]
    assert placement.count("npu") == 1


def test_a_float_input_is_converted_on_the_cpu_and_ends_nothing() -> None:
    report = costcalc.analyze(DATA / "tflite" / "quantised.tflite")
    placement = place_operators(report, find_profile("coral"))
    assert placement is not None
    assert placement.nodes[0].target == "cpu" and "converts an input" in placement.nodes[0].reason
    assert placement.nodes[1].target == "npu"


def test_parameters_that_the_cache_does_not_hold_are_streamed() -> None:
    small = place_operators(costcalc.analyze(VELA / "mobilenet_v1_1.0_224.tflite"), find_profile("coral"))
    assert small is not None and small.cache is not None and small.cache.streamed == 0
    large = place_operators(costcalc.analyze(VELA / "resnet50_224.tflite"), find_profile("coral"))
    assert large is not None and large.cache is not None
    weights = costcalc.analyze(VELA / "resnet50_224.tflite").totals["weight_bytes"]
    assert large.cache.parameters == weights and large.cache.streamed == weights - 8_000_000
    text = " ".join(ok("analyze", str(VELA / "resnet50_224.tflite"), "--hardware", "coral").split())
    assert "are streamed for each inference" in text
