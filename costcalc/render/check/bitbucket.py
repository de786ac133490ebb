"""CheckResult -> a report of Bitbucket's Code Insights and its annotations, as its REST API takes them.

The document has `report`, the body of `PUT …/commit/COMMIT/reports/costcalc`, and `annotations`, the bodies of
`POST …/reports/costcalc/annotations`, one after another.
"""

from __future__ import annotations

import json
from typing import Any

from costcalc.core.sanitize import escape_controls, printable
from costcalc.render.layout import shorten_middle
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import FindingCause, all_findings, causes, headline, repository_path

BATCH, MAX_ANNOTATIONS = 100, 1000
"""Annotations of one request, and of a report, at most."""

MAX_SUMMARY, MAX_DETAILS = 450, 2000
"""Characters of an annotation's summary and of a text of several lines, at most."""

SEVERITIES = {"unknown": "CRITICAL", "error": "HIGH", "warning": "LOW"}


def render(outcome: CheckResult) -> str:
    """Outcome -> the document as JSON."""
    annotations = [_annotation(cause) for cause in causes(outcome)[:MAX_ANNOTATIONS]]
    batches = [annotations[i : i + BATCH] for i in range(0, len(annotations), BATCH)]
    document = {"report": _report(outcome), "annotations": batches}
    return escape_controls(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def _report(outcome: CheckResult) -> dict[str, Any]:
    counts = dict.fromkeys(("kept", "exceeded", "unknown", "ignored"), 0)
    for finding in all_findings(outcome):
        counts["ignored" if finding.verdict.is_suppressed else finding.verdict.outcome] += 1
    titles = {"kept": "Limits that are kept", "exceeded": "Exceeded", "unknown": "Cannot be told", "ignored": "Ignored"}
    details = "\n".join([headline(outcome), *map(printable, outcome.notes)])
    return {
        "title": "costcalc",
        "details": shorten_middle(details, MAX_DETAILS),
        "reporter": "costcalc",
        "report_type": "BUG",
        "result": "PASSED" if outcome.outcome == "kept" else "FAILED",
        "data": [
            {"title": "Models", "type": "NUMBER", "value": len(outcome.models)},
            *({"title": titles[name], "type": "NUMBER", "value": count} for name, count in counts.items()),
        ],
    }


def _annotation(cause: FindingCause) -> dict[str, Any]:
    place, outcome = cause.place, cause.first.verdict.outcome
    text = "\n".join(map(printable, cause.text.split("\n")))
    return {
        "external_id": f"costcalc-{cause.fingerprint}",
        "annotation_type": "CODE_SMELL",
        "severity": SEVERITIES["unknown" if outcome == "unknown" else cause.level],
        "result": "FAILED",
        "summary": shorten_middle(printable(cause.title), MAX_SUMMARY),
        "details": shorten_middle(text, MAX_DETAILS),
        "path": repository_path(place.file),
        **({"line": place.line} if place.line else {}),
    }
