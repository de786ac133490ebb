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
    UncostedOperator,
    blame_layer,
    largest_growth,
    largest_layer,
    layer_place,
    signed_bounds,
)
from costcalc.studies.check.judge_relative import judge_increases, judge_layers
from costcalc.studies.check.limits import suggest_operator
from costcalc.studies.check.rules import LIMIT_CODES, RULES, rule_level
from costcalc.studies.check.verdict import Verdict
from costcalc.studies.diff.diff import diff


def judge(case: CheckCase) -> tuple[Verdict, ...]:
    """The verdicts of one model in one scenario; none of rules that are left out."""

    @lru_cache(maxsize=1)
    def changes() -> Any:
        return () if case.baseline is None else diff(case.baseline, case.snapshot).changes

    verdicts = [
        judge_limit(case, limit, changes)
        for limit in case.budget.limits
        if is_selected(case, LIMIT_CODES[limit.quantity])
    ]
    verdicts += [*judge_layers(case), *judge_unknown_operators(case), *judge_increases(case, changes)]
    leveled = [replace(v, level=rule_level(v.code, case.levels)) for v in verdicts]
    return tuple([with_remedy(v, case.other_revision, bool(case.total_limits)) for v in leveled])


def is_selected(case: CheckCase, code: str) -> bool:
    """Whether a rule is one that the config holds to; unknown operators are told whatever it says."""
    return code != "CC101" and bool(rule_level(code, case.levels))


def with_remedy(verdict: Verdict, other_revision: bool = False, has_limits: bool = False) -> Verdict:
    """The verdict with what to do, where something is to be done. has_limits: open totals have upper bounds."""
    if verdict.remedy or verdict.outcome == "kept":
        return verdict
    if verdict.outcome == "exceeded":
        blame = words.describe_blame(verdict)
        fact = f"{verdict.fact}; {blame}" if blame else verdict.fact
        return replace(verdict, fact=fact, remedy=words.describe_remedy(verdict, other_revision))
    names = symbols(verdict.value) if isinstance(verdict.value, Poly) else ()
    if verdict.code == "CC103" and names:
        bind = f"bind {names[0]} with `dims: {{{names[0]}: 128}}` or --dim {names[0]}=128"
        bind += f", all {len(names)} with `dims: {{'*': 128}}` or --dim '*=128'" if len(names) > 1 else ""
        bind += ", or take the upper bounds with `upper: true` or --upper" if has_limits else ""
        return replace(verdict, remedy=bind)
    if verdict.code == "CC104" and verdict.limit_place is None:
        return replace(verdict, remedy="name a lock file or a git revision with --baseline")
    rule_remedy = RULES[verdict.code].remedy
    return replace(verdict, remedy=rule_remedy[0].lower() + rule_remedy[1:].rstrip("."))


def judge_unknown_operators(case: CheckCase) -> Iterator[Verdict]:
    """A verdict where there is an operator without a rule, whatever the limits; a kept one where a limit asks."""
    limit = next((candidate for candidate in case.budget.limits if candidate.quantity == "unknown_ops"), None)
    unknown = case.unknown_operators()
    if unknown:
        reasons = "no rule tells what it costs", "what it reads has no known shape"
        facts = [
            f"{_format_operators(operators)}: {reason}"
            for downstream, reason in enumerate(reasons)
            if (operators := [u for u in unknown if u.downstream == downstream])
        ]
        total = sum(operator.layers for operator in unknown)
        fact = f"{'; '.join(facts)}; totals are lower bounds"
        blame = blame_layer(case.snapshot, unknown[0].first)
        yield Verdict(
            "CC101",
            "error",
            "unknown_ops",
            "count",
            total,
            0,
            "unknown",
            fact,
            _unknown_operators_remedy(unknown),
            layer=blame.layer,
            place=blame.place,
            limit_place=limit and limit.place,
        )
    elif limit:
        yield Verdict(
            "CC101",
            "error",
            "unknown_ops",
            "count",
            0,
            0,
            "kept",
            "every operator has a rule or is allowed",
            limit_place=limit.place,
        )


