"""Limits of layers by glob → verdicts: on what the matched layers take together, or each on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction

from costcalc.budget import words
from costcalc.budget.case import Case, allowed
from costcalc.budget.culprit import NOBODY, Culprit, dearest, place_of
from costcalc.budget.limits import LayerLimit
from costcalc.budget.rules import level
from costcalc.budget.verdict import Verdict
from costcalc.dim import Dim, bounds, symbols
from costcalc.load.expression import suggest
from costcalc.snapshot import Layer


def layers(case: Case) -> Iterator[Verdict]:
    """A verdict for each limit; one that fits no layer is never kept, for its pattern may be mistyped."""
    for asked in case.budget.layers:
        if level("CC012" if asked.share else "CC011", case.levels):
            yield _layers(case, asked)


def _layers(case: Case, asked: LayerLimit) -> Verdict:
    what = f"max_share of {asked.quantity}" if asked.share and asked.quantity != "macs" else asked.quantity
    what = "max_share" if asked.share and asked.quantity == "macs" else what
    kind = "share" if asked.share else words.kind(asked.quantity)
    made = Verdict("CC012" if asked.share else "CC011", "error", f"layers {asked.pattern} {what}", kind, None,
                   asked.most, "unknown", "", limit_place=asked.place)  # fmt: skip
    matched = [layer for layer in case.now.layers if fnmatchcase(layer.name, asked.pattern)]
    if not matched:
        near = suggest(asked.pattern, [layer.name for layer in case.now.layers])
        return replace(made, code="CC105", fact=f"layers {asked.pattern}: no layer has such a name", remedy=near)
    groups = [[layer] for layer in matched] if asked.each else [matched]
    found = [_group(case, asked, made, group) for group in groups]
    order = {"exceeded": 2, "unknown": 1, "kept": 0}
    return max(found, key=lambda v: (order[v.outcome], v.value if isinstance(v.value, (int, Fraction)) else 0))


def _group(case: Case, asked: LayerLimit, made: Verdict, group: Sequence[Layer]) -> Verdict:
    value: Dim = 0
    partial = False
    for layer in group:
        amount = layer.amounts[asked.quantity]
        if amount is None:
            partial = partial or not allowed(layer, case.budget.allow)
        else:
            value = value + amount
    total = case.now.totals[asked.quantity]
    share = Fraction(asked.most) if asked.share else Fraction(1)
    own: Dim = value * share.denominator - total * share.numerator if asked.share else value - int(asked.most)
    low, high = bounds(own)
    numbers = isinstance(value, int) and isinstance(total, int)
    shown = (Fraction(value, total) if total else Fraction(0)) if asked.share and numbers else value  # type: ignore[arg-type]
    who = group[0].name if len(group) == 1 else f"{len(group)} layers"
    whole = any(layer.amounts[asked.quantity] is None and not allowed(layer, case.budget.allow)
                for layer in case.now.layers)  # fmt: skip
    if low > 0 and not (asked.share and whole):
        outcome, code, why = "exceeded", made.code, ""
    elif high <= 0 and not partial:
        outcome, code, why = "kept", made.code, ""
    elif partial or whole:
        outcome, code, why = "unknown", "CC101", "an operator has no rule"
    else:
        outcome, code, why = "unknown", "CC103", f"it depends on {', '.join(symbols(value, total))}"
    have, most = words.apart(shown, asked.most, made.kind) if numbers else (words.told(value, "count"), "the limit")
    gap = f", {words.left(shown, asked.most, made.kind)}" if numbers and outcome != "unknown" else ""
    of = f" of {asked.quantity}" if asked.share else ""
    fact = f"{made.quantity}: {who}: {have}{of}, at most {most}{gap}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {why}"
    at = _at(case, asked, group) if outcome == "exceeded" else NOBODY
    return replace(made, code=code, value=shown, outcome=outcome, fact=fact, layer=at.layer, share=at.share,
                   place=at.place)  # fmt: skip


def _at(case: Case, asked: LayerLimit, group: Sequence[Layer]) -> Culprit:
    found = dearest(case.now, asked.quantity, group)
    return found if found.layer else Culprit(group[0].name, None, None, place_of(group[0], case.now))
