"""`costcalc table`: the table itself, and files in which it is kept true between its markers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import run
from support.paths import ROOT

import costcalc
from costcalc import CostcalcError
from costcalc.cli.commands.markdown_tables import find_tables, update_tables
from costcalc.cli.commands.table import parse_marker

TINY = "name: Tiny\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"
ROW = "| Tiny | 768 |"  # 3 · 4 · 8 · 8
OPEN, CLOSE = "<!-- costcalc:table tiny.yaml --columns name,macs -->", "<!-- /costcalc:table -->"
TABLE = f"\n| Model | MACs |\n| :-- | --: |\n{ROW}\n\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_of_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["table", "mobilenet", "vgg16", "--columns", "name,macs,params"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "| Model | MACs | Params |",
        "| :-- | --: | --: |",
        "| MobileNet v1 | 568,740,352 | 4,231,976 |",
        "| VGG-16 | 15,470,264,320 | 138,357,544 |",
    ]
    assert run(["table", "tiny.yaml", "--dim", "N=2", "--short", "--format", "json"]) == 0
    row = json.loads(capsys.readouterr().out)["Models"][0]
    assert row["macs"] == 2 * 768 and row["weight_bytes"] == 4 * (3 * 4 + 4)
    assert row["peak_activation_bytes"] == costcalc.analyze("tiny.yaml", dims={"N": 2}).totals["peak_activation_bytes"]


def test_update_writes_between_the_markers_only(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.md").write_text(f"before\n{OPEN}\nold\n{CLOSE}\nafter")
    assert run(["table", "--update", "a.md"]) == 0
    assert Path("a.md").read_text() == f"before\n{OPEN}\n{TABLE}{CLOSE}\nafter"
    assert "1 of 1 table rewritten" in capsys.readouterr().out
    assert run(["table", "--check", "a.md"]) == 0
    assert "a.md: 1 table, not stale" in capsys.readouterr().out


def test_check_says_which_line_is_stale_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"1\n{OPEN}\n{TABLE}{CLOSE}\n".replace("768", "767")
    Path("a.md").write_text(text)
    assert run(["table", "--check", "a.md"]) == 1 == run(["table", "--update", "a.md", "--check"])
    out = capsys.readouterr().out
    assert "a.md:6: the table is stale\n  shown  | Tiny | 767 |\n  now    | Tiny | 768 |\n" in out
    assert Path("a.md").read_text() == text


def test_a_model_that_changes_makes_the_table_stale() -> None:
    Path("a.md").write_text(f"{OPEN}\n{TABLE}{CLOSE}\n")
    assert run(["table", "--check", "a.md"]) == 0
    Path("tiny.yaml").write_text(TINY.replace("filters: 4", "filters: 8"))
    assert run(["table", "--check", "a.md"]) == 1


def test_several_tables_several_files_options_and_paths_of_the_file(folder: Path) -> None:
    docs = folder / "docs"
    docs.mkdir()
    marker = '<!-- costcalc:table ../tiny.yaml "../tiny.yaml" vgg16 --columns name,macs --dim N=8 -->'
    (docs / "b.md").write_text(f"{marker}\n{CLOSE}\n\n  {OPEN.replace('tiny', '../tiny')}\n  {CLOSE}\n")
    Path("a.md").write_text(f"{OPEN}\n{CLOSE}\n")
    assert run(["table", "--update", "a.md", "docs/b.md"]) == 0
    text = (docs / "b.md").read_text()
    assert f"| ../tiny.yaml | {8 * 768:,} |" in text, "models of one name are called as they were asked for"
    assert f"  {ROW}\n" in text, "an indent is kept"
    assert ROW in Path("a.md").read_text()


def test_a_file_beside_comes_before_a_built_in_name() -> None:
    Path("vgg16").write_text(TINY)
    Path("a.md").write_text(f"{OPEN.replace('tiny.yaml', 'vgg16')}\n{CLOSE}\n")
    run(["table", "--update", "a.md"])
    assert ROW in Path("a.md").read_text()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_every_other_byte_stays(newline: str, end: str) -> None:
    before, after = b"\xef\xbb\xbfcaf\xe9 \x0b\xe2\x80\xa8 x\r\n\n", b"\r\r\n\xff"
    middle = newline.join([OPEN, "stale", CLOSE]).encode()
    Path("a.md").write_bytes(before + middle + end.encode() + after)
    run(["table", "--update", "a.md"])
    table = TABLE.replace("\n", newline).encode()
    expected = before + OPEN.encode() + newline.encode() + table + CLOSE.encode() + end.encode() + after
    assert Path("a.md").read_bytes() == expected
    assert run(["table", "--check", "a.md"]) == 0


@pytest.mark.parametrize("fence", ["```", "````md", "~~~", "  ```"])
def test_markers_in_code_are_examples(fence: str) -> None:
    closing = fence.removesuffix("md")
    text = f"{fence}\n{OPEN}\n```x\n{CLOSE}\n{closing}\n\n    {OPEN}\nsee `{OPEN}`\n"
    Path("a.md").write_text(text)
    assert run(["table", "--update", "a.md"]) == 0
    assert Path("a.md").read_text() == text
    Path("a.md").write_text(f"{text}\n{OPEN}\n{CLOSE}\n")
    run(["table", "--update", "a.md"])
    assert Path("a.md").read_text() == f"{text}\n{OPEN}\n{TABLE}{CLOSE}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"x\n{OPEN}\n", "a.md:2: the table has no end"),
        ("<!-- costcalc:table lenet5\n", "a.md:1: the marker does not end on its line, or is not alone there"),
        (f"{OPEN} text\n", "a.md:1: the marker does not end on its line, or is not alone there"),
        (f"> {OPEN}\n> {CLOSE}\n", "a.md:1: the marker does not end on its line, or is not alone there"),
        (f"- 1. {OPEN}\n  {CLOSE}\n", "a.md:1: the marker does not end on its line, or is not alone there"),
        (f"{OPEN}\n{CLOSE} text\n", "a.md:2: the marker does not end on its line, or is not alone there"),
        (f"{OPEN}\n{OPEN}\n{CLOSE}\n", "a.md:1: the table has no end"),
        (f"\n\n{CLOSE}\n", "a.md:3: a table is closed that was not opened"),
        ("<!-- costcalc:tabel vgg16 -->\n", "a.md:1: there is no marker costcalc:tabel; write costcalc:table"),
        (f"<!-- costcalc:table -->\n{CLOSE}\n", "a.md:1: Missing argument"),
        (f"<!-- costcalc:table vgg16 --rules x.py -->\n{CLOSE}\n", "a.md:1: No such option"),
        (f"<!-- costcalc:table vgg16 'x -->\n{CLOSE}\n", "a.md:1: the marker is not understood"),
        (f"<!-- costcalc:table mobilnet -->\n{CLOSE}\n", "did you mean 'mobilenet'?"),
        (
            f"<!-- costcalc:table vgg16 --columns mac -->\n{CLOSE}\n",
            "a.md:1: there is no column 'mac'; did you mean 'macs'?",
        ),
        (f"<!-- costcalc:table vgg16 --set q=1 -->\n{CLOSE}\n", "'q'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.md").write_text(f"{OPEN}\n{CLOSE}\n")
    Path("a.md").write_text(text)
    assert run(["table", "--update", "good.md", "a.md"]) == 2
    assert said in capsys.readouterr().err
    assert Path("a.md").read_text() == text
    assert ROW not in Path("good.md").read_text(), "an error changes no file"


def test_options_with_files_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.md").write_text("")
    assert run(["table", "--update", "a.md", "--dim", "N=8"]) == 2
    assert "--dim does not go with --update and --check; write it into the file's marker" in capsys.readouterr().err
    assert run(["table", "--update", "missing.md"]) == 2
    assert run(["table", "--update", "a.md"]) == 0 and "a.md: no table" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_cannot_be_written_is_an_error() -> None:
    Path("a.md").write_text(f"{OPEN}\n{CLOSE}\n")
    Path("a.md").chmod(0o444)
    assert run(["table", "--update", "a.md"]) == 2


def test_the_table_of_built_in_models_is_fresh() -> None:
    page = update_tables(ROOT / "docs" / "index.md", parse_marker)
    assert page.tables >= 1
    assert not page.stale, "run `costcalc table --update docs/index.md`"


@given(st.text(alphabet=" `~<!-/costcalc:table>x\n\r", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = find_tables(text)
    except CostcalcError as error:
        assert int(error.place) >= 1
    else:
        assert all(0 <= r.start <= r.end <= len(text) for r in found)
