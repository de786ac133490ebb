"""Limits of layers by glob → verdicts: on what the matched layers take together, or each on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction

from costcalc.budget import words
from costcalc.budget.case import Case, allowed
from costcalc.budget.culprit import NOBODY, Culprit, dearest, part, place_of
from costcalc.budget.limits import LayerLimit
from costcalc.budget.rules import level
from costcalc.budget.verdict import Figure, Verdict
from costcalc.dim import Dim, bounds, symbols
from costcalc.errors import did_you_mean
from costcalc.snapshot import Layer


def layers(case: Case) -> Iterator[Verdict]:
    """A verdict for each limit; one that fits no layer is never kept, for its pattern may be mistyped."""
    for asked in case.budget.layers:
        if level("CC012" if asked.share else "CC011", case.levels):
            yield _layers(case, asked)


def _layers(case: Case, asked: LayerLimit) -> Verdict:
    of = "" if asked.quantity == "macs" else f" of {asked.quantity}"
    what = f"max_share{of}" if asked.share else asked.quantity
    kind = "share" if asked.share else words.kind(asked.quantity)
    made = Verdict("CC012" if asked.share else "CC011", "error", f"layers {asked.pattern} {what}", kind, None,
                   asked.most, "unknown", "", limit_place=asked.place)  # fmt: skip
    matched = [layer for layer in case.now.layers if fnmatchcase(layer.name, asked.pattern)]
    if not matched:
        near = did_you_mean(asked.pattern, [layer.name for layer in case.now.layers])
        return replace(made, code="CC105", fact=f"layers {asked.pattern}: no layer has such a name", remedy=near)
    groups = [[layer] for layer in matched] if asked.each else [matched]
    found = [_group(case, asked, made, group) for group in groups]
    order = {"exceeded": 2, "unknown": 1, "kept": 0}
    worst = max(found, key=lambda v: (order[v.outcome], v.value if isinstance(v.value, (int, Fraction)) else 0))
    return (
        replace(worst, others=sum(v.outcome == "exceeded" for v in found) - 1) if worst.outcome == "exceeded" else worst
    )


def _group(case: Case, asked: LayerLimit, made: Verdict, group: Sequence[Layer]) -> Verdict:
    """The verdict on some layers' part of a total."""
    value: Dim = 0
    for layer in group:
        value = value + (layer.amounts[asked.quantity] or 0)
    total = case.now.totals[asked.quantity]
    outcome, code, why = _decided(case, asked, group, value, total)
    numbers = isinstance(value, int) and isinstance(total, int)
    shown: Figure = _share(value, total) if asked.share else value
    have, most = words.apart(shown, asked.most, made.kind)
    least = outcome == "exceeded" and _partial(case, asked.quantity, group)
    who = group[0].name if len(group) == 1 else f"{len(group)} layers"
    size = f"{'at least ' if least else ''}{have}{f' of {asked.quantity}' if asked.share else ''}"
    fact = f"{made.quantity}: {who}: {size}, at most {most}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {why}"
    elif numbers:
        fact += f", {words.left(shown, asked.most, made.kind, least)}"
    at = _at(case, asked, group) if outcome == "exceeded" else NOBODY
    return replace(made, code=code or made.code, value=shown, outcome=outcome, fact=fact, layer=at.layer,
                   share=at.share, place=at.place, least=least)  # fmt: skip


def _share(value: Dim, total: Dim) -> Fraction | None:
    """value / total; None where symbols leave it open."""
    if value == 0:
        return Fraction(0)
    return Fraction(value, total) if isinstance(value, int) and isinstance(total, int) else None


def _decided(case: Case, asked: LayerLimit, group: Sequence[Layer], value: Dim, total: Dim) -> tuple[str, str, str]:
    """(outcome, code unless it is the rule's own, why it cannot be told). A share p/q is held as q·value <= p·total. Of
    a total that is only known from below, a share can only be smaller: that keeps a limit, and breaks none."""
    share = Fraction(asked.most)
    own: Dim = value * share.denominator - total * share.numerator if asked.share else value - int(asked.most)
    low, high = bounds(own)
    here, anywhere = (_partial(case, asked.quantity, layers) for layers in (group, case.now.layers))
    if low > 0 and not (asked.share and anywhere):
        if case.open:
            return "unknown", "CC103", f"the branch of {case.open[0]} is open, and the dearer one is counted"
        return "exceeded", "", ""
    if high <= 0 and not here:
        return "kept", "", ""
    if here or anywhere:
        return "unknown", "CC101", "an operator has no rule"
    return "unknown", "CC103", f"it depends on {', '.join(symbols(value, total))}"


def _partial(case: Case, quantity: str, layers: Sequence[Layer]) -> bool:
    """Whether some layer's figure is not known, and its operator not allowed."""
    return bool(case.now.unknown) and any(
        layer.amounts[quantity] is None and not allowed(layer, case.budget.allow) for layer in layers
    )


def _at(case: Case, asked: LayerLimit, group: Sequence[Layer]) -> Culprit:
    """The dearest of some layers; which that is, symbols may leave open."""
    if len(group) == 1:
        return Culprit(group[0].name, part(group[0], case.now, asked.quantity), None, place_of(group[0], case.now))
    return dearest(case.now, asked.quantity, group)
