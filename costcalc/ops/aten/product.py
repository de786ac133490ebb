"""ATen's products, attention, recurrent layers and quantisation without a counterpart in ONNX (domain `aten`): their
cost rules and traits.

Their types are those of the exported program, so that no shape rule is needed.
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, Formula, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, free, operands
from costcalc.core.traits import (
    PRODUCT_GRADIENT,
    Attributes,
    Contraction,
    LeastWork,
    OperatorUse,
    PackedInputs,
    contraction_gradient,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.aten import ATEN
from costcalc.ops.attention import attention_heads, attention_least_work, attention_macs, attention_work, count_scores
from costcalc.ops.common.lookup import count_gathered
from costcalc.ops.quantize import dynamic_quantization_work

operands("grouped_mm", domain=ATEN, weights=(1,))

operands("scaled_mm", "weight_int8pack_mm", domain=ATEN, weights=(1,), buffers=(2, 3))

traits("grouped_mm", "scaled_mm", "weight_int8pack_mm", domain=ATEN, kind="product", gradient=PRODUCT_GRADIENT)

traits("attention", domain=ATEN, kind="attention", gradient=contraction_gradient(((0,), (1,)), ((0, 1), (2,))))

traits(
    "attention",
    domain=ATEN,
    causal=lambda attributes: bool(attributes.get("is_causal", 0)),
    least_work=attention_least_work,
)

traits("recurrent", domain=ATEN, kind="recurrent")

traits("embedding_bag", domain=ATEN, kind="lookup", positions="lost", reads="part", keeps="indices")

operands("embedding_bag", domain=ATEN, weights=(0,))

traits("cdist", domain=ATEN, positions="mixed")

traits("fake_quantize", domain=ATEN, in_place=True, straight_through=True)

traits("choose_qparams", domain=ATEN, positions="mixed", keeps="nothing", straight_through=True)

traits(
    "dynamic_int4_mm",
    domain=ATEN,
    kind="product",
    gradient=contraction_gradient(((0,), ())),
    packed=PackedInputs(
        frozenset((1,)), lambda weight, attributes: attributes["N"] * attributes["K"], lambda attributes: 4
    ),
    quantises_input="uint8",
)

free("attention_statistics", domain=ATEN)

describe("Each group of rows is multiplied with the matrix of its group.", "grouped_mm", domain=ATEN)

describe("A product of matrices of few bits, whose result is scaled.", "scaled_mm", "weight_int8pack_mm", domain=ATEN)

describe("Each bag of indices picks rows of the table, which are combined.", "embedding_bag", domain=ATEN)

describe("At each step the hidden state follows from the input and the last hidden state.", "recurrent", domain=ATEN)


@cost_rule("grouped_mm", domain=ATEN)
def grouped_mm_cost(
    a: TensorType, b: TensorType, bias: TensorType | None = None, *, scales: int = 0, out: TensorType
) -> Cost:
    """a [M, K] × b [G, K, N]: M × N × K, each row by the matrix of its group; [G, M, K] × [K, N] and [M, K] × [K, N],
    whose columns or inner axis are grouped, likewise; [G, M, K] × [G, K, N] G times. A bias adds one addition per
    output, each scale one multiplication."""
    assert a.shape is not None and b.shape is not None
    groups: Dim = a.shape[0] if a.rank == b.rank == 3 else 1
    work = elementwise_work("add", "bias", out.elements, int(bias is not None))
    work += elementwise_work("multiply", "quantization", out.elements, scales)
    return Cost(formula(("G", groups), ("M", a.shape[-2]), ("N", b.shape[-1]), ("K", a.shape[-1])), work)


@cost_rule("scaled_mm", domain=ATEN)
def scaled_mm_cost(
    a: TensorType,
    b: TensorType,
    scale_a: TensorType,
    scale_b: TensorType,
    bias: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """M × N × K; 2 multiplications per output for the scales, 1 addition with a bias."""
    assert a.shape is not None and b.shape is not None
    work = elementwise_work("multiply", "quantization", out.elements, 2)
    work += elementwise_work("add", "bias", out.elements, int(bias is not None))
    return Cost(formula(("M", a.shape[0]), ("N", b.shape[1]), ("K", a.shape[1])), work)


@cost_rule("weight_int8pack_mm", domain=ATEN)
def weight_int8_cost(a: TensorType, b: TensorType, scales: TensorType, *, out: TensorType) -> Cost:
    """a [M, K], b [N, K] in int8: M × N × K; 1 multiplication per output with the scale of its column."""
    assert a.shape is not None and b.shape is not None
    work = elementwise_work("multiply", "quantization", out.elements)
    return Cost(formula(("M", a.shape[0]), ("N", b.shape[0]), ("K", a.shape[1])), work)


@cost_rule("attention", domain=ATEN)
def attention_dropout_cost(
    q: TensorType, k: TensorType, v: TensorType, attn_mask: TensorType | None = None, *, is_causal: int = 0
) -> Cost:
    """As Attention, B · H · S_q · S_kv · (D_qk + D_v), with 1 multiplication more per score: the dropout."""
    h = attention_heads(q, k, v, None, 0, 0)
    work = attention_work(h, (attn_mask is not None) + bool(is_causal))
    work += elementwise_work("multiply", "elementwise", count_scores(h).value, 1, "#scores")
    return Cost(attention_macs(h), work)


@cost_rule("cdist", domain=ATEN)
def cdist_cost(a: TensorType, b: TensorType, *, p: float = 2.0, out: TensorType) -> Cost:
    """a [..., P, M], b [..., R, M]: per pair of rows and feature 1 subtraction, 1 power (p 2: a multiplication; p 1
    and ∞: an absolute value) and 1 addition, or comparison for p ∞; a root per pair but for p 0, 1 and ∞. No MACs are
    counted."""
    assert a.shape is not None
    differences = out.elements * a.shape[-1]
    is_maximum = p == float("inf")
    kind = {2.0: "multiply", 1.0: "compare", 0.0: "compare"}.get(p, "compare" if is_maximum else "transcendental")
    work = elementwise_work("add", "elementwise", differences, 1 if is_maximum else 2, "#differences")
    work += elementwise_work(kind, "elementwise", differences, 1, "#differences")
    work += elementwise_work("compare", "elementwise", differences, int(is_maximum), "#differences")
    has_root = p not in (0.0, 1.0) and not is_maximum
    return Cost(work=work + elementwise_work("transcendental", "elementwise", out.elements, int(has_root)))


@least_work_rule("embedding_bag", domain=ATEN)
def embedding_bag_least_work(use: OperatorUse) -> LeastWork:
    """As ONNX's Gather; indices that come at run time may all name the row of the padding, which is not read."""
    table, indices = use.input(0), use.input(1)
    assert table is not None and indices is not None
    return LeastWork(0, {0: 0 if "padding" in use.attributes else count_gathered(table, indices)})


