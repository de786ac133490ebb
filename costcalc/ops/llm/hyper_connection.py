"""Hyper-connections: several residual streams, of which a layer reads one mixture and to which it writes by weights.

Source: DeepSeek-V4's modelling code (manifold-constrained hyper-connections), arXiv:2409.19606: the mixtures are maps
of all streams of a token; the map between streams is made doubly stochastic by Sinkhorn's iterations.
"""

from __future__ import annotations

from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import contraction_gradient, traits
from costcalc.ops.llm import LLM

operands("HyperConnection", domain=LLM, weights=(1, 2, 3))

traits("HyperConnection", domain=LLM, kind="linear", gradient=contraction_gradient(((0,), (1,))))

describe("A mixture of residual streams, and how a layer's result is spread over them.", "HyperConnection", domain=LLM)


@shape_rule("HyperConnection", domain=LLM)
def hyper_connection_shape(
    streams: TensorType, fn: TensorType, base: TensorType, scale: TensorType, *, iterations: int
) -> tuple[TensorType, TensorType, TensorType]:
    """Streams [B, S, n, d], fn [(2 + n) · n, n · d], base [(2 + n) · n], scale [3] -> the mixture [B, S, d], weights of
    the layer's result [B, S, n], and the map of streams [B, S, n, n]."""
    assert streams.shape is not None and fn.shape is not None
    batch, tokens, n, features = streams.shape
    if fn.shape != ((2 + n) * n, n * features):
        raise ShapeError(f"fn is {list(fn.shape)} for {n} streams of {features}", "it is [(2 + n) · n, n · d]")
    shapes = ((batch, tokens, features), (batch, tokens, n), (batch, tokens, n, n))
    mixture, weights, mapping = (TensorType(streams.dtype, shape) for shape in shapes)
    return mixture, weights, mapping


@cost_rule("HyperConnection", domain=LLM)
def hyper_connection_cost(
    streams: TensorType, fn: TensorType, base: TensorType, scale: TensorType, *, iterations: int
) -> Cost:
    """B · S · (2 + n) · n · n · d MACs. Per element of the streams 4 for the normalisation, 1 product and 1 addition
    for the mixture; per weight of the three mixtures a product and an addition (scale, base) and an exponential; per
    iteration and element of the map 2 additions and 2 divisions."""
    assert streams.shape is not None
    batch, tokens, n, features = streams.shape
    rows, width = batch * tokens, n * features
    outputs = (2 + n) * n
    work = elementwise_work("multiply", "normalization", rows * width, 3)
    work += elementwise_work("add", "normalization", rows * width, 1)
    work += elementwise_work("multiply", "elementwise", rows * width, 1)
    work += elementwise_work("add", "reduction", rows * width, 1)
    work += elementwise_work("multiply", "elementwise", rows * outputs, 1, "#weights")
    work += elementwise_work("add", "elementwise", rows * outputs, 1, "#weights")
    work += elementwise_work("exp", "activation", rows * outputs, 1, "#weights")
    work += elementwise_work("add", "normalization", rows * n * n * iterations, 2, "#elements × iterations")
    work += elementwise_work("divide", "normalization", rows * n * n * iterations, 2, "#elements × iterations")
    return Cost(formula(("B · S", rows), ("(2 + n) · n", outputs), ("n · d", width)), work)
