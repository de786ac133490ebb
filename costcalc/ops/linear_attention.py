"""LinearAttention, CausalConvWithState and FlexAttention of ONNX."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    CacheSlot,
    Contraction,
    HeadInputs,
    LeastWork,
    OperatorUse,
    Sides,
    cache_rule,
    contraction_gradient,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.attention import attention_heads, attention_macs, attention_work, split_heads
from costcalc.ops.common.visibility import Visibility

PREVIEW = "ai.onnx.preview"

operands("CausalConvWithState", weights=(1, 2))

traits("CausalConvWithState", kind="causal_convolution", gradient=contraction_gradient(((0, 3), (1,))))

traits("LinearAttention", kind="attention", heads=HeadInputs({0: -1}, {1: -1, 2: -1, 3: 1, 4: -1, 5: -1}))

traits("FlexAttention", domain=PREVIEW, kind="attention", gradient=contraction_gradient(((0,), (1,)), ((0, 1), (2,))))

describe("A state is updated with each key and value, and read by each query.", "LinearAttention")

describe("Each channel is convolved with its own filter over the present and the past.", "CausalConvWithState")

describe("Attention whose scores and probabilities subgraphs may change.", "FlexAttention", domain=PREVIEW)


@gradient_rule("LinearAttention")
def linear_attention_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """The state is computed from keys, values, the past state, decay and beta."""
    state = (1, 2, 3, 4, 5)
    sides: dict[str, Sides] = {"k ⊗ v": ((1,), (2,)), "qᵀS": ((0,), state), "Sᵀk": (state, (1,))}
    return tuple(Contraction(term.value, *sides[term.name]) for term in formula.terms)


@least_work_rule("LinearAttention")
def linear_attention_least_work(use: OperatorUse) -> LeastWork:
    """Whatever another form of the recurrence saves: a token's output takes d_k · d_v from the state or, of the t-th
    token without a past state, t · (d_k + d_v) from the tokens up to it, the fewer of both; k ⊗ v of a token takes
    d_k · d_v where the present state is needed."""
    query, key, value = use.types[:3]
    assert query is not None and key is not None and value is not None
    heads = [int(use.attributes[name]) for name in ("q_num_heads", "kv_num_heads")]
    h = attention_heads(query, key, value, None, *heads)
    state = h.qk_size * h.v_size
    outputs = h.queries * state if use.input(3) is not None else least_outputs(h.queries, h.qk_size + h.v_size, state)
    macs = h.batch * h.q_heads * outputs if 0 in use.outputs else 0
    if 1 in use.outputs:
        macs = macs + h.batch * h.kv_heads * h.queries * state
    return LeastWork(macs, {}, {}, frozenset() if 0 in use.outputs else frozenset((0,)))


def least_outputs(tokens: Dim, features: Dim, state: Dim) -> Dim:
    """Tokens of a text, features of a key and a value, elements of the state -> the fewest products of its outputs: of
    the t-th token min(state, t · features)."""
    pairs = Visibility(tokens, tokens, 0)
    cheaper = minimum(tokens, (state - 1) // features)
    return pairs._replace(queries=cheaper, keys=cheaper).pairs * features + (tokens - cheaper) * state


@cache_rule("LinearAttention")
def linear_attention_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """One state a head, [B, H_kv, d_k, d_v], whatever the number of tokens."""
    key, value = types[1:3]
    assert key is not None and value is not None
    heads = int(attributes["kv_num_heads"])
    batch, kv_heads, _, size = split_heads(key, heads, "K", "kv_num_heads")
    state = (batch, kv_heads, size, split_heads(value, heads, "V", "kv_num_heads")[3])
    return (CacheSlot(3, "past_state", TensorType(key.dtype, state), 1, 1),)


@shape_rule("LinearAttention")
def linear_attention_shape(
    query: TensorType,
    key: TensorType,
    value: TensorType,
    past_state: TensorType | None = None,
    decay: TensorType | None = None,
    beta: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
) -> tuple[TensorType, ...]:
    """query [B, T, H · d_k], key [B, T, H_kv · d_k], value [B, T, H_kv · d_v] -> [B, T, H · d_v], the state
    [B, H_kv, d_k, d_v]."""
    h = attention_heads(query, key, value, None, q_num_heads, kv_num_heads)
    state = query.dtype if past_state is None else past_state.dtype
    return (
        TensorType(query.dtype, (h.batch, h.queries, h.q_heads * h.v_size)),
        TensorType(state, (h.batch, h.kv_heads, h.qk_size, h.v_size)),
    )


@cost_rule("LinearAttention")
def linear_attention_cost(
    query: TensorType,
    key: TensorType,
    value: TensorType,
    past_state: TensorType | None = None,
    decay: TensorType | None = None,
    beta: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    update_rule: str = "gated_delta",
    out: TensorType,
) -> Cost:
    """By the recurrence, per token and element of a head's state (d_k · d_v): k ⊗ v is added to each of H_kv states,
    and read by each of H queries; the delta rules read it once more with the key. Besides, gated rules take 1
    exponential per decay and 1 multiplication per element of the state; delta rules 1 subtraction and 1 multiplication
    per value; the scale is 1 multiplication per output."""
    h = attention_heads(query, key, value, None, q_num_heads, kv_num_heads)
    tokens = product_factor("#tokens", ("B", h.batch), ("T", h.queries))
    state = product_factor("#state", ("d_k", h.qk_size), ("d_v", h.v_size))
    terms = [
        product(tokens, ("H_kv", h.kv_heads), state, name="k ⊗ v"),
        product(tokens, ("H", h.q_heads), state, name="qᵀS"),
    ]
    work = elementwise_work("multiply", "elementwise", out.elements)
    if update_rule in ("delta", "gated_delta"):
        terms.append(product(tokens, ("H_kv", h.kv_heads), state, name="Sᵀk"))
        work += elementwise_work("add", "elementwise", value.elements, 1, "#values")
        work += elementwise_work("multiply", "elementwise", value.elements, 1, "#values")
    if update_rule in ("gated", "gated_delta"):
        if decay is not None:
            work += elementwise_work("exp", "elementwise", decay.elements, 1, "#decays")
        state_updates = tokens.value * h.kv_heads * state.value
        work += elementwise_work("multiply", "elementwise", state_updates, 1, "#state × tokens")
    return Cost(sum_of_products(*terms), work)


@least_work_rule("CausalConvWithState")
def causal_conv_least_work(use: OperatorUse) -> LeastWork:
    """Taps before the first position, where past_state is left out."""
    x, weight = use.types[:2]
    assert x is not None and x.shape is not None and weight is not None and weight.shape is not None
    batch, channels, length = x.shape
    if 0 not in use.outputs:
        return LeastWork(0, {1: 0}, unused=frozenset((1, 2)))
    kernel = weight.shape[2]
    if use.input(3) is not None or not isinstance(kernel, int):
        return LeastWork(batch * channels * length * (kernel if use.input(3) is not None else 1))
    return LeastWork(batch * channels * Visibility(length, length, 0, kernel).pairs)


@cache_rule("CausalConvWithState")
def causal_conv_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The last k - 1 positions of each channel, [B, C, k - 1], whatever the number of tokens."""
    x, weight = types[:2]
    assert x is not None and x.shape is not None and weight is not None and weight.shape is not None
    state = TensorType(x.dtype, (*x.shape[:2], weight.shape[2] - 1))
    return (CacheSlot(3, "past_state", state, 0, 1),)


