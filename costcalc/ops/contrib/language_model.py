"""Operators of com.microsoft that fuse a part of a recent language model: gates, routers, norms, adapters.

Source: the descriptions in ONNX Runtime's own schemas, 1.32.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Factor, Work, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, PackedInputs, contraction_gradient, traits
from costcalc.ops.attention import rotation_work
from costcalc.ops.norm import rms_norm_cost

operands("EngramGate", domain=MS, weights=(3, 4, 5))

operands("GatedRelativePositionBias", domain=MS, weights=(1, 3, 4, 5))

operands("HyperConnectionLowRankMix", domain=MS, weights=(1, 2, 3, 4))

operands("MatMulNBitsQLoRA", domain=MS, weights=(1, 3, 5), buffers=(2, 4, 6))

operands("MoEGroupRouter", domain=MS, weights=(1, 2))

operands("RMSNormRotary", domain=MS, weights=(1,), buffers=(3, 4))

traits("RMSNormRotary", domain=MS, kind="normalisation")

traits(
    "GatedRelativePositionBias",
    domain=MS,
    factors=(0, 3),
    positions="lost",
    gradient=contraction_gradient(((0, 1), (3,))),
)

traits(
    "HyperConnectionLowRankMix",
    domain=MS,
    factors=(0, 2),
    gradient=contraction_gradient(((0, 1, 5, 6), (2,)), ((0, 1, 2, 5, 6), (3,)), ((0, 1, 5, 6), (4,))),
)

traits("MoEGroupRouter", domain=MS, factors=(0, 2), gradient=contraction_gradient(((0,), (2,))))


def _packed_values(weight: TensorType, attributes: Attributes) -> Dim:
    """The weights in a tensor of bytes [rows, blocks, bytes]: N · K of the base, which its form tells from an adapter;
    of an adapter with the padding of its last block."""
    n, k, size = attributes["N"], attributes["K"], attributes.get("block_size", 32)
    if size > 0 and weight.shape == (n, -(-k // size), size * attributes.get("bits", 4) // 8):
        return n * k  # type: ignore[no-any-return]
    return weight.elements * 8 // int(attributes.get("lora_bits", 8))


traits(
    "MatMulNBitsQLoRA",
    domain=MS,
    kind="product",
    derived=frozenset(("K",)),
    gradient=contraction_gradient(((0,), ()), ((0,), ()), ((0,), ())),  # packed weights are not trained
    packed=PackedInputs(frozenset((1, 3, 5)), _packed_values, lambda attributes: int(attributes.get("bits", 4))),
)

describe("A gate by how well a looked-up key fits the query, multiplied with the value.", "EngramGate", domain=MS)

describe("A bias for each distance of a query and a key, gated by the query.", "GatedRelativePositionBias", domain=MS)

describe(
    "Normalises streams of features, gates them by a product of low rank, and adds them up.",
    "HyperConnectionLowRankMix",
    domain=MS,
)

describe("A product with packed weights, plus one of low rank with packed adapters.", "MatMulNBitsQLoRA", domain=MS)

describe("The scores by which tokens choose experts out of the best groups of experts.", "MoEGroupRouter", domain=MS)

describe(
    "Divides each head by its root mean square, and rotates a part of it by its position.", "RMSNormRotary", domain=MS
)


def _rows(x: TensorType) -> Factor:
    assert x.shape is not None
    return product_factor("rows", *((f"b{i}", extent) for i, extent in enumerate(x.shape[:-1])))


def _norm_work(elements: Dim, size: Dim) -> tuple[Work, ...]:
    """The work of RMSNormalization of groups of `size` elements."""
    return rms_norm_cost(TensorType(DType.FLOAT32, (elements // size, size)), TensorType(DType.FLOAT32, (size,))).work


@shape_rule("EngramGate", domain=MS)
def engram_gate_shape(
    key: TensorType,
    query: TensorType,
    value: TensorType,
    key_scale: TensorType,
    query_scale: TensorType,
    conv_scale: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """key [B, S, branches, H] -> the same, twice."""
    return TensorType(key.dtype, key.shape), TensorType(key.dtype, key.shape)


@cost_rule("EngramGate", domain=MS)
def engram_gate_cost(
    key: TensorType,
    query: TensorType,
    value: TensorType,
    key_scale: TensorType,
    query_scale: TensorType,
    conv_scale: TensorType | None = None,
    *,
    outs: Sequence[TensorType | None],
) -> Cost:
    """RMSNormalization of keys and of queries; per element a multiplication and, but for one a gate, an addition (their
    product summed over H), and a multiplication of the gate with the value. Per gate a division and a multiplication
    (scale, sign), two comparisons (absolute value, limit) and two functions (root, sigmoid). RMSNormalization of the
    second output, where it is there."""
    assert key.shape is not None
    n, size = key.elements, key.shape[-1]
    if n == 0:
        return Cost()
    norms = 2 + int(len(outs) > 1 and outs[1] is not None)
    gates = n // size
    return Cost(
        work=_norm_work(n, size) * norms
        + elementwise_work("multiply", "elementwise", n, 2)
        + elementwise_work("add", "reduction", n - gates, 1, "(#elements − #gates)")
        + elementwise_work("divide", "elementwise", gates, 1, "#gates")
        + elementwise_work("multiply", "elementwise", gates, 1, "#gates")
        + elementwise_work("compare", "elementwise", gates, 2, "#gates")
        + elementwise_work("transcendental", "activation", gates, 2, "#gates")
    )


@shape_rule("GatedRelativePositionBias", domain=MS)
def gated_relative_bias_shape(
    query: TensorType,
    query_bias: TensorType,
    rel_pos: TensorType,
    weight: TensorType,
    bias: TensorType,
    eco_a: TensorType,
    token_offset: TensorType | None = None,
) -> TensorType:
    """query [B, S, H · D], or [tokens, H · D] with token_offset [B, S]; rel_pos [1, H, S, S] -> [B, H, S, S]."""
    assert query.shape is not None and rel_pos.shape is not None
    if len(query.shape) == 3:
        return TensorType(query.dtype, (query.shape[0], *rel_pos.shape[1:]))
    if token_offset is None or token_offset.shape is None:
        raise ShapeError("packed queries have no token_offset", "give [B, S], the place of each token")
    return TensorType(query.dtype, (token_offset.shape[0], *rel_pos.shape[1:]))


@cost_rule("GatedRelativePositionBias", domain=MS)
def gated_relative_bias_cost(
    query: TensorType,
    query_bias: TensorType,
    rel_pos: TensorType,
    weight: TensorType,
    bias: TensorType,
    eco_a: TensorType,
    token_offset: TensorType | None = None,
    *,
    num_heads: int,
    out: TensorType,
) -> Cost:
    """tokens × heads × head size × D MACs for the gates. Per element of the query and of that product an addition (the
    biases); of the latter D − 2 additions a head (the sum of each half). Per head and token two functions (sigmoid),
    two multiplications and two additions; per output one multiplication."""
    assert weight.shape is not None and query.shape is not None
    size, width = weight.shape
    tokens = prod(query.shape[:-1])
    heads = tokens * num_heads
    work = elementwise_work("add", "bias", query.elements) + elementwise_work("add", "bias", heads * width, 1, "#gates")
    work += elementwise_work("add", "reduction", heads * (width - 2), 1, "#gates of the halves")
    for kind, role in (("transcendental", "activation"), ("multiply", "elementwise"), ("add", "elementwise")):
        work += elementwise_work(kind, role, heads, 2, "#heads × tokens")
    work += elementwise_work("multiply", "elementwise", out.elements, 1, "#outputs")
    gate = product(("tokens", tokens), ("heads", num_heads), ("head size", size), ("D", width))
    return Cost(sum_of_products(gate), work)


@shape_rule("HyperConnectionLowRankMix", domain=MS)
def low_rank_mix_shape(
    streams: TensorType, norm_scale: TensorType, *weights: TensorType | None, num_branches: int
) -> tuple[TensorType, ...]:
    """streams [*rows, C · H] -> block input [*rows, H], gates [*rows, C], streams."""
    assert streams.shape is not None
    *rows, features = streams.shape
    if num_branches < 1:
        raise ShapeError(f"there are {num_branches} branches", "correct num_branches")
    require_equal(features // num_branches * num_branches, features, "num_branches × its features and those of streams")
    return (
        TensorType(streams.dtype, (*rows, features // num_branches)),
        TensorType(streams.dtype, (*rows, num_branches)),
        TensorType(streams.dtype, streams.shape),
    )


@cost_rule("HyperConnectionLowRankMix", domain=MS)
def low_rank_mix_cost(
    streams: TensorType,
    norm_scale: TensorType,
    down: TensorType,
    up: TensorType,
    inject: TensorType,
    block_output: TensorType | None = None,
    post_gate: TensorType | None = None,
    *,
    num_branches: int,
    reduction_scale: float = 1.0,
) -> Cost:
    """∏rows × C·H × R (down), × R × C·H (up), × C·H × C (gates of the next call). Before them per stream element one
    multiplication and one addition with a previous block, and RMSNormalization of each branch. Per element of rank R
    one function and two multiplications; per stream element one function and one multiplication; their sum over the
    branches, one multiplication per result with a reduction_scale; per gate one division, one function and one
    multiplication."""
    assert streams.shape is not None and down.shape is not None
    if 0 in streams.shape:
        return Cost()
    rows, n, features, rank = _rows(streams), streams.elements, streams.shape[-1], down.shape[-1]
    results, gates = n // num_branches, rows.value * num_branches
    has_block = int(block_output is not None)
    work = elementwise_work("multiply", "elementwise", n, has_block) + elementwise_work(
        "add", "elementwise", n, has_block
    )
    work += _norm_work(n, features // num_branches)
    work += elementwise_work("transcendental", "activation", rows.value * rank, 1, "#ranks")
    work += elementwise_work("multiply", "elementwise", rows.value * rank, 2, "#ranks")
    work += elementwise_work("transcendental", "activation", n) + elementwise_work("multiply", "elementwise", n)
    work += elementwise_work("add", "reduction", n - results, 1, "(#elements − #results)")
    work += elementwise_work("multiply", "elementwise", results, int(reduction_scale != 1), "#results")
    for kind, role in (("divide", "elementwise"), ("transcendental", "activation"), ("multiply", "elementwise")):
        work += elementwise_work(kind, role, gates, 1, "#gates")
    terms = (
        product(rows, ("C·H", features), ("R", rank), name="down"),
        product(rows, ("R", rank), ("C·H", features), name="up"),
        product(rows, ("C·H", features), ("C", num_branches), name="gates"),
    )
    return Cost(sum_of_products(*terms), work)


@shape_rule("MatMulNBitsQLoRA", domain=MS)
def qlora_shape(
    x: TensorType,
    *weights: TensorType | None,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
) -> TensorType:
    """x [*rows, K] -> [*rows, N]."""
    assert x.shape is not None
    require_equal(x.shape[-1], K, "the last extent of X and K")
    return TensorType(x.dtype, (*x.shape[:-1], N))


@cost_rule("MatMulNBitsQLoRA", domain=MS)
def qlora_cost(
    x: TensorType,
    w: TensorType,
    scales: TensorType,
    lora_a: TensorType,
    lora_a_scales: TensorType,
    lora_b: TensorType,
    lora_b_scales: TensorType,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
    out: TensorType,
) -> Cost:
    """∏rows × N × K, and × R × K and × N × R of the adapters; without lora_B the first alone, without lora_A (rank of
    its scales) not the second. Unpacking a weight is one multiplication with its scale, an adapter one addition per
    output."""
    assert lora_a_scales.shape is not None
    rows, rank = _rows(x), lora_a_scales.shape[0]
    terms = [product(rows, ("N", N), ("K", K), name="base")]
    unpacked: Dim = N * K
    has_adapter = lora_b.elements != 0
    if has_adapter and lora_a.elements != 0:
        terms.append(product(rows, ("R", rank), ("K", K), name="down"))
        unpacked = unpacked + rank * K
    if has_adapter:
        terms.append(product(rows, ("N", N), ("R", rank), name="up"))
        unpacked = unpacked + N * rank
    work = elementwise_work("multiply", "quantization", unpacked, 1, "#weights")
    return Cost(sum_of_products(*terms), work + elementwise_work("add", "elementwise", out.elements, int(has_adapter)))


@shape_rule("MoEGroupRouter", domain=MS)
def group_router_shape(
    logits: TensorType, expert_bias: TensorType, projection: TensorType | None = None
) -> tuple[TensorType, ...]:
    """logits [*rows, experts], or [tokens, width] with projection [experts, width] -> thrice [tokens, experts]: log
    scores, scores for the choice, weights."""
    assert logits.shape is not None and expert_bias.shape is not None
    shape = (prod(logits.shape[:-1]), expert_bias.shape[0])
    full = TensorType(expert_bias.dtype, shape)
    return TensorType(logits.dtype, shape), full, full


@cost_rule("MoEGroupRouter", domain=MS)
def group_router_cost(
    logits: TensorType,
    expert_bias: TensorType,
    projection: TensorType | None = None,
    *,
    top_k: int,
    n_group: int = 1,
    topk_group: int = 1,
    group_topk: int = 2,
    outs: Sequence[TensorType | None],
) -> Cost:
    """tokens × experts × width MACs of a projection. Per score one function (sigmoid) and one addition (bias). Where
    experts are chosen, one comparison per score and, with several groups, one more per score and one per group, and
    group_topk − 1 additions per group; per chosen expert one comparison and one function (logarithm). Choosing counts
    as TopK does: what no way of selecting goes below."""
    assert logits.shape is not None and expert_bias.shape is not None
    if n_group < 1:
        raise ShapeError(f"the experts are in {n_group} groups", "correct n_group")
    tokens, experts = prod(logits.shape[:-1]), expert_bias.shape[0]
    scores = tokens * experts
    work = elementwise_work("transcendental", "activation", scores, 1, "#scores")
    work += elementwise_work("add", "bias", scores, 1, "#scores")
    if outs and outs[0] is not None:
        work += elementwise_work("compare", "elementwise", scores, 1 + int(n_group > 1), "#scores")
        if n_group > 1:
            summed = minimum(group_topk, experts // n_group) - 1
            work += elementwise_work("add", "reduction", tokens * n_group * summed, 1, "#sums of groups")
            work += elementwise_work("compare", "elementwise", tokens * n_group, 1, "#groups")
        work += elementwise_work("compare", "elementwise", tokens * top_k, 1, "#chosen")
        work += elementwise_work("transcendental", "elementwise", tokens * top_k, 1, "#chosen")
    if projection is None:
        return Cost(work=work)
    return Cost(sum_of_products(product(("tokens", tokens), ("experts", experts), ("width", logits.shape[-1]))), work)


@shape_rule("RMSNormRotary", domain=MS)
def norm_rotary_shape(
    x: TensorType,
    scale: TensorType,
    *others: TensorType | None,
    output_fp16: int = 0,
    flatten_batch: int = 0,
) -> tuple[TensorType, ...]:
    """x [B, S, heads, stride], scale [width] -> [B, S, heads · width] ([1, B · S, …] with flatten_batch), and the
    normalised float32 [B, S, heads, width]."""
    assert x.shape is not None and scale.shape is not None
    batch, steps, heads, _ = x.shape
    width = scale.shape[0]
    rows: tuple[Dim, ...] = (1, batch * steps) if flatten_batch else (batch, steps)
    dtype = DType.FLOAT16 if output_fp16 else DType.BFLOAT16
    return TensorType(dtype, (*rows, heads * width)), TensorType(DType.FLOAT32, (batch, steps, heads, width))


@cost_rule("RMSNormRotary", domain=MS)
def norm_rotary_cost(
    x: TensorType, scale: TensorType, *others: TensorType | None, rotary_embedding_dim: int, out: TensorType
) -> Cost:
    """RMSNormalization of each head's width; 2 multiplications and 1 addition per rotated element, of which each head
    has rotary_embedding_dim."""
    assert scale.shape is not None and x.shape is not None
    if out.elements == 0:
        return Cost()
    heads = prod(x.shape[:3])
    return Cost(work=_norm_work(out.elements, scale.shape[0]) + rotation_work(heads * rotary_embedding_dim))
