"""`--fail-on 'macs>+2%'` and a Diff → whether the change is more than is wanted; exact, and told by how much."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim, bounds, symbols
from costcalc.core.errors import UsageError
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.units import exact, parse, percent_exact
from costcalc.studies.diff.diff import Diff, partial, rise

EXAMPLE = "write it as macs>+2%, params>+0, peak_activation_bytes>+10KiB or macs>600M"


class Threshold(NamedTuple):
    """A total, and the most that it may be: growing by a share of what it was, by an amount, or altogether."""

    text: str
    quantity: str
    share: Fraction | None
    most: int
    grows: bool


class Finding(NamedTuple):
    """What a threshold says of a diff: "kept", "exceeded", or "unknown" where it cannot be told; fact tells by how
    much."""

    threshold: Threshold
    outcome: str
    fact: str


def threshold(text: str) -> Threshold:
    """The threshold in a text. UsageError where it is none."""
    found = re.fullmatch(r"\s*(\w+)\s*>\s*(\+?)\s*([\w.].*?)\s*(%?)\s*", text, re.S)
    if found is None:
        raise UsageError(f"--fail-on {text!r} is not understood", EXAMPLE)
    quantity, plus, amount, percent = found.groups()
    if quantity not in TOTALS:
        import difflib

        near = difflib.get_close_matches(quantity, TOTALS, 1, 0.4)
        hint = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise UsageError(f"--fail-on: there is no total {quantity!r}", f"{hint} {', '.join(TOTALS)}")
    if percent and not plus:
        raise UsageError(f"--fail-on {text!r}: a share is of what the total was", f"write {quantity}>+{amount}%")
    if percent:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", amount):
            raise UsageError(f"--fail-on {text!r}: {amount!r} is no share", EXAMPLE)
        return Threshold(text.strip(), quantity, Fraction(amount) / 100, 0, True)
    if amount.lower().endswith("b") and not quantity.endswith("bytes"):  # 7B would be seven, not seven billion
        fact = f"--fail-on {text!r}: {amount!r} is in bytes, which {quantity} are not counted in"
        raise UsageError(fact, "write 600M, or 7G for 7 billion")
    return Threshold(text.strip(), quantity, None, parse(amount), bool(plus))


def judge(diff: Diff, asked: Threshold) -> Finding:
    """Whether the diff is above the threshold. A total that is only known from below can be above it, not keep it.
    A model that is new has not grown, as in `check`; only what it may be altogether (`macs>600M`) holds for it."""
    before, after = diff.totals(asked.quantity)
    label = CATALOGUE[asked.quantity].label
    if asked.grows and not diff.before.source:
        return Finding(asked, "kept", "the model is new: it has not grown")
    if after is None or (asked.grows and before is None):
        return Finding(asked, "unknown", f"{label} are not known while a symbol is open")
    grown = rise(diff, asked.quantity)
    if not asked.grows:
        over: Dim = after - asked.most
        fact = f"{label} are {exact(after)}"
        below = partial(diff.after, asked.quantity)
    elif grown is None or before is None:
        return Finding(asked, "unknown", f"by how much {label} grew is not known: an operator has no rule")
    else:
        most = asked.share
        over = grown - asked.most if most is None else grown * most.denominator - before * most.numerator
        fact = f"{label} {_moved(grown)} ({exact(before)} → {exact(after)}){_relative(grown, before)}"
        below = False
    low, high = bounds(over)
    if low > 0:
        return Finding(asked, "exceeded", f"{fact}, which is {_beyond(asked, over)}")
    if high > 0:
        return Finding(asked, "unknown", f"{fact}: whether that is too much depends on {', '.join(symbols(over))}")
    if below:
        return Finding(asked, "unknown", f"{fact} at least: an operator has no rule")
    return Finding(asked, "kept", fact)


def _moved(grown: Dim) -> str:
    low, high = bounds(grown)
    if low == high == 0:
        return "did not change"
    return f"shrank by {exact(-grown)}" if high <= 0 else f"grew by {exact(grown)}"


def _relative(grown: Dim, before: Dim) -> str:
    if not isinstance(grown, int) or not isinstance(before, int) or not before or not grown:
        return ""
    return f", {percent_exact(Fraction(grown, before), sign=True)}"


def _beyond(asked: Threshold, over: Dim) -> str:
    """By how much: of a share in parts of the figure, rounded up where that is no whole number."""
    if asked.share is not None:
        over = -(-over // asked.share.denominator)
    limit = asked.text.partition(">")[2].strip()
    return f"{exact(over)} more than {limit.removeprefix('+')}"
