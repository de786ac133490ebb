"""action.yml: valid by its published schema, and its steps do in bash what they promise."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from support.github_runner import FAKE_GH, FAKE_PYTHON, FAKE_UV, Runner, action, step
from support.paths import SCHEMAS

NET = """name: Net
input: [N, 3, 8, 8]
layers:
  - conv: {filters: 4, kernel: 1}
    as: head
"""
CONFIG = "models: [models/net.yaml]\nlimits: {macs: 768}\nmax_increase: {macs: 0}\n"  # 3 · 4 · 8 · 8
BIN = str(Path(sys.executable).parent)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A repository with a model, a budget and a lock."""
    workspace, folder = tmp_path / "repo", tmp_path / "temp"
    (workspace / "models").mkdir(parents=True)
    folder.mkdir()
    (workspace / "models/net.yaml").write_text(NET)
    (workspace / "costcalc.yaml").write_text(CONFIG)
    subprocess.run([sys.executable, "-m", "costcalc", "lock"], cwd=workspace, check=True, capture_output=True)
    return Runner(folder, workspace, context={"steps.install.outputs.bin": BIN})


def dearer(runner: Runner) -> None:
    (runner.workspace / "models/net.yaml").write_text(NET.replace("filters: 4", "filters: 8"))


def test_it_is_valid() -> None:
    schema = json.loads((SCHEMAS / "github-actions.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.validate(action())
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**action(), "runs": {"using": "composite"}})


def test_no_script_has_a_value_in_it() -> None:
    """Whatever comes from outside reaches a script as a variable; a value in the script's text could be a command."""
    for one in action()["runs"]["steps"]:
        assert "${{" not in one["run"], one["name"]
        assert "eval" not in one["run"]
        assert one["shell"] == "bash"


def test_a_kept_budget(runner: Runner) -> None:
    done, given = runner.run("Check")
    assert done.returncode == 0, done.stderr
    assert (given["exit-code"], given["verdict"]) == ("0", "kept")
    assert "::error" not in done.stdout and "::notice title=costcalc::all 2 limits are kept" in done.stdout
    assert runner.run("Verdict")[0].returncode == 0


def test_an_exceeded_one_is_told_everywhere_and_fails_last(runner: Runner) -> None:
    dearer(runner)
    done, given = runner.run("Check")
    assert done.returncode == 0, "the outputs are set whatever is found"
    assert (given["exit-code"], given["verdict"]) == ("1", "exceeded")
    assert "::error file=models/net.yaml,line=4,col=5,title=CC001" in done.stdout
    body = Path(given["comment-path"]).read_text(encoding="utf-8")
    assert given["comment"].rstrip("\n") == body.rstrip("\n")
    assert body.startswith("<!-- costcalc -->\n") and "exceeded by 768" in body
    assert (runner.folder / "summary.md").read_text(encoding="utf-8") == body
    assert json.loads(Path(given["sarif-path"]).read_text(encoding="utf-8"))["runs"][0]["results"]
    assert json.loads(Path(given["json-path"]).read_text(encoding="utf-8"))["exit_code"] == 1
    assert "<failure" in Path(given["junit-path"]).read_text(encoding="utf-8")
    assert runner.run("Verdict")[0].returncode == 1


def test_what_cannot_be_told_is_2(runner: Runner) -> None:
    (runner.workspace / "models/net.yaml").write_text("layers: [")
    _, given = runner.run("Check")
    assert (given["exit-code"], given["verdict"]) == ("2", "unknown")
    assert runner.run("Verdict")[0].returncode == 2
    (runner.workspace / "costcalc.yaml").write_text("modells: []")
    done, given = runner.run("Check")
    assert given["verdict"] == "unknown" and "no report could be made" in given["comment"]
    assert "::error title=costcalc::no report could be made" in done.stdout
    assert "`modells`" in done.stderr or "'modells'" in done.stderr


def test_an_interpreter_that_breaks_is_never_a_breach(runner: Runner) -> None:
    broken = runner.folder / "broken"
    broken.mkdir()
    (broken / "costcalc").write_text("#!/bin/sh\nexit 1\n")
    (broken / "costcalc").chmod(0o755)
    (broken / "python").symlink_to(sys.executable)
    runner.context["steps.install.outputs.bin"] = str(broken)
    _, given = runner.run("Check")
    assert (given["exit-code"], given["verdict"]) == ("2", "unknown")
    assert Runner(runner.folder, runner.workspace).run("Verdict")[0].returncode == 2, "no check at all"


