"""`0.25:1.0:0.25`, `128,160,192`, `1:64:*2`, `relu,gelu`, `[3,3],[5,5]` -> the values of an axis.

A comma divides values, but not inside brackets, parentheses or quotes: `'max(8, n)',16` are two. `first:last` and
`first:last:step` are ranges that hold their last value where a step meets it, `first:last:*factor` multiplies. Decimals
are exact. What is given twice counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.errors import UsageError
from costcalc.sweep.axis import Steps

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?"
RANGE = re.compile(rf"\s*({NUMBER})\s*:\s*({NUMBER})\s*(?::\s*(\*?)\s*({NUMBER})\s*)?")
OPENING, CLOSING = "([{", ")]}"
MOST = 10_000_000
"""Values of one axis at most."""
MULTIPLES = 1000
"""Values of a range that multiplies at most: its exact numbers grow longer with each."""


def values_of(name: str, text: str) -> Sequence[Any]:
    """The values that a text lists. UsageError, with the axis' name, where it is none."""
    parts = list(split(text))
    if not all(parts):
        raise UsageError(f"{name}={text} has an empty value", "write values with commas between them: 128,160,192")
    if len(parts) == 1:
        one = range_of(name, parts[0])
        if one is not None:
            return one
    found: dict[str, Any] = {}
    for part in parts:
        for value in range_of(name, part) or (value_of(part),):
            found.setdefault(repr(value), value)
    return tuple(found.values())


def split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    depth, quote, start = 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
        elif letter == "," and depth <= 0:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()


def range_of(name: str, text: str) -> Steps | range | None:
    """The numbers of a range, None where it is none; whole ones are Python's own range."""
    match = RANGE.fullmatch(text)
    if match is None:
        if ":" in text and text[:1] not in "'\"[":
            raise UsageError(
                f"{name}={text} is no range of numbers", "write first:last:step; put a word with `:` in quotes"
            )
        return None
    first, last = Fraction(match[1]), Fraction(match[2])
    step = Fraction(match[4]) if match[4] else Fraction(1)
    if match[3]:
        return _multiples(name, text, first, last, step)
    if step == 0 or (last - first) / step < 0:
        raise UsageError(f"the range {name}={text} holds nothing", "its step leads from the first value to the last")
    length = _bounded(name, int((last - first) / step) + 1)
    if first.denominator == step.denominator == 1:
        return range(int(first), int(first + step * length), int(step))
    return Steps(first, step, length)


def _multiples(name: str, text: str, first: Fraction, last: Fraction, factor: Fraction) -> Steps:
    if not 0 < first <= last or factor <= 1:
        raise UsageError(
            f"the range {name}={text} holds nothing", "multiply from a positive number upwards: 1:64:*2 is 1, 2, 4 … 64"
        )
    count, value = 0, first
    while value <= last:
        count, value = count + 1, value * factor
        if count > MULTIPLES:
            raise UsageError(f"{name}={text} would have more than {MULTIPLES:,} values", "take a larger factor")
    return Steps(first, factor, count, ratio=True)


def _bounded(name: str, count: int) -> int:
    if count > MOST:
        raise UsageError(f"{name} would have {count:,} values", f"at most {MOST:,}: take a larger step")
    return count


def value_of(text: str) -> Any:
    """One value: a number, true or false, a list, or a word (an expression is a word here)."""
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        inside = text[1:-1].strip()
        return [value_of(part) for part in split(inside)] if inside else []
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(NUMBER, text):
        return exact(Fraction(text))
    return text


def exact(value: Fraction) -> int | Fraction:
    """An int where it is whole."""
    return value.numerator if value.denominator == 1 else value
