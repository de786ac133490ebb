"""A repository with a budget and a lock: what a branch makes dearer is found, named and placed, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.check_results import place
from support.cli import run
from support.repository import begin, commit, git, needs_git
from support.small_models import MACS, NET, PARAMS, mystery, write

import costcalc
from costcalc.studies.check.branch import parse_range

CONFIG = """\
models:
  - models/*.yaml
max_increase: {macs: 2%, params: 0}
min_delta: {params: 1}
"""


pytestmark = needs_git


@pytest.fixture
def repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (here / ".git").rmdir()
    begin(here, monkeypatch)
    write(here, models__net_yaml=NET, costcalc_yaml=CONFIG)
    assert run(["lock"]) == 0
    commit(here, "a model and its budget")
    git(here, "switch", "-q", "-c", "wider")
    return here


def test_a_branch_that_doubles_a_layer(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The head: 2·4·100 → 4·4·100 MACs, 8 → 16 parameters."""
    assert run(["check"]) == 0
    write(repository, models__net_yaml=NET.replace("filters: 2", "filters: 4"))
    assert run(["check"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "CC201: head grew most, from 800 to 1,600 (+800, +100.0%) (models/net.yaml:5:5)" in out
    assert f"{MACS + 800:,} of {MACS + MACS // 50:,} exceeded by 720" in out
    assert "CC301: costcalc.lock.json is stale: models/net.yaml: macs 4,000 → 4,800" in out
    macs, params = costcalc.check().verdicts
    assert (macs.place, macs.limit_place) == (place("models/net.yaml", 5, 5), place("costcalc.yaml", 3, 16))
    assert (params.value, params.limit, params.baseline) == (PARAMS + 8, PARAMS + 1, PARAMS)


def test_the_comment_counts_the_layer_that_was_changed_and_not_what_follows_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stem is doubled: 4·8·100 MACs more, and 4·2·100 more in the head, which is as it was."""
    write(repository, models__net_yaml=NET.replace("filters: 4", "filters: 8"))
    assert run(["check", "--format", "markdown"]) == 1
    summary = "<summary>models/net.yaml: 1 layer changed, 2 following; MACs +4,000 (+100.0%)</summary>"
    assert summary in capsys.readouterr().out
    write(
        repository, models__net_yaml=NET.replace("as: stem", "as: trunk").replace("  - relu\n", "  - relu\n  - abs\n")
    )
    assert run(["check", "--format", "markdown"]) == 0
    assert "<summary>models/net.yaml: 1 layer added, 1 renamed; FLOPs +400" in capsys.readouterr().out


def test_a_branch_that_locks_its_own_growth_is_still_held_to_main(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, models__net_yaml=NET.replace("filters: 2", "filters: 4"), models__new_yaml=NET)
    assert run(["lock"]) == 0
    assert run(["check"]) == 0
    capsys.readouterr()
    assert run(["check", "--baseline", "main"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "raise the limit at costcalc.yaml:3:16" in out, "no lock of this branch changes main's"
    assert "new since main:costcalc.lock.json, so no increase is held: models/new.yaml" in out
    commit(repository, "wider")
    assert run(["check", "--baseline", "HEAD"]) == 0
    assert run(["check", "--baseline", "nowhere"]) == 2
    assert run(["check", "--baseline", "costcalc.lock.json"]) == 0


def test_a_file_that_is_renamed_is_held_to_what_it_was(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As git sees it where the model changed too; else by its layers, which a file that git does not follow yet has."""
    old, new = repository / "models/net.yaml", repository / "models/better.yaml"
    note = "renamed since main:costcalc.lock.json: models/net.yaml → models/better.yaml"
    old.rename(new)
    for code in (0, 1):
        assert run(["check", "--baseline", "main"]) == code
        assert note in " ".join(capsys.readouterr().out.split())
        new.write_text(NET.replace("filters: 2", "filters: 4"))
        git(repository, "add", "-A")
    assert run(["check", "--baseline", "main", "--format", "json"]) == 1
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert model["baseline_totals"]["macs"] == MACS
    assert run(["check", "--baseline", "main", "models/better.yaml"]) == 1, "which is all that is asked for"


def test_a_branch_that_forgets_to_lock_is_told_so_beside_another_baseline(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "--baseline", "main"]) == 0
    assert "CC301" not in capsys.readouterr().out
    write(repository, models__net_yaml=NET.replace("  - relu\n", "  - relu\n  - abs\n"))
    assert run(["check", "--baseline", "main"]) == 0
    assert "CC301: costcalc.lock.json is stale in 1 entry: run `costcalc lock`, commit it" in capsys.readouterr().out
    assert run(["check", "--baseline", "costcalc.lock.json"]) == 0
    assert "CC301" not in capsys.readouterr().out, "the very file that is asked for"
    (repository / "costcalc.lock.json").write_text("<<<<<<< HEAD\n")
    assert run(["check", "--baseline", "main"]) == 0
    assert "CC301: costcalc.lock.json:1: a merge left its conflict in the file" in capsys.readouterr().out
    write(repository, costcalc_yaml=CONFIG + "ignore: [CC3]\n")
    assert run(["check", "--baseline", "main"]) == 0
    assert "CC301" not in capsys.readouterr().out


def test_what_is_new_and_what_is_gone_is_told_with_its_cost(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "models/net.yaml").unlink()
    write(repository, models__text_yaml="input: [N, 5]\nlayers:\n  - linear: {units: 3}\n")
    write(repository, models__broken_yaml="input: [N]\nlayers: [nothing]\n")
    assert run(["check", "--baseline", "main"]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert (
        f"new since main:costcalc.lock.json, so no increase is held: models/text.yaml ({3 * 5} MACs, {3 * 5 + 3} params)"
        in out
    )
    assert f"no longer a model since main:costcalc.lock.json: models/net.yaml ({MACS:,} MACs, {PARAMS} params)" in out
    assert f"macs increase {3 * 5} of any new" in out
    assert run(["check"]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "stale: models/net.yaml: it is locked, but no longer a model of the config" in out, (
        "though another is broken"
    )
    assert run(["check", "--baseline", "main", "models/text.yaml"]) == 0
    assert "no longer" not in capsys.readouterr().out


def test_a_model_that_is_read_otherwise_than_in_the_baseline_is_told(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CONFIG.replace("- models/*.yaml", "- {path: models/*.yaml, dims: {N: 1}, dtype: int8}")
    write(repository, costcalc_yaml=config)
    assert run(["check", "--baseline", "main"]) == 0
    note = "read with other settings than in main:costcalc.lock.json: models/net.yaml: none → dims N=1, dtype=int8"
    assert note in " ".join(capsys.readouterr().out.split())


def test_a_model_that_is_not_locked_cannot_be_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, models__new_yaml=NET)
    assert run(["check"]) == 2
    assert "CC104: the model is not in costcalc.lock.json" in capsys.readouterr().out
    (repository / "costcalc.lock.json").unlink()
    assert run(["check"]) == 2
    assert "CC104: there is no baseline" in capsys.readouterr().out
    (repository / "costcalc.lock.json").write_text("{")
    assert run(["check"]) == 2


def test_every_format_says_the_same_of_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, models__net_yaml=NET.replace("filters: 2", "filters: 4"))
    files = {form: f"out.{form}" for form in ("json", "markdown", "github", "sarif", "junit", "gitlab")}
    assert run(["check", *(f"--report={form}={file}" for form, file in files.items())]) == 1
    for file in files.values():
        text = (repository / file).read_text().replace("\\", "").replace("%25", "%")
        assert "exceeded by 720" in text and "head grew most, from 800 to 1,600" in text, file
        assert "models/net.yaml" in text
    (model,) = json.loads((repository / "out.json").read_text())["models"]
    assert model["baseline_totals"]["macs"] == MACS
    assert model["verdicts"][0]["grown"] == {"layer": "head", "before": 800, "after": 1600}


def test_an_onnx_file_is_named_where_it_has_no_lines(here: Path) -> None:
    mystery(here / "net.onnx")
    write(here, costcalc_yaml="models: [net.onnx]\nlimits: {macs: 1}\nallow: [Mystery]")
    (verdict,) = costcalc.check().verdicts
    assert (verdict.layer, verdict.place) == ("conv", place("net.onnx", 0, 0))
    assert "make conv cheaper at net.onnx, or raise the limit at costcalc.yaml:2:10" in verdict.remedy


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("main", ("main", "")),
        ("main..branch", ("main", "branch")),
        ("main..", ("main", "HEAD")),
        ("..branch", ("HEAD", "branch")),
        ("main...", ("main...HEAD", "")),
        ("main...branch", ("main...branch", "branch")),
    ],
)
def test_what_is_compared(text: str, found: tuple[str, str]) -> None:
    assert parse_range(text) == found
