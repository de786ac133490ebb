"""Limits → verdicts: kept, exceeded, or not to be told."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from support.check_results import result, shown
from support.graphs import attention_scores, blocks, standard_conv, unknown

from costcalc import analyze
from costcalc.core.quantities import parse_quantity
from costcalc.core.quantity import Figure
from costcalc.rules import Graph, symbol
from costcalc.studies.check.budget import Budget, LayerLimit, Limit, RuleLevels
from costcalc.studies.check.case import CheckCase, CheckFigure
from costcalc.studies.check.judge import judge
from costcalc.studies.check.rules import CODES
from costcalc.studies.diff.snapshot import snapshot


def verdicts(
    graph: Graph, *asked: Any, levels: RuleLevels | None = None, allow: tuple[str, ...] = (), **known: Any
) -> tuple[Any, ...]:
    limits = tuple(a for a in asked if isinstance(a, Limit))
    layers = tuple(a for a in asked if isinstance(a, LayerLimit))
    budget = Budget(limits, (), layers, allow)
    return judge(CheckCase(snapshot(analyze(graph)), budget, levels or RuleLevels(), **known))


def test_exactly_the_limit_is_kept_and_one_more_is_not() -> None:
    at, below = verdicts(standard_conv(), Limit("macs", 2160), Limit("macs", 2159))
    assert (at.outcome, at.headroom, below.outcome, below.headroom) == ("kept", 0, "exceeded", -1)
    assert "exceeded by 1 (<0.1%)" in below.fact
    assert (below.layer, below.share) == ("conv", Fraction(1))


def test_symbols_are_decided_where_every_value_says_the_same() -> None:
    """64·64·seq + 64·seq² MACs are at least 4,160."""
    above, open_ = verdicts(attention_scores(), Limit("macs", 4159), Limit("macs", 4160))
    assert (above.outcome, above.code) == ("exceeded", "CC001")
    assert (open_.outcome, open_.code) == ("unknown", "CC103")
    assert "depends on seq" in open_.fact
    assert "dims: {seq: 128}" in open_.remedy


def test_a_total_that_depends_on_data_is_kept_by_its_upper_bound() -> None:
    """Of attention_scores as if seq were at most 100: 64·64·100 + 64·100² = 1,049,600 MACs."""
    kept, open_ = verdicts(
        attention_scores(), Limit("macs", 1_049_600), Limit("macs", 1_049_599), total_limits={"macs": 1_049_600}
    )
    assert (kept.outcome, kept.code, kept.value, kept.certainty) == ("kept", "CC001", 1_049_600, "upper")
    assert "1,049,600 of at most 1,049,600" in kept.fact and "an upper bound" in kept.fact
    assert "≤ 1,049,600 of 1,049,600" in shown("table", result(kept))
    assert (open_.outcome, open_.code) == ("unknown", "CC103")
    assert open_.remedy.endswith("or take the upper bounds with `upper: true` or --upper")


def test_many_open_symbols_are_told_in_few_words() -> None:
    many = [symbol(f"n{i}") for i in range(180)]
    snapshot_of_many = replace(snapshot(analyze(standard_conv())), totals={"macs": sum(many) + 1000})
    budget = Budget((Limit("macs", 1180), Limit("macs", 500)))
    open_, above = judge(CheckCase(snapshot_of_many, budget))
    assert "depends on n0, n1, n10, n100 and 176 more" in open_.fact and len(open_.fact) < 200
    assert "all 180 with `dims: {'*': 128}` or --dim '*=128'" in open_.remedy
    assert above.outcome == "exceeded" and "exceeded by at least 680" in above.fact and len(above.fact) < 200


def test_unknown_operators_are_never_taken_as_zero() -> None:
    """The convolution's 2,160 MACs are known; whatever the limit, the check cannot end well."""
    below, above, operators = verdicts(unknown(), Limit("macs", 10**15), Limit("macs", 2159))
    assert (below.outcome, below.code) == ("unknown", "CC101")
    assert (above.outcome, above.code) == ("exceeded", "CC001")
    assert (operators.outcome, operators.code, operators.value) == ("unknown", "CC101", 2)
    assert "com.acme:Mystery × 1 (mystery): no rule tells what it costs; Relu × 1 (" in operators.fact
    assert "): what it reads has no known shape; totals are lower bounds" in operators.fact
    assert operators.remedy == "register its rule with --rules, or take it as free with `allow: [com.acme:Mystery]`"
    assert above.fact.startswith("macs: at least 2,160 of at most 2,159, exceeded by at least 1 (<0.1%)")
    assert "≥ 2,160 of 2,159  exceeded by at least 1" in shown("table", result(above))
    (alone,) = verdicts(unknown())
    assert alone.outcome == "unknown", "without a limit too"
    (behind,) = verdicts(unknown(), allow=("Mystery",))
    assert behind.remedy == "register a shape rule for what gives it, with --rules", "nobody should take a Relu as free"


