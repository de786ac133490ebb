"""Figures <-> text: 1,234,567, 1.81 G, 44.6 MiB, 600M. The only place where figures are rounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, Poly, pretty_text
from costcalc.core.errors import UsageError

DECIMAL = ("", "k", "M", "G", "T", "P", "E")

BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

FACTORS = {"": 1, "b": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgtpe", 1)
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
"""The factor of each suffix in small letters: k, M, G of 1,000, KiB, MiB, GiB of 1,024."""


WORTH_NAMING = Fraction(1, 10)
"""The share of a sum from which on a part alone is told; below it the sum is spread over many."""


def parse_digits(text: str) -> int | None:
    """Digits 0 to 9, at most 18 -> their number; None for any other text. Python's int() takes digits of other
    scripts and refuses more than 4,300 digits, so text from a file is never given to it as it is."""
    return int(text) if text.isdigit() and text.isascii() and len(text) < 19 else None


def format_count(d: Dim | None) -> str:
    """A count -> 1,234,567; a formula while symbols are open; `?` where it is not known."""
    if d.__class__ is int:
        return f"{d:,}"
    return "?" if d is None else pretty_text(d)


def format_signed(d: Dim | None) -> str:
    """A difference -> +1,234, -5, 0; `?` where it is not known."""
    text = format_count(d)
    return text if d is None or d == 0 or text.startswith("-") else f"+{text}"


def format_short(d: Dim | None) -> str:
    """A count -> three significant digits with a decimal prefix: 1.81 G, 11.7 M, 416 k; numbers below 1,000 as they
    are."""
    return _format_prefixed(d, 1000, DECIMAL)


def format_bytes(d: Dim | None) -> str:
    """Bytes -> three significant digits with a binary prefix: 44.6 MiB, 512 B."""
    return _format_prefixed(d, 1024, BINARY)


def _format_prefixed(d: Dim | None, base: int, prefixes: tuple[str, ...]) -> str:
    if d is None or isinstance(d, Poly):
        return format_count(d)
    size, power = abs(d), 0
    if size < base:
        return f"{d} {prefixes[0]}".strip()
    while power < len(prefixes) - 1 and 2 * size >= (2 * base - 1) * base**power:  # 999,500 is 1.00 M, not 1,000 k
        power += 1
    sign = "-" if d < 0 else ""
    return f"{sign}{format_digits(Fraction(size, base**power))} {prefixes[power]}"


_TWO_PLACES, _ONE_PLACE = Fraction(9995, 1000), Fraction(9995, 100)
"""Below these, three significant digits are two or one of them behind the point."""

LARGEST_WRITTEN = 10**9
"""From this number on, rounded numbers are written by a power of ten."""


def format_digits(value: Fraction, extra_digits: int = 0) -> str:
    """A number -> three significant digits, or `extra_digits` in addition, halves rounded up: 1.81, 44.6, 416; all
    digits before the point are written, unless they are very many: 1.72e25."""
    if value >= LARGEST_WRITTEN:
        power = len(str(int(value))) - 1
        mantissa = format_digits(value / 10**power, extra_digits)
        return f"{mantissa}e{power}" if not mantissa.startswith("10") else format_digits(Fraction(10 ** (power + 1)))
    places = extra_digits + (2 if value < _TWO_PLACES else 1 if value < _ONE_PLACE else 0)
    scaled = int(value * 10**places + Fraction(1, 2))
    if not places:
        return f"{scaled:,}"
    integer, decimals = divmod(scaled, 10**places)
    return f"{integer}.{decimals:0{places}}"


def format_axis(value: float) -> str:
    """A position on an axis -> three significant digits: 0.0831, 12.5, 154, 1.20 k."""
    return f"{value:.3g}" if abs(value) < 999.5 else format_short(round(value))


SMALL_PREFIXES = ("", "m", "µ", "n", "p", "f")


def format_si(value: Fraction | None, unit: str, extra_digits: int = 0) -> str:
    """A value in a unit -> three significant digits, or `extra_digits` in addition, with a prefix that keeps them above
    1: 26.2 µs, 1.64 s, 3.20 mJ."""
    if not value:
        return "?" if value is None else f"0 {unit}"
    power = 0
    while 0 < value < Fraction(9995, 10000) and power < len(SMALL_PREFIXES) - 1:
        value, power = value * 1000, power + 1
    return f"{format_digits(value, extra_digits)} {SMALL_PREFIXES[power]}{unit}"


def format_share(part: Dim | None, total: Dim | None) -> str:
    """Part and total -> the share as 12.3%; "" where it is not a number."""
    part_of_total = share(part, total)
    return "" if part_of_total is None else format_percent(part_of_total)


LARGE_SHARE = 100_000
"""From so many times the whole on a share is told in times: its percents are more digits than a reader takes in."""


def format_percent(share: float | Fraction) -> str:
    """A share -> 12.3%. A share above 0 that would round to 0 is <0.1%; a very large one is told in times: 1.72 M×."""
    if share >= LARGE_SHARE:
        return f"{format_short(round(share))}×"
    return "<0.1%" if 0 < share < 0.0005 else f"{float(share) * 100:,.1f}%"


def format_exact_share(share: Fraction, extra_digits: int = 0, sign: bool = False) -> str:
    """A share -> 30.0%, or +2.3% with a sign; `extra_digits` adds some. A share that would round to 0 is <0.1%; a very
    large one is told in times, unless digits are added: +1.72 M×."""
    size, places = abs(share), 1 + extra_digits
    tenths = int(size * 100 * 10**places + Fraction(1, 2))
    prefix = "-" if share < 0 else "+" if sign and share > 0 else ""
    if size >= LARGE_SHARE and not extra_digits:
        return f"{prefix}{format_short(round(size))}×"
    if size and not tenths:
        return f"{prefix}<0.{1:0{places}}%"
    integer, decimals = divmod(tenths, 10**places)
    return f"{prefix}{integer:,}.{decimals:0{places}}%"


def ratio(a: Dim | None, b: Dim | None) -> Fraction | None:
    """a / b where that is a number: of two ints, or of two formulas that differ by a factor."""
    if a is None or b is None or b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return Fraction(a, b)
    if a == 0:
        return Fraction(0)
    if isinstance(a, int) or isinstance(b, int) or len(a.terms) != len(b.terms):
        return None
    monomial, c = next(iter(b.terms.items()))
    factor = Fraction(a.terms.get(monomial, 0), c)
    return factor if factor and a * factor.denominator == b * factor.numerator else None


def share(part: Dim | None, total: Dim | None) -> float | None:
    """part / whole for a bar or a column; None where the quotient is not a number."""
    quotient = ratio(part, total)
    return None if quotient is None else float(quotient)


def format_ratio(value: Fraction | float | None) -> str:
    """A ratio -> 27.2×; – for None."""
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{int(value)}×"
    if value and value < Fraction(1, 100):
        return f"{float(value):.2g}×"
    return f"{format_digits(Fraction(value))}×"


def format_shape(shape: tuple[Dim, ...] | None) -> str:
    """A shape -> 1×64×112×112; a scalar is (), an unknown shape `?`."""
    if shape is None:
        return "?"
    return "×".join([str(d) if d.__class__ is int else _format_extent(d) for d in shape]) or "()"


def _format_extent(d: Dim) -> str:
    """An extent inside a shape: a formula of more than one symbol stands in parentheses."""
    text = pretty_text(d)
    return text if text.isidentifier() else f"({text})"


MAX_DIGITS = 300
"""Characters of the longest number in an option or a file."""


def exact_decimal(text: str) -> Fraction:
    """Digits, with a point or an exponent, and commas or underscores between them -> the exact number. UsageError for
    more than MAX_DIGITS: Python itself reads no integer of more than 4,300."""
    if len(text) > MAX_DIGITS:
        raise UsageError(f"a number of {len(text):,} characters is too long", f"write it with at most {MAX_DIGITS}")
    return Fraction(re.sub("[,_]", "", text))


def parse_magnitude(text: str) -> int:
    """600M, 1.5 G, 4.2 MiB, 1,234,567 or 2e9 as an exact integer; UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d[\d,_]*(?:\.\d+)?(?:[eE]\+?\d{1,3})?)\s*([a-zA-Z]*)\s*", text)
    factor = FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise UsageError(f"{text!r} is not a quantity", "write a number such as 600M, 1.5G, 4.2MiB or 1,234,567")
    return int(exact_decimal(match[1]) * factor)


