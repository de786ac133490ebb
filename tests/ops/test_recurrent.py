"""LSTM, GRU and RNN."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import I32, cost, onnx_shapes, run, t, work

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layer(
    op: str, steps: int = 10, batch: int = 2, size: int = 32, hidden: int = 64, directions: int = 1, layout: int = 0
) -> list[TensorType]:
    g = GATES[op]
    x = t(batch, steps, size) if layout else t(steps, batch, size)
    return [x, t(directions, g * hidden, size), t(directions, g * hidden, hidden), t(directions, 2 * g * hidden)]


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("layout", [0, 1])
def test_shapes_are_onnxs(op: str, direction: str, layout: int) -> None:
    inputs = layer(op, directions=2 if direction == "bidirectional" else 1, layout=layout)
    n = 3 if op == "LSTM" else 2
    how: Any = {"direction": direction, "hidden_size": 64, "layout": layout}
    assert [o.shape for o in run(op, *inputs, n=n, **how)] == onnx_shapes(op, *inputs, n=n, **how)


@pytest.mark.parametrize("op", GATES)
def test_old_opset_without_hidden_size(op: str) -> None:
    inputs = layer(op)
    assert run(op, *inputs, opset=7)[0].shape == (10, 1, 2, 64)


@pytest.mark.parametrize(
    ("op", "directions", "macs"),
    [
        ("LSTM", 1, 10 * 2 * (4 * 64 * 32 + 4 * 64 * 64)),
        ("LSTM", 2, 2 * 10 * 2 * (4 * 64 * 32 + 4 * 64 * 64)),
        ("GRU", 1, 10 * 2 * (3 * 64 * 32 + 3 * 64 * 64)),
        ("RNN", 2, 2 * 10 * 2 * (64 * 32 + 64 * 64)),
    ],
)
def test_macs(op: str, directions: int, macs: int) -> None:
    direction = "bidirectional" if directions == 2 else "forward"
    assert cost(op, *layer(op, directions=directions), direction=direction).macs.value == macs


def test_bidirectional_two_layer_lstm() -> None:
    first = cost("LSTM", *layer("LSTM", batch=1, directions=2), direction="bidirectional").macs.value
    second = cost("LSTM", *layer("LSTM", batch=1, size=128, directions=2), direction="bidirectional").macs.value
    assert first + second == 10 * 2 * (256 * 32 + 256 * 64) + 10 * 2 * (256 * 128 + 256 * 64) == 1_474_560


def test_elementwise_work() -> None:
    units = 10 * 2 * 64
    assert work(cost("LSTM", *layer("LSTM"))) == {
        ("transcendental", "activation"): 5 * units,
        ("add", "bias"): 4 * units,
        ("multiply", "elementwise"): 3 * units,
        ("add", "elementwise"): units,
    }
    assert work(cost("GRU", *layer("GRU"), linear_before_reset=1)) == {
        ("transcendental", "activation"): 3 * units,
        ("add", "bias"): 4 * units,
        ("multiply", "elementwise"): 3 * units,
        ("add", "elementwise"): 3 * units,
    }
    assert work(cost("RNN", *layer("RNN")[:3], activations=("Relu",), clip=1.0)) == {
        ("compare", "activation"): units,
        ("compare", "elementwise"): units,
    }


def test_peepholes() -> None:
    inputs = [*layer("LSTM"), t(2, dtype=I32), t(1, 2, 64), t(1, 2, 64), t(1, 3 * 64)]
    found = work(cost("LSTM", *inputs))
    assert found["multiply", "elementwise"] == 10 * 2 * 64 * 6
    assert found["add", "elementwise"] == 10 * 2 * 64 * 4


def test_open_sequence() -> None:
    seq = symbol("seq")
    _, w, r, b = layer("LSTM")
    x = t(seq, 1, 32)
    assert run("LSTM", x, w, r, b)[0].shape == (seq, 1, 1, 64)
    assert cost("LSTM", x, w, r, b).macs.value == seq * (256 * 32 + 256 * 64)


def test_what_does_not_fit() -> None:
    x, w, r, b = layer("LSTM")
    with pytest.raises(ShapeError, match="features"):
        run("LSTM", t(10, 2, 31), w, r, b)
    with pytest.raises(ShapeError, match="directions"):
        run("LSTM", x, w, r, b, direction="bidirectional")