def test_operators_are_allowed_by_name_with_and_without_their_domain() -> None:
    for allow in (("com.acme:Mystery", "Relu"), ("Mystery", "Relu")):
        macs, ops = verdicts(unknown(), Limit("macs", 2160), Limit("unknown_ops", 0), allow=allow)
        assert (macs.outcome, ops.outcome) == ("kept", "kept")
    macs, ops = verdicts(unknown(), Limit("macs", 2160), allow=("Other", "Relu"))
    assert (macs.outcome, ops.outcome) == ("unknown", "unknown")


def test_counts_of_operators() -> None:
    relus, gelus = verdicts(blocks(), Limit("ops", 3, "Relu"), Limit("ops", 0, "Gelu"))
    assert (relus.outcome, relus.value, relus.layer) == ("exceeded", 4, "stage1/conv1/Relu")
    assert relus.remedy.startswith("replace stage1/conv1/Relu"), "no cheaper one is one less"
    assert (gelus.outcome, gelus.value, gelus.code) == ("kept", 0, "CC010")
    misspelt, foreign, other = verdicts(
        blocks(), Limit("ops", 0, "Gleu"), Limit("ops", 0, "com.microsoft:Gleu"), Limit("ops", 0, "Mystery")
    )
    for verdict in (misspelt, foreign, other):
        assert (verdict.outcome, verdict.code, verdict.value) == ("unknown", "CC108", None)
    assert misspelt.remedy == "did you mean 'Gelu'?" and "com.acme:Mystery" in other.remedy
    (absent,) = verdicts(blocks(), Limit("ops", 0, "com.acme:Mystery"))
    assert (absent.outcome, absent.value) == ("kept", 0), "of a domain of one's own no list is known"
    (own,) = verdicts(unknown(), Limit("ops", 0, "com.acme:Mystery"), allow=("Mystery", "Relu"))
    assert own.outcome == "exceeded"


def test_a_time_is_a_lower_bound_and_says_so() -> None:
    figures = {
        parse_quantity("time.t4"): CheckFigure(Figure(Fraction(21, 10**4), "lower"), layer="conv", share=Fraction(1)),
        parse_quantity("time.none"): CheckFigure(None, "it has no figure", code="CC106"),
    }
    limits = [
        Limit("time", Fraction(21, 10**4), "t4"),
        Limit("time", Fraction(2, 10**3), "t4"),
        Limit("time", 1, "none"),
    ]
    kept, above, open_ = verdicts(standard_conv(), *limits, figures=figures)
    assert (kept.outcome, kept.quantity) == ("kept", "time t4")
    assert "the device may be slower" in kept.fact
    assert (above.outcome, above.headroom) == ("exceeded", Fraction(-1, 10**4))
    assert "already the lower bound is above" in above.fact
    assert (open_.outcome, open_.code) == ("unknown", "CC106")


def test_an_open_branch_counts_the_dearer_one_so_that_only_a_kept_limit_is_certain() -> None:
    kept, above = verdicts(standard_conv(), Limit("macs", 2160), Limit("macs", 2159), open_branches=("if",))
    assert (kept.outcome, above.outcome, above.code) == ("kept", "unknown", "CC103")


def test_layers_are_limited_together_or_each() -> None:
    """The second stage: 16·8·9·16·16 and 16·16·9·16·16 MACs of the model's."""
    first, second = 16 * 8 * 9 * 256, 16 * 16 * 9 * 256
    total = int(analyze(blocks()).totals["macs"])
    share = Fraction(first + second, total)
    at, below, each, shares, part = verdicts(
        blocks(),
        LayerLimit("stage1/*", "macs", first + second),
        LayerLimit("stage1/*", "macs", first + second - 1),
        LayerLimit("stage1/*", "macs", second - 1, each=True),
        LayerLimit("stage1/*", "macs", share, share=True),
        LayerLimit("stage1/*", "macs", share - Fraction(1, 10**30), share=True),
    )
    assert (at.outcome, at.value, at.code) == ("kept", first + second, "CC011")
    assert (below.outcome, below.layer, below.headroom) == ("exceeded", "stage1/conv1/Conv", -1)
    assert (each.outcome, each.value, each.layer) == ("exceeded", second, "stage1/conv1/Conv")
    assert each.other_layers == 0
    assert (shares.outcome, shares.value, shares.code) == ("kept", share, "CC012")
    assert part.outcome == "exceeded", "by a share of 10⁻³⁰"


def test_of_layers_that_each_break_a_limit_the_worst_is_named_and_the_others_counted() -> None:
    """Both convolutions of the second stage; of one MAC less than the first has."""
    (one,) = verdicts(blocks(), LayerLimit("stage1/*", "macs", 16 * 8 * 9 * 256 - 1, each=True))
    assert (one.layer, one.other_layers) == ("stage1/conv1/Conv", 1)
    assert "and 1 more layer is above it" in one.fact


def test_a_glob_that_fits_no_layer_is_never_kept() -> None:
    (verdict,) = verdicts(blocks(), LayerLimit("stage9/*", "macs", 10**12))
    assert (verdict.outcome, verdict.code) == ("unknown", "CC105")


