"""costcalc reconcile: what it prints in each format, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from support.cli import ok, run

import costcalc
from costcalc.studies.reconcile.counters import COUNTERS

pytestmark = pytest.mark.usefixtures("plain_terminal")


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("reconcile_vit.txt", ("vit_b_16", "--figure", "thop=11.3G", "--figure", "fvcore=11.2G")),
        ("reconcile_mobilenet.txt", ("mobilenet_v2", "--by", "tool")),
        ("reconcile_densenet.md", ("densenet121", "--tool", "ptflops", "--format", "markdown")),
        ("reconcile_lenet5.csv", ("lenet5_modern", "--tool", "thop,onnx_tool", "--format", "csv")),
        ("reconcile_lenet5_layers.txt", ("lenet5_modern", "--tool", "ptflops_pytorch", "--by", "layer")),
        ("reconcile_lenet5.html", ("lenet5_modern", "--tool", "fvcore", "--format", "html")),
    ],
)
def test_gold(name: str, args: tuple[str, ...], gold: Callable[[str, str], None]) -> None:
    gold(name, ok("reconcile", *args).rstrip("\n"))


def test_json_holds_every_counter_and_part() -> None:
    found = json.loads(
        ok("reconcile", "vit_b_16", "--figure", "thop=11300000000", "--tool", "thop,torchprofile", "--format", "json")
    )
    entry = found["reconciliation"]
    thop, torchprofile = entry["counters"]
    assert (thop["figure"], thop["costcalc"], thop["unexplained"]) == (11_286_254_592, 17_563_828_224, 13_745_408)
    assert sum(part["amount"] for part in thop["parts"]) == thop["figure"]
    assert sum(part["costcalc"] for part in thop["parts"]) == thop["costcalc"]
    assert {
        "name": "layer normalisation",
        "amount": 15_129_600,
        "costcalc": 0,
        "calls": 25,
        "working": "4 × #elements = 4 × 3,782,400",
    } in thop["parts"]
    assert torchprofile["figure"] is None and "nn.MultiheadAttention" in torchprofile["failed"]
    assert entry["written"]["attention"] == "auto"


def test_json_by_layer_adds_up_too() -> None:
    entry = json.loads(ok("reconcile", "resnet18", "--by", "layer", "--tool", "thop", "--format", "json"))[
        "reconciliation"
    ]
    counter = entry["counters"][0]
    assert sum(layer["amount"] for layer in counter["layers"]) == counter["figure"] == 1_824_033_792
    assert counter["layers"][1] == {
        "layer": "conv1/batch_norm",
        "part": "batch normalisation",
        "amount": 4 * 64 * 112 * 112,
        "costcalc": 0,
        "working": "4 × #elements = 4 × 802,816",
    }


def test_csv_has_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(ok("reconcile", "resnet18", "--format", "csv"))))
    assert {row["tool"] for row in rows} == set(COUNTERS)
    amounts = [int(row["amount"]) for row in rows if row["tool"] == "thop"]
    assert sum(amounts) == 1_824_033_792 and 4 * 2_483_712 in amounts


def test_a_reconciliation_prints_itself() -> None:
    found = costcalc.reconcile("resnet18", tools=["thop"])
    assert repr(found) == "<Reconciliation of ResNet-18: thop>"
    assert "4 × #elements = 4 × 2,483,712" in str(found)
    assert "1,824,033,792" in found._repr_html_()
    assert found.to_dict()["counters"][0]["figure"] == found["thop"].figure
    with pytest.raises(KeyError):
        found["fvcore"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--tool", "thopp"], "no counter that is known"),
        (["--figure", "thop=many"], "not a quantity"),
        (["--figure", "thop"], "thop=11.3G"),
        (["--written", "pool=max"], "write auto or module"),
        (["--by", "layer"], "name it: --tool thop"),
        (["--by", "layer", "--tool", "ptflops"], "name it: --tool thop"),
    ],
)
def test_refusals(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reconcile", "lenet5", *args]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["40", "60", "100"])
def test_a_narrow_terminal_keeps_the_working(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = " ".join(ok("reconcile", "resnet18", "--tool", "thop").split())
    assert "4 × #elements = 4 × 2,483,712" in text
    assert "1,824,033,792" in text


def test_what_would_explain_a_figure_stands_beside_all_counters() -> None:
    shown = ok("reconcile", "vgg16", "--figure", "thop=15.5G", "--figure", "fvcore=30.9G", "--by", "tool")
    assert shown.count("Perhaps") == 1
    assert "fvcore 30.9G: it is twice the sum" in shown


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--figure", "15.5G"), "--figure '15.5G' is not understood; write it as thop=15.5G"),
        (("--tool", "fvcore", "--figure", "fvcore="), "write it as fvcore=11.3G"),
        (("--tool", "fvcore,thop", "--figure", "15.5G"), "write it as fvcore=15.5G"),
    ],
)
def test_a_figure_of_no_counter_is_refused(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reconcile", "lenet5", *args]) == 2
    assert said in capsys.readouterr().err


def test_a_figure_beside_the_only_counter_is_its_own() -> None:
    named = ok("reconcile", "lenet5", "--tool", "fvcore", "--figure", "fvcore=420k", "--format", "json")
    assert ok("reconcile", "lenet5", "--tool", "fvcore", "--figure", "420k", "--format", "json") == named
    assert named != ok("reconcile", "lenet5", "--tool", "fvcore", "--format", "json")
