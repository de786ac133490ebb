"""costcalc sweep on the command line: tables, formats, what is refused, an interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from support.cli import call, run


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert run(["sweep", *args]) == code
    return capsys.readouterr().out


MOBILE = ("mobilenet", "--set", "alpha=0.5:1:0.25", "--set", "resolution=128,224")


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, *MOBILE, "--sort", "macs:desc", "--top", "2", "--columns", "alpha,resolution,macs,params")
    assert text.splitlines() == [
        "MobileNet v1",
        "",
        "alpha  resolution         MACs     Params",
        "    1         224  568,740,352  4,231,976",
        " 0.75         224  325,400,448  2,585,560",
        "",
        "Rows  2 of 6 combinations",
        "Note  N = 1 by default (--dim N=…)",
    ]


def test_the_greatest_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("mobilenet", "--set", "resolution=32:512:32", "--maximize", "resolution", "--subject-to", "macs <= 100M")
    document = json.loads(out(capsys, *asked, "--format", "json"))["sweep"]
    assert [row["resolution"] for row in document["rows"]] == [64]
    assert (document["points"], document["model"]) == (16, "MobileNet v1")
    assert run(["sweep", *asked[:-1], "macs <= 1"]) == 2
    assert "none of the 16 combinations fits" in capsys.readouterr().err


def test_formats_agree(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out(capsys, *MOBILE, "--format", "json"))["sweep"]["rows"]
    assert [json.loads(line) for line in out(capsys, *MOBILE, "--format", "jsonl").splitlines()] == rows
    header, *lines = out(capsys, *MOBILE, "--format", "csv").splitlines()
    assert header.split(",")[:3] == ["alpha", "resolution", "macs"] and len(lines) == 6
    assert [int(line.split(",")[2]) for line in lines] == [row["macs"] for row in rows]
    ordered = out(capsys, *MOBILE, "--format", "csv", "--sort", "params,-macs").splitlines()
    assert ordered[0] == header and sorted(ordered[1:]) == sorted(lines)
    assert "| alpha |" in out(capsys, *MOBILE, "--format", "markdown")
    assert "<table" in out(capsys, *MOBILE, "--format", "html")


def test_figures_that_are_not_asked_for_are_not_computed(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*MOBILE, "--columns", "alpha,macs")
    assert out(capsys, *asked, "--format", "csv").splitlines()[:2] == ["alpha,macs", "0.5,49160192"]
    assert "2 of 6" in out(capsys, *asked, "--where", "peak_activation_bytes <= 1.5MiB")


def test_columns_of_symbols_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Their capitals are the model's; where one column is meant, the case does not matter."""
    asked = ("resnet18", "--dim", "N=1,2", "--dim", "H=64", "--dim", "W=64", "--format", "csv")
    assert out(capsys, *asked, "--columns", "N,H,params").splitlines() == [
        "N,H,params",
        "1,64,11689512",
        "2,64,11689512",
    ]
    wanted = out(capsys, *asked, "--columns", "N,peak_activation_bytes")
    assert out(capsys, *asked, "--columns", "n,PEAK_activation_bytes") == wanted


