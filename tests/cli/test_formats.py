"""-o FILE: its ending names the format, unless --format or the environment does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import run

from costcalc.cli.formats import choose_format
from costcalc.core.errors import UsageError

STARTS = {
    "json": b"{",
    "csv": b"name,op,output",
    "md": b"### LeNet-5",
    "html": b"<!",
    "svg": b"<svg",
    "png": b"\x89PNG",
    "txt": b"LeNet-5  input",
    "out": b"LeNet-5  input",
}


@pytest.mark.parametrize("ending", STARTS)
def test_a_report_is_as_its_ending_says(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"lenet5.{ending}"
    assert run(["analyze", "lenet5", "-o", str(file)]) == 0
    assert file.read_bytes().lower().startswith(STARTS[ending].lower())


def test_the_format_that_is_asked_for_stands_above_the_ending(tmp_path: Path) -> None:
    file = tmp_path / "lenet5.json"
    assert run(["analyze", "lenet5", "--format", "csv", "-o", str(file)]) == 0
    assert file.read_bytes().startswith(STARTS["csv"])


@pytest.mark.parametrize(("command", "ending"), [("analyze", "pdf"), ("explain", "svg"), ("compare", "xlsx")])
def test_an_ending_that_no_format_has_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, ending: str
) -> None:
    file = tmp_path / f"lenet5.{ending}"
    assert run([command, "lenet5", *(["alexnet"] if command == "compare" else []), "-o", str(file)]) == 2
    assert f"would be {ending.upper()}, which is not written here" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize("ending", ["csv", "png", "xlsx", "docx"])
@pytest.mark.parametrize("command", ["lock", "export", "report"])
def test_a_command_of_one_format_refuses_the_endings_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, ending: str
) -> None:
    file = tmp_path / f"lenet5.{ending}"
    assert run([command, "lenet5", "-o", str(file)]) == 2
    assert f"would be {ending.upper()}, and what is written here is " in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    ("name", "start"),
    [("c.sarif", b"{"), ("c.xml", b"<?xml"), ("c.md", b"<!-- costcalc"), ("c.json", b"{"), ("c.txt", b"lenet5\n")],
)
def test_verdicts_are_never_lost_to_an_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: bytes
) -> None:
    monkeypatch.delenv("COSTCALC_FORMAT", raising=False)
    file = tmp_path / name
    assert run(["check", "lenet5", "--max", "macs=1M", "-o", str(file)]) == 0
    assert file.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["x.html", "x.pdf", "x.xyz"])
@pytest.mark.parametrize(("limit", "code"), [("1M", 2), ("1k", 1)])
def test_verdicts_under_an_ending_of_no_format_stand_on_the_terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    limit: str,
    code: int,
) -> None:
    """The file is missing, hence no 0; a limit that is exceeded is told as ever."""
    monkeypatch.delenv("COSTCALC_FORMAT", raising=False)
    assert run(["check", "lenet5", "--max", f"macs={limit}", "-o", str(tmp_path / name)]) == code
    out, err = capsys.readouterr()
    assert out.startswith("lenet5\n") and "which is not written here" in err
    assert not (tmp_path / name).exists()


def test_an_unknown_ending_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "lenet5", "-o", str(tmp_path / "out.xyz")]) == 2
    assert "out.xyz ends in .xyz, which is not written here; name a file" in capsys.readouterr().err
    assert not (tmp_path / "out.xyz").exists()


def test_the_environment_stands_above_the_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTCALC_FORMAT", "gitlab")
    file = tmp_path / "gl-code-quality-report.json"
    assert run(["check", "lenet5", "--max", "macs=1k", "-o", str(file)]) == 1
    assert file.read_bytes().startswith(b"[")


def test_a_diff_is_as_its_ending_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTCALC_FORMAT", raising=False)
    file = tmp_path / "change.md"
    assert run(["diff", "lenet5", "lenet5_modern", "-o", str(file)]) == 0
    assert file.read_bytes().startswith("<!-- costcalc:diff -->\n### LeNet-5 → LeNet-5, modern: FLOPs -0.4%".encode())


@pytest.mark.parametrize(
    ("command", "name", "fact"),
    [
        (["export", "lenet5"], "o.csv", "would be CSV, and what is written here is ONNX"),
        (["export", "lenet5"], "o.pt2", "would be PT2, and what is written here is ONNX"),
        (["export", "lenet5"], "o.textproto", "would be TEXTPROTO, and what is written here is ONNX"),
        (["report", "lenet5"], "o.pdf", "would be PDF, and what is written here is HTML"),
        (["schema"], "o.yaml", "would be YAML, and what is written here is JSON"),
    ],
)
def test_a_command_with_one_format_refuses_the_ending_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str, fact: str
) -> None:
    assert run([*command, "-o", str(tmp_path / name)]) == 2
    assert fact in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["o.onnx", "o.ONNX", "o.model", "o"])
def test_export_writes_under_endings_of_no_other_format(tmp_path: Path, name: str) -> None:
    assert run(["export", "lenet5", "-o", str(tmp_path / name)]) == 0


@pytest.mark.parametrize(
    ("forms", "endings"),
    [
        (("table", "json", "markdown", "html"), ".json, .md, .html, .txt"),
        (("table", "sarif", "junit", "github"), ".sarif, .xml, .txt"),
        (("table", "jsonl"), ".jsonl, .txt"),
    ],
)
def test_an_unknown_ending_is_told_all_that_are_written(forms: tuple[str, ...], endings: str) -> None:
    with pytest.raises(UsageError) as error:
        choose_format(None, "a.docx", forms)
    assert f"name a file that ends in {endings}, or give --format" in str(error.value)
