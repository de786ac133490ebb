"""`--fail-on`: what a condition is, and when it holds, to the last unit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.versions import QUANTITIES

from costcalc.core.errors import QuantityError
from costcalc.core.quantity import Figure
from costcalc.rules import Dim, UsageError, symbol
from costcalc.studies.diff.diff import Diff, diff, total_change
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer
from costcalc.studies.diff.threshold import ThresholdResult, judge, parse_thresholds


def version(macs: Dim, *unknown: str) -> Snapshot:
    """A model of one layer with some MACs, and others that are not known."""
    names = ("known", *unknown)
    layers = [
        SnapshotLayer(n, "Op", "", 1, (), (), {}, dict.fromkeys(QUANTITIES, None if n in unknown else macs), "costed")
        for n in names
    ]
    totals: dict[str, Dim] = dict.fromkeys((*QUANTITIES, "peak_activation_bytes"), macs)
    return Snapshot("net", "net", (), tuple(layers), totals, {"Mystery": len(unknown)} if unknown else {}, {})


def found(before: Dim | Snapshot, after: Dim | Snapshot, condition: str) -> ThresholdResult:
    sides = [side if isinstance(side, Snapshot) else version(side) for side in (before, after)]
    return judge(diff(*sides), parse_thresholds(condition)[0])


@pytest.mark.parametrize(
    ("condition", "share", "most", "grows"),
    [
        ("macs>+2%", Fraction(2, 100), 0, True),
        ("macs > + 0.05 %", Fraction(5, 10_000), 0, True),
        ("params>+0", None, 0, True),
        ("peak_activation_bytes>+10 KiB", None, 10 * 1024, True),
        ("macs>600M", None, 600_000_000, False),
    ],
)
def test_what_a_condition_says(condition: str, share: Fraction | None, most: int, grows: bool) -> None:
    (threshold,) = parse_thresholds(condition)
    assert (threshold.share, threshold.amount, threshold.is_growth) == (share, most, grows)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("macs", "is not understood; write it as macs>+2%"),
        ("macs<5", "is not understood"),
        ("mac>+2%", "there is no quantity 'mac'; did you mean 'macs'?"),
        ("macs>2%", "a share is of what the total was; write macs>+2%"),
        ("macs>+1e3%", "'1e3' is no share"),
        ("macs>+five", "'five' is not a quantity"),
        ("macs>+-5", "is not understood"),
        ("macs>-2%", "is not understood"),
        ("macs>=5", "is not understood"),
        ("macs>", "is not understood"),
        ("macs>+1KiB", "'1KiB' is in bytes, which macs are not counted in"),
        ("params>7B", "write 600M, or 7G for 7 billion"),
        ("time>+5%", "time is of a device; write time.t4"),
        ("time.t4>+5", "'5' is no time"),
        ("time.t4>5KiB", "'5KiB' is no time"),
        ("energy.t4>5", "'5' is no energy"),
        ("fits.t4>+5%", "fits.t4 is yes or no; write fits.t4 alone"),
        ("intensity>20", "more of it is better: write intensity<-5% or intensity<20"),
        ("tokens_per_second.t4<+5%", "more of it is better"),
    ],
)
def test_what_is_none(condition: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_thresholds(condition)[0]
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("condition", "key", "share", "most", "grows"),
    [
        ("time.t4>+5%", "time.t4", Fraction(1, 20), 0, True),
        ("time.t4 > 2.5 ms", "time.t4", None, Fraction(25, 10_000), False),
        ("energy.my/chip-2.yaml>+1uJ", "energy.my/chip-2.yaml", None, Fraction(1, 1_000_000), True),
        ("arena_bytes>+0", "arena_bytes", None, 0, True),
        ("tokens_per_second.t4<-5%", "tokens_per_second.t4", Fraction(1, 20), 0, True),
        ("intensity<2.5", "intensity", None, Fraction(5, 2), False),
        ("fits.stm32h743", "fits.stm32h743", None, 0, True),
    ],
)
def test_a_condition_on_any_quantity(
    condition: str, key: str, share: Fraction | None, most: int | Fraction, grows: bool
) -> None:
    (threshold,) = parse_thresholds(condition)
    key_and_condition = (threshold.quantity.key, threshold.share, threshold.amount, threshold.is_growth)
    assert key_and_condition == (key, share, most, grows)


def measured(value: Figure | QuantityError, key: str) -> Snapshot:
    return replace(version(5), figures={key: value})


@pytest.mark.parametrize(
    ("condition", "before", "after", "outcome", "fact"),
    [
        (
            "time.t4>+5%",
            Figure(Fraction(1, 1000), "lower"),
            Figure(Fraction(1051, 1_000_000), "lower"),
            "exceeded",
            "Time on t4 grew by 51.0 µs (≥ 1.00 ms → ≥ 1.05 ms), +5.1%, which is 1.00 µs more than 5%",
        ),
        ("time.t4>+5%", Figure(Fraction(1, 1000), "lower"), Figure(Fraction(105, 100_000), "lower"), "kept", "+5.0%"),
        (
            "tokens_per_second.t4<-5%",
            Figure(Fraction(100), "upper"),
            Figure(Fraction(94), "upper"),
            "exceeded",
            "shrank by 6.00 (≤ 100 → ≤ 94.0), -6.0%, which is 1.00 less than 5%",
        ),
        ("tokens_per_second.t4<-5%", Figure(Fraction(100), "upper"), Figure(Fraction(300), "upper"), "kept", "grew"),
        ("intensity<2.5", Figure(Fraction(9)), Figure(Fraction(2)), "exceeded", "is 2.00, which is 0.50 less than 2.5"),
        ("intensity<2.5", Figure(Fraction(9)), Figure(Fraction(5, 2)), "kept", "is 2.50"),
        ("fits.t4", Figure(True), Figure(False), "exceeded", "Fits on t4: yes → no"),
        ("fits.t4", Figure(False), Figure(False), "kept", "Fits on t4: no → no"),
        ("fits.t4", Figure(False), Figure(True), "kept", "Fits on t4: no → yes"),
        ("fits.t4", QuantityError("it is open"), Figure(False), "unknown", "before: it is open"),
        ("arena_bytes>+0", Figure(4), QuantityError("it is open"), "unknown", "after: it is open"),
        ("arena_bytes>3", QuantityError("it is open"), Figure(4), "exceeded", "Arena bytes are 4"),
    ],
)
def test_what_a_condition_says_of_further_figures(
    condition: str, before: Figure | QuantityError, after: Figure | QuantityError, outcome: str, fact: str
) -> None:
    key = parse_thresholds(condition)[0].quantity.key
    one = found(measured(before, key), measured(after, key), condition)
    assert one.outcome == outcome
    assert fact in one.fact


def test_to_the_last_unit() -> None:
    assert found(1_000_000, 1_020_000, "macs>+2%").outcome == "kept"
    one = found(1_000_000, 1_020_001, "macs>+2%")
    assert one.outcome == "exceeded"
    assert one.fact == "MACs grew by 20,001 (1,000,000 → 1,020,001), +2.0%, which is 1 more than 2%"
    assert found(5, 600_000_000, "macs>600M").outcome == "kept"
    assert found(5, 600_000_001, "macs>600M").fact == "MACs are 600,000,001, which is 1 more than 600M"
    assert found(7, 7, "macs>+0") == ThresholdResult(
        parse_thresholds("macs>+0")[0], "kept", "MACs did not change (7 → 7)"
    )
    assert found(7, 8, "macs>+0").outcome == "exceeded"
    assert found(8, 7, "macs>+0").fact == "MACs shrank by 1 (8 → 7), -12.5%"
    assert found(0, 1, "macs>+500%").outcome == "exceeded"


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.fractions(0, 5, max_denominator=10**6))
def test_shares_are_exact(before: int, after: int, share: Fraction) -> None:
    (threshold,) = parse_thresholds("macs>+1%")
    result = judge(Diff(version(before), version(after), ()), threshold._replace(share=share))
    assert (result.outcome == "exceeded") == (after - before > share * before)


def test_a_model_that_is_new_has_not_grown() -> None:
    new = replace(version(0), source="")
    assert (
        found(new, 9, "macs>+2%").outcome
        == found(new, 9, "macs>+0").outcome
        == found(new, 9, "macs>9").outcome
        == "kept"
    )
    assert found(new, 9, "macs>8").outcome == "exceeded"


def test_open_symbols() -> None:
    seq = symbol("seq")
    assert found(seq, 2 * seq, "macs>+0").outcome == "exceeded"
    assert found(2 * seq, seq, "macs>+50%").outcome == "kept"
    assert found(seq, 2 * seq, "macs>+50%").outcome == "exceeded"
    one = found(seq, seq * seq, "macs>+50%")
    assert one.outcome == "unknown" and one.fact.endswith("whether that is too much depends on seq")
    assert found(1, seq, "macs>600M").outcome == "unknown"


def test_operators_without_a_rule() -> None:
    assert found(version(5, "odd"), version(9, "odd"), "macs>+1").outcome == "exceeded"  # odd is the same in both
    assert found(version(5, "odd"), version(6, "odd"), "macs>+1").outcome == "kept"
    one = found(version(5), version(9, "odd"), "macs>+1")
    assert (one.outcome, one.fact) == ("unknown", "by how much MACs grew is not known: an operator has no rule")
    assert found(version(5), version(9, "odd"), "macs>8").outcome == "exceeded"
    assert found(version(5), version(9, "odd"), "macs>9").outcome == "unknown"
    assert found(version(5), replace(version(9), totals={}), "macs>9").outcome == "unknown"


def test_a_rise_is_known_where_only_equal_layers_are_not() -> None:
    assert total_change(diff(version(5, "odd"), version(9, "odd")), "peak_activation_bytes") == 4
    assert total_change(diff(version(5), version(9, "odd")), "macs") is None
