"""The working of a total and of a block: exact sums of what is read, written and alive."""

from __future__ import annotations

import json

import pytest
from support.cli import ok

import costcalc
from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.errors import UsageError
from costcalc.views.explain_parts import TRAFFIC_PARTS, quantity_lines, traffic_parts

MODELS = ("mobilenet_v1", "gpt2", "lstm_classifier", "unet", "bert_base")


@pytest.mark.parametrize("model", MODELS)
def test_parts_of_traffic_are_its_sum(model: str) -> None:
    report = costcalc.analyze(model)
    parts = [traffic_parts(report.graph, n, row) for n, row in zip(report.graph.nodes, report.rows, strict=True)]
    for part, row in zip(parts, report.rows, strict=True):
        assert sum(part.values(), 0) == row.figures["traffic_bytes"]
    total = sum([part[name] for part in parts for name in TRAFFIC_PARTS], 0)
    assert total == report.totals["traffic_bytes"]
    assert sum([part["outputs"] for part in parts], 0) == report.totals["activation_bytes"]


@pytest.mark.parametrize("key", LAYER_QUANTITIES)
@pytest.mark.parametrize("model", MODELS)
def test_a_total_is_the_sum_of_its_lines(model: str, key: str) -> None:
    report = costcalc.analyze(model)
    if report.totals[key] == 0:
        return
    *layers, total = quantity_lines(report, key)
    layers = [line for line in layers if not line.sides[0].startswith("weights ")]
    assert total.value == report.totals[key]
    assert sum([line.value for line in layers if line.value is not None], 0) == report.totals[key]


def test_a_convolution_reads_weights_and_values() -> None:
    net = b"input: [1, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n"
    text = str(costcalc.explain(net, "traffic"))
    assert f"conv = weights {4 * 3 * 3 * 3 * 4} + values {3 * 8 * 8 * 4} + outputs {4 * 6 * 6 * 4}" in " ".join(
        text.split()
    )


def test_a_table_is_read_as_far_as_it_is_looked_up() -> None:
    net = b"input: {shape: [1, 5], dtype: int64}\nlayers:\n  - embedding: {entries: 1000, features: 16}\n"
    report = costcalc.analyze(net)
    (part,) = [
        traffic_parts(report.graph, n, row)
        for n, row in zip(report.graph.nodes, report.rows, strict=True)
        if row.op_type == "Gather"
    ]
    assert part == {"weights": 5 * 16 * 4, "values": 5 * 8, "outputs": 5 * 16 * 4}


@pytest.mark.parametrize("name", ["peak_activation_bytes", "Peak activation bytes", "peak", "peak-activation"])
def test_the_peak_lists_the_tensors_alive(name: str) -> None:
    text = " ".join(ok("explain", "mobilenet_v1", name).split())
    assert "Step 8 of 85, separable1/batch_norm2" in text
    assert "Peak 3,211,264 + 3,211,264 = 6,422,528" in text


def test_the_peak_is_that_of_the_execution() -> None:
    assert "Execution fuse" in " ".join(ok("explain", "mobilenet_v1", "peak", "--fuse").split())
    assert "Peak 201,028·seq + 3,072·seq = 204,100·seq" in " ".join(ok("explain", "gpt2", "peak").split())


@pytest.mark.parametrize("name", ["separable3", "/separable3/"])
def test_a_block_shows_its_layers_and_their_sums(name: str) -> None:
    document = json.loads(ok("explain", "mobilenet_v1", name, "--format", "json"))["explanation"]
    assert document["block"] == "separable3"
    assert [layer["name"] for layer in document["layers"]] == [
        "separable3/depthwise_conv",
        "separable3/pointwise_conv",
    ]
    macs = next(line for line in document["sums"] if line["what"] == "MACs")
    assert macs["value"] == 3_612_672 + 51_380_224
    assert "separable3 of MobileNet v1" in ok("explain", "mobilenet_v1", name)


def test_a_block_of_several_is_asked_for() -> None:
    with pytest.raises(UsageError, match=r"fits 12 blocks; which one of decoder1/residual1"):
        costcalc.explain("gpt2", "residual1")
    assert costcalc.explain("gpt2", "decoder3/residual1").block == "decoder3/residual1"


def test_a_layer_of_that_name_comes_first() -> None:
    net = b"input: [1, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3}\n    as: macs\n"
    assert costcalc.explain(net, "macs").layer == "macs"
    assert costcalc.explain(net, "params").quantity[-1].value == 4 * 3 * 9 + 4


def test_quantities_and_bounds_that_are_no_part_are_refused() -> None:
    with pytest.raises(UsageError, match="time is no sum over layers"):
        costcalc.explain("lenet5", "time")
    with pytest.raises(UsageError, match="leave --hardware out"):
        costcalc.explain("mobilenet_v1", "separable3", devices="t4")
    assert costcalc.explain("mobilenet_v1", "macs", devices="t4").bounds
