"""`costcalc check` as a command: 0 kept, 1 exceeded, 2 not to be told, and 2 wins; trouble with showing changes none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.cli import call, environment, run
from support.small_models import BROKEN, MACS, NET, TEXT, mystery, write

from costcalc.cli.verdict_options import FORMATS

KEPT, OVER = f"macs={MACS}", f"macs={MACS - 1}"


@pytest.fixture
def models(here: Path) -> Path:
    write(here, net_yaml=NET, text_yaml=TEXT, broken_yaml=BROKEN)
    mystery(here / "mystery.onnx")
    return here


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["net.yaml", "--max", KEPT], 0),
        (["net.yaml", "--max", OVER], 1),
        (["net.yaml", "--max", KEPT, "--max", "params=1"], 1),
        (["net.yaml", "mobilenet", "--max", KEPT], 1),
        (["text.yaml", "--max", "macs=64"], 2),
        (["text.yaml", "--max", "macs=63"], 1),
        (["text.yaml", "--max", "macs=64", "--dim", "seq=1"], 0),
        (["mystery.onnx", "--max", "macs=1G"], 2),
        (["mystery.onnx", "--max", "macs=1"], 2),
        (["mystery.onnx", "--max", "macs=1G", "--allow", "com.acme:Mystery"], 0),
        (["mystery.onnx", "--max", "macs=1", "--allow", "Mystery"], 1),
        (["broken.yaml", "--max", KEPT], 2),
        (["gone.yaml", "--max", KEPT], 2),
        (["net.yaml", "broken.yaml", "--max", OVER], 2),
        (["net.yaml", "--max-increase", "macs=2%"], 2),
        (["net.yaml", "--max", KEPT, "--max", "time.t4=1s"], 0),
        (["net.yaml", "--max", "time.t4=0"], 1),
        (["net.yaml", "--max", "ops.Relu=0"], 1),
        (["net.yaml", "--max", "ops.Relu=1"], 0),
        (["net.yaml", "--max", "mac=1"], 2),
        (["net.yaml", "--max", "time=1s"], 2),
        (["net.yaml", "--max", "macs.t4=1"], 2),
        (["net.yaml", "--max", "macs"], 2),
        (["net.yaml", "--max", "time.t5=1s"], 2),
        (["net.yaml"], 3),
        (["broken.yaml"], 2),
        (["net.yaml", "--allow-empty"], 0),
        ([], 3),
        (["--allow-empty"], 0),
        (["--max", KEPT], 2),
        (["net.yaml", "--max", KEPT, "--slack", "5%"], 2),
        (["net.yaml", "--max", KEPT, "--baseline", "none.json"], 2),
    ],
)
def test_exit_codes(models: Path, args: list[str], code: int) -> None:
    assert run(["check", *args]) == code
    assert run(["check", *args, "--exit-zero"]) == (0 if code == 1 else code)


@pytest.mark.parametrize(("limit", "code"), [(MACS, 0), (MACS - 1, 1)])
def test_a_config_and_a_warning(models: Path, limit: int, code: int) -> None:
    write(models, costcalc_yaml=f"models: [net.yaml]\nlimits: {{macs: {limit}}}")
    assert run(["check"]) == code
    write(models, costcalc_yaml=f"models: [net.yaml]\nlimits: {{macs: {limit}}}\nwarn: [CC0]")
    assert run(["check"]) == 0
    write(models, costcalc_yaml=f"models: [net.yaml, broken.yaml]\nlimits: {{macs: {limit}}}\nwarn: [CC0, CC2]")
    assert run(["check", "--exit-zero"]) == 2
    assert run(["check", "net.yaml"]) == 0
    assert run(["check", "net.yaml", "--max", OVER]) == 1, "limits on the command line stand for a config"


@pytest.mark.parametrize("args", [["--dim", "N=2"], ["--dtype", "int8"], ["--min-delta", "macs=1"]])
def test_a_config_says_itself_how_models_are_bound(
    models: Path, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(models, costcalc_yaml="models: [net.yaml]")
    assert run(["check", *args]) == 2
    assert "write it there" in capsys.readouterr().err


def test_bytes_are_no_count(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--max", "--max-increase", "--min-delta"):
        assert run(["check", "net.yaml", "--max", KEPT, option, "params=7B"]) == 2
        assert "'7B' is in bytes, which this is not counted in" in capsys.readouterr().err
        assert run(["check", "net.yaml", "--max", KEPT, option, "weight_bytes=7MB", "--max-increase", "macs=1%"]) == 2
        assert "bytes, which" not in capsys.readouterr().err, "there is no baseline, but the amount is one"


def test_600_000_001_of_600m_is_exceeded_by_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, big_yaml="input: [N, 600000001]\nlayers:\n  - linear: {units: 1, bias: false}\n")
    assert run(["check", "big.yaml", "--max", "macs=600M"]) == 1
    out = capsys.readouterr().out
    assert "600,000,001 of 600,000,000  exceeded by 1 (<0.1%)" in out
    assert run(["check", "big.yaml", "--max", "macs=600000001"]) == 0
    assert "0 left (0.0%)" in capsys.readouterr().out


@pytest.mark.parametrize("limit", [KEPT, OVER])
def test_trouble_with_formats_and_reports_never_changes_the_verdict(
    models: Path, limit: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = int(limit == OVER)
    args = ["check", "net.yaml", "--max", limit]
    assert run(args) == code
    table = capsys.readouterr().out
    monkeypatch.setenv("COSTCALC_FORMAT", "tabel")
    assert run(args) == code
    said = capsys.readouterr()
    assert said.out == table
    assert "COSTCALC_FORMAT is 'tabel'" in said.err
    monkeypatch.setenv("COSTCALC_FORMAT", "json")
    assert run(args) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
    reports = ["--report", "sarif=no/such/folder", "--report", "junit=check.xml", "--report", "json=check.json"]
    assert run([*args, *reports, "--exit-zero"]) == 2
    capsys.readouterr()
    assert run([*args, "--format", "table", *reports]) == (code or 2), "a report that is missing is no success"
    said = capsys.readouterr()
    assert said.out == table
    assert "no/such/folder cannot be written" in said.err
    assert (models / "check.xml").read_text().startswith("<?xml")
    assert json.loads((models / "check.json").read_text())["exit_code"] == code
    assert run([*args, "-o", "no/such/folder"]) == (code or 2)
    assert run([*args, "--report", "tabel=x"]) == 2, "what is asked on the command line is refused before anything"


def test_a_config_without_a_limit(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 3: nothing is held. An allowed operator and settings are no limit."""
    (models / "costcalc.yaml").write_text("models: [lenet5]\nallow: [x.y:Op]\n", encoding="utf-8")
    assert run(["check", "--config", str(models / "costcalc.yaml")]) == 3
    assert "there is no limit, so nothing is held" in capsys.readouterr().err
    assert run(["check", "--config", str(models / "costcalc.yaml"), "--allow-empty"]) == 0
    assert run(["check", "--config", str(models / "costcalc.yaml"), "--exit-zero"]) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_that_there_is_no_limit(models: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "costcalc.yaml").write_text("models: [lenet5]\n", encoding="utf-8")
    assert run(["check", "--config", str(models / "costcalc.yaml"), "--format", form]) == 3
    printed = capsys.readouterr()
    assert "bug" not in printed.err
    assert printed.out
    if form == "json":
        assert json.loads(printed.out)["outcome"] == "empty"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("models: [net.yaml]\nlimits: {macs: 1}\nignore: [CC001]\n", "leaves out the rule of every limit"),
        ("models: [net.yaml]\nlimits: {macs: 1}\nselect: [CC2]\n", "leaves out the rule of every limit"),
        ("models: [net.yaml]\nlayers: {conv1: {macs: 1}}\nignore: [CC011]\n", "leaves out the rule of every limit"),
        ("models: []\nlimits: {macs: 1}\n", "names no model"),
        ("models:\n", "names no model"),
        ("", "names no model"),
        ("# nothing yet\n", "names no model"),
        ("models: [net.yaml]\n", "there is no limit"),
    ],
)
def test_a_config_that_holds_nothing(
    models: Path, config: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3, whatever the reason; --allow-empty makes it 0, and the reports say the code of the process."""
    (models / "costcalc.yaml").write_text(config, encoding="utf-8")
    assert run(["check"]) == 3
    assert reason in capsys.readouterr().err
    assert run(["check", "--allow-empty", "--format", "sarif"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["runs"][0]["invocations"][0]["exitCode"] == 0
    assert not printed.err


def test_without_a_config_or_a_limit_nothing_is_held(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "net.yaml"]) == 3
    assert "no costcalc.yaml here or further up, so nothing is held" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--max", "macs=1", "--max", "macs=1T"),
        ("--max", "time.t4=1ms", "--max", "time=1s", "--hardware", "t4"),
        ("--max-increase", "macs=1%", "--max-increase", "macs=90%"),
        ("--max-increase", "1%", "--max-increase", "90%"),
        ("--max-increase", "1%", "--min-delta", "macs=1", "--min-delta", "macs=1T"),
    ],
)
def test_a_quantity_given_twice_is_refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "lenet5", *arguments]) == 2
    assert "has two limits" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "code"), [(KEPT, 0), (OVER, 1)])
def test_a_reader_that_has_gone_changes_no_verdict_and_is_no_bug(models: Path, limit: str, code: int) -> None:
    command = [sys.executable, "-m", "costcalc", "check", "net.yaml", "--max", limit]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b"" and child.wait(60) == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(("limit", "code"), [(KEPT, 2), (OVER, 1)])
@pytest.mark.parametrize("redirect", ["> /dev/full", ">&-"])
def test_verdicts_that_nobody_can_read_are_no_success(models: Path, limit: str, code: int, redirect: str) -> None:
    command = f"'{sys.executable}' -m costcalc check net.yaml --max {limit} {redirect}"
    child = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    assert child.returncode == code and "standard output" in child.stderr


def test_a_format_that_crashes_is_told_and_is_no_success(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from costcalc.render.check import table

    monkeypatch.setattr(table, "render", lambda *given: 1 // 0)
    assert run(["check", "net.yaml", "--max", OVER]) == 1
    assert run(["check", "net.yaml", "--max", KEPT]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "json", "markdown", "github", "sarif", "junit", "gitlab"])
def test_every_format_names_the_model_the_quantity_and_the_breach(
    models: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "net.yaml", "--max", OVER, "--format", form]) == 1
    out = capsys.readouterr().out
    for word in ("net.yaml", "macs", "exceeded by 1", "stem"):
        assert word in out.replace("\\", "")


def test_what_to_do_about_an_operator_is_said_once(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = [word for limit in ("macs=1G", "flops=1G", "activation_bytes=1G") for word in ("--max", limit)]
    for form in ("table", "markdown"):
        assert run(["check", "mystery.onnx", *limits, "--format", form]) == 2
        out = capsys.readouterr().out
        assert out.count("com.acme:Mystery") == 2 and out.count("--rules") == 1, form
        assert "≥ 2,160" in out


def test_rule_speaks_the_rules_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "cc007"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("CC007  peak activation bytes")
    assert "limits: {peak_activation_bytes: 9 MiB}" in out
    assert run(["rule", "--format", "csv"]) == 0
    assert "CC301" in capsys.readouterr().out
    assert run(["rule", "CC9"]) == 2


@pytest.mark.parametrize("options", [(), ("--format", "table")])
def test_a_verdict_that_is_unknown_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    model = tmp_path / "net.yaml"
    model.write_text("name: net\ninput: [N, 3, H, H]\nlayers:\n  - conv: {filters: 8, kernel: 3}\n", encoding="utf-8")
    code = run(["check", str(model), "--symbolic", "--max", "macs=600M", *options])
    out, err = capsys.readouterr()
    assert code == 2 and " ".join(out.split()).count("cannot be told: it depends") == 1
    assert "depends" not in err and "macs: cannot be told" in err


def test_one_cause_is_one_line_with_a_count(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock file that is gone leaves every growth of every model open: that is told once, with what helps, whatever
    the format; so are models that cannot be read for one reason."""
    names = [f"net{i}.yaml" for i in range(5)]
    for name in names:
        (here / name).write_text("input: [N, 4]\nlayers:\n  - linear: {units: 8}\n", encoding="utf-8")
    (here / "costcalc.yaml").write_text("models: ['*.yaml']\nmax_increase: {macs: 2%, params: 2%}\n", encoding="utf-8")
    line = (
        "costcalc: 10 limits of net0.yaml, net1.yaml, net2.yaml and 2 more cannot be told: there is no baseline; "
        "write it with `costcalc lock` and commit it\n"
    )
    assert call(capsys, "check")[::2] == (2, line)
    assert call(capsys, "check", "--format", "json")[::2] == (2, line)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
    for name in names:
        (here / name).with_suffix(".onnx").write_text(pointer, encoding="utf-8")
    (here / "costcalc.yaml").write_text("models: ['*.onnx']\nlimits: {macs: 1}\n", encoding="utf-8")
    code, _, err = call(capsys, "check")
    assert code == 2 and err.count("\n") == 1
    assert err.startswith("costcalc: net0.onnx, net1.onnx, net2.onnx and 2 more: ") and "git lfs pull" in err
