"""Mixtures of experts of com.microsoft, and its LSTM with quantised weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, Formula, Product, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    Contraction,
    LeastWork,
    OperatorUse,
    PackedInputs,
    Sides,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.common.lookup import expert_parts
from costcalc.ops.recurrent import hidden_types, lstm_cost_of, recurrent_least_work

operands("MoE", domain=MS, weights=(2, 3, 4, 5, 6, 7))

operands("QMoE", domain=MS, weights=(2, 4, 5, 7, 8, 10), buffers=(3, 6, 9, 11, 12, 13, 15, 16, 17, 18, 19))

traits("MoE", domain=MS, kind="experts", factors=(0, 2), routed=(frozenset((2, 3, 4, 5, 6, 7)), "k"))

traits("QMoE", domain=MS, kind="experts", factors=(0, 2), routed=(frozenset(range(2, 20)), "k"))

operands("DynamicQuantizeLSTM", domain=MS, weights=(1, 2, 3, 7), buffers=(8, 9, 10, 11))

traits(
    "DynamicQuantizeLSTM",
    domain=MS,
    kind="recurrent",
    quantises_input="uint8",
    straight_through=True,
    least_work=recurrent_least_work,
)

describe("Each token goes through the k experts that the router prefers.", "MoE", "QMoE", domain=MS)

describe(
    "An LSTM whose weights are integers and whose inputs are quantised at each step.", "DynamicQuantizeLSTM", domain=MS
)


def _weight_bits(attributes: Attributes) -> int:
    return int(attributes.get("expert_weight_bits", 4))


traits(
    "QMoE",
    domain=MS,
    packed=PackedInputs(
        frozenset((2, 5, 8)), lambda w, attributes: w.elements * 8 // _weight_bits(attributes), _weight_bits
    ),
)


@gradient_rule("MoE", domain=MS)
def moe_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """Each token's k experts: fc1 and fc3 read the input, fc2 what they give."""
    sides: dict[str, Sides] = {"fc1": ((0,), (2,)), "fc2": ((0, 2, 3, 6, 7), (4,)), "fc3": ((0,), (6,))}
    return tuple(Contraction(term.value, *sides[term.name]) for term in formula.terms)


@least_work_rule("MoE", "QMoE", domain=MS)
def moe_least_work(use: OperatorUse) -> LeastWork:
    """Weights of experts that no token prefers: all tokens may prefer the same k."""
    x, first = use.input(0), use.input(2)
    assert x is not None and first is not None and first.shape is not None
    inputs = {i: use.input(i) for i in range(2, len(use.types))}
    chosen = int(use.attributes.get("k", 1)) if x.elements != 0 else 0
    return LeastWork(use.macs.value, expert_parts(inputs, first.shape[0], chosen))


@shape_rule("MoE", "QMoE", domain=MS)
def moe_shape(x: TensorType, router_probs: TensorType, *weights: TensorType | None) -> TensorType:
    """x [tokens, C] or [B, S, C] -> the same."""
    return TensorType(x.dtype, x.shape)


def _experts_cost(
    x: TensorType, router: TensorType, k: int, layers: Sequence[tuple[TensorType, int]], fused: bool
) -> Cost:
    """tokens × k × the weights of one expert; layers are ([experts, rows, columns as stored], bits of a weight)."""
    assert x.shape is not None and router.shape is not None
    tokens = prod(x.shape[:-1])
    terms: list[Product] = []
    for number, (w, bits) in zip(("1", "2", "3"), layers, strict=False):
        assert w.shape is not None
        _, rows, columns = w.shape
        columns = columns * 8 // bits if bits else columns
        terms.append(
            product(
                product_factor("#runs", ("tokens", tokens), ("k", k)),
                ("rows", rows),
                ("columns", columns),
                name=f"fc{number}",
            )
        )
    first = layers[0][0].shape
    assert first is not None
    inner: Dim = first[1] // 2 if fused else first[1]
    probabilities = router.elements
    work = elementwise_work("compare", "softmax", probabilities, 1, "#router scores")
    work += elementwise_work("add", "softmax", probabilities, 2, "#router scores")
    work += elementwise_work("exp", "softmax", probabilities, 1, "#router scores")
    work += elementwise_work("divide", "softmax", probabilities, 1, "#router scores")
    work += elementwise_work("transcendental", "activation", tokens * k * inner, 1, "#hidden")
    if fused or len(layers) > 2:
        work += elementwise_work("multiply", "elementwise", tokens * k * inner, 1, "#hidden")
    mixed_elements = tokens * k * x.shape[-1]
    work += elementwise_work("multiply", "elementwise", mixed_elements, 1, "#expert outputs") + elementwise_work(
        "add", "elementwise", mixed_elements, 1, "#expert outputs"
    )
    return Cost(sum_of_products(*terms), work)


