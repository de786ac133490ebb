"""Rows of a PyTorch model are its modules: paths, classes, lines of the source, the tree, freezing and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.cli import ok
from support.paths import DATA, ROOT

import costcalc
from costcalc.analysis.grouping import expand_tree, module_tree
from costcalc.cli.group import cli
from costcalc.core.ir import Module
from costcalc.frontends.pytorch.metadata import parse_source_line

NET = DATA / "pt2" / "modules_tied.pt2"
OPEN_NET = NET.with_name("modules_tied_open.pt2")

BLOCK = "blocks.0"


def output(*args: str) -> str:
    """What a command prints that may find a limit exceeded."""
    return CliRunner().invoke(cli, args, catch_exceptions=False).output


def modules() -> dict[str, Module | None]:
    return {row.name: row.module for row in costcalc.analyze(NET).rows}


@pytest.mark.parametrize(
    ("row", "path", "class_name"),
    [
        ("stem", "stem", "Conv2d"),
        ("blocks.0.conv1", "blocks.0.conv1", "Conv2d"),
        ("blocks.0.relu_2", "blocks.0.relu", "ReLU"),  # run a second time
        ("blocks.0/add", "blocks.0", "Block"),  # a function beside the modules
        ("Net/relu", "", "Net"),  # a function of the root that is called like a module
        ("relu", "relu", "ReLU"),
        ("unused_head/weight", "unused_head", ""),  # never called: its class is not in the file
    ],
)
def test_a_row_has_its_module_and_the_modules_class(row: str, path: str, class_name: str) -> None:
    assert modules()[row] == Module(path, class_name)


def test_the_table_has_the_class_and_json_path_and_class() -> None:
    text = ok("analyze", str(NET), "--format", "markdown")
    assert any("blocks.0.conv1" in line and "Conv2d" in line for line in text.splitlines())
    layers = json.loads(ok("analyze", str(NET), "--format", "json"))["models"][0]["layers"]
    assert {"path": "stem", "class_name": "Conv2d"} in [layer.get("module") for layer in layers]


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_a_narrow_table_keeps_the_class(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = ok("analyze", str(NET)).splitlines()
    (row,) = [line for line in lines if line.startswith("blocks.0.conv1 ")]
    assert "Conv2d" in row and "73,728" in row
    assert len(row) <= int(width)


def test_the_tree_is_that_of_the_modules() -> None:
    report = costcalc.analyze(NET)
    groups = expand_tree(module_tree(report.layers), 3)
    tree = {(group.depth, group.label): group.class_name for group in groups}
    assert tree[0, "blocks"] == ""  # a ModuleList is not called, so that the file does not name its class
    assert tree[1, "0"] == "Block"
    assert tree[2, "conv1"] == "Conv2d"
    (block,) = [group for group in groups if group.name == BLOCK]
    params = 8 * 8 * 3 * 3 + 2 * 8 + 8 * 3 * 3 + 8  # conv1, bn1, and the shared position, which it is the first to run
    assert sum((row.figures["params"] or 0 for row in block.rows), 0) == params
    assert sum(len(group.rows) for group in expand_tree(module_tree(report.layers), 1)) == len(report.layers)


def test_by_module_is_by_block_where_there_are_no_modules() -> None:
    by_module, by_block = (ok("analyze", "resnet18", "--by", by) for by in ("module", "block"))
    assert by_module == by_block


def test_by_module_with_depth_and_its_groups_in_json() -> None:
    text = ok("analyze", str(NET), "--by", "module", "--depth", "2", "--format", "json")
    rows = json.loads(text)["models"][0]["groups"]["rows"]
    assert (BLOCK, "Block", 6) in [(row["name"], row["module"], row["layers"]) for row in rows]


@pytest.mark.parametrize(
    ("pattern", "params"),
    [
        ("blocks*", 2 * (8 * 8 * 9 + 16) + 8 * 9 + 8),
        ("blocks.0", 8 * 8 * 9 + 16 + 8 * 9 + 8),
        ("blocks.0.conv1", 8 * 8 * 9),
        ("blocks.0.conv1.weight", 8 * 8 * 9),
        ("emb", 50 * 8),  # its weight has the name of the decoder's, to which it is tied
    ],
)
def test_freezing_takes_paths_of_modules(pattern: str, params: int) -> None:
    frozen = costcalc.analyze(NET, training={"freeze": (pattern,)}).step.params["frozen"]
    assert frozen == params + (8 * 4 + 4)  # frozen_head is frozen by the module itself


def test_parameters_without_gradient_are_frozen_unless_told_otherwise() -> None:
    report = costcalc.analyze(NET, training=True)
    assert report.step.params["frozen"] == 8 * 4 + 4
    assert report.step.params["trained"] == report.params - (8 * 4 + 4)
    thawed = costcalc.analyze(NET, training={"freeze": ("!frozen_head*",)})
    assert thawed.step.params["frozen"] == 0


@pytest.mark.parametrize(
    ("trace", "place"),
    [
        (("/opt/lib/python3.11/site-packages/torchvision/models/resnet.py", 92), "torchvision/models/resnet.py:92"),
        (("C:\\env\\site-packages\\timm\\layers\\mlp.py", 46), "timm/layers/mlp.py:46"),
        (("/srv/me/torch/net.py", 7), "/srv/me/torch/net.py:7"),
    ],
)
def test_the_line_is_that_of_the_innermost_source_of_the_user(trace: tuple[str, int], place: str) -> None:
    inner = (
        '  File "/opt/lib/python3.11/site-packages/torch/nn/modules/conv.py", line 548, in forward\n    return x\n'
        '  File "/opt/lib/python3.11/contextlib.py", line 81, in inner\n    return x\n'
    )
    outer = '  File "/srv/me/train.py", line 3, in forward\n    return self.net(x)\n'
    assert parse_source_line(f'{outer}  File "{trace[0]}", line {trace[1]}, in forward\n    x\n{inner}') == place


def test_explain_tells_the_module_and_the_line() -> None:
    text = ok("explain", str(NET), "blocks.0.conv1")
    assert "blocks.0.conv1 · Conv2d" in text
    line = 1 + (ROOT / "tests" / "pytorch_programs" / "modules.py").read_text().split("\n").index(
        "        y = self.relu(self.bn1(self.conv1(x)))"
    )
    assert f"modules.py:{line}" in text


def test_a_source_below_the_working_directory_is_told_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = costcalc.load(NET)
    nodes = tuple([node._replace(place=f"{tmp_path.as_posix()}/pkg/nets.py:3") for node in graph.nodes])
    text = str(costcalc.explain(graph._replace(nodes=nodes), "blocks.0.conv1"))
    assert "pkg/nets.py:3" in text and str(tmp_path) not in text


def test_check_points_at_the_source_where_the_repository_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    arguments = ("check", str(NET), "--max", "macs=1", "--allow", "*", "--format", "github")
    elsewhere = output(*arguments)
    assert "file=modules.py" not in elsewhere and "modules.py:" in elsewhere
    (tmp_path / "modules.py").touch()
    assert "file=modules.py,line=" in output(*arguments)


@pytest.mark.parametrize("pattern", ["blocks.0", "blocks.?", "blocks.0.conv1.weight"])
def test_limits_of_layers_take_modules(pattern: str, tmp_path: Path) -> None:
    config = tmp_path / "costcalc.yaml"
    config.write_text(f"models:\n  - path: {NET}\n    layers:\n      '{pattern}': {{macs: 1}}\n")
    text = output("check", "--config", str(config))
    assert f"layers {pattern} macs" in text and "no layer has such a name" not in text


def test_symbols_are_told_and_bound_by_input_and_axis() -> None:
    report = costcalc.analyze(OPEN_NET)
    batch, _, height, _ = report.graph.types["x"].shape or ()
    assert report.graph.data_symbols == {str(batch): "x (axis 0)", str(height): "x (axis 2)"}
    assert [assumption.format() for assumption in report.assumptions] == [f"{height} >= 4", f"{batch} <= 64"]
    bound = costcalc.analyze(OPEN_NET, dims={"x.0": 2, "x.2": 8})
    assert bound.macs == costcalc.analyze(NET).macs
    assert "(bind with --dim x.0=…)" in ok("analyze", str(OPEN_NET))
    message = rf"it has x\.0 \({batch}\), x\.2 \({height}\); torch\.export\.save does not keep the names of Dim"
    with pytest.raises(costcalc.CostcalcError, match=message):
        costcalc.analyze(OPEN_NET, dims={"batch": 8})
    with pytest.raises(costcalc.CostcalcError, match="takes 64 at most"):
        costcalc.analyze(OPEN_NET, dims={"x.0": 65})