def _unknown_operators_remedy(unknown: Sequence[UncostedOperator]) -> str:
    """What to do about operators without a rule; of those that merely read what has no known shape, nothing is free."""
    without_rule = [operator.operator for operator in unknown if not operator.downstream]
    if not without_rule:
        return "register a shape rule for what gives it, with --rules"
    is_single = len(without_rule) == 1
    rules, free = ("its rule", "it") if is_single else ("their rules", "those that cost nothing")
    return f"register {rules} with --rules, or take {free} as free with `allow: [{', '.join(without_rule[:3])}]`"


def _format_operators(unknown: Sequence[UncostedOperator]) -> str:
    """com.acme:Mystery × 2 (the first of them), and how many more operators."""
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return ", ".join(f"{operator.operator} × {operator.layers} ({operator.first})" for operator in unknown[:3]) + more


def judge_limit(case: CheckCase, limit: Limit, changes: Changes) -> Verdict:
    """The verdict on a total, another quantity or a count."""
    if limit.quantity == "ops":
        return _judge_count(case, limit)
    if limit.quantity not in TOTALS:
        return _judge_quantity(case, limit)
    value = case.snapshot.totals.get(limit.quantity)
    outcome, code, reason = decide_limit(case, limit, value, LIMIT_CODES[limit.quantity])
    upper = case.total_limits.get(limit.quantity)
    if code == "CC103" and upper is not None and not limit.minimum:
        outcome_of_upper = decide_limit(case, limit, upper, LIMIT_CODES[limit.quantity])
        if outcome_of_upper[0] == "kept":
            verdict = _make_verdict(
                case, limit, outcome_of_upper[1], words.quantity_kind(limit.quantity), upper, "kept", ""
            )
            return replace(verdict, certainty="upper", fact=f"{verdict.fact} (an upper bound, for it depends on data)")
    return _make_verdict(
        case,
        limit,
        code,
        words.quantity_kind(limit.quantity),
        value,
        outcome,
        reason,
        lambda: _blame_total(case, limit, changes),
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
        return "unknown", "CC103", f"it depends on {words.format_symbols(symbols(value))}"
    if case.open_branches and limit.minimum and not isinstance(limit.value, bool):
        return "unknown", "CC103", f"the branch of {case.open_branches[0]} is open, and the dearer one is counted"
    if case.is_lower_bound(limit.ref):
        return "unknown", "CC101", "it is only known from below"
    return "kept", code, ""


def _judge_quantity(case: CheckCase, limit: Limit) -> Verdict:
    """The verdict on a quantity that is no total of every report. A bound decides on its own side for certain; on the
    other side it is all that can be held, and the verdict says so. An estimate is held as it is."""
    check_figure, quantity = case.figures[limit.ref], limit.ref.quantity
    code, remark = LIMIT_CODES[limit.quantity], ""
    if check_figure.figure is None:
        value, outcome, code, reason = None, "unknown", check_figure.code, check_figure.reason
    else:
        value = check_figure.figure.value
        outcome, code, reason = decide_limit(case, limit, value, code)
        remark = check_figure.reason
        if outcome == "kept" and _exceeds_for_a_while(case, limit, check_figure.transient):
            finished = words.format_figure(value, words.quantity_kind(limit.quantity))
            remark = f"the arena must have as many while it is set up; then it uses {finished}"
            value, outcome = check_figure.transient, "exceeded"
        if outcome == "kept" and check_figure.incomplete:
            outcome, code, reason = "unknown", "CC107", check_figure.reason
    kind = words.quantity_kind(limit.quantity)
    verdict = _make_verdict(
        case,
        limit,
        code,
        kind,
        value,
        outcome,
        reason,
        lambda: blame_layer(case.snapshot, check_figure.layer, check_figure.share),
    )
    if check_figure.figure is None and code == "CC107":
        return replace(
            verdict, fact=f"{verdict.quantity}: there is no figure to hold: {reason}", remedy=check_figure.remedy
        )
    if quantity.unit == "boolean":
        return replace(verdict, fact=_boolean_fact(verdict, reason or check_figure.reason), remark=check_figure.reason)
    certainty_remark = words.REMARKS.get((quantity.certainty, outcome))
    certainty = verdict.certainty if check_figure.figure is None else check_figure.figure.certainty
    if code == "CC107":
        return replace(verdict, remedy=check_figure.remedy, certainty=certainty)
    fact = f"{verdict.fact} ({certainty_remark})" if certainty_remark else verdict.fact
    if remark and remark not in fact:
        fact = f"{fact}; {remark}"
    return replace(verdict, fact=fact, certainty=certainty, remark=remark)


def _exceeds_for_a_while(case: CheckCase, limit: Limit, transient: int | None) -> bool:
    """Whether a value that the model has for a while breaks a limit that its lasting value keeps."""
    return transient is not None and decide_limit(case, limit, transient, LIMIT_CODES[limit.quantity])[0] == "exceeded"


def _boolean_fact(verdict: Verdict, reason: str) -> str:
    """`fits t4: no: weights need 9 bytes of flash, which has 8`."""
    if verdict.outcome == "unknown":
        return f"{verdict.quantity}: whether that holds cannot be told: {reason}"
    return f"{verdict.quantity}: {words.format_figure(verdict.value, verdict.kind)}{f': {reason}' if reason else ''}"


def _make_verdict(
    case: CheckCase,
    limit: Limit,
    code: str,
    kind: str,
    value: Any,
    outcome: str,
    reason: str,
    blame: Callable[[], Blame] = lambda: NO_BLAME,
) -> Verdict:
    quantity = f"{limit.quantity} {limit.subject}".strip()
    value_text, limit_text = words.format_pair(value, limit.value, kind)
    in_catalogue = limit.quantity in CATALOGUE
    exact = in_catalogue and CATALOGUE[limit.quantity].certainty == "exact"
    lower_bound = outcome == "exceeded" and exact and case.is_lower_bound(limit.ref)
    if outcome == "unknown":
        subject = (
            "it"
            if value is None or len(value_text) > words.MAX_FORMULA
            else f"at least {value_text}"
            if code == "CC101" and not limit.minimum
            else value_text
        )
        direction = "at least" if limit.minimum else "within"
        fact = f"{quantity}: whether {subject} is {direction} {limit_text} cannot be told: {reason}"
    else:
        is_bound = lower_bound or (in_catalogue and CATALOGUE[limit.quantity].certainty in words.BOUNDS)
        headroom = words.format_headroom(value, limit.value, kind, is_bound, limit.minimum)
        direction = "at least" if limit.minimum else "at most"
        size = "" if len(value_text) > words.MAX_FORMULA else f": {'at least ' if lower_bound else ''}{value_text} of"
        fact = f"{quantity}{size} {direction} {limit_text}, {headroom}".rstrip(", ")
    blamed = blame() if outcome == "exceeded" else NO_BLAME
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
        *blamed[:4],
        limit.place,
        lower_bound=lower_bound,
        minimum=limit.minimum,
        layer_count=blamed.layer_count,
    )


