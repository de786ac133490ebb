"""Printing and parsing of quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.core import units
from costcalc.core.dim import Dim, symbol
from costcalc.core.errors import UsageError

N, SEQ = symbol("N"), symbol("seq")


@pytest.mark.parametrize(
    ("value", "exact", "short"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1000, "1,000", "1.00 k"),
        (416_520, "416,520", "417 k"),
        (999_499, "999,499", "999 k"),
        (999_500, "999,500", "1.00 M"),
        (9_995_000, "9,995,000", "10.0 M"),
        (1_814_073_344, "1,814,073,344", "1.81 G"),
        (15_470_264_320, "15,470,264,320", "15.5 G"),
        (10**23, "100,000,000,000,000,000,000,000", "100,000 E"),
        (None, "?", "?"),
    ],
)
def test_numbers(value: int | None, exact: str, short: str) -> None:
    assert units.format_count(value) == exact
    assert units.format_short(value) == short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (46_723_488, "44.6 MiB"),
        (1024**2 - 1, "1.00 MiB"),
        (5 * 1024**3, "5.00 GiB"),
    ],
)
def test_bytes(value: int, text: str) -> None:
    assert units.format_bytes(value) == text


def test_formulas_print_as_formulas() -> None:
    formula = 12 * N * SEQ * SEQ + 1536 * SEQ
    assert units.format_count(formula) == units.format_short(formula) == "12·N·seq² + 1,536·seq"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("600M", 600_000_000),
        ("1.5 G", 1_500_000_000),
        ("4.2 MiB", 4_404_019),
        ("1,234,567", 1_234_567),
        ("2e9", 2 * 10**9),
        ("512", 512),
        ("3kB", 3000),
        ("1 KiB", 1024),
        ("7 b", 7),
    ],
)
def test_parse(text: str, value: int) -> None:
    assert units.parse_magnitude(text) == value


@pytest.mark.parametrize("text", ["", "M", "-5", "1.2.3", "5 X", "1e9999", "five"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        units.parse_magnitude(text)


@given(st.integers(0, 10**20))
def test_exact_is_parsed_back(value: int) -> None:
    assert units.parse_magnitude(units.format_count(value)) == value


@given(st.integers(0, 10**18))
def test_short_is_within_half_a_digit(value: int) -> None:
    assert abs(units.parse_magnitude(units.format_short(value)) - value) <= Fraction(value, 200)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (3, 4, Fraction(3, 4)),
        (0, 4, Fraction(0)),
        (3, 0, None),
        (None, 4, None),
        (3 * N * SEQ, 4 * N * SEQ, Fraction(3, 4)),
        (3 * N, 4 * N * SEQ, None),
        (N + SEQ, 2 * N + 2 * SEQ, Fraction(1, 2)),
        (N, N + SEQ, None),
        (3, N, None),
    ],
)
def test_ratio(a: Dim | None, b: Dim | None, expected: Fraction | None) -> None:
    assert units.ratio(a, b) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0×"), (1, "1×"), (Fraction(272, 10), "27.2×"), (Fraction(1, 27), "0.04×"), (0.0012, "0.0012×")],
)
def test_times(value: Fraction | float | None, text: str) -> None:
    assert units.format_ratio(value) == text


def test_shapes() -> None:
    assert units.format_shape((1, 64, 112, 112)) == "1×64×112×112"
    assert units.format_shape(()) == "()"
    assert units.format_shape(None) == "?"
    assert units.format_shape((N, SEQ + 1)) == "N×(seq + 1)"


@pytest.mark.parametrize(("share", "text"), [(0.5, "50.0%"), (0.0004, "<0.1%"), (1.0, "100.0%"), (0.0005, "0.1%")])
def test_percent(share: float, text: str) -> None:
    assert units.format_percent(share) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2.1 ms", Fraction(21, 10**4)),
        ("340us", Fraction(34, 10**5)),
        ("340 \u00b5s", Fraction(34, 10**5)),
        ("340 \u03bcs", Fraction(34, 10**5)),
        ("1,500 ns", Fraction(3, 2 * 10**6)),
        ("1.5 s", Fraction(3, 2)),
        ("0", 0),
    ],
)
def test_times_are_read_exactly(text: str, seconds: Fraction) -> None:
    assert units.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["2.1", "2 m", "2 Ms", "-1 ms", "ms", "", "1e3 ms", "2 min"])
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match="with its unit"):
        units.parse_seconds(text)


def test_percentages() -> None:
    assert units.parse_percent("30%") == Fraction(3, 10)
    assert units.parse_percent(" 2.5 % ") == Fraction(1, 40)
    for text in ("30", "-1%", "%", "1e2%", "30%%"):
        with pytest.raises(UsageError, match="no percentage"):
            units.parse_percent(text)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(3, 10), "30.0%"),
        (Fraction(1, 10**6), "<0.1%"),
        (Fraction(-1, 10**6), "-<0.1%"),
        (Fraction(0), "0.0%"),
        (Fraction(1999, 20), "9,995.0%"),
        (Fraction(-1, 4), "-25.0%"),
    ],
)
def test_shares_are_told_exactly(share: Fraction, text: str) -> None:
    assert units.format_exact_share(share) == text


@given(st.integers(0, 10**19), st.booleans())
def test_a_figure_rounded_up_is_read_back_as_no_less_and_hardly_more(value: int, in_bytes: bool) -> None:
    text = units.format_ceiling(value, in_bytes)
    assert value <= units.parse_magnitude(text) <= value + value // 90 + 1, "three digits are within 1 %"
    assert len([c for c in text if c.isdigit()]) <= (4 if in_bytes else 3) or value >= 10**18


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (1001, "1.01k"), (568740352, "569M")]
)
def test_the_text_is_human(value: int, text: str) -> None:
    assert units.format_ceiling(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(10**9 - 1), "999,999,999"),
        (Fraction(17 * 10**24), "1.70e25"),
        (Fraction(9999 * 10**20), "1.00e24"),
        (Fraction(10**40 + 10**37 * 6), "1.01e40"),
    ],
)
def test_a_rounded_number_of_very_many_digits_is_a_power_of_ten(value: Fraction, text: str) -> None:
    assert units.format_digits(value) == text


def test_a_very_large_share_is_told_in_times() -> None:
    assert units.format_percent(Fraction(17 * 10**25, 10)) == "17,000,000 E×"
    assert units.format_exact_share(Fraction(2_500_000), sign=True) == "+2.50 M×"
    assert units.format_exact_share(Fraction(99_999)) == "9,999,900.0%"
    assert units.format_percent(12.5) == "1,250.0%"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("9" * 5_000, None), ("²", None), ("٣", None)]
    + [("", None), ("-1", None), ("1_000", None), (" 1", None)],
)
def test_digits_of_any_file_are_a_number_or_none(text: str, number: int | None) -> None:
    assert units.parse_digits(text) == number
