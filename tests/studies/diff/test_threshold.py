"""`--fail-on`: what a condition is, and when it holds, to the last unit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.analysis.layers import QUANTITIES
from costcalc.core.dim import Dim, symbol
from costcalc.core.errors import UsageError
from costcalc.studies.diff.diff import Diff, rise
from costcalc.studies.diff.snapshot import Layer, Snapshot
from costcalc.studies.diff.threshold import Finding, judge, threshold


def version(macs: Dim, *unknown: str) -> Snapshot:
    """A model of one layer with some MACs, and others that are not known."""
    names = ("known", *unknown)
    layers = [
        Layer(n, "Op", "", 1, (), (), {}, dict.fromkeys(QUANTITIES, None if n in unknown else macs), "costed")
        for n in names
    ]
    totals: dict[str, Dim] = dict.fromkeys((*QUANTITIES, "peak_activation_bytes"), macs)
    return Snapshot("net", "net", (), tuple(layers), totals, {"Mystery": len(unknown)} if unknown else {}, {})


def found(before: Dim | Snapshot, after: Dim | Snapshot, condition: str) -> Finding:
    from costcalc.studies.diff.diff import diff

    sides = [side if isinstance(side, Snapshot) else version(side) for side in (before, after)]
    return judge(diff(*sides), threshold(condition))


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
    one = threshold(condition)
    assert (one.share, one.most, one.grows) == (share, most, grows)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("macs", "is not understood; write it as macs>+2%"),
        ("macs<5", "is not understood"),
        ("mac>+2%", "there is no total 'mac'; did you mean 'macs'?"),
        ("macs>2%", "a share is of what the total was; write macs>+2%"),
        ("macs>+1e3%", "'1e3' is no share"),
        ("macs>+five", "'five' is not a quantity"),
        ("macs>+-5", "is not understood"),
        ("macs>-2%", "is not understood"),
        ("macs>=5", "is not understood"),
        ("macs>", "is not understood"),
        ("macs>+1KiB", "'1KiB' is in bytes, which macs are not counted in"),
        ("params>7B", "write 600M, or 7G for 7 billion"),
    ],
)
def test_what_is_none(condition: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        threshold(condition)
    assert said in str(error.value)


def test_to_the_last_unit() -> None:
    assert found(1_000_000, 1_020_000, "macs>+2%").outcome == "kept"
    one = found(1_000_000, 1_020_001, "macs>+2%")
    assert one.outcome == "exceeded"
    assert one.fact == "MACs grew by 20,001 (1,000,000 → 1,020,001), +2.0%, which is 1 more than 2%"
    assert found(5, 600_000_000, "macs>600M").outcome == "kept"
    assert found(5, 600_000_001, "macs>600M").fact == "MACs are 600,000,001, which is 1 more than 600M"
    assert found(7, 7, "macs>+0") == Finding(threshold("macs>+0"), "kept", "MACs did not change (7 → 7)")
    assert found(7, 8, "macs>+0").outcome == "exceeded"
    assert found(8, 7, "macs>+0").fact == "MACs shrank by 1 (8 → 7), -12.5%"
    assert found(0, 1, "macs>+500%").outcome == "exceeded"


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.fractions(0, 5, max_denominator=10**6))
def test_shares_are_exact(before: int, after: int, share: Fraction) -> None:
    asked = threshold("macs>+1%")._replace(share=share)
    diff = Diff(version(before), version(after), ())
    assert (judge(diff, asked).outcome == "exceeded") == (after - before > share * before)


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
    from costcalc.studies.diff.diff import diff

    assert rise(diff(version(5, "odd"), version(9, "odd")), "peak_activation_bytes") == 4
    assert rise(diff(version(5), version(9, "odd")), "macs") is None
