"""Ignores at the place and in the config: what they suppress, until when, and what is told of those of no use."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from support.cli import call

import costcalc
from costcalc.core.errors import ConfigError, UsageError
from costcalc.studies.check.config_file import read_config_file
from costcalc.studies.check.ignore import parse_until
from costcalc.studies.check.ignore_comment import read_source_ignores
from costcalc.studies.check.locking import plan_lock
from costcalc.studies.check.run import run
from costcalc.studies.check.verdict import CheckResult

NET = """\
name: Net
input: [N, 3, 8, 8]
layers:
  - conv: {filters: 4, kernel: 1}
    as: stem
  - conv: {filters: 8, kernel: 1}
    as: head
"""
HEAD = "  - conv: {filters: 8, kernel: 1}\n    as: head"
MACS = 8 * 8 * (3 * 4 + 4 * 8)
"""stem 768, head 2,048."""

CONFIG = "models: [net.yaml]\nlimits: {macs: 1k, params: 10}\n"
TODAY = date(2026, 11, 30)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "COSTCALC_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def checked(net: str = NET, config: str = CONFIG, today: date = TODAY, names: tuple[str, ...] = ()) -> CheckResult:
    Path("net.yaml").write_text(net, encoding="utf-8")
    Path("costcalc.yaml").write_text(config, encoding="utf-8")
    return run(read_config_file("costcalc.yaml"), model_names=names, today=today)


def suppressed(result: CheckResult) -> list[str]:
    return [verdict.code for _, verdict in result.suppressed]


@pytest.mark.parametrize(
    ("net", "codes"),
    [
        (NET, []),
        (f"# costcalc: ignore CC001\n{NET}", ["CC001"]),
        (f"# costcalc: ignore CC001, CC003\n{NET}", ["CC001", "CC003"]),
        (f"# costcalc: ignore CC0\n{NET}", ["CC001", "CC003"]),
        (NET.replace("layers:", "layers:  # costcalc: ignore CC001"), ["CC001"]),
        (NET.replace("name: Net", "name: Net  #costcalc:ignore CC003: small"), ["CC003"]),
        (NET.replace(HEAD, HEAD.replace("}", "}  # costcalc: ignore CC001", 1)), ["CC001"]),
        (NET.replace(HEAD, HEAD + "  # costcalc: ignore CC001"), ["CC001"]),  # the layer's second line
        (NET.replace(HEAD, "  # costcalc: ignore CC001\n  # another comment\n\n" + HEAD), ["CC001"]),
        (NET.replace("as: stem", "as: stem  # costcalc: ignore CC001"), []),  # the head is the dearest layer
        (NET.replace("name: Net", "name: '# costcalc: ignore CC001'"), []),  # a text, and no comment
        (NET.replace("name: Net", "source: |\n  # costcalc: ignore CC001\nname: Net"), []),
    ],
)
def test_comments(net: str, codes: list[str]) -> None:
    result = checked(net)
    assert suppressed(result) == codes
    assert result.exit_code == (0 if len(codes) == 2 else 1)
    assert not any("not understood" in note for note in result.notes)


def test_a_comment_on_a_structure_holds_for_all_that_it_contains() -> None:
    body = NET.replace(
        HEAD,
        "  - repeat:  # costcalc: ignore CC001\n      times: 1\n      layers:\n      - conv: {filters: 8, kernel: 1}\n",
    )
    assert suppressed(checked(body)) == ["CC001"]


def test_a_comment_has_a_date_and_a_reason() -> None:
    net = f"# costcalc: ignore CC001 until 2027-01: distilled, see #12\n{NET}"
    (found,) = checked(net).suppressed
    assert found[1].suppression is not None
    assert found[1].suppression.until == date(2027, 1, 31) and found[1].suppression.reason == "distilled, see #12"
    assert found[1].suppression.in_source and found[1].suppression.place.line == 1
    assert suppressed(checked(net, today=date(2027, 1, 31))) == ["CC001"], "its last day"
    over = checked(net, today=date(2027, 2, 1))
    assert suppressed(over) == [] and over.exit_code == 1
    (note,) = over.notes
    assert note == (
        "CC303: net.yaml:1: the ignore of CC001 ended on 2027-01-31, and counts no more: mend the model, or give it a "
        "later date"
    )


@pytest.mark.parametrize(
    ("text", "day"),
    [("2027-01", date(2027, 1, 31)), ("2028-02", date(2028, 2, 29)), ("2027-01-15", date(2027, 1, 15))],
)
def test_dates(text: str, day: date) -> None:
    assert parse_until(text) == day


@pytest.mark.parametrize("text", ["2027", "2027-13", "2027-02-30", "2027-00", "0000-01", "soon", "2027-1", "01-2027"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(UsageError, match="write a month or a day: 2027-01 or 2027-01-15"):
        parse_until(text)
    comment = checked(f"# costcalc: ignore CC001 until {text}\n{NET}")
    assert suppressed(comment) == [] and any(note.startswith("CC306: net.yaml:1: ") for note in comment.notes)
    with pytest.raises(ConfigError, match=r"costcalc.yaml:3:\d+"):
        checked(config=f"{CONFIG}ignore: [{{code: CC001, until: '{text}'}}]\n")


@pytest.mark.parametrize(
    ("directive", "said"),
    [
        ("ignore", "it names no code; write `# costcalc: ignore CC001 until 2027-01: the reason`"),
        ("ignore CC999", "no code begins with 'CC999'"),
        ("ignore CC101", "CC101 covers codes of what cannot be told (CC1…), which are never ignored"),
        ("ignor CC001", "there is no 'ignor'"),
    ],
)
def test_a_comment_that_is_not_understood_suppresses_nothing(directive: str, said: str) -> None:
    result = checked(f"# costcalc: {directive}\n{NET}")
    assert suppressed(result) == [] and said in " ".join(result.notes)


@pytest.mark.parametrize(
    ("entry", "codes"),
    [
        ("{code: CC001}", ["CC001"]),
        ("{code: [CC001, CC003], model: net.yaml}", ["CC001", "CC003"]),
        ("{code: CC0, model: 'n*.yaml', until: 2026-11}", ["CC001", "CC003"]),
        ("{code: CC001, layer: head}", ["CC001"]),
        ("{code: CC001, layer: 'h*', quantity: macs}", ["CC001"]),
        ("{code: CC001, layer: stem}", []),
        ("{code: CC001, quantity: params}", []),
        ("{code: CC001, model: other.yaml}", []),
        ("{code: CC001, scenario: batch8}", []),
        ("{code: CC001, until: 2026-10}", []),
    ],
)
def test_entries_of_the_config(entry: str, codes: list[str]) -> None:
    result = checked(config=f"{CONFIG}ignore:\n  - {entry}\n")
    assert suppressed(result) == codes
    assert any(note.startswith(("CC302", "CC303")) for note in result.notes) == (not codes)


def test_prefixes_stand_beside_entries() -> None:
    result = checked(config=CONFIG + "ignore: [CC003, {code: CC001, reason: why}]\n")
    assert [v.code for v in result.verdicts] == ["CC001"] and suppressed(result) == ["CC001"]


def test_toml() -> None:
    Path("net.yaml").write_text(NET, encoding="utf-8")
    text = '[tool.costcalc]\nmodels = ["net.yaml"]\nlimits = {macs = "1k"}\n[[tool.costcalc.ignore]]\ncode = "CC001"\nuntil = 2027-01-15\n'
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    (found,) = run(read_config_file("pyproject.toml"), today=TODAY).suppressed
    assert found[1].suppression is not None and found[1].suppression.until == date(2027, 1, 15)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{model: net.yaml}", "`code:` is missing"),
        ("{code: CC101}", "never ignored"),
        ("{code: CC777}", "no code begins with 'CC777'"),
        ("{code: CC001, untill: 2027-01}", "has no key 'untill'"),
        ("{code: CC001, until: }", "until has no value"),
    ],
)
def test_entries_that_are_refused(entry: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"costcalc.yaml:3:") as found:
        checked(config=f"{CONFIG}ignore: [{entry}]\n")
    assert said in str(found.value)


def test_a_stale_ignore_is_told_code_by_code() -> None:
    result = checked(f"# costcalc: ignore CC001, CC005\n{NET}")
    assert result.notes == ("CC302: net.yaml:1: the ignore of CC005 suppresses nothing: remove it",)
    assert checked(f"# costcalc: ignore CC005\n{NET}", CONFIG + "ignore: [CC302]\n").notes == ()
    over = checked(config=f"{CONFIG}ignore: [{{code: CC005, until: 2020-01}}]\n")
    assert over.notes == ("CC302: costcalc.yaml:3: the ignore of CC005 suppresses nothing: remove it",), "said once"


def test_nothing_is_said_of_an_ignore_where_not_all_models_were_checked() -> None:
    Path("other.yaml").write_text(NET, encoding="utf-8")
    config = "models: [net.yaml, other.yaml]\nlimits: {macs: 1k}\nignore: [{code: CC001, model: other.yaml}]\n"
    assert checked(config=config, names=("net.yaml",)).notes == ()
    Path("other.yaml").write_text("name: [", encoding="utf-8")
    assert not any("CC302" in note for note in checked(config=config).notes)


def test_limits_of_a_command_line_tell_no_ignore_to_be_stale(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.yaml").write_text(f"# costcalc: ignore CC001, CC003\n{NET}", encoding="utf-8")
    code, out, _ = call(capsys, "check", "net.yaml", "--max", "macs=1k")
    assert code == 0 and "skip  macs" in out and "CC302" not in out


def test_what_cannot_be_told_is_never_suppressed() -> None:
    net = f"# costcalc: ignore CC0\n{NET}"
    result = checked(net, "models: [{path: net.yaml, symbolic: true}]\nlimits: {macs: 1k}\n")
    assert result.exit_code == 2 and suppressed(result) == []


def test_an_increase_that_is_ignored() -> None:
    config = CONFIG.replace("limits: {macs: 1k, params: 10}", "max_increase: {macs: 0}")
    Path("net.yaml").write_text(NET, encoding="utf-8")
    Path("costcalc.yaml").write_text(config, encoding="utf-8")
    Path("costcalc.lock.json").write_text(plan_lock(read_config_file("costcalc.yaml"), "x").text, encoding="utf-8")
    wider = NET.replace("filters: 8", "filters: 16")
    assert suppressed(checked(f"# costcalc: ignore CC201\n{wider}", config)) == ["CC201"]
    result = checked(f"# costcalc: ignore CC201\n{NET}", config)
    assert (
        "CC302: net.yaml:1: the ignore of CC201 suppresses nothing against costcalc.lock.json: remove it"
        in result.notes
    )
    assert costcalc.check("costcalc.yaml").exit_code == 0


def test_suppressed_findings_stay_visible(capsys: pytest.CaptureFixture[str]) -> None:
    net = f"# costcalc: ignore CC0 until 2099-01: legacy\n{NET}"
    result = checked(net)
    assert result.exit_code == 0 and result.statistics["CC001"] == (0, 0, 0, 1)
    code, out, _ = call(capsys, "check")
    assert code == 0 and "skip  macs" in out and "ignored until 2099-01-31 at net.yaml:1 (legacy)" in out
    assert out.rstrip().endswith("0 of 2 limits are kept; 2 are ignored")
    document = json.loads(call(capsys, "check", "--format", "json")[1])
    assert [v["suppression"]["reason"] for v in document["models"][0]["verdicts"]] == ["legacy"] * 2
    assert document["statistics"][0] == {
        "code": "CC001", "name": "MACs", "errors": 0, "warnings": 0, "unknown": 0, "suppressed": 1,
    }  # fmt: skip
    assert "over 2 limits, which are ignored" in document["summary"]
    assert "::error" not in call(capsys, "check", "--format", "github")[1]
    assert json.loads(call(capsys, "check", "--format", "gitlab")[1]) == []
    sarif = json.loads(call(capsys, "check", "--format", "sarif")[1])["runs"][0]
    assert sarif["results"] == [] and sarif["properties"]["limits"][0]["suppression"]["in_source"]
    assert 'skipped="2"' in call(capsys, "check", "--format", "junit")[1]
    assert "🔕 | net.yaml | macs" in call(capsys, "check", "--format", "markdown")[1]


def test_a_file_that_is_no_yaml_or_text_has_no_ignores() -> None:
    for content in (b"\xff# costcalc: ignore CC001", b"a: [ # costcalc: ignore CC001", b"", b"costcalc"):
        assert read_source_ignores(content, "f").ignores == ()
