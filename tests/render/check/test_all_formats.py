"""All formats say the same of a real check: the models, the codes, the sentences with their numbers, and the lines."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from support.check_results import EXCEEDED, FORMATS, KEPT, broken, many, shown
from support.cli import run

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n    as: stem\n  - conv: {filters: 8, kernel: 1}\n    as: head\n"
CONFIG = """models:
  - path: models/net.yaml
    name: net
    scenarios: {one: {dims: {N: 1}}, eight: {dims: {N: 8}}}
    limits: {macs: 4k, params: 1k}
  - {path: models/broken.yaml, name: broken, limits: {macs: 1}}
max_increase: {macs: 10%}
warn: [CC201]
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every format's text of one check: the head's filters are doubled, one model cannot be read."""
    folder = tmp_path_factory.mktemp("same")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
            patch.delenv(name, raising=False)
        Path("models").mkdir()
        Path("models/net.yaml").write_text(NET)
        Path("models/broken.yaml").write_text(NET)
        Path("costcalc.yaml").write_text(CONFIG)
        assert run(["lock"]) == 0
        Path("models/net.yaml").write_text(NET.replace("filters: 8", "filters: 16"))
        Path("models/broken.yaml").write_text(NET.replace("filters", "filtres"))
        reports = [word for form in FORMATS for word in ("--report", f"{form}={form}.txt")]
        assert run(["check", "-o", "out.txt", *reports]) == 2
        return {form: Path(f"{form}.txt").read_text(encoding="utf-8") for form in FORMATS}


def facts(said: dict[str, str]) -> dict[tuple[str, str], tuple[str, int]]:
    """(model, code) → the sentence and its line, of what is not kept, from the JSON."""
    found = {}
    for model in json.loads(said["json"])["models"]:
        title = f"{model['name']} ({model['scenario']})" if model["scenario"] else model["name"]
        if model["error"]:
            found[title, "CC102"] = (model["error"], model["place"]["line"])
        for verdict in model["verdicts"]:
            if verdict["outcome"] != "kept":
                found[title, verdict["code"]] = (verdict["fact"], (verdict["place"] or verdict["limit_place"])["line"])
    return found


def test_there_is_something_to_say(said: dict[str, str]) -> None:
    """stem 3 · 4 · 64 = 768, head 4 · 16 · 64 = 4,096 MACs: 864 above 4,000; at batch 8, 34,912."""
    found = facts(said)
    assert {code for _, code in found} == {"CC001", "CC102", "CC201"} and len(found) == 5
    assert "4,864 of at most 4,000, exceeded by 864" in found["net (one)", "CC001"][0]
    assert "exceeded by 34,912" in found["net (eight)", "CC001"][0]
    assert found["net (one)", "CC001"][1] == 6, "the head's line"


def test_one_annotation_for_each_cause(said: dict[str, str]) -> None:
    """The head breaks two limits in two scenarios, which is one cause; the model that cannot be read is another."""
    text = said["github"].replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    lines = [line for line in text.splitlines() if "title=CC" in line]
    results = json.loads(said["sarif"])["runs"][0]["results"]
    entries = json.loads(said["gitlab"])
    assert len(lines) == len(results) == len(entries) == 2
    assert "title=CC001, CC201 net (eight): macs, macs increase::" in lines[1]
    for (title, code), (fact, line) in facts(said).items():
        i = int(code != "CC102")
        said_first = fact.partition(";")[0]
        assert lines[i].startswith("::error") and f",line={line}," in lines[i] and said_first in lines[i]
        assert title in lines[i] and title in results[i]["message"]["text"] and title in entries[i]["description"]
        assert said_first in results[i]["message"]["text"] and said_first in entries[i]["description"]
        region = results[i]["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == line == entries[i]["location"]["lines"]["begin"]
    assert text.count("grew most") == 1, "what the layer did is said once"
    assert [r["ruleId"] for r in results] == [e["check_name"] for e in entries] == ["CC102", "CC001"]
    assert [limit["code"] for limit in results[1]["properties"]["further"]] == ["CC001", "CC201", "CC201"]


def test_azure_and_bitbucket(said: dict[str, str]) -> None:
    """An issue and an annotation for each of the two causes."""
    text = said["azure"].replace("%AZP25", "%").replace("%0A", "\n")
    commands = re.findall(r"^##vso\[task\.logissue type=error;(.*?)\](.*(?:\n(?!##).*)*)$", text, re.M)
    annotations = [one for batch in json.loads(said["bitbucket"])["annotations"] for one in batch]
    assert len({one["external_id"] for one in annotations}) == len(annotations) == len(commands) == 2
    for (title, code), (fact, line) in facts(said).items():
        i = int(code != "CC102")
        said_first = fact.partition(";")[0]
        start, message = commands[i]
        assert start.startswith("sourcepath=models/") and f"linenumber={line};" in start and code in start
        assert title in message and said_first in message
        assert (
            title in annotations[i]["summary"] + annotations[i]["details"] and said_first in annotations[i]["details"]
        )
        assert annotations[i]["line"] == line and annotations[i]["severity"] == ("HIGH" if i else "CRITICAL")
    report = json.loads(said["bitbucket"])["report"]
    assert report["result"] == "FAILED" and [entry["value"] for entry in report["data"]] == [3, 2, 4, 1, 0]


@pytest.mark.parametrize(("form", "most"), [("azure-comment", 64_000), ("bitbucket-comment", 32_000)])
def test_comments_without_html(said: dict[str, str], form: str, most: int) -> None:
    page = html.unescape(MarkdownIt("commonmark").enable("table").render(said[form]))
    for (title, code), (fact, line) in facts(said).items():
        assert re.search(rf"{re.escape(title)}.*{re.escape(fact.split(';')[0])}.*{code}.*:{line}", page), (title, code)
    assert said[form].startswith("[//]: # (costcalc)\n") and "costcalc)" not in page, "the marker is not shown"
    assert shown(form, many(9), ident="team-a").startswith("[//]: # (costcalc:team-a)\n")
    large = shown(form, many(2_000))
    assert most * 0.8 < len(large.encode()) <= most and "… and " in large
    assert not re.search(r"<(?!https?:)", large)


def test_more_than_azure_and_bitbucket_take() -> None:
    lines = shown("azure", many(30)).splitlines()
    assert sum("type=error" in line for line in lines) == 10 and "and 20 more" in lines[-1]
    batches = json.loads(shown("bitbucket", many(1_234)))["annotations"]
    assert [len(batch) for batch in batches] == [100] * 10


def test_junit(said: dict[str, str]) -> None:
    root = ElementTree.fromstring(said["junit"])
    for (title, code), (fact, line) in facts(said).items():
        texts = [
            t
            for case in root.iter("testcase")
            if case.get("classname") == title
            for t in case.itertext()
            if code in t.partition("; see ")[0]
        ]
        assert len(texts) == 1 and fact.partition(";")[0] in texts[0]
        assert code == "CC201" or f":{line}: " in texts[0]
    verdicts = [v for model in json.loads(said["json"])["models"] for v in model["verdicts"]]
    assert root.get("tests") == str(len(verdicts) + 1), "kept ones too, and the model that cannot be read"


def test_markdown_and_table(said: dict[str, str]) -> None:
    page = html.unescape(re.sub(r"<[^>]+>", "", MarkdownIt("commonmark").enable("table").render(said["markdown"])))
    table = re.sub(r"\s+", " ", said["table"])
    for (title, code), (fact, line) in facts(said).items():
        assert re.search(rf"{re.escape(title)} {re.escape(fact.split(';')[0])}.*{code}.*:{line}", page), (title, code)
        assert title in table and code.replace("CC102", "cannot be read") in table and f":{line}:" in table
    for figure in ("4,864", "38,912", "34,912"):
        assert figure in page and figure in table


def test_one_headline(said: dict[str, str]) -> None:
    headline = json.loads(said["sarif"])["runs"][0]["properties"]["headline"]
    assert headline == "2 of 7 limits are exceeded; 1 cannot be told; 2 warnings"
    for form in ("table", "markdown", "github"):
        assert headline in said[form]


def test_a_headline_is_a_sentence() -> None:
    lowered = replace(EXCEEDED, level="warning")
    for verdicts, words in (
        ((lowered,), "0 of 1 limit is kept; 1 warning"),
        ((lowered, KEPT), "1 of 2 limits is kept; 1 warning"),
        ((KEPT,), "the limit is kept"),
        ((), "no limit applies"),
    ):
        assert shown("github", broken(verdicts=verdicts)).splitlines()[0] == f"costcalc: {words}"


@pytest.mark.parametrize("form", ["markdown", "azure-comment", "bitbucket-comment"])
def test_a_comment_says_why_a_finding_is_ignored(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)
    ignore = "ignore: [{code: CC001, until: 2099-01, reason: 'until the <distilled> model is there'}]"
    Path("costcalc.yaml").write_text(f"models: [net.yaml]\nlimits: {{macs: 1k}}\n{ignore}\n")
    assert run(["check", "--format", form]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- 🔕 **net.yaml**")]
    assert "(CC001): ignored until 2099-01-31 at costcalc.yaml:3 (until the &lt;distilled&gt; model is there)" in line
