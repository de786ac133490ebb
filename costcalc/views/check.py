"""CheckResult -> what every format says of it: the findings, worst first, each as a sentence with figures and place.

A finding is a verdict that is not kept, or a model that cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.quantities import SIGNS
from costcalc.studies.check import wording as words
from costcalc.studies.check.verdict import Amount, CheckResult, ModelCheck, SourcePlace, Verdict

UNREADABLE = "CC102"

ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where a CI says that the repository stands: it takes paths as relative to that folder."""


class CheckFinding(NamedTuple):
    """A verdict with the model that it is about."""

    checked: ModelCheck
    verdict: Verdict

    @property
    def place(self) -> SourcePlace:
        """The line to look at: the layer's, else the limit's, else the model's file."""
        given = self.verdict.place or self.verdict.limit_place or self.checked.place
        return given or SourcePlace(self.checked.source)

    @property
    def title(self) -> str:
        """CC001 net (batch8): macs."""
        return f"{self.verdict.code} {self.checked.title}: {self.verdict.quantity}"

    @property
    def level(self) -> str:
        """error or warning; what cannot be told is always an error."""
        return "error" if self.verdict.outcome == "unknown" else self.verdict.level


def all_findings(outcome: CheckResult) -> Iterator[CheckFinding]:
    """All verdicts in the config's order, kept ones too; a model that cannot be read is one that cannot be told."""
    for checked in outcome.models:
        if checked.error and not any(v.code == UNREADABLE for v in checked.verdicts):
            unread = Verdict(UNREADABLE, "error", "model", "count", None, None, "unknown", checked.error)
            yield CheckFinding(checked, unread)
        yield from (CheckFinding(checked, verdict) for verdict in checked.verdicts)


def findings(outcome: CheckResult) -> list[CheckFinding]:
    """What is not kept, the worst first: what cannot be told, then errors before warnings, the most exceeded first."""
    return sorted((f for f in all_findings(outcome) if f.verdict.outcome != "kept"), key=_rank)


def _rank(finding: CheckFinding) -> tuple[bool, bool, Fraction]:
    value, limit = finding.verdict.value, finding.verdict.limit
    over = Fraction(0)
    if isinstance(value, (int, Fraction)) and isinstance(limit, (int, Fraction)):
        over = Fraction(value - limit) / limit if limit else Fraction(10**9) + value
    over = -over if finding.verdict.minimum else over
    return finding.verdict.outcome != "unknown", finding.level == "warning", -over


def headline(outcome: CheckResult) -> str:
    """1 of 6 limits is exceeded; 2 cannot be told."""
    all_of_them = list(all_findings(outcome))
    counts = dict.fromkeys(("exceeded", "warning", "unknown"), 0)
    for finding in all_of_them:
        if finding.verdict.outcome == "unknown":
            counts["unknown"] += 1
        elif finding.verdict.outcome == "exceeded":
            counts["warning" if finding.level == "warning" else "exceeded"] += 1
    total = f"{len(all_of_them):,} {'limit' if len(all_of_them) == 1 else 'limits'}"
    parts = []
    if counts["exceeded"]:
        parts.append(f"{counts['exceeded']:,} of {total} {_are(counts['exceeded'])} exceeded")
    if counts["unknown"]:
        parts.append(f"{counts['unknown']:,} {'of ' + total + ' ' if not parts else ''}cannot be told")
    if counts["warning"]:
        parts.append(f"{counts['warning']:,} {'warning' if counts['warning'] == 1 else 'warnings'}")
    if not counts["exceeded"] and not counts["unknown"]:
        kept = (
            "no limit applies"
            if not all_of_them
            else "the limit is kept"
            if len(all_of_them) == 1
            else f"all {total} are kept"
        )
        held = len(all_of_them) - counts["warning"]
        parts.insert(0, f"{held:,} of {total} {_are(held or len(all_of_them))} kept" if counts["warning"] else kept)
    return "; ".join(parts)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def sentence(finding: CheckFinding) -> str:
    """The fact and, behind it, what to do."""
    verdict = finding.verdict
    return f"{verdict.fact}; {verdict.remedy}" if verdict.remedy else verdict.fact


def fingerprint(finding: CheckFinding) -> str:
    """The same for the same finding in every run, whatever its figures and its line."""
    import hashlib

    verdict, checked = finding.verdict, finding.checked
    parts = (verdict.code, checked.model, checked.scenario, verdict.quantity)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def figures(verdict: Verdict) -> Mapping[str, str]:
    """value (≥ where it is only known from below), limit, headroom and delta (to the baseline) as texts; "" where there
    is none. A model that the baseline does not know yet may have grown by any amount: it is new."""
    value, limit = words.format_pair(verdict.value, verdict.limit, verdict.kind)
    free = verdict.outcome == "kept" and verdict.limit is None
    new, unchanged = free and verdict.baseline is None, free and verdict.baseline == verdict.value
    bound = verdict.lower_bound or (is_known_from_below(verdict) and verdict.kind != "share")
    sign = "≥ " if bound else ""
    if verdict.certainty != "exact":
        sign = SIGNS[verdict.certainty] if verdict.value else ""
    known = (verdict.value, verdict.limit) != (None, None)
    left = "" if verdict.outcome == "unknown" else _left(verdict)
    limit = f"at least {limit}" if verdict.minimum and verdict.kind != "boolean" else limit
    return {
        "value": f"{sign if verdict.value is not None else ''}{value}" if known else "",
        "limit": "any" if new else limit if verdict.limit is not None else verdict.growth,
        "headroom": "new" if new else "as before" if unchanged else left,
        "delta": delta(verdict.baseline, verdict.value, verdict.kind),
    }


def _left(verdict: Verdict) -> str:
    return words.format_headroom(verdict.value, verdict.limit, verdict.kind, verdict.lower_bound, verdict.minimum)


def is_known_from_below(verdict: Verdict) -> bool:
    """Whether a figure is only known from below, because of operators that a verdict of their own tells of."""
    return verdict.code == "CC101" and verdict.quantity != "unknown_ops"


def delta(before: Amount, after: Amount, kind: str = "count") -> str:
    """+1,234 (+2.0%); 0 where nothing changed, "" where either is not known."""
    if before is None or after is None:
        return ""
    rise: Any = after - before  # type: ignore[operator]
    plus = "+" if isinstance(rise, (int, Fraction)) and rise > 0 else ""
    return f"{plus}{words.format_difference(rise, kind)}{words.format_relative(rise, before) if rise != 0 else ''}"


def relative(file: str) -> str:
    """A path as a CI wants it: relative to the repository, with forward slashes. Its top is where the CI says, else the
    nearest folder above that has a .git; outside of any, the working directory."""
    here = Path.cwd()
    told = [Path(os.environ[name]).resolve() for name in ROOTS if os.environ.get(name)]
    top = [folder for folder in (here, *here.parents) if (folder / ".git").exists()]
    path = Path(os.path.normpath(here / file))
    for folder in (*told[:1], *top[:1], here):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return Path(file).as_posix()
