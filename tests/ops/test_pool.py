"""Pools: extents as ONNX Runtime's, costs per output."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.node_execution import executed
from support.operator_rules import I64, cost, run, shape, t, work

from costcalc.core.dim import substitute, symbol
from costcalc.core.errors import ShapeError

P = "pooling"


def test_max_pool() -> None:
    x = t(2, 8, 9, 9)
    y, indices = run("MaxPool", x, kernel_shape=(3, 3), strides=(2, 2), n=2)
    assert y.shape == indices.shape == (2, 8, 4, 4)
    assert indices.dtype is I64
    found = cost("MaxPool", x, kernel_shape=(3, 3), strides=(2, 2))
    assert found.macs.value == 0
    assert work(found) == {("compare", P): 2 * 8 * 4 * 4 * (3 * 3 - 1)}


def test_a_window_of_one_compares_nothing() -> None:
    assert cost("MaxPool", t(1, 1, 4), kernel_shape=(1,)).flops == 0


def test_average_pool() -> None:
    found = cost("AveragePool", t(1, 6, 28, 28), kernel_shape=(2, 2), strides=(2, 2))
    assert work(found) == {("add", P): 6 * 14 * 14 * (2 * 2 - 1), ("divide", P): 6 * 14 * 14}


@pytest.mark.parametrize(
    ("p", "power", "roots"), [(1, "compare", 0), (2, "multiply", 4 * 3), (3, "transcendental", 4 * 3)]
)
def test_lp_pool(p: int, power: str, roots: int) -> None:
    found = work(cost("LpPool", t(1, 4, 6), kernel_shape=(2,), strides=(2,), p=p))
    outputs = 4 * 3
    expected = {("add", P): outputs * (2 - 1), (power, P): outputs * 2}
    if roots:
        expected["transcendental", P] = expected.get(("transcendental", P), 0) + roots
    assert found == expected


def test_global_pools() -> None:
    x = t(2, 5, 7, 7)
    assert shape("GlobalAveragePool", x) == (2, 5, 1, 1)
    assert work(cost("GlobalAveragePool", x)) == {("add", P): 2 * 5 * (7 * 7 - 1), ("divide", P): 2 * 5}
    assert work(cost("GlobalMaxPool", x)) == {("compare", P): 2 * 5 * (7 * 7 - 1)}
    assert work(cost("GlobalLpPool", x)) == {
        ("multiply", P): 2 * 5 * 7 * 7,
        ("add", P): 2 * 5 * (7 * 7 - 1),
        ("transcendental", P): 2 * 5,
    }


def test_a_global_average_costs_what_one_window_over_all_costs() -> None:
    x = t(3, 5, 6, 4)
    assert work(cost("GlobalAveragePool", x)) == work(cost("AveragePool", x, kernel_shape=(6, 4)))


def test_max_unpool() -> None:
    x = t(1, 1, 2, 2)
    indices = t(1, 1, 2, 2, dtype=I64)
    assert shape("MaxUnpool", x, indices, kernel_shape=(2, 2), strides=(2, 2)) == (1, 1, 4, 4)
    assert shape("MaxUnpool", x, indices, kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 0, 0)) == (1, 1, 4, 4)
    given_shape = t(4, dtype=I64, value=(1, 1, 5, 5))
    assert shape("MaxUnpool", x, indices, given_shape, kernel_shape=(2, 2), strides=(2, 2)) == (1, 1, 5, 5)
    assert cost("MaxUnpool", x, indices, kernel_shape=(2, 2)).flops == 0


@pytest.mark.parametrize(
    ("inputs", "attributes", "word"),
    [
        ((1, 3), {"kernel_shape": (2,)}, "rank"),
        ((1, 3, 8, 8), {"kernel_shape": (2,)}, "kernel_shape"),
        ((1, 3, 8), {"kernel_shape": (0,)}, "kernel_shape"),
        ((1, 3, 8), {"kernel_shape": (9,)}, "reaches over 9"),
        ((1, 3, 8), {"kernel_shape": (2,), "strides": (0,)}, "stride"),
    ],
)
def test_refusals(inputs: tuple[int, ...], attributes: dict[str, Any], word: str) -> None:
    with pytest.raises(ShapeError, match=word):
        run("MaxPool", t(*inputs), **attributes)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_extents_are_onnx_runtimes(data: st.DataObject) -> None:
    op_type = data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    rank = data.draw(st.integers(1, 3))

    def several(low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
        return st.tuples(*[st.integers(low, high)] * rank)

    extents = (1, 2, *data.draw(several(6, 12)))
    kernel = data.draw(several(1, 3))
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": data.draw(several(1, 4)),
        "ceil_mode": data.draw(st.integers(0, 1)),
    }
    opset = data.draw(st.sampled_from([10, 11, 19, 22]))
    if op_type == "MaxPool":
        attributes["dilations"] = data.draw(several(1, 2))
    auto_pad = data.draw(st.sampled_from(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if auto_pad != "NOTSET":
        attributes["auto_pad"] = auto_pad
        # ONNX Runtime refuses SAME where the stride skips inputs, which makes its padding negative.
        attributes["strides"] = tuple(map(min, kernel, attributes["strides"]))
        attributes.pop("dilations", None)
    else:
        attributes["pads"] = tuple(data.draw(st.integers(0, k - 1)) for k in kernel * 2)
    ((_, theirs),) = executed(op_type, t(*extents), opset=opset, **attributes)
    assert shape(op_type, t(*extents), opset=opset, **attributes) == theirs


@given(h=st.integers(5, 400), kernel=st.integers(1, 4), stride=st.integers(1, 4), ceil=st.integers(0, 1))
def test_binding_an_open_extent(h: int, kernel: int, stride: int, ceil: int) -> None:
    how: dict[str, Any] = {
        "kernel_shape": (kernel,),
        "strides": (stride,),
        "pads": (kernel // 2,) * 2,
        "ceil_mode": ceil,
    }
    open_extent = run("AveragePool", t(1, 3, symbol("h")), **how)[0].elements
    open_flops = cost("AveragePool", t(1, 3, symbol("h")), **how).flops
    assert substitute(open_extent, {"h": h}) == run("AveragePool", t(1, 3, h), **how)[0].elements
    assert substitute(open_flops, {"h": h}) == cost("AveragePool", t(1, 3, h), **how).flops
