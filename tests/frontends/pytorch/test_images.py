"""Calls on images -> nodes: which operators of ONNX they become, and what need not be computed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import costcalc
from costcalc.core.ir import Graph
from costcalc.frontends.symbols import parse_expression

FOLDER = Path(__file__).parents[2] / "data" / "pt2"


def program(name: str, **dims: int) -> Graph:
    return costcalc.load(FOLDER / f"{name}.pt2", dims=dims)


def test_places_of_maxima_are_outputs_where_they_are_read() -> None:
    graph = program("pooling_windows")
    pools = [node for node in graph.nodes if node.op_type == "MaxPool"]
    assert Counter(len(node.outputs) for node in pools) == {1: 6, 2: 2}


def test_adaptive_pools_with_equal_windows_are_pools() -> None:
    kinds = Counter((node.domain, node.op_type) for node in program("pooling_adaptive").nodes)
    assert kinds["", "GlobalAveragePool"] == 3
    assert kinds["", "GlobalMaxPool"] == 2
    assert kinds["", "AveragePool"] == 3  # (None, 1), (4, 13), (3, 7, 1)
    assert kinds["aten", "adaptive_avg_pool"] == 3


def test_padding_by_nothing_is_no_node() -> None:
    graph = program("resizing_pad")
    assert Counter(node.op_type for node in graph.nodes)["Pad"] == 13
    (add,) = [node for node in graph.nodes if node.op_type == "Add"]
    assert add.inputs[0] in graph.inputs


def test_scales_stay_scales_where_they_give_the_sizes() -> None:
    resizes = [node for node in program("resizing_interpolate").nodes if node.op_type == "Resize"]
    assert Counter("scales" if len(node.inputs) == 3 else "sizes" for node in resizes) == {"scales": 6, "sizes": 9}


def test_kernels_of_each_sample_are_groups() -> None:
    """An open batch is an open number of groups, which no attribute of Conv holds."""
    (conv,) = [n for n in program("convolution_dynamic_kernels_open").nodes if n.domain == "aten"]
    assert conv.op_type == "convolution"
    (conv,) = [n for n in program("convolution_dynamic_kernels_open", s77=3, s24=3).nodes if n.op_type == "Conv"]
    assert conv.attributes["group"] == 3


def test_statistics_that_are_read_come_from_operators_of_aten() -> None:
    kinds = Counter((node.domain, node.op_type) for node in program("normalisation_native").nodes)
    assert kinds["aten", "group_norm"] == kinds["", "GroupNormalization"] == 1
    assert kinds["aten", "batch_norm"] == 1
    assert kinds["", "BatchNormalization"] == 3


def test_constants_for_absent_scales_are_no_parameters() -> None:
    """Those of norms without learned values; 159 stand in the module."""
    report = costcalc.analyze(FOLDER / "normalisation_layers.pt2")
    assert report.params == 2 * 8 + 2 * 8 + 2 * 8 + 2 * 6 * 5 + 5 + 2 * 8 + 6 * 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TruncToInt(Mul(Float('0.5', precision=53), ToFloat(Symbol('s0', positive=True, integer=True))))", "s0//2"),
        ("TruncToInt(1.5*ToFloat(s0))", "s0//2 + s0"),
        ("TruncToInt(IntTrueDiv(s0, 2))", "s0//2"),
        ("floor(s0/2)", "s0//2"),
    ],
)
def test_scaled_extents(text: str, expected: str) -> None:
    assert parse_expression(text) == parse_expression(expected)


@pytest.mark.parametrize("text", ["TruncToInt(s0*s1)", "TruncToInt(Mul(Float('inf'), s0))", "TruncToInt(f(1.5, s0))"])
def test_what_is_no_scaled_extent(text: str) -> None:
    assert parse_expression(text) is None
