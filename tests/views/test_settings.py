"""What a result tells of its settings: its notes, its title, and its JSON, with which the same can be run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.cli.app import run as run_command
from costcalc.studies.options import Settings
from costcalc.views.settings import parameters_text, reading_words, settings_document

ARGUMENTS = ["--set", "alpha=0.25", "--shape", "input=2,3,64,64"]

SETTINGS = {"params": {"alpha": 0.25}, "shapes": {"input": [2, 3, 64, 64]}}

COMMANDS: dict[str, tuple[list[str], tuple[Any, ...]]] = {
    "analyze": (["analyze", "mobilenet_v1"], ("models", 0)),
    "compare": (["compare", "mobilenet_v1", "mobilenet_v1"], ("models", 1)),
    "memory": (["memory", "mobilenet_v1"], ("memory",)),
    "explain": (["explain", "mobilenet_v1"], ("explanation",)),
    "explain of a layer": (["explain", "mobilenet_v1", "linear"], ("explanation",)),
    "suggest": (["suggest", "mobilenet_v1"], ("suggestions",)),
    "reconcile": (["reconcile", "mobilenet_v1"], ("reconciliation",)),
    "diff": (["diff", "mobilenet_v1", "mobilenet_v1"], ("diffs", 0, "after")),
}


def run(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert run_command(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_json_holds_the_settings_of_the_reading(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, path = COMMANDS[name]
    document = json.loads(run(capsys, [*arguments, *ARGUMENTS, "--format", "json"]))
    for key in path:
        document = document[key]
    assert document["settings"] == SETTINGS


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"diff", "reconcile"}))
def test_the_text_says_how_to_read_the_model_again(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, [*COMMANDS[name][0], *ARGUMENTS])
    assert "--shape input=2,3,64,64 --set alpha=0.25" in " ".join(text.split())


def test_the_title_names_parameters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command in ("analyze", "memory", "explain", "suggest"):
        first = run(capsys, [command, "mobilenet_v1", "--set", "alpha=0.25"]).splitlines()[0]
        assert first.endswith("alpha = 0.25, input 1×3×224×224 float32"), command
    run(capsys, ["report", "mobilenet_v1", "--set", "alpha=0.25", "-o", f"{tmp_path}/page.html"])
    page = (tmp_path / "page.html").read_text()
    assert "MobileNet v1 (alpha = 0.25)" in page and "--set alpha=0.25" in page


def test_a_comparison_says_which_models_took_a_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, ["compare", "mobilenet_v1", "lenet5", "--set", "alpha=0.25"])
    assert "MobileNet v1: --set alpha=0.25" in text and "LeNet-5: --set" not in text
    models = json.loads(run(capsys, ["compare", "mobilenet_v1", "lenet5", "--set", "alpha=0.25", "--format", "json"]))
    assert [model.get("settings") for model in models["models"]] == [{"params": {"alpha": 0.25}}, None]
    assert run_command(["compare", "mobilenet_v1", "lenet5", "--set", "foo=1"]) == 2


def test_a_diff_of_settings_tells_both(capsys: pytest.CaptureFixture[str]) -> None:
    diff = costcalc.diff(costcalc.analyze("mobilenet_v1"), costcalc.analyze("mobilenet_v1", params={"alpha": 0.5}))
    assert "nothing → --set alpha=0.5" in str(diff)
    taken = run(capsys, ["diff", "lenet5", "mobilenet_v1", "--set", "alpha=0.5"])
    assert "nothing → --set alpha=0.5" in taken


def test_llm_tells_parameters_of_each_answer(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["llm", "gpt2", "--set", "depth=2", "--device", "h100-sxm"]
    for more in ([], ["--max-batch"], ["--sweep-parallel", "--devices", "2"]):
        assert "--set depth=2" in run(capsys, [*arguments, *more])
        settings = json.loads(run(capsys, [*arguments, *more, "--format", "json"]))["settings"]
        assert settings["params"] == {"depth": 2} and settings["devices"] == ["h100-sxm"]


def test_a_report_can_be_made_again_from_its_json() -> None:
    options = {
        "params": {"alpha": 0.5},
        "dims": {"N": 4},
        "dtype": "int8",
        "execution": {"in_place": True, "align": 16},
        "training": {"optimizer": "sgd"},
        "devices": ["t4"],
    }
    first = costcalc.analyze("mobilenet_v1", **options).to_dict()  # type: ignore[arg-type]
    again = json.loads(json.dumps(first))["settings"]
    assert costcalc.analyze(first["source"], **again).to_dict() == first
    assert Settings.of(**again) == Settings.of(**options)


def test_a_sweep_can_be_made_again_from_its_json() -> None:
    options: dict[str, Any] = {"params": {"alpha": "0.25:1:0.25"}, "dims": {"N": "1:8:*2"}, "vary": {"fuse": [True]}}
    first = costcalc.sweep("mobilenet_v1", dtype="int8", **options).to_dict()
    assert first["axes"] == {"params": {"alpha": "0.25:1:0.25"}, "dims": {"N": "1:8:*2"}, "vary": {"fuse": "true"}}
    again = costcalc.sweep(first["source"], **first["axes"], **first["settings"])
    assert again.to_dict() == first


def test_symbols_that_are_bound_later_are_settings_too() -> None:
    report = costcalc.analyze("gpt2").bind({"seq": 16})
    assert report.settings == {"dims": {"seq": 16}}
    assert costcalc.analyze("gpt2", **report.settings).totals == report.totals


def test_words_can_be_pasted_into_a_shell() -> None:
    settings = {"params": {"act": "a b"}, "symbolic": True, "dims": {"*": 4, "N": 1}, "dtype": "int8"}
    assert reading_words(settings, {"N": 1}) == "--dim '*=4' --set 'act=a b' --symbolic"
    assert reading_words({}) == "" and settings_document({}) == {}
    assert parameters_text(costcalc.load("lenet5")) == ""
