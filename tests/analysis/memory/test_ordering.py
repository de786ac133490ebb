"""Execution orders: as good as the best of all, never worse than the given one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_graphs import graphs

import costcalc
from costcalc.analysis.memory import ordering as reorder
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import ScheduleStep, live_memory, make_schedule, node_steps
from costcalc.analysis.memory.ordering import minimise_peak
from costcalc.core.errors import UndecidedError
from costcalc.rules import Dim, DType, Graph, GraphBuilder


def orders(steps: Sequence[ScheduleStep]) -> Iterator[list[ScheduleStep]]:
    """Every order in which each step stands behind those that compute what it reads."""
    makers = {value: i for i, step in enumerate(steps) for value in step.writes}
    before = [{makers[v] for v in step.reads if v in makers} for step in steps]

    def further(done: list[int]) -> Iterator[list[int]]:
        if len(done) == len(steps):
            yield done
        for i in range(len(steps)):
            if i not in done and before[i] <= set(done):
                yield from further([*done, i])

    return ([steps[i] for i in order] for order in further([]))


def peak(graph: Graph, steps: Sequence[ScheduleStep], in_place: bool = False) -> Dim:
    found = live_memory(make_schedule(graph, steps, in_place)).peak
    assert found is not None
    return found


@given(graphs(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_as_good_as_every_order(graph: Graph, in_place: bool, fuse: bool) -> None:
    steps = fuse_steps(graph) if fuse else node_steps(graph)
    found = minimise_peak(graph, steps, in_place)
    assert sorted(found.steps) == sorted(steps)
    assert found.is_optimal
    assert list(found.steps) in list(orders(steps))
    assert peak(graph, found.steps, in_place) == min(peak(graph, order, in_place) for order in orders(steps))


@given(graphs(30), st.booleans())
@settings(max_examples=100, deadline=None)
def test_the_beam_is_never_worse(graph: Graph, in_place: bool) -> None:
    steps = node_steps(graph)
    exact, before = minimise_peak(graph, steps, in_place), reorder.EXACT_BUDGET
    reorder.EXACT_BUDGET = 0
    try:
        found = minimise_peak(graph, steps, in_place)
    finally:
        reorder.EXACT_BUDGET = before
    assert sorted(found.steps) == sorted(steps)
    assert peak(graph, exact.steps, in_place) <= peak(graph, found.steps, in_place) <= peak(graph, steps, in_place)


def test_two_branches() -> None:
    """x -> wide (8) -> narrow (1), twice, then joined: one branch after the other needs 8 + 1 + the input."""

    b = GraphBuilder("two", "made", {"": 17})
    x = b.add_input("x", DType.INT8, (1, 1))
    w = [b.add_initializer(f"w{i}", DType.INT8, (1, 8)) for i in range(2)]
    v = [b.add_initializer(f"v{i}", DType.INT8, (8, 1)) for i in range(2)]
    wide = [b.add("MatMul", [x, w[i]], name=f"wide{i}")[0] for i in range(2)]
    narrow = [b.add("MatMul", [wide[i], v[i]], name=f"narrow{i}")[0] for i in range(2)]
    graph = b.build(b.add("Add", narrow, name="add"))
    steps = node_steps(graph)
    assert peak(graph, steps) == 1 + 8 + 8
    found = minimise_peak(graph, steps)
    assert peak(graph, found.steps) == 1 + 8 + 1
    assert [s.name for s in found.steps] == ["wide0", "narrow0", "wide1", "narrow1", "add"] or found.is_optimal


def test_many_branches_that_are_given_side_by_side() -> None:
    """200 wide tensors (64 bytes) made first, then each reduced to 1: one after the other needs one of them at a time,
    beside the input and what the others were reduced to."""

    b = GraphBuilder("many", "made", {"": 17})
    x = b.add_input("x", DType.INT8, (1, 1))
    w, v = b.add_initializer("w", DType.INT8, (1, 64)), b.add_initializer("v", DType.INT8, (64, 1))
    wide = [b.add("MatMul", [x, w], name=f"wide{i}")[0] for i in range(200)]
    narrow = [b.add("MatMul", [one, v], name=f"narrow{i}")[0] for i, one in enumerate(wide)]
    graph = b.build(b.add("Concat", narrow, {"axis": 1}, name="all"))
    assert peak(graph, node_steps(graph)) == 200 * 64 + 1
    assert peak(graph, minimise_peak(graph, node_steps(graph)).steps) == 200 + 200


def test_sources_run_when_they_are_needed() -> None:
    """Fifty stored tensors that are copied first, then used one after another."""

    b = GraphBuilder("sources", "made", {"": 17})
    x = b.add_input("x", DType.INT8, (10, 10))
    copies = [
        b.add("Transpose", [b.add_initializer(f"w{i}", DType.INT8, (10, 10))], name=f"copy{i}")[0] for i in range(50)
    ]
    for i, copy in enumerate(copies):
        (x,) = b.add("MatMul", [x, copy], name=f"n{i}")
    graph = b.build([x])
    assert peak(graph, node_steps(graph)) == 100 * (50 + 2)
    found = minimise_peak(graph, node_steps(graph))
    assert found.is_optimal
    assert peak(graph, found.steps) == 3 * 100


def test_open_sizes_are_refused_with_their_remedy() -> None:
    graph = costcalc.load("gpt2")
    with pytest.raises(UndecidedError, match="--dim"):
        minimise_peak(graph, node_steps(graph))
