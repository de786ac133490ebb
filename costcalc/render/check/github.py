"""CheckResult -> workflow commands: GitHub shows them as annotations at the lines of a pull request."""

from __future__ import annotations

from costcalc.core.sanitize import printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import CheckFinding, finding_text, findings, headline, repository_path

MAX_ANNOTATIONS = 10
"""GitHub shows ten annotations of a step; more are lost without a word."""

MAX_NAMES = 20
"""How many of the rest the notice names."""


def render(outcome: CheckResult) -> str:
    """Outcome -> a headline for the log, at most ten annotations, the worst first, and a notice that sums up the
    rest."""
    violations = findings(outcome)
    lines = [f"costcalc: {headline(outcome)}", *map(_command, violations[:MAX_ANNOTATIONS])]
    more = (
        [f"and {len(violations) - MAX_ANNOTATIONS:,} more: {_list_names(violations[MAX_ANNOTATIONS:])}"]
        if len(violations) > MAX_ANNOTATIONS
        else []
    )
    notices = [*more, *outcome.notes]
    if notices or not violations:
        lines.append(f"::notice title=costcalc::{data('; '.join(notices) or headline(outcome))}")
    return "\n".join(lines)


def _list_names(violations: list[CheckFinding]) -> str:
    names = ", ".join(f"{f.checked.title} {f.verdict.quantity} ({f.verdict.outcome})" for f in violations[:MAX_NAMES])
    return f"{names}, …" if len(violations) > MAX_NAMES else names


def _command(finding: CheckFinding) -> str:
    place = finding.place
    location = {"file": repository_path(place.file), "line": place.line, "col": place.column if place.line else 0}
    properties = [f"{key}={value(str(item))}" for key, item in location.items() if item]
    return (
        f"::{finding.level} {','.join([*properties, f'title={value(finding.title)}'])}::{data(finding_text(finding))}"
    )


def data(text: str) -> str:
    """Text -> message of a command: GitHub's escapes of %, CR and LF; other control characters are written out
    before."""
    text = "\n".join(map(printable, text.split("\n")))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Text -> value of a property, in which `:` and `,` are escaped too."""
    return data(printable(text)).replace(":", "%3A").replace(",", "%2C")
