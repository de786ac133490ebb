"""CheckResult -> logging commands of Azure Pipelines, which shows them as issues of the run, with file and line.

The escapes are those that its agent undoes (`docs/design/percentEncoding.md` there).
"""

from __future__ import annotations

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import FindingCause, causes, headline, repository_path

MAX_ISSUES = 10
"""The agent keeps ten errors and ten warnings of a step for the run's summary."""

ESCAPES = {"%": "%AZP25", "\r": "%0D", "\n": "%0A"}

VALUE_ESCAPES = {**ESCAPES, ";": "%3B", "]": "%5D"}
"""Those of a property, which the two further signs would end."""


def render(outcome: CheckResult) -> str:
    """Outcome -> a headline for the log, an issue for each cause, the worst first, and how many findings are left."""
    found = causes(outcome)
    lines = [f"costcalc: {headline(outcome)}", *map(_command, found[:MAX_ISSUES])]
    more = sum(len(cause.findings) for cause in found[MAX_ISSUES:])
    notices = [*([f"and {more:,} more, which the report has"] if more else []), *outcome.notes]
    return "\n".join([*lines, *(f"##vso[task.logissue type=warning]{data(f'costcalc: {text}')}" for text in notices)])


def _command(cause: FindingCause) -> str:
    place = cause.place
    properties = {
        "type": cause.level,
        "sourcepath": repository_path(place.file),
        "linenumber": str(place.line or ""),
        "columnnumber": str(place.column or "") if place.line else "",
        "code": " ".join(cause.codes),
    }
    text = ";".join(f"{name}={value(item)}" for name, item in properties.items() if item)
    return f"##vso[task.logissue {text}]{data(f'{cause.first.checked.label}: {cause.text}')}"


def data(text: str) -> str:
    """Text -> message of a command; control characters but line breaks are written out before."""
    lines = map(printable, text.split("\n"))
    return "".join(ESCAPES.get(character, character) for character in "\n".join(lines))


def value(text: str) -> str:
    """Text -> value of a property."""
    return "".join(VALUE_ESCAPES.get(character, character) for character in printable(text))
