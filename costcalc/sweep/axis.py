"""What is varied: axes of exact values, and the grid of all their combinations, which is counted but never listed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

Value = Any
"""An int, a Fraction, a word, true or false, or a list of those."""


@dataclass(frozen=True)
class Steps(Sequence[Any]):
    """first, first + step, …: `length` numbers, exact; or with ratio, each a multiple of the one before."""

    first: Fraction
    step: Fraction
    length: int
    ratio: bool = False

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.length))]
        if not -self.length <= index < self.length:
            raise IndexError(index)
        index %= self.length
        value = self.first * self.step**index if self.ratio else self.first + self.step * index
        return value.numerator if value.denominator == 1 else value


class Axis(NamedTuple):
    """One thing that is given, and mostly varied. column is what tables call it, name what the model does; a dim is a
    symbol of the inputs, else it is a parameter; element is that of a parameter that is a list."""

    column: str
    name: str
    values: Sequence[Value]
    dim: bool = False
    element: int | None = None

    @property
    def varies(self) -> bool:
        """Whether it has several values; of one, it is a column all the same."""
        return len(self.values) > 1

    @property
    def kind(self) -> str:
        """The one type that its column has: int, float, bool or text."""
        if isinstance(self.values, Steps):
            whole = self.values.first.denominator == 1 == self.values.step.denominator
            return "int" if whole else "float"
        if isinstance(self.values, range):
            return "int"
        kinds = {type(v) for v in self.values}
        if kinds == {int}:
            return "int"
        if kinds == {bool}:
            return "bool"
        return "float" if kinds <= {int, Fraction} else "text"


class Grid(NamedTuple):
    """All combinations of the axes' values, numbered as nested loops run: the last axis is the fastest. Parameters
    stand before dims, so that the points of one structure follow each other."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def inner(self) -> int:
        """How many points have the same parameters: the combinations of the dims."""
        return math.prod(len(axis.values) for axis in self.axes if axis.dim)

    def point(self, number: int) -> tuple[Value, ...]:
        """The values of a combination."""
        found: list[Value] = []
        for axis in reversed(self.axes):
            number, at = divmod(number, len(axis.values))
            found.append(axis.values[at])
        return tuple(reversed(found))

    def points(self, numbers: Sequence[int]) -> Iterator[tuple[Value, ...]]:
        """The values of several combinations, in their order."""
        lists = [axis.values if len(numbers) < len(axis.values) else list(axis.values) for axis in self.axes]
        sizes = [len(values) for values in lists]
        loops = list(zip(reversed(lists), reversed(sizes), strict=True))
        for number in numbers:
            found = []
            for values, size in loops:
                number, at = divmod(number, size)
                found.append(values[at])
            yield tuple(reversed(found))


def decimal(value: Fraction) -> str:
    """A fraction whose decimals end, as they are written: 0.25."""
    shift = 0
    while (value * 10**shift).denominator != 1:
        shift += 1
        if shift > 40:
            return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(value.numerator * 10**shift // value.denominator):0{shift + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-shift]}.{digits[-shift:]}" if shift else f"{sign}{digits}"


def shown(value: Value) -> str:
    """A value as it would be given."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Fraction):
        return decimal(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def where(axes: Sequence[Axis], point: Sequence[Value]) -> str:
    """A combination in words, without what is the same in all: `alpha=0.5, N=8`."""
    return ", ".join(f"{a.column}={shown(v)}" for a, v in zip(axes, point, strict=False) if a.varies) or "as given"
