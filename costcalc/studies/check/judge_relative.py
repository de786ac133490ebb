"""Increases over a baseline, and limits of layers by glob -> verdicts.

An increase is allowed up to a share or an amount, and always up to min_delta. Layers are held to what the matched ones
take together, or each on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, bounds, symbols
from costcalc.core.errors import did_you_mean
from costcalc.core.quantities import TOTALS
from costcalc.core.units import format_exact_share
from costcalc.studies.check import wording as words
from costcalc.studies.check.budget import Increase, LayerLimit
from costcalc.studies.check.case import (
    NO_BLAME,
    Blame,
    Changes,
    CheckCase,
    blame_layer,
    is_allowed,
    largest_growth,
    largest_layer,
    place_of,
    share_of_total,
    signed_bounds,
)
from costcalc.studies.check.rules import INCREASES, rule_level
from costcalc.studies.check.verdict import Amount, Verdict
from costcalc.studies.diff.snapshot import SnapshotLayer


def judge_increases(case: CheckCase, changes: Changes) -> Iterator[Verdict]:
    """A verdict for each increase that is limited."""
    for asked in case.budget.increases:
        if rule_level(INCREASES[asked.quantity], case.levels):
            yield _increase(case, asked, changes)


def _increase(case: CheckCase, limit: Increase, changes: Changes) -> Verdict:
    quantity, kind, ref = limit.quantity, words.kind(limit.quantity), limit.ref
    now: Any = case.value(ref)
    before: Any = case.baseline_value(ref)
    name = f"{quantity} {limit.device}".strip()
    made = Verdict(
        INCREASES[quantity], "error", f"{name} increase", kind, now, None, "unknown", "", limit_place=limit.place
    )
    found = case.figures.get(ref)
    if found is not None and found.figure is None:
        remedy = found.remedy if found.code == "CC107" else ""
        return replace(made, code=found.code, fact=f"{made.quantity}: {found.reason}", remedy=remedy)
    if case.baseline is None:
        return _without(case, made)
    if before is None or now is None:
        why = "the baseline has no such figure" if before is None else "it depends on open symbols"
        return replace(made, code="CC104" if before is None else "CC103", fact=f"{made.quantity}: {why}")
    rise: Any = now - before
    most = allowed_increase(limit, before)
    outcome, code, why = _decide(case, limit, rise, before)
    at = _grown_at(case, limit, changes) if outcome == "exceeded" else NO_BLAME
    bound: Any = None if most is None else before + most
    least = outcome == "exceeded" and ref.quantity.certainty == "exact" and case.is_lower_bound(ref)
    fact = f"{made.quantity}: {_said(rise, before, kind, least)}, {_may(limit, before, most, kind)}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {why}"
    elif left := words.format_headroom(made.value, bound, kind, least):
        fact += f": {left}"
    return replace(
        made,
        code=code,
        limit=bound,
        outcome=outcome,
        fact=fact,
        baseline=before,
        layer=at.layer,
        share=at.share,
        layer_growth=at.growth,
        place=at.place,
        lower_bound=least,
        growth=_may(limit, before, None, kind).removeprefix("at most ") if most is None else "",
        certainty=made.certainty if found is None or found.figure is None else found.figure.certainty,
    )


def _grown_at(case: CheckCase, limit: Increase, changes: Changes) -> Blame:
    """The layer that a broken limit of growth points at."""
    if limit.quantity not in TOTALS:
        found = case.figures[limit.ref]
        return blame_layer(case.snapshot, found.layer, found.share)
    is_peak = limit.quantity == "peak_activation_bytes"
    at = largest_growth(case.snapshot, changes(), "activation_bytes" if is_peak else limit.quantity)
    return at if at.layer or is_peak else largest_layer(case.snapshot, limit.quantity)


def allowed_increase(limit: Increase, before: Dim | Fraction) -> int | Fraction | None:
    """What an increase may reach: a whole number of what is counted; None where it depends on a symbol."""
    if limit.share is None:
        return max(limit.amount, limit.delta)
    if isinstance(before, Fraction):
        return max(before * limit.share, limit.delta)
    if not isinstance(before, int):
        return None if limit.share else limit.delta
    return max(int(before * limit.share), limit.delta)


def _decide(case: CheckCase, limit: Increase, rise: Any, before: Any) -> tuple[str, str, str]:
    """(outcome, code, why it cannot be told). With p/q of the baseline, q·rise <= p·before is asked: no rounding."""
    share = Fraction(0) if limit.share is None else limit.share
    own: Any = rise * share.denominator - before * share.numerator if limit.share is not None else rise - limit.amount
    gaps = [signed_bounds(own), signed_bounds(rise - limit.delta)]
    if any(high <= 0 for _, high in gaps):
        if case.is_lower_bound(limit.ref):
            return "unknown", "CC101", "the figure is only known from below"
        return "kept", INCREASES[limit.quantity], ""
    if all(low > 0 for low, _ in gaps):
        if case.is_baseline_lower_bound(limit.ref):
            return "unknown", "CC101", "the baseline's figure is only known from below"
        if case.open_branches:
            return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
        return "exceeded", INCREASES[limit.quantity], ""
    return "unknown", "CC103", f"it depends on {', '.join(symbols(rise, before))}"


def _said(rise: Any, before: Dim | Fraction, kind: str, least: bool = False) -> str:
    """`grew by 12,345 (+2.3%) from 540,000`."""
    if rise == 0:
        return f"as before, {words.format_figure(before, kind)}"
    if signed_bounds(rise)[1] < 0:
        fall, was = words.format_figure(-rise, kind), words.format_figure(before, kind)
        return f"fell by {fall}{words.relative(rise, before)} from {was}"
    by = f"{'at least ' if least else ''}{words.format_figure(rise, kind)}{words.relative(rise, before)}"
    return f"grew by {by} from {words.format_figure(before, kind)}"


def _may(asked: Increase, before: Dim | Fraction, most: int | Fraction | None, kind: str) -> str:
    """`at most +2.0% (10,800)`, `at most 1,000,000 (min_delta, more than +2.0%)`."""
    amount = words.format_figure(most, kind)
    if asked.share is None:
        return f"at most {amount}"
    percent = f"+{format_exact_share(asked.share)}"
    if most is None or not isinstance(before, (int, Fraction)):
        return f"at most {percent}"
    if asked.delta > before * asked.share:
        return f"at most {amount} (min_delta, more than {percent})"
    return f"at most {percent} ({amount})"


def _without(case: CheckCase, made: Verdict) -> Verdict:
    """A model without a baseline. One that the baseline of another revision does not know yet has not grown."""
    if case.baseline_source and case.other_revision:
        fact = f"{made.quantity}: the model is not in {case.baseline_source}: there is nothing that it grew from"
        return replace(made, outcome="kept", fact=fact)
    missing = f"the model is not in {case.baseline_source}" if case.baseline_source else "there is no baseline"
    return replace(made, code="CC104", fact=f"{made.quantity}: {missing}")


def judge_layers(case: CheckCase) -> Iterator[Verdict]:
    """A verdict for each limit; one that fits no layer is never kept, for its pattern may be mistyped."""
    for asked in case.budget.layers:
        if rule_level("CC012" if asked.share else "CC011", case.levels):
            yield _layers(case, asked)


def _layers(case: CheckCase, asked: LayerLimit) -> Verdict:
    of = "" if asked.quantity == "macs" else f" of {asked.quantity}"
    what = f"max_share{of}" if asked.share else asked.quantity
    kind = "share" if asked.share else words.kind(asked.quantity)
    made = Verdict(
        "CC012" if asked.share else "CC011",
        "error",
        f"layers {asked.pattern} {what}",
        kind,
        None,
        asked.value,
        "unknown",
        "",
        limit_place=asked.place,
    )
    matched = [layer for layer in case.snapshot.layers if fnmatchcase(layer.name, asked.pattern)]
    if not matched:
        near = did_you_mean(asked.pattern, [layer.name for layer in case.snapshot.layers])
        return replace(made, code="CC105", fact=f"layers {asked.pattern}: no layer has such a name", remedy=near)
    groups = [[layer] for layer in matched] if asked.each else [matched]
    found = [_group(case, asked, made, group) for group in groups]
    order = {"exceeded": 2, "unknown": 1, "kept": 0}
    worst = max(found, key=lambda v: (order[v.outcome], v.value if isinstance(v.value, (int, Fraction)) else 0))
    return (
        replace(worst, other_layers=sum(v.outcome == "exceeded" for v in found) - 1) if worst.outcome == "exceeded" else worst
    )


def _group(case: CheckCase, asked: LayerLimit, made: Verdict, group: Sequence[SnapshotLayer]) -> Verdict:
    """The verdict on some layers' part of a total."""
    value: Dim = 0
    for layer in group:
        value = value + (layer.amounts[asked.quantity] or 0)
    total = case.snapshot.totals[asked.quantity]
    outcome, code, why = _layers_decided(case, asked, group, value, total)
    numbers = isinstance(value, int) and isinstance(total, int)
    shown: Amount = _share(value, total) if asked.share else value
    have, most = words.format_pair(shown, asked.value, made.kind)
    least = outcome == "exceeded" and _partial(case, asked.quantity, group)
    who = group[0].name if len(group) == 1 else f"{len(group)} layers"
    size = f"{'at least ' if least else ''}{have}{f' of {asked.quantity}' if asked.share else ''}"
    fact = f"{made.quantity}: {who}: {size}, at most {most}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {why}"
    elif numbers:
        fact += f", {words.format_headroom(shown, asked.value, made.kind, least)}"
    at = _at(case, asked, group) if outcome == "exceeded" else NO_BLAME
    return replace(
        made,
        code=code or made.code,
        value=shown,
        outcome=outcome,
        fact=fact,
        layer=at.layer,
        share=at.share,
        place=at.place,
        lower_bound=least,
    )


