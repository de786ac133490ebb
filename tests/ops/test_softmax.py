"""The softmax family and its losses."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import I64, cost, onnx_shapes, run, shape, t, work

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError

S, R = "softmax", "reduction"


def test_softmax_is_five_operations_per_element() -> None:
    assert work(cost("Softmax", t(2, 1000))) == {
        ("compare", S): 2000,
        ("add", S): 2 * 2000,
        ("exp", S): 2000,
        ("divide", S): 2000,
    }
    seq = symbol("seq")
    assert cost("Softmax", t(1, 12, seq, seq)).flops == 5 * 12 * seq * seq


@pytest.mark.parametrize(
    ("opset", "how", "rows"),
    [(13, {}, 2 * 3), (13, {"axis": 1}, 2 * 4), (11, {}, 2), (11, {"axis": 2}, 2 * 3), (11, {"axis": 3}, 2 * 3 * 4)],
)
def test_log_softmax(opset: int, how: dict[str, Any], rows: int) -> None:
    found = cost("LogSoftmax", t(2, 3, 4), opset=opset, **how)
    assert work(found) == {("compare", S): 24, ("add", S): 3 * 24, ("exp", S): 24, ("transcendental", S): rows}


def test_hardmax() -> None:
    assert work(cost("Hardmax", t(2, 3))) == {("compare", S): 2 * 6}


@pytest.mark.parametrize("opset", [7, 11, 13, 24])
@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax", "Hardmax"])
def test_shapes_are_onnxs(op_type: str, opset: int) -> None:
    assert [shape(op_type, t(2, 3, 4), axis=1, opset=opset)] == onnx_shapes(op_type, t(2, 3, 4), axis=1, opset=opset)


def test_an_axis_that_does_not_exist() -> None:
    with pytest.raises(ShapeError, match="axis 3"):
        run("Softmax", t(2, 3, 4), axis=3)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_losses(reduction: str) -> None:
    x, target = t(2, 5, 3), t(2, 3, dtype=I64)
    for op_type, n in (("NegativeLogLikelihoodLoss", 1), ("SoftmaxCrossEntropyLoss", 2)):
        how: dict[str, Any] = {"n": n, "reduction": reduction}
        found = [y.shape for y in run(op_type, x, target, **how)]
        assert found == onnx_shapes(op_type, x, target, **how)
        assert found[0] == ((2, 3) if reduction == "none" else ())


def test_loss_costs() -> None:
    x, target, weight = t(2, 5, 3), t(2, 3, dtype=I64), t(5)
    nll = {("add", R): 6 * 3, ("multiply", R): 6, ("divide", R): 1}
    assert work(cost("NegativeLogLikelihoodLoss", x, target, weight)) == nll
    assert work(cost("NegativeLogLikelihoodLoss", x, target, reduction="none")) == {("add", R): 6}
    assert work(cost("SoftmaxCrossEntropyLoss", x, target, weight)) == nll | {
        ("compare", S): 30,
        ("add", S): 90,
        ("exp", S): 30,
        ("transcendental", S): 6,
    }


def test_labels_of_another_batch_are_refused() -> None:
    with pytest.raises(ShapeError, match="differ"):
        run("NegativeLogLikelihoodLoss", t(2, 5), t(3, dtype=I64))
    with pytest.raises(ShapeError, match="rank"):
        run("NegativeLogLikelihoodLoss", t(2, 5), t(2, 1, dtype=I64))