@cost_rule("MoE", domain=MS)
def moe_cost(
    x: TensorType,
    router_probs: TensorType,
    fc1: TensorType,
    fc1_bias: TensorType | None,
    fc2: TensorType,
    fc2_bias: TensorType | None = None,
    fc3: TensorType | None = None,
    fc3_bias: TensorType | None = None,
    *,
    k: int = 1,
    swiglu_fusion: int = 0,
) -> Cost:
    """tokens × k × the weights of one expert (fc1, fc2 and, where it is there, fc3). Besides, 5 per router score for
    its softmax, one activation per hidden value (and one multiplication where it is gated), one multiplication and one
    addition per expert output to mix them; biases count nothing more than the mixing."""
    layers = [(fc1, 0), (fc2, 0), *([(fc3, 0)] if fc3 is not None else [])]
    return _experts_cost(x, router_probs, k, layers, bool(swiglu_fusion))


@cost_rule("QMoE", domain=MS)
def qmoe_cost(
    x: TensorType,
    router_probs: TensorType,
    fc1: TensorType,
    fc1_scales: TensorType | None,
    fc1_bias: TensorType | None,
    fc2: TensorType,
    fc2_scales: TensorType | None = None,
    fc2_bias: TensorType | None = None,
    fc3: TensorType | None = None,
    *more_inputs: TensorType | None,
    k: int = 1,
    swiglu_fusion: int = 0,
    expert_weight_bits: int = 4,
) -> Cost:
    """tokens × k × the weights of one expert, unpacked (fc1, fc2 and, where it is there, fc3). Besides as MoE: 5 per
    router score, one activation per hidden value (and one multiplication where it is gated), one multiplication and
    one addition per expert output. Unpacking weights counts nothing."""
    bits = expert_weight_bits
    layers = [(fc1, bits), (fc2, bits), *([(fc3, bits)] if fc3 is not None else [])]
    return _experts_cost(x, router_probs, k, layers, bool(swiglu_fusion))


@shape_rule("DynamicQuantizeLSTM", domain=MS)
def dynamic_lstm_shape(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    initial_c: TensorType | None = None,
    p: TensorType | None = None,
    *scales: TensorType | None,
) -> tuple[TensorType, ...]:
    """x [T, B, input], w [D, input, 4·hidden], r [D, hidden, 4·hidden] -> Y [T, D, B, hidden], Y_h and Y_c
    [D, B, hidden]."""
    assert x.shape is not None and w.shape is not None and r.shape is not None
    require_equal(w.shape[1], x.shape[2], "the input's features and those that W expects")
    return hidden_types(x, w.shape[0], r.shape[1], 0)


@cost_rule("DynamicQuantizeLSTM", domain=MS)
def dynamic_lstm_cost(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    initial_c: TensorType | None = None,
    p: TensorType | None = None,
    *scales: TensorType | None,
    activations: Sequence[str] = (),
    clip: float = 0.0,
) -> Cost:
    """As LSTM: #steps (T · B) × #weights (|W| + |R|, all directions). Besides per element of the input and of each
    step's hidden state 2 comparisons, 1 division and 1 addition to quantise it, per gate and step 2 multiplications
    with the scales, and the LSTM's own 5 activations, 4 biases, 3 multiplications and 1 addition per hidden unit."""
    assert x.shape is not None and w.shape is not None and r.shape is not None
    cost = lstm_cost_of(x, w, r, b, p, r.shape[1], activations, clip)
    units = x.shape[0] * x.shape[1] * w.shape[0] * r.shape[1]
    quantised = x.elements * w.shape[0] + units
    work = elementwise_work("compare", "quantization", quantised, 2) + elementwise_work(
        "divide", "quantization", quantised
    )
    work += elementwise_work("add", "quantization", quantised) + elementwise_work(
        "multiply", "quantization", units, 8, "#hidden units × steps"
    )
    return Cost(cost.macs, cost.work + work)
