"""Increases over a baseline, and limits of layers by glob -> verdicts.

An increase is allowed up to a share or an amount, and always up to min_delta. Layers are held to what the matched ones
take together, or each on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, bounds, symbols
from costcalc.core.elision import match_pattern, module_labels
from costcalc.core.errors import UsageError, did_you_mean
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
    layer_place,
    share_of_total,
    signed_bounds,
)
from costcalc.studies.check.rules import INCREASES, rule_level
from costcalc.studies.check.verdict import Amount, Verdict
from costcalc.studies.diff.snapshot import SnapshotLayer


def judge_increases(case: CheckCase, changes: Changes) -> Iterator[Verdict]:
    """A verdict for each increase that is limited."""
    for limit in case.budget.increases:
        if rule_level(INCREASES[limit.quantity], case.levels):
            yield _judge_increase(case, limit, changes)


def _judge_increase(case: CheckCase, limit: Increase, changes: Changes) -> Verdict:
    quantity, kind, ref = limit.quantity, words.quantity_kind(limit.quantity), limit.ref
    now: Any = case.value(ref)
    before: Any = case.baseline_value(ref)
    name = f"{quantity} {limit.device}".strip()
    verdict = Verdict(
        INCREASES[quantity], "error", f"{name} increase", kind, now, None, "unknown", "", limit_place=limit.place
    )
    check_figure = case.figures.get(ref)
    if check_figure is not None and check_figure.figure is None:
        remedy = check_figure.remedy if check_figure.code == "CC107" else ""
        return replace(
            verdict, code=check_figure.code, fact=f"{verdict.quantity}: {check_figure.reason}", remedy=remedy
        )
    if case.baseline is None:
        return _without_baseline(case, verdict)
    if before is None or now is None:
        reason = "the baseline has no such figure" if before is None else "it depends on open symbols"
        return replace(verdict, code="CC104" if before is None else "CC103", fact=f"{verdict.quantity}: {reason}")
    rise: Any = now - before
    allowed = allowed_increase(limit, before)
    outcome, code, reason = _decide_increase(case, limit, rise, before)
    blame = _blame_increase(case, limit, changes) if outcome == "exceeded" else NO_BLAME
    limit_value: Any = None if allowed is None else before + allowed
    lower_bound = outcome == "exceeded" and ref.quantity.certainty == "exact" and case.is_lower_bound(ref)
    allowance = _format_allowance(limit, before, allowed, kind)
    fact = f"{verdict.quantity}: {_format_rise(rise, before, kind, lower_bound)}, {allowance}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {reason}"
    elif headroom := words.format_headroom(verdict.value, limit_value, kind, lower_bound):
        fact += f": {headroom}"
    return replace(
        verdict,
        code=code,
        limit=limit_value,
        outcome=outcome,
        fact=fact,
        baseline=before,
        layer=blame.layer,
        share=blame.share,
        layer_count=blame.layer_count,
        layer_growth=blame.growth,
        place=blame.place,
        lower_bound=lower_bound,
        growth=_format_allowance(limit, before, None, kind).removeprefix("at most ") if allowed is None else "",
        certainty=verdict.certainty
        if check_figure is None or check_figure.figure is None
        else check_figure.figure.certainty,
    )


def _blame_increase(case: CheckCase, limit: Increase, changes: Changes) -> Blame:
    """The layer that a broken limit of growth points at."""
    if limit.quantity not in TOTALS:
        check_figure = case.figures[limit.ref]
        return blame_layer(case.snapshot, check_figure.layer, check_figure.share)
    is_peak = limit.quantity == "peak_activation_bytes"
    blame = largest_growth(case.snapshot, changes(), "activation_bytes" if is_peak else limit.quantity)
    return blame if blame.layer or is_peak else largest_layer(case.snapshot, limit.quantity)


def allowed_increase(limit: Increase, before: Dim | Fraction) -> int | Fraction | None:
    """What an increase may reach: a whole number of what is counted; None where it depends on a symbol."""
    if limit.share is None:
        return max(limit.amount, limit.delta)
    if isinstance(before, Fraction):
        return max(before * limit.share, limit.delta)
    if not isinstance(before, int):
        return None if limit.share else limit.delta
    return max(int(before * limit.share), limit.delta)


def _decide_increase(case: CheckCase, limit: Increase, rise: Any, before: Any) -> tuple[str, str, str]:
    """(outcome, code, why it cannot be told). With p/q of the baseline, q·rise <= p·before is asked: no rounding."""
    share = Fraction(0) if limit.share is None else limit.share
    excess: Any = (
        rise * share.denominator - before * share.numerator if limit.share is not None else rise - limit.amount
    )
    gaps = [signed_bounds(excess), signed_bounds(rise - limit.delta)]
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
    return "unknown", "CC103", f"it depends on {words.format_symbols(symbols(rise, before))}"


def _format_rise(rise: Any, before: Dim | Fraction, kind: str, lower_bound: bool = False) -> str:
    """`grew by 12,345 (+2.3%) from 540,000`."""
    if rise == 0:
        return f"as before, {words.format_figure(before, kind)}"
    if signed_bounds(rise)[1] < 0:
        fall_text, before_text = words.format_figure(-rise, kind), words.format_figure(before, kind)
        return f"fell by {fall_text}{words.format_relative(rise, before)} from {before_text}"
    rise_text = (
        f"{'at least ' if lower_bound else ''}{words.format_figure(rise, kind)}{words.format_relative(rise, before)}"
    )
    return f"grew by {rise_text} from {words.format_figure(before, kind)}"


def _format_allowance(limit: Increase, before: Dim | Fraction, allowed: int | Fraction | None, kind: str) -> str:
    """`at most +2.0% (10,800)`, `at most 1,000,000 (min_delta, more than +2.0%)`."""
    amount = words.format_figure(allowed, kind)
    if limit.share is None:
        return f"at most {amount}"
    percent = f"+{format_exact_share(limit.share)}"
    if allowed is None or not isinstance(before, (int, Fraction)):
        return f"at most {percent}"
    if limit.delta > before * limit.share:
        return f"at most {amount} (min_delta, more than {percent})"
    return f"at most {percent} ({amount})"


def _without_baseline(case: CheckCase, verdict: Verdict) -> Verdict:
    """A model without a baseline. One that the baseline of another revision does not know yet has not grown."""
    if case.baseline_source and case.other_revision:
        fact = f"{verdict.quantity}: the model is not in {case.baseline_source}: there is nothing that it grew from"
        return replace(verdict, outcome="kept", fact=fact)
    absence = f"the model is not in {case.baseline_source}" if case.baseline_source else "there is no baseline"
    return replace(verdict, code="CC104", fact=f"{verdict.quantity}: {absence}")


def judge_layers(case: CheckCase) -> Iterator[Verdict]:
    """A verdict for each limit; one that fits no layer is never kept, for its pattern may be mistyped."""
    for limit in case.budget.layers:
        if rule_level("CC012" if limit.share else "CC011", case.levels):
            yield _judge_layer_limit(case, limit)


def _judge_layer_limit(case: CheckCase, limit: LayerLimit) -> Verdict:
    quantity_phrase = "" if limit.quantity == "macs" else f" of {limit.quantity}"
    name = f"max_share{quantity_phrase}" if limit.share else limit.quantity
    kind = "share" if limit.share else words.quantity_kind(limit.quantity)
    verdict = Verdict(
        "CC012" if limit.share else "CC011",
        "error",
        f"layers {limit.pattern} {name}",
        kind,
        None,
        limit.value,
        "unknown",
        "",
        limit_place=limit.place,
    )
    try:
        matched = _match_layers(limit.pattern, case.snapshot.layers)
    except UsageError as error:
        return replace(verdict, code="CC105", fact=f"layers {limit.pattern}: {error.fact}", remedy=error.remedy)
    if not matched:
        suggestion = did_you_mean(limit.pattern, [layer.name for layer in case.snapshot.layers])
        return replace(
            verdict, code="CC105", fact=f"layers {limit.pattern}: no layer has such a name", remedy=suggestion
        )
    groups = [[layer] for layer in matched] if limit.each else [matched]
    verdicts = [_judge_group(case, limit, verdict, group) for group in groups]
    order = {"exceeded": 2, "unknown": 1, "kept": 0}
    worst = max(verdicts, key=lambda v: (order[v.outcome], v.value if isinstance(v.value, (int, Fraction)) else 0))
    return (
        replace(worst, other_layers=sum(v.outcome == "exceeded" for v in verdicts) - 1)
        if worst.outcome == "exceeded"
        else worst
    )


def _match_layers(pattern: str, layers: Sequence[SnapshotLayer]) -> list[SnapshotLayer]:
    """A pattern -> the layers whose name it fits; where it fits none, those in a module, or with a stored tensor, that
    it fits: `layer1` has the layers `layer1.0.conv1` and `layer1.0/add`."""
    names = frozenset(match_pattern(pattern, [layer.name for layer in layers], "layers"))
    if names:
        return [layer for layer in layers if layer.name in names]
    labels = [module_labels(layer.name, [t.name for t in layer.inputs if t.stored]) for layer in layers]
    matched = frozenset(match_pattern(pattern, {label for of_layer in labels for label in of_layer}, "modules"))
    return [layer for layer, of_layer in zip(layers, labels, strict=True) if not matched.isdisjoint(of_layer)]


def _judge_group(case: CheckCase, limit: LayerLimit, verdict: Verdict, group: Sequence[SnapshotLayer]) -> Verdict:
    """The verdict on some layers' part of a total."""
    value: Dim = 0
    for layer in group:
        value = value + (layer.amounts[limit.quantity] or 0)
    total = case.snapshot.totals[limit.quantity]
    outcome, code, reason = _decide_layers(case, limit, group, value, total)
    numbers = isinstance(value, int) and isinstance(total, int)
    figure: Amount = _share_or_none(value, total) if limit.share else value
    figure_text, limit_text = words.format_pair(figure, limit.value, verdict.kind)
    lower_bound = outcome == "exceeded" and _has_unknown_figure(case, limit.quantity, group)
    subject = group[0].name if len(group) == 1 else f"{len(group)} layers"
    size = f"{'at least ' if lower_bound else ''}{figure_text}{f' of {limit.quantity}' if limit.share else ''}"
    fact = f"{verdict.quantity}: {subject}: {size}, at most {limit_text}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {reason}"
    elif numbers:
        fact += f", {words.format_headroom(figure, limit.value, verdict.kind, lower_bound)}"
    blame = _blame_group(case, limit, group) if outcome == "exceeded" else NO_BLAME
    return replace(
        verdict,
        code=code or verdict.code,
        value=figure,
        outcome=outcome,
        fact=fact,
        layer=blame.layer,
        share=blame.share,
        place=blame.place,
        lower_bound=lower_bound,
    )