def test_what_has_one_value_is_a_column_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns follow from the names, so that files of several sweeps have the same; a table tells it below."""
    asked = ("mobilenet", "--set", "alpha=0.5", "--set", "resolution=128,224")
    header, *lines = out(capsys, *asked, "--format", "csv").splitlines()
    assert header.startswith("alpha,resolution,macs,") and [line[:8] for line in lines] == ["0.5,128,", "0.5,224,"]
    assert "2 of 2" in out(capsys, *asked, "--where", "alpha < 1")
    text = out(capsys, *asked)
    assert text.splitlines()[2].split()[:2] == ["resolution", "MACs"] and "Given  alpha = 0.5" in text


def test_any_quantity_under_any_settings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition, a goal and a column measure what they name; ≥ and ≈ stand before bounds and estimates."""
    monkeypatch.setenv("COLUMNS", "120")
    asked = (*MOBILE, "--dtype", "int8", "--act-dtype", "int8", "--fuse", "--hardware", "t4")
    limits = ("--where", "time.t4 < 3us and arena_bytes < 256KiB", "--pareto", "time.t4,params:max")
    text = out(capsys, *asked, *limits, "--columns", "alpha,resolution,params,arena_bytes,time.t4,energy.t4")
    header, *rows = text.splitlines()[2 : text.splitlines().index("", 2)]
    assert header.split() == ["alpha", "resolution", "Params", "Arena", "Time", "t4", "Energy", "t4"]
    assert [row.split()[:2] for row in rows] == [["0.5", "128"]] and " ≥ 709 ns  ≈ 13.0 µJ" in rows[0]
    monkeypatch.setenv("COLUMNS", "160")
    table = out(capsys, *asked)
    assert "Time t4" in table and "Energy t4" in table and "Fits t4" in table and "Arena" not in table
    lines = out(capsys, *asked, "--format", "csv").splitlines()
    assert lines[0].split(",")[10:] == [
        "time.t4",
        "energy.t4",
        "fits.t4",
        "lower_bound",
        "upper_bound",
        "certainty",
        "refused",
        "error",
    ]
    assert lines[1].endswith(',true,false,false,"{""time.t4"": ""lower"", ""energy.t4"": ""estimate""}",,')


def test_a_setting_varies(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*MOBILE, "--vary", "dtype=int8,null", "--vary", "fuse=true,false", "--top", "4", "--format", "jsonl")
    rows = [json.loads(line) for line in out(capsys, *asked, "--columns", "alpha,dtype,fuse,weight_bytes").splitlines()]
    assert [(row["dtype"], row["fuse"]) for row in rows] == [
        ("int8", True),
        ("int8", False),
        (None, True),
        (None, False),
    ]
    assert rows[0]["weight_bytes"] == rows[1]["weight_bytes"] < rows[2]["weight_bytes"]


def test_why_a_figure_is_missing_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(out(capsys, *MOBILE, "--columns", "alpha,kv_cache_bytes,memory_bytes,macs").split())
    assert "– – 568,740,352" in text and "Rows 6 of 6 combinations No figure" in text
    assert "alpha=0.5, resolution=128 and 5 more: kv_cache_bytes, memory_bytes: the model generates nothing" in text


def test_a_sample_says_what_it_is_drawn_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Rows  2 of 2 combinations drawn from 6\n" in out(capsys, *MOBILE, "--sample", "2")


