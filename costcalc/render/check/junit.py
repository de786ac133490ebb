"""CheckResult -> JUnit XML, which every CI shows: a suite for each model in a scenario, a case for each limit."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import CheckFinding, all_findings, finding_text, repository_path


def render(outcome: CheckResult) -> str:
    """The document. An exceeded limit is a failure, what cannot be told an error; a warning is a case that passes and
    says so. XML has no way to write most control characters: they are spelt out."""
    suites = [
        (title, list(of)) for title, of in groupby(all_findings(outcome), lambda f: (id(f.checked), f.checked.title))
    ]
    all_of_them = [finding for _, of in suites for finding in of]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={attribute('costcalc')}{_counts(all_of_them)}>",
    ]
    for (_, title), of in suites:
        lines.append(f"  <testsuite name={attribute(title)}{_counts(of)}>")
        for finding in of:
            lines += _case(finding)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"])


def _counts(of: list[CheckFinding]) -> str:
    kinds = [_kind(finding) for finding in of]
    return f' tests="{len(of)}" failures="{kinds.count("failure")}" errors="{kinds.count("error")}"'


def _kind(finding: CheckFinding) -> str:
    """failure, error, or system-out where there is only something to say."""
    return (
        {"unknown": "error", "exceeded": "failure"}.get(finding.verdict.outcome, "system-out")
        if finding.level == "error"
        else "system-out"
    )


def _case(finding: CheckFinding) -> list[str]:
    kind, place, code = _kind(finding), finding.place, finding.verdict.code
    head = f"    <testcase classname={attribute(finding.checked.title)} name={attribute(finding.verdict.quantity)}>"
    said = finding_text(finding)
    if kind == "system-out":
        level = "warning: " if finding.verdict.outcome == "exceeded" else ""
        return [head, f"      <system-out>{text(f'{code} {level}{said}')}</system-out>", "    </testcase>"]
    where = f"{repository_path(place.file)}:{place.line}" if place.line else repository_path(place.file)
    body = text(f"{where}: {code} {said}")
    return [head, f"      <{kind} type={attribute(code)} message={attribute(said)}>{body}</{kind}>", "    </testcase>"]


def attribute(given: str) -> str:
    """A quoted value; characters that XML 1.0 forbids are spelt out."""
    return quoteattr(printable(given))


def text(given: str) -> str:
    """The text of an element; the same, and `]]>` cannot stand in it."""
    return escape(printable(given))
