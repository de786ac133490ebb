"""Suggestions -> their entry of the JSON report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.amount import plain
from costcalc.suggest.suggestion import QUANTITIES, Suggestion
from costcalc.suggest.suggestions import Suggestions


def suggestions_document(found: Suggestions, chosen: Sequence[Suggestion] | None = None) -> dict[str, Any]:
    """The model's entry of the JSON report, with all suggestions or with the chosen ones."""
    return {
        "model": found.report.name,
        "source": found.report.source,
        "sort": found.sort,
        "suggestions": [suggestion_document(one) for one in (found.ranked if chosen is None else chosen)],
    }


def suggestion_document(one: Suggestion) -> dict[str, Any]:
    """A suggestion's entry of the JSON report."""
    return {
        "number": one.number,
        "rewrite": one.rule.id,
        "title": one.rule.title,
        "place": one.where,
        "layers": list(one.layers),
        "uses": len(one.matches),
        "saves": {key: plain(one.saves(key)) for key in QUANTITIES},
        "after": {key: plain(one.after.get(key)) for key in QUANTITIES},
        "ratio": None if one.ratio is None else float(one.ratio),
        "ratios": [
            {
                "layers": list(match.layers),
                "formula": None if match.ratio is None else match.ratio.names,
                "working": None if match.ratio is None else match.ratio.numbers,
                "value": None if match.ratio is None or match.ratio.value is None else float(match.ratio.value),
                "remark": match.remark,
            }
            for match in one.matches
        ],
        "accuracy": one.rule.accuracy,
        "source": one.rule.source,
        "applies": one.writable,
        "reason": one.place.reason,
    }
