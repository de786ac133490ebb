"""Pools: extents as ONNX Runtime's, costs per output."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from support.node_execution import executed
from support.operator_rules import I64, cost, run, shape, t, work

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import substitute, symbol
from costcalc.core.errors import AssumptionError, ShapeError
from costcalc.core.registry import MS

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


@st.composite
def rounded_up_pool(draw: st.DrawFn) -> tuple[str, tuple[int, ...], dict[str, Any]]:
    """(operator, extents, attributes) of a pool with ceil_mode; its kernel may reach beyond its padded input."""
    op_type = draw(st.sampled_from(["MaxPool", "AveragePool", "LpPool"]))
    rank = draw(st.integers(1, 2))

    def each(low: int, high: int) -> tuple[int, ...]:
        return draw(st.tuples(*[st.integers(low, high)] * rank))

    kernel = each(1, 9)
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": each(1, 10),
        "dilations": each(1, 3),
        "pads": tuple(draw(st.integers(0, k - 1)) for k in kernel * 2),
        "ceil_mode": 1,
    }
    if op_type == "AveragePool":
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    return op_type, (1, 2, *each(1, 9)), attributes


def reference_shape(op_type: str, extents: tuple[int, ...], attributes: dict[str, Any]) -> tuple[int, ...]:
    """The output shape of a pool in ONNX's reference implementation."""
    node = helper.make_node(op_type, ["x"], ["y"], **attributes)
    x, y = helper.make_tensor_value_info("x", 1, extents), helper.make_empty_tensor_value_info("y")
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 22)])
    (found,) = ReferenceEvaluator(model).run(None, {"x": np.ones(extents, np.float32)})
    return tuple(np.asarray(found).shape)


def elements_under_windows(extents: tuple[int, ...], attributes: dict[str, Any], out: tuple[int, ...]) -> int:
    """The elements of the padded input under each window, counted one by one and added up."""
    rank, total = len(out), 1
    for i in range(rank):
        padded = extents[i] + attributes["pads"][i] + attributes["pads"][rank + i]
        stride, dilation = attributes["strides"][i], attributes["dilations"][i]
        taps = [w * stride + k * dilation for w in range(out[i]) for k in range(attributes["kernel_shape"][i])]
        total *= sum(position < padded for position in taps)
    return total


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the reference, for windows that lie in the padding
@settings(max_examples=300, deadline=None)
@given(rounded_up_pool())
def test_pools_that_round_up_are_onnx_runtimes(pool: tuple[str, tuple[int, ...], dict[str, Any]]) -> None:
    op_type, extents, attributes = pool
    try:
        ((_, theirs),) = executed(op_type, t(*extents), opset=22, **attributes)
    except Fail:  # a negative number of windows
        theirs = (0,)
    if 0 in theirs:
        with pytest.raises(ShapeError, match="reaches over"):
            run(op_type, t(*extents), opset=22, **attributes)
        return
    assert shape(op_type, t(*extents), opset=22, **attributes) == theirs
    # For a MaxPool with stride 1 and no dilation the reference takes the pads as those of SAME.
    if op_type != "MaxPool" or min(attributes["strides"]) > 1:
        assert reference_shape(op_type, extents, attributes) == theirs
    outputs, elements = 2 * prod(theirs[2:]), 2 * elements_under_windows(extents[2:], attributes, theirs[2:])
    found = work(cost(op_type, t(*extents), opset=22, **attributes))
    if op_type == "MaxPool":
        assert sum(found.values()) == elements - outputs
    elif op_type == "AveragePool":
        assert found == {k: v for k, v in {("add", P): elements - outputs, ("divide", P): outputs}.items() if v}
    else:
        assert found["multiply", P] == elements and found["transcendental", P] == outputs


@settings(max_examples=300, deadline=None)
@given(rounded_up_pool())
def test_binding_the_extents_of_a_pool_that_rounds_up(pool: tuple[str, tuple[int, ...], dict[str, Any]]) -> None:
    op_type, extents, attributes = pool
    names = ("h", "w")[: len(extents) - 2]
    binding = dict(zip(names, extents[2:], strict=True))
    with collect_assumptions() as assumptions:
        open_input = t(*extents[:2], *map(symbol, names))
        open_cost, open_shape = cost(op_type, open_input, **attributes), shape(op_type, open_input, **attributes)
    try:
        bound = shape(op_type, t(*extents), **attributes)
    except ShapeError:
        with pytest.raises(AssumptionError):
            for assumption in assumptions:
                assumption.check(binding)
        return
    for assumption in assumptions:
        assumption.check(binding)
    assert tuple(substitute(d, binding) for d in open_shape or ()) == bound
    assert substitute(open_cost.flops, binding) == cost(op_type, t(*extents), **attributes).flops


def test_a_kernel_over_more_than_the_input() -> None:
    """One window over what there is; with open extents nothing is assumed of them."""
    how: dict[str, Any] = {"kernel_shape": (1280, 1280), "strides": (1280, 1280), "ceil_mode": 1}
    assert shape("AveragePool", t(1, 1280, 7, 7), **how) == (1, 1280, 1, 1)
    assert work(cost("AveragePool", t(1, 1280, 7, 7), **how)) == {
        ("add", P): 1280 * (7 * 7 - 1),
        ("divide", P): 1280,
    }
    with collect_assumptions() as assumptions:
        run("AveragePool", t(1, 1280, symbol("h"), symbol("w")), **how)
    assert not assumptions
    assert shape("MaxPool", t(1, 1, 2, 2), kernel_shape=(3, 3), strides=(2, 2), ceil_mode=1) == (1, 1, 1, 1)
    assert cost("MaxPool", t(1, 1, 2, 2), kernel_shape=(3, 3), strides=(2, 2), ceil_mode=1).flops == 2 * 2 - 1


def test_channels_last_pools_that_round_up() -> None:
    how: dict[str, Any] = {"kernel_shape": (3, 3), "strides": (2, 2), "ceil_mode": 1}
    first, last = t(1, 5, 2, 4), t(1, 2, 4, 5)
    assert shape("NhwcMaxPool", last, domain=MS, **how) == (1, 1, 2, 5)
    assert cost("NhwcMaxPool", last, domain=MS, **how).flops == cost("MaxPool", first, **how).flops
    assert cost("MaxPool", first, **how).flops == 5 * (2 * (3 + 2) - 2)
    scales = (t(), None, t(), None)
    assert (
        cost("QLinearAveragePool", last, *scales, domain=MS, channels_last=1, **how).flops
        == cost("QLinearAveragePool", first, *scales, domain=MS, **how).flops
    )


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
