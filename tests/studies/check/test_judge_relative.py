"""Increases over a baseline: a share or an amount, and a growth that is always allowed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.check_results import FULL_FORMATS, place, result, shown
from support.graphs import unknown

from costcalc import analyze
from costcalc.rules import symbol
from costcalc.studies.check.budget import Budget, Increase, LayerLimit, Limit
from costcalc.studies.check.case import CheckCase
from costcalc.studies.check.judge import judge
from costcalc.studies.diff.snapshot import Snapshot, snapshot


def net(units: int, first: int = 10, seq: str = "1") -> Snapshot:
    """first·10·seq and units·first·seq MACs."""
    text = (
        f"input: [N, {seq}, 10]\nlayers:\n  - linear: {{units: {first}, bias: false, as: a}}\n"
        f"  - linear: {{units: {units}, bias: false, as: b}}\n"
    )
    return snapshot(analyze(text.encode()))


def of(macs: int) -> Snapshot:
    """A model of so many MACs, whose layers say otherwise."""
    base = net(1)
    return replace(base, totals={**base.totals, "macs": macs})


def verdict(
    before: Snapshot | None, now: Snapshot, increase: Increase, against: str = "lock", new: bool = False
) -> Any:
    (found,) = judge(
        CheckCase(now, Budget((), (increase,)), baseline=before, baseline_source=against, other_revision=new)
    )
    return found


@pytest.mark.parametrize(
    ("increase", "kept_at"),
    [
        (Increase("macs", Fraction(1, 10)), 23),  # 300 MACs: 30 more, which are 3 units of 10
        (Increase("macs", Fraction(1, 10), delta=50), 25),  # 10 %, or 50 whatever the percentage
        (Increase("macs", Fraction(1, 10), delta=10), 23),  # the larger of both counts
        (Increase("macs", None, 20), 22),
        (Increase("macs", None, 0, delta=40), 24),
        (Increase("params", None, 0), 20),
    ],
)
def test_shares_amounts_and_deltas(increase: Increase, kept_at: int) -> None:
    before = net(20)
    kept, over = verdict(before, net(kept_at), increase), verdict(before, net(kept_at + 1), increase)
    assert kept.outcome == "kept"
    assert (over.outcome, over.code) == ("exceeded", {"macs": "CC201", "params": "CC203"}[increase.quantity])
    assert over.baseline == before.totals[increase.quantity]
    assert over.layer_growth is not None and over.layer == "b"
    assert "grew" in over.fact and "costcalc lock" in over.remedy


def test_the_limit_is_the_baseline_and_what_it_may_grow() -> None:
    found = verdict(net(20), net(30), Increase("macs", Fraction(1, 100)))  # 300 → 400, of at most 3 more
    assert (found.value, found.limit, found.headroom) == (400, 303, -97)
    assert "grew by 100 (+33.3%) from 300" in found.fact and "exceeded by 97" in found.fact
    assert found.layer_growth == ("b", 200, 300, "", 0)
    assert found.place.line == 4


def test_a_layer_that_changed_itself_comes_before_one_that_follows() -> None:
    """a: 10 → 11 filters, 10 MACs more; b reads one channel more: 1,000 more, but nobody touched it."""
    found = verdict(net(1000), net(1000, first=11), Increase("macs", None, 0))
    assert found.layer_growth == ("a", 100, 110, "b", 1000)
    said = "a was changed and grew from 100 to 110 (+10, +10.0%), and b follows with +1,000"
    assert said in found.fact and "grew most" not in found.fact


@given(
    before=st.integers(1, 10**6),
    now=st.integers(1, 10**6),
    thousandths=st.integers(0, 3000),
    delta=st.integers(0, 10**5),
)
def test_no_rounding_ever_decides(before: int, now: int, thousandths: int, delta: int) -> None:
    found = verdict(of(before), of(now), Increase("macs", Fraction(thousandths, 1000), delta=delta))
    rise = now - before
    assert (found.outcome == "kept") == (rise * 1000 <= thousandths * before or rise <= delta)
    assert found.headroom is not None
    assert (found.headroom >= 0) == (found.outcome == "kept")


def test_open_symbols() -> None:
    """110·seq → 120·seq MACs: within 10 % for every length, above 9 % for every length; of an amount nobody knows."""
    before, now = net(1, seq="seq"), net(2, seq="seq")
    assert verdict(before, now, Increase("macs", Fraction(1, 10))).outcome == "kept"
    assert verdict(before, now, Increase("macs", Fraction(9, 100))).outcome == "exceeded"
    assert verdict(before, now, Increase("macs", None, 9)).outcome == "exceeded", "a length is at least 1"
    found = verdict(before, now, Increase("macs", None, 100))
    assert (found.outcome, found.code) == ("unknown", "CC103")
    assert verdict(before, before, Increase("macs", None, 0)).outcome == "kept"


def test_a_share_of_a_formula_is_no_figure_but_is_told_and_the_model_is_not_new() -> None:
    before, now = net(20, seq="seq"), net(21, seq="seq")  # 300·seq → 310·seq
    same, grown = (verdict(before, one, Increase("macs", Fraction(1, 10))) for one in (before, now))
    assert same.outcome == grown.outcome == "kept" and same.limit is None
    assert same.fact == "macs increase: as before, 300·seq, at most +10.0%"
    assert "of +10.0%  as before" in shown("table", result(same))
    assert shown("table", result(grown)).splitlines()[1].endswith("310·seq of +10.0%")
    first = verdict(None, net(1), Increase("macs", Fraction(1)), "main:costcalc.lock.json", new=True)
    assert "of any  new" in shown("table", result(first))


def test_without_a_baseline_nothing_is_kept_unless_another_revision_lacks_the_model() -> None:
    for against in ("", "costcalc.lock.json"):
        found = verdict(None, net(1), Increase("macs", Fraction(1), place=place("costcalc.yaml", 3)), against)
        assert (found.outcome, found.code) == ("unknown", "CC104")
        assert "costcalc lock" in found.remedy
    assert "--baseline" in verdict(None, net(1), Increase("macs", Fraction(1))).remedy, "where there is no config"
    assert verdict(None, net(1), Increase("macs", Fraction(1)), "main:costcalc.lock.json", new=True).outcome == "kept"


@pytest.mark.parametrize("form", FULL_FORMATS)
def test_formulas_of_which_nobody_knows_whether_they_are_nothing_are_shown(form: str) -> None:
    """64·seq MACs more, less 64: none where seq is 1."""
    seq = symbol("seq")
    before, now = (replace(of(1), totals={**of(1).totals, "macs": d}) for d in (64 * seq, 128 * seq - 64))
    budget = Budget(
        (Limit("macs", 0), Limit("macs", 10**9)),
        tuple(Increase("macs", None, n) for n in (0, 100)),
        (LayerLimit("*", "macs", Fraction(1, 2), share=True),),
    )
    found = judge(CheckCase(now, budget, baseline=before, baseline_source="lock"))
    assert [v.outcome for v in found] == ["exceeded", *["unknown"] * 4]
    text = shown(form, result(*found, snapshot=now, baseline=before))
    assert "exceeded by 128·seq - 64" in text.replace("\\", "").replace("\\u00b7", "·")


def test_an_operator_without_a_rule_on_either_side() -> None:
    """What is only known from below can have grown more than it seems, and less than it seems where it was so before."""
    whole, part = of(1000), snapshot(analyze(unknown()))
    asked = (Increase("macs", None, 10**6), Increase("params", None, 10**6))
    operators, macs, params = judge(CheckCase(part, Budget((), asked), baseline=whole, baseline_source="lock"))
    assert (operators.outcome, macs.outcome, macs.code) == ("unknown", "unknown", "CC101")
    assert params.outcome == "kept", "its parameters are all known"
    _, over = judge(
        CheckCase(part, Budget((), (Increase("macs", None, 1),)), baseline=of(1000), baseline_source="lock")
    )
    assert over.outcome == "exceeded" and "grew by at least 1,160" in over.fact
    assert "exceeded by at least 1,159" in over.fact and "≥ 2,160" in shown("table", result(over))
    back = judge(CheckCase(of(10**6), Budget((), (Increase("macs", None, 1),)), baseline=part, baseline_source="lock"))
    assert [(v.outcome, v.code) for v in back] == [("unknown", "CC101")]
