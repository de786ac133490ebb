"""Recurrent layers: LSTM, GRU and RNN."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.traits import Attributes, Contraction, gradient_rule, traits
from costcalc.formula import Cost, Formula, per
from costcalc.ir import TensorType
from costcalc.ops.recurrent_work import (
    activation_names,
    activation_work,
    gate_macs,
    hidden_units,
    lstm_cost_of,
    recurrent_types,
    unit_work,
)
from costcalc.registry import Types, cost_rule, describe, operands, shape_rule

operands("LSTM", weights=(1, 2, 3, 7))
operands("GRU", "RNN", weights=(1, 2, 3))
traits("LSTM", kind="recurrent", states=6)  # four gates, the cell and the hidden state
traits("GRU", kind="recurrent", states=5)  # three gates, the candidate's recurrent part and the hidden state
traits("RNN", kind="recurrent", states=1)
describe("At each step four gates read the input and the last hidden state, and decide what the cell forgets, takes "
         "in and shows.", "LSTM")  # fmt: skip
describe("At each step two gates decide how much of the last hidden state stays and how much of it the new one sees.",
         "GRU")  # fmt: skip
describe("At each step the new hidden state is a function of the input and the last hidden state.", "RNN")


@gradient_rule("LSTM", "GRU", "RNN")
def recurrent_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """x · W and h · R. h depends on every other input, so its gradient goes back through time whenever one is asked;
    like the forward pass, all T steps count."""
    _, w, r, *_ = types
    assert w is not None and r is not None
    steps = formula.terms[0].factors[0].value
    return (
        Contraction(steps * w.elements, (0,), (1,)),
        Contraction(steps * r.elements, (0, 1, 2, 3, 5, 6, 7), (2,)),
    )


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
    work += per("compare", "elementwise", units, 3 if clip else 0, "#hidden units × steps")
    work += per("add", "bias", units, 3 + after if b is not None else 0, "#hidden units × steps")
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
    work += per("compare", "elementwise", units, 1 if clip else 0, "#hidden units × steps")
    work += per("add", "bias", units, 1 if b is not None else 0, "#hidden units × steps")
    return Cost(gate_macs(x, w, r), work)
