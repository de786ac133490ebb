"""Counters on exported graphs: what exporters fold is taken back or said, and onnx-tool's own figures."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.cli import ok
from support.paths import COUNTER_FIGURES, ONNX_FILES, ROOT

import costcalc
from costcalc.rules import DType, GraphBuilder

NETWORKS = json.loads((COUNTER_FIGURES / "torchvision.json").read_text(encoding="utf-8"))["networks"]
ONNX_TOOL: dict[str, int] = json.loads((COUNTER_FIGURES / "onnx_tool.json").read_text(encoding="utf-8"))["models"]
AT_224 = {"input": (1, 3, 224, 224)}


def test_an_exported_resnet_with_its_normalisations_taken_back() -> None:
    found = costcalc.reconcile(ONNX_FILES / "resnet18__ts_dynhw.onnx", shapes=AT_224, written={"bias": "folded"})
    figures = NETWORKS["resnet18"]["figures"]
    assert {counter: found[counter].figure for counter in figures} == figures


def test_without_that_the_rest_is_unexplained_and_the_way_out_is_named() -> None:
    thop = NETWORKS["resnet18"]["figures"]["thop"]
    found = costcalc.reconcile(ONNX_FILES / "resnet18__ts_dynhw.onnx", shapes=AT_224, figures={"thop": thop})
    account = found["thop"]
    normalised = 2_483_712
    assert account.residual == 4 * normalised
    assert account.hints[0].startswith("--written bias=folded explains it")
    assert any(remark.warning for remark in not_seen(found))


def test_a_network_without_folded_normalisations_is_not_warned_of() -> None:
    for name in ("vgg16", "resnet18"):
        assert not not_seen(costcalc.reconcile(name))


def not_seen(found: Any) -> list[Any]:
    """The notes of what cannot be seen in a network."""
    return [remark for table in found.tables() for remark in table.notes if remark.label == "Not seen"]


BIASED = "{conv: {filters: 8, kernel: 3, pad: same}}"


@pytest.mark.parametrize(
    ("between", "warned"), [("relu", True), ("batch_norm", False), ("{group_norm: {groups: 2}}", False)]
)
def test_only_a_network_without_any_normalisation_is_warned_of(between: str, warned: bool, tmp_path: Path) -> None:
    spec, path = tmp_path / "net.yaml", tmp_path / "net.onnx"
    spec.write_text(f"name: net\ninput: [1, 8, 8, 8]\nlayers: [{', '.join([BIASED, between] * 8)}]\n", encoding="utf-8")
    ok("export", str(spec), "-o", str(path))
    assert bool(not_seen(costcalc.reconcile(path))) is warned


def seq20(name: str) -> dict[str, int]:
    return {"seq": 20} if name == "lstm_classifier" else {}


@pytest.mark.parametrize("name", ONNX_TOOL)
def test_onnx_tools_figures(name: str) -> None:
    assert costcalc.reconcile(name, tools=["onnx_tool"], dims=seq20(name))["onnx_tool"].figure == ONNX_TOOL[name]


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1"])
def test_onnx_tool_itself(name: str, tmp_path: Path) -> None:
    onnx_tool = pytest.importorskip("onnx_tool", reason="onnx-tool is not installed (the extra `bench`)")
    path = tmp_path / f"{name}.onnx"
    ok("export", name, "-o", str(path))
    with contextlib.redirect_stdout(io.StringIO()):
        graph = onnx_tool.Model(str(path)).graph
        graph.shape_infer()
        graph.profile()
    assert int(graph.macs[0]) == ONNX_TOOL[name]


def test_onnx_tool_stops_at_the_operator_attention() -> None:
    assert "Attention" in costcalc.reconcile("vit_b_16", tools=["onnx_tool"])["onnx_tool"].failure


@pytest.mark.parametrize("path", sorted(ONNX_FILES.glob("*.onnx")), ids=lambda path: path.stem)
def test_every_graph_has_accounts_that_add_up(path: Path) -> None:
    report = costcalc.analyze(path)
    found = costcalc.reconcile(path)
    if not found.unknown and not report.lower_bound:
        for account in found.accounts:
            assert account.costcalc == (report.macs if account.counter.basis == "macs" else report.totals["flops"])


def test_an_operator_without_a_rule_is_told() -> None:
    """Its shape is known, its cost is not: neither costcalc's count nor a counter's can be called complete."""
    b = GraphBuilder("mystery", "made", {"": 17, "com.acme": 1})
    x = b.add_input("x", DType.FLOAT32, (1, 3, 6, 6))
    w = b.add_initializer("w", DType.FLOAT32, (5, 3, 3, 3))
    (y,) = b.add("Conv", [x, w], name="conv")
    (z,) = b.add("Mystery", [y], name="odd", domain="com.acme")
    graph = b.build([z])
    graph = graph._replace(types={**graph.types, z: graph.types[y]})
    found = costcalc.reconcile(graph, tools=["thop"])
    assert found.unknown == ("odd",) and costcalc.analyze(graph).lower_bound
    assert "Sum" in str(found) and f"≥ {5 * 16 * 27:,}" in str(found)
    assert "the cost of 1 layer (odd): no rule or no shapes" in " ".join(str(found).split())


def test_a_counter_of_onnx_files_gives_no_figure_of_a_tflite_file() -> None:
    found = costcalc.reconcile(str(ROOT / "tests/data/tflite/adjoints.tflite"), tools="onnx_tool,fvcore")
    assert "reads ONNX files only" in found["onnx_tool"].failure
    assert found["fvcore"].failure == "" and found["fvcore"].figure == 2304
