"""What the page says: figures without loss, the tree over the layers, edges, memory, devices."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.graphs import attention_scores, blocks, separable, unknown
from support.pages import page_data, page_text
from support.paths import ONNX_FILES

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.rules import DType, GraphBuilder, symbol
from costcalc.views.page.amounts import amount_data
from costcalc.views.page.layers import MAX_NESTING

DEVICES = ("t4", "stm32h743")


def page(*reports: costcalc.Report) -> dict[str, Any]:
    return page_data(*reports, devices=DEVICES)


@given(st.integers(0, 10**30))
def test_a_figure_keeps_every_digit(n: int) -> None:
    """A JavaScript number is a double: what it cannot hold exactly travels as digits."""
    found = amount_data(n)
    assert (int(float(found)) == n) if isinstance(found, int) else (found == str(n) and n >= 2**53)


def test_figures_that_are_no_numbers() -> None:
    seq = symbol("seq")
    assert amount_data(3 * seq * seq) == {"text": "3·seq²", "order": [2, 3.0]}
    assert amount_data(None) is None
    assert amount_data(10**400 * seq)["order"] == [1, 1e300]


def leaves(block: list[Any]) -> list[int]:
    return [i for child in block[1:] for i in (leaves(child) if isinstance(child, list) else [child])]


def test_every_layer_stands_once_in_the_tree() -> None:
    for report in (costcalc.analyze(blocks()), costcalc.analyze("resnet50"), costcalc.analyze("gpt2", dims={"seq": 8})):
        model = page(report)["models"][0]
        assert sorted(leaves(model["blocks"])) == list(range(len(report.layers)))
        assert [model["layers"]["macs"][i] for i in range(len(report.layers))] == [
            amount_data(r["macs"]) for r in report.layers
        ]
    tree = page(costcalc.analyze(blocks()))["models"][0]["blocks"]
    assert tree == [
        "",
        ["stage0", ["conv0", 0, 1], ["conv1", 2, 3], 4],
        ["stage1", ["conv0", 5, 6], ["conv1", 7, 8], 9],
        10,
        11,
    ]


def test_kinds_tell_convolutions_apart_and_working_says_how() -> None:
    layers = page(costcalc.analyze(separable()))["models"][0]["layers"]
    assert layers["kind"] == ["Conv depthwise", "Relu", "Conv 1×1"]
    assert layers["working"][0].endswith("= 9 × 16 × 3") and layers["working"][1] == ""
    assert page(costcalc.analyze("resnet18"))["models"][0]["layers"]["kind"][0] == "Conv"


def test_edges_are_what_layers_read() -> None:
    edges = page(costcalc.analyze(attention_scores()))["models"][0]["edges"]
    assert edges == {
        "inputs": ["x seq×64"],
        "pairs": [[-1, 0], [-1, 1], [0, 2], [1, 2]],
        "outputs": [[2, "scores seq×seq"]],
    }


def test_memory_holds_the_peak_and_its_tensors() -> None:
    report = costcalc.analyze("resnet50")
    memory = page(report)["models"][0]["memory"]
    assert memory["peak"] == max(memory["live"]) == report.totals["peak_activation_bytes"]
    for i in (0, memory["step"], len(memory["live"]) - 1):
        assert memory["live"][i] == sum(b[3] for b in memory["buffers"] if b[4] <= i <= b[5])


def test_an_open_model_has_figures_at_the_sizes_that_it_is_drawn_at_and_its_formulas() -> None:
    report = costcalc.analyze("gpt2")
    model, bound = page(report)["models"][0], costcalc.analyze("gpt2", dims={"seq": 1024})
    assert model["drawn"] == "at seq = 1,024"
    assert model["layers"]["macs"] == [amount_data(row["macs"]) for row in bound.layers]
    assert model["memory"]["peak"] == bound.totals["peak_activation_bytes"]
    assert model["drawn_totals"]["macs"] == bound.totals["macs"]
    assert model["totals"]["macs"]["text"] == "18,432·seq² + 123,532,032·seq"
    formulas = {i: str(row["macs"]) for i, row in enumerate(report.layers) if not isinstance(row["macs"], int)}
    assert model["formulas"]["macs"].keys() == set(map(str, formulas))
    assert "seq²" in model["tiles"][0]["formula"] and model["tiles"][0]["value"].startswith("≤ ")
    assert model["symbols"] == [["seq", "seq", "axis 1 of input_ids", "1,024", "1,024"]]
    assert all(device["seconds"] for device in model["devices"] if device["peak"])


def test_weights_that_a_run_computes_stand_in_no_chart_of_activations() -> None:
    """A weight in int8 that is dequantised first: its float32 form lives, but is no activation."""
    b = GraphBuilder("stored small", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 64))
    scale = b.add_initializer("scale", DType.FLOAT32, ())
    (w,) = b.add("DequantizeLinear", [b.add_initializer("w", DType.INT8, (64, 32)), scale], name="dequantise")
    (y,) = b.add("MatMul", [x, w], name="product")
    (z,) = b.add("Relu", [y], name="relu")
    report = costcalc.analyze(b.build([z]))
    memory = page(report)["models"][0]["memory"]
    assert [buffer[0] for buffer in memory["buffers"]] == ["x", y, z]
    assert memory["live"] == [4 * 64, 4 * (64 + 32), 4 * (32 + 32)] and memory["peak"] == 384
    assert report.totals["peak_activation_bytes"] == 4 * (64 + 64 * 32 + 32)
    assert "1 tensor that is computed from weights alone" in memory["weights"] and "8.38 KiB" in memory["weights"]


def test_a_device_without_a_peak_for_the_model_says_so() -> None:
    t4, mcu = page(costcalc.analyze(blocks()))["models"][0]["devices"]
    assert t4["peak"] == 8.14e12 or t4["peak_text"] == "8.14 TFLOP/s"
    assert len(t4["times"]) == 12 and all(t is not None for t in t4["times"])
    assert t4["lower_bound"].startswith("≥ ") and mcu["fits"]
    int8 = page(costcalc.analyze("mobilenet", dtype="int4", act_dtype="int4"))["models"][0]["devices"]
    assert [d["peak"] is None for d in int8] == [False, True]


def test_what_is_unknown_stays_unknown() -> None:
    model = page(costcalc.analyze(unknown()))["models"][0]
    assert model["layers"]["macs"][1] is None and model["layers"]["state"][1] == "unknown"
    assert model["totals"]["macs"] == {"least": 27 * 16 * 5}
    assert any(warning and "Mystery" in text for _, text, warning in model["remarks"])


def test_bounds_of_totals_go_with_them() -> None:
    """A total of an open If is an upper bound itself; a formula has the number that it does not exceed."""
    facts = page_data(costcalc.analyze(ONNX_FILES / "toy_if__ts.onnx"))["models"][0]["facts"]
    assert ["FLOPs", 16_768, "number", True] in facts and all(bound in (True, None) for *_, bound in facts)
    b = GraphBuilder("data", "", {"": 17})
    (places,) = b.add("NonZero", [b.add_input("x", DType.FLOAT32, (4, 8))], name="places")
    b.add("Cast", [places], {"to": 1}, name="numbers", outputs=["y"])
    facts = page_data(analyze_graph(b.build(["y"])))["models"][0]["facts"]
    (bound,) = [bound for label, _, _, bound in facts if label == "Activation bytes"]
    assert bound[0] == 2 * 32 * (8 + 4) and bound[1].startswith("at most 32 ")


def test_a_comparison_stands_only_where_there_are_several() -> None:
    assert page(costcalc.analyze(blocks()))["comparison"] is None
    found = page(costcalc.analyze("plain34"), costcalc.analyze("resnet34"))["comparison"]
    assert found["names"] == ["Plain 34-layer network", "ResNet-34"]
    assert found["totals"][0] == [
        "MACs",
        "number",
        [3_644_493_824, 3_663_761_408],
        [1.0, 3_663_761_408 / 3_644_493_824],
    ]


def test_blocks_nested_without_end_are_nested_to_a_level() -> None:
    """JSON and the page's scripts call themselves for each level."""
    b = GraphBuilder("deep", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    path = tuple(f"s{i}" for i in range(3000))
    for scope in (path, *((*path[:i], "t") for i in range(150))):
        (x,) = b.add("Relu", [x], name="/".join((*scope, "relu")), scope=scope)
    report = costcalc.analyze(b.build([x]))
    nested = page(report)["models"][0]["blocks"]
    assert sorted(leaves(nested)) == list(range(151)) and json.dumps(nested).count('["s') == MAX_NESTING
    assert page_text(report)
