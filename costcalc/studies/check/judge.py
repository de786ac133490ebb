"""Case → verdicts: one for each limit, in the order of their codes; what cannot be told is never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from costcalc.core.dim import Poly, symbols
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.studies.check import wording as words
from costcalc.studies.check.budget import Limit
from costcalc.studies.check.case import (
    NO_BLAME,
    Blame,
    Changes,
    CheckCase,
    Unknown,
    blame_layer,
    largest_growth,
    largest_layer,
    place_of,
    signed_bounds,
)
from costcalc.studies.check.judge_relative import judge_increases, judge_layers
from costcalc.studies.check.rules import LIMIT_CODES, RULES, rule_level
from costcalc.studies.check.verdict import Verdict
from costcalc.studies.diff.diff import diff


def judge(case: CheckCase) -> tuple[Verdict, ...]:
    """The verdicts of one model in one scenario; those of rules that are left out are not told."""

    @lru_cache(maxsize=1)
    def changes() -> Any:
        return () if case.baseline is None else diff(case.baseline, case.snapshot).changes

    found = [
        judge_limit(case, one, changes) for one in case.budget.limits if is_selected(case, LIMIT_CODES[one.quantity])
    ]
    found += [*judge_layers(case), *judge_unknown_operators(case), *judge_increases(case, changes)]
    return tuple([with_remedy(replace(v, level=rule_level(v.code, case.levels)), case.other_revision) for v in found])


def is_selected(case: CheckCase, code: str) -> bool:
    """Whether a rule is one that the config holds to; unknown operators are told whatever it says."""
    return code != "CC101" and bool(rule_level(code, case.levels))


def with_remedy(verdict: Verdict, elsewhere: bool = False) -> Verdict:
    """The verdict with what to do, where something is to be done."""
    if verdict.remedy or verdict.outcome == "kept":
        return verdict
    if verdict.outcome == "exceeded":
        who = words.describe_blame(verdict)
        fact = f"{verdict.fact}; {who}" if who else verdict.fact
        return replace(verdict, fact=fact, remedy=words.remedy(verdict, elsewhere))
    names = symbols(verdict.value) if isinstance(verdict.value, Poly) else ()
    if verdict.code == "CC103" and names:
        return replace(verdict, remedy=f"bind {names[0]} with `dims: {{{names[0]}: 128}}` or --dim {names[0]}=128")
    if verdict.code == "CC104" and verdict.limit_place is None:
        return replace(verdict, remedy="name a lock file or a git revision with --baseline")
    text = RULES[verdict.code].remedy
    return replace(verdict, remedy=text[0].lower() + text[1:].rstrip("."))


def judge_unknown_operators(case: CheckCase) -> Iterator[Verdict]:
    """A verdict where there is an operator without a rule, whatever the limits; a kept one where a limit asks."""
    asked = next((one for one in case.budget.limits if one.quantity == "unknown_ops"), None)
    unknown = case.unknown_operators()
    if unknown:
        lack = "no rule tells what it costs", "what it reads has no known shape"
        said = [
            f"{_named(of)}: {why}"
            for behind, why in enumerate(lack)
            if (of := [u for u in unknown if u.downstream == behind])
        ]
        total = sum(one.layers for one in unknown)
        fact = f"{'; '.join(said)}; totals are lower bounds"
        at = blame_layer(case.snapshot, unknown[0].first)
        yield Verdict(
            "CC101",
            "error",
            "unknown_ops",
            "count",
            total,
            0,
            "unknown",
            fact,
            _rules_for(unknown),
            layer=at.layer,
            place=at.place,
            limit_place=asked and asked.place,
        )
    elif asked:
        yield Verdict(
            "CC101",
            "error",
            "unknown_ops",
            "count",
            0,
            0,
            "kept",
            "every operator has a rule or is allowed",
            limit_place=asked.place,
        )


def _rules_for(unknown: Sequence[Unknown]) -> str:
    """What to do about operators without a rule; of those that merely read what has no known shape, nothing is free."""
    lacking = [one.operator for one in unknown if not one.downstream]
    if not lacking:
        return "register a shape rule for what gives it, with --rules"
    one = len(lacking) == 1
    rules, free = ("its rule", "it") if one else ("their rules", "those that cost nothing")
    return f"register {rules} with --rules, or take {free} as free with `allow: [{', '.join(lacking[:3])}]`"


def _named(unknown: Sequence[Unknown]) -> str:
    """com.acme:Mystery × 2 (the first of them), and how many more operators."""
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return ", ".join(f"{one.operator} × {one.layers} ({one.first})" for one in unknown[:3]) + more


def judge_limit(case: CheckCase, limit: Limit, changes: Changes) -> Verdict:
    """The verdict on a total, another quantity or a count."""
    if limit.quantity == "ops":
        return _count(case, limit)
    if limit.quantity not in TOTALS:
        return _quantity(case, limit)
    value = case.snapshot.totals.get(limit.quantity)
    outcome, code, why = decide_limit(case, limit, value, LIMIT_CODES[limit.quantity])
    return _verdict(
        case, limit, code, words.kind(limit.quantity), value, outcome, why, lambda: _at(case, limit, changes)
    )


def decide_limit(case: CheckCase, limit: Limit, value: Any, code: str) -> tuple[str, str, str]:
    """(outcome, code, why it cannot be told) of a quantity against its limit."""
    if value is None:
        return "unknown", "CC103", "which step needs the most memory depends on open symbols"
    low, high = signed_bounds(limit.value - value if limit.minimum else value - limit.value)
    if low > 0:
        if case.open_branches:
            return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
        return "exceeded", code, ""
    if high > 0:
        return "unknown", "CC103", f"it depends on {', '.join(symbols(value))}"
    if case.open_branches and limit.minimum and not isinstance(limit.value, bool):
        return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
    if case.is_lower_bound(limit.ref):
        return "unknown", "CC101", "it is only known from below"
    return "kept", code, ""


def _quantity(case: CheckCase, limit: Limit) -> Verdict:
    """The verdict on a quantity that is no total of every report. A bound decides on its own side for certain; on the
    other side it is all that can be held, and the verdict says so. An estimate is held as it is."""
    found, quantity = case.figures[limit.ref], limit.ref.quantity
    code = LIMIT_CODES[limit.quantity]
    if found.figure is None:
        value, outcome, code, why = None, "unknown", found.code, found.reason
    else:
        value = found.figure.value
        outcome, code, why = decide_limit(case, limit, value, code)
        if outcome == "kept" and found.incomplete:
            outcome, code, why = "unknown", "CC107", found.reason
    kind = words.kind(limit.quantity)
    made = _verdict(
        case, limit, code, kind, value, outcome, why, lambda: blame_layer(case.snapshot, found.layer, found.share)
    )
    if found.figure is None and code == "CC107":
        return replace(made, fact=f"{made.quantity}: there is no figure to hold: {why}", remedy=found.remedy)
    if quantity.unit == "boolean":
        return replace(made, fact=_said_of_boolean(made, why or found.reason))
    remark = words.REMARKS.get((quantity.certainty, outcome))
    certainty = made.certainty if found.figure is None else found.figure.certainty
    said = f"{made.fact} ({remark})" if remark else made.fact
    return replace(made, fact=said, certainty=certainty)


def _said_of_boolean(verdict: Verdict, why: str) -> str:
    """`fits t4: no: weights need 9 bytes of flash, which has 8`."""
    if verdict.outcome == "unknown":
        return f"{verdict.quantity}: whether that holds cannot be told: {why}"
    return f"{verdict.quantity}: {words.format_figure(verdict.value, verdict.kind)}{f': {why}' if why else ''}"


def _verdict(
    case: CheckCase, limit: Limit, code: str, kind: str, value: Any, outcome: str, why: str, blame: Callable[[], Blame]
) -> Verdict:
    quantity = f"{limit.quantity} {limit.subject}".strip()
    have, most = words.format_pair(value, limit.value, kind)
    in_catalogue = limit.quantity in CATALOGUE
    exact = in_catalogue and CATALOGUE[limit.quantity].certainty == "exact"
    least = outcome == "exceeded" and exact and case.is_lower_bound(limit.ref)
    if outcome == "unknown":
        what = "it" if value is None else f"at least {have}" if code == "CC101" and not limit.minimum else have
        fact = f"{quantity}: whether {what} is {'at least' if limit.minimum else 'within'} {most} cannot be told: {why}"
    else:
        left = words.format_headroom(value, limit.value, kind, least, limit.minimum)
        side = "at least" if limit.minimum else "at most"
        fact = f"{quantity}: {'at least ' if least else ''}{have} of {side} {most}, {left}".rstrip(", ")
    at: Blame = blame() if outcome == "exceeded" else NO_BLAME
    return Verdict(
        code,
        "error",
        quantity,
        kind,
        value,
        limit.value,
        outcome,
        fact,
        "",
        case.baseline_value(limit.ref) if in_catalogue else None,
        at.layer,
        at.share,
        at.growth,
        at.place,
        limit.place,
        lower_bound=least,
        minimum=limit.minimum,
    )


def _at(case: CheckCase, limit: Limit, changes: Changes) -> Blame:
    """The layer that a broken limit on a total points at."""
    peak = limit.quantity == "peak_activation_bytes"
    if case.baseline is not None and _grew(case, limit.quantity):
        found = largest_growth(case.snapshot, changes(), "activation_bytes" if peak else limit.quantity)
        if found.layer:
            return found._replace(share=None) if peak else found
    if peak:
        return NO_BLAME if case.peak is None else blame_layer(case.snapshot, case.peak.layer, case.peak.share)
    return largest_layer(case.snapshot, limit.quantity)


def _grew(case: CheckCase, quantity: str) -> bool:
    before = None if case.baseline is None else case.baseline.totals.get(quantity)
    now = case.snapshot.totals.get(quantity)
    return isinstance(before, int) and isinstance(now, int) and now > before


def _count(case: CheckCase, limit: Limit) -> Verdict:
    """How many layers are of an operator; without a domain in the limit, of any domain."""
    found = [layer for layer in case.snapshot.layers if limit.subject in (layer.op_type, layer.operator)]
    outcome = "exceeded" if len(found) > limit.value else "kept"

    def last() -> Blame:
        layer = found[int(limit.value)]
        return Blame(layer.name, None, None, place_of(layer, case.snapshot))

    return _verdict(case, limit, "CC010", "count", len(found), outcome, "", last)
