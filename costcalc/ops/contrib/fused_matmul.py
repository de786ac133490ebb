"""Products of com.microsoft with packed or ordered weights, several at once or with a norm, and an activation.

Source: ONNX Runtime's docs/ContribOperators.md.
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, Work, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, PackedInputs, contraction_gradient, traits
from costcalc.ops.common.axes import broadcast
from costcalc.ops.contrib.matmul import bias_work
from costcalc.ops.norm import rms_norm_cost
from costcalc.ops.quantize import requantization_work

operands("MatMulNBitsMlp", domain=MS, weights=(2, 3, 5, 6, 8), buffers=(4, 7))

operands("MatMulNBitsQkv", domain=MS, weights=(2, 3, 5, 6, 8, 9, 11), buffers=(4, 7, 10))

operands("MatMulBlockQuantizedFp4Weight", domain=MS, weights=(1, 5), buffers=(2, 3, 4))

operands("MatMulBlockQuantizedFp8Weight", domain=MS, weights=(1, 4), buffers=(2, 3))

operands("RouterGateUpProj", domain=MS, weights=(1,))

operands("QOrderedMatMul", domain=MS, weights=(2, 5), buffers=(1, 3, 4, 7))


def _unpacked_elements(b: TensorType, attributes: Attributes) -> Dim:
    """The weights in a tensor of bytes, `bits` (4) each."""
    return b.elements * 8 // int(attributes.get("bits", 4))


def _bits(attributes: Attributes) -> int:
    return int(attributes.get("bits", 4))


traits(
    "MatMulNBitsMlp",
    domain=MS,
    kind="product",
    factors=(0, 3),
    gradient=contraction_gradient(((0,), ()), ((0,), ())),  # packed weights are not trained
    packed=PackedInputs(frozenset((3, 6)), _unpacked_elements, _bits),
)

traits(
    "MatMulNBitsQkv",
    domain=MS,
    kind="product",
    factors=(0, 3),
    gradient=contraction_gradient(((0,), ()), ((0,), ()), ((0,), ())),
    packed=PackedInputs(frozenset((3, 6, 9)), _unpacked_elements, _bits),
)

traits(
    "MatMulBlockQuantizedFp4Weight",
    domain=MS,
    kind="product",
    bias=5,
    gradient=contraction_gradient(((0,), ())),
    packed=PackedInputs(frozenset((1,)), lambda b, attributes: b.elements * 2, lambda attributes: 4),
)

traits("MatMulBlockQuantizedFp8Weight", domain=MS, kind="product", bias=4, gradient=contraction_gradient(((0,), ())))

traits("RouterGateUpProj", domain=MS, kind="product", gradient=contraction_gradient(((0,), (1,))))

traits("QOrderedMatMul", domain=MS, kind="product", factors=(0, 2), bias=5, straight_through=True)

describe("Two products with packed weights; one gates the other.", "MatMulNBitsMlp", domain=MS)

describe("The products of queries, keys and values with packed weights.", "MatMulNBitsQkv", domain=MS)

describe(
    "A product with a weight matrix that is stored in blocks of small floats.",
    "MatMulBlockQuantizedFp4Weight",
    "MatMulBlockQuantizedFp8Weight",
    domain=MS,
)

describe(
    "One product gives the router's scores and the gated features of a shared expert.", "RouterGateUpProj", domain=MS
)

describe("A product of integers in a device's order of storage.", "QOrderedMatMul", domain=MS)


def _rows(a: TensorType) -> tuple[Dim, ...]:
    assert a.shape is not None
    return a.shape[:-1]


def _row_factor(a: TensorType) -> tuple[tuple[str, Dim], ...]:
    return tuple((f"b{i}", extent) for i, extent in enumerate(_rows(a)))


def _norm_work(a: TensorType, skip: TensorType | None, norm_scale: TensorType | None) -> tuple[Work, ...]:
    """The addition of a residual and the normalisation before the products."""
    added = elementwise_work("add", "elementwise", a.elements, int(skip is not None))
    return added + (rms_norm_cost(a, norm_scale).work if norm_scale is not None else ())


@shape_rule("MatMulNBitsMlp", domain=MS)
def nbits_mlp_shape(
    a: TensorType,
    skip: TensorType | None,
    norm_scale: TensorType | None,
    gate_b: TensorType,
    gate_scales: TensorType,
    gate_bias: TensorType | None,
    up_b: TensorType,
    up_scales: TensorType,
    up_bias: TensorType | None = None,
    *,
    N: int,  # noqa: N803
) -> tuple[TensorType, ...]:
    """a [*rows, K] -> [*rows, N], and the input with the residual."""
    return TensorType(a.dtype, (*_rows(a), N)), TensorType(a.dtype, a.shape)


@cost_rule("MatMulNBitsMlp", domain=MS)
def nbits_mlp_cost(
    a: TensorType,
    skip: TensorType | None,
    norm_scale: TensorType | None,
    gate_b: TensorType,
    gate_scales: TensorType,
    gate_bias: TensorType | None,
    up_b: TensorType,
    up_scales: TensorType,
    up_bias: TensorType | None = None,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
    out: TensorType,
) -> Cost:
    """∏rows × N × K for the gate and for the other half; unpacking a weight is one multiplication with its scale. Per
    output an addition with each bias, one function and two multiplications for the gate. Before it a residual's
    addition and RMSNormalization, where they are there."""
    rows = product_factor("rows", *_row_factor(a))
    terms = [product(rows, ("N", N), ("K", K), name=name) for name in ("gate", "up")]
    work = _norm_work(a, skip, norm_scale)
    work += elementwise_work("multiply", "quantization", 2 * N * K, 1, "#weights")
    work += bias_work(gate_bias, out) + bias_work(up_bias, out)
    work += elementwise_work("transcendental", "activation", out.elements)
    return Cost(sum_of_products(*terms), work + elementwise_work("multiply", "elementwise", out.elements, 2))


@shape_rule("MatMulNBitsQkv", domain=MS)
def nbits_qkv_shape(
    a: TensorType,
    skip: TensorType | None,
    norm_scale: TensorType,
    *weights: TensorType | None,
    Nq: int,  # noqa: N803
    Nkv: int,  # noqa: N803
) -> tuple[TensorType, ...]:
    """a [*rows, K] -> queries [*rows, Nq], keys and values [*rows, Nkv], and the input with the residual."""
    keys = TensorType(a.dtype, (*_rows(a), Nkv))
    return TensorType(a.dtype, (*_rows(a), Nq)), keys, keys, TensorType(a.dtype, a.shape)


@cost_rule("MatMulNBitsQkv", domain=MS)
def nbits_qkv_cost(
    a: TensorType,
    skip: TensorType | None,
    norm_scale: TensorType,
    *weights: TensorType | None,
    K: int,  # noqa: N803
    Nq: int,  # noqa: N803
    Nkv: int,  # noqa: N803
    outs: tuple[TensorType, ...],
) -> Cost:
    """∏rows × (Nq + 2 · Nkv) × K; unpacking a weight is one multiplication with its scale, a bias one addition per
    output. Before it a residual's addition, where it is there, and RMSNormalization."""
    rows = product_factor("rows", *_row_factor(a))
    names = (("Q", Nq), ("K", Nkv), ("V", Nkv))
    terms = [product(rows, ("N", n), ("K", K), name=name) for name, n in names]
    work = _norm_work(a, skip, norm_scale)
    work += elementwise_work("multiply", "quantization", (Nq + 2 * Nkv) * K, 1, "#weights")
    for bias, out in zip(weights[2::3], outs, strict=False):
        work += bias_work(bias, out)
    return Cost(sum_of_products(*terms), work)


