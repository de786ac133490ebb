"""CheckResult -> JUnit XML, which every CI shows: a suite for each model in a scenario, a case for each limit."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import (
    CheckFinding,
    FindingCause,
    all_findings,
    causes,
    finding_text,
    repository_path,
    rule_findings,
    short_fact,
    suppression_text,
)


def render(outcome: CheckResult) -> str:
    """Outcome -> the XML document. An exceeded limit is a failure, what cannot be told an error; a warning is a case
    that passes and says so, and one that is suppressed is skipped. Of failures of one cause the worst says all, the
    others name it. XML has no way to write most control characters: they are spelt out."""
    suites = [
        (title, list(cases))
        for title, cases in groupby(all_findings(outcome), lambda f: (id(f.checked), f.checked.label))
    ]
    cause_of = {id(finding.verdict): cause for cause in causes(outcome) for finding in cause.findings}
    if rules := rule_findings(outcome):
        suites.append(((0, "rules"), rules))
    all_cases = [finding for _, cases in suites for finding in cases]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={attribute('costcalc')}{_counts(all_cases)}>",
    ]
    for (_, title), cases in suites:
        lines.append(f"  <testsuite name={attribute(title)}{_counts(cases)}>")
        for finding in cases:
            lines += _case(finding, cause_of.get(id(finding.verdict)))
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"])


def _counts(cases: list[CheckFinding]) -> str:
    kinds = [_kind(finding) for finding in cases]
    skipped = f' skipped="{kinds.count("skipped")}"' if "skipped" in kinds else ""
    return f' tests="{len(cases)}" failures="{kinds.count("failure")}" errors="{kinds.count("error")}"{skipped}'


def _kind(finding: CheckFinding) -> str:
    """Finding -> failure, error, skipped, or system-out where there is only something to say."""
    if finding.verdict.is_suppressed:
        return "skipped"
    return (
        {"unknown": "error", "exceeded": "failure"}.get(finding.verdict.outcome, "system-out")
        if finding.level == "error"
        else "system-out"
    )


def _case(finding: CheckFinding, cause: FindingCause | None) -> list[str]:
    kind, place, code = _kind(finding), finding.place, finding.verdict.code
    head = f"    <testcase classname={attribute(finding.checked.label)} name={attribute(finding.verdict.quantity)}>"
    message = finding_text(finding)
    if kind == "skipped":
        reason = f"{code} {suppression_text(finding.verdict)}: {message}"
        return [head, f"      <skipped message={attribute(reason)}/>", "    </testcase>"]
    if kind == "system-out":
        level = "warning: " if finding.verdict.outcome == "exceeded" else ""
        return [head, f"      <system-out>{text(f'{code} {level}{message}')}</system-out>", "    </testcase>"]
    if cause is not None and finding.verdict is not cause.first.verdict:
        message = f"{short_fact(finding)}; see {cause.first.title}"
    location = f"{repository_path(place.file)}:{place.line}" if place.line else repository_path(place.file)
    body = text(f"{location}: {code} {message}")
    return [
        head,
        f"      <{kind} type={attribute(code)} message={attribute(message)}>{body}</{kind}>",
        "    </testcase>",
    ]


def attribute(value: str) -> str:
    """Value -> quoted attribute; characters that XML 1.0 forbids are spelt out."""
    return quoteattr(printable(value))


def text(value: str) -> str:
    """Value -> text of an element; the same, and `]]>` cannot stand in it."""
    return escape(printable(value))
