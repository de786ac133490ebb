"""A condition such as `macs>+2%` and a Diff -> whether the change is more than the condition allows; exact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.core.amount import difference
from costcalc.core.dim import Dim, Poly, bounds, symbols
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantities import TOTALS, parse_quantities
from costcalc.core.quantity import SIGNS, Certainty, Figure, QuantityRef
from costcalc.core.units import format_count, format_digits, format_exact_share, format_si, parse_value
from costcalc.studies.diff.diff import Diff, is_lower_bound, total_change

EXAMPLE = "write it as macs>+2%, params>+0, peak_activation_bytes>+10KiB, time.t4>5ms or macs>600M"

CONDITION = re.compile(r"\s*([^\s<>=]+)\s*(?:([<>])\s*([+-]?)\s*([\w.].*?)\s*(%?)\s*)?", re.S)

Amount = int | Fraction


class Threshold(NamedTuple):
    """A quantity, and the most that it may be: is_growth says that share or amount is what it may grow by, else it is
    the most altogether. Of a quantity of which more is better it is the least, and what it may fall by. Of one that is
    yes or no: that it does not turn to no."""

    text: str
    quantity: QuantityRef
    share: Fraction | None
    amount: Amount
    is_growth: bool


class ThresholdResult(NamedTuple):
    """What a threshold says of a diff: "kept", "exceeded", or "unknown" where it cannot be told; fact tells by how
    much."""

    threshold: Threshold
    outcome: Literal["kept", "exceeded", "unknown"]
    fact: str


def parse_thresholds(text: str, devices: Sequence[str] = ()) -> list[Threshold]:
    """The threshold in a text: `QUANTITY>+SHARE%`, `QUANTITY>+AMOUNT` or `QUANTITY>AMOUNT`; `<-` and `<` where more is
    better; the quantity alone where it is yes or no. A quantity of a device that names none is held on each of the
    devices. UsageError where it is none."""
    match = CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"--fail-on {text!r} is not understood", EXAMPLE)
    key, *condition = match.groups()
    try:
        refs = parse_quantities(key, devices)
    except UsageError as error:
        raise UsageError(f"--fail-on: {error.fact}", error.remedy) from error
    return [_make_threshold(text, ref, *condition) for ref in refs]


def _make_threshold(text: str, ref: QuantityRef, sign: str, growth_sign: str, amount: str, percent: str) -> Threshold:
    """The parts of a condition -> the threshold of a quantity. UsageError where they are none."""
    if ref.quantity.unit == "boolean":
        if sign:
            raise UsageError(f"--fail-on {text!r}: {ref.key} is yes or no", f"write {ref.key} alone")
        return Threshold(text.strip(), ref, None, 0, True)
    if sign != (">" if ref.quantity.less_is_better else "<") or growth_sign not in ("", "+" if sign == ">" else "-"):
        remedy = "" if ref.quantity.less_is_better else f"more of it is better: write {ref.key}<-5% or {ref.key}<20"
        raise UsageError(f"--fail-on {text!r} is not understood", remedy or EXAMPLE)
    if percent and not growth_sign:
        worse_sign = "+" if sign == ">" else "-"
        fact = f"--fail-on {text!r}: a share is of what the total was"
        raise UsageError(fact, f"write {ref.key}{sign}{worse_sign}{amount}%")
    if percent:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", amount):
            raise UsageError(f"--fail-on {text!r}: {amount!r} is no share", EXAMPLE)
        return Threshold(text.strip(), ref, Fraction(amount) / 100, 0, True)
    return Threshold(text.strip(), ref, None, _parse_threshold_amount(text, ref, amount), bool(growth_sign))


def _parse_threshold_amount(text: str, ref: QuantityRef, amount: str) -> Amount:
    """An amount in the quantity's unit. UsageError where it is in another one."""
    unit = ref.quantity.unit
    if amount.lower().endswith("b") and unit not in (
        "bytes",
        "seconds",
        "joules",
    ):  # 7B would be seven, not seven billion
        fact = f"--fail-on {text!r}: {amount!r} is in bytes, which {ref.key} are not counted in"
        raise UsageError(fact, "write 600M, or 7G for 7 billion")
    return parse_value(amount, unit)


