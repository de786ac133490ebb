"""CheckResult -> the JSON that GitLab's code quality widget reads: one entry for each cause of findings."""

from __future__ import annotations

import json

from costcalc.core.sanitize import escape_controls, printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import FindingCause, causes, repository_path

SEVERITY = {"unknown": "critical", "error": "major", "warning": "minor"}


def render(outcome: CheckResult) -> str:
    """Outcome -> a JSON list; empty where every limit is kept, which tells GitLab that earlier findings are mended."""
    return escape_controls(
        json.dumps([_cause_entry(cause) for cause in causes(outcome)], indent=1, ensure_ascii=False, allow_nan=False)
    )


def _cause_entry(cause: FindingCause) -> dict[str, object]:
    place, first = cause.place, cause.first
    severity = SEVERITY["unknown" if first.verdict.outcome == "unknown" else cause.level]
    return {
        "description": f"{printable(first.checked.label)}: {'; '.join(map(printable, cause.text.splitlines()))}",
        "check_name": first.verdict.code,
        "fingerprint": cause.fingerprint,
        "severity": severity,
        "location": {"path": repository_path(place.file), "lines": {"begin": max(1, place.line)}},
    }
