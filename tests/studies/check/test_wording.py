"""Figures are printed so that what differs never reads as equal."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from support.check_results import EXCEEDED

from costcalc.rules import symbol
from costcalc.studies.check import wording as words


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


def test_other_layers_that_break_a_limit_are_counted() -> None:
    assert words.describe_blame(replace(EXCEEDED, layer_growth=None, other_layers=12)).endswith(
        ", and 12 more layers are above it"
    )


def test_the_worst_case_of_a_headroom_is_a_figure() -> None:
    """Where the room that is left is finite whatever the symbols are; else it stays a formula."""
    seq = symbol("seq")
    left = words.format_headroom(1000 - 64 * seq, 1000, "count")
    assert left == "at least 64 left (6.4%), the worst case"
    assert words.format_headroom(64 * seq, 64, "count").endswith("·seq + 64 left")


def test_a_share_is_told_as_what_it_is() -> None:
    """Most is more than a half; a small share of many layers is no place to look at."""
    verdict = replace(EXCEEDED, code="CC001", layer="conv", layer_growth=None, other_layers=0, layer_count=86)
    phrases = {share: words.describe_blame(replace(verdict, share=Fraction(share, 1000))) for share in (967, 300, 26)}
    assert phrases == {
        967: "most is in conv (96.7%)",
        300: "the largest part is in conv (30.0%)",
        26: "it is spread over 86 layers, at most 2.6% in one, conv",
    }


def test_the_remedy_of_what_is_spread_over_layers_names_no_layer() -> None:
    """Where no layer has a part worth naming, fact and remedy agree: the whole network is to shrink."""
    verdict = replace(EXCEEDED, layer="conv", layer_growth=None, other_layers=0, limit_place=None)
    spread = replace(verdict, code="CC001", layer_count=86, share=Fraction(26, 1000))
    whole = "make the whole network smaller (`costcalc suggest` shows rewrites), or raise the limit"
    assert words.describe_remedy(spread) == whole
    assert words.describe_remedy(replace(spread, code="CC009", layer_count=0)) == whole
    layer = "make conv cheaper, or raise the limit"
    assert words.describe_remedy(replace(spread, share=Fraction(1, 2))).startswith("make conv cheaper at")
    assert words.describe_remedy(replace(spread, place=None, share=Fraction(1, 2))) == layer
    assert words.describe_remedy(replace(spread, place=None, code="CC011", layer_count=0)) == layer
