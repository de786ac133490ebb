"""Every format of every command that shows a model: names are words there, whatever they try."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import run
from support.hostile import CHECKS, FILE, NAMES, plain_json, plain_page, write, write_yaml

SHEETS = ("table", "json", "csv", "markdown", "html")
COMMANDS = {
    "analyze": (["analyze", "{}"], SHEETS),
    "analyze-wide": (["analyze", "{}", "--columns", "name,op,output,macs,scope,dtype,state,traffic_bytes"], SHEETS),
    "by op": (["analyze", "{}", "--by", "op"], SHEETS),
    "by block": (["analyze", "{}", "--by", "block"], SHEETS),
    "top": (["analyze", "{}", "--sort", "flops", "--top", "9"], SHEETS),
    "several": (["analyze", "{}", "{}"], SHEETS),
    "hardware": (["analyze", "{}", "--hardware", "t4,a100-sxm-80gb"], SHEETS),
    "training": (["analyze", "{}", "--training"], SHEETS),
    "compare": (["compare", "{}", "{}"], SHEETS),
    "memory": (["memory", "{}", "--top", "99"], SHEETS),
    "memory by step": (["memory", "{}", "--by", "step"], SHEETS),
    "table": (["table", "{}", "--columns", "name,source,input,layers,macs,weight_bytes,peak_activation_bytes"], SHEETS),
    "suggest": (["suggest", "{}"], SHEETS),
    "explain": (["explain", "{}"], ("text", "json")),
    "explain one": (["explain", "{}", "=conv"], ("text", "json")),
}
CASES = [(name, form) for name, (_, forms) in COMMANDS.items() for form in forms]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    write(made / FILE)
    write_yaml(made / "net.yaml")
    return made


@pytest.mark.parametrize("width", ["60", "200"])
@pytest.mark.parametrize("model", [FILE, "net.yaml"], ids=["onnx", "yaml"])
@pytest.mark.parametrize(("command", "form"), CASES)
def test_names_are_words(
    command: str,
    form: str,
    model: str,
    width: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if width == "60" and form not in ("table", "text"):
        pytest.skip("only tables have a width")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", width)
    words = [word.format(model) for word in COMMANDS[command][0]]
    if command == "explain one" and model == "net.yaml":
        words[-1] = "GH-12"
    code = run([*words, "--format", form])
    out, err = capsys.readouterr()
    CHECKS["table"](err)
    assert code == 0, err
    assert out
    plain_page(out) if command == "compare" and form == "html" else CHECKS[form](out)


def test_json_keeps_names_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(folder / FILE), "--format", "json"]) == 0
    (model,) = plain_json(capsys.readouterr().out)["models"]
    assert model["name"] == FILE.removesuffix(".onnx")
    assert set(NAMES) <= {layer["name"] for layer in model["layers"]}


def test_refusals_are_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error's text repeats names, too."""
    bad = tmp_path / "bad.yaml"
    for text in (
        'input: [1, 3]\nlayers:\n  - "x\\n::error::\\e[31m": 1\n',
        'input: [1, 3]\nlayers: [{conv: {"a\\n::set-env::": 1}}]\n',
        'input: [1, 3]\n"a\\n##[add-mask]b": 1\n',
        "\x1b[31m: ][",
    ):
        bad.write_text(text)
        assert run(["analyze", str(bad)]) == 2
        out, err = capsys.readouterr()
        CHECKS["table"](err)
        assert err and not out
    assert run(["analyze", "no\n::error::such\x1b[31m.onnx"]) == 2
    CHECKS["table"](capsys.readouterr().err)
    write(tmp_path / "net.onnx")
    assert run(["explain", str(tmp_path / "net.onnx"), "nothing\n::error::x"]) == 2
    CHECKS["table"](capsys.readouterr().err)
    assert run(["analyze", str(tmp_path / "net.onnx"), "--strict"]) == 2
    CHECKS["table"](capsys.readouterr().err)
    assert run(["analyze", str(tmp_path / "net.onnx"), str(bad), "--format", "json"]) == 2
    CHECKS["table"](capsys.readouterr().err)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("table", "a\n  ::add-mask::x"),
        ("table", "x ##[group]y"),
        ("table", "\x1b[1m"),
        ("table", "\u202e"),
        ("csv", "a,=1"),
        ("csv", "-a,1"),
        ("markdown", "@org/team"),
        ("markdown", "a <b>c</b>"),
        ("markdown", "[a](b)"),
        ("markdown", "- #12"),
        ("markdown", "`a`"),
        ("html", "<script>"),
        ("html", "<i onclick=x>"),
        ("html", "@org/team"),
        ("json", '"\u202e"'),
    ],
)
def test_the_checks_refuse_what_is_raw(form: str, text: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[form](text)