def test_a_share_of_a_total_that_is_a_lower_bound() -> None:
    """The known layer's share can only be smaller: a limit above is kept, one below cannot be told."""
    kept, open_, *_ = verdicts(
        unknown(),
        LayerLimit("conv", "macs", Fraction(1), share=True),
        LayerLimit("conv", "macs", Fraction(1, 2), share=True),
    )
    assert (kept.outcome, open_.outcome, open_.code) == ("kept", "unknown", "CC101")


def test_what_cannot_be_told_is_an_error_whatever_is_ignored_or_lowered() -> None:
    levels = RuleLevels((), ("CC003",), ("CC001",))
    macs, operators = verdicts(unknown(), Limit("macs", 0), Limit("params", 0), levels=levels)
    assert (macs.level, macs.outcome) == ("warning", "exceeded")
    assert (operators.level, operators.outcome) == ("error", "unknown")
    (left,) = verdicts(attention_scores(), Limit("macs", 5000), levels=RuleLevels((), (), ("CC001",)))
    assert (left.level, left.outcome) == ("error", "unknown"), "a warning that cannot be told is none"


def test_a_built_in_model_has_no_line_to_edit() -> None:
    (verdict,) = judge(CheckCase(snapshot(analyze("mobilenet")), Budget((Limit("macs", 1),))))
    assert verdict.layer
    assert verdict.place is None


def verdict(limit: Limit, figure: Figure | None, model: Any = "lenet5", **more: Any) -> Any:
    case = CheckCase(snapshot(analyze(model)), Budget((limit,)), figures={limit.ref: CheckFigure(figure, **more)})
    return next(one for one in judge(case) if one.quantity != "unknown_ops")


HALF, ONE = Fraction(1, 2), Fraction(1)


@pytest.mark.parametrize(
    ("limit", "figure", "outcome", "words"),
    [
        (Limit("compulsory_bytes", 10), Figure(10, "lower"), "kept", "a lower bound"),
        (Limit("compulsory_bytes", 9), Figure(10, "lower"), "exceeded", "already the lower bound is above"),
        (Limit("energy", ONE, "t4"), Figure(ONE, "estimate"), "kept", "1.00 J of at most 1.00 J"),
        (Limit("energy", HALF, "t4"), Figure(ONE, "estimate"), "exceeded", "(an estimate from a measured figure)"),
        (Limit("tokens_per_second", ONE, "t4", None, True), Figure(ONE, "upper"), "kept", "an upper bound"),
        (
            Limit("tokens_per_second", ONE, "t4", None, True),
            Figure(HALF, "upper"),
            "exceeded",
            "0.50 tokens/s of at least 1.00 tokens/s, missed by at least 0.50 tokens/s (50.0%) (already the upper bound is below)",
        ),
        (Limit("intensity", ONE, minimum=True), Figure(HALF), "exceeded", "missed by 0.50 FLOP/byte (50.0%)"),
        (Limit("fits", True, "t4", None, True), Figure(True), "kept", "fits t4: yes"),
        (Limit("fits", True, "t4", None, True), Figure(False), "exceeded", "name another device, or take it out"),
    ],
)
def test_what_a_bound_and_an_estimate_decide(limit: Limit, figure: Figure, outcome: str, words: str) -> None:
    found = verdict(limit, figure)
    assert found.outcome == outcome and found.code == f"CC{CODES[limit.quantity]:03}"
    assert words in f"{found.fact}; {found.remedy}"


def test_what_is_not_known_is_never_kept() -> None:
    """Operators without a rule, figures that a profile lacks, quantities that a model does not have."""
    below, above = [verdict(Limit("arena_bytes", most), Figure(10, "lower"), unknown()) for most in (10, 9)]
    assert (below.outcome, below.code) == ("unknown", "CC101")
    assert above.outcome == "exceeded"
    assert above.fact.startswith(
        "arena_bytes: at least 10 bytes of at most 9 bytes, exceeded by at least 1 byte (11.1%)"
    )
    lack = verdict(Limit("energy", ONE, "t4"), Figure(HALF, "lower"), reason="no energy of fp8", incomplete=True)
    assert (lack.outcome, lack.code) == ("unknown", "CC107") and "no energy of fp8" in lack.fact
    none = verdict(Limit("kv_cache_bytes", 10**12), None, reason="it generates nothing", remedy="take a decoder")
    assert (none.outcome, none.code, none.value, none.remedy) == ("unknown", "CC107", None, "take a decoder")


@pytest.mark.parametrize(("quantity", "figure"), [("intensity", Figure(ONE, "upper")), ("fits", Figure(False))])
def test_of_an_open_branch_the_dearer_one_is_counted(quantity: str, figure: Figure) -> None:
    """The other one may have less intensity, and may fit."""
    limit = Limit(quantity, True if quantity == "fits" else HALF, "t4" if quantity == "fits" else "", None, True)
    now = snapshot(analyze("lenet5"))
    (found,) = judge(CheckCase(now, Budget((limit,)), figures={limit.ref: CheckFigure(figure)}, open_branches=("if",)))
    assert (found.outcome, found.code) == ("unknown", "CC103")
