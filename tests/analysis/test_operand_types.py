"""Weights by stored type and MACs by operand precision, on models whose types are known."""

from __future__ import annotations

from typing import Any

import pytest
from onnx import TensorProto
from onnx import helper as h
from support.onnx_models import info, model, weight

from costcalc import Report, analyze
from costcalc.frontends.onnx.reader import load_onnx

FLOAT, HALF, INT8, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8


def report(nodes: list[Any], x: int, stored: list[TensorProto]) -> Report:
    data = model(nodes, [info("x", x, [3, 64])], ["y"], stored, opsets={"": 21, "com.microsoft": 1})
    return analyze(load_onnx(data))


@pytest.mark.parametrize(("kind", "name"), [(FLOAT, "fp32"), (HALF, "fp16"), (TensorProto.BFLOAT16, "bf16")])
def test_floats(kind: int, name: str) -> None:
    found = report([h.make_node("MatMul", ["x", "w"], ["y"])], kind, [weight("w", 64, 8, kind=kind)])
    assert found.macs_by_precision() == {name: 3 * 64 * 8}


def test_packed_weights() -> None:
    """Two int4 to a byte: 8 · 2 blocks of 32 numbers = 16 bytes each; 16 scales."""
    node = h.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=64, N=8, bits=4, block_size=32)
    found = report([node], HALF, [weight("w", 8, 2, 16, kind=UINT8), weight("s", 16, kind=HALF)])
    assert found.macs_by_precision() == {"fp16×int4": 3 * 64 * 8}
    totals = found.to_dict()["totals"]
    assert totals["weight_bytes_by_dtype"] == {"uint8": 8 * 2 * 16, "float16": 2 * 16}
    assert totals["macs_by_precision"] == {"fp16×int4": 3 * 64 * 8}


def test_behind_dequantize_linear() -> None:
    """The activation as uint8, the weight as int8 behind a Transpose; the third product is in float32."""
    nodes = [
        h.make_node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]),
        h.make_node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
        h.make_node("DequantizeLinear", ["w", "sw"], ["wd"]),
        h.make_node("Transpose", ["wd"], ["wt"]),
        h.make_node("MatMul", ["xd", "wt"], ["a"]),
        h.make_node("MatMul", ["x", "wt"], ["b"]),
        h.make_node("MatMul", ["a", "v"], ["c"]),
        h.make_node("Sum", ["b", "b"], ["d"]),
        h.make_node("Identity", ["c"], ["y"]),
    ]
    stored = [weight("w", 8, 64, kind=INT8), weight("v", 8, 2, kind=FLOAT)]
    stored += [weight("sx"), weight("zx", kind=UINT8), weight("sw")]
    found = report(nodes, FLOAT, stored)
    n = 3 * 64 * 8
    assert found.macs_by_precision() == {"uint8×int8": n, "fp32×int8": n, "fp32": 3 * 8 * 2}
    text = str(found)
    assert "MACs by precision  uint8×int8 1.54 k, fp32×int8 1.54 k, fp32 48" in text
    assert "Weights by type    int8 512 B, float32 72 B, uint8 1 B" in text


def test_plain_float32_says_nothing() -> None:
    text = str(report([h.make_node("MatMul", ["x", "w"], ["y"])], FLOAT, [weight("w", 64, 8, kind=FLOAT)]))
    assert "by precision" not in text and "by type" not in text
