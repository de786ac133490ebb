"""`costcalc diff OLD NEW`: what either side may be, the formats, conditions and exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.cli import call, run

import costcalc

NET = "name: Net\ninput: [N, 3, 8, 8]\nparams: {filters: 4}\nlayers:\n  - conv: {filters: filters, kernel: 3, bias: false}\n  - relu\n"
WIDER = NET.replace("filters: 4}", "filters: 6}")
MACS = 6 * 6 * 4 * 27


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COSTCALC_FORMAT", raising=False)
    Path("old.yaml").write_text(NET, encoding="utf-8")
    Path("new.yaml").write_text(WIDER, encoding="utf-8")
    Path("costcalc.yaml").write_text(
        "models:\n  - {path: old.yaml, name: net, scenarios: {a: , b: {dims: {N: 8}}}}\n", encoding="utf-8"
    )


def diff(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    return call(capsys, "diff", *args)


def test_two_files(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = diff(capsys, "old.yaml", "new.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("Net  old.yaml → new.yaml\n")
    assert f"{MACS:,}" in out and f"{MACS * 3 // 2:,}" in out and f"+{MACS // 2:,}" in out and "+50.0%" in out
    assert "filters 4 → 6" in out


def test_nothing_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(capsys, "old.yaml", "old.yaml") == (0, "Net: no difference in 2 layers (old.yaml → old.yaml)\n", "")
    assert "No difference: all 2 layers are the same" in diff(capsys, "old.yaml", "old.yaml", "--format", "markdown")[1]
    found = json.loads(diff(capsys, "old.yaml", "old.yaml", "--format", "json")[1])
    assert found["diffs"][0]["layers"] == []


def test_nothing_differs_of_one_layer(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.yaml").write_text("input: [N, 3]\nlayers: [relu]\n", encoding="utf-8")
    assert diff(capsys, "one.yaml", "one.yaml")[1] == "one.yaml: no difference in 1 layer (one.yaml → one.yaml)\n"
    assert "its layer is the same" in diff(capsys, "one.yaml", "one.yaml", "--format", "markdown")[1]


def test_the_markdown_is_a_comment_that_can_be_updated_and_opened(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = diff(capsys, "old.yaml", "new.yaml", "--format", "markdown")
    assert code == 0 and out.startswith(
        "<!-- costcalc:diff -->\n### Net: MACs +50.0% (3.89 k → 5.83 k); conv was widened\n"
    )
    opened, closed = out.index("<details><summary>Layers: ~ 1 changed, → 1 follow"), out.index("</details>")
    assert opened < out.index("| filters 4 → 6 |") < closed


def test_a_comment_about_many_layers_is_one_that_can_be_posted(capsys: pytest.CaptureFixture[str]) -> None:
    layers = "".join(f"  - linear: {{units: 8, as: {'long' * 12}{i}}}\n" for i in range(900))
    Path("old.yaml").write_text(f"input: [N, 8]\nlayers:\n{layers}", encoding="utf-8")
    Path("new.yaml").write_text(f"input: [N, 8]\nlayers:\n{layers.replace('units: 8', 'units: 9')}", encoding="utf-8")
    _, out, _ = diff(capsys, "old.yaml", "new.yaml", "--format", "markdown", "--top", "900")
    assert 50_000 < len(out) < 64_000
    assert "| … and " in out and " more layers |" in out and out.rstrip().endswith("</details>")


def test_options_hold_for_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--dim", "N=2", "--set", "filters=5", "--format", "json")
    code, out, _ = diff(capsys, "old.yaml", "new.yaml", *options)
    (found,) = json.loads(out)["diffs"]
    assert code == 0 and found["totals"]["macs"] == {
        "before": 2 * 6 * 6 * 5 * 27,
        "after": 2 * 6 * 6 * 5 * 27,
        "difference": 0,
        "ratio": 0.0,
        "lower_bound": False,
        "certainty": {"before": "exact", "after": "exact"},
    }
    code, _, err = diff(capsys, "old.yaml", "new.yaml", "--set", "fliters=5")
    assert code == 2 and "no parameter 'fliters'" in err


def test_an_entry_of_a_lock_file(capsys: pytest.CaptureFixture[str]) -> None:
    run(["lock"])
    capsys.readouterr()
    assert diff(capsys, "costcalc.lock.json#net@a", "old.yaml")[1].startswith("Net: no difference")
    assert diff(capsys, "costcalc.lock.json#net@b", "old.yaml")[1].startswith("Net: no difference")  # with N = 8
    found = json.loads(diff(capsys, "costcalc.lock.json#net@b", "new.yaml", "--format", "json")[1])["diffs"][0]
    assert (found["totals"]["macs"]["before"], found["totals"]["macs"]["after"]) == (8 * MACS, 8 * MACS * 3 // 2)
    assert diff(capsys, "costcalc.lock.json#net@a", "costcalc.lock.json#net@b")[0] == 0
    code, _, err = diff(capsys, "costcalc.lock.json#net", "old.yaml")
    assert code == 2 and "name one: costcalc.lock.json#net@a, costcalc.lock.json#net@b" in err
    code, _, err = diff(capsys, "costcalc.lock.json#other", "old.yaml")
    assert code == 2 and "costcalc.lock.json has no model 'other'; name one: " in err
    assert "there is no lock file nope.json" in diff(capsys, "nope.json#net", "old.yaml")[2]


def test_settings_add_rows_and_bounds_stay_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = diff(capsys, "old.yaml", "new.yaml", "--fuse", "--training", "--hardware", "t4")
    rows = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "≥ " in rows["Time on t4"] and "≈ " in rows["Energy on t4"] and "+" in rows["Time on t4"]
    # The state of momentum is one float32 for each parameter that is trained: 4 filters of 27 weights, then 6
    _, out, _ = diff(
        capsys, "old.yaml", "new.yaml", "--training", "--optimizer", "momentum", "--fuse", "--format", "json"
    )
    totals = json.loads(out)["diffs"][0]["totals"]
    assert totals["optimizer_bytes"] == {
        "before": 4 * 27 * 4,
        "after": 6 * 27 * 4,
        "difference": 2 * 27 * 4,
        "ratio": 0.5,
        "lower_bound": False,
        "certainty": {"before": "exact", "after": "exact"},
    }
    # fused, only the input and the activated output are alive: 3·8·8 and 4·6·6 (6·6·6) values of 4 bytes
    peak = totals["peak_activation_bytes"]
    assert (peak["before"], peak["after"]) == (4 * (192 + 144), 4 * (192 + 216))


def test_what_one_side_does_not_have_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    run(["lock"])
    capsys.readouterr()
    args = ("costcalc.lock.json#net@a", "new.yaml", "--hardware", "t4", "--in-place")
    code, out, _ = diff(capsys, *args)
    assert code == 0
    assert "before: time.t4, energy.t4, fits.t4: costcalc.lock.json#net@a does not hold it" in " ".join(out.split())
    row = next(line for line in out.splitlines() if line.startswith("Time on t4"))
    assert "–" in row and "≥" in row
    _, out, _ = diff(capsys, *args, "--format", "json")
    peak = json.loads(out)["diffs"][0]["totals"]["peak_activation_bytes"]
    assert peak["before"] is None and peak["difference"] is None
    assert "locked under other settings: every layer by itself, in the given order" in peak["refused"]["before"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [("time.t4>+0%", 1), ("time.t4>1s", 0), ("arena_bytes>+0", 1), ("fits.t4", 0), ("training_bytes>+1GiB", 0)],
)
def test_a_condition_brings_its_quantity(condition: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    found, out, _ = diff(capsys, "old.yaml", "new.yaml", "--fail-on", condition, "--format", "json")
    assert found == code
    assert re.split("[<>]", condition)[0] in json.loads(out)["diffs"][0]["totals"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [("macs>+50%", 0), ("macs>+49.9%", 1), ("params>+54", 0), ("params>+53", 1), (f"macs>{MACS}", 1), ("macs>5M", 0)],
)
def test_conditions(condition: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    found, out, err = diff(capsys, "old.yaml", "new.yaml", "--fail-on", condition)
    assert found == code
    assert out.startswith("Net  old.yaml") and bool(err) == bool(code)
    assert not err or f"({condition})" in err


def test_several_conditions_and_what_cannot_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = diff(
        capsys, "old.yaml", "new.yaml", "--fail-on", "macs>+0", "--fail-on", "params>+1k", "--format", "json"
    )
    assert code == 1 and err.count("\n") == 1
    assert [c["outcome"] for c in json.loads(out)["diffs"][0]["conditions"]] == ["exceeded", "kept"]
    code, _, err = diff(capsys, "old.yaml", "new.yaml", "--symbolic", "--fail-on", "macs>1M", "--fail-on", "macs>+0")
    assert code == 2 and "depends on H, N, W" in err


def test_the_environment_names_a_format(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTCALC_FORMAT", "markdown")
    assert diff(capsys, "old.yaml", "new.yaml")[1].startswith("<!-- costcalc:diff -->\n### Net: ")
    assert diff(capsys, "old.yaml", "new.yaml", "--format", "csv")[1].startswith("model,status,layer,")
    monkeypatch.setenv("COSTCALC_FORMAT", "sarif")  # a format of check alone
    assert diff(capsys, "old.yaml", "new.yaml")[1].startswith("Net  old.yaml")


def test_a_page_shows_few_layers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert "more)" in diff(capsys, "resnet34", "resnet50")[1]
    assert "(167 more)" in diff(capsys, "resnet34", "resnet50", "--top", "10")[1]
    assert len(json.loads(diff(capsys, "resnet34", "resnet50", "--format", "json")[1])["diffs"][0]["layers"]) == 177
    for line in diff(capsys, "lenet5", "alexnet")[1].splitlines():
        assert len(line) <= 100


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "no model is named, where two versions are compared; write costcalc diff OLD NEW"),
        (("old.yaml",), "one model is named"),
        (("old.yaml", "new.yaml", "old.yaml"), "3 models are named"),
        (("old.yaml", "new.yaml", "--config", "costcalc.yaml"), "--config is for --git"),
        (("old.yaml", "old.yml"), "there is no file and no built-in model 'old.yml'"),
        (("old.yaml", "new.yaml", "--fail-on", "macs"), "--fail-on 'macs' is not understood"),
    ],
)
def test_what_is_not_understood(args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = diff(capsys, *args)
    assert (code, out) == (2, "") and said in err


def test_a_file_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(capsys, "old.yaml", "new.yaml", "-o", "diff.html", "--format", "html")[:2] == (0, "")
    assert "<table" in Path("diff.html").read_text(encoding="utf-8")


def test_top_holds_in_formats_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(json.loads(diff(capsys, "old.yaml", "new.yaml", "--format", "json")[1])["diffs"][0]["layers"]) == 2
    found = json.loads(diff(capsys, "old.yaml", "new.yaml", "--format", "json", "--top", "1")[1])["diffs"][0]
    assert [layer["after"] for layer in found["layers"]] == ["conv"] and sum(found["counts"].values()) == 2
    lines = diff(capsys, "old.yaml", "new.yaml", "--format", "csv", "--top", "1")[1].splitlines()
    assert len(lines) == 2 and ",conv,conv," in lines[1]


def test_reports_bring_what_they_were_measured_with() -> None:
    reports = [costcalc.analyze(model, devices="t4", training=True) for model in ("old.yaml", "new.yaml")]
    found = costcalc.diff(*reports)
    assert (
        found.to_dict()["totals"]
        == costcalc.diff("old.yaml", "new.yaml", devices="t4", training=True).to_dict()["totals"]
    )
    assert {"time.t4", "training_bytes"} <= set(found.quantities)