def test_a_table_ends_where_nobody_reads(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costcalc.views.sweep.MAX_ROWS", 2)
    text = out(capsys, *MOBILE, "--columns", "alpha,macs")
    assert text.count("\n  0.5  ") == 2 and "0.75" not in text
    assert "Rows   6 of 6 combinations\nShown  the first 2 rows" in text
    assert len(out(capsys, *MOBILE, "--format", "csv").splitlines()) == 7


def test_reasons_stand_below_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, at any width, and each once."""
    monkeypatch.setenv("COLUMNS", "60")
    text = " ".join(out(capsys, "mobilenet", "--set", "alpha=x,1", "--set", "classes=10,20").split())
    assert "Invalid alpha=x, classes=10 and 1 more: mobilenet_v1.yaml:" in text and "Error" not in text
    text = out(capsys, "bert_base", "--dim", "seq=512:520")
    assert text.count("Invalid  seq=") == 3 and "Invalid  5 more reasons" in text
    assert run(["sweep", "mobilenet", "--set", "alpha=x,1", "--set", "classes=10,20", "--strict"]) == 2
    assert "(alpha=x, classes=10)" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "markdown", "html", "svg"])
@pytest.mark.parametrize(
    "selection",
    [[], ["--pareto", "macs,params"], ["--sort", "macs"], ["--where", "macs > 1"], ["--columns", "alpha,macs"]],
    ids=" ".join,
)
def test_a_sweep_without_a_valid_model_says_so(
    form: str, selection: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, text, err = call(capsys, "sweep", "mobilenet", "--set", "alpha=-1,-2", "--format", form, *selection)
    assert code == 2
    assert "none of the 2 combinations is a valid model: alpha=-1: mobilenet_v1.yaml:" in err
    if form not in ("csv", "jsonl", "svg"):
        assert "alpha=-1" in text and "filters" in text, "the table says why, though a condition took all rows out"


def test_an_optimum_of_no_valid_model_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "sweep", "mobilenet", "--set", "alpha=-1,-2", "--minimize", "macs")
    assert code == 2 and "none of the 2 combinations fits; one is no valid model: alpha=-1: mobilenet_v1.yaml:" in err


def test_rows_that_are_left_out_say_why_they_are_invalid(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(out(capsys, "mobilenet", "--set", "alpha=-1,-2,1", "--top", "1", "--sort", "macs").split())
    assert "1 of 3 combinations, 2 invalid" in text and "Invalid alpha=-1: mobilenet_v1.yaml:" in text
    assert "(1 of 2)" in text


def test_invalid_combinations_are_rows(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("alexnet", "--set", "resolution=8,224")
    text = out(capsys, *asked)
    assert "2 of 2 combinations, 1 invalid" in text and "?" in text
    rows = json.loads(out(capsys, *asked, "--format", "json"))["sweep"]["rows"]
    assert rows[0]["macs"] is None and "the kernel reaches over 11" in rows[0]["error"] and rows[1]["error"] is None
    assert run(["sweep", *asked, "--strict"]) == 2
    assert "the kernel reaches over 11" in capsys.readouterr().err
    out(capsys, "alexnet", "--set", "resolution=8,9", code=2)
    out(capsys, "alexnet", "--set", "resolution=8,9", "--format", "csv", code=2)


def test_a_plot(capsys: pytest.CaptureFixture[str]) -> None:
    """Six points: the cheapest in the lower left corner, the dearest in the upper right one."""
    lines = out(capsys, *MOBILE, "--plot", "macs,peak_activation_bytes").splitlines()
    assert lines[0] == "peak_activation_bytes over macs"
    plot = [line.partition("┤")[2] or line.partition("│")[2] for line in lines[1:17]]
    assert sum(len(line.replace(" ", "")) for line in plot) == 6
    assert plot[-1].startswith("·") and max(map(len, plot)) == len(plot[0]) == lines[17].count("─")
    assert run(["sweep", *MOBILE, "--plot", "macs"]) == 2
    assert "name two" in capsys.readouterr().err


def test_a_plot_as_a_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By the file's ending; of MACs and a quotient, and the front is that of the goals."""
    pytest.importorskip("matplotlib")
    for goals, told in (("macs,resolution:max", "4 of 8 are"), ("macs,macs/params", "1 of 8 is")):
        asked = (*MOBILE[:1], "--set", "alpha=0.5,1", "--set", "resolution=96:192:32", "--plot", goals)
        for ending, mark in (("svg", "<svg"), ("html", '"points":')):
            assert out(capsys, *asked, "-o", str(tmp_path / f"p.{ending}")) == ""
            page = (tmp_path / f"p.{ending}").read_text()
            assert mark in page and (ending == "html" or f"{told} beaten by no other" in page)
            drawn = page.partition('"points":[[')[2].partition("]]")[0] + "]"
            assert ending == "svg" or drawn.count(",true]") == int(told[0])
    assert out(capsys, *asked, "-o", str(tmp_path / "p.png")) == ""
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_ending_names_the_format(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for ending in ("csv", "jsonl", "json", "svg"):
        assert out(capsys, *MOBILE, "-o", str(tmp_path / f"s.{ending}")) == ""
        assert (tmp_path / f"s.{ending}").read_text() == out(capsys, *MOBILE, "--format", ending)
    out(capsys, *MOBILE, "-o", str(tmp_path / "s.txt"))
    assert (tmp_path / "s.txt").read_text() == out(capsys, *MOBILE)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("mobilenet", "--set", "alfa=1,2"), "did you mean 'alpha'"),
        (("mobilenet", "--set", "alpha=1:2:0"), "holds nothing"),
        (("mobilenet", "--set", "alpha=0.5:1"), "has no step"),
        (("mobilenet", "--set", "alpha="), "is not understood"),
        (("mobilenet", "--dim", "Q=1,2"), "no symbol 'Q'"),
        (("mobilenet", "--where", "macs = 3"), "write == to compare"),
        (("mobilenet", "--columns", "mac"), "did you mean 'macs'"),
        (("mobilenet", "--pareto", "macs,speed"), "there is no column 'speed'"),
        (("mobilenet", "--subject-to", "macs < 3"), "stands alone"),
        (("mobilenet", "--where", "time < 5ms"), "write time.t4"),
        (("mobilenet", "--sort", "time.t5"), "no hardware profile 't5'"),
        (("mobilenet", "--columns", "energy"), "write energy.t4"),
        (("mobilenet", "--vary", "fuze=true"), "did you mean 'fuse'"),
        (("mobilenet", "--optimizer", "sgd"), "add --training"),
        (("mobilenet", "--maximize", "macs", "--minimize", "macs"), "stand together"),
        (("mobilenet", "--resume"), "--resume goes on with a file"),
        (("mobilenet", "--plot", "macs,params", "--format", "csv"), "csv is for programs"),
        (("mobilenet", "--plot", "macs,params", "-o", "x.jsonl"), "jsonl is for programs"),
        (
            ("mobilenet", "-o", "x.xlsx"),
            "name a file that ends in .json, .csv, .jsonl, .parquet, .md, .html, .svg, .png,",
        ),
        (("mobilenet", "--format", "parquet"), "Parquet is a file; name it with -o"),
        (("mobilenet", "--executor", "spark://h:1"), "is no address of an executor; write dask://HOST:8786"),
        (("mobilenet", "--executor", "dask://h:99999"), "is no address of an executor"),
        (("mobilenet", "--executor", "dask://h", "--jobs", "2"), "--executor has its own workers"),
        (("mobilenet", "--plot", "macs,params", "--where", "macs < 1", "--format", "svg"), "no row is left"),
        (("nothing.yaml", "--set", "a=1,2"), "no file and no built-in model"),
        (("mobilenet", "--format", "csv", "-o", "/nonexistent/x.csv"), "cannot be written"),
    ],
)
def test_what_is_refused(args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", *args]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "csv", "jsonl", "json", "markdown"])
def test_a_condition_that_keeps_nothing_is_told(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", *MOBILE, "--where", "macs < 1M", "--format", form]) == 0
    assert capsys.readouterr().err == "costcalc: none of the 6 combinations meets --where 'macs < 1M'\n"
    assert run(["sweep", *MOBILE, "--where", "macs < 1G", "--format", form]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("package", "args", "extra"),
    [("pyarrow", ("-o", "x.parquet"), "parquet"), ("distributed", ("--executor", "dask://127.0.0.1"), "dask")],
)
def test_a_package_that_is_missing_is_told_before_anything_is_computed(
    package: str, args: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert run(["sweep", *MOBILE, *args]) == 2
    assert f"needs the package {package}; pip install 'costcalc[{extra}]'" in capsys.readouterr().err


def test_an_interruption_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "part.csv"
    command = [
        sys.executable,
        "-m",
        "costcalc",
        "sweep",
        "mobilenet_v2",
        "--set",
        "alpha=0.25:1.25:0.005",
        "--set",
        "resolution=96:224:8",
        "--jobs",
        "2",
        "--format",
        "csv",
        "-o",
        str(path),
    ]
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what runs in a shell's background ignores it
    child = subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=listens)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (path.exists() and path.read_bytes().count(b"\n") > 40):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    content = path.read_bytes()
    assert child.returncode == 130 and said.strip() == b""
    assert 40 < content.count(b"\n") < 201 * 17 and content.endswith(b",false,false,,,\n")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_reader_that_has_enough_is_no_failure(form: str) -> None:
    """More rows than a pipe holds, of which one is read."""
    command = [sys.executable, "-m", "costcalc", "sweep", "lenet5", "--dim", "N=1:200000", "--format", form]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr.read() == b"" and child.wait(60) == 141


def test_what_must_fit_is_that_of_fused_steps(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("lenet5", "--dim", "N=1,2", "--hardware", "stm32h743")
    assert "Fits  with the activations of fused steps" in out(capsys, *asked)
    assert "of fused steps" not in out(capsys, *asked, "--fuse")
