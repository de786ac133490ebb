"""Linear attention whose queries and keys serve a group of states each, and state-space models in the same form.

Per token a head's state S [d_k, d_v] is updated and read: S = decay ∘ S + k ⊗ v, o = qᵀS; the delta rule takes what
the state says of the key from the value first: v - Sᵀk. Of a state-space model (Mamba) k is B, q is C and v is Δ · x;
where each element of a key has a rate of its own (A), decay is Δ and the state is multiplied with exp(Δ · A).
ONNX's LinearAttention has a key for each state. Sources: arXiv:2412.06464 (gated delta), arXiv:2405.21060 (Mamba-2 as
linear attention, groups of heads), arXiv:2312.00752 (Mamba: a head is a channel, d_v = 1, all share one key).
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import DTYPES, TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    CacheSlot,
    Contraction,
    LeastWork,
    OperatorUse,
    Sides,
    cache_rule,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.attention import split_heads
from costcalc.ops.linear_attention import least_outputs
from costcalc.ops.llm import LLM

OPERATOR = "GroupedLinearAttention"

operands(OPERATOR, domain=LLM, weights=(6,))

traits(OPERATOR, domain=LLM, kind="attention")

describe(
    "A state is updated with each key and value, and read by each query; keys serve groups of states.",
    OPERATOR,
    domain=LLM,
)


class StateExtents(NamedTuple):
    """The extents of a state for each of `heads` in each text; `groups` of them share a query and a key."""

    batch: Dim
    tokens: Dim
    groups: Dim
    heads: Dim
    k_size: Dim
    v_size: Dim

    @property
    def shape(self) -> tuple[Dim, ...]:
        """[B, H, d_k, d_v]."""
        return self.batch, self.heads, self.k_size, self.v_size


def state_extents(q: TensorType, k: TensorType, v: TensorType, q_num_heads: int, kv_num_heads: int) -> StateExtents:
    """The extents; ShapeError where queries, keys and values do not fit each other."""
    batch, groups, tokens, size = split_heads(q, q_num_heads, "Q", "q_num_heads")
    batch_k, _, tokens_k, size_k = split_heads(k, q_num_heads, "K", "q_num_heads")
    batch_v, heads, tokens_v, v_size = split_heads(v, kv_num_heads, "V", "kv_num_heads")
    for a, b, what in ((batch_k, batch_v, "batches"), (tokens_k, tokens_v, "lengths")):
        require_equal(a, b, f"the {what} of K and V")
    batch, size = (
        require_equal(batch, batch_k, "the batches of Q and K"),
        require_equal(size, size_k, "Q's and K's sizes"),
    )
    tokens = require_equal(tokens, tokens_k, "the lengths of Q and K")
    if heads % groups != 0:
        raise ShapeError(f"{heads} states do not divide into {groups} groups", "use a multiple")
    return StateExtents(batch, tokens, groups, heads, size, v_size)


@shape_rule(OPERATOR, domain=LLM)
def grouped_linear_attention_shape(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    past_state: TensorType | None = None,
    decay: TensorType | None = None,
    beta: TensorType | None = None,
    rates: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    state_type: str = "",
) -> tuple[TensorType, ...]:
    """q and k [B, T, G · d_k], v [B, T, H · d_v], the past state [B, H, d_k, d_v], rates [H, d_k] -> [B, T, H · d_v]
    and the state, of state_type or of the values' type. ShapeError where the state or the rates do not fit."""
    e = state_extents(q, k, v, q_num_heads, kv_num_heads)
    if past_state is not None and past_state.shape is not None:
        for a, b in zip(past_state.shape, e.shape, strict=True):
            require_equal(a, b, "the extents of the state")
    if rates is not None and rates.shape is not None:
        for a, b in zip(rates.shape, (e.heads, e.k_size), strict=True):
            require_equal(a, b, "the extents of the rates")
    dtype = DTYPES[state_type] if state_type else v.dtype
    return TensorType(v.dtype, (e.batch, e.tokens, e.heads * e.v_size)), TensorType(dtype, e.shape)


