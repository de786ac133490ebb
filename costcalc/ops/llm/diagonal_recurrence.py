"""A recurrence of each channel for itself, channels last, that keeps one number a channel: h_t = a_t · h_(t-1) + x_t.

Sources: arXiv:2402.19427 (RG-LRU, equation 4, of which x_t is the gated input), arXiv:2303.06349 (LRU).
"""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DTYPES, TensorType
from costcalc.core.registry import Types, cost_rule, describe, shape_rule
from costcalc.core.traits import Attributes, CacheSlot, cache_rule, traits
from costcalc.ops.llm import LLM

OPERATOR = "DiagonalRecurrence"

traits(OPERATOR, domain=LLM, layout="channels_last", positions="mixed")

describe(
    "Each channel is multiplied with a factor of its own and the input is added, token by token.", OPERATOR, domain=LLM
)


def _state(x: TensorType, state_type: str) -> TensorType:
    assert x.shape is not None
    if len(x.shape) != 3:
        raise ShapeError(f"the input has {len(x.shape)} axes", "give [texts, tokens, channels]")
    return TensorType(DTYPES[state_type] if state_type else x.dtype, (x.shape[0], x.shape[2]))


@shape_rule(OPERATOR, domain=LLM)
def diagonal_recurrence_shape(
    x: TensorType, decay: TensorType, past_state: TensorType | None = None, *, state_type: str = ""
) -> tuple[TensorType, ...]:
    """x and the factors [B, T, C], the past state [B, C] -> [B, T, C] and the state, of state_type or of the input's
    type. ShapeError for other ranks, and where the factors or the state do not fit."""
    state = _state(x, state_type)
    for value, shape, what in ((decay, x.shape, "factors"), (past_state, state.shape, "state")):
        if value is None or value.shape is None or shape is None:
            continue
        if len(value.shape) != len(shape):
            raise ShapeError(f"the {what} have {len(value.shape)} axes", f"give {len(shape)}")
        for a, b in zip(value.shape, shape, strict=True):
            require_equal(a, b, f"the extents of the {what}")
    return TensorType(x.dtype, x.shape), state


@cache_rule(OPERATOR, domain=LLM)
def diagonal_recurrence_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """One number a channel, [B, C], whatever the number of tokens."""
    x = types[0]
    assert x is not None
    return (CacheSlot(2, "past_state", _state(x, attributes.get("state_type", "")), 0, 1),)


@cost_rule(OPERATOR, domain=LLM)
def diagonal_recurrence_cost(
    x: TensorType, decay: TensorType, past_state: TensorType | None = None, *, state_type: str = "", out: TensorType
) -> Cost:
    """1 multiplication and 1 addition per token and channel, element by element: no product of matrices."""
    work = elementwise_work("multiply", "elementwise", x.elements, 1, "#values")
    return Cost(work=work + elementwise_work("add", "elementwise", x.elements, 1, "#values"))
