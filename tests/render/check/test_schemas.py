"""The formats for machines hold to their published schemas, and all of them say the same as the outcome."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from support.check_results import BROKEN, EXCEEDED, FINE, MIXED, broken, many, place, shown
from support.paths import SCHEMAS

OUTCOMES = {"fine": FINE, "broken": BROKEN, "mixed": MIXED, "many": many(30), "none": replace(FINE, models=())}


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


@pytest.fixture(params=OUTCOMES)
def outcome(request: pytest.FixtureRequest) -> Any:
    return OUTCOMES[request.param]


def test_sarif_is_valid(outcome: Any) -> None:
    document = json.loads(shown("sarif", outcome))
    jsonschema.Draft4Validator(schema("sarif-2.1.0-rtm.5.json")).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert len({result["partialFingerprints"]["costcalc/v2"] for result in run["results"]}) == len(run["results"])
    assert run["invocations"][0]["exitCode"] == outcome.exit_code


def test_junit_is_valid(outcome: Any) -> None:
    text = shown("junit", outcome)
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(text)
    root = ElementTree.fromstring(text)
    for suite in (root, *root.iter("testsuite")):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(suite.get(attribute, "")) == len(list(suite.iter(tag)))


def test_gitlab_is_valid(outcome: Any) -> None:
    entries = json.loads(shown("gitlab", outcome))
    jsonschema.Draft202012Validator(schema("gitlab-codequality.json")).validate(entries)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_the_schemas_refuse_what_is_wrong() -> None:
    """A schema that took anything would test nothing."""
    document = json.loads(shown("sarif", BROKEN))
    document["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema("sarif-2.1.0-rtm.5.json")).validate(document)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        text = shown("junit", BROKEN).replace("<failure", "<failing").replace("</failure", "</failing")
        xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(text)
    with pytest.raises(jsonschema.ValidationError):
        entries = [{**entry, "severity": "bad"} for entry in json.loads(shown("gitlab", BROKEN))]
        jsonschema.Draft202012Validator(schema("gitlab-codequality.json")).validate(entries)


def test_sarif_has_figures_lines_and_the_rule_in_its_own_words() -> None:
    (run,) = json.loads(shown("sarif", BROKEN))["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("CC001", "error")
    assert result["message"]["text"].startswith("net: macs: 32,000 of at most 31,999, exceeded by 1 (<0.1%)")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "models/net.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7, "startColumn": 5},
    }
    assert {key: result["properties"][key] for key in ("value", "limit", "headroom", "baseline")} == {
        "value": 32_000,
        "limit": 31_999,
        "headroom": -1,
        "baseline": 12_800 + 6_400,
    }
    assert [(limit["quantity"], limit["outcome"]) for limit in run["properties"]["limits"]] == [
        ("macs", "exceeded"),
        ("params", "kept"),
    ]
    assert "multiply-accumulates" in run["tool"]["driver"]["rules"][0]["fullDescription"]["text"]


def test_junit_has_a_suite_for_each_scenario_and_a_case_for_each_limit() -> None:
    root = ElementTree.fromstring(shown("junit", MIXED))
    assert [suite.get("name") for suite in root] == ["net (batch1)", "net", "other", "broken"]
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert cases["net", "macs"].find("failure") is not None
    assert cases["net", "params"].find("failure") is None
    assert cases["net (batch1)", "time t4"].find("failure") is None, "a warning fails nothing"
    assert "warning" in cases["net (batch1)", "time t4"].findtext("system-out", "")
    assert cases["other", "unknown_ops"].find("error") is not None
    assert "filtres" in cases["broken", "model"].findtext("error", "")


def test_gitlab_orders_by_severity() -> None:
    entries = json.loads(shown("gitlab", MIXED))
    assert [(e["check_name"], e["severity"], e["location"]["lines"]["begin"]) for e in entries] == [
        ("CC101", "critical", 1),
        ("CC102", "critical", 3),
        ("CC001", "major", 7),
        ("CC009", "minor", 6),
    ]


def test_a_fingerprint_outlives_figures_and_lines() -> None:
    moved = replace(EXCEEDED, value=99_999, fact="other words", place=place("models/net.yaml", 70, 1))
    later = broken(verdicts=(moved,))
    first, second = (json.loads(shown("gitlab", o))[0]["fingerprint"] for o in (BROKEN, later))
    assert first == second
    for other in (broken(source="models/other.yaml"), broken(verdicts=(replace(EXCEEDED, layer="stem"),))):
        assert json.loads(shown("gitlab", other))[0]["fingerprint"] != first


def test_paths_are_relative_to_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "sub" / "dir"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    at = place(str(tmp_path / "sub" / "a b.yaml"), 2, 1)
    outcome = broken(verdicts=(replace(EXCEEDED, place=at),))
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert json.loads(shown("gitlab", outcome))[0]["location"]["path"] == "sub/a b.yaml"
    assert re.search(r'"uri": "sub/a%20b.yaml"', shown("sarif", outcome))
    monkeypatch.delenv("CI_PROJECT_DIR")
    assert json.loads(shown("gitlab", BROKEN))[0]["location"]["path"] == "models/net.yaml"
    (tmp_path / ".git").touch()
    assert json.loads(shown("gitlab", outcome))[0]["location"]["path"] == "sub/a b.yaml", "a worktree has a file .git"
    assert json.loads(shown("gitlab", BROKEN))[0]["location"]["path"] == "sub/dir/models/net.yaml"
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "sub"))
    assert json.loads(shown("gitlab", BROKEN))[0]["location"]["path"] == "dir/models/net.yaml", "the CI knows better"
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "elsewhere"))
    assert json.loads(shown("gitlab", BROKEN))[0]["location"]["path"] == "sub/dir/models/net.yaml"


def test_a_file_outside_of_the_repository_has_an_address_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "repository"))
    file = tmp_path / "a b.yaml"
    outcome = broken(verdicts=(replace(EXCEEDED, place=place(str(file), 2, 1)),))
    (found,) = json.loads(shown("sarif", outcome))["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": file.as_uri()}
