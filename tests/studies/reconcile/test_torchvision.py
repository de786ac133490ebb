"""The reproduced figures of torchvision's networks are the counters' own, to the last digit."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from support.paths import COUNTER_FIGURES

import costcalc
from costcalc.studies.reconcile.counters import COUNTERS

SEEN = json.loads((COUNTER_FIGURES / "torchvision.json").read_text(encoding="utf-8"))
NETWORKS: dict[str, Any] = SEEN["networks"]
NAMES = (
    "thop",
    "ptflops_pytorch",
    "ptflops_aten",
    "fvcore",
    "torchinfo",
    "calflops",
    "calflops_flops",
    "torchprofile",
)


def test_there_are_enough() -> None:
    assert len(NETWORKS) == 80
    assert len({network["spec"] for network in NETWORKS.values()}) >= 33
    assert {tool for network in NETWORKS.values() for tool in network["figures"]} == set(NAMES)


def test_the_rules_are_of_the_versions_that_were_run() -> None:
    for name in NAMES:
        package = name.split("_")[0]
        assert COUNTERS[name].version == SEEN["versions"][package]
    assert COUNTERS["torchvision"].version == SEEN["versions"]["torchvision"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_figure(name: str) -> None:
    network = NETWORKS[name]
    found = costcalc.reconcile(network["spec"], params=network["set"])
    figures = {counter: found[counter] for counter in network["figures"]}
    assert {counter: None if account.failure else account.figure for counter, account in figures.items()} == network[
        "figures"
    ]
    assert found["torchvision"].figure == network["macs"]
    assert_sums(found)


def assert_sums(found: Any) -> None:
    """Each account adds up: its parts to its figure, what costcalc has to costcalc's totals, layers to parts."""
    report = costcalc.analyze(found.graph)
    for account in found.accounts:
        assert account.costcalc == (report.macs if account.counter.basis == "macs" else report.totals["flops"])
        for line in account.lines:
            assert line.amount == sum(term.value for term in line.terms)
            for term in line.terms:
                product: Any = 1
                for factor in term.factors:
                    product *= factor.value
                assert product == term.value
        by_layer = [line for item in account.call_lines() for line in item.lines]
        assert sum(line.amount for line in by_layer) == account.figure
        assert sum(line.costcalc for line in by_layer) == account.costcalc


@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_table(name: str) -> None:
    """At the size that its weights are for, 10⁹ MACs with three decimals."""
    network = NETWORKS[name]
    size = {"resolution": network["published"]["crop"]}
    found = costcalc.reconcile(network["spec"], tools=["torchvision"], params={**network["set"], **size})
    figure = found["torchvision"].figure
    assert isinstance(figure, int)
    assert Fraction(round(Fraction(figure, 10**6)), 1000) == Fraction(str(network["published"]["gflops"]))


def test_the_attention_of_vit_is_what_three_counters_leave_out() -> None:
    found = costcalc.reconcile("vit_b_16", tools=["thop", "fvcore", "calflops"])
    products, projections = 12 * 2 * 197 * 197 * 768, 12 * 4 * 197 * 768 * 768
    normalised = 25 * 197 * 768
    for name, each in (("thop", 4), ("fvcore", 5), ("calflops", 0)):
        account = found[name]
        assert account.costcalc == 17_563_828_224
        assert account.figure == account.costcalc - products - projections + each * normalised
        missing = {line.name: line.costcalc for line in account.lines if not line.terms}
        assert missing == {"attention's products": products, "attention's projections": projections}


def test_torchprofile_stops_at_multi_head_attention() -> None:
    assert "nn.MultiheadAttention" in costcalc.reconcile("vit_b_16", tools=["torchprofile"])["torchprofile"].failure
    assert not costcalc.reconcile("swin_t", tools=["torchprofile"])["torchprofile"].failure
