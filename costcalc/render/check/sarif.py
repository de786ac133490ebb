"""CheckResult -> SARIF 2.1.0, which code scanning reads: the rules with their own words, a result for each finding."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from costcalc.core.amount import json_amount
from costcalc.core.sanitize import escape_controls, printable
from costcalc.core.version import __version__
from costcalc.render.check.json import suppression_object
from costcalc.studies.check.rules import RULES
from costcalc.studies.check.verdict import Amount, CheckResult
from costcalc.views.check import (
    CheckFinding,
    FindingCause,
    all_findings,
    causes,
    headline,
    repository_path,
)
from costcalc.views.sentence import check_sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

HOME = "https://pypi.org/project/costcalc/"


def render(outcome: CheckResult) -> str:
    """Outcome -> a log of one run with a result for each cause, under the code of its worst finding. Limits that are
    kept or suppressed are no results, for code scanning would show them as alerts; they stand with all figures among
    the run's properties."""
    found = causes(outcome)
    codes = list(dict.fromkeys(code for cause in found for code in cause.codes))
    run = {
        "tool": {
            "driver": {
                "name": "costcalc",
                "version": __version__,
                "informationUri": HOME,
                "rules": [_rule_object(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": outcome.exit_code != 2, "exitCode": outcome.exit_code}],
        "results": [_result_object(cause, codes) for cause in found],
        "properties": {
            "headline": headline(outcome),
            "summary": printable(check_sentence(outcome)),
            "notes": list(map(printable, outcome.notes)),
            "limits": [_limit_properties(finding) for finding in all_findings(outcome)],
        },
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return escape_controls(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def _rule_object(code: str) -> dict[str, Any]:
    rule = RULES.get(code)
    if rule is None:
        return {"id": code}
    return {
        "id": code,
        "name": "".join(word[:1].upper() + word[1:] for word in rule.name.split()),
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} {rule.remedy}", "markdown": f"{rule.meaning}\n\n{rule.remedy}"},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["performance"]},
    }


def _result_object(cause: FindingCause, codes: list[str]) -> dict[str, Any]:
    finding, place = cause.first, cause.place
    further = [_limit_properties(other) for other in cause.findings[1:]]
    physical_location: dict[str, Any] = {
        "artifactLocation": _artifact_location(repository_path(place.file)),
        "region": {"startLine": max(1, place.line)},
    }
    if place.line and place.column:
        physical_location["region"]["startColumn"] = place.column
    location: dict[str, Any] = {"physicalLocation": physical_location}
    if finding.verdict.layer:
        location["logicalLocations"] = [{"name": printable(finding.verdict.layer), "kind": "element"}]
    return {
        "ruleId": finding.verdict.code,
        "ruleIndex": codes.index(finding.verdict.code),
        "level": cause.level,
        "message": {"text": "\n".join(map(message, f"{finding.checked.label}: {cause.text}".splitlines()))},
        "locations": [location],
        "partialFingerprints": {"costcalc/v2": cause.fingerprint},
        "properties": {**_limit_properties(finding), **({"further": further} if further else {})},
    }


def _artifact_location(file: str) -> dict[str, str]:
    """File -> its artifactLocation: relative in the repository, an absolute URI outside of it."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file), "uriBaseId": "%SRCROOT%"}


def message(text: str) -> str:
    """Text -> plain-text message: SARIF would take `[words](target)` for a link and `{0}` for an argument."""
    return re.sub(r"\{(?=\d+\})", "{{", re.sub(r"(\[)(?=[^\]]*\]\()", r"\\\1", printable(text)))


def _limit_properties(finding: CheckFinding) -> dict[str, Any]:
    verdict = finding.verdict
    figures = {
        "value": verdict.value,
        "limit": verdict.limit,
        "headroom": verdict.headroom,
        "baseline": verdict.baseline,
    }
    return {
        "model": finding.checked.model,
        "scenario": finding.checked.scenario,
        **({"group": finding.checked.group} if finding.checked.group else {}),
        "code": verdict.code,
        "quantity": verdict.quantity,
        "outcome": verdict.outcome,
        **{name: _json_number(amount) for name, amount in figures.items() if amount is not None},
        **({"suppression": suppression_object(verdict.suppression)} if verdict.suppression else {}),
    }


def _json_number(amount: Amount) -> int | float | str | None:
    """Amount -> an integer, a formula's text, or a fraction (of a second, or a share) as a decimal."""
    return float(amount) if isinstance(amount, Fraction) else json_amount(amount)
