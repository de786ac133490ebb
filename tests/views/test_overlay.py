"""Overlays of costs for viewers: their form, the sums, and that the nodes are those that the viewers show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import FLAGS, wait_for
from support.cli import call, ok
from support.paths import DATA, ONNX_FILES

import costcalc
from costcalc.core.dim import sum_dims
from costcalc.core.errors import UsageError
from costcalc.frontends.file_nodes import read_file_nodes
from costcalc.studies.options import Settings
from costcalc.views.overlay import node_costs, overlay_text

TFLITE_FILES = [*sorted((DATA / "tflite").glob("*.tflite")), DATA / "npu" / "vela" / "mobilenet_v2_0.35_96.tflite"]
PROGRAMS = [DATA / "pt2" / f"{name}.pt2" for name in ("networks_classifier", "networks_decoder", "recurrent_layers")]
FILES = [*sorted(ONNX_FILES.glob("*.onnx")), *TFLITE_FILES, *PROGRAMS]


def overlay(path: Path, viewer: str, quantity: str = "", **settings: Any) -> dict[str, Any]:
    """A model file -> the JSON that is written for a viewer."""
    document: dict[str, Any] = json.loads(overlay_text(str(path), viewer, Settings.of(**settings), quantity))
    return document


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_layer_stands_at_a_node_of_the_file(path: Path) -> None:
    report, nodes = costcalc.analyze(path), read_file_nodes(str(path))
    assert None not in nodes.find_nodes(report.graph)
    costs = node_costs(report, nodes)
    for key in ("macs", "weight_bytes"):
        layers = [row.figures[key] for row in report.rows]
        known = [figure for figure in layers if figure is not None]
        if len(known) < len(layers):
            continue
        main = [f for node, f in zip(nodes.nodes, costs.figures[key], strict=True) if node.graph == 0 and f is not None]
        assert sum_dims(main) == sum_dims(known), key


def test_netron_takes_an_attachment_with_metrics() -> None:
    path = ONNX_FILES / "resnet18__ts.onnx"
    report, document = costcalc.analyze(path), overlay(path, "netron")
    assert document["signature"] == "netron:attachment"
    metrics = {(m["kind"], m["target"], m["name"]): m["value"] for m in document["metrics"]}
    first = report.layers[0]
    assert first.name.endswith("Conv")
    assert metrics["node", first.name, "macs"] == first.figures["macs"] == 112 * 112 * 64 * 3 * 7 * 7
    assert metrics["node", first.name, "macs share"] == "6.5%"
    assert metrics["model", "", "macs"] == metrics["graph", "", "macs"] == report.macs


def test_netron_finds_operators_of_tensorflow_lite_by_their_number() -> None:
    path = TFLITE_FILES[-1]
    metrics = [m for m in overlay(path, "netron", "macs")["metrics"] if m["kind"] == "node" and m["name"] == "macs"]
    layers = [row.figures["macs"] for row in costcalc.analyze(path).layers]
    assert [(m["identifier"], m["value"]) for m in metrics] == [(str(i), macs) for i, macs in enumerate(layers)]


def test_a_node_without_a_name_of_its_own_has_its_costs_at_its_output(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(ONNX_FILES / "hand_matmul_broadcast.onnx", load_external_data=False)
    for node in model.graph.node:
        node.name = ""
    path = tmp_path / "unnamed.onnx"
    onnx.save(model, path)
    metrics = [m for m in overlay(path, "netron", "macs")["metrics"] if m["kind"] != "model" and m["kind"] != "graph"]
    assert {m["kind"] for m in metrics} == {"value"}
    assert {m["target"] for m in metrics} == {node.output[0] for node in model.graph.node}


def test_model_explorer_takes_results_by_node() -> None:
    path = TFLITE_FILES[-1]
    document = overlay(path, "model-explorer")
    assert document["name"] == "MACs" and [stop["stop"] for stop in document["gradient"]] == [0, 0.5, 1]
    values = [entry["value"] for entry in document["results"].values()]
    assert sum(values) == costcalc.analyze(path).macs
    assert overlay(path, "model-explorer", "time.t4", devices="t4")["name"] == "Time on t4"


def test_a_loop_has_the_costs_of_all_its_runs_inside_and_at_its_node() -> None:
    document = overlay(ONNX_FILES / "hand_loop_trip10.onnx", "model-explorer")
    main, body = document["hand_loop_trip10"]["results"], document["loop/body"]["results"]
    assert main["loop"]["value"] == sum(entry["value"] for entry in body.values())
    assert main["loop"]["value"] == costcalc.analyze(ONNX_FILES / "hand_loop_trip10.onnx").macs


def test_what_is_not_known_has_no_value(tmp_path: Path) -> None:
    path = DATA / "tflite" / "flex.tflite"
    report = costcalc.analyze(path)
    unknown = [i for i, row in enumerate(report.layers) if row.state == "unknown"]
    assert unknown
    results = overlay(path, "model-explorer")["results"]
    assert not {str(i) for i in unknown} & set(results)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet", "--overlay", "netron", "-o", "x.json"), "costcalc export mobilenet_v1 -o mobilenet_v1.onnx"),
        (("FILE", "--overlay", "netrun", "-o", "x.json"), "netron"),
        (("FILE", "--overlay", "netron", "-o", "x.onnx"), "name a file that ends in .json"),
        (("FILE", "--overlay", "netron", "--quantity", "arena_bytes", "-o", "x.json"), "no layer has a figure of"),
        (("FILE", "--quantity", "macs", "-o", "x.onnx"), "--quantity says nothing to an ONNX file"),
        (("FILE", "--dtype", "int8", "-o", "x.onnx"), "--dtype says nothing to an ONNX file"),
        (("OPEN", "--overlay", "model-explorer", "-o", "x.json"), "bind it: --dim"),
    ],
)
def test_what_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    files = {"FILE": ONNX_FILES / "resnet18__ts.onnx", "OPEN": ONNX_FILES / "resnet18__ts_dynhw.onnx"}
    code, _, complaint = call(capsys, "export", *[str(files.get(word, word)) for word in arguments])
    assert code == 2 and message in complaint


def test_a_large_number_is_text_for_it_would_be_rounded() -> None:
    from costcalc.views.overlay import EXACT_IN_JAVASCRIPT, _netron_value

    assert _netron_value(EXACT_IN_JAVASCRIPT) == 9007199254740992
    assert _netron_value(EXACT_IN_JAVASCRIPT + 1) == "9,007,199,254,740,993"


def test_the_function_writes_what_the_command_writes(tmp_path: Path) -> None:
    path = TFLITE_FILES[-1]
    costcalc.export(path, tmp_path / "one.json", overlay="model-explorer", quantity="params")
    ok("export", str(path), "--overlay", "model-explorer", "--quantity", "params", "-o", str(tmp_path / "other.json"))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()
    with pytest.raises(UsageError, match=r"there are netron, model-explorer"):
        costcalc.export(path, tmp_path / "x.json", overlay="none")  # type: ignore[arg-type]


def explorer_nodes(path: Path) -> dict[str, set[str]]:
    """A model file -> the ids of the nodes of each graph that Model Explorer shows."""
    if path.suffix == ".onnx":
        adapter = pytest.importorskip("model_explorer_onnx.main", reason="no model-explorer-onnx").ONNXAdapter()
    else:
        module = "model_explorer.builtin_tflite_flatbuffer_adapter"
        adapter = pytest.importorskip(module, reason="no ai-edge-model-explorer").BuiltinTfliteFlatbufferAdapter()
    answer = adapter.convert(str(path), {"const_element_count_limit": 16})
    graphs = answer["graphs"] if "graphs" in answer else [g for c in answer["graphCollections"] for g in c.graphs]
    documents = [graph if isinstance(graph, dict) else dataclasses.asdict(graph) for graph in graphs]
    return {graph["id"]: {node["id"] for node in graph["nodes"]} for graph in documents}


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.suffix in (".onnx", ".tflite") and "dyn" not in p.name], ids=lambda path: path.name
)
def test_model_explorer_shows_these_nodes(path: Path) -> None:
    graphs = explorer_nodes(path)
    document = overlay(path, "model-explorer", "weight_bytes")
    data = {next(iter(graphs)): document} if "results" in document else document
    for graph, entries in data.items():
        assert set(entries["results"]) <= graphs[graph]


def test_model_explorer_reads_the_form() -> None:
    builder = pytest.importorskip("model_explorer.node_data_builder", reason="no ai-edge-model-explorer")
    document = overlay(TFLITE_FILES[-1], "model-explorer")
    results = {key: builder.NodeDataResult(**value) for key, value in document["results"].items()}
    gradient = [builder.GradientItem(**item) for item in document["gradient"]]
    data = builder.GraphNodeData(results=results, name=document["name"], gradient=gradient)
    assert json.loads(data.to_json_string())["results"] == document["results"]


@pytest.fixture(scope="module", name="netron")
def netron_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Netron's own page in a browser that reaches nothing but this machine."""
    netron = pytest.importorskip("netron", reason="netron is not installed")
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    import shutil

    from selenium.webdriver.chrome.service import Service

    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("there is no chromium with its chromedriver on this machine")
    options = selenium.ChromeOptions()
    options.binary_location = program
    local = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"
    for flag in (*FLAGS, local, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    host, port = netron.start(None, browse=False)
    browser = selenium.Chrome(options=options, service=Service(driver))
    browser.get(f"http://{host}:{port}")
    browser.execute_script("document.cookie = 'consent=9999999999999;path=/'")
    yield browser
    browser.quit()
    netron.stop()


def open_in_netron(browser: Any, path: Path, loaded: str) -> None:
    """Opens a file as its user does, until the script says true."""
    dialog = "document.getElementById('open-file-dialog')"
    browser.execute_script(f"{dialog}.value = ''")
    browser.find_element("id", "open-file-dialog").send_keys(str(path))
    assert wait_for(lambda: browser.execute_script(f"const view = window.__view__; return {loaded}"), 20)


@pytest.mark.parametrize("path", [TFLITE_FILES[-1], ONNX_FILES / "resnet18__ts.onnx"], ids=lambda path: path.name)
def test_netron_shows_the_metrics_of_these_nodes(netron: Any, tmp_path: Path, path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(overlay_text(str(path), "netron", Settings(), "macs"))
    netron.refresh()
    assert wait_for(lambda: netron.execute_script("return document.body.className === 'welcome'"), 20)
    open_in_netron(netron, path, "!!(view._model && view._model.attachment)")
    open_in_netron(netron, file, "view._model.attachment.metrics._entries.size > 0")
    shown = netron.execute_script(
        "const model = window.__view__._model; return model.modules[0].nodes.map("
        "node => Object.fromEntries(model.attachment.metrics.node(node).map(entry => [entry.name, entry.value])))"
    )
    assert sum(node.get("macs", 0) for node in shown) == costcalc.analyze(path).macs
    assert len([node for node in shown if "macs" in node]) == len(costcalc.analyze(path).rows)
