"""Reductions: axes as attribute and as input, counts, values; running sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_rules import BOOL, F32, I64, cost, onnx_shapes, run, shape, t, work

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError
from costcalc.ops.reduce import REDUCTIONS

R = "reduction"
X = t(2, 3, 4)
SEQ = symbol("seq")


def axes_input(*axes: int) -> Any:
    """Axes as a tensor."""
    return t(len(axes), dtype=I64, value=axes)


@pytest.mark.parametrize(
    ("op_type", "expected"),
    [
        ("ReduceSum", {"add": 24 - 6}),
        ("ReduceMean", {"add": 24 - 6, "divide": 6}),
        ("ReduceProd", {"multiply": 24 - 6}),
        ("ReduceMax", {"compare": 24 - 6}),
        ("ReduceMin", {"compare": 24 - 6}),
        ("ReduceL1", {"compare": 24, "add": 24 - 6}),
        ("ReduceL2", {"multiply": 24, "add": 24 - 6, "transcendental": 6}),
        ("ReduceSumSquare", {"multiply": 24, "add": 24 - 6}),
        ("ReduceLogSum", {"add": 24 - 6, "transcendental": 6}),
        ("ReduceLogSumExp", {"exp": 24, "add": 24 - 6, "transcendental": 6}),
    ],
)
def test_costs(op_type: str, expected: dict[str, int]) -> None:
    assert work(cost(op_type, X, axes_input(-1))) == {(kind, R): n for kind, n in expected.items()}
    assert work(cost(op_type, X, axes=(2,), opset=11)) == {(kind, R): n for kind, n in expected.items()}


def test_arg_max() -> None:
    assert run("ArgMax", X, axis=1, keepdims=0)[0] == t(2, 4, dtype=I64)
    assert run("ArgMin", X)[0] == t(1, 3, 4, dtype=I64)
    assert work(cost("ArgMax", X, axis=1)) == {("compare", R): 24 - 8}


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [None, (0,), (-1, 0), (1, 2), ()])
@pytest.mark.parametrize("op_type", REDUCTIONS)
def test_shapes_are_onnxs(op_type: str, axes: tuple[int, ...] | None, keepdims: int) -> None:
    for opset in (11, 13, 18, 24):
        as_input = opset >= (13 if op_type == "ReduceSum" else 18)
        for noop in (0, 1) if as_input else (0,):
            how: dict[str, Any] = {"opset": opset, "keepdims": keepdims}
            inputs = [X]
            if as_input:
                how["noop_with_empty_axes"] = noop
                inputs += [] if axes is None else [axes_input(*axes)]
            elif axes:
                how["axes"] = axes
            assert [shape(op_type, *inputs, **how)] == onnx_shapes(op_type, *inputs, **how)


def test_axes_from_data() -> None:
    found = shape("ReduceSum", X, t(1, dtype=I64), keepdims=0)
    assert found is not None and len(found) == 2
    assert str(found[0]) == "axis0"
    found = shape("ReduceSum", X, t(1, dtype=I64))
    assert found is not None and len(found) == 3


def test_bad_axes() -> None:
    for axes in ((3,), (1, -2)):
        with pytest.raises(ShapeError):
            run("ReduceSum", X, axes_input(*axes))


def test_nothing_to_combine() -> None:
    assert cost("ReduceSum", X, noop_with_empty_axes=1).flops == 0
    assert cost("ReduceSum", t(0, 3), axes_input(0)).flops == 0
    assert shape("ReduceSum", t(0, 3), axes_input(0)) == (1, 3)


def test_open_extents() -> None:
    assert work(cost("ReduceMean", t(1, SEQ, 8), axes_input(1))) == {("add", R): 8 * SEQ - 8, ("divide", R): 8}


@given(st.data())
def test_values_are_numpys(data: st.DataObject) -> None:
    extents = tuple(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    size = int(np.prod(extents))
    elements = data.draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    axes = data.draw(st.lists(st.sampled_from(range(len(extents))), unique=True, min_size=1))
    array = np.array(elements).reshape(extents)
    x = t(*extents, dtype=I64, value=elements)
    for op_type, function in (("Sum", np.sum), ("Prod", np.prod), ("Max", np.max), ("Min", np.min)):
        found = run(f"Reduce{op_type}", x, axes_input(*axes))[0].value
        expected = function(array, axis=tuple(axes))
        assert found == tuple(np.reshape(expected, -1).tolist())


def test_values() -> None:
    x = t(3, dtype=I64, value=(2, SEQ, 3))
    assert run("ReduceProd", x, keepdims=0)[0].value == (6 * SEQ,)
    assert run("ReduceSum", x, keepdims=0)[0].value == (SEQ + 5,)
    assert run("ReduceProd", t(0, dtype=I64, value=()), keepdims=0)[0].value == (1,)
    assert run("ReduceMax", t(0, dtype=I64, value=()), keepdims=0)[0].value is None
    assert run("ReduceMean", t(2, dtype=F32, value=(1.0, 4.0)), keepdims=0)[0].value == (2.5,)
    assert run("ReduceMin", t(2, dtype=BOOL, value=(True, False)), keepdims=0)[0].value == (False,)


def test_running_sums() -> None:
    axis = t(dtype=I64, value=(0,))
    x = t(3, dtype=I64, value=(1, SEQ, 3))
    assert run("CumSum", x, axis)[0].value == (1, SEQ + 1, SEQ + 4)
    assert run("CumSum", x, axis, exclusive=1)[0].value == (0, 1, SEQ + 1)
    assert run("CumSum", x, axis, reverse=1)[0].value == (SEQ + 4, SEQ + 3, 3)
    assert run("CumSum", x, axis, exclusive=1, reverse=1)[0].value == (SEQ + 3, 3, 0)
    assert run("CumProd", x, axis, opset=26)[0].value == (1, SEQ, 3 * SEQ)
    assert run("CumSum", X, axis)[0] == X
    assert work(cost("CumSum", X, axis)) == {("add", R): 24}
    assert work(cost("CumProd", X, axis, opset=26)) == {("multiply", R): 24}
