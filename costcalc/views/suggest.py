"""Suggestions -> tables: ranked, with what each saves of the whole model, and each rewrite at all its places; and
their entry of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.amount import json_amount, magnitude
from costcalc.core.dim import Dim
from costcalc.core.quantities import TOTALS, parse_quantity
from costcalc.core.quantity import QuantityRef
from costcalc.core.units import format_count, share
from costcalc.studies.suggest.catalogue import EXACT, MEASURE, RULES
from costcalc.studies.suggest.suggestion import QUANTITIES, Suggestion, Suggestions, combine_rewrites
from costcalc.views.figures import figure_change, figure_plain, figure_text, inexact_certainty, refusal_notes
from costcalc.views.settings import settings_document
from costcalc.views.summary import report_notes, subtitle_text
from costcalc.views.table import Column, Note, Table

RANKING_COLUMNS = (
    Column("number", "#", "number", 99),
    Column("rewrite", "Rewrite", "name", 98),
    Column("where", "Where", "name", 97),
    Column("uses", "Uses", "number", 88),
    Column("macs", "Saves MACs", "number", 99),
    Column("share", "% MACs", "share", 80),
    Column("params", "Params", "number", 90),
    Column("peak_activation_bytes", "Peak bytes", "number", 70),
    Column("flops", "FLOPs", "number", 40),
    Column("weight_bytes", "Weight bytes", "number", 35),
    Column("ratio", "Ratio", "share", 60),
    Column("place", "Place", "text", 30),
)

REWRITE_COLUMNS = (
    Column("rewrite", "Everywhere", "name", 100),
    Column("places", "Places", "number", 60),
    Column("macs", "Saves MACs", "number", 95),
    Column("share", "% MACs", "share", 80),
    Column("params", "Params", "number", 90),
    Column("peak_activation_bytes", "Peak bytes", "number", 70),
    Column("flops", "FLOPs", "number", 75),
    Column("accuracy", "Accuracy", "text", 85),
)

NOTE_LABELS = ("Sizes", "Given", "Open", "Peak", "Execution", "Assumed", "Note", "Unknown", "")
"""Labels of the notes of a report that stand under its suggestions."""


def suggestion_tables(suggestions: Suggestions, top: int | None = None) -> tuple[Table, ...]:
    """Suggestions → the table of the ranked ones, and, where there are some, that of the sums by rewrite."""
    rows = [_ranking_row(suggestions, suggestion) for suggestion in suggestions.ranked]
    report, further = suggestions.report, suggestions.quantities
    top_rows = rows if top is None else rows[:top]
    notes = [*_notes(suggestions, len(top_rows))]
    columns = (
        *RANKING_COLUMNS,
        *[Column(ref.key, ref.title, "number", 99 if ref.key == suggestions.sort else 45) for ref in further],
    )
    ranking = Table(
        f"Suggestions for {report.name}",
        subtitle_text(report),
        columns,
        tuple(top_rows),
        notes=() if rows else tuple(notes),
    )
    if not rows:
        return (ranking,)
    return ranking, Table(
        "By rewrite", "all its places together", REWRITE_COLUMNS, tuple(_rewrite_rows(suggestions)), notes=tuple(notes)
    )


def _ranking_row(suggestions: Suggestions, suggestion: Suggestion) -> tuple[Any, ...]:
    saves = {
        key: suggestion.total_saving(key)
        for key in ("macs", "params", "peak_activation_bytes", "flops", "weight_bytes")
    }
    ratio = suggestion.ratio
    return (
        suggestion.number,
        suggestion.rule.id,
        suggestion.name,
        len(suggestion.matches),
        saves["macs"],
        share(saves["macs"], suggestions.report.totals["macs"]),
        saves["params"],
        saves["peak_activation_bytes"],
        saves["flops"],
        saves["weight_bytes"],
        None if ratio is None else float(ratio),
        suggestion.where,
        *[saving_amount(ref, suggestion) for ref in suggestions.quantities],
    )


def saving_amount(ref: QuantityRef, suggestion: Suggestion) -> Any:
    """What is saved of a quantity in a column of numbers: a count or a formula, else its text; of a yes or no what it
    is, or from what to what it changes."""
    if ref.quantity.unit == "boolean":
        return " → ".join(dict.fromkeys(figure_text(ref, figure) for figure in suggestion.figures[ref.key]))
    change = figure_change(ref, suggestion.saves(ref.key))
    return change.removeprefix("+") if isinstance(change, str) else change


def _rewrite_rows(suggestions: Suggestions) -> list[tuple[Any, ...]]:
    """Suggestions → a row for each rewrite, applied at all places where it saves."""
    rows = []
    for rule_id in RULES:
        same_rule = [suggestion for suggestion in suggestions.ranked if suggestion.rule.id == rule_id]
        if not same_rule:
            continue
        before, after = (
            suggestions.report.totals,
            suggestions.source.totals(combine_rewrites(suggestions.source, same_rule)),
        )
        saves = {key: before[key] - after[key] for key in before if key in after}
        accuracy = "stays" if same_rule[0].rule.accuracy == EXACT else "measure"
        rows.append(
            (
                rule_id,
                len(same_rule),
                saves["macs"],
                share(saves["macs"], before["macs"]),
                saves["params"],
                saves.get("peak_activation_bytes"),
                saves["flops"],
                accuracy,
            )
        )
    return sorted(rows, key=lambda row: [magnitude(row[i]) for i in (2, 4, 6)], reverse=True)


def _notes(suggestions: Suggestions, count: int) -> list[Note]:
    notes = []
    if count < len(suggestions.ranked):
        notes.append(Note("Shown", f"{count} of {len(suggestions.ranked)} (--top {len(suggestions.ranked)} shows all)"))
    if not suggestions.ranked:
        scope = "of those asked for (--rule, --min-saving)" if suggestions.limited else "that costcalc knows"
        notes.append(Note("Nothing", f"no rewrite {scope} makes this model cheaper"))
    if any(suggestion.rule.accuracy == MEASURE for suggestion in suggestions.ranked):
        text = "costs are exact, accuracy is not told: train the rewritten network and measure it"
        notes.append(Note("Accuracy", text, True))
    notes.extend(_doubt_notes(suggestions.ranked[:count]))
    exact_rules = dict.fromkeys(
        suggestion.rule.id for suggestion in suggestions.ranked if suggestion.rule.accuracy == EXACT
    )
    if exact_rules:
        notes.append(Note("Exact", f"{', '.join(exact_rules)}: the same function at inference, up to rounding"))
    if suggestions.ranked:
        notes.append(Note("Saves", f"of the whole model: {_totals_text(suggestions)}; below 0 is more than now"))
        notes.append(Note("Ratio", "new over old MACs of the rewritten layers"))
        notes.append(Note("Together", "savings of rewrites of one layer do not add up"))
        option = "--apply 1" if suggestions.source.trace is not None else "--apply 1 -o NEW.onnx"
        text = f"costcalc suggest MODEL 1 shows the working of the first, {option} writes the model with it"
        notes.append(Note("Next", text))
    refusals = refusal_notes(
        [suggestions.report.name], {parse_quantity(k): [f] for k, f in suggestions.source.figures.items()}
    )
    return [*notes, *refusals, *(note for note in report_notes(suggestions.report) if note.label in NOTE_LABELS)]


def _doubt_notes(ranked: Sequence[Suggestion]) -> Iterator[Note]:
    """Ranked suggestions → a note for each doubt about those that no paper makes, with their numbers."""
    numbers_by_doubt: dict[str, list[str]] = {}
    for suggestion in ranked:
        if all(match.doubt for match in suggestion.matches):
            numbers_by_doubt.setdefault(suggestion.matches[0].doubt, []).append(f"{suggestion.number}")
    for doubt, numbers in numbers_by_doubt.items():
        yield Note("Doubtful", f"{', '.join(numbers)}: {doubt}", True)


def _totals_text(suggestions: Suggestions) -> str:
    sign = "≥ " if suggestions.report.lower_bound else ""
    return f"{sign}{format_count(suggestions.report.macs)} MACs, {format_count(suggestions.report.params)} params"


def suggestions_document(suggestions: Suggestions, selection: Sequence[Suggestion] | None = None) -> dict[str, Any]:
    """The model's entry of the JSON report, with all suggestions or with the chosen ones."""
    return {
        "model": suggestions.report.name,
        "source": suggestions.report.source,
        **settings_document(suggestions.report.settings),
        "sort": suggestions.sort,
        "suggestions": [
            suggestion_document(suggestion) for suggestion in (suggestions.ranked if selection is None else selection)
        ],
    }


