"""A convolution of each channel over the present and the last positions of a text, channels last, that keeps them.

ONNX's CausalConvWithState has channels before positions and keeps k - 1 of them; what networks with states keep is a
window of k positions, the place of the new one among them (arXiv:2312.00752's code, and transformers').
"""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    CacheSlot,
    LeastWork,
    OperatorUse,
    cache_rule,
    contraction_gradient,
    least_work_rule,
    traits,
)
from costcalc.ops.common.visibility import Visibility
from costcalc.ops.llm import LLM

OPERATOR = "CausalConvolution"

operands(OPERATOR, domain=LLM, weights=(1, 2))

traits(
    OPERATOR,
    domain=LLM,
    kind="causal_convolution",
    layout="channels_last",
    gradient=contraction_gradient(((0, 3), (1,))),
)

describe("Each channel is convolved with its own filter over the present and the past.", OPERATOR, domain=LLM)


@shape_rule(OPERATOR, domain=LLM)
def causal_convolution_shape(
    x: TensorType,
    weight: TensorType,
    bias: TensorType | None = None,
    past_state: TensorType | None = None,
    *,
    window: int | None = None,
) -> tuple[TensorType, ...]:
    """x [B, T, C], weight [C, 1, k], the past window [B, C, k] -> [B, T, C], the window. ShapeError for other ranks.
    The attribute window says how many positions it has where these are not k: k - 1 are needed."""
    assert x.shape is not None and weight.shape is not None
    if len(x.shape) != 3 or len(weight.shape) != 3:
        raise ShapeError(f"the input has {len(x.shape)} axes, the weight {len(weight.shape)}", "both have 3")
    channels = require_equal(x.shape[2], weight.shape[0], "the channels of the input and the filters")
    return TensorType(x.dtype, x.shape), TensorType(x.dtype, (x.shape[0], channels, window or weight.shape[2]))


@cache_rule(OPERATOR, domain=LLM)
def causal_convolution_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The last positions of each channel, [B, C, k] or [B, C, window], whatever the number of tokens."""
    x, weight = types[:2]
    assert x is not None and x.shape is not None and weight is not None and weight.shape is not None
    window = attributes.get("window") or weight.shape[2]
    return (CacheSlot(3, "past_state", TensorType(x.dtype, (x.shape[0], x.shape[2], window)), 0, 1),)


@cost_rule(OPERATOR, domain=LLM)
def causal_convolution_cost(
    x: TensorType,
    weight: TensorType,
    bias: TensorType | None = None,
    past_state: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """#outputs (B · T · C) × k, each channel with its own filter; a bias adds one addition per output."""
    assert weight.shape is not None and out.shape is not None
    batch, tokens, channels = out.shape
    outputs = product_factor("#outputs", ("B", batch), ("T", tokens), ("C", channels))
    work = elementwise_work("add", "bias", out.elements, int(bias is not None))
    return Cost(sum_of_products(product(outputs, ("k", weight.shape[2]))), work)


@least_work_rule(OPERATOR, domain=LLM)
def causal_convolution_least_work(use: OperatorUse) -> LeastWork:
    """Taps before the first position, where there is no past window."""
    x, weight = use.types[:2]
    assert x is not None and x.shape is not None and weight is not None and weight.shape is not None
    batch, tokens, channels = x.shape
    if 0 not in use.outputs:
        return LeastWork(0, {1: 0}, unused=frozenset((1, 2)))
    kernel = weight.shape[2]
    if use.input(3) is not None or not isinstance(kernel, int):
        taps: Dim = tokens * (kernel if use.input(3) is not None else 1)
    else:
        taps = Visibility(tokens, tokens, 0, kernel).pairs
    return LeastWork(batch * channels * taps)