@cost_rule("embedding_bag", domain=ATEN)
def embedding_bag_cost(
    table: TensorType, indices: TensorType, weights: TensorType | None = None, *, mode: str, out: TensorType
) -> Cost:
    """Per index and feature 1 addition (max: 1 comparison), and 1 multiplication with weights of the samples; a mean
    takes 1 division per output."""
    assert table.shape is not None
    rows = indices.elements * table.shape[1]
    work = elementwise_work("compare" if mode == "max" else "add", "reduction", rows)
    work += elementwise_work("multiply", "elementwise", rows, int(weights is not None))
    return Cost(work=work + elementwise_work("divide", "reduction", out.elements, int(mode == "mean")))


RECURRENT_WORK = {"lstm": (5, 3, 1, 4), "gru": (3, 3, 3, 4), "rnn_tanh": (1, 0, 0, 1), "rnn_relu": (1, 0, 0, 1)}
"""Activations, multiplications, additions and bias additions per step and hidden unit, as of ONNX's LSTM, GRU
(linear_before_reset) and RNN."""


@cost_rule("recurrent", domain=ATEN)
def recurrent_cost(x: TensorType, *inputs: TensorType | None, cell: str, states: int, group: int, gates: int) -> Cost:
    """#steps (T · B, or the steps of all packed texts) × #weights (the matrices of all layers and directions). Per step
    and hidden unit besides: 5 activations, 3 multiplications, 1 addition and 4 bias additions (LSTM); 3, 3, 3 and 4
    (GRU); 1 activation and 1 bias addition (RNN). Behind x stand the initial states, then group tensors per layer and
    direction: two matrices, two biases, a projection."""
    assert x.shape is not None
    steps = x.elements // x.shape[-1]
    parameters = [t for t in inputs[states:] if t is not None and t.shape is not None]
    weights: Dim = sum([t.elements for t in parameters if t.rank == 2], 0)
    units: Dim = sum([t.shape[0] // gates for t in parameters[::group] if t.shape], 0) * steps
    activations, multiplies, adds, biases = RECURRENT_WORK[cell]
    work: tuple[Work, ...] = ()
    kinds = (("compare" if cell == "rnn_relu" else "transcendental", "activation", activations),)
    for kind, role, count in (*kinds, ("multiply", "elementwise", multiplies), ("add", "elementwise", adds)):
        work += elementwise_work(kind, role, units, count, "#hidden units × steps")
    has_bias = any(t.rank == 1 for t in parameters)
    work += elementwise_work("add", "bias", units, biases if has_bias else 0, "#hidden units × steps")
    return Cost(formula(("#steps", steps), product_factor("#weights", ("all layers", weights))), work)


@gradient_rule("recurrent", domain=ATEN)
def recurrent_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """The inputs and states with the matrices, through all steps."""
    states = int(attributes["states"])
    return (Contraction(formula.value, tuple(range(1 + states)), tuple(range(1 + states, len(types)))),)


@least_work_rule("recurrent", domain=ATEN)
def recurrent_least_work(use: OperatorUse) -> LeastWork:
    """Nothing: the initial states are inputs, and packed texts have no steps behind their ends."""
    return LeastWork(use.macs.value)


@cost_rule("choose_qparams", domain=ATEN)
def choose_parameters_cost(x: TensorType) -> Cost:
    """2 comparisons per element: the smallest and the largest."""
    return Cost(work=elementwise_work("compare", "quantization", x.elements, 2))


@cost_rule("fake_quantize", domain=ATEN)
def fake_quantize_cost(x: TensorType, *parameters: TensorType) -> Cost:
    """Per element 1 division, 1 addition and its subtraction, 1 multiplication; rounding and clipping are free, as in
    QuantizeLinear and DequantizeLinear."""
    work = elementwise_work("divide", "quantization", x.elements) + elementwise_work(
        "add", "quantization", x.elements, 2
    )
    return Cost(work=work + elementwise_work("multiply", "quantization", x.elements))


@cost_rule("dynamic_int4_mm", domain=ATEN)
def dynamic_int4_cost(x: TensorType, weight: TensorType, *, K: int, N: int, out: TensorType) -> Cost:  # noqa: N803
    """#rows × N × K; x is quantised as by DynamicQuantizeLinear, each output scaled once."""
    work = dynamic_quantization_work(x) + elementwise_work("multiply", "quantization", out.elements)
    return Cost(formula(("rows", x.elements // K), ("N", N), ("K", K)), work)
