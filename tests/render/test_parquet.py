"""Parquet: the figures of JSON lines, in one file or a folder of parts; numbers beyond 64 bits; files that are gone on
with."""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.cli import run

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'costcalc[parquet]'")
from costcalc.core.errors import UsageError  # noqa: E402
from costcalc.render import parquet as rendering  # noqa: E402
from costcalc.studies.sweep import sweep as sweeps  # noqa: E402
from costcalc.studies.sweep.executor import row_blocks  # noqa: E402

SWEEP = ("sweep", "mobilenet_v1", "--set", "alpha=0.25:1.0:0.25", "--set", "resolution=1,96,128", "--dim", "N=1,8")


def rows_of(path: Path) -> list[dict[str, Any]]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return [row for file in files for row in parquet.ParquetFile(file).read().to_pylist()]


def json_rows(folder: Path, *args: str) -> list[dict[str, Any]]:
    path = folder / "rows.jsonl"
    assert run([*args, "-o", str(path)]) == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def content(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def small_parts(monkeypatch: pytest.MonkeyPatch, rows: int = 10, group: int = 2) -> None:
    monkeypatch.setattr(rendering, "PART_ROWS", rows)
    monkeypatch.setattr(rendering, "GROUP_ROWS", group)


@pytest.mark.parametrize(
    "extra",
    [
        (),
        ("--where", "macs < 100M"),
        ("--sort", "macs:desc", "--top", "4"),
        ("--columns", "alpha,macs"),
        ("--hardware", "t4"),
    ],
)
def test_rows_are_those_of_json_lines(extra: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    assert run([*SWEEP, *extra, "-o", str(path)]) == 0
    expected = json_rows(tmp_path, *SWEEP, *extra)
    for row in expected:
        for name in {"certainty", "refused"} & set(row):
            row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False)
    assert rows_of(path) == expected and len(expected) >= 4


def test_each_column_has_one_type(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    assert run([*SWEEP, "--hardware", "t4", "-o", str(path)]) == 0
    types = {field.name: str(field.type) for field in parquet.read_schema(path)}
    assert (types["alpha"], types["resolution"], types["N"]) == ("double", "int64", "int64")
    assert (types["macs"], types["time.t4"], types["fits.t4"]) == ("int64", "double", "bool")
    assert (types["lower_bound"], types["error"], types["certainty"]) == ("bool", "string", "string")
    assert parquet.read_schema(path).metadata[b"model"] == b"MobileNet v1"


def test_many_rows_are_a_folder_of_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    path = tmp_path / "rows.parquet"
    assert run([*SWEEP, "-o", str(path)]) == 0
    parts = sorted(path.iterdir())
    assert [part.name for part in parts] == [f"part-{i:05d}.parquet" for i in range(3)]
    files = [parquet.ParquetFile(part) for part in parts]
    assert [file.metadata.num_rows for file in files] == [10, 10, 4]
    assert [file.metadata.num_row_groups for file in files] == [5, 5, 2]
    assert [row["macs"] for row in rows_of(path)] == [row["macs"] for row in json_rows(tmp_path, *SWEEP)]


def test_parts_do_not_depend_on_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch, rows=40, group=8)
    asked = ("sweep", "lenet5", "--set", "classes=1:90", "-o")
    assert run([*asked, str(tmp_path / "one"), "--format", "parquet", "--jobs", "1"]) == 0
    assert run([*asked, str(tmp_path / "two"), "--format", "parquet", "--jobs", "2"]) == 0
    assert content(tmp_path / "one") == content(tmp_path / "two") and len(content(tmp_path / "one")) == 3


@pytest.mark.parametrize(
    ("batch", "type_"),
    [(2**40, "int64"), (10**15, "decimal128(38, 0)"), (10**35, "string")],
)
def test_numbers_beyond_64_bits_stay_exact(
    batch: int, type_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.parquet"
    assert run(["sweep", "lenet5", "--dim", f"N=1,{batch}", "-o", str(path)]) == 0
    told = capsys.readouterr().err
    one, many = rows_of(path)
    assert int(many["macs"]) == batch * int(one["macs"]) and int(one["macs"]) > 2**18
    assert type(many["macs"]) is {"int64": int, "decimal128(38, 0)": Decimal, "string": str}[type_]
    field = parquet.read_schema(path).field("macs")
    assert str(field.type) == type_ and (field.metadata is None) == (type_ == "int64")
    assert (f"macs ({type_})" in told) == (type_ != "int64")


def test_a_number_that_comes_late_widens_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The greatest stand in the middle, where the first and the last row do not show them."""
    small_parts(monkeypatch, rows=6, group=3)
    path = tmp_path / "rows.parquet"
    batches = [*range(1, 10), 10**15, 2, 10**34, *range(11, 20)]
    asked = ("sweep", "lenet5", "--dim", "N=" + ",".join(map(str, batches)))
    assert run([*asked, "-o", str(path)]) == 0
    rows = rows_of(path)
    assert [int(row["macs"]) for row in rows] == [n * int(rows[0]["macs"]) for n in dict.fromkeys(batches)]
    assert {str(parquet.read_schema(part).field("macs").type) for part in path.iterdir()} == {"string"}
    assert {str(parquet.read_schema(part).field("params").type) for part in path.iterdir()} == {"int64"}
    assert [file for file in path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("rows", [6, 1000])
@pytest.mark.parametrize("extra", [(), ("--where", "macs < 300M"), ("--sample", "17", "--seed", "4")])
def test_an_interrupted_file_is_gone_on_with(
    rows: int, extra: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch, rows)
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    assert run([*SWEEP, *extra, "-o", str(whole)]) == 0
    original = row_blocks
    for last in (0, 1, 6, 11, 17):

        def interrupted(recipe: Any, numbers: Any, *rest: Any, last: int = last) -> Any:
            yield from original(recipe, numbers[:last], *rest)
            raise KeyboardInterrupt

        monkeypatch.setattr(sweeps, "row_blocks", interrupted)
        assert run([*SWEEP, *extra, "-o", str(part)]) == 130
        assert len(rows_of(part)) <= last
        monkeypatch.setattr(sweeps, "row_blocks", original)
        assert run([*SWEEP, *extra, "-o", str(part), "--resume"]) == 0
        assert rows_of(part) == rows_of(whole)
        assert list(content(part).values()) == list(content(whole).values())
    assert run([*SWEEP, *extra, "-o", str(part), "--resume"]) == 0
    assert list(content(part).values()) == list(content(whole).values())


@pytest.mark.parametrize("rows", [6, 1000])
@pytest.mark.parametrize(("owner", "step"), [(rendering.ParquetWriter, "_write_group"), (Path, "replace")])
@pytest.mark.parametrize("is_done", [False, True])
def test_an_interruption_of_a_write_loses_no_rows(
    rows: int, owner: type, step: str, is_done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after each row group and each rename, those of a rewrite with wider columns too; then it is gone on
    with."""
    small_parts(monkeypatch, rows, 3)
    asked = ("sweep", "lenet5", "--dim", "N=" + ",".join(map(str, [*range(1, 10), 10**15, 2, *range(11, 20)])))
    whole = tmp_path / "whole.parquet"
    assert run([*asked, "-o", str(whole)]) == 0
    original = getattr(owner, step)
    for last in range(100):
        path, calls = tmp_path / f"{last}.parquet", 0

        def interrupted(self: Any, *args: Any, last: int = last) -> Any:
            nonlocal calls
            calls += 1
            if calls == last + 1 and not is_done:
                raise KeyboardInterrupt
            answer = original(self, *args)
            if calls == last + 1:
                raise KeyboardInterrupt
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(owner, step, interrupted)
            code = run([*asked, "-o", str(path)])
        if code == 0:
            break
        assert code == 130
        kept = [int(row["N"]) for row in rows_of(path)] if path.exists() else []
        assert kept == [int(row["N"]) for row in rows_of(whole)][: len(kept)]
        assert run([*asked, "-o", str(path), "--resume"]) == 0
        assert content(path).keys() == (content(whole).keys() if path.is_dir() else {path.name})
        assert list(content(path).values()) == list(content(whole).values())
    assert calls == last > 0


def test_an_interrupted_rewrite_on_resume_keeps_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of the last part are written again before others follow; until then the part stays."""
    small_parts(monkeypatch, 1000, 3)
    path = tmp_path / "rows.parquet"
    assert run([*SWEEP, "-o", str(path)]) == 0
    before, original, calls = path.read_bytes(), rendering.ParquetWriter._write_group, 0

    def interrupted(self: Any, group: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        original(self, group)

    monkeypatch.setattr(rendering.ParquetWriter, "_write_group", interrupted)
    assert run([*SWEEP, "-o", str(path), "--resume"]) == 130
    assert path.read_bytes() == before


@pytest.mark.parametrize(("name", "text"), [("pyarrow", "costcalc[parquet]"), ("libarrow_core", "No module named")])
def test_a_broken_package_is_not_said_to_be_missing(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_spec(self, wanted: str, *_: Any) -> None:
            if wanted == "pyarrow":
                raise ImportError(f"No module named {name}", name=name)

    monkeypatch.delitem(sys.modules, "pyarrow")
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises((ImportError, UsageError), match=re.escape(text)):
        rendering._import_pyarrow()


def test_a_file_of_another_sweep_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.parquet"
    assert run([*SWEEP, "-o", str(path)]) == 0
    before = path.read_bytes()
    others = {
        "its columns differ": [*SWEEP, "--hardware", "t4"],
        "has no value": [*SWEEP[:-1], "N=1,9"],
        "gives other figures": ["sweep", "mobilenet_v2", *SWEEP[2:]],
        "columns of all that varies": [*SWEEP, "--columns", "macs"],
    }
    for said, args in others.items():
        assert run([*args, "-o", str(path), "--resume"]) == 2
        assert said in capsys.readouterr().err and path.read_bytes() == before
    path.write_bytes(before[:-9])
    assert run([*SWEEP, "-o", str(path), "--resume"]) == 2
    assert "is no Parquet file" in capsys.readouterr().err and path.read_bytes() == before[:-9]


def test_what_stands_in_the_way_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_parts(monkeypatch)
    folder = tmp_path / "rows.parquet"
    folder.mkdir()
    (folder / "thesis.tex").write_text("all of it")
    assert run([*SWEEP, "-o", str(folder)]) == 2
    assert "holds other files: thesis.tex" in capsys.readouterr().err and (folder / "thesis.tex").exists()
    (tmp_path / "file.parquet").write_text("x")
    assert run([*SWEEP, "-o", str(tmp_path / "file.parquet")]) == 2
    assert "what is written is a folder" in capsys.readouterr().err
    assert run([*SWEEP, "--format", "parquet"]) == 2
    assert "name it with -o" in capsys.readouterr().err
    assert run([*SWEEP, "-o", str(tmp_path / "missing" / "file.csv")]) == 2
