"""Axes that count from either end, and lengths that a tensor of unknown contents still tells."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.assume import agree
from costcalc.dim import Dim, divide
from costcalc.errors import ShapeError
from costcalc.ir import TensorType, Value


def axis_of(axis: int, rank: int) -> int:
    """The axis counted from the front. ShapeError outside [-rank, rank)."""
    if 0 <= axis < rank:
        return axis
    if -rank <= axis < 0:
        return axis + rank
    raise ShapeError(f"axis {axis} does not exist in a tensor of rank {rank}", f"name one from {-rank} to {rank - 1}")


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """The axes counted from the front. ShapeError where one repeats."""
    found = tuple([axis_of(axis, rank) for axis in axes])
    if len(set(found)) != len(found):
        raise ShapeError(f"an axis repeats in {list(axes)}", "name each axis once")
    return found


def value_of(t: TensorType | None) -> Value | None:
    """The elements of an optional input, None where it is absent or its contents are not known."""
    return None if t is None else t.value


def length_of(t: TensorType) -> int:
    """How many elements a vector of shape or axis numbers has. A shape of open length has no rank to give."""
    return int(t.elements)


def exactly(a: Dim, b: Dim, fact: str, remedy: str) -> Dim:
    """a / b. ShapeError(fact, remedy) where it leaves a rest; an assumption where that is open."""
    quotient = divide(a, b) if b != 0 else None
    if quotient is None:
        quotient = a // b
        try:
            agree(quotient * b, a)
        except ShapeError as error:
            raise ShapeError(fact, remedy) from error
    return quotient
