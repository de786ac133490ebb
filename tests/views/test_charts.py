"""Reports as charts: what is in them, exactly; the front against trying every pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graphs import attention_scores, blocks, separable, unknown
from support.paths import DATA, ONNX_FILES

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.analysis.smallest_sizes import smallest_sizes
from costcalc.core.ir import Graph
from costcalc.rules import DType, GraphBuilder, LoadError, UsageError
from costcalc.views.charts import Bar, bar_chart, memory_chart, roofline_chart
from costcalc.views.pareto import pareto_chart, read_records

CONV0, CONV1, CONV2, CONV3 = 32 * 32 * 8 * 27, 32 * 32 * 8 * 72, 16 * 16 * 16 * 72, 16 * 16 * 16 * 144


def test_bars_are_the_dearest_layers_with_what_is_left() -> None:
    chart = bar_chart(costcalc.analyze(blocks()), "macs", "layer", None, 2)
    assert chart.bars == (Bar("stage0/conv1/Conv", CONV1, "Conv"), Bar("stage1/conv1/Conv", CONV3, "Conv"))
    assert chart.rest == (3, CONV0 + CONV2 + 1024 * 10) and chart.whole == CONV0 + CONV1 + CONV2 + CONV3 + 10_240
    assert chart.quantity == "MACs by layer" and not chart.least


@pytest.mark.parametrize("by", ["layer", "op", "block"])
@pytest.mark.parametrize("quantity", ["macs", "flops", "params", "weight_bytes", "activation_bytes", "traffic_bytes"])
def test_bars_add_up_to_the_total(by: str, quantity: str) -> None:
    report = costcalc.analyze("mobilenet_v2")
    chart = bar_chart(report, quantity, by, None, 5)
    assert sum(bar.value for bar in chart.bars) + chart.rest[1] == chart.whole == report.totals[quantity]
    assert list(chart.bars) == sorted(chart.bars, key=lambda bar: -bar.value)


def test_what_is_unknown_or_open_is_said() -> None:
    assert bar_chart(costcalc.analyze(unknown()), "macs", "layer", None, 5).least


def test_an_open_model_is_drawn_at_the_smallest_sizes_that_it_divides() -> None:
    """ResNet halves an image five times: at 32 × 32 every layer has the share that it has at any multiple."""
    words = ", drawn at H = W = 32, N = 1 (open: bind with --dim)"
    report = costcalc.analyze("resnet18", symbolic=True)
    bound = costcalc.analyze("resnet18", dims={"N": 1, "H": 32, "W": 32}, symbolic=True)
    chart = bar_chart(report, "macs", "layer", None, 5)
    assert chart == bar_chart(bound, "macs", "layer", None, 5)._replace(quantity="MACs by layer" + words)
    assert memory_chart(report) == memory_chart(bound)._replace(title="ResNet-18" + words)
    (profile,) = (one.profile for one in costcalc.on_hardware(bound, "t4"))
    assert roofline_chart([report], [profile]) == roofline_chart([bound], [profile])._replace(title="ResNet-18" + words)
    assert "drawn at" not in bar_chart(report, "params", "layer", None, 5).quantity, "nothing of it is open"
    assert bar_chart(costcalc.analyze(attention_scores()), "macs", "layer", None, 5).whole == 64 + 4096


def test_the_smallest_sizes_keep_to_the_assumptions_of_a_model() -> None:
    program = costcalc.analyze(DATA / "pt2" / "networks_classifier_open.pt2")
    assert [str(one) for one in program.assumptions] == ["s53 >= 16", "s0 >= 16", "s77 <= 64"]
    assert smallest_sizes(program) == {"s0": 16, "s53": 16, "s77": 1}
    assert smallest_sizes(costcalc.analyze("lenet5")) == {}


def test_extents_that_depend_on_data_are_drawn_at_their_upper_bounds() -> None:
    """Of 32 elements all may be another than 0."""
    b = GraphBuilder("data", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (4, 8))
    (places,) = b.add("NonZero", [x], name="places")
    (numbers,) = b.add("Cast", [places], {"to": 1}, name="numbers")
    (known,) = b.add("MatMul", [x, b.add_initializer("w", DType.FLOAT32, (8, 3))], name="known")
    b.add("Relu", [numbers], name="open", outputs=["y"])
    chart = bar_chart(analyze_graph(b.build([known, "y"])), "flops", "layer", None, 5)
    assert chart.quantity == "FLOPs by layer, what depends on data at its upper bound" and not chart.least
    assert {bar.label: bar.value for bar in chart.bars}["open"] == 2 * 32


def test_trips_without_a_bound_stay_open() -> None:
    """No number stands for how often the loop runs: what is known is drawn without it."""
    chart = bar_chart(costcalc.analyze(ONNX_FILES / "toy_loop__ts.onnx"), "params", "layer", None, 5)
    assert chart.bars
    with pytest.raises(UsageError, match="trips"):
        bar_chart(costcalc.analyze(ONNX_FILES / "toy_loop__ts.onnx"), "macs", "layer", None, 5)


def two_blocks() -> Graph:
    """Two blocks, each around another one that holds blocks of two layers; names of inner blocks repeat the outer's."""
    b = GraphBuilder("two", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for outer in ("b.body", "b.head"):
        for i in range(2):
            scope = ("b", outer, f"{outer}.deep", f"{outer}.deep.{i}")
            w = b.add_initializer(f"{outer}{i}", DType.FLOAT32, (8, 8 * (i + 1) if outer == "b.head" else 8))
            (y,) = b.add("MatMul", [x, w], name=f"{outer}/{i}/product", scope=scope)
            b.add("Relu", [y], name=f"{outer}/{i}/relu", scope=scope)
    return b.build([y])


@pytest.mark.parametrize(
    ("model", "by", "first"),
    [
        ("resnet50", "block", "conv4_x"),
        ("lenet5", "layer", "C3"),
        ("pointwise_conv", "layer", "pointwise_conv"),
        (two_blocks(), "block", "b.head.deep.1"),
    ],
)
def test_bars_are_of_blocks_where_a_model_has_several(model: Any, by: str, first: str) -> None:
    """Two blocks are opened further; a model of few is drawn by layer, and so is one whose blocks are single layers."""
    report = costcalc.analyze(model)
    chart = bar_chart(report, "macs", "", None, 12)
    assert chart.quantity.startswith(f"MACs by {by}") and chart.bars[0].label == first
    assert by == "layer" or len(chart.bars) >= 3


def test_live_bytes_are_those_of_the_memory_command() -> None:
    report = costcalc.analyze("resnet18")
    chart = memory_chart(report)
    assert max(chart.values) == chart.values[chart.peak] == report.totals["peak_activation_bytes"]
    assert len(chart.values) == len(chart.names) == 70


def test_spots_stand_by_their_intensity() -> None:
    report = costcalc.analyze(separable())
    t4, pi, npu = (one.profile for one in costcalc.on_hardware(report, "t4", "raspberry-pi-4", "ethos-u55-256"))
    chart = roofline_chart([report], [t4, pi])
    assert [device.name for device in chart.devices] == ["NVIDIA T4"]  # no published bandwidth of the other
    depthwise, relu, _ = chart.spots
    assert depthwise.kind == "Conv depthwise" and depthwise.intensity == 2 * 9 * 16 * 3 / (4 * (108 + 27 + 48))
    assert relu.intensity == 48 / (4 * 96) and sum(spot.share for spot in chart.spots) == pytest.approx(1)
    both = roofline_chart([report, costcalc.analyze(blocks())], [t4])
    assert both.whole and [spot.label for spot in both.spots] == ["depthwise_separable", "blocks"]
    with pytest.raises(UsageError, match="has no peak with a bandwidth for float32"):
        roofline_chart([report], [npu])


numbers = st.integers(0, 6)


@given(st.lists(st.tuples(numbers, numbers), min_size=1), st.booleans(), st.booleans())
def test_the_front_is_what_no_other_beats(values: list[tuple[int, int]], up_x: bool, up_y: bool) -> None:
    most = [key for key, up in (("a", up_x), ("b", up_y)) if up]
    found = pareto_chart([{"a": a, "b": b, "name": str(i)} for i, (a, b) in enumerate(values)], "a", "b", most, "t")
    costs = [(-a if up_x else a, -b if up_y else b) for a, b in values]
    beaten = [any(p[0] <= q[0] and p[1] <= q[1] and p != q for p in costs) for q in costs]
    assert [point.best for point in found.points] == [not b for b in beaten]


def test_models_and_tables_give_points(tmp_path: Path) -> None:
    rows = [{"name": r.name, **r.totals} for r in map(costcalc.analyze, ("mobilenet", "vgg16"))]
    assert [(p.label, p.x, p.y, p.best) for p in pareto_chart(rows, "macs", "params", (), "").points] == [
        ("MobileNet v1", 568_740_352, 4_231_976, True),
        ("VGG-16", 15_470_264_320, 138_357_544, False),
    ]
    table = tmp_path / "sweep.csv"
    table.write_text("alpha,macs,params,accuracy\n0.5,100,20,0.6\n1.0,400,50,0.7\n2.0,,50,0.7\n")
    found = pareto_chart(read_records(str(table)), "macs", "accuracy", ("accuracy",), "")
    assert [(p.label, p.x, p.y, p.best) for p in found.points] == [
        ("alpha=0.5", 100, 0.6, True),
        ("alpha=1.0", 400, 0.7, True),
    ]
    other = tmp_path / "sweep.json"
    other.write_text(json.dumps({"format_version": 1, "sweep": {"axes": [], "rows": read_records(str(table))}}))
    assert read_records(str(other)) == read_records(str(table))


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"rows": []}', "[" * 100_000, "\x00"])
def test_a_table_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(LoadError, match=r"no table|no rows"):
        read_records(str(path))


def test_axes_that_are_none_are_refused() -> None:
    rows = [{"macs": 1, "params": None}, {"macs": 2, "params": None}]
    for x, y, most, said in (
        ("zork", "macs", (), "no quantity 'zork'; there are macs, params"),
        ("macs", "params", (), "no row has both"),
        ("macs", "macs", ("params",), "on no axis"),
    ):
        with pytest.raises(UsageError, match=said):
            pareto_chart(rows, x, y, most, "")
