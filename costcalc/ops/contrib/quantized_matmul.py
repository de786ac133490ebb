"""Quantised matrix products of com.microsoft."""

from __future__ import annotations

from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.contrib.matmul import bias_work
from costcalc.ops.matmul import gemm_extents, matmul_cost, matmul_result
from costcalc.ops.quantize import dynamic_quantization_work, requantization_work

operands("MatMulInteger16", domain=MS, weights=(0, 1))

operands("DynamicQuantizeMatMul", domain=MS, weights=(1, 4), buffers=(2, 3))

operands("MatMulIntegerToFloat", domain=MS, weights=(0, 1, 6), buffers=(2, 3, 4, 5))

operands("QGemm", domain=MS, weights=(0, 3, 6), buffers=(1, 2, 4, 5, 7, 8))

traits("MatMulInteger16", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QGemm", domain=MS, kind="product")

traits("MatMulInteger16", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", domain=MS, straight_through=True)

traits("DynamicQuantizeMatMul", domain=MS, quantises_input="uint8", bias=4)

traits("MatMulIntegerToFloat", domain=MS, bias=6)

traits("QGemm", domain=MS, factors=(0, 3), bias=6, derived=frozenset(("transB",)))

describe("A product of integer matrices.", "MatMulInteger16", "QGemm", "MatMulIntegerToFloat", domain=MS)

describe("A product whose left side is turned into integers first.", "DynamicQuantizeMatMul", domain=MS)


@shape_rule("DynamicQuantizeMatMul", domain=MS)
def dynamic_quantize_matmul_shape(
    a: TensorType,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType | None = None,
    bias: TensorType | None = None,
) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> [*batch, M, N] in a's type."""
    return TensorType(a.dtype, matmul_result(a, b))


@cost_rule("DynamicQuantizeMatMul", domain=MS)
def dynamic_quantize_matmul_cost(
    a: TensorType,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As MatMul: ∏batch × M × N × K. Per element of A 2 comparisons, 1 division and 1 addition to quantise it, per
    output 1 multiplication with the scales, and 1 addition with a bias."""
    work = (
        dynamic_quantization_work(a) + elementwise_work("multiply", "quantization", out.elements) + bias_work(bias, out)
    )
    return Cost(matmul_cost(a, b).macs, work)


@shape_rule("MatMulIntegerToFloat", domain=MS)
def matmul_integer_to_float_shape(
    a: TensorType,
    b: TensorType,
    a_scale: TensorType,
    b_scale: TensorType,
    a_zero_point: TensorType | None = None,
    b_zero_point: TensorType | None = None,
    bias: TensorType | None = None,
) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> [*batch, M, N] in the scale's type."""
    return TensorType(a_scale.dtype, matmul_result(a, b))


@cost_rule("MatMulIntegerToFloat", domain=MS)
def matmul_integer_to_float_cost(
    a: TensorType,
    b: TensorType,
    a_scale: TensorType,
    b_scale: TensorType,
    a_zero_point: TensorType | None = None,
    b_zero_point: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As MatMul: ∏batch × M × N × K; per output 1 multiplication with the scales, and 1 addition with a bias."""
    return Cost(
        matmul_cost(a, b).macs, elementwise_work("multiply", "quantization", out.elements) + bias_work(bias, out)
    )


@shape_rule("MatMulInteger16", domain=MS)
def matmul_integer16_shape(a: TensorType, b: TensorType) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> int32 [*batch, M, N]."""
    return TensorType(DType.UINT32 if a.dtype is DType.UINT16 else DType.INT32, matmul_result(a, b))


cost_rule("MatMulInteger16", domain=MS)(matmul_cost)


@shape_rule("QGemm", domain=MS)
def qgemm_shape(
    a: TensorType,
    a_scale: TensorType,
    a_zero_point: TensorType,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType,
    c: TensorType | None = None,
    y_scale: TensorType | None = None,
    y_zero_point: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> TensorType:
    """op(a) [M, K] × op(b) [K, N] -> [M, N], quantised where y has a zero point, else float."""
    m, n, _ = gemm_extents(a, b, transA, transB)
    return TensorType(a_scale.dtype if y_zero_point is None else y_zero_point.dtype, (m, n))


@cost_rule("QGemm", domain=MS)
def qgemm_cost(
    a: TensorType,
    a_scale: TensorType,
    a_zero_point: TensorType,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType,
    c: TensorType | None = None,
    y_scale: TensorType | None = None,
    y_zero_point: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    out: TensorType,
) -> Cost:
    """As Gemm: M × N × K; a bias adds one addition per output, the scales one multiplication, and y's zero point one
    addition."""
    m, n, k = gemm_extents(a, b, transA, transB)
    scaled = (
        requantization_work(out)
        if y_zero_point is not None
        else elementwise_work("multiply", "quantization", out.elements)
    )
    return Cost(formula(("M", m), ("N", n), ("K", k)), bias_work(c, out) + scaled)
