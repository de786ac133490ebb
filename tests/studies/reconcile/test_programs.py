"""Exported programs say how they are written: the figures of counters that look at classes and functions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.paths import COUNTER_FIGURES, DATA

import costcalc

FIGURES: dict[str, Any] = json.loads((COUNTER_FIGURES / "programs.json").read_text(encoding="utf-8"))["programs"]
CASES = [(name, counter) for name, figures in FIGURES.items() for counter in figures]
PROGRAMS = DATA / "pt2"


def reconciled(name: str, counter: str, **written: str) -> Any:
    return costcalc.reconcile(PROGRAMS / f"counters_{name}.pt2", tools=[counter], written=written)[counter]


@pytest.mark.parametrize(("name", "counter"), CASES)
def test_figure(name: str, counter: str) -> None:
    account = reconciled(name, counter)
    assert (None if account.failure else account.figure) == FIGURES[name][counter]


def test_what_is_said_goes_before_what_the_program_has() -> None:
    plain, written = (reconciled("functions", "ptflops_pytorch", **answers) for answers in ({}, {"relu": "module"}))
    relus = {name: line.amount for name, line in ((line.name, line) for line in written.lines)}["ReLU"]
    assert relus == 3 * 2 * 4 * 6
    assert {line.name: line.amount for line in plain.lines}["ReLU"] == 4 * 6


def test_the_style_is_told_once() -> None:
    found = costcalc.reconcile(PROGRAMS / "counters_functions.pt2", tools=["thop"])
    assert str(found).count("those of the exported program") == 1