def test_inputs_reach_the_check_as_words_and_nothing_runs(runner: Runner) -> None:
    dearer(runner)
    (runner.workspace / "sub dir").mkdir()
    (runner.workspace / "costcalc.yaml").rename(runner.workspace / "sub dir" / "my config.yaml")
    text = CONFIG.replace("models/net.yaml", "../models/net.yaml")
    (runner.workspace / "sub dir" / "my config.yaml").write_text(text + "lock: ../costcalc.lock.json\n")
    runner.inputs = {
        "config": "my config.yaml",
        "working-directory": "sub dir",
        "comment-id": "nets",
        "baseline": "../costcalc.lock.json",
        "args": "--exit-zero --jobs '2'",
    }
    done, given = runner.run("Check")
    assert (given["exit-code"], given["verdict"]) == ("0", "exceeded"), done.stderr
    assert "file=models/net.yaml,line=4" in done.stdout, "paths are those of the repository"
    assert given["comment"].startswith("<!-- costcalc:nets -->")
    for name in ("args", "config", "baseline", "comment-id", "working-directory"):
        runner.inputs = {name: "$(touch pwned)`touch pwned`; touch pwned\n touch pwned"}
        assert runner.run("Check")[1]["exit-code"] == "2", name
    runner.inputs = {"args": "' unbalanced"}
    assert runner.run("Check")[1]["exit-code"] == "2"
    assert not list(runner.workspace.rglob("pwned*"))


def test_a_model_cannot_end_the_comment_early(runner: Runner) -> None:
    name = r'"x\nEOF\nverdict=kept\n::set-output name=a::b"'
    (runner.workspace / "costcalc.yaml").write_text(
        f"models: [{{path: models/net.yaml, name: {name}}}]\nlimits: {{macs: 1}}\n"
    )
    done, given = runner.run("Check")
    assert given["verdict"] == "exceeded" and "::set-output" in given["comment"]
    assert "EOF" not in given["comment"].splitlines() and "::error" in done.stdout
    assert not re.search(r"^\s*::(?!error|warning|notice)", done.stdout, re.M)


@pytest.mark.parametrize("found", ["", "41", "41\n42"])
def test_the_comment_is_made_or_updated(runner: Runner, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.run("Check")
    log = gh(runner, monkeypatch, found)
    done, _ = runner.run("Comment")
    assert (done.returncode, done.stdout) == (0, "")
    last = log.read_text().splitlines()[-1]
    where = "PATCH repos/org/repo/issues/comments/41 " if found else "POST repos/org/repo/issues/7/comments "
    assert where in last and "--field body=@" in last
    assert Path(f"{log}.env").read_text() == "github-actions[bot]|<!-- costcalc -->"


def test_trouble_with_the_comment_is_a_warning(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.run("Check")
    log = gh(runner, monkeypatch, "")
    monkeypatch.setenv("GH_BROKEN", "1")
    done, _ = runner.run("Comment")
    assert done.returncode == 0 and done.stdout.startswith("::warning title=costcalc::")
    assert "POST" not in log.read_text() and runner.run("Verdict")[0].returncode == 0
    runner.context["steps.check.outputs.comment-path"] = str(runner.folder / "missing")
    assert runner.run("Comment")[0].stdout.startswith("::warning title=costcalc::")


def gh(runner: Runner, monkeypatch: pytest.MonkeyPatch, found: str) -> Path:
    """A gh that notes what it is asked."""
    runner.path = runner.folder / "bin"
    runner.path.mkdir()
    (runner.path / "gh").write_text(FAKE_GH)
    (runner.path / "gh").chmod(0o755)
    log = runner.folder / "gh.log"
    monkeypatch.setenv("GH_LOG", str(log))
    monkeypatch.setenv("GH_FOUND", found)
    runner.context["github.event.pull_request.number"] = "7"
    return log


@pytest.mark.parametrize(("version", "wanted"), [("", "/somewhere/this action"), ("1.2", "costcalc==1.2")])
@pytest.mark.parametrize("has_uv", [False, True])
def test_what_is_installed(
    runner: Runner, version: str, wanted: str, has_uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This action's own sources, or a version; into an environment of its own, by uv where it is there. pre-commit's
    test installs for real."""
    python, log = runner.folder / "my python", runner.folder / "python.log"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    monkeypatch.setenv("PYTHON_LOG", str(log))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if has_uv:
        runner.path = runner.folder / "uv"
        runner.path.mkdir()
        (runner.path / "uv").write_text(FAKE_UV)
        (runner.path / "uv").chmod(0o755)
    runner.inputs = {"python": str(python), "version": version}
    runner.context["github.action_path"] = "/somewhere/this action"
    done, given = runner.run("Install costcalc")
    assert done.returncode == 0, done.stderr
    place = given["bin"].removesuffix("/bin")
    pip = [f"-m venv {place}", f"-m pip install --quiet --disable-pip-version-check {wanted}"]
    uv = [
        f"uv venv --quiet --no-project --allow-existing --python {python} {place}",
        f"uv pip install --quiet --python {place}/bin/python {wanted}",
    ]
    assert log.read_text().splitlines() == (uv if has_uv else pip)


def test_when_steps_run() -> None:
    """A comment of an earlier run is only posted: nothing is installed, checked or judged."""
    posts = "inputs.post == ''"
    assert [step(name)["if"] for name in ("Install costcalc", "Check", "Verdict")] == [posts] * 3
    wanted = "(inputs.comment == 'true' && github.event.pull_request.number)"
    assert step("Comment")["if"] == f"inputs.post != '' || {wanted}"
    assert action()["inputs"]["comment"]["default"] == "false" and action()["inputs"]["post"]["default"] == ""
