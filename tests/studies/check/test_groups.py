"""Groups of models with their own limits: a monorepo's teams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import call
from support.small_models import NET, write

import costcalc
from costcalc.core.errors import ConfigError
from costcalc.rules import UsageError

CONFIG = """\
limits: {macs: 5k}
models: [c.yaml]
groups:
  vision:
    models: [vision/*.yaml]
    limits: {params: 1k}
  audio:
    models: [{path: audio/b.yaml, limits: {macs: 1}}]
    limits: {macs: 2}
"""


@pytest.fixture(autouse=True)
def repository(here: Path) -> Path:
    write(here, vision__a_yaml=NET, audio__b_yaml=NET, c_yaml=NET, costcalc_yaml=CONFIG)
    return here


def test_limits_of_the_file_the_group_and_the_model() -> None:
    result = costcalc.check("costcalc.yaml")
    assert [(c.group, c.model, [(v.quantity, v.limit) for v in c.verdicts]) for c in result.models] == [
        ("", "c.yaml", [("macs", 5_000)]),
        ("vision", "vision/a.yaml", [("macs", 5_000), ("params", 1_000)]),
        ("audio", "audio/b.yaml", [("macs", 1)]),
    ]
    assert [c.label for c in result.models] == ["c.yaml", "vision/a.yaml [vision]", "audio/b.yaml [audio]"]


def test_a_group_is_selected(capsys: pytest.CaptureFixture[str]) -> None:
    assert [c.model for c in costcalc.check("costcalc.yaml", groups=["vision"]).models] == ["vision/a.yaml"]
    assert call(capsys, "check", "--group", "vision")[0] == 0
    assert call(capsys, "check", "--group", "audio", "--group", "vision")[0] == 1
    assert call(capsys, "check")[0] == 1
    code, _, err = call(capsys, "check", "--group", "visoin")
    assert code == 2 and "costcalc.yaml has no group 'visoin'; did you mean 'vision'?" in err
    assert call(capsys, "check", "lenet5", "--max", "macs=1G", "--group", "vision")[0] == 2
    with pytest.raises(UsageError, match="groups do not go with limits"):
        costcalc.check("lenet5", limits={"macs": "1G"}, groups=["vision"])


def test_verdicts_name_their_group_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("table", "markdown", "github", "gitlab", "junit", "sarif"):
        assert "audio/b.yaml [audio]" in call(capsys, "check", "--format", form)[1].replace("\\", ""), form
    models = json.loads(call(capsys, "check", "--format", "json")[1])["models"]
    assert [model.get("group") for model in models] == [None, "vision", "audio"]


def test_a_group_is_locked_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "lock", "--group", "vision")[0] == 0
    assert list(json.loads(Path("costcalc.lock.json").read_text())["models"]) == ["vision/a.yaml"]
    assert call(capsys, "lock", "--group", "audio")[0] == 0
    assert list(json.loads(Path("costcalc.lock.json").read_text())["models"]) == ["audio/b.yaml", "vision/a.yaml"]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("{vision: {limits: {macs: 1}}}", "the group 'vision' has no models"),
        ("{vision: }", "the group 'vision' has no models"),
        ("{vision: {models: [a.yaml], limit: {macs: 1}}}", "has no key 'limit'"),
        ("[vision]", "is no mapping"),
    ],
)
def test_what_is_refused(groups: str, said: str) -> None:
    Path("costcalc.yaml").write_text(f"groups: {groups}\n")
    with pytest.raises(ConfigError, match=r"costcalc.yaml:1:") as found:
        costcalc.check("costcalc.yaml")
    assert said in str(found.value)


def test_a_model_in_two_groups_is_refused() -> None:
    Path("costcalc.yaml").write_text("groups: {a: {models: [c.yaml]}, b: {models: [c.yaml]}}\n")
    with pytest.raises(ConfigError, match=r"the model 'c\.yaml' is named twice"):
        costcalc.check("costcalc.yaml")


def test_toml() -> None:
    Path("pyproject.toml").write_text(
        '[tool.costcalc.groups.vision]\nmodels = ["vision/*.yaml"]\nlimits = {macs = 1}\n'
    )
    (model,) = costcalc.check("pyproject.toml", groups=["vision"]).models
    assert model.group == "vision" and model.verdicts[0].limit == 1


def test_what_is_gone_or_of_no_use_is_told_to_its_group(here: Path) -> None:
    """A model that is gone belongs to the group whose glob fits it, an ignore to the one that has all of its models."""
    write(here, vision__old_yaml=NET, audio__b_yaml=NET)
    costcalc.lock(config="costcalc.yaml")
    (here / "vision/old.yaml").unlink()
    ignores = "[{code: CC001, model: vision/*}, {code: CC003, model: audio/*}, {code: CC2, model: '*'}]"
    Path("costcalc.yaml").write_text(f"{CONFIG}ignore: {ignores}\n", encoding="utf-8")
    notes = {group: costcalc.check("costcalc.yaml", groups=[group]).notes for group in ("vision", "audio")}
    gone = [note for note in notes["vision"] if "no longer a model" in note]
    assert len(gone) == 1 and "vision/old.yaml" in gone[0]
    assert not any("no longer a model" in note for note in notes["audio"])
    useless = {group: [note for note in found if note.startswith("CC302")] for group, found in notes.items()}
    assert {group: [("CC001" in n, "CC003" in n) for n in found] for group, found in useless.items()} == {
        "vision": [(True, False)],
        "audio": [(False, True)],
    }
