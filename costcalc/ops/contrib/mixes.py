"""Sums of several streams of features, gated sums, quantised embeddings and quantised attention of com.microsoft.

Source: ONNX Runtime's docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, prod
from costcalc.core.formula import Cost, Work, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, ShapeResult, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.contrib.attention import ms_attention_cost, ms_attention_shape
from costcalc.ops.contrib.norm import count_embedded, embed_layer_norm_cost, embed_layer_norm_shape
from costcalc.ops.quantize import requantization_work

operands("GatedAdd", domain=MS, weights=(3,))

operands("QEmbedLayerNormalization", domain=MS, weights=(2, 3, 4, 5, 6), buffers=tuple(range(8, 18)))

operands("QOrderedAttention", domain=MS, weights=(5, 6, 7, 11, 12, 13), buffers=(1, 2, 3, 4, 8, 9, 10, 14, 15, 16))

traits("QEmbedLayerNormalization", domain=MS, kind="normalisation", straight_through=True)

traits(
    "QOrderedAttention",
    domain=MS,
    kind="attention",
    straight_through=True,
    causal=lambda attributes: bool(attributes.get("unidirectional", 0)),
)

traits("HyperConnectionPreMix", "HyperConnectionPostMix", domain=MS, positions="lost")

describe("Adds a tensor that is multiplied with a gate for each row.", "GatedAdd", domain=MS)

describe("Adds up several streams of features, each with its own factors.", "HyperConnectionPreMix", domain=MS)

describe("Mixes streams of features and adds the output of a block to them.", "HyperConnectionPostMix", domain=MS)

describe(
    "Looks up and adds quantised word, position and segment embeddings, then normalises each row.",
    "QEmbedLayerNormalization",
    domain=MS,
)

describe("Self-attention of integers with its projections.", "QOrderedAttention", domain=MS)


@shape_rule("GatedAdd", domain=MS)
def gated_add_shape(
    x: TensorType, y: TensorType, gate: TensorType, gate_weight: TensorType | None = None
) -> TensorType:
    """x [*rows, C] and y -> the same; gate [*rows, 1], or [*rows, K] with gate_weight [K, 1]."""
    return TensorType(x.dtype, x.shape)


@cost_rule("GatedAdd", domain=MS)
def gated_add_cost(x: TensorType, y: TensorType, gate: TensorType, gate_weight: TensorType | None = None) -> Cost:
    """Per element one multiplication and one addition; with a weight ∏rows × K MACs and one function per row for the
    gate."""
    assert x.shape is not None and gate.shape is not None
    work = elementwise_work("multiply", "elementwise", x.elements) + elementwise_work("add", "elementwise", x.elements)
    if gate_weight is None:
        return Cost(work=work)
    rows = product_factor("rows", *((f"b{i}", extent) for i, extent in enumerate(gate.shape[:-1])))
    work += elementwise_work("transcendental", "activation", rows.value, 1, "#rows")
    return Cost(sum_of_products(product(rows, ("K", gate.shape[-1]))), work)


def _branches(streams: TensorType, num_branches: int) -> tuple[tuple[Dim, ...], Dim, Dim]:
    """(rows, C, H) of streams [*rows, C, H], or [*rows, C · H] with num_branches."""
    assert streams.shape is not None
    if num_branches:
        return streams.shape[:-1], num_branches, streams.shape[-1] // num_branches
    return streams.shape[:-2], streams.shape[-2], streams.shape[-1]


@shape_rule("HyperConnectionPreMix", domain=MS)
def pre_mix_shape(streams: TensorType, pre_mix: TensorType, *, num_branches: int = 0) -> TensorType:
    """streams [*rows, C, H], or [*rows, C · H] with num_branches -> [*rows, H]."""
    rows, _, features = _branches(streams, num_branches)
    return TensorType(streams.dtype, (*rows, features))


@cost_rule("HyperConnectionPreMix", domain=MS)
def pre_mix_cost(streams: TensorType, pre_mix: TensorType, *, reduction_scale: float = 1.0, out: TensorType) -> Cost:
    """One multiplication per input, #inputs − #outputs additions, one multiplication per output with a scale."""
    return Cost(
        work=elementwise_work("multiply", "elementwise", streams.elements, 1, "#inputs")
        + elementwise_work("add", "reduction", streams.elements - out.elements, 1, "(#inputs − #outputs)")
        + elementwise_work("multiply", "elementwise", out.elements, int(reduction_scale != 1), "#outputs")
    )


@shape_rule("HyperConnectionPostMix", domain=MS)
def post_mix_shape(
    streams: TensorType, block_output: TensorType, post_mix: TensorType, stream_mix: TensorType | None = None
) -> TensorType:
    """streams -> the same."""
    return TensorType(streams.dtype, streams.shape)


