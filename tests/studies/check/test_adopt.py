"""--add-ignores: a dirty repository is adopted, and the user's file keeps its comments and layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import call

import costcalc
from costcalc.core.errors import ConfigError
from costcalc.studies.check.adopt import plan_ignores
from costcalc.studies.check.config_file import read_config_file
from costcalc.studies.check.run import run

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET, encoding="utf-8")
    return tmp_path


HEAD = "# the budget\nmodels: [net.yaml]   # one\nlimits: {macs: 1, ops: {Conv: 0}}\n"
ENTRY = '{code: CC001, model: net.yaml, until: 2099-01, reason: "TODO: why, and what ends it"}'
OPS = '{code: CC010, model: net.yaml, quantity: "ops Conv", until: 2099-01, reason: "TODO: why, and what ends it"}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HEAD, f"{HEAD}ignore:\n  - {ENTRY}\n  - {OPS}\n"),
        (HEAD.rstrip(), f"{HEAD}ignore:\n  - {ENTRY}\n  - {OPS}\n"),
        (HEAD + "ignore:   # none yet\n", f"{HEAD}ignore:   # none yet\n  - {ENTRY}\n  - {OPS}\n"),
        (HEAD + "ignore: [CC9]  # x\n".replace("CC9", "CC2"), f"{HEAD}ignore: [CC2, {ENTRY}, {OPS}]  # x\n"),
        (HEAD + "ignore: []\nlock: a\n", f"{HEAD}ignore: [{ENTRY}, {OPS}]\nlock: a\n"),
        (HEAD + "ignore: CC2\n", f"{HEAD}ignore: [CC2, {ENTRY}, {OPS}]\n"),
        (
            HEAD + "ignore:\n- CC2  # growth\n\n# the rest\nlock: a\n",
            f"{HEAD}ignore:\n- CC2  # growth\n- {ENTRY}\n- {OPS}\n\n# the rest\nlock: a\n",
        ),
        (
            HEAD + "ignore:\n    - {code: CC007,\n       model: net.yaml}\n",
            f"{HEAD}ignore:\n    - {{code: CC007,\n       model: net.yaml}}\n    - {ENTRY}\n    - {OPS}\n",
        ),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_yaml_keeps_its_comments_and_layout(before: str, after: str, ends: str) -> None:
    Path("costcalc.yaml").write_bytes(before.replace("\n", ends).encode())
    result = costcalc.add_ignores("costcalc.yaml", until="2099-01")
    assert Path("costcalc.yaml").read_bytes().decode() == after.replace("\n", ends)
    assert result.exit_code == 0 and len(result.suppressed) == 2


TOML = '[project]\nname = "x"\n\n[tool.costcalc]  # budget\nmodels = ["net.yaml"]\nlimits = {macs = 1}\n'
TABLE = '[[tool.costcalc.ignore]]\ncode = "CC001"\nmodel = "net.yaml"\nuntil = "2099-01"\nreason = "old"\n'
INLINE = '{ code = "CC001", model = "net.yaml", until = "2099-01", reason = "old" }'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TOML + '\n[tool.ruff]\nignore = ["E501"]\n', f'{TOML}\n[tool.ruff]\nignore = ["E501"]\n\n{TABLE}'),
        (TOML + TABLE.replace("CC001", "CC007"), f"{TOML}{TABLE.replace('CC001', 'CC007')}\n{TABLE}"),
        (TOML + 'ignore = ["CC2"]  # growth ]\n', f'{TOML}ignore = ["CC2", {INLINE}]  # growth ]\n'),
        (TOML + "ignore = []\n[tool.x]\n", f"{TOML}ignore = [{INLINE}]\n[tool.x]\n"),
        (
            TOML + 'ignore = [\n  "CC2",  # growth ]\n]\n',
            f'{TOML}ignore = [\n  "CC2",  # growth ]\n{INLINE}]\n',
        ),
    ],
)
def test_toml_keeps_its_comments_and_layout(before: str, after: str) -> None:
    Path("pyproject.toml").write_text(before, encoding="utf-8")
    result = costcalc.add_ignores("pyproject.toml", until="2099-01", reason="old")
    assert Path("pyproject.toml").read_text(encoding="utf-8") == after
    assert result.exit_code == 0 and len(result.suppressed) == 1


def test_a_form_without_a_place_is_refused_and_nothing_is_written() -> None:
    text = "{models: [net.yaml], limits: {macs: 1}}\n"
    Path("costcalc.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="leaves no place for an `ignore:` entry; add the entries there by hand"):
        costcalc.add_ignores("costcalc.yaml")
    assert Path("costcalc.yaml").read_text(encoding="utf-8") == text


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("costcalc.yaml").write_text(HEAD, encoding="utf-8")
    assert call(capsys, "check")[0] == 1
    code, out, _ = call(capsys, "check", "--add-ignores", "--until", "2099-01-15", "--reason", "as found")
    assert (code, out) == (
        0,
        "costcalc.yaml: 2 entries in `ignore:` for 2 limits that are exceeded, until 2099-01-15\n",
    )
    assert call(capsys, "check")[0] == 0
    assert call(capsys, "check", "--add-ignores")[1] == "costcalc.yaml is left as it is: no limit is exceeded\n"
    code, _, err = call(capsys, "check", "--until", "2099-01")
    assert code == 2 and "--until does not go with check" in err
    assert call(capsys, "check", "--add-ignores", "--until", "soon")[0] == 2
    assert call(capsys, "check", "--add-ignores", "--format", "json")[0] == 2
    code, _, err = call(capsys, "check", "lenet5", "--max", "macs=1", "--add-ignores")
    assert code == 2 and "there is no config to write ignores into" in err


def test_a_date_that_is_over_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("costcalc.yaml").write_text(HEAD, encoding="utf-8")
    code, out, err = call(capsys, "check", "--add-ignores", "--until", "2020-01")
    assert (code, out) == (2, "") and "until '2020-01' is over" in err
    assert Path("costcalc.yaml").read_text(encoding="utf-8") == HEAD


def test_what_cannot_be_told_remains(capsys: pytest.CaptureFixture[str]) -> None:
    Path("costcalc.yaml").write_text("models: [net.yaml, {path: gone.yaml}]\nlimits: {macs: 1}\n", encoding="utf-8")
    code, out, err = call(capsys, "check", "--add-ignores")
    assert code == 2 and "1 entry in `ignore:`" in out and "gone.yaml" in err


def test_warnings_and_what_is_ignored_get_no_entry() -> None:
    text = HEAD + "warn: [CC010]\nignore: [{code: CC001}]\n"
    Path("costcalc.yaml").write_text(text, encoding="utf-8")
    config = read_config_file("costcalc.yaml")
    plan = plan_ignores(config, run(config))
    assert plan.entries == 0 and plan.text == text


OVER = [
    ("{code: CC001, model: net.yaml, until: 2026-01, reason: x}  # keep", "2099-01"),
    ("{code: [CC001, CC003], model: net.yaml, until: 2026-01-15}", "2099-01"),
    ("code: CC001  # why\n    model: net.yaml\n    until: 2026-01\n    reason: x", "2099-01"),
]


@pytest.mark.parametrize(("entry", "until"), OVER)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_an_entry_that_is_over_is_renewed_in_its_place(entry: str, until: str, ends: str) -> None:
    """Its comments and its reason stay; run again, nothing is added."""
    before = f"{HEAD}ignore:\n  - CC2\n  - {entry}\n"
    Path("costcalc.yaml").write_bytes(before.replace("\n", ends).encode())
    result = costcalc.add_ignores("costcalc.yaml", until=until)
    renewed = entry.replace("2026-01-15", until).replace("2026-01", until).replace("[CC001, CC003]", "CC001")
    expected = f"{HEAD}ignore:\n  - CC2\n  - {renewed}\n  - {OPS}\n".replace("\n", ends)
    assert Path("costcalc.yaml").read_bytes().decode() == expected
    assert result.ok and not result.notes and len(result.suppressed) == 2
    costcalc.add_ignores("costcalc.yaml", until=until)
    assert Path("costcalc.yaml").read_bytes().decode() == expected


def test_a_renewed_entry_gets_a_reason_that_is_given() -> None:
    for entry, renewed in (
        ("{code: CC001, model: net.yaml, until: 2026-01}", "{code: CC001, model: net.yaml, until: 2099-01, reason: \"y\"}"),
        ("code: CC001\n    model: net.yaml\n    until: 2026-01", "code: CC001\n    model: net.yaml\n    until: 2099-01\n    reason: \"y\""),
        ("{code: CC001, model: net.yaml, until: 2026-01, reason: x}", "{code: CC001, model: net.yaml, until: 2099-01, reason: \"y\"}"),
    ):  # fmt: skip
        head = "models: [net.yaml]\nlimits: {macs: 1}\nignore:\n  - "
        Path("costcalc.yaml").write_text(f"{head}{entry}\n", encoding="utf-8")
        costcalc.add_ignores("costcalc.yaml", until="2099-01", reason="y")
        assert Path("costcalc.yaml").read_text(encoding="utf-8") == f"{head}{renewed}\n"


def test_a_broader_entry_that_is_over_stays() -> None:
    """What was ignored of several models, or of one layer, is not ignored anew by a command about one limit."""
    for fields in ("", "model: '*.yaml', ", "model: net.yaml, layer: conv, "):
        Path("costcalc.yaml").write_text(
            f"{HEAD}ignore:\n  - {{code: CC001, {fields}until: 2026-01}}\n", encoding="utf-8"
        )
        costcalc.add_ignores("costcalc.yaml", until="2099-01")
        text = Path("costcalc.yaml").read_text(encoding="utf-8")
        assert "until: 2026-01}" in text and ENTRY in text


def test_toml_renews_an_entry_that_is_over() -> None:
    for entry in (TABLE, f"[tool.x]\ny = 1\n\n{TABLE}"):
        Path("pyproject.toml").write_text(f"{TOML}\n{entry.replace('2099', '2026')}", encoding="utf-8")
        costcalc.add_ignores("pyproject.toml", until="2099-01")
        assert Path("pyproject.toml").read_text(encoding="utf-8") == f"{TOML}\n{entry}"
    Path("pyproject.toml").write_text(f"{TOML}ignore = [{INLINE.replace('2099', '2026')}]\n", encoding="utf-8")
    costcalc.add_ignores("pyproject.toml", until="2099-01")
    assert Path("pyproject.toml").read_text(encoding="utf-8") == f"{TOML}ignore = [{INLINE}]\n"
