"""Case → verdicts: one for each limit, in the order of their codes; what cannot be told is never kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from costcalc.core.dim import Poly, bounds, symbols
from costcalc.core.quantities import TOTALS
from costcalc.studies.check import wording as words
from costcalc.studies.check.budget import Limit
from costcalc.studies.check.case import (
    NOBODY,
    Case,
    Changes,
    Culprit,
    Unknown,
    dearest,
    grew_most,
    named,
    partial,
    place_of,
)
from costcalc.studies.check.rules import LIMIT_CODES, RULES, level
from costcalc.studies.check.verdict import Verdict


def judge(case: Case) -> tuple[Verdict, ...]:
    """The verdicts of one model in one scenario; those of rules that are left out are not told."""
    from costcalc.studies.check.judge_relative import increases, layers

    @lru_cache(maxsize=1)
    def changes() -> Any:
        from costcalc.studies.diff.diff import diff

        return () if case.before is None else diff(case.before, case.now).changes

    found = [limit(case, one, changes) for one in case.budget.limits if held(case, LIMIT_CODES[one.quantity])]
    found += [*layers(case), *unknown_operators(case), *increases(case, changes)]
    return tuple([advised(replace(v, level=level(v.code, case.levels)), case.new) for v in found])


def held(case: Case, code: str) -> bool:
    """Whether a rule is one that the config holds to; unknown operators are told whatever it says."""
    return code != "CC101" and bool(level(code, case.levels))


def advised(verdict: Verdict, elsewhere: bool = False) -> Verdict:
    """The verdict with what to do, where something is to be done."""
    if verdict.remedy or verdict.outcome == "kept":
        return verdict
    if verdict.outcome == "exceeded":
        who = words.culprit(verdict)
        fact = f"{verdict.fact}; {who}" if who else verdict.fact
        return replace(verdict, fact=fact, remedy=words.remedy(verdict, elsewhere))
    names = symbols(verdict.value) if isinstance(verdict.value, Poly) else ()
    if verdict.code == "CC103" and names:
        return replace(verdict, remedy=f"bind {names[0]} with `dims: {{{names[0]}: 128}}` or --dim {names[0]}=128")
    if verdict.code == "CC104" and verdict.limit_place is None:
        return replace(verdict, remedy="name a lock file or a git revision with --baseline")
    text = RULES[verdict.code].remedy
    return replace(verdict, remedy=text[0].lower() + text[1:].rstrip("."))


def unknown_operators(case: Case) -> Iterator[Verdict]:
    """A verdict where there is an operator without a rule, whatever the limits; a kept one where a limit asks."""
    asked = next((one for one in case.budget.limits if one.quantity == "unknown_ops"), None)
    unknown = case.unknown()
    if unknown:
        lack = "no rule tells what it costs", "what it reads has no known shape"
        said = [
            f"{_named(of)}: {why}"
            for behind, why in enumerate(lack)
            if (of := [u for u in unknown if u.behind == behind])
        ]
        total = sum(one.layers for one in unknown)
        fact = f"{'; '.join(said)}; totals are lower bounds"
        at = named(case.now, unknown[0].first)
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
    lacking = [one.operator for one in unknown if not one.behind]
    if not lacking:
        return "register a shape rule for what gives it, with --rules"
    one = len(lacking) == 1
    rules, free = ("its rule", "it") if one else ("their rules", "those that cost nothing")
    return f"register {rules} with --rules, or take {free} as free with `allow: [{', '.join(lacking[:3])}]`"


def _named(unknown: Sequence[Unknown]) -> str:
    """com.acme:Mystery × 2 (the first of them), and how many more operators."""
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return ", ".join(f"{one.operator} × {one.layers} ({one.first})" for one in unknown[:3]) + more


def limit(case: Case, asked: Limit, changes: Changes) -> Verdict:
    """The verdict on a total, a time or a count."""
    if asked.quantity == "time":
        return _time(case, asked)
    if asked.quantity == "ops":
        return _count(case, asked)
    value = case.now.totals.get(asked.quantity)
    code = LIMIT_CODES[asked.quantity]
    outcome, code, why = decided(case, asked.quantity, value, asked.most, code)
    return _verdict(
        case, asked, code, words.kind(asked.quantity), value, outcome, why, lambda: _at(case, asked, changes)
    )


def decided(case: Case, quantity: str, value: Any, most: Any, code: str) -> tuple[str, str, str]:
    """(outcome, code, why it cannot be told) of a total against the most that it may be."""
    if value is None:
        return "unknown", "CC103", "which step needs the most memory depends on open symbols"
    low, high = bounds(value)
    if low > most:
        if case.open:
            return "unknown", "CC103", f"the branch of {case.open[0]} is open, and the dearer one is counted"
        return "exceeded", code, ""
    if high > most:
        return "unknown", "CC103", f"it depends on {', '.join(symbols(value))}"
    if partial(case.now, quantity, case.budget.allow):
        return "unknown", "CC101", "it is only known from below"
    return "kept", code, ""


def _verdict(
    case: Case, asked: Limit, code: str, kind: str, value: Any, outcome: str, why: str, culprit: Any
) -> Verdict:
    quantity = f"{asked.quantity} {asked.of}".strip()
    have, most = words.apart(value, asked.most, kind)
    least = outcome == "exceeded" and asked.quantity in TOTALS and partial(case.now, asked.quantity, case.budget.allow)
    if outcome == "unknown":
        what = "it" if value is None else f"at least {have}" if code == "CC101" else have
        fact = f"{quantity}: whether {what} is within {most} cannot be told: {why}"
    else:
        left = words.left(value, asked.most, kind, least)
        fact = f"{quantity}: {'at least ' if least else ''}{have} of at most {most}, {left}".rstrip(", ")
    at: Culprit = culprit() if outcome == "exceeded" else NOBODY
    before = None if case.before is None else case.before.totals.get(asked.quantity)
    return Verdict(
        code,
        "error",
        quantity,
        kind,
        value,
        asked.most,
        outcome,
        fact,
        "",
        before,
        at.layer,
        at.share,
        at.grown,
        at.place,
        asked.place,
        least=least,
    )


def _at(case: Case, asked: Limit, changes: Changes) -> Culprit:
    """The layer that a broken limit on a total points at."""
    peak = asked.quantity == "peak_activation_bytes"
    if case.before is not None and _grew(case, asked.quantity):
        found = grew_most(case.now, changes(), "activation_bytes" if peak else asked.quantity)
        if found.layer:
            return found._replace(share=None) if peak else found
    if peak:
        return NOBODY if case.peak is None else named(case.now, case.peak.layer, case.peak.share)
    return dearest(case.now, asked.quantity)


def _grew(case: Case, quantity: str) -> bool:
    before = None if case.before is None else case.before.totals.get(quantity)
    now = case.now.totals.get(quantity)
    return isinstance(before, int) and isinstance(now, int) and now > before


def _count(case: Case, asked: Limit) -> Verdict:
    """How many layers are of an operator; without a domain in the limit, of any domain."""
    found = [layer for layer in case.now.layers if asked.of in (layer.op_type, layer.operator)]
    outcome = "exceeded" if len(found) > asked.most else "kept"

    def last() -> Culprit:
        layer = found[int(asked.most)]
        return Culprit(layer.name, None, None, place_of(layer, case.now))

    return _verdict(case, asked, "CC010", "count", len(found), outcome, "", last)


def _time(case: Case, asked: Limit) -> Verdict:
    """The lower bound of the time: above the limit it breaks it for certain; below, it is all that can be held."""
    timed = case.times[asked.of]
    code, outcome, why = "CC009", "kept", timed.why
    if timed.seconds is None:
        code, outcome = timed.code, "unknown"
    elif timed.seconds > asked.most:
        outcome = "exceeded"
    elif case.unknown():
        code, outcome, why = "CC101", "unknown", "it is only known from below"
    made = _verdict(
        case, asked, code, "seconds", timed.seconds, outcome, why, lambda: named(case.now, timed.layer, timed.share)
    )
    said = {"exceeded": "already the lower bound is above", "kept": "a lower bound; the device may be slower"}
    return replace(made, fact=f"{made.fact} ({said[outcome]})" if outcome in said else made.fact)
