"""Whatever breaks while models are checked, the exit code is 2: 1 says that a limit is exceeded, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from support.cli import run
from support.small_models import NET, write

from costcalc.ops import plugins

STEPS = (
    "costcalc.cli.commands.check_config:read_config_file",
    "costcalc.studies.check.run:find_targets",
    "costcalc.studies.check.run:evaluate_models",
    "costcalc.studies.check.lock_file:read_lock",
    "costcalc.studies.check.baseline:make_entry",
    "costcalc.studies.check.evaluate:snapshot",
    "costcalc.studies.check.evaluate:analyze",
    "costcalc.studies.check.run:judge",
    "costcalc.studies.check.judge:judge_limit",
    "costcalc.studies.check.judge:diff",
)
FAULTS = (ZeroDivisionError("x"), MemoryError(), RecursionError("deep"), SystemExit(1), AssertionError(), OSError(1))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that grew since its lock."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, net_yaml=NET, costcalc_yaml="models: [net.yaml]\nlimits: {macs: 4000}\nmax_increase: {params: 0}")
    assert run(["lock"]) == 0
    write(tmp_path, net_yaml=NET.replace("filters: 2", "filters: 4"))
    assert run(["check"]) == 1
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("options", [[], ["--debug"], ["--exit-zero"]], ids=" ".join)
def test_wherever_it_breaks(
    models: Path,
    step: str,
    fault: BaseException,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    module, name = step.split(":")
    monkeypatch.setattr(import_module(module), name, broken)
    capsys.readouterr()
    assert run(["check", *options]) == 2
    out, err = capsys.readouterr()
    sentences = ("bug in costcalc", "memory", "ended the program", "nested too deep")
    assert any(sentence in out + err for sentence in sentences)
    assert ("Traceback" in err) <= (options == ["--debug"])


@pytest.fixture
def rules(models: Path) -> Iterator[Path]:
    loaded = list(plugins.RULE_FILES)
    yield models / "rules.py"
    plugins.RULE_FILES[:] = loaded


@pytest.mark.parametrize("text", ["import sys\nsys.exit(1)", "exit(0)", "1 / 0", "def f(:"])
@pytest.mark.parametrize("command", ["check", "lock"])
def test_rules_that_end_the_program_give_no_verdict(
    rules: Path, text: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rules.write_text(text)
    assert run([command, "--rules", "rules.py"]) == 2
    assert "rules.py cannot be run" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1 / 0", "def f(:", "raise ImportError('half installed')"])
def test_what_cannot_be_imported_is_no_verdict(models: Path, text: str) -> None:
    """`python -m` looks for modules in the working directory first."""
    (models / "click.py").write_text(text)
    command = [sys.executable, "-m", "costcalc", "check"]
    for options, traces in (([], False), (["--debug"], True)):
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert done.returncode == 2 and "costcalc: it cannot start (" in done.stderr
        assert ("Traceback" in done.stderr) == traces


@pytest.mark.parametrize("form", ["table", "json", "markdown", "github", "sarif", "junit", "gitlab", "svg"])
@pytest.mark.parametrize("to_file", [True, False])
@pytest.mark.parametrize(("name", "content"), [("broken.onnx", b"\x08\x07\x3a\x7f\x0a"), ("broken.yaml", b"name: [")])
def test_standard_error_says_why_a_check_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, to_file: bool, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    output = ["-o", str(tmp_path / "out")] if to_file else []
    assert run(["check", str(tmp_path / name), "--max", "macs=1", "--format", form, *output]) == 2
    assert f"costcalc: {tmp_path / name}" in capsys.readouterr().err


def test_standard_error_names_each_limit_that_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, net_yaml="name: n\ninput: [N, seq, 4]\nlayers: [{linear: {units: 2}}]")
    assert run(["check", "net.yaml", "--max", "macs=1M", "--max", "params=1k", "--format", "json", "-o", "o"]) == 2
    error = capsys.readouterr().err
    assert "costcalc: net.yaml: macs: " in error and "--dim seq" in error and "params" not in error
