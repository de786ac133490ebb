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
    """A headline for the log, at most ten annotations, the worst first, and a notice that sums up the rest."""
    found = findings(outcome)
    lines = [f"costcalc: {headline(outcome)}", *map(_command, found[:MAX_ANNOTATIONS])]
    rest = (
        [f"and {len(found) - MAX_ANNOTATIONS:,} more: {_summary(found[MAX_ANNOTATIONS:])}"]
        if len(found) > MAX_ANNOTATIONS
        else []
    )
    said = [*rest, *outcome.notes]
    if said or not found:
        lines.append(f"::notice title=costcalc::{data('; '.join(said) or headline(outcome))}")
    return "\n".join(lines)


def _summary(rest: list[CheckFinding]) -> str:
    named = ", ".join(f"{f.checked.title} {f.verdict.quantity} ({f.verdict.outcome})" for f in rest[:MAX_NAMES])
    return f"{named}, …" if len(rest) > MAX_NAMES else named


def _command(finding: CheckFinding) -> str:
    place = finding.place
    where = {"file": repository_path(place.file), "line": place.line, "col": place.column if place.line else 0}
    given = [f"{key}={value(str(part))}" for key, part in where.items() if part]
    return f"::{finding.level} {','.join([*given, f'title={value(finding.title)}'])}::{data(finding_text(finding))}"


def data(text: str) -> str:
    """A message: GitHub's escapes of %, CR and LF; other control characters are written out before."""
    text = "\n".join(map(printable, text.split("\n")))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """The value of a property, in which `:` and `,` are escaped too."""
    return data(printable(text)).replace(":", "%3A").replace(",", "%2C")