def parse_value(text: str, unit: str) -> int | Fraction:
    """A value in a quantity's unit: 600M, 4.2 MiB, 2.1 ms, 1 mJ, 2.5 operations a byte or tokens a second as an exact
    number; UsageError for anything else."""
    if unit == "seconds":
        return parse_seconds(text)
    if unit == "joules":
        return parse_joules(text)
    if unit in ("per_second", "flop_per_byte") and re.fullmatch(r"\s*\d{1,18}(\.\d{1,9})?\s*", text):
        return exact_decimal(text.strip())
    return parse_magnitude(text)


def format_ceiling(value: Fraction | int, in_bytes: bool = False) -> str:
    """A value -> the smallest figure of three significant digits that is not below it, in a form that `parse` reads:
    569M, 16.2 MiB."""
    prefixes, base = (BINARY, 1024) if in_bytes else (DECIMAL, 1000)
    power = 0
    while power < len(prefixes) - 1 and value > 999 * base**power:
        power += 1
    size = Fraction(value) / base**power
    places = 0 if not power or size > Fraction(999, 10) else 1 if size > Fraction(999, 100) else 2
    integer, decimals = divmod(-(-size * 10**places // 1), 10**places)
    figure = f"{integer}.{decimals:0{places}}".rstrip("0").rstrip(".") if places else f"{integer}"
    return f"{figure} {prefixes[power]}" if in_bytes else f"{figure}{prefixes[power]}"


SECONDS = {"": 1, "s": 1, "ms": 10**3, "us": 10**6, "\u00b5s": 10**6, "\u03bcs": 10**6, "ns": 10**9}
"""The number of each unit in a second; Unicode has two signs for micro."""


def parse_seconds(text: str) -> Fraction:
    """2.1 ms, 340µs, 80 us, 1.5 s as exact seconds; UsageError for anything else, a number without a unit but 0 too."""
    seconds = _parse_in_units(text, SECONDS)
    if seconds is None:
        raise UsageError(f"{text!r} is no time", "write it with its unit, such as 2.1 ms, 340 us or 1.5 s")
    return seconds


JOULES = {"": 1, "J": 1, "mJ": 10**3, "uJ": 10**6, "\u00b5J": 10**6, "\u03bcJ": 10**6, "nJ": 10**9, "pJ": 10**12}
"""How many of a unit make a joule."""


def parse_joules(text: str) -> Fraction:
    """1 mJ, 340µJ, 0.5 J as exact joules; UsageError for anything else, a number without a unit but 0 too."""
    joules = _parse_in_units(text, JOULES)
    if joules is None:
        raise UsageError(f"{text!r} is no energy", "write it with its unit, such as 1 mJ, 340 uJ or 1.5 J")
    return joules


def _parse_in_units(text: str, units: Mapping[str, int]) -> Fraction | None:
    """A number with one of some units (a part of the whole each), in the whole; None where it is none."""
    match = re.fullmatch(r"\s*(\d[\d,_]*(?:\.\d+)?)\s*([a-zA-Z\u00b5\u03bc]*)\s*", text)
    if match is None or match[2] not in units or (not match[2] and text.strip() != "0"):
        return None
    return exact_decimal(match[1]) / units[match[2]]


def parse_number(text: str) -> Fraction:
    """50, 0.5 or 1,200 as an exact number; UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d[\d,_]{0,18}(?:\.\d{1,18})?)\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no number", "write it as 50 or 0.5")
    return exact_decimal(match[1])


def parse_percent(text: str) -> Fraction:
    """30% or 2.5 % as an exact share; UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,18})?)\s*%\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no percentage", "write it as 2% or 2.5%")
    return Fraction(match[1]) / 100


def format_shapes(values: tuple[Any, ...]) -> str:
    """Shapes of a node's outputs -> the first one, and how many more there are: 1×64×56×56 +2."""
    if not values:
        return ""
    remainder = f" +{len(values) - 1}" if len(values) > 1 else ""
    return format_shape(values[0]) + remainder