def _share_or_none(value: Dim, total: Dim) -> Fraction | None:
    """value / total; None where symbols leave it open."""
    if value == 0:
        return Fraction(0)
    return Fraction(value, total) if isinstance(value, int) and isinstance(total, int) else None


def _decide_layers(
    case: CheckCase, limit: LayerLimit, group: Sequence[SnapshotLayer], value: Dim, total: Dim
) -> tuple[str, str, str]:
    """(outcome, code unless it is the rule's own, why it cannot be told). A share p/q is held as q·value <= p·total. Of
    a total that is only known from below, a share can only be smaller: that keeps a limit, and breaks none."""
    share = Fraction(limit.value)
    excess: Dim = value * share.denominator - total * share.numerator if limit.share else value - int(limit.value)
    low, high = bounds(excess)
    unknown_in_group, unknown_in_model = (
        _has_unknown_figure(case, limit.quantity, layers) for layers in (group, case.snapshot.layers)
    )
    if low > 0 and not (limit.share and unknown_in_model):
        if case.open_branches:
            return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
        return "exceeded", "", ""
    if high <= 0 and not unknown_in_group:
        return "kept", "", ""
    if unknown_in_group or unknown_in_model:
        return "unknown", "CC101", "an operator has no rule"
    return "unknown", "CC103", f"it depends on {words.format_symbols(symbols(value, total))}"


def _has_unknown_figure(case: CheckCase, quantity: str, layers: Sequence[SnapshotLayer]) -> bool:
    """Whether some layer's figure is not known, and its operator not allowed."""
    return bool(case.snapshot.unknown) and any(
        layer.amounts[quantity] is None and not is_allowed(layer, case.budget.allow) for layer in layers
    )


def _blame_group(case: CheckCase, limit: LayerLimit, group: Sequence[SnapshotLayer]) -> Blame:
    """The dearest of some layers; which that is, symbols may leave open."""
    if len(group) == 1:
        return Blame(
            group[0].name,
            share_of_total(group[0], case.snapshot, limit.quantity),
            None,
            layer_place(group[0], case.snapshot),
        )
    return largest_layer(case.snapshot, limit.quantity, group)
