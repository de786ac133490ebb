"""Several models at once: directories, processes, broken files among good ones."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from support.cli import run
from support.paths import ONNX_FILES

from costcalc.rules import minimum, symbol

SPEC = "name: {0}\ninput: [N, 3, 6, 6]\nlayers:\n  - conv: {{filters: {1}, kernel: 3, bias: false}}\n"
SEQUENCE = "name: seq\ninput: [N, seq, 64]\nlayers:\n  - linear: {units: 10, bias: false}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three models, a config and something else, which are none, and a folder, which is not opened."""
    for name, filters in (("b", 5), ("a", 7)):
        (tmp_path / f"{name}.yaml").write_text(SPEC.format(name, filters))
    (tmp_path / "c.onnx").write_bytes((ONNX_FILES / "toy_gru__ts_dynamic.onnx").read_bytes())
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "costcalc.yaml").write_text("models: [a.yaml]")
    (tmp_path / "deeper").mkdir()
    return tmp_path


def test_a_directory_is_its_models_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(folder), "--format", "json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert [m["source"] for m in models] == [str(folder / n) for n in ("a.yaml", "b.yaml", "c.onnx")]
    assert [m["totals"]["macs"] for m in models[:2]] == [3 * 9 * 16 * 7, 3 * 9 * 16 * 5]


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_processes_give_the_same(folder: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    (folder / "d.yaml").write_text(SEQUENCE)
    assert run(["analyze", str(folder), "--format", form]) == 0
    alone = capsys.readouterr()
    assert run(["analyze", str(folder), "--format", form, "--jobs", "3"]) == 0
    assert capsys.readouterr() == alone
    assert alone.err == ""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_broken_file_stops_no_other(folder: Path, capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    (folder / "ab.onnx").write_bytes(b"no model")
    assert run(["analyze", str(folder), "--format", "json", "--jobs", jobs]) == 2
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["models"]) == 3
    (line,) = printed.err.splitlines()
    assert line.startswith(f"costcalc: {folder / 'ab.onnx'}: ")


def test_an_empty_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(tmp_path)]) == 2
    assert "there is no model in the directory" in capsys.readouterr().err


def test_nothing_but_broken_files_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert run(["analyze", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 2


def test_formulas_travel_between_processes() -> None:
    formula = 3 * symbol("seq") * minimum(512, symbol("seq")) + 1
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula
    assert hash(again) == hash(formula)
