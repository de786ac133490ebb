"""CheckResult -> workflow commands: GitHub shows them as annotations at the lines of a pull request."""

from __future__ import annotations

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import CheckFinding, FindingCause, causes, headline, repository_path

MAX_ANNOTATIONS = 10
"""GitHub shows ten annotations of a step; more are lost without a word."""

MAX_NAMES = 20
"""How many of the rest the notice names."""


def render(outcome: CheckResult) -> str:
    """Outcome -> a headline for the log, at most ten annotations, one for each cause, the worst first, and a notice
    that sums up the rest."""
    found = causes(outcome)
    lines = [f"costcalc: {headline(outcome)}", *map(_command, found[:MAX_ANNOTATIONS])]
    rest = [finding for cause in found[MAX_ANNOTATIONS:] for finding in cause.findings]
    more = [f"and {len(rest):,} more: {_list_names(rest)}"] if rest else []
    notices = [*more, *outcome.notes]
    if notices or not found:
        lines.append(f"::notice title=costcalc::{data('; '.join(notices) or headline(outcome))}")
    return "\n".join(lines)


def _list_names(violations: list[CheckFinding]) -> str:
    names = ", ".join(f"{f.checked.label} {f.verdict.quantity} ({f.verdict.outcome})" for f in violations[:MAX_NAMES])
    return f"{names}, …" if len(violations) > MAX_NAMES else names


def _command(cause: FindingCause) -> str:
    place = cause.place
    location = {"file": repository_path(place.file), "line": place.line, "col": place.column if place.line else 0}
    properties = [f"{key}={value(str(item))}" for key, item in location.items() if item]
    return f"::{cause.level} {','.join([*properties, f'title={value(cause.title)}'])}::{data(cause.text)}"


def data(text: str) -> str:
    """Text -> message of a command: GitHub's escapes of %, CR and LF; other control characters are written out
    before."""
    text = "\n".join(map(printable, text.split("\n")))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Text -> value of a property, in which `:` and `,` are escaped too."""
    return data(printable(text)).replace(":", "%3A").replace(",", "%2C")
