"""What a change loosens in its own budget is told against the config of the baseline's revision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import call
from support.repository import begin, commit, git

import costcalc
from costcalc.studies.check.verdict import CheckResult

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n    as: stem\n  - relu\n"
OTHER = "input: [N, 2, 16, 16]\nlayers:\n  - conv: {filters: 24, kernel: 3}\n"
CONFIG = """\
models: [m/*.yaml]
limits: {macs: 500M, time: {t4: 1 ms}, fits: [t4]}
min: {intensity: 0.1}
max_increase: {macs: 2%}
layers: {"stem*": {max_share: 100%}}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = begin(tmp_path / "repository", monkeypatch)
    write(folder, **{"m/a.yaml": NET, "m/b.yaml": NET, "costcalc.yaml": CONFIG})
    monkeypatch.chdir(folder)
    costcalc.lock()
    commit(folder, "main")
    return folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def check(**options: object) -> CheckResult:
    from costcalc.studies.check.config_file import nearest_config
    from costcalc.studies.check.revision_baseline import read_baseline
    from costcalc.studies.check.run import run

    config = nearest_config(None)
    return run(config, read_baseline("main", config), **options)  # type: ignore[arg-type]


def facts(result: CheckResult, code: str = "CC307") -> list[str]:
    return [rule.fact.rpartition(", against ")[0] or rule.fact for rule in result.broken_rules if rule.code == code]


BOTH = "for m/a.yaml, m/b.yaml"


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("macs: 500M", "macs: 700M", f"the limit of macs rose from 500 M to 700 M {BOTH}"),
        ("macs: 500M, ", "", f"the limit of macs (500 M) was taken away {BOTH}"),
        ("{t4: 1 ms}", "{t4: 2 ms}", f"the limit of time t4 rose from 1.00 ms to 2.00 ms {BOTH}"),
        (", fits: [t4]", "", f"the limit of fits t4 was taken away {BOTH}"),
        ("intensity: 0.1", "intensity: 0.05", f"the least of intensity fell from 0.10 FLOP/byte to 0.05 FLOP/byte {BOTH}"),
        ("macs: 2%", "macs: 5%", f"the limit of the growth of macs rose from +2.0% to +5.0% {BOTH}"),
        ("macs: 2%", "macs: 1M", f"the limit of the growth of macs was changed from +2.0% to 1 M {BOTH}"),
        ("max_increase: {macs: 2%}\n", "", f"the limit of the growth of macs (+2.0%) was taken away {BOTH}"),
        ("2%}\n", "2%}\nmin_delta: {macs: 9M}\n", f"the min_delta of macs rose from 0 to 9 M {BOTH}"),
        ("share: 100%", "share: 100%, each: true",
         f"the limit of max_share of macs of layers stem* holds each of them, and held all of them together {BOTH}"),
        ("limits:", "allow: [com.acme:Op]\nlimits:", f"the operator com.acme:Op is taken as free {BOTH}"),
        ("limits:", "ignore: [{code: CC001, model: m/a.yaml, reason: soon}]\nlimits:",
         "an ignore of CC001 for m/a.yaml was added (soon)"),
        ("limits:", "warn: [CC0]\nlimits:", "CC0: a warning now, an error before"),
        ("limits:", "ignore: [CC307]\nlimits:", "CC307: left out now, a warning before"),
        ("limits:", "select: [CC001]\nlimits:", None),
        ("limits:", "exclude: [m/b.yaml]\nlimits:", "m/b.yaml is held to no limit any more"),
        ("[m/*.yaml]", "[m/a.yaml]", "m/b.yaml is held to no limit any more"),
        ("[m/*.yaml]", "[m/*.yaml, {path: m/b.yaml, limits: {macs: 1G}}]",
         "the limit of macs rose from 500 M to 1 G for m/b.yaml"),
    ],
)  # fmt: skip
def test_what_is_loosened(old: str, new: str, fact: str | None, repository: Path) -> None:
    assert CONFIG.count(old) == 1
    write(repository, **{"costcalc.yaml": CONFIG.replace(old, new)})
    result = check()
    assert facts(result) == [fact] if fact else facts(result)[1] == "CC307, CC308: left out now, a warning before"
    assert {rule.level for rule in result.broken_rules} == {"warning"} and result.outcome == "kept"
    assert fact is None or fact in json.loads(json.dumps(result.to_dict()))["summary"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("macs: 500M", "macs: 400M"),
        ("intensity: 0.1", "intensity: 0.15"),
        ("macs: 2%", "macs: 1%"),
        ("limits:", "error: [CC3]\nlimits:"),
        ("[m/*.yaml]", "[m/a.yaml, m/b.yaml]"),
        ("[m/*.yaml]", "[{path: m/a.yaml, name: a}, {path: m/b.yaml, name: b}]"),
        ("models: [m/*.yaml]", "groups: {team: {models: [m/*.yaml]}}"),
    ],
)
def test_what_is_not_loosened(old: str, new: str, repository: Path) -> None:
    write(repository, **{"costcalc.yaml": CONFIG.replace(old, new)})
    assert facts(check()) == []


def test_a_loosened_limit_as_an_error(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The stricter config decides, so that no change lowers its own level; the command line decides over both."""
    loose = CONFIG.replace("500M", "700M")
    write(repository, **{"costcalc.yaml": f"error: [CC307]\n{loose}"})
    assert check().outcome == "exceeded"
    write(repository, **{"costcalc.yaml": f"ignore: [CC3]\n{loose}"})
    assert check().outcome == "kept"
    code, out, _ = call(capsys, "check", "--baseline", "main", "--error", "CC307")
    assert code == 1 and "over  CC307" in out and "rules are broken" in out
    write(repository, **{"costcalc.yaml": f"error: [CC307]\n{CONFIG}"})
    commit(repository, "errors")
    git(repository, "switch", "-q", "-c", "branch")
    write(repository, **{"costcalc.yaml": f"ignore: [CC3]\n{loose}"})
    result = check()
    assert result.outcome == "exceeded" and {rule.level for rule in result.broken_rules} == {"error"}
    code, _, err = call(capsys, "check", "--error", "CC9")
    assert code == 2 and "no code begins with 'CC9'" in err


def test_a_comment_that_ignores(repository: Path) -> None:
    comment = NET.replace("  - conv", "  # costcalc: ignore CC001 until 2099-01: why\n  - conv")
    write(repository, **{"m/a.yaml": comment})
    assert facts(check()) == ["an ignore of CC001 for m/a.yaml until 2099-01-31 was added (why)"]
    commit(repository, "ignored")
    assert facts(check()) == []
    write(repository, **{"m/a.yaml": comment.replace("2099", "2100")})
    assert facts(check()) == [
        "the ignore of CC001 for m/a.yaml until 2099-01-31 holds until 2100-01-31 now (why)",
    ]


def test_a_config_that_moved(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config under another name, or one nearer than the one before, is compared with what held the models."""
    loose = CONFIG.replace("500M", "700M")
    for name in ("costcalc.yml", "m/costcalc.yaml"):
        write(repository, **{name: loose.replace("m/*.yaml", "'*.yaml'" if "/" in name else "m/*.yaml")})
        if "/" not in name:
            (repository / "costcalc.yaml").unlink()
        monkeypatch.chdir((repository / name).parent)
        assert any("rose from 500 M to 700 M" in fact for fact in facts(check())), name


def test_a_lock_file_as_baseline(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock file has no limits; beside a config, that config's are compared."""
    write(repository, **{"costcalc.yaml": CONFIG.replace("500M", "700M")})
    base = tmp_path / "base"
    write(base, **{"costcalc.yaml": CONFIG, "lock.json": (repository / "costcalc.lock.json").read_text("utf-8")})
    code, out, _ = call(capsys, "check", "--baseline", str(base / "lock.json"))
    assert code == 0 and "rose from 500 M to 700 M" in out
    (base / "costcalc.yaml").unlink()
    code, out, _ = call(capsys, "check", "--baseline", str(base / "lock.json"))
    assert code == 0 and "limits are not compared with" in out
    code, out, _ = call(capsys, "check", "--baseline", str(base / "lock.json"), "--error", "CC307")
    assert code == 1 and "CC307: limits are not compared" in out


def test_a_config_that_was_broken(repository: Path) -> None:
    write(repository, **{"costcalc.yaml": "models: ["})
    commit(repository, "broken")
    write(repository, **{"costcalc.yaml": CONFIG})
    assert any("limits are not compared with those of main" in note for note in check().notes)


def test_a_model_that_was_renamed_and_rewritten(repository: Path) -> None:
    """It has no baseline: that is told, and its limits are compared with those of the one that is gone."""
    (repository / "m/b.yaml").unlink()
    write(repository, **{"m/c.yaml": OTHER})
    assert facts(check(), "CC308") == [
        "m/c.yaml (84,672 MACs, 456 params) is not in main:costcalc.lock.json, and m/b.yaml (768 MACs, 16 params) is gone "
        "since: growth is not checked"
    ]
    write(repository, **{"costcalc.yaml": CONFIG.replace("[m/*.yaml]", "[m/a.yaml, {path: m/c.yaml, name: m/b.yaml}]")})
    named = check()
    assert not facts(named, "CC308") and [v.code for v in named.verdicts if v.outcome == "exceeded"] == ["CC201"]
    write(
        repository,
        **{"costcalc.yaml": CONFIG.replace("[m/*.yaml]", "[m/a.yaml, {path: m/c.yaml, limits: {macs: 1G}}]")},
    )
    assert facts(check()) == ["the limit of macs rose from 500 M to 1 G for m/c.yaml"]
    write(repository, **{"m/b.yaml": NET, "costcalc.yaml": CONFIG})
    assert not check().broken_rules, "a new model beside those that were there has nothing to hide"


def test_a_revision_without_a_lock_file(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its models are measured as they are there, so that growth is held all the same."""
    lock = (repository / "costcalc.lock.json").read_text("utf-8")
    (repository / "costcalc.lock.json").unlink()
    commit(repository, "without a lock")
    result = check()
    assert result.outcome == "kept" and result.lineage.new == () and not result.broken_rules
    assert "main has no lock file costcalc.lock.json: its models are measured as they are there" in result.notes
    write(repository, **{"m/a.yaml": f"{OTHER.rstrip()}\n    as: stem\n"})
    assert [v.code for v in check().verdicts if v.outcome == "exceeded"] == ["CC201"]
    write(repository, **{"costcalc.lock.json": lock})
    assert [v.code for v in check().verdicts if v.outcome == "exceeded"] == ["CC201"], "the branch's own is not asked"
    (repository / "m/a.yaml").rename(repository / "m/c.yaml")
    code, out, _ = call(capsys, "check", "--baseline", "main", "--format", "markdown")
    assert code == 0 and "1 limit of growth holds nothing yet" in out and "CC308" in out, "renamed and rewritten"
    write(repository, **{"m/a.yaml": NET})
    (repository / "m/b.yaml").rename(repository / "m/d.yaml")
    assert check().lineage.renamed == (("m/b.yaml", "m/d.yaml"),)
    (repository / "m/d.yaml").rename(repository / "m/b.yaml")
    (repository / "m/c.yaml").unlink()
    write(repository, **{"costcalc.yaml": f"lock: mine.json\n{CONFIG}"})
    write(repository, **{"mine.json": lock})
    git(repository, "checkout", "-q", "HEAD~1", "--", "costcalc.lock.json")
    commit(repository, "the lock again")
    assert check().lineage.new == (), "the lock file of the revision is the one that its own config names"


def test_a_revision_whose_models_are_broken(repository: Path) -> None:
    """What cannot be measured there is told, and the growth of that model is not held in silence."""
    (repository / "costcalc.lock.json").unlink()
    write(repository, **{"m/b.yaml": "input: [N, 3"})
    commit(repository, "without a lock")
    write(repository, **{"m/b.yaml": NET})
    (told,) = facts(check(), "CC308")
    assert told.startswith("m/b.yaml cannot be read as it is at main: ") and told.endswith("growth is not checked")


def test_a_model_of_the_command_line_at_a_revision_without_a_lock_file(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("costcalc.lock.json", "costcalc.yaml"):
        (repository / name).unlink()
    commit(repository, "models alone")
    write(repository, **{"m/a.yaml": OTHER})
    for path in ("m/a.yaml", str(repository / "m/a.yaml")):
        code, out, _ = call(capsys, "check", path, "--max-increase", "macs=2%", "--baseline", "main")
        assert code == 1 and "+10,925.0%" in out