def _blame_total(case: CheckCase, limit: Limit, changes: Changes) -> Blame:
    """The layer that a broken limit on a total points at."""
    is_peak = limit.quantity == "peak_activation_bytes"
    if case.baseline is not None and _has_grown(case, limit.quantity):
        growth = largest_growth(case.snapshot, changes(), "activation_bytes" if is_peak else limit.quantity)
        if growth.layer:
            return growth._replace(share=None) if is_peak else growth
    if is_peak:
        return NO_BLAME if case.peak is None else blame_layer(case.snapshot, case.peak.layer, case.peak.share)
    return largest_layer(case.snapshot, limit.quantity)


def _has_grown(case: CheckCase, quantity: str) -> bool:
    before = None if case.baseline is None else case.baseline.totals.get(quantity)
    now = case.snapshot.totals.get(quantity)
    return isinstance(before, int) and isinstance(now, int) and now > before


def _judge_count(case: CheckCase, limit: Limit) -> Verdict:
    """How many layers are of an operator; without a domain in the limit, of any domain."""
    layers = [layer for layer in case.snapshot.layers if limit.subject in (layer.op_type, layer.operator)]
    remedy = None if layers else suggest_operator(limit.subject, {layer.op_type for layer in case.snapshot.layers})
    if remedy is not None:
        reason = "neither the model nor costcalc has such an operator"
        unknown = _make_verdict(case, limit, "CC108", "count", None, "unknown", reason)
        return replace(unknown, remedy=remedy)
    outcome = "exceeded" if len(layers) > limit.value else "kept"

    def last() -> Blame:
        layer = layers[int(limit.value)]
        return Blame(layer.name, None, None, layer_place(layer, case.snapshot))

    return _make_verdict(case, limit, "CC010", "count", len(layers), outcome, "", last)
