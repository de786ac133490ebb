"""Every format of `check`, `diff` and `lock` on hostile names, and of outcomes that are hostile in every text that they have."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.check_results import EXCEEDED, FORMATS, GROWN, joined, place, result, shown
from support.cli import run
from support.hostile import CHECKS, NAMES, TITLE, neutral, plain_json, plain_markdown, plain_page, write

from costcalc.render.check.github import data, value
from costcalc.render.check.junit import text as xml_text
from costcalc.render.check.sarif import message

OURS = (r"<!-- costcalc(:[\w.-]+)? -->", r"</?details>", r"</?summary>", r"</?sub>")
COMMAND = r"::(error|warning|notice) [^:]*::"


def holds(form: str, text: str) -> None:
    if form == "markdown":
        plain_markdown(text, OURS)
    elif form == "github":
        neutral(text, COMMAND)
    elif form == "azure":
        neutral(re.sub(r"(?m)^##vso\[task\.logissue type=[^\]]*\]", "", text))
    else:
        CHECKS[form](text)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that grew since its lock, with an unknown operator, under a hostile name."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    import json

    Path("costcalc.yaml").write_text(
        "models:\n  - path: net.onnx\n    name: " + json.dumps(TITLE) + "\n    limits: {params: 11, unknown_ops: 0}\n"
        '    max_increase: {params: 0}\n    layers: {"*": {params: 1}}\n',
        encoding="utf-8",
    )
    write(Path("net.onnx"))
    return tmp_path


def test_lock(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lock"]) == 0
    out, err = capsys.readouterr()
    neutral(out)
    neutral(err)
    neutral(Path("costcalc.lock.json").read_text(encoding="utf-8"))
    write(Path("net.onnx"), 4)
    assert run(["lock", "--check"]) == 1
    neutral("".join(capsys.readouterr()))
    assert run(["lock", "-o", "-"]) == 0
    neutral("".join(capsys.readouterr()))


@pytest.mark.parametrize("form", FORMATS)
def test_check(form: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["lock"])
    write(Path("net.onnx"), 4)
    capsys.readouterr()
    assert run(["check", "--format", form]) == 2, "an operator is unknown"
    out, err = capsys.readouterr()
    assert "unknown_ops" in err
    neutral(err)
    holds(form, out)
    assert run(["check", "--format", form, "--report", f"{form}=report"]) == 2
    assert Path("report").read_text(encoding="utf-8") == capsys.readouterr().out == out
    Path("net.onnx").write_bytes(b"no model")
    assert run(["check", "--format", form]) == 2
    out, err = capsys.readouterr()
    holds(form, out)
    neutral(err)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_an_outcome_that_is_hostile_everywhere(name: str, form: str) -> None:
    texts: dict[str, Any] = {
        "quantity": f"ops {name}",
        "fact": f"{name}: 2 of 1; {name}",
        "remedy": name,
        "layer": name,
    }
    places: dict[str, Any] = {"place": place(name, 3, 4), "limit_place": place(name)}
    verdict = replace(EXCEEDED, **texts, **places, value=2, limit=1, layer_growth=GROWN._replace(layer=name))
    others = (replace(verdict, outcome="unknown"), replace(verdict, outcome="kept"), replace(verdict, level="warning"))
    outcome = joined(
        result(verdict, *others, model=name, scenario=name, source=name, notes=(name,)),
        result(model=name, source=name, error=name, place=place(name)),
        result(verdict, model="", source=""),
    )
    holds(form, shown(form, outcome))
    holds(form, shown(form, outcome, 60))


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html"])
def test_diff(form: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files; a file and the lock; and a diff that fails."""
    run(["lock"])
    write(Path("new.onnx"), 4)
    capsys.readouterr()
    for words, code in (
        (["net.onnx", "new.onnx"], 0),
        ([f"costcalc.lock.json#{TITLE}", "new.onnx"], 0),
        (["net.onnx", "new.onnx", "--fail-on", "params>+0"], 1),
    ):
        assert run(["diff", *words, "--format", form]) == code
        out, err = capsys.readouterr()
        plain_page(out) if form == "html" else holds(form, out)
        neutral(err)
        assert "12" in out, "params, of which there are twice as many"


def test_json_is_exact(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--format", "json"]) == 2
    (model,) = plain_json(capsys.readouterr().out)["models"]
    assert model["name"] == TITLE


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_escapes_of_the_machines(name: str) -> None:
    assert not re.search(r"[\r\n]|%(?!25|0A|0D)", data(name))
    assert not re.search(r"[\r\n:,]", value(name))
    assert "]]>" not in xml_text(name)
    assert not re.search(r"(?<!\\)\[[^\]]*\]\(", message(name)) and not re.search(r"(?<!\{)\{\d", message(name))
