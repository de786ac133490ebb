"""Human units are read exactly, and printed so that what differs never reads as equal."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.core.units import format_exact_share, parse_percent, parse_seconds
from costcalc.rules import UsageError, symbol
from costcalc.studies.check import wording as words


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
def test_times(text: str, seconds: Fraction) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["2.1", "2 m", "2 Ms", "-1 ms", "ms", "", "1e3 ms", "2 min"])
def test_no_times(text: str) -> None:
    with pytest.raises(UsageError, match="with its unit"):
        parse_seconds(text)


def test_percentages() -> None:
    assert parse_percent("30%") == Fraction(3, 10)
    assert parse_percent(" 2.5 % ") == Fraction(1, 40)
    for text in ("30", "-1%", "%", "1e2%", "30%%"):
        with pytest.raises(UsageError, match="no percentage"):
            parse_percent(text)


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
def test_shares(share: Fraction, text: str) -> None:
    assert format_exact_share(share) == text


@given(
    st.fractions(0, 10**6, max_denominator=10**12),
    st.fractions(0, 10**6, max_denominator=10**12),
    st.sampled_from(["seconds", "share"]),
)
def test_what_differs_never_reads_as_equal(a: Fraction, b: Fraction, kind: str) -> None:
    first, second = words.format_pair(a, b, kind)
    assert (first == second) == (a == b)


def test_symbols_and_shares() -> None:
    seq = symbol("seq")
    assert words.format_headroom(64 * seq, 60, "count") == "exceeded by 64·seq - 60"
    assert words.format_headroom(64 * seq, 64, "count") == "-64·seq + 64 left"
    assert words.format_headroom(Fraction(1, 2), Fraction(3, 10), "share") == "exceeded by 20.0 points"
    assert (
        words.format_headroom(Fraction(3, 10) + Fraction(1, 10**9), Fraction(3, 10), "share")
        == "exceeded by <0.1 points"
    )
    assert words.format_headroom(Fraction(1, 4), Fraction(3, 10), "share") == "5.0 points left"


@given(st.integers(-(10**20), 10**20), st.integers(0, 10**20), st.sampled_from(["count", "bytes"]))
def test_a_breach_is_told_exactly(value: int, limit: int, kind: str) -> None:
    text = words.format_headroom(value, limit, kind)
    assert text.startswith("exceeded by ") == (value > limit)
    assert f"{abs(limit - value):,}" in text