def _share(value: Dim, total: Dim) -> Fraction | None:
    """value / total; None where symbols leave it open."""
    if value == 0:
        return Fraction(0)
    return Fraction(value, total) if isinstance(value, int) and isinstance(total, int) else None


def _layers_decided(
    case: CheckCase, asked: LayerLimit, group: Sequence[SnapshotLayer], value: Dim, total: Dim
) -> tuple[str, str, str]:
    """(outcome, code unless it is the rule's own, why it cannot be told). A share p/q is held as q·value <= p·total. Of
    a total that is only known from below, a share can only be smaller: that keeps a limit, and breaks none."""
    share = Fraction(asked.value)
    own: Dim = value * share.denominator - total * share.numerator if asked.share else value - int(asked.value)
    low, high = bounds(own)
    here, anywhere = (_partial(case, asked.quantity, layers) for layers in (group, case.snapshot.layers))
    if low > 0 and not (asked.share and anywhere):
        if case.open_branches:
            return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
        return "exceeded", "", ""
    if high <= 0 and not here:
        return "kept", "", ""
    if here or anywhere:
        return "unknown", "CC101", "an operator has no rule"
    return "unknown", "CC103", f"it depends on {', '.join(symbols(value, total))}"


def _partial(case: CheckCase, quantity: str, layers: Sequence[SnapshotLayer]) -> bool:
    """Whether some layer's figure is not known, and its operator not allowed."""
    return bool(case.snapshot.unknown) and any(
        layer.amounts[quantity] is None and not is_allowed(layer, case.budget.allow) for layer in layers
    )


def _at(case: CheckCase, asked: LayerLimit, group: Sequence[SnapshotLayer]) -> Blame:
    """The dearest of some layers; which that is, symbols may leave open."""
    if len(group) == 1:
        return Blame(
            group[0].name, share_of_total(group[0], case.snapshot, asked.quantity), None, place_of(group[0], case.snapshot)
        )
    return largest_layer(case.snapshot, asked.quantity, group)
