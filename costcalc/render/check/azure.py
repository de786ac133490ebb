"""CheckResult -> logging commands of Azure Pipelines, which shows them as issues of the run, with file and line.

The escapes are those that its agent undoes (`docs/design/percentEncoding.md` there).
"""

from __future__ import annotations

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import CheckFinding, finding_text, findings, headline, repository_path

MAX_ISSUES = 10
"""The agent keeps ten errors and ten warnings of a step for the run's summary."""

ESCAPES = {"%": "%AZP25", "\r": "%0D", "\n": "%0A"}

VALUE_ESCAPES = {**ESCAPES, ";": "%3B", "]": "%5D"}
"""Those of a property, which the two further signs would end."""


def render(outcome: CheckResult) -> str:
    """Outcome -> a headline for the log, an issue for each of the worst findings, and how many more there are."""
    violations = findings(outcome)
    lines = [f"costcalc: {headline(outcome)}", *map(_command, violations[:MAX_ISSUES])]
    more = len(violations) - MAX_ISSUES
    notices = [*([f"and {more:,} more, which the report has"] if more > 0 else []), *outcome.notes]
    return "\n".join([*lines, *(f"##vso[task.logissue type=warning]{data(f'costcalc: {text}')}" for text in notices)])


def _command(finding: CheckFinding) -> str:
    place = finding.place
    properties = {
        "type": finding.level,
        "sourcepath": repository_path(place.file),
        "linenumber": str(place.line or ""),
        "columnnumber": str(place.column or "") if place.line else "",
        "code": finding.verdict.code,
    }
    text = ";".join(f"{name}={value(item)}" for name, item in properties.items() if item)
    return f"##vso[task.logissue {text}]{data(f'{finding.checked.title}: {finding_text(finding)}')}"


def data(text: str) -> str:
    """Text -> message of a command; control characters are written out before."""
    return "".join(ESCAPES.get(character, character) for character in printable(text))


def value(text: str) -> str:
    """Text -> value of a property."""
    return "".join(VALUE_ESCAPES.get(character, character) for character in printable(text))
