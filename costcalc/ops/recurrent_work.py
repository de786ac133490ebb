"""What recurrent layers share: their types, and what they compute per step and hidden unit."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.assume import agree
from costcalc.dim import Dim
from costcalc.errors import ShapeError
from costcalc.formula import Cost, Factor, Formula, Work, formula, of, per
from costcalc.ir import TensorType

COMPARING = ("relu", "leakyrelu", "thresholdedrelu", "hardsigmoid")


def recurrent_types(
    x: TensorType, w: TensorType, r: TensorType, b: TensorType | None, gates: int, direction: str, layout: int
) -> tuple[TensorType, ...]:
    """(Y, Y_h, Y_c) of a recurrent layer, w and r [D, gates · hidden, …]."""
    if x.rank != 3 or w.rank != 3 or r.rank != 3:
        raise ShapeError(f"X, W and R have {x.rank}, {w.rank} and {r.rank} axes", "each has 3")
    assert x.shape is not None and w.shape is not None and r.shape is not None
    directions: Dim = 2 if direction == "bidirectional" else 1
    for extent, what in ((w.shape[0], "W"), (r.shape[0], "R")):
        agree(extent, directions, f"the directions of {what} and those of direction={direction!r}")
    hidden = r.shape[2]
    agree(w.shape[2], x.shape[2], "the input's features and those that W expects")
    agree(w.shape[1], gates * hidden, f"the rows of W and {gates} × the hidden size")
    agree(r.shape[1], gates * hidden, f"the rows of R and {gates} × the hidden size")
    if b is not None:
        agree(b.elements, directions * (2 * gates) * hidden, "the elements of B and those of its gates")
    return hidden_types(x, directions, hidden, layout)


def hidden_types(x: TensorType, directions: Dim, hidden: Dim, layout: int) -> tuple[TensorType, ...]:
    """(Y, Y_h, Y_c)."""
    assert x.shape is not None
    if layout:
        batch, steps, _ = x.shape
        every: tuple[Dim, ...] = (batch, steps, directions, hidden)
        last: tuple[Dim, ...] = (batch, directions, hidden)
    else:
        steps, batch, _ = x.shape
        every, last = (steps, directions, batch, hidden), (directions, batch, hidden)
    state = TensorType(x.dtype, last)
    return TensorType(x.dtype, every), state, state


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
    work += per("compare", "elementwise", units, 5 if clip else 0, "#hidden units × steps")
    work += per("add", "bias", units, 4 if b is not None else 0, "#hidden units × steps")
    return Cost(gate_macs(x, w, r), work)


def gate_macs(x: TensorType, w: TensorType, r: TensorType) -> Formula:
    assert x.shape is not None
    return formula(
        of("#steps", ("T", x.shape[0]), ("B", x.shape[1])), Factor("#weights (|W| + |R|)", w.elements + r.elements)
    )


def hidden_units(x: TensorType, w: TensorType, hidden: Dim) -> Dim:
    """T · B · directions · hidden: how often a hidden unit is computed."""
    assert x.shape is not None and w.shape is not None
    return x.shape[0] * x.shape[1] * w.shape[0] * hidden


def activation_names(given: Sequence[str], default: tuple[str, ...], w: TensorType) -> tuple[tuple[str, ...], ...]:
    """The activations of each direction."""
    assert w.shape is not None
    directions = 2 if w.shape[0] == 2 else 1
    if len(given) != directions * len(default):
        return (default,) * directions
    n = len(default)
    return tuple(tuple(given[i * n : (i + 1) * n]) for i in range(directions))


def activation_work(
    names: tuple[tuple[str, ...], ...], gates: tuple[int, ...], x: TensorType, hidden: Dim
) -> tuple[Work, ...]:
    """One function per gate: those that compare apart from those that are transcendental."""
    assert x.shape is not None
    each = {"transcendental": 0, "compare": 0}
    for of_direction in names:
        for name, count in zip(of_direction, gates, strict=True):
            each["compare" if name.lower() in COMPARING else "transcendental"] += count
    units = x.shape[0] * x.shape[1] * hidden
    return tuple(
        work for kind, count in each.items() for work in per(kind, "activation", units, count, "#hidden units × steps")
    )


def unit_work(units: Dim, multiplies: int, adds: int) -> tuple[Work, ...]:
    return per("multiply", "elementwise", units, multiplies, "#hidden units × steps") + per(
        "add", "elementwise", units, adds, "#hidden units × steps"
    )
