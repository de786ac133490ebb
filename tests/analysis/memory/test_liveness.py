"""The peak against an execution that is played: memory is allocated and freed, references are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.allocation import peak
from support.builtin import LENGTHS, NAMES
from support.paths import ONNX_FILES
from support.random_graphs import graphs

import costcalc
from costcalc.analysis.memory.liveness import live_memory, make_schedule
from costcalc.rules import Graph


@given(graphs(20), st.booleans())
@settings(max_examples=300, deadline=None)
def test_random_graphs(graph: Graph, in_place: bool) -> None:
    assert live_memory(make_schedule(graph, in_place=in_place)).peak == peak(graph, in_place=in_place)


@pytest.mark.parametrize("name", NAMES)
def test_specs(name: str) -> None:
    graph = costcalc.load(name, dims=LENGTHS.get(name, {}))
    for in_place in (False, True):
        plan = make_schedule(graph, in_place=in_place)
        line = live_memory(plan)
        assert line.peak == peak(graph, in_place=in_place)
        assert sum(int(b.nbytes) for b in plan.buffers if b.first_step <= line.peak_step <= b.last_step) == line.peak


@pytest.mark.parametrize("path", sorted(ONNX_FILES.glob("*.onnx")), ids=lambda p: p.stem)
def test_onnx_models(path: Path) -> None:
    graph = costcalc.load(path)
    for in_place in (False, True):
        found = live_memory(make_schedule(graph, in_place=in_place)).peak
        if isinstance(found, int):
            assert found == peak(graph, in_place=in_place)


@pytest.mark.parametrize(
    "in_place, most", [(False, 2 * 64 * 112 * 112 * 4), (True, 64 * 112 * 112 * 4 + 64 * 56 * 56 * 4)]
)
def test_resnet18(in_place: bool, most: int) -> None:
    """Nothing in place: conv1's output and the next beside it. Elementwise in place: conv1's output and the pool's."""
    assert most in (6_422_528, 4_014_080)
    assert live_memory(make_schedule(costcalc.load("resnet18"), in_place=in_place)).peak == most
