"""Recurrent layers (LSTM, GRU, RNN): their output types, gate MACs, and elementwise work per step and hidden unit."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Factor, Formula, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    Contraction,
    LeastWork,
    OperatorUse,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.common.axes import known_integers

PIECEWISE_ACTIVATIONS = ("relu", "leakyrelu", "thresholdedrelu", "hardsigmoid")


def recurrent_types(
    x: TensorType, w: TensorType, r: TensorType, b: TensorType | None, gates: int, direction: str, layout: int
) -> tuple[TensorType, ...]:
    """(Y, Y_h, Y_c) of a recurrent layer, w and r [D, gates · hidden, …]."""
    if x.rank != 3 or w.rank != 3 or r.rank != 3:
        raise ShapeError(f"X, W and R have {x.rank}, {w.rank} and {r.rank} axes", "each has 3")
    assert x.shape is not None and w.shape is not None and r.shape is not None
    directions: Dim = 2 if direction == "bidirectional" else 1
    for extent, name in ((w.shape[0], "W"), (r.shape[0], "R")):
        require_equal(extent, directions, f"the directions of {name} and those of direction={direction!r}")
    hidden = r.shape[2]
    require_equal(w.shape[2], x.shape[2], "the input's features and those that W expects")
    require_equal(w.shape[1], gates * hidden, f"the rows of W and {gates} × the hidden size")
    require_equal(r.shape[1], gates * hidden, f"the rows of R and {gates} × the hidden size")
    if b is not None:
        require_equal(b.elements, directions * (2 * gates) * hidden, "the elements of B and those of its gates")
    return hidden_types(x, directions, hidden, layout)


def hidden_types(x: TensorType, directions: Dim, hidden: Dim, layout: int) -> tuple[TensorType, ...]:
    """(Y, Y_h, Y_c)."""
    assert x.shape is not None
    if layout:
        batch, steps, _ = x.shape
        sequence_shape: tuple[Dim, ...] = (batch, steps, directions, hidden)
        state_shape: tuple[Dim, ...] = (batch, directions, hidden)
    else:
        steps, batch, _ = x.shape
        sequence_shape, state_shape = (steps, directions, batch, hidden), (directions, batch, hidden)
    state = TensorType(x.dtype, state_shape)
    return TensorType(x.dtype, sequence_shape), state, state


def lstm_cost_of(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None,
    p: TensorType | None,
    hidden: Dim,
    activations: Sequence[str],
    clip: float,
) -> Cost:
    """The cost of an LSTM whose W and R may lie in either order; the quantised form shares it."""
    units = hidden_units(x, w, hidden)
    names = activation_names(activations, ("Sigmoid", "Tanh", "Tanh"), w)
    work = activation_work(names, (3, 1, 1), x, hidden)
    work += unit_work(units, multiplies=3 + 3 * (p is not None), adds=1 + 3 * (p is not None))
    work += elementwise_work("compare", "elementwise", units, 5 if clip else 0, "#hidden units × steps")
    work += elementwise_work("add", "bias", units, 4 if b is not None else 0, "#hidden units × steps")
    return Cost(gate_macs(x, w, r), work)


def gate_macs(x: TensorType, w: TensorType, r: TensorType) -> Formula:
    """T · B · (|W| + |R|)."""
    assert x.shape is not None
    return formula(
        product_factor("#steps", ("T", x.shape[0]), ("B", x.shape[1])),
        Factor("#weights (|W| + |R|)", w.elements + r.elements),
    )


def hidden_units(x: TensorType, w: TensorType, hidden: Dim) -> Dim:
    """T · B · directions · hidden: how often a hidden unit is computed."""
    assert x.shape is not None and w.shape is not None
    return x.shape[0] * x.shape[1] * w.shape[0] * hidden


def activation_names(names: Sequence[str], default: tuple[str, ...], w: TensorType) -> tuple[tuple[str, ...], ...]:
    """The activations of each direction."""
    assert w.shape is not None
    directions = 2 if w.shape[0] == 2 else 1
    if len(names) != directions * len(default):
        return (default,) * directions
    n = len(default)
    return tuple(tuple(names[i * n : (i + 1) * n]) for i in range(directions))


def activation_work(
    names: tuple[tuple[str, ...], ...], gates: tuple[int, ...], x: TensorType, hidden: Dim
) -> tuple[Work, ...]:
    """One function per gate: those that compare apart from those that are transcendental."""
    assert x.shape is not None
    counts = {"transcendental": 0, "compare": 0}
    for of_direction in names:
        for name, count in zip(of_direction, gates, strict=True):
            counts["compare" if name.lower() in PIECEWISE_ACTIVATIONS else "transcendental"] += count
    units = x.shape[0] * x.shape[1] * hidden
    return tuple(
        work
        for kind, count in counts.items()
        for work in elementwise_work(kind, "activation", units, count, "#hidden units × steps")
    )


def unit_work(units: Dim, multiplies: int, adds: int) -> tuple[Work, ...]:
    """Multiplications and additions of each hidden unit in each step."""
    return elementwise_work("multiply", "elementwise", units, multiplies, "#hidden units × steps") + elementwise_work(
        "add", "elementwise", units, adds, "#hidden units × steps"
    )


operands("LSTM", weights=(1, 2, 3, 7))

operands("GRU", "RNN", weights=(1, 2, 3))

traits("LSTM", kind="recurrent", states=6)  # four gates, the cell and the hidden state

traits("GRU", kind="recurrent", states=5)  # three gates, the candidate's recurrent part and the hidden state

traits("RNN", kind="recurrent", states=1)

describe(
    "At each step four gates read the input and the last hidden state, and decide what the cell forgets, takes "
    "in and shows.",
    "LSTM",
)

describe(
    "At each step two gates decide how much of the last hidden state stays and how much of it the new one sees.", "GRU"
)

describe("At each step the new hidden state is a function of the input and the last hidden state.", "RNN")


@gradient_rule("LSTM", "GRU", "RNN")
def recurrent_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """x · W and h · R. h depends on every other input, so its gradient goes back through time whenever one is computed;
    like the forward pass, all T steps count."""
    _, w, r, *_ = types
    assert w is not None and r is not None
    steps = formula.terms[0].factors[0].value
    return (
        Contraction(steps * w.elements, (0,), (1,)),
        Contraction(steps * r.elements, (0, 1, 2, 3, 5, 6, 7), (2,)),
    )


@least_work_rule("LSTM", "GRU", "RNN")
def recurrent_least_work(use: OperatorUse) -> LeastWork:
    """Steps behind sequence_lens: a stored one is read, any other may leave none. h · R of a text's first step where
    initial_h is left out, for h is 0 there."""
    x, w, r, lengths = (use.input(i) for i in (0, 1, 2, 4))
    assert x is not None and x.shape is not None and w is not None and r is not None
    batch, steps = (x.shape[0], x.shape[1]) if use.attributes.get("layout", 0) else (x.shape[1], x.shape[0])
    count, texts = steps * batch, batch
    if lengths is not None:
        known = known_integers(lengths) or ()
        counts = [minimum(max(0, n), steps) for n in known] if len(known) == batch else []
        count, texts = sum(counts, 0), sum([minimum(n, 1) for n in counts], 0)
    recurrent = count if use.input(5) is not None else count - texts
    reads: dict[int, Dim] = {0: count * x.shape[2]}
    if count == 0:
        reads[1] = 0
    if recurrent == 0:
        reads[2] = 0
    return LeastWork(count * w.elements + recurrent * r.elements, reads)


@shape_rule("LSTM")
def lstm_shape(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    initial_c: TensorType | None = None,
    p: TensorType | None = None,
    *,
    direction: str = "forward",
    layout: int = 0,
) -> tuple[TensorType, ...]:
    """x [T, B, input], w [D, 4·hidden, input], r [D, 4·hidden, hidden] -> Y [T, D, B, hidden], Y_h and Y_c
    [D, B, hidden]; with layout 1 [B, T, input] -> [B, T, D, hidden], [B, D, hidden]."""
    return recurrent_types(x, w, r, b, 4, direction, layout)


@shape_rule("GRU")
def gru_shape(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    *,
    direction: str = "forward",
    layout: int = 0,
) -> tuple[TensorType, ...]:
    """x [T, B, input], w [D, 3·hidden, input], r [D, 3·hidden, hidden] -> Y [T, D, B, hidden], Y_h [D, B, hidden]."""
    return recurrent_types(x, w, r, b, 3, direction, layout)[:2]


@shape_rule("RNN")
def rnn_shape(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    *,
    direction: str = "forward",
    layout: int = 0,
) -> tuple[TensorType, ...]:
    """x [T, B, input], w [D, hidden, input], r [D, hidden, hidden] -> Y [T, D, B, hidden], Y_h [D, B, hidden]."""
    return recurrent_types(x, w, r, b, 1, direction, layout)[:2]


@cost_rule("LSTM")
def lstm_cost(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    initial_c: TensorType | None = None,
    p: TensorType | None = None,
    *,
    activations: Sequence[str] = (),
    clip: float = 0.0,
) -> Cost:
    """#steps (T · B) × #weights (|W| + |R|, all directions). Per step and hidden unit besides: 5 activations, 4
    bias additions with B, 3 multiplications and 1 addition for the cell and the output, 3 of each with peepholes P,
    5 comparisons with clip. sequence_lens shortens nothing: padded steps count."""
    return lstm_cost_of(x, w, r, b, p, r.shape[2] if r.shape else 1, activations, clip)


@cost_rule("GRU")
def gru_cost(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    *,
    activations: Sequence[str] = (),
    clip: float = 0.0,
    linear_before_reset: int = 0,
) -> Cost:
    """#steps (T · B) × #weights (|W| + |R|, all directions). Per step and hidden unit besides: 3 activations, 3
    bias additions with B (4 with linear_before_reset), 3 multiplications and 2 additions (3 with linear_before_reset)
    for the reset and for (1 - z) · h + z · H, 3 comparisons with clip. sequence_lens shortens nothing."""
    assert r.shape is not None
    units = hidden_units(x, w, r.shape[2])
    after = bool(linear_before_reset)
    work = activation_work(activation_names(activations, ("Sigmoid", "Tanh"), w), (2, 1), x, r.shape[2])
    work += unit_work(units, multiplies=3, adds=2 + after)
    work += elementwise_work("compare", "elementwise", units, 3 if clip else 0, "#hidden units × steps")
    work += elementwise_work("add", "bias", units, 3 + after if b is not None else 0, "#hidden units × steps")
    return Cost(gate_macs(x, w, r), work)


@cost_rule("RNN")
def rnn_cost(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    *,
    activations: Sequence[str] = (),
    clip: float = 0.0,
) -> Cost:
    """#steps (T · B) × #weights (|W| + |R|, all directions). Per step and hidden unit besides: 1 activation, 1 bias
    addition with B, 1 comparison with clip. sequence_lens shortens nothing: padded steps count."""
    assert r.shape is not None
    units = hidden_units(x, w, r.shape[2])
    work = activation_work(activation_names(activations, ("Tanh",), w), (1,), x, r.shape[2])
    work += elementwise_work("compare", "elementwise", units, 1 if clip else 0, "#hidden units × steps")
    work += elementwise_work("add", "bias", units, 1 if b is not None else 0, "#hidden units × steps")
    return Cost(gate_macs(x, w, r), work)
