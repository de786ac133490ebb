"""The command line: what it prints, its exit codes, and that nobody ever sees a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner
from support.cli import environment, ok
from support.paths import DATA

from costcalc import __version__
from costcalc.cli import app as run
from costcalc.cli.group import cli

STANDARD = """
name: standard
input: [N, 3, 6, 6]
layers:
  - conv: {filters: 5, kernel: 3, bias: false}
"""
SEPARABLE = """
name: separable
params: {filters: 5}
input: [N, 3, 6, 6]
layers:
  - depthwise_conv: {kernel: 3, bias: false}
  - pointwise_conv: {filters: filters, bias: false}
"""
SEQUENCE = """
name: sequence
input: [N, seq, 64]
layers:
  - linear: {units: 10, bias: false}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_terminal: None) -> None:
    for name, text in (("standard", STANDARD), ("separable", SEPARABLE), ("sequence", SEQUENCE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)


def process(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "costcalc", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**more), encoding="utf-8")


def totals(*args: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(ok("analyze", *args, "--format", "json"))["models"][0]["totals"]
    return found


def test_analyze() -> None:
    text = ok("analyze", "standard.yaml")
    assert "2,160" in text and "Accounted for" in text and "\x1b" not in text


def test_options_reach_the_model() -> None:
    assert totals("standard.yaml")["macs"] == 2160
    assert totals("standard.yaml", "--dim", "N=8")["macs"] == 8 * 2160
    assert totals("standard.yaml", "--shape", "input=2,3,8,8")["macs"] == 2 * 27 * 36 * 5
    assert totals("separable.yaml", "--set", "filters=7")["macs"] == 432 + 3 * 16 * 7
    assert totals("sequence.yaml")["macs"] == "640*seq"
    assert totals("sequence.yaml", "--dim", "seq=7")["macs"] == 4480
    assert "N" in str(totals("standard.yaml", "--symbolic")["macs"])


def test_json_is_the_contract() -> None:
    content = json.loads(ok("analyze", "standard.yaml", "separable.yaml", "--format", "json"))
    assert content["format_version"] == 1 and content["costcalc"] == __version__
    assert [model["name"] for model in content["models"]] == ["standard", "separable"]
    layer = content["models"][0]["layers"][0]
    assert (layer["op_type"], layer["macs"], layer["outputs"][0]["shape"]) == ("Conv", 2160, [1, 5, 4, 4])
    grouped = json.loads(ok("analyze", "standard.yaml", "--format", "json", "--by", "op"))["models"][0]
    assert grouped["groups"]["by"] == "op" and grouped["groups"]["rows"][0]["op"] == "Conv"
    assert grouped["layers"] == content["models"][0]["layers"]


def test_columns_sort_top_and_csv() -> None:
    text = ok("analyze", "separable.yaml", "--columns", "name,macs", "--sort", "macs", "--top", "1", "--format", "csv")
    assert next(csv.reader(io.StringIO(text))) == ["name", "macs"]
    assert [row["macs"] for row in csv.DictReader(io.StringIO(text))] == ["432"]


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html"])
def test_every_format_of_compare_and_a_file(form: str) -> None:
    ok("compare", "separable.yaml", "standard.yaml", "--format", form, "-o", "out")
    assert Path("out").read_text(encoding="utf-8") == ok("compare", "separable.yaml", "standard.yaml", "--format", form)


def test_compare() -> None:
    assert "2,160  3.21×" in ok("compare", "separable.yaml", "standard.yaml")
    content = json.loads(ok("compare", "separable.yaml", "standard.yaml", "--format", "json"))["comparison"]
    macs = {"value": 2160, "lower_bound": False, "ratio": 2160 / 672, "certainty": "exact"}
    assert content["totals"]["macs"][1] == macs


def test_explain() -> None:
    assert "#filter params × #filter positions × #filters = 27 × 16 × 5 = 2,160" in ok("explain", "standard.yaml")
    assert "672 / 2,160 = 1/5 + 1/9" in ok("explain", "separable.yaml")
    assert "9 × 16 × 3 = 432" in ok("explain", "separable.yaml", "depthwise")
    assert json.loads(ok("explain", "separable.yaml", "--format", "json"))["explanation"]["model"] == "separable"


def test_ops() -> None:
    rows = {row["op"]: row["state"] for row in csv.DictReader(io.StringIO(ok("ops", "--format", "csv")))}
    assert rows["Conv"] == "costed" and rows["Flatten"] == "free"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("analyze", "lenet55"), "no built-in model"),
        (("analyze", "notes.txt"), ""),
        (("analyze", "standard.yaml", "--dim", "N"), "N=8"),
        (("analyze", "standard.yaml", "--dim", "N=-1"), "at least 0"),
        (("analyze", "standard.yaml", "--shape", "input=1,,2"), "x=1,3,224,224"),
        (("analyze", "standard.yaml", "--columns", "prams"), "did you mean 'params'"),
        (("analyze", "standard.yaml", "-o", "no/such/folder/out"), "cannot be written"),
        (("analyze", "standard.yaml", "--by", "color"), "--by"),
        (("analyze",), "MODEL"),
        (("compare", "standard.yaml"), "two or more"),
        (("explain", "standard.yaml", "pool"), "no layer 'pool'"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_wrong_input_is_one_message_and_exit_2(args: tuple[str, ...], says: str) -> None:
    Path("notes.txt").write_text("these are no layers")
    done = process(*args)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip() and "Traceback" not in done.stderr and says in done.stderr


def test_strict_refuses_unknown_operators() -> None:
    helper = onnx.helper
    value = [helper.make_tensor_value_info(n, 1, [1, 4]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Mystery", ["x"], ["y"], domain="com.acme")], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), "mystery.onnx")
    loose = process("analyze", "mystery.onnx")
    assert loose.returncode == 0 and "≥" in loose.stdout and "com.acme:Mystery" in loose.stdout
    strict = process("analyze", "mystery.onnx", "--strict")
    assert strict.returncode == 2 and "com.acme:Mystery" in strict.stderr


def test_a_crash_is_exit_2_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by our own fault")

    monkeypatch.setattr("costcalc.api.analyze_settings", crash)
    assert run.run(["analyze", "standard.yaml"]) == 2
    shown = capsys.readouterr().err
    assert "bug in costcalc (ZeroDivisionError: by our own fault)" in shown and "Traceback" not in shown
    assert run.run(["analyze", "standard.yaml", "--debug"]) == 2, "1 would be a verdict"
    shown = capsys.readouterr().err
    assert "bug in costcalc (ZeroDivisionError: by our own fault)" in shown and "Traceback" in shown


def test_a_closed_pipe_is_quiet() -> None:
    layers = "  - relu\n" * 3000
    Path("long.yaml").write_text(f"input: [N, 3]\nlayers:\n{layers}")
    command = f"'{sys.executable}' -m costcalc analyze long.yaml | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    assert done.stdout.startswith("long") and done.stderr == ""


def test_a_screen_without_unicode() -> None:
    done = process("analyze", "standard.yaml", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout.isascii() and "1x5x4x4" in done.stdout


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "html", "json"])
def test_no_format_loses_a_sign(form: str) -> None:
    Path("signs.yaml").write_text("name: signs ×\ninput: [N, 3]\nlayers: [relu]\n", encoding="utf-8")
    done = process("analyze", "signs.yaml", "--format", form, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout.isascii() and "?" not in done.stdout
    if form == "json":
        assert json.loads(done.stdout)["models"][0]["name"] == "signs ×"


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1", "TERM": "xterm-256color"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours(plain: dict[str, str]) -> None:
    assert "\x1b[" in terminal(TERM="xterm-256color")
    assert "\x1b[" not in terminal(**plain)


def terminal(**more: str) -> str:
    """What a terminal of our own shows."""
    ours, theirs = os.openpty()
    variables = {
        k: v for k, v in environment(**more).items() if k not in {"NO_COLOR", "FORCE_COLOR", "COLORTERM"} - set(more)
    }
    command = [sys.executable, "-m", "costcalc", "analyze", "standard.yaml"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=variables) as started:
        os.close(theirs)
        found = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux ends a terminal so
                break
            if not part:
                break
            found += part
    os.close(ours)
    assert started.returncode == 0 and b"2,160" in found
    return found.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    "args",
    ["analyze standard.yaml", "analyze standard.yaml --format json", "--help", "explain standard.yaml", "models"],
)
def test_a_full_disk_is_no_bug_of_ours(args: str) -> None:
    for redirect, says in (("> /dev/full", "No space left"), (">&-", "")):
        command = f"'{sys.executable}' -m costcalc {args} {redirect}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
        assert "bug" not in done.stderr and "Exception" not in done.stderr
        if says:
            assert done.returncode == 2
            assert "cannot write to standard output: No space left" in done.stderr


def test_a_dash_is_standard_output() -> None:
    assert ok("analyze", "standard.yaml", "-o", "-") == ok("analyze", "standard.yaml")
    assert not Path("-").exists()


def test_export_to_standard_output() -> None:
    ok("export", "standard.yaml", "-o", "standard.onnx", "--weights", "random")
    result = CliRunner().invoke(cli, ["export", "standard.yaml", "-o", "-", "--weights", "random"])
    assert result.exit_code == 0 and result.stdout_bytes == Path("standard.onnx").read_bytes()
    assert not Path("-").exists()


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_the_table_fits_columns(columns: str) -> None:
    done = process("analyze", "separable.yaml", COLUMNS=columns)
    assert max(map(len, done.stdout.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("args", "never"),
    [
        (
            ("--version",),
            ("yaml", "rich", "onnx", "numpy", "costcalc.ops", "costcalc.render", "costcalc.analysis.report"),
        ),
        (("analyze", "--help"), ("yaml", "rich", "onnx", "numpy", "costcalc.ops")),
        (("analyze", "standard.yaml"), ("rich", "onnx", "numpy", "zlib", "array", "unicodedata")),
        (
            ("analyze", str(DATA / "pt2" / "networks_classifier.pt2")),
            ("yaml", "rich", "onnx", "numpy", "costcalc.frontends.pytorch.translate.attention"),
        ),
    ],
)
def test_what_is_not_imported(args: tuple[str, ...], never: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom costcalc.cli.app import run\n"
        f"run({list(args)!r})\n"
        f"assert not [m for m in {never!r} if m in sys.modules], sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr


def test_the_shell_completes_model_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from costcalc.cli.parameters import Model
    from costcalc.frontends.builtin import ModelInfo

    infos = (ModelInfo("mobilenet_v1", Path("m"), "MobileNet", "arXiv", ("mobilenet",)),)
    monkeypatch.setattr("costcalc.frontends.builtin.builtin_models", lambda: infos)
    items = Model().shell_complete(None, None, "mob")  # type: ignore[arg-type]
    assert [item.value for item in items] == ["mob", "mobilenet_v1", "mobilenet"]
    assert items[0].type == "file"


def test_a_name_need_only_be_one_models() -> None:
    both = ("separable.yaml", "sequence.yaml")
    bound = ("--dim", "seq=7", "--set", "filters=7")
    found = json.loads(ok("compare", *both, *bound, "--format", "json"))["comparison"]["totals"]["macs"]
    assert [entry["value"] for entry in found] == [432 + 3 * 16 * 7, 640 * 7]
    for jobs in ("1", "2"):
        models = json.loads(ok("analyze", *both, *bound, "--format", "json", "--jobs", jobs))["models"]
        assert [model["totals"]["macs"] for model in models] == [432 + 3 * 16 * 7, 640 * 7]


@pytest.mark.parametrize("command", ["analyze", "compare"])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--dim", "sek=7"), "no symbol 'sek'; did you mean 'seq'?"),
        (("--set", "filter=7"), "no parameter 'filter'; did you mean 'filters'?"),
        (("--shape", "x=1,2"), "no input 'x'"),
        (("--value", "n=3"), "--value is for ONNX models"),
    ],
)
def test_a_name_that_no_model_has_is_refused(command: str, given: tuple[str, ...], says: str) -> None:
    done = process(command, "separable.yaml", "sequence.yaml", *given)
    assert done.returncode == 2 and done.stdout == "" and says in done.stderr


def test_names_of_onnx_and_yaml_models_together() -> None:
    ok("export", "sequence.yaml", "-o", "sequence.onnx")
    models = ("sequence.onnx", "separable.yaml")
    content = json.loads(ok("compare", *models, "--dim", "seq=7", "--set", "filters=7", "--format", "json"))
    assert [model["totals"]["macs"] for model in content["models"]] == [640 * 7, 432 + 3 * 16 * 7]
    assert process("compare", *models, "--value", "seq=7").returncode == 2


def test_a_built_in_model_is_called_by_its_name() -> None:
    assert json.loads(ok("analyze", "llama", "--format", "json"))["models"][0]["source"] == "llama_7b"
    assert json.loads(ok("compare", "vgg16", "vgg16", "--format", "json"))["comparison"]["names"] == [
        "vgg16 (1)",
        "vgg16 (2)",
    ]
    done = process("analyze", "vgg16", "--shape", "input=1,3,8,8")
    assert done.returncode == 2 and "vgg16.yaml:" in done.stderr


@pytest.mark.parametrize("command", ["analyze", "plot"])
def test_a_depth_is_any_number(command: str) -> None:
    assert ok(command, "lenet5", "--by", "block", "--depth", "9" * 30) == ok(
        command, "lenet5", "--by", "block", "--depth", "9"
    )


def test_a_message_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A name of a model may have any length; what is wrong stands at the end of the line, what to do behind it."""
    Path("long.yaml").write_text(f"input: [N, 3]\nlayers:\n  - relu: {{from: {'x' * 100_000}}}\n")
    assert run.run(["analyze", "long.yaml"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("costcalc: long.yaml:3:") and "…" in shown and len(shown) < 2_100


@pytest.mark.parametrize(
    "arguments",
    [
        ("reconcile", "lenet5", "é\u200b"),
        ("analyze", "lenet5", "--\u200b"),
        ("\u200b",),
        ("reconcile", "lenet5", "--figure", "\u200b"),
        ("reconcile", "lenet5", "--figure", "thop=\u200b"),
        ("check", "lenet5", "--config", "\u200b"),
        ("table", "--update", "\u200b"),
        ("analyze", "\u200b.yaml"),
        ("explain", "lenet5", "\u200b"),
        ("sweep", "lenet5", "--where", "\u200b"),
    ],
)
def test_a_message_quotes_no_control_character(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert run.run(arguments) == 2
    text = capfd.readouterr().err
    assert "\u200b" not in text and "\\u200b" in text
