"""Lines of CSV and JSON, and files that are gone on with."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.cli import run

from costcalc.render.stream import row_lines
from costcalc.studies.sweep.axes import SweepAxis
from costcalc.studies.sweep.columns import SweepColumns

SWEEP = ("sweep", "mobilenet_v1", "--set", "alpha=0.25:1.0:0.25", "--set", "resolution=1,96,128", "--dim", "N=1,8")


def go(*args: str) -> int:
    return run(args)


def test_each_row_is_a_line_with_one_type_a_column() -> None:
    axes = (
        SweepAxis("a", "a", (1, Fraction(1, 2))),
        SweepAxis("w", "w", ("x,y", "=1", True, 1, [1, 2])),
        SweepAxis("n", "n", (1, 2)),
    )
    columns = SweepColumns(axes)
    figures = (None,) * 8
    rows: list[Any] = [(1, w, 10**20, *range(8), False, False, None, None, None) for w in axes[1].values]
    rows.append((Fraction(1, 2), "50%s", 2, *figures, None, None, None, None, 'he said "no"'))
    text = row_lines("csv", columns, range(16), rows)
    read = list(csv.reader(io.StringIO(text)))
    assert [r[0] for r in read] == ["1.0"] * 5 + ["0.5"]
    assert [r[1] for r in read] == ["x,y", "'=1", "true", "1", "[1, 2]", "50%s"]
    assert [r[2] for r in read] == [str(10**20)] * 5 + ["2"]
    assert read[0][3:] == [*map(str, range(8)), "false", "false", "", "", ""]
    assert read[5][3:] == [""] * 12 + ['he said "no"']
    objects = [json.loads(line) for line in row_lines("jsonl", columns, range(16), rows).splitlines()]
    assert [o["w"] for o in objects] == ["x,y", "=1", "true", "1", "[1, 2]", "50%s"]
    assert (objects[0]["a"], objects[0]["n"], objects[5]["macs"], objects[5]["lower_bound"]) == (
        1.0,
        10**20,
        None,
        None,
    )
    assert row_lines("csv", columns, range(16), []) == ""
    assert row_lines("csv", columns, (3, 4), rows[:2]) == "0,1\n0,1\n"


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "extra", [(), ("--where", "macs < 100M"), ("--sample", "9", "--seed", "4"), ("--hardware", "t4")]
)
def test_a_file_that_was_cut_anywhere_is_gone_on_with(form: str, extra: tuple[str, ...], tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert go(*SWEEP, "--format", form, *extra, "-o", str(whole)) == 0
    content = whole.read_bytes()
    assert content.count(b"\n") > 5
    for at in (0, 10, len(content) // 3, len(content) // 2 + 1, content.rfind(b"\n", 0, -1) + 1, len(content)):
        part.write_bytes(content[:at])
        assert go(*SWEEP, "--format", form, *extra, "-o", str(part), "--resume") == 0
        assert part.read_bytes() == content
    part.unlink()
    assert go(*SWEEP, "--format", form, *extra, "-o", str(part), "--resume") == 0
    assert part.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("macs", "MACS", 1), "its columns differ"),
        (lambda text: text.replace("0.25,96", "0.25,97", 1), "line 4 is no point of the grid"),
        (lambda text: text[:-30], "gives other figures now"),
        (lambda text: text + text, "is no point of the grid"),
        (lambda text: "hello", "its columns differ"),
    ],
)
def test_a_file_of_another_sweep_is_refused(
    change: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "part.csv"
    assert go(*SWEEP, "--format", "csv", "-o", str(path)) == 0
    text = change(path.read_text())
    path.write_text(text if text.endswith("\n") or "other" not in said else text + "\n")
    before = path.read_bytes()
    assert go(*SWEEP, "--format", "csv", "-o", str(path), "--resume") == 2
    assert said in capsys.readouterr().err and path.read_bytes() == before


def test_another_model_is_another_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "part.csv"
    asked = ("--set", "resolution=96,128", "--format", "csv", "-o", str(path))
    assert go("sweep", "mobilenet_v1", *asked) == 0
    assert go("sweep", "mobilenet_v2", *asked, "--resume") == 2
    assert "the model gives other figures now" in capsys.readouterr().err


@pytest.mark.parametrize("extra", [("--sort", "macs"), ("--top", "3"), ("--pareto", "macs"), ("--maximize", "macs")])
def test_what_needs_every_row_is_not_gone_on_with(extra: tuple[str, ...], tmp_path: Path) -> None:
    assert go(*SWEEP, "--format", "csv", "-o", str(tmp_path / "f"), "--resume", *extra) == 2
    assert not (tmp_path / "f").exists()