@cache_rule(OPERATOR, domain=LLM)
def grouped_linear_attention_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """One state a head, [B, H, d_k, d_v], whatever the number of tokens."""
    q, k, v = types[:3]
    assert q is not None and k is not None and v is not None
    e = state_extents(q, k, v, int(attributes["q_num_heads"]), int(attributes["kv_num_heads"]))
    name = attributes.get("state_type", "")
    return (CacheSlot(3, "past_state", TensorType(DTYPES[name] if name else v.dtype, e.shape), 2, 1),)


@cost_rule(OPERATOR, domain=LLM)
def grouped_linear_attention_cost(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    past_state: TensorType | None = None,
    decay: TensorType | None = None,
    beta: TensorType | None = None,
    rates: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    update_rule: str = "gated",
    out: TensorType,
) -> Cost:
    """By the recurrence, per token and element of each of H states (d_k · d_v): k ⊗ v and qᵀS, and Sᵀk of the delta
    rules. Besides, gated rules take 1 exponential per decay and 1 multiplication per element of the state, with rates
    1 multiplication and 1 exponential for each of its keys' elements; delta rules 1 subtraction and 1 multiplication
    per value."""
    e = state_extents(q, k, v, q_num_heads, kv_num_heads)
    tokens = product_factor("#tokens", ("B", e.batch), ("T", e.tokens))
    state = product_factor("#state", ("d_k", e.k_size), ("d_v", e.v_size))
    names = ["k ⊗ v", "qᵀS", *(["Sᵀk"] if update_rule in ("delta", "gated_delta") else [])]
    terms = [product(tokens, ("H", e.heads), state, name=name) for name in names]
    work = elementwise_work("add", "elementwise", v.elements, len(names) - 2, "#values")
    work += elementwise_work("multiply", "elementwise", v.elements, len(names) - 2, "#values")
    if update_rule in ("gated", "gated_delta"):
        if rates is not None:
            decays = tokens.value * e.heads * e.k_size
            work += elementwise_work("multiply", "elementwise", decays, 1, "#rates × tokens")
            work += elementwise_work("exp", "elementwise", decays, 1, "#rates × tokens")
        elif decay is not None:
            work += elementwise_work("exp", "elementwise", decay.elements, 1, "#decays")
        updates = tokens.value * e.heads * state.value
        work += elementwise_work("multiply", "elementwise", updates, 1, "#state × tokens")
    return Cost(sum_of_products(*terms), work)


@gradient_rule(OPERATOR, domain=LLM)
def grouped_linear_attention_gradient(
    formula: Formula, types: Types, attributes: Attributes
) -> tuple[Contraction, ...]:
    """The state is computed from keys, values, the past state, decay, beta and rates."""
    state = (1, 2, 3, 4, 5, 6)
    sides: dict[str, Sides] = {"k ⊗ v": ((1,), (2,)), "qᵀS": ((0,), state), "Sᵀk": (state, (1,))}
    return tuple(Contraction(term.value, *sides[term.name]) for term in formula.terms)


@least_work_rule(OPERATOR, domain=LLM)
def grouped_linear_attention_least_work(use: OperatorUse) -> LeastWork:
    """As LinearAttention: an output of the t-th token without a past state takes the products with all states or with
    the t keys, one a group, and values up to it, the fewer of both; the present state all k ⊗ v."""
    q, k, v = use.types[:3]
    assert q is not None and k is not None and v is not None
    e = state_extents(q, k, v, int(use.attributes["q_num_heads"]), int(use.attributes["kv_num_heads"]))
    states = e.heads * e.k_size * e.v_size
    if use.input(3) is not None:
        outputs: Dim = e.tokens * states
    else:
        outputs = least_outputs(e.tokens, e.groups * e.k_size + e.heads * e.v_size, states)
    macs = e.batch * outputs if 0 in use.outputs else 0
    if 1 in use.outputs:
        macs = macs + e.batch * e.tokens * states
    return LeastWork(macs, {}, {}, frozenset() if 0 in use.outputs else frozenset((0,)))
