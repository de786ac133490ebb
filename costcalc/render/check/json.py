"""CheckResult -> JSON: every verdict with exact figures, for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from costcalc.core.amount import json_amount
from costcalc.core.dim import Dim
from costcalc.render import json
from costcalc.studies.check.rules import RULES
from costcalc.studies.check.verdict import (
    Amount,
    CheckResult,
    ModelCheck,
    ModelLineage,
    RuleNote,
    SourcePlace,
    Suppression,
    Verdict,
)
from costcalc.views.sentence import check_sentence


def render(outcome: CheckResult) -> str:
    """Outcome -> the document as text, with its versions at its head."""
    return json.dump(to_dict(outcome))


def to_dict(outcome: CheckResult) -> dict[str, Any]:
    """Outcome -> the document. summary is the sentence that a comment opens with, exit_code the check's (before
    --exit-zero). A count is an integer, or a formula's text while symbols are open; seconds, joules, rates and shares
    are floats; null is what is not known. minimum is true where the limit is the least, certainty there where a figure
    is not exact, suppression where an exceeded limit does not count."""
    return {
        "outcome": outcome.outcome,
        "summary": check_sentence(outcome),
        "exit_code": outcome.exit_code,
        "models": [_model_object(checked) for checked in outcome.models],
        "notes": list(outcome.notes),
        "broken_rules": [_rule_object(rule) for rule in outcome.broken_rules],
        "statistics": statistics_objects(outcome),
        "lineage": _lineage_object(outcome.lineage),
    }


def _rule_object(rule: RuleNote) -> dict[str, Any]:
    return {
        "code": rule.code,
        "level": rule.level,
        "subject": rule.subject or None,
        "fact": rule.fact,
        "remedy": rule.remedy or None,
        "place": _place_object(rule.place),
    }


def statistics_objects(outcome: CheckResult) -> list[dict[str, Any]]:
    """Outcome -> an object for each code that a finding has: how many errors, warnings, unknown and suppressed."""
    return [
        {"code": code, "name": RULES[code].name if code in RULES else None, **count._asdict()}
        for code, count in outcome.statistics.items()
    ]


def _lineage_object(lineage: ModelLineage) -> dict[str, Any]:
    return {
        "new": [{"title": title, "macs": json_amount(macs)} for title, macs in lineage.new],
        "renamed": [{"before": before, "after": after} for before, after in lineage.renamed],
        "removed": [{"title": title, "macs": json_amount(macs)} for title, macs in lineage.removed],
    }


def suppression_object(suppression: Suppression) -> dict[str, Any]:
    """Suppression -> where it is written, its last day and reason; null where there is none."""
    return {
        "place": _place_object(suppression.place),
        "until": suppression.until and suppression.until.isoformat(),
        "reason": suppression.reason or None,
        "in_source": suppression.in_source,
    }


def _model_object(checked: ModelCheck) -> dict[str, Any]:
    return {
        "name": checked.model,
        "scenario": checked.scenario or None,
        **({"group": checked.group} if checked.group else {}),
        "source": checked.source,
        **({"settings": dict(checked.settings)} if checked.settings else {}),
        "error": checked.error or None,
        "place": _place_object(checked.place),
        "totals": None if checked.snapshot is None else _totals_object(checked.snapshot.totals),
        "baseline_totals": None if checked.baseline is None else _totals_object(checked.baseline.totals),
        "verdicts": [_verdict_object(verdict) for verdict in checked.verdicts],
    }


def _totals_object(totals: Mapping[str, Dim]) -> dict[str, Any]:
    return {name: json_amount(value) for name, value in totals.items()}


def _verdict_object(verdict: Verdict) -> dict[str, Any]:
    grown = verdict.layer_growth
    return {
        "code": verdict.code,
        "level": verdict.level,
        "quantity": verdict.quantity,
        "kind": verdict.kind,
        "outcome": verdict.outcome,
        "value": _figure(verdict.value),
        "limit": _figure(verdict.limit),
        "headroom": _figure(verdict.headroom),
        "baseline": _figure(verdict.baseline),
        "fact": verdict.fact,
        "remedy": verdict.remedy or None,
        "layer": verdict.layer or None,
        "share": _figure(verdict.share),
        "grown": grown
        and {"layer": grown.layer, "before": json_amount(grown.before), "after": json_amount(grown.after)},
        "place": _place_object(verdict.place),
        "limit_place": _place_object(verdict.limit_place),
        **({"minimum": True} if verdict.minimum else {}),
        **({"certainty": verdict.certainty} if verdict.certainty != "exact" else {}),
        **({"suppression": suppression_object(verdict.suppression)} if verdict.suppression else {}),
    }


def _figure(value: Amount) -> Any:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return json_amount(value)


def _place_object(place: SourcePlace | None) -> dict[str, Any] | None:
    return place and {"file": place.file, "line": place.line or None, "column": place.column or None}
