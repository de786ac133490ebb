"""Fused elementwise operators of com.microsoft: gates, products of complex numbers, rotations, norms with a gate.

Source: ONNX Runtime's docs/ContribOperators.md.
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, FreshSymbol, ShapeResult, cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.attention import rotary_cost
from costcalc.ops.common.axes import broadcast_types
from costcalc.ops.contrib.activation import bias_dropout_cost
from costcalc.ops.norm import rms_norm_cost

operands("MRotaryEmbedding", domain=MS, buffers=(2, 3))

operands("GatedRMSNorm", "BranchwiseRMSNorm", "LinearAttentionGate", domain=MS, weights=(1,))

operands("BitmaskBiasDropout", domain=MS, weights=(1,))

operands("RelativePositionBias", domain=MS, weights=(0,))

traits("ScaledSiLU", domain=MS, kind="activation", in_place=True)

traits("GatedRMSNorm", "BranchwiseRMSNorm", domain=MS, kind="normalisation")

traits("ComplexMul", "ComplexMulConj", domain=MS, arithmetic="multiply")

traits("BitmaskDropout", domain=MS, keeps="mask", fusion="joins")

traits("RelativePositionBias", domain=MS, kind="lookup", positions="lost", keeps="nothing")

traits("IsAllFinite", domain=MS, positions="mixed", keeps="nothing")

describe("One half gates the other: x · σ(x) · y.", "SwiGLU", domain=MS)

describe("x · σ(x) of the scaled input.", "ScaledSiLU", domain=MS)

describe("The decay and the update rate of a linear attention.", "LinearAttentionGate", domain=MS)

describe(
    "Divides each group by its root mean square, scales it, and multiplies it with a gate.", "GatedRMSNorm", domain=MS
)

describe("Divides each branch by its root mean square, and scales it.", "BranchwiseRMSNorm", domain=MS)

describe("Multiplies complex numbers (the second conjugated).", "ComplexMul", "ComplexMulConj", domain=MS)

describe("Whether all numbers are finite.", "IsAllFinite", domain=MS)

describe("Pairs of features are rotated by angles of three positions.", "MRotaryEmbedding", domain=MS)

describe("Queries and keys are rotated by an angle that grows with the position.", "GemmaRotaryEmbedding", domain=MS)

describe("Looks up a bias for each distance of a query and a key.", "RelativePositionBias", domain=MS)

describe(
    "Drops values at random while training; at inference it gives its input as it is.", "BitmaskDropout", domain=MS
)

describe("Adds a bias (and a residual).", "BitmaskBiasDropout", domain=MS)

free("BitmaskDropout", "RelativePositionBias", domain=MS)


@shape_rule("SwiGLU", domain=MS)
def swiglu_shape(gate: TensorType, up: TensorType | None = None) -> TensorType:
    """gate [*, D] and up [*, D] -> [*, D]; both in one tensor [*, 2 · D] -> [*, D]."""
    assert gate.shape is not None
    if up is not None:
        return TensorType(gate.dtype, broadcast_types(gate, up))
    return TensorType(gate.dtype, (*gate.shape[:-1], gate.shape[-1] // 2))


@cost_rule("SwiGLU", domain=MS)
def swiglu_cost(
    gate: TensorType,
    up: TensorType | None = None,
    *,
    limit: float = 0.0,
    activation_beta: float = 0.0,
    out: TensorType,
) -> Cost:
    """Per output one function (the sigmoid) and two multiplications; one addition where activation_beta is not 0, two
    comparisons where a limit clamps both halves."""
    n = out.elements
    return Cost(
        work=elementwise_work("transcendental", "activation", n)
        + elementwise_work("multiply", "elementwise", n, 2)
        + elementwise_work("add", "elementwise", n, int(activation_beta != 0))
        + elementwise_work("compare", "elementwise", n, 2 * int(limit > 0))
    )


@shape_rule("ScaledSiLU", "BitmaskDropout", domain=MS)
def scaled_shape(
    x: TensorType, scale: TensorType | None = None, training_mode: TensorType | None = None
) -> tuple[TensorType, ...]:
    """The input's type; of BitmaskDropout also one bit per element in uint32."""
    return TensorType(x.dtype, x.shape), TensorType(DType.UINT32, ((x.elements + 31) // 32,))


@cost_rule("ScaledSiLU", domain=MS)
def scaled_silu_cost(x: TensorType, scale: TensorType | None = None) -> Cost:
    """Per element one function (the sigmoid) and two multiplications."""
    return Cost(
        work=elementwise_work("transcendental", "activation", x.elements)
        + elementwise_work("multiply", "elementwise", x.elements, 2)
    )


@shape_rule("BitmaskBiasDropout", domain=MS)
def bitmask_bias_dropout_shape(
    x: TensorType,
    bias: TensorType,
    residual: TensorType | None = None,
    ratio: TensorType | None = None,
    training_mode: TensorType | None = None,
) -> ShapeResult:
    """The input's type, and one bit per element in uint32."""
    return scaled_shape(x)


cost_rule("BitmaskBiasDropout", domain=MS)(bias_dropout_cost)


@shape_rule("LinearAttentionGate", domain=MS)
def linear_attention_gate_shape(
    a: TensorType, dt_bias: TensorType, decay_scale: TensorType, b: TensorType | None = None
) -> tuple[TensorType, ...]:
    """a [B, T, H] and b -> decay and beta of the same shape."""
    return TensorType(a.dtype, a.shape), TensorType(a.dtype, a.shape)


@cost_rule("LinearAttentionGate", domain=MS)
def linear_attention_gate_cost(
    a: TensorType, dt_bias: TensorType, decay_scale: TensorType, b: TensorType | None = None
) -> Cost:
    """Per decay one addition (the bias), one function (softplus) and one multiplication; per beta one function (the
    sigmoid)."""
    n = a.elements
    return Cost(
        work=elementwise_work("add", "bias", n)
        + elementwise_work("transcendental", "activation", n)
        + elementwise_work("multiply", "elementwise", n)
        + elementwise_work("transcendental", "activation", b.elements if b is not None else 0, int(b is not None))
    )


@shape_rule("GatedRMSNorm", "BranchwiseRMSNorm", domain=MS)
def gated_norm_shape(x: TensorType, scale: TensorType | None = None, gate: TensorType | None = None) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("GatedRMSNorm", domain=MS)
def gated_norm_cost(x: TensorType, scale: TensorType, gate: TensorType, *, activation: str = "silu") -> Cost:
    """As RMSNormalization over groups of #scale elements; per element one function and one multiplication for a gate of
    sigmoid, one more multiplication for silu."""
    gated = elementwise_work("transcendental", "activation", x.elements)
    products = 1 if activation == "sigmoid" else 2
    return Cost(
        work=_grouped_norm(x, scale.elements)
        + gated
        + elementwise_work("multiply", "elementwise", x.elements, products)
    )


@cost_rule("BranchwiseRMSNorm", domain=MS)
def branchwise_norm_cost(x: TensorType, scale: TensorType | None = None, *, num_branches: int = 0) -> Cost:
    """As RMSNormalization over each branch: the last axis, or num_branches parts of it."""
    assert x.shape is not None
    if 0 in x.shape:
        return Cost()
    size = x.shape[-1] // max(num_branches, 1)
    if size == 0:
        raise ShapeError(f"{x.shape[-1]} features have no {num_branches} branches", "correct num_branches")
    return Cost(work=_grouped_norm(x, size))


def _grouped_norm(x: TensorType, size: Dim) -> tuple[Work, ...]:
    """The work of a normalisation of groups of `size` elements."""
    grouped = TensorType(x.dtype, (x.elements // size, size))
    return rms_norm_cost(grouped, TensorType(x.dtype, (size,))).work


@shape_rule("ComplexMul", "ComplexMulConj", domain=MS)
def complex_shape(a: TensorType, b: TensorType) -> TensorType:
    """a [*, 2] and b [*, 2], broadcast -> [*, 2]: real and imaginary parts stand on the last axis."""
    return TensorType(a.dtype, broadcast_types(a, b))


@cost_rule("ComplexMul", "ComplexMulConj", domain=MS)
def complex_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """Per real output two multiplications and one addition."""
    return Cost(
        work=elementwise_work("multiply", "elementwise", out.elements, 2)
        + elementwise_work("add", "elementwise", out.elements)
    )


@shape_rule("IsAllFinite", domain=MS)
def is_all_finite_shape(*inputs: TensorType | None) -> TensorType:
    """One truth value."""
    return TensorType(DType.BOOL, ())


@cost_rule("IsAllFinite", domain=MS)
def is_all_finite_cost(*inputs: TensorType | None) -> Cost:
    """One comparison per element of the inputs."""
    elements: Dim = 0
    for t in inputs:
        elements = elements + (t.elements if t is not None else 0)
    return Cost(work=elementwise_work("compare", "reduction", elements, 1, "#inputs"))


@shape_rule("MRotaryEmbedding", domain=MS)
def m_rotary_shape(x: TensorType, position_ids: TensorType, cos_cache: TensorType, sin_cache: TensorType) -> TensorType:
    """x [B, S, H · D] or [B, H, S, D] -> the same."""
    return TensorType(x.dtype, x.shape)


@cost_rule("MRotaryEmbedding", domain=MS)
def m_rotary_cost(
    x: TensorType,
    position_ids: TensorType,
    cos_cache: TensorType,
    sin_cache: TensorType,
    *,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Cost:
    """2 multiplications and 1 addition per rotated element: all of x, or rotary_embedding_dim features of each head."""
    return rotary_cost(x, cos_cache, sin_cache, num_heads=num_heads, rotary_embedding_dim=rotary_embedding_dim)


@shape_rule("GemmaRotaryEmbedding", domain=MS)
def gemma_rotary_shape(
    emb: TensorType, q: TensorType, q_rot: TensorType, k: TensorType, k_rot: TensorType
) -> tuple[TensorType, ...]:
    """q and k [B, H, S, D] -> the same."""
    return TensorType(q.dtype, q.shape), TensorType(k.dtype, k.shape)


@cost_rule("GemmaRotaryEmbedding", domain=MS)
def gemma_rotary_cost(emb: TensorType, q: TensorType, q_rot: TensorType, k: TensorType, k_rot: TensorType) -> Cost:
    """Two functions (sine, cosine) per angle; 2 multiplications and 1 addition per element of q and k."""
    n = q.elements + k.elements
    return Cost(
        work=elementwise_work("transcendental", "elementwise", emb.elements, 2, "#angles")
        + elementwise_work("multiply", "elementwise", n, 2)
        + elementwise_work("add", "elementwise", n)
    )


@shape_rule("RelativePositionBias", domain=MS)
def relative_position_shape(
    bias_table: TensorType, query_length: TensorType, key_length: TensorType, *, fresh: FreshSymbol
) -> TensorType:
    """bias_table [buckets, H] and two lengths -> [1, H, S_q, S_kv]."""
    if bias_table.shape is None or len(bias_table.shape) != 2:
        raise ShapeError("the table of biases has not 2 axes", "it is [buckets, heads]")
    lengths = [
        fresh(word) if t.value is None else t.value[0]
        for word, t in (("query_length", query_length), ("key_length", key_length))
    ]
    return TensorType(bias_table.dtype, (1, bias_table.shape[1], *lengths))
