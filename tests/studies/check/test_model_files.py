"""Models without a limit, and model files that no entry holds, are told; what git ignores and `exclude:` names is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.cli import call
from support.small_models import NET, write

import costcalc


def notes(code: str) -> list[str]:
    return [note.removeprefix(f"{code}: ") for note in costcalc.check("costcalc.yaml").notes if note.startswith(code)]


@pytest.mark.parametrize(
    ("text", "is_model"),
    [
        (NET, True),
        ("\ufeffinput: [N, 4]\nlayers:\n  - relu\n", True),
        ("input : [N, 4]\nlayers :\n  - relu\n", True),
        ("\"input\": [N, 4]\n'layers': [relu]\n", True),
        ("layers: [relu]\nlayers: [relu]\n", False),
        ("job:\n  input: a\n  layers: b\n", False),
        ("inputs: 1\nlayers_of: 2\n", False),
    ],
)
def test_which_yaml_texts_are_models(here: Path, text: str, is_model: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """`check --init`, the note on unheld models and the language server ask alike."""
    from costcalc.cli.lsp.workspace import EditorWorkspace

    (here / "a.yaml").write_text(text, encoding="utf-8")
    (here / "held.yaml").write_text(NET, encoding="utf-8")
    (here / "costcalc.yaml").write_text("models: [held.yaml]\nlimits: {macs: 1M}\n")
    assert bool(notes("CC305")) == is_model
    assert (EditorWorkspace().update(here / "a.yaml", text) is not None) == is_model


def test_a_model_without_a_limit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, a_yaml=NET, b_yaml=NET)
    (here / "costcalc.yaml").write_text("models: [{path: a.yaml, limits: {macs: 1M}}, b.yaml]\n")
    assert notes("CC304") == ["b.yaml has no limit in costcalc.yaml: nothing is held of it"]
    (here / "costcalc.yaml").write_text("models: [a.yaml, b.yaml]\n")
    code, out, err = call(capsys, "check")
    assert code == 3 and "there is no limit" in err
    assert "CC304: a.yaml, b.yaml have no limit in costcalc.yaml: nothing is held of them" in out
    assert call(capsys, "check", "--allow-empty")[0] == 0
    (here / "costcalc.yaml").write_text("models: [a.yaml, b.yaml]\nignore: [CC304]\n")
    assert notes("CC304") == []


def test_a_model_file_that_no_entry_holds(here: Path) -> None:
    write(here, a_yaml=NET, models__b_yaml=NET, models__c_yaml=NET, other_yaml="key: value", build__d_yaml=NET)
    (here / ".hidden").mkdir()
    (here / ".hidden" / "e.yaml").write_text(NET)
    (here / "costcalc.yaml").write_text("models: [a.yaml]\nlimits: {macs: 1M}\n")
    assert notes("CC305") == [
        "models/b.yaml, models/c.yaml are held by no entry: add `- path: models/*.yaml`, or leave each out with "
        "`exclude:`"
    ]
    (here / "costcalc.yaml").write_text("models: [a.yaml, models/b.yaml]\nlimits: {macs: 1M}\n")
    assert notes("CC305") == [
        "models/c.yaml is held by no entry: name it in `models:`, or leave it out with `exclude:`"
    ]
    assert not costcalc.check("costcalc.yaml", "a.yaml").notes, "of some models nothing is said of the others"
    (here / "costcalc.yaml").write_text("models: [a.yaml, 'models/*.yaml']\nlimits: {macs: 1M}\nexclude: [models/c*]\n")
    assert notes("CC305") == []
    assert [c.model for c in costcalc.check("costcalc.yaml").models] == ["a.yaml", "models/b.yaml"]


def test_another_config_holds_what_is_below_it(here: Path) -> None:
    write(here, a_yaml=NET, team__b_yaml=NET, team__costcalc_yaml="models: [b.yaml]")
    (here / "costcalc.yaml").write_text("models: [a.yaml]\nlimits: {macs: 1M}\n")
    assert notes("CC305") == []


def test_what_git_ignores_is_in_nobodys_pull_request(here: Path) -> None:
    write(here, a_yaml=NET, venv__b_yaml=NET, c_yaml=NET)
    (here / ".gitignore").write_text("venv/\n")
    (here / "costcalc.yaml").write_text("models: [a.yaml]\nlimits: {macs: 1M}\n")
    assert "venv/b.yaml" in notes("CC305")[0]
    subprocess.run(["git", "init", "-q", str(here)], check=True)
    assert notes("CC305") == ["c.yaml is held by no entry: name it in `models:`, or leave it out with `exclude:`"]


def test_a_first_config_has_a_glob_for_a_folder_of_many(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, **{f"zoo__n{i}_yaml": NET.replace("filters: 2", f"filters: {i}") for i in range(1, 6)}, one_yaml=NET)
    assert call(capsys, "check", "--init")[0] == 0
    text = (here / "costcalc.yaml").read_text()
    assert text.count("- path:") == 2 and '- path: "zoo/*.yaml"' in text and ", n5.yaml" in text
    assert call(capsys, "check")[0] == 0
    write(here, zoo__n6_yaml=NET.replace("filters: 2", "filters: 60"))
    assert call(capsys, "check")[0] == 1, "a new model is held at once"
    write(here, zoo__text_yaml="key: value")
    assert call(capsys, "check", "--init", "--force")[0] == 0
    assert "zoo/*.yaml" not in (here / "costcalc.yaml").read_text(), "the glob would fit what is no model"
