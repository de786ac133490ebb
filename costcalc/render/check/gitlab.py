"""CheckResult -> the JSON that GitLab's code quality widget reads: one entry for each finding."""

from __future__ import annotations

import json

from costcalc.core.sanitize import escape_controls, printable
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import CheckFinding, finding_text, findings, fingerprint, repository_path

SEVERITY = {"unknown": "critical", "error": "major", "warning": "minor"}


def render(outcome: CheckResult) -> str:
    """Outcome -> a JSON list; empty where every limit is kept, which tells GitLab that earlier findings are mended."""
    return escape_controls(
        json.dumps(
            [_finding_entry(finding) for finding in findings(outcome)], indent=1, ensure_ascii=False, allow_nan=False
        )
    )


def _finding_entry(finding: CheckFinding) -> dict[str, object]:
    place = finding.place
    severity = SEVERITY["unknown" if finding.verdict.outcome == "unknown" else finding.level]
    return {
        "description": printable(f"{finding.checked.title}: {finding_text(finding)}"),
        "check_name": finding.verdict.code,
        "fingerprint": fingerprint(finding),
        "severity": severity,
        "location": {"path": repository_path(place.file), "lines": {"begin": max(1, place.line)}},
    }
