"""Quantisation, and the integer forms of convolutions and products."""

from __future__ import annotations

from typing import Any

from support.operator_rules import F16, F32, I8, U8, cost, onnx_shapes, run, shape, t, work

from costcalc.core.ir import DType

X, W = t(1, 3, 32, 32, dtype=U8), t(16, 3, 3, 3, dtype=I8)
SCALE, ZERO, CHANNEL_SCALE, CHANNEL_ZERO = t(), t(dtype=U8), t(16), t(16, dtype=I8)
MACS = 27 * (1 * 16 * 16) * 16


def test_qlinear_conv() -> None:
    inputs = [X, SCALE, ZERO, W, CHANNEL_SCALE, CHANNEL_ZERO, SCALE, ZERO, t(16, dtype=DType.INT32)]
    how: Any = {"strides": (2, 2), "pads": (1, 1, 1, 1)}
    (y,) = run("QLinearConv", *inputs, **how)
    assert (y.dtype, y.shape) == (U8, (1, 16, 16, 16))
    found = cost("QLinearConv", *inputs, **how)
    assert found.macs.value == MACS
    out = 16 * 16 * 16
    assert work(found) == {
        ("add", "bias"): out,
        ("multiply", "quantization"): out,
        ("add", "quantization"): out,
    }


def test_conv_integer() -> None:
    (y,) = run("ConvInteger", X, W, ZERO, strides=(2, 2), pads=(1, 1, 1, 1))
    assert (y.dtype, y.shape) == (DType.INT32, (1, 16, 16, 16))
    assert cost("ConvInteger", X, W, ZERO, strides=(2, 2), pads=(1, 1, 1, 1)).macs.value == MACS


def test_products() -> None:
    a, b = t(2, 5, 8, dtype=U8), t(8, 6, dtype=I8)
    (y,) = run("MatMulInteger", a, b, ZERO, t(dtype=I8))
    assert (y.dtype, y.shape) == (DType.INT32, (2, 5, 6))
    assert cost("MatMulInteger", a, b).macs.value == 2 * 5 * 8 * 6
    inputs = [a, SCALE, ZERO, b, SCALE, t(dtype=I8), SCALE, ZERO]
    (y,) = run("QLinearMatMul", *inputs)
    assert (y.dtype, y.shape) == (U8, (2, 5, 6))
    found = cost("QLinearMatMul", *inputs)
    assert (found.macs.value, found.flops) == (2 * 5 * 8 * 6, 2 * 2 * 5 * 8 * 6 + 2 * 2 * 5 * 6)


def test_to_and_from_integers() -> None:
    x = t(2, 3)
    assert run("QuantizeLinear", x, SCALE)[0].dtype is U8
    assert run("QuantizeLinear", x, SCALE, output_dtype=DType.INT4.code)[0].dtype is DType.INT4
    assert run("QuantizeLinear", x, t(2, 1), t(2, 1, dtype=I8), block_size=3)[0] == t(2, 3, dtype=I8)
    assert cost("QuantizeLinear", x, SCALE).flops == 6
    assert cost("QuantizeLinear", x, SCALE, ZERO).flops == 12
    q = t(2, 3, dtype=U8)
    assert run("DequantizeLinear", q, SCALE, ZERO, opset=10)[0].dtype is F32
    assert run("DequantizeLinear", q, t(dtype=F16), ZERO, opset=19)[0].dtype is F16
    assert cost("DequantizeLinear", q, SCALE, ZERO).flops == 12


def test_dynamic() -> None:
    outs = run("DynamicQuantizeLinear", t(2, 3), n=3)
    assert [o.shape for o in outs] == onnx_shapes("DynamicQuantizeLinear", t(2, 3), n=3)
    assert [o.dtype for o in outs] == [U8, F32, U8]
    assert cost("DynamicQuantizeLinear", t(2, 3), n=3).flops == 4 * 6


def test_shapes_are_onnxs() -> None:
    inputs = [X, SCALE, ZERO, W, SCALE, t(dtype=I8), SCALE, ZERO]
    for auto_pad in ("SAME_UPPER", "VALID", "NOTSET"):
        how: Any = {"opset": 10, "auto_pad": auto_pad}
        assert shape("QLinearConv", *inputs, **how) == onnx_shapes("QLinearConv", *inputs, **how)[0]