@shape_rule("CausalConvWithState")
def causal_conv_shape(
    x: TensorType, weight: TensorType, bias: TensorType | None = None, past_state: TensorType | None = None
) -> tuple[TensorType, ...]:
    """x [B, C, L], weight [C, 1, k] -> [B, C, L], the last positions [B, C, k - 1]."""
    assert x.shape is not None and weight.shape is not None
    if x.rank != 3 or weight.rank != 3:
        raise ShapeError(f"the input has {x.rank} axes, the weight {weight.rank}", "both have 3")
    batch, channels, _ = x.shape
    require_equal(channels, weight.shape[0], "the channels of the input and the filters")
    return TensorType(x.dtype, x.shape), TensorType(x.dtype, (batch, channels, weight.shape[2] - 1))


@cost_rule("CausalConvWithState")
def causal_conv_cost(
    x: TensorType,
    weight: TensorType,
    bias: TensorType | None = None,
    past_state: TensorType | None = None,
    *,
    activation: str = "none",
    out: TensorType,
) -> Cost:
    """#outputs (B · C · L) × k, each channel with its own filter; a bias adds one addition per output, an activation
    one function."""
    assert weight.shape is not None and out.shape is not None
    batch, channels, length = out.shape
    outputs = product_factor("#outputs", ("B", batch), ("C", channels), ("L", length))
    work = elementwise_work("add", "bias", out.elements, int(bias is not None))
    work += elementwise_work("transcendental", "activation", out.elements, int(activation not in ("none", "")))
    return Cost(sum_of_products(product(outputs, ("k", weight.shape[2]))), work)


@shape_rule("FlexAttention", domain=PREVIEW)
def flex_attention_shape(q: TensorType, k: TensorType, v: TensorType) -> TensorType:
    """q [B, H, S_q, D_qk], k, v [B, H_kv, S, D] -> [B, H, S_q, D_v]."""
    batch, heads, steps, _ = split_heads(q, 0, "Q", "heads")
    return TensorType(q.dtype, (batch, heads, steps, split_heads(v, 0, "V", "heads")[3]))


@cost_rule("FlexAttention", domain=PREVIEW)
def flex_attention_cost(
    q: TensorType, k: TensorType, v: TensorType, *, score_mod: object = None, prob_mod: object = None
) -> Cost | None:
    """QKᵀ: B · H · S_q · S_kv · D_qk, plus PV: B · H · S_q · S_kv · D_v. Per score 5 for the softmax; the scale is one
    multiplication per element of Q and of K. The nodes of score_mod and prob_mod stand before it, with their own costs;
    where they do not, the cost is unknown."""
    if score_mod is not None or prob_mod is not None:
        return None
    h = attention_heads(q, k, v, None, 0, 0)
    return Cost(attention_macs(h), attention_work(h, 0))