@shape_rule("MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight", domain=MS)
def block_quantized_shape(
    a: TensorType,
    b: TensorType,
    scale: TensorType,
    scale_2: TensorType | None = None,
    input_scale: TensorType | None = None,
    bias: TensorType | None = None,
) -> TensorType:
    """a [*rows, K], b [N, K] or [N, K / 2] bytes -> [*rows, N]."""
    assert b.shape is not None
    return TensorType(a.dtype, (*_rows(a), b.shape[0]))


def _block_quantized(a: TensorType, b: TensorType, scales: int, bias: TensorType | None, out: TensorType) -> Cost:
    assert a.shape is not None and b.shape is not None
    n, k = b.shape[0], a.shape[-1]
    work = elementwise_work("multiply", "quantization", n * k, scales, "#weights") + bias_work(bias, out)
    return Cost(sum_of_products(product(product_factor("rows", *_row_factor(a)), ("N", n), ("K", k))), work)


@cost_rule("MatMulBlockQuantizedFp4Weight", domain=MS)
def fp4_cost(
    a: TensorType,
    b: TensorType,
    weight_scale: TensorType,
    weight_scale_2: TensorType,
    input_scale: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """∏rows × N × K; unpacking a weight is two multiplications with its scales, a bias one addition per output."""
    return _block_quantized(a, b, 2, bias, out)


@cost_rule("MatMulBlockQuantizedFp8Weight", domain=MS)
def fp8_cost(
    a: TensorType,
    b: TensorType,
    b_scale: TensorType,
    a_scale: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """∏rows × N × K; unpacking a weight is one multiplication with its scale, a bias one addition per output; with a
    scale of the activation one division and one multiplication per input."""
    cost = _block_quantized(a, b, 1, bias, out)
    scaled = int(a_scale is not None)
    work = elementwise_work("divide", "quantization", a.elements, scaled, "#inputs")
    return Cost(
        cost.macs, cost.work + work + elementwise_work("multiply", "quantization", a.elements, scaled, "#inputs")
    )


@shape_rule("RouterGateUpProj", domain=MS)
def router_gate_shape(x: TensorType, w: TensorType, *, router_size: int) -> tuple[TensorType, ...]:
    """x [*rows, K], w [K, router_size + 2 · D] -> scores [*rows, router_size], features [*rows, D]."""
    assert w.shape is not None
    features = (w.shape[1] - router_size) // 2
    return TensorType(x.dtype, (*_rows(x), router_size)), TensorType(x.dtype, (*_rows(x), features))


@cost_rule("RouterGateUpProj", domain=MS)
def router_gate_cost(x: TensorType, w: TensorType, *, router_size: int, outs: tuple[TensorType, ...]) -> Cost:
    """∏rows × K × (router_size + 2 · D); per gated feature one function and two multiplications."""
    assert w.shape is not None
    k, n = w.shape
    gated = product_factor("#features", *_row_factor(x), ("D", (n - router_size) // 2)).value
    work = elementwise_work("transcendental", "activation", gated, 1, "#features")
    work += elementwise_work("multiply", "elementwise", gated, 2, "#features")
    return Cost(sum_of_products(product(product_factor("rows", *_row_factor(x)), ("N", n), ("K", k))), work)


@shape_rule("QOrderedMatMul", domain=MS)
def qordered_matmul_shape(
    a: TensorType,
    scale_a: TensorType,
    b: TensorType,
    scale_b: TensorType,
    scale_y: TensorType,
    bias: TensorType | None = None,
    c: TensorType | None = None,
    scale_c: TensorType | None = None,
) -> TensorType:
    """a [B, M, K], b [K, N] or [B, K, N] -> int8 [B, M, N]."""
    assert a.shape is not None and b.shape is not None
    return TensorType(a.dtype, (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))


@cost_rule("QOrderedMatMul", domain=MS)
def qordered_matmul_cost(
    a: TensorType,
    scale_a: TensorType,
    b: TensorType,
    scale_b: TensorType,
    scale_y: TensorType,
    bias: TensorType | None = None,
    c: TensorType | None = None,
    scale_c: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """B × M × N × K; per output an addition with a bias, a multiplication and an addition with C, and requantising:
    one multiplication and one addition."""
    assert a.shape is not None and out.shape is not None
    *batch, m, n = out.shape
    factors = product_factor("batch", *((f"b{i}", extent) for i, extent in enumerate(batch)))
    work = bias_work(bias, out) + elementwise_work("multiply", "elementwise", out.elements, int(c is not None))
    work += elementwise_work("add", "elementwise", out.elements, int(c is not None))
    return Cost(
        sum_of_products(product(factors, ("M", m), ("N", n), ("K", a.shape[-1]))), work + requantization_work(out)
    )
