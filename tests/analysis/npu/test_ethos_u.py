"""What an Ethos-U runs by costcalc's rules, and the estimates of cycles, SRAM and MACs, against Vela's own word.

tests/data/npu holds calls of operators with Vela's answer for each (placements.json, made by tests/tflite_models/
placements.py), and networks without their weights (vela/, made by vela_runs.py there). Vela is not needed here.
"""

from __future__ import annotations

import json

import pytest
from support.cli import call, ok
from support.paths import DATA

import costcalc
from costcalc.analysis.hardware.catalogue import builtin_profiles, find_profile
from costcalc.analysis.npu.call import NpuCall
from costcalc.analysis.npu.ethos_u_estimate import CONFIGURATIONS, estimate_ethos_u
from costcalc.analysis.npu.ethos_u_rules import RULES, reject_call
from costcalc.analysis.npu.placement import place_operators, read_vela_runs, vela_band
from costcalc.core.errors import QuantityError
from costcalc.core.ir import DType, Graph, Node, Quantisation, TensorType, Value
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings
from costcalc.views.page import page_content

FOLDER = DATA / "npu"
PLACEMENTS = json.loads((FOLDER / "placements.json").read_text(encoding="utf-8"))
CALLS = [(family, call) for family, calls in PLACEMENTS.items() for call in calls]
RUNS = [(row["network"], row["configuration"]) for row in read_vela_runs()]

VELA_MACS = {
    "ad01_int8": 264_192,
    "kws_ref_model": 2_664_792,
    "pretrainedResnet_quant": 12_505_748,
    "vww_96_int8": 7_491_972,
    "separable_96": None,
}
"""nn_macs of Vela 5.2.0."""


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, str], str]:
    """costcalc's answer for each call: "" where the NPU runs it, else why not."""
    found: dict[tuple[str, str], str] = {}
    for family in PLACEMENTS:
        graph = costcalc.analyze(FOLDER / f"calls_{family}.tflite").graph
        found |= {(family, node.outputs[0]): reject_call(NpuCall(graph, node)) for node in graph.nodes}
    return found


@pytest.mark.parametrize(("family", "call"), CALLS)
def test_a_call_runs_where_vela_puts_it(answers: dict[tuple[str, str], str], family: str, call: str) -> None:
    word = PLACEMENTS[family][call]
    if word.startswith("refused"):  # Vela compiles no model with such a call
        return
    assert bool(answers[family, call]) == bool(word), (word, answers[family, call])


