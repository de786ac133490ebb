"""Suggestions -> tables: ranked, with what each saves of the whole model, and each rewrite at all its places; and
their entry of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.amount import json_amount, magnitude
from costcalc.core.dim import Dim
from costcalc.core.quantities import TOTALS, QuantityRef, parse_quantity
from costcalc.core.units import format_count, share
from costcalc.studies.suggest.catalogue import EXACT, MEASURE, RULES
from costcalc.studies.suggest.suggestion import QUANTITIES, Suggestion, Suggestions, combine_rewrites
from costcalc.views.figures import figure_change, figure_plain, refusal_notes
from costcalc.views.summary import inputs_text, report_notes
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

NOTE_TITLES = ("Bound", "Open", "Peak", "Execution", "Assumed", "Note", "Unknown", "")
"""The remarks of a report that stand under its suggestions."""


def suggestion_tables(suggestions: Suggestions, top: int | None = None) -> tuple[Table, ...]:
    """The ranked suggestions, and, where there are some, the sums by rewrite."""
    rows = [_row(suggestions, one) for one in suggestions.ranked]
    report, further = suggestions.report, suggestions.quantities
    few = rows if top is None else rows[:top]
    said = [*_remarks(suggestions, len(few))]
    columns = (
        *RANKING_COLUMNS,
        *[Column(ref.key, ref.title, "number", 99 if ref.key == suggestions.sort else 45) for ref in further],
    )
    first = Table(
        f"Suggestions for {report.name}", inputs_text(report), columns, tuple(few), remarks=() if rows else tuple(said)
    )
    if not rows:
        return (first,)
    return first, Table(
        "By rewrite", "all its places together", REWRITE_COLUMNS, tuple(_whole(suggestions)), remarks=tuple(said)
    )


def _row(suggestions: Suggestions, one: Suggestion) -> tuple[Any, ...]:
    saves = {key: one.total_saving(key) for key in ("macs", "params", "peak_activation_bytes", "flops", "weight_bytes")}
    new = one.ratio
    return (
        one.number,
        one.rule.id,
        one.name,
        len(one.matches),
        saves["macs"],
        share(saves["macs"], suggestions.report.totals["macs"]),
        saves["params"],
        saves["peak_activation_bytes"],
        saves["flops"],
        saves["weight_bytes"],
        None if new is None else float(new),
        one.where,
        *[saving_amount(ref, one.saves(ref.key)) for ref in suggestions.quantities],
    )


def saving_amount(ref: QuantityRef, saving: Dim | Fraction | None) -> Any:
    """What is saved of a quantity in a column of numbers: a count or a formula, else its text; of a yes or no whether
    it is another one now."""
    if ref.quantity.unit == "boolean":
        return "fits now" if saving == 1 else "no longer" if saving == -1 else ""
    change = figure_change(ref, saving)
    return change.removeprefix("+") if isinstance(change, str) else change


def _whole(suggestions: Suggestions) -> list[tuple[Any, ...]]:
    """Each rewrite at all places where it saves, as one."""
    rows = []
    for id in RULES:
        chosen = [one for one in suggestions.ranked if one.rule.id == id]
        if not chosen:
            continue
        before, after = (
            suggestions.report.totals,
            suggestions.source.totals(combine_rewrites(suggestions.source, chosen)),
        )
        saves = {key: before[key] - after[key] for key in before if key in after}
        words = "stays" if chosen[0].rule.accuracy == EXACT else "measure"
        rows.append(
            (
                id,
                len(chosen),
                saves["macs"],
                share(saves["macs"], before["macs"]),
                saves["params"],
                saves.get("peak_activation_bytes"),
                saves["flops"],
                words,
            )
        )
    return sorted(rows, key=lambda row: [magnitude(row[i]) for i in (2, 4, 6)], reverse=True)


def _remarks(suggestions: Suggestions, shown: int) -> list[Note]:
    said = []
    if shown < len(suggestions.ranked):
        said.append(Note("Shown", f"{shown} of {len(suggestions.ranked)} (--top {len(suggestions.ranked)} shows all)"))
    if not suggestions.ranked:
        which = "of those asked for (--rule, --min-saving)" if suggestions.limited else "that costcalc knows"
        said.append(Note("Nothing", f"no rewrite {which} makes this model cheaper"))
    if any(one.rule.accuracy == MEASURE for one in suggestions.ranked):
        text = "costs are exact, accuracy is not told: train the rewritten network and measure it"
        said.append(Note("Accuracy", text, True))
    said.extend(_doubts(suggestions.ranked[:shown]))
    exact_ones = dict.fromkeys(one.rule.id for one in suggestions.ranked if one.rule.accuracy == EXACT)
    if exact_ones:
        said.append(Note("Exact", f"{', '.join(exact_ones)}: the same function at inference, up to rounding"))
    if suggestions.ranked:
        said.append(Note("Saves", f"of the whole model: {_totals(suggestions)}; below 0 is more than now"))
        said.append(Note("Ratio", "new over old MACs of the rewritten layers"))
        said.append(Note("Together", "savings of rewrites of one layer do not add up"))
        write = "--apply 1" if suggestions.source.trace is not None else "--apply 1 -o NEW.onnx"
        text = f"costcalc suggest MODEL 1 shows the working of the first, {write} writes the model with it"
        said.append(Note("Next", text))
    refused = refusal_notes(
        [suggestions.report.name], {parse_quantity(k): [f] for k, f in suggestions.source.figures.items()}
    )
    return [*said, *refused, *(remark for remark in report_notes(suggestions.report) if remark.label in NOTE_TITLES)]


def _doubts(ranked: Sequence[Suggestion]) -> Iterator[Note]:
    """What speaks against suggestions that the literature does not make, by their numbers."""
    against: dict[str, list[str]] = {}
    for one in ranked:
        if all(match.doubt for match in one.matches):
            against.setdefault(one.matches[0].doubt, []).append(f"{one.number}")
    for doubt, numbers in against.items():
        yield Note("Doubtful", f"{', '.join(numbers)}: {doubt}", True)


def _totals(suggestions: Suggestions) -> str:
    least = "≥ " if suggestions.report.lower_bound else ""
    return f"{least}{format_count(suggestions.report.macs)} MACs, {format_count(suggestions.report.params)} params"


def suggestions_document(suggestions: Suggestions, chosen: Sequence[Suggestion] | None = None) -> dict[str, Any]:
    """The model's entry of the JSON report, with all suggestions or with the chosen ones."""
    return {
        "model": suggestions.report.name,
        "source": suggestions.report.source,
        "sort": suggestions.sort,
        "suggestions": [suggestion_document(one) for one in (suggestions.ranked if chosen is None else chosen)],
    }


def _plain(saving: Dim | Fraction | None) -> int | float | str | None:
    return float(saving) if isinstance(saving, Fraction) else json_amount(saving)


def suggestion_document(one: Suggestion) -> dict[str, Any]:
    """A suggestion's entry of the JSON report."""
    keys = (*QUANTITIES, *[key for key in one.before if key not in TOTALS])
    return {
        "number": one.number,
        "rewrite": one.rule.id,
        "title": one.rule.title,
        "place": one.where,
        "layers": list(one.layers),
        "uses": len(one.matches),
        "saves": {key: _plain(one.saves(key)) for key in (*keys, *one.figures)},
        "after": {
            **{key: json_amount(one.after.get(key)) for key in keys},
            **{key: figure_plain(after) for key, (_, after) in one.figures.items()},
        },
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
        "reason": one.site.reason,
    }
