"""How often a loop runs: counters that are compared with constants, and near misses, whose number stays open."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from costcalc.core.ir import DType, TensorType
from costcalc.frontends.tflite.flatbuffer import Vector
from costcalc.frontends.tflite.model import OperatorCall, Subgraph, Tensor, TfliteModel
from costcalc.frontends.tflite.trips import count_trips, find_invariants

Calls = Sequence[tuple[str, tuple[int, ...], int]]
"""Operators: name, inputs, output."""

NUMBERS = (0, 1, 2, 3, 7, 9)
BUFFER = bytes(16) + struct.pack(f"<{len(NUMBERS)}i", *NUMBERS)
CARRIED = 3
"""Tensors 0 to 2 are carried; those behind hold NUMBERS; the rest is computed."""


def subgraph(calls: Calls, outputs: tuple[int, ...]) -> Subgraph:
    def tensor(data: Vector | None) -> Tensor:
        return Tensor("", TensorType(DType.INT32, ()), (), data, None, None, False, True, 2, (), 0)

    stored = [Vector(16 + 4 * i, 4) for i in range(len(NUMBERS))]
    tensors = tuple([tensor(data) for data in (*[None] * CARRIED, *stored, *[None] * 8)])
    operators = tuple([OperatorCall(name, False, inputs, (output,), {}) for name, inputs, output in calls])
    return Subgraph("", tensors, tuple(range(CARRIED)), outputs, operators)


def number(value: int) -> int:
    """The index of the tensor that holds it."""
    return CARRIED + NUMBERS.index(value)


FIRST = CARRIED + len(NUMBERS)
"""The index of the first tensor that is computed."""

STEP: Calls = [("ADD", (0, number(2)), FIRST)]


def trips(test: Calls, step: Calls = STEP) -> int | None:
    """The runs of a loop whose counter, tensor 0, begins at 1; tensor 1 stays 7, tensor 2 depends on data."""
    condition = subgraph(test, (test[-1][2],))
    body = subgraph(step, (FIRST, 1, 2))
    return count_trips(TfliteModel(BUFFER, (condition, body), (), "", ()), 0, 1, (1, 7, None))


@pytest.mark.parametrize(
    ("name", "inputs", "runs"),
    [
        ("LESS", (0, number(9)), 4),  # 1, 3, 5, 7
        ("LESS_EQUAL", (0, number(9)), 5),
        ("GREATER", (number(9), 0), 4),  # 9 > i
        ("LESS", (0, 1), 3),  # a limit that is carried as it is: 1, 3, 5
        ("LESS", (0, number(1)), 0),
        ("GREATER", (0, number(0)), None),  # never ends
        ("LESS", (0, 2), None),  # a limit that depends on data
        ("LESS", (2, number(9)), None),  # a counter that depends on data
        ("NOT_EQUAL", (0, number(9)), None),
        ("LESS", (0,), None),
    ],
)
def test_a_comparison(name: str, inputs: tuple[int, ...], runs: int | None) -> None:
    assert trips([(name, inputs, FIRST)]) == runs


def test_a_conjunction_ends_with_its_first_term() -> None:
    two: Calls = [("LESS", (0, number(9)), FIRST), ("LESS", (0, number(3)), FIRST + 1)]
    assert trips([*two, ("LOGICAL_AND", (FIRST, FIRST + 1), FIRST + 2)]) == 1
    open_term = ("LESS", (0, 2), FIRST + 1)
    assert trips([two[0], open_term, ("LOGICAL_AND", (FIRST, FIRST + 1), FIRST + 2)]) is None


def test_a_condition_that_reads_itself_is_left() -> None:
    assert trips([("LOGICAL_AND", (FIRST, 0), FIRST)]) is None


def test_steps_down_and_other_bodies() -> None:
    below: Calls = [("GREATER", (0, number(0)), FIRST)]
    assert trips(below, [("SUB", (0, number(1)), FIRST)]) == 1
    assert trips(below, [("SUB", (number(1), 0), FIRST)]) is None
    assert trips([("LESS", (0, number(9)), FIRST)], [("MUL", (0, number(2)), FIRST)]) is None


def test_what_a_body_gives_on_as_it_is() -> None:
    model = TfliteModel(BUFFER, (subgraph([], ()), subgraph(STEP, (FIRST, 1, 2))), (), "", ())
    assert find_invariants(model, 1) == {1, 2}
    assert find_invariants(model, 5) == frozenset()