@cost_rule("HyperConnectionPostMix", domain=MS)
def post_mix_cost(
    streams: TensorType,
    block_output: TensorType,
    post_mix: TensorType,
    stream_mix: TensorType | None = None,
    *,
    num_branches: int = 0,
) -> Cost:
    """Per element one multiplication and one addition of the block's output; with a matrix of streams ∏rows × C × C × H
    MACs."""
    rows, count, features = _branches(streams, num_branches)
    n = streams.elements
    work = elementwise_work("multiply", "elementwise", n) + elementwise_work("add", "elementwise", n)
    if stream_mix is None:
        return Cost(work=work)
    return Cost(sum_of_products(product(("rows", prod(rows)), ("C", count), ("C", count), ("H", features))), work)


@shape_rule("QEmbedLayerNormalization", domain=MS)
def q_embed_shape(
    input_ids: TensorType,
    segment_ids: TensorType | None,
    word: TensorType,
    position: TensorType,
    segment: TensorType | None,
    gamma: TensorType,
    beta: TensorType,
    mask: TensorType | None = None,
    *scales: TensorType | None,
) -> ShapeResult:
    """As EmbedLayerNormalization, in float32."""
    types = embed_layer_norm_shape(input_ids, segment_ids, word, position, segment, gamma, beta, mask)
    assert not isinstance(types, TensorType)
    return types[0]._replace(dtype=DType.FLOAT32), types[1]


@least_work_rule("QEmbedLayerNormalization", domain=MS)
def q_embed_least_work(use: OperatorUse) -> LeastWork:
    """As EmbedLayerNormalization without position_ids."""
    return LeastWork(0, count_embedded(use, None))


@cost_rule("QEmbedLayerNormalization", domain=MS)
def q_embed_cost(
    input_ids: TensorType,
    segment_ids: TensorType | None,
    word: TensorType,
    position: TensorType,
    segment: TensorType | None,
    gamma: TensorType,
    beta: TensorType,
    mask: TensorType | None = None,
    *scales: TensorType | None,
    out: TensorType,
) -> Cost:
    """As EmbedLayerNormalization; each number that is looked up, and of the scale and the shift, is dequantised: one
    subtraction and one multiplication."""
    cost = embed_layer_norm_cost(input_ids, segment_ids, word, position, segment, gamma, beta, mask, out=out)
    numbers = out.elements * (2 + (segment is not None)) + gamma.elements + beta.elements
    return Cost(work=cost.work + _dequantization_work(numbers))


def _dequantization_work(numbers: Dim) -> tuple[Work, ...]:
    return elementwise_work("add", "quantization", numbers, 1, "#looked up") + elementwise_work(
        "multiply", "quantization", numbers, 1, "#looked up"
    )


def _joined(x: TensorType, parts: Sequence[TensorType | None]) -> tuple[TensorType, tuple[int, ...]]:
    """The weights [C, Q + K + V] of three [C, Q], [C, K] and [C, V], and their widths."""
    widths = [part.shape[-1] for part in parts if part is not None and part.shape is not None]
    assert x.shape is not None
    total: Dim = 0
    for width in widths:
        total = total + width
    return TensorType(x.dtype, (x.shape[-1], total)), tuple(int(width) for width in widths)


@shape_rule("QOrderedAttention", domain=MS)
def qordered_attention_shape(x: TensorType, *others: TensorType | None, num_heads: int) -> ShapeResult:
    """x int8 [B, S, C], weights [C, Q], [C, K], [C, V] -> [B, S, V]."""
    weights, widths = _joined(x, others[4:7])
    types = ms_attention_shape(x, weights, num_heads=num_heads, qkv_hidden_sizes=widths)
    return types if isinstance(types, TensorType) else types[0]


@least_work_rule("QOrderedAttention", domain=MS)
def qordered_attention_least_work(use: OperatorUse) -> LeastWork:
    """With unidirectional or mask_index, which come with no length to read, everything: they may hide every key
    with its projection."""
    hides = use.attributes.get("unidirectional", 0) or use.input(17) is not None
    reads: dict[int, Dim] = dict.fromkeys(range(len(use.types)), 0) if hides else {}
    return LeastWork(0 if hides else use.macs.value, reads)


@cost_rule("QOrderedAttention", domain=MS)
def qordered_attention_cost(
    x: TensorType, *others: TensorType | None, num_heads: int, unidirectional: int = 0, out: TensorType
) -> Cost:
    """As Attention: the projections B · S · C · (Q + K + V), plus QKᵀ and PV, 5 per score for the softmax, one addition
    for the mask, an attention bias and unidirectional; requantising the output is a multiplication and an addition."""
    weights, widths = _joined(x, others[4:7])
    present = dict(enumerate(others, 1))
    bias = TensorType(DType.FLOAT32, (weights.shape[1],)) if weights.shape and present.get(11) is not None else None
    cost = ms_attention_cost(
        x,
        weights,
        bias,
        present.get(17),
        present.get(18),
        present.get(19),
        num_heads=num_heads,
        qkv_hidden_sizes=widths,
        unidirectional=unidirectional,
    )
    return Cost(cost.macs, cost.work + requantization_work(out))
