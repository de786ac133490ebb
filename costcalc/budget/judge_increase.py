"""Increases over a baseline → verdicts. One is allowed up to a share or an amount, and always up to min_delta."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from costcalc.budget import words
from costcalc.budget.case import Case, partial
from costcalc.budget.culprit import NOBODY, Changes, Culprit, dearest, grew_most
from costcalc.budget.limits import Increase
from costcalc.budget.rules import INCREASES, level
from costcalc.budget.verdict import Verdict
from costcalc.dim import Dim, bounds, symbols
from costcalc.units import percent_exact


def increases(case: Case, changes: Changes) -> Iterator[Verdict]:
    """A verdict for each increase that is limited."""
    for asked in case.budget.increases:
        if level(INCREASES[asked.quantity], case.levels):
            yield _increase(case, asked, changes)


def _increase(case: Case, asked: Increase, changes: Changes) -> Verdict:
    quantity, kind = asked.quantity, words.kind(asked.quantity)
    now = case.now.totals.get(quantity)
    made = Verdict(INCREASES[quantity], "error", f"{quantity} increase", kind, now, None, "unknown", "",
                   limit_place=asked.place)  # fmt: skip
    if case.before is None:
        return _without(case, made)
    before = case.before.totals.get(quantity)
    if before is None or now is None:
        why = "the baseline has no such figure" if before is None else "it depends on open symbols"
        return replace(made, code="CC104" if before is None else "CC103", fact=f"{made.quantity}: {why}")
    rise: Dim = now - before
    most = allowed(asked, before)
    outcome, code, why = _decided(case, asked, rise, before)
    at: Culprit = NOBODY
    if outcome == "exceeded":
        peak = quantity == "peak_activation_bytes"
        at = grew_most(case.now, changes(), "activation_bytes" if peak else quantity)
        if not at.layer and not peak:
            at = dearest(case.now, quantity)
    limit = None if most is None else before + most
    least = outcome == "exceeded" and partial(case.now, quantity, case.budget.allow)
    fact = f"{made.quantity}: {_said(rise, before, kind, least)}, {_may(asked, before, most, kind)}"
    if outcome == "unknown":
        fact += f"; whether that holds cannot be told: {why}"
    elif left := words.left(made.value, limit, kind, least):
        fact += f": {left}"
    return replace(made, code=code, limit=limit, outcome=outcome, fact=fact, baseline=before, layer=at.layer,
                   share=at.share, grown=at.grown, place=at.place, least=least,
                   growth=_may(asked, before, None, kind).removeprefix("at most ") if most is None else "")  # fmt: skip


def allowed(asked: Increase, before: Dim) -> int | None:
    """The whole number that an increase may reach; None where it depends on a symbol."""
    if asked.share is None:
        return max(asked.most, asked.delta)
    if not isinstance(before, int):
        return None if asked.share else asked.delta
    return max(int(before * asked.share), asked.delta)


def _decided(case: Case, asked: Increase, rise: Dim, before: Dim) -> tuple[str, str, str]:
    """(outcome, code, why it cannot be told). With p/q of the baseline, q·rise <= p·before is asked: no rounding."""
    share = Fraction(0) if asked.share is None else asked.share
    own: Any = rise * share.denominator - before * share.numerator if asked.share is not None else rise - asked.most
    gaps = [bounds(own), bounds(rise - asked.delta)]
    assert case.before is not None
    if any(high <= 0 for _, high in gaps):
        if partial(case.now, asked.quantity, case.budget.allow):
            return "unknown", "CC101", "the figure is only known from below"
        return "kept", INCREASES[asked.quantity], ""
    if all(low > 0 for low, _ in gaps):
        if partial(case.before, asked.quantity, case.budget.allow):
            return "unknown", "CC101", "the baseline's figure is only known from below"
        if case.open:
            return "unknown", "CC103", f"the branch of {case.open[0]} is open, and the dearer one is counted"
        return "exceeded", INCREASES[asked.quantity], ""
    return "unknown", "CC103", f"it depends on {', '.join(symbols(rise, before))}"


def _said(rise: Dim, before: Dim, kind: str, least: bool = False) -> str:
    """`grew by 12,345 (+2.3%) from 540,000`."""
    if rise == 0:
        return f"as before, {words.told(before, kind)}"
    if bounds(rise)[1] < 0:
        return f"fell by {words.told(-rise, kind)}{words.relative(rise, before)} from {words.told(before, kind)}"
    by = f"{'at least ' if least else ''}{words.told(rise, kind)}{words.relative(rise, before)}"
    return f"grew by {by} from {words.told(before, kind)}"


def _may(asked: Increase, before: Dim, most: int | None, kind: str) -> str:
    """`at most +2.0% (10,800)`, `at most 1,000,000 (min_delta, more than +2.0%)`."""
    amount = words.told(most, kind)
    if asked.share is None:
        return f"at most {amount}"
    percent = f"+{percent_exact(asked.share)}"
    if most is None or not isinstance(before, int):
        return f"at most {percent}"
    if asked.delta > before * asked.share:
        return f"at most {amount} (min_delta, more than {percent})"
    return f"at most {percent} ({amount})"


def _without(case: Case, made: Verdict) -> Verdict:
    """A model without a baseline. One that the baseline of another revision does not know yet has not grown."""
    if case.against and case.new:
        fact = f"{made.quantity}: the model is not in {case.against}: there is nothing that it grew from"
        return replace(made, outcome="kept", fact=fact)
    missing = f"the model is not in {case.against}" if case.against else "there is no baseline"
    return replace(made, code="CC104", fact=f"{made.quantity}: {missing}")