def judge(diff: Diff, threshold: Threshold) -> ThresholdResult:
    """Whether the diff is beyond the threshold. A total that is only known from below can be above it, not keep it.
    A model that is new has not grown, as in `check`; only what it may be altogether (`macs>600M`) holds for it. A bound
    or an estimate is judged as it stands; an energy only where it was measured."""
    ref = threshold.quantity
    if ref.quantity.key == "energy" and not find_profile(ref.device).has_measured_energy:
        return ThresholdResult(threshold, "unknown", f"the profile {ref.device} has no measured energy of the device")
    before, after = diff.figures(ref.key)
    label = ref.label
    if threshold.is_growth and not diff.before.source:
        return ThresholdResult(threshold, "kept", "the model is new: it has not grown")
    if not diff.after.source and isinstance(after, QuantityError):
        return ThresholdResult(threshold, "kept", "the model is no longer there")
    for when, figure in (("before", before), ("after", after)):
        if isinstance(figure, QuantityError) and (threshold.is_growth or when == "after"):
            open_fact = f"{label} are not known while a symbol is open"
            return ThresholdResult(threshold, "unknown", open_fact if ref.key in TOTALS else f"{when}: {figure.fact}")
    assert isinstance(after, Figure)
    if not threshold.is_growth:
        return _judge_excess(
            threshold,
            difference(after.value, threshold.amount),
            f"{_format_subject(ref)} {_format_value(ref, *after)}",
            is_lower_bound(diff.after, ref.key),
        )
    assert isinstance(before, Figure)
    if isinstance(before.value, bool) or isinstance(after.value, bool):
        old, new = ("yes" if figure.value else "no" for figure in (before, after))
        return ThresholdResult(
            threshold, "exceeded" if (old, new) == ("yes", "no") else "kept", f"{label}: {old} → {new}"
        )
    change = total_change(diff, ref.key)
    if change is None:
        return ThresholdResult(threshold, "unknown", f"by how much {label} grew is not known: an operator has no rule")
    return _judge_excess(threshold, *_excess_growth(threshold, before, after, change), False)


def _excess_growth(
    threshold: Threshold, before: Figure, after: Figure, change: Dim | Fraction
) -> tuple[Dim | Fraction, str]:
    """How much more than allowed a quantity grew (of a share, times its denominator), and its growth in words."""
    ref, share = threshold.quantity, threshold.share
    worsening = change if ref.quantity.less_is_better else -change
    excess = (
        difference(worsening, threshold.amount)
        if share is None
        else difference(worsening * share.denominator, before.value * share.numerator)
    )
    old, new = (_format_value(ref, *figure) for figure in (before, after))
    return excess, f"{ref.label} {_format_change(ref, change)} ({old} → {new}){_format_relative(change, before.value)}"


def _judge_excess(threshold: Threshold, excess: Dim | Fraction, fact: str, lower_bound: bool) -> ThresholdResult:
    """An excess over the threshold → the result; lower_bound says that it may be more, for an operator has no rule."""
    if not threshold.is_growth and not threshold.quantity.quantity.less_is_better:
        excess = -excess
    low, high = (excess, excess) if isinstance(excess, Fraction) else bounds(excess)
    if low > 0:
        return ThresholdResult(threshold, "exceeded", f"{fact}, which is {_format_excess(threshold, excess)}")
    if high > 0:
        names = ", ".join(symbols(excess)) if isinstance(excess, Poly) else ""
        return ThresholdResult(threshold, "unknown", f"{fact}: whether that is too much depends on {names}")
    if lower_bound:
        return ThresholdResult(threshold, "unknown", f"{fact} at least: an operator has no rule")
    return ThresholdResult(threshold, "kept", fact)


def _format_subject(ref: QuantityRef) -> str:
    return f"{ref.label} {'are' if ref.quantity.unit in ('number', 'bytes') else 'is'}"


def _format_value(ref: QuantityRef, value: Dim | Fraction, certainty: Certainty = "exact") -> str:
    """A value in the quantity's unit; a bound of a device or an estimate with its sign."""
    if not isinstance(value, Fraction):
        return format_count(value)
    unit = {"seconds": "s", "joules": "J"}.get(ref.quantity.unit)
    return SIGNS[certainty] + (format_si(value, unit) if unit else format_digits(value))


def _format_change(ref: QuantityRef, change: Dim | Fraction) -> str:
    low, high = (change, change) if isinstance(change, Fraction) else bounds(change)
    if low == high == 0:
        return "did not change"
    return f"shrank by {_format_value(ref, -change)}" if high <= 0 else f"grew by {_format_value(ref, change)}"


def _format_relative(change: Dim | Fraction, before: Dim | Fraction) -> str:
    if isinstance(change, Poly) or isinstance(before, Poly) or not before or not change:
        return ""
    return f", {format_exact_share(Fraction(change) / before, sign=True)}"


def _format_excess(threshold: Threshold, excess: Dim | Fraction) -> str:
    """By how much: of a share in parts of the figure, of counts rounded up where that is no whole number."""
    ref, share = threshold.quantity, threshold.share
    if share is not None:
        excess = excess / share.denominator if isinstance(excess, Fraction) else -(-excess // share.denominator)
    allowed_text = re.split("[<>]", threshold.text)[1].strip()
    comparative = "more" if ref.quantity.less_is_better else "less"
    return f"{_format_value(ref, excess)} {comparative} than {allowed_text.lstrip('+-').strip()}"
