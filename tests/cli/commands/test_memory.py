"""costcalc memory: what it prints in each format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.cli import call, ok
from support.graphs import unknown

import costcalc
from costcalc.rules import DType, GraphBuilder, symbol

pytestmark = pytest.mark.usefixtures("plain_terminal")


@pytest.mark.parametrize(
    "name, args",
    [
        ("memory_mobilenet.txt", ("mobilenet_v2", "--fuse", "--act-dtype", "int8", "--arena")),
        ("memory_resolutions.txt", ("mobilenet_v2", "--fuse-blocks", "--act-dtype", "fp16", "--by", "resolution")),
        (
            "memory_resolutions.md",
            ("mobilenet_v1", "--fuse-blocks", "--act-dtype", "fp16", "--by", "resolution", "--format", "markdown"),
        ),
        ("memory_steps.md", ("lenet5", "--by", "step", "--format", "markdown")),
        ("memory_open.txt", ("gpt2", "--top", "3")),
        ("memory_unet.txt", ("unet", "--reorder", "--in-place", "--top", "4")),
        ("memory.html", ("lenet5", "--format", "html")),
    ],
)
def test_gold(name: str, args: tuple[str, ...], gold: Callable[[str, str], None]) -> None:
    gold(name, ok("memory", *args).rstrip("\n"))


def test_json_holds_the_plan() -> None:
    found = json.loads(ok("memory", "resnet18", "--arena", "--align", "64", "--format", "json"))["memory"]
    assert found["totals"]["peak_activation_bytes"] == 6_422_528
    assert found["arena"] == {"bytes": 6_422_528, "alive_bytes": 6_422_528, "alignment": 64}
    assert max(step["live_bytes"] for step in found["steps"]) == 6_422_528
    assert found["steps"][found["peak_step"]]["live_bytes"] == 6_422_528
    assert sum(t["bytes"] for t in found["tensors"] if t["at_peak"]) == 6_422_528
    assert all(t["offset"] % 64 == 0 for t in found["tensors"])
    assert [layer for step in found["steps"] for layer in step["layers"]][:2] == ["conv1/conv", "conv1/batch_norm"]


def test_the_peak_of_analyze() -> None:
    """The two commands give one figure."""
    peak = json.loads(ok("analyze", "resnet50", "--format", "json"))["models"][0]["totals"]["peak_activation_bytes"]
    assert json.loads(ok("memory", "resnet50", "--format", "json"))["memory"]["totals"]["peak_activation_bytes"] == peak


def test_csv_has_every_tensor() -> None:
    rows = list(csv.DictReader(io.StringIO(ok("memory", "lenet5", "--format", "csv", "--arena"))))
    assert rows[0].keys() == {"tensor", "type", "shape", "bytes", "offset", "from", "to", "share"}
    assert len(rows) == len(json.loads(ok("memory", "lenet5", "--format", "json"))["memory"]["tensors"])
    assert len(ok("memory", "lenet5", "--format", "csv", "--top", "2").splitlines()) == 3


def test_a_formula_that_is_not_decided_names_its_remedy() -> None:
    """Twenty tensors of (i + 1)·n + (200 − 9·i)·m bytes: which is the largest depends on n and m."""
    b = GraphBuilder("open", "made", {"": 17})
    x, n, m = b.add_input("x", DType.INT8, (1,)), symbol("n"), symbol("m")
    for i in range(20):
        shape = b.add_initializer(f"shape{i}", DType.INT64, (1,), ((i + 1) * n + (200 - 9 * i) * m,))
        (x,) = b.add("ReduceSum", b.add("Expand", [x, shape], name=f"n{i}"), {"keepdims": 1}, name=f"sum{i}")
    found = costcalc.footprint(b.build([x]))
    assert found.peak is None
    made: Any = found.tables()[0]
    assert [fact.label for fact in made.totals] == ["All tensors together"] and made.plot is None
    assert "which step is the largest depends on m, n; bind it: --dim m=… --dim n=…" in [r.text for r in made.notes]
    content = found.to_dict()
    assert content["totals"]["peak_activation_bytes"] is content["peak_step"] is None
    assert content["steps"][0]["live_bytes"] == "200*m + n + 1"


def test_open_sizes_and_an_arena(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = call(capsys, "memory", "gpt2", "--arena")
    assert code == 2 and "--dim seq=…" in error


def test_an_unknown_size_makes_a_lower_bound() -> None:
    text = str(costcalc.footprint(unknown()))
    assert "≥ 752" in text and "the size of 2 tensors (mystery, relu)" in text


def test_the_arena_of_another_command_is_led_to(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "analyze", "lenet5", "--arena")
    assert code == 2 and "--align 16" in err and "costcalc memory MODEL --arena" in err