def test_the_calls_cover_the_operators_of_the_npu() -> None:
    graphs = [costcalc.analyze(FOLDER / f"calls_{family}.tflite").graph for family in PLACEMENTS]
    called = {node.op_type for graph in graphs for node in graph.nodes}
    assert set(RULES) - called <= {"SPLIT_V", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert len(CALLS) > 200
    words = [word for calls in PLACEMENTS.values() for word in calls.values()]
    assert sum(word == "" for word in words) > 100 and sum(bool(word) for word in words) > 70


@pytest.mark.parametrize(("network", "configuration"), RUNS)
def test_the_table_of_runs_holds_the_estimates_as_they_are(network: str, configuration: str) -> None:
    row = next(r for r in read_vela_runs() if (r["network"], r["configuration"]) == (network, configuration))
    report = costcalc.analyze(FOLDER / "vela" / f"{network}.tflite")
    placement = place_operators(report, find_profile(configuration))
    assert placement is not None and placement.count("cpu") == 0
    estimate = placement.estimate
    assert estimate is not None
    assert (estimate.cycles, estimate.sram) == (int(row["estimated_cycles"]), int(row["estimated_sram"]))


def test_the_bands_are_those_of_the_runs() -> None:
    assert {configuration for _, configuration in RUNS} == set(CONFIGURATIONS)
    cycles, sram = vela_band("cycles"), vela_band("sram")
    assert cycles.runs == sram.runs == len(RUNS) >= 72
    assert 0.4 < cycles.lowest < 0.5 and 1.1 < cycles.highest < 1.3
    assert 0.7 < sram.lowest < 0.8 and 1 < sram.highest < 1.3


@pytest.mark.parametrize("network", [name for name, macs in VELA_MACS.items() if macs])
def test_macs_as_vela_counts_them(network: str) -> None:
    report = costcalc.analyze(FOLDER / "vela" / f"{network}.tflite")
    macs = report.totals["macs"]
    assert isinstance(macs, int)
    estimate = estimate_ethos_u(report.graph, range(len(report.graph.nodes)), "ethos-u55-128", macs)
    assert estimate.macs == VELA_MACS[network]
    assert estimate.macs == macs + estimate.pool_macs + estimate.softmax_macs


def test_no_lower_bound_is_above_velas_time() -> None:
    """Vela models the same hardware: what it expects cannot be faster than the hardware can be. Of networks whose
    weights it compresses the bound of memory could be; these are none of them."""
    for row in read_vela_runs():
        (bound,) = costcalc.on_hardware(FOLDER / "vela" / f"{row['network']}.tflite", row["configuration"])
        assert bound.model.seconds is not None
        assert bound.model.seconds <= int(row["cycles"]) / 500e6


def test_every_configuration_has_a_profile() -> None:
    assert set(CONFIGURATIONS) <= {profile.npu for profile in builtin_profiles()}
    assert find_profile("alif-e7").npu == "ethos-u55-256"


def test_analyze_shows_the_placement() -> None:
    net = str(FOLDER / "vela" / "kws_ref_model.tflite")
    text = " ".join(ok("analyze", net, "--hardware", "ethos-u55-128").split())
    assert "13 of 13 operators and 100.0% of the MACs run on the NPU" in text
    assert "Vela's cycles were 0.43 to 1.2" in text and "n = 72" in text
    assert "times of single layers are those of peak and bandwidth alone" in text
    assert "2,664,792 = 2,656,768 + 8,000 under windows of pools and means + 24 of softmax" in text
    calls = str(FOLDER / "calls_pools.tflite")
    rows = ok("analyze", calls, "--hardware", "ethos-u55-128", "--columns", "name,runs_on,why").splitlines()
    (row,) = [row for row in rows if row.startswith("main/AVERAGE_POOL_2D_4:0")]
    assert "CPU" in row and "the window is 9×9" in row


def test_json_has_the_placement() -> None:
    calls = str(FOLDER / "calls_pools.tflite")
    model = json.loads(ok("analyze", calls, "--hardware", "ethos-u55-128", "--format", "json"))["models"][0]
    placement = model["hardware"][0]["placement"]
    assert (placement["npu_operators"], placement["cpu_operators"], placement["compiler"]) == (11, 5, "Vela")
    by_name = {operator["name"]: operator for operator in placement["operators"]}
    assert by_name["main/MAX_POOL_2D_15:0"]["runs_on"] == "cpu"
    assert by_name["main/MAX_POOL_2D_15:0"]["reason"].startswith("input_15 is float32")
    assert placement["estimate"]["vela_over_estimate"]["cycles"]["runs"] == len(RUNS)


def test_a_compiled_part_runs_on_the_npu_and_has_no_estimate() -> None:
    """Vela puts one custom operator in the place of what it compiled: what it costs does not stand in the file."""
    types = {
        "x": TensorType(DType.INT8, (1, 8)),
        "y": TensorType(DType.INT8, (1, 8)),
        "z": TensorType(DType.INT8, (1, 8)),
    }
    nodes = (
        Node("part", "ethos-u", ("x",), ("y",), {}, "tflite.custom"),
        Node("other", "TFLite_Detection_PostProcess", ("y",), ("z",), {}, "tflite.custom"),
    )
    report = costcalc.analyze(Graph("net", "", ("x",), ("z",), {}, nodes, types, {"tflite": 3}))
    placement = place_operators(report, find_profile("ethos-u55-128"))
    assert placement is not None
    assert [node.target for node in placement.nodes] == ["npu", "cpu"]
    assert placement.npu_macs is None and placement.estimate is None
    assert "is a custom operator" in placement.nodes[1].reason


def test_explain_tells_the_placement() -> None:
    text = " ".join(ok("explain", str(FOLDER / "calls_pools.tflite"), "--hardware", "ethos-u55-128").split())
    assert "11 of 16 operators run on the NPU" in text and "the window is 9×9" in text
    assert "without the CPU's part; Vela's cycles were" in text


def test_a_model_of_another_kind_has_no_placement() -> None:
    text = ok("analyze", "mobilenet", "--dtype", "int8", "--act-dtype", "int8", "--hardware", "ethos-u55-128")
    assert "not known: Vela reads .tflite models" in " ".join(text.split())
    assert "Runs on" not in text


def reject(operator: str, shapes: list[tuple[int, ...]], weights: Quantisation, steps: Value | None = None) -> str:
    """Why a call on int8 values is left to the CPU; the second input is quantised as given, the fourth is steps."""
    names = [f"x{i}" for i in range(len(shapes))]
    types = {name: TensorType(DType.INT8, shape) for name, shape in zip((*names, "y"), (*shapes, (1, 4)), strict=True)}
    if steps is not None:
        types["x3"] = TensorType(DType.INT32, (len(steps),), steps)
    quantisation = {**dict.fromkeys((*names, "y"), Quantisation(1, 0, scale=0.5)), "x1": weights}
    node = Node("node", operator, tuple(names), ("y",), {}, "tflite")
    constants = {name: types[name] for name in names[1:]}
    graph = Graph("net", "", (), ("y",), constants, (node,), types, {"tflite": 3}, quantisation=quantisation)
    return reject_call(NpuCall(graph, node))


def test_scales_of_blocks_are_not_told_as_zero() -> None:
    shapes: list[tuple[int, ...]] = [(1, 8), (4, 8)]
    assert reject("FULLY_CONNECTED", shapes, Quantisation(0, 0, is_blockwise=True)) == "x1 is quantised by block"
    assert reject("FULLY_CONNECTED", shapes, Quantisation(4, 0, scale=0.5)) == ""


def test_a_slice_without_axes() -> None:
    assert reject("STRIDED_SLICE", [(), (0,), (0,), (0,)], Quantisation(1, 0, scale=0.5), ()) == ""


def test_what_is_left_to_the_cpu_is_a_quantity(capsys: pytest.CaptureFixture[str]) -> None:
    integer, real = (str(FOLDER / "vela" / f"vww_96_{name}.tflite") for name in ("int8", "float"))
    limits = ("--max", "cpu_macs.ethos-u55-128=0", "--max", "cpu_operators.ethos-u55-128=0")
    assert call(capsys, "check", integer, *limits)[0] == 0
    code, out, _ = call(capsys, "check", real, *limits, "--format", "json")
    assert code == 1
    assert [verdict["value"] for verdict in json.loads(out)["models"][0]["verdicts"]] == [7_489_664, 31]
    with pytest.raises(QuantityError, match="has no NPU whose operators are known"):
        measure(integer, Settings()).figure("cpu_macs.t4")
    with pytest.raises(QuantityError, match=r"Vela reads \.tflite models"):
        measure("lenet5", Settings()).figure("cpu_operators.ethos-u55-128")


def test_an_npu_that_runs_nothing_has_no_estimate() -> None:
    net = str(FOLDER / "vela" / "vww_96_float.tflite")
    out = ok("analyze", net, "--hardware", "ethos-u55-128")
    assert "0 of 31 operators" in out and "NPU cycles" not in out and "NPU SRAM" not in out


def test_a_comparison_has_rows_of_what_an_npu_leaves_to_the_cpu() -> None:
    networks = [FOLDER / "vela" / f"vww_96_{name}.tflite" for name in ("int8", "float")]
    totals = costcalc.compare(*networks, devices=["ethos-u55-128", "t4"]).to_dict()["totals"]
    assert [entry["value"] for entry in totals["cpu_macs.ethos-u55-128"]] == [0, 7_489_664]
    assert [entry["value"] for entry in totals["cpu_operators.ethos-u55-128"]] == [0, 31]
    assert "cpu_macs.t4" not in totals


def test_the_report_page_says_where_operators_run() -> None:
    measurement = measure(str(FOLDER / "vela" / "vww_96_int8.tflite"), Settings.of(devices=["ethos-u55-128"]))
    (device,) = page_content([measurement], ["ethos-u55-128"])["models"][0]["devices"]
    placement = dict(device["placement"])
    assert placement["Placement"].startswith("31 of 31 operators and 100.0% of the MACs run on the NPU")
    assert placement["MACs by Vela"].startswith("7,491,972 = 7,489,664")


FLOAT = str(FOLDER / "vela" / "vww_96_float.tflite")


def test_an_operator_of_the_cpu_has_no_time_on_the_npu() -> None:
    """The profile's peaks are the NPU's: nothing of a float model runs there, and the CPU's time is not known."""
    entry = costcalc.analyze(FLOAT, devices="ethos-u55-128").to_dict()
    assert {(layer["time_s"], layer["bound_by"]) for layer in entry["hardware"][0]["layers"]} == {(None, None)}
    text = str(costcalc.analyze(FLOAT, devices=("ethos-u55-128", "rp2040")))
    total = next(line for line in text.splitlines() if line.startswith("Total of"))
    assert " ? " in total and "≥ " in total, "rp2040 has no peak for float32: its time is that of memory alone"


def test_one_reason_reads_alike_for_all_operators() -> None:
    text = str(costcalc.analyze(FLOAT, devices="ethos-u55-128"))
    assert "CONV_2D × 14 on the CPU: its input is float32, not int8, uint8, int16" in " ".join(text.split())
    file = str(FOLDER / "calls_convolutions.tflite")
    measured = measure(file, Settings.of(devices="ethos-u55-128"))
    placement = place_operators(measured.base, find_profile("ethos-u55-128"))
    assert placement is not None
    reasons = {node.reason: node.general for node in placement.nodes if node.target == "cpu"}
    assert reasons["input_10 is float32, not int8, uint8, int16, int32 or int64"].startswith("its input is float32")


def test_the_row_of_totals_is_whole_where_the_reasons_take_several_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = call(capsys, "analyze", FLOAT, "--hardware", "ethos-u55-128", "--by", "op")
    lines = out.splitlines()
    first = lines.index("─" * 100) + 1
    assert code == 0 and lines[first].startswith("Total  ") and "7,489,664" in lines[first]