def _json_saving(saving: Dim | Fraction | None) -> int | float | str | None:
    return float(saving) if isinstance(saving, Fraction) else json_amount(saving)


def suggestion_document(suggestion: Suggestion) -> dict[str, Any]:
    """A suggestion's entry of the JSON report."""
    keys = (*QUANTITIES, *[key for key in suggestion.before if key not in TOTALS])
    figures_after = {parse_quantity(key): figure for key, (_, figure) in suggestion.figures.items()}
    return {
        "number": suggestion.number,
        "rewrite": suggestion.rule.id,
        "title": suggestion.rule.title,
        "place": suggestion.where,
        "layers": list(suggestion.layers),
        "uses": len(suggestion.matches),
        "saves": {key: _json_saving(suggestion.saves(key)) for key in (*keys, *suggestion.figures)},
        "after": {
            **{key: json_amount(suggestion.after.get(key)) for key in keys},
            **{key: figure_plain(after) for key, (_, after) in suggestion.figures.items()},
        },
        **({"certainty": certainty} if (certainty := inexact_certainty(figures_after)) else {}),
        "ratio": None if suggestion.ratio is None else float(suggestion.ratio),
        "ratios": [
            {
                "layers": list(match.layers),
                "formula": None if match.ratio is None else match.ratio.names,
                "working": None if match.ratio is None else match.ratio.numbers,
                "value": None if match.ratio is None or match.ratio.value is None else float(match.ratio.value),
                "remark": match.remark,
            }
            for match in suggestion.matches
        ],
        "accuracy": suggestion.rule.accuracy,
        "source": suggestion.rule.source,
        "applies": suggestion.writable,
        "reason": suggestion.site.reason,
    }
