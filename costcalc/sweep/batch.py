"""Numbers of combinations -> batches of them -> rows, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from costcalc.errors import ShapeError
from costcalc.sweep import point
from costcalc.sweep.formulas import Formulas, formulas, holds, rows
from costcalc.sweep.point import Recipe, Row

FEW = 64
"""So many points of one structure are built sooner than its formulas are found."""
BUILT = 16
"""Points that are built in one batch."""
BLOCK = 1 << 15
"""Points that formulas are evaluated over at once: columns that a processor's cache holds."""


def batches(numbers: Sequence[int], inner: int) -> Iterator[Sequence[int]]:
    """The numbers in batches; where there are many combinations of dims, no batch has several structures."""
    if inner < FEW:
        for start in range(0, len(numbers), BUILT):
            yield numbers[start : start + BUILT]
    elif isinstance(numbers, range):
        start, stop = numbers.start, numbers.stop
        while start < stop:
            end = min(stop, start + BLOCK, (start // inner + 1) * inner)
            yield range(start, end)
            start = end
    else:
        for _, group in groupby(numbers, lambda number: number // inner):
            members = list(group)
            for start in range(0, len(members), BLOCK):
                yield members[start : start + BLOCK]


def answer(recipe: Recipe, numbers: Sequence[int]) -> list[Row]:
    """The rows of a batch."""
    grid = recipe.space.grid
    if len(numbers) >= FEW and grid.inner >= FEW:
        asked = Structure(recipe, numbers[0] // grid.inner)
        given = _formulas(asked)
        if given is not None:
            try:
                found = rows(recipe, given, numbers)
            except ShapeError:  # a division by zero at some point: each point tells its own error
                found = []
            if found:
                return found
    return [point.row(recipe, values) for values in grid.points(numbers)]


def has_formulas(recipe: Recipe, numbers: Sequence[int]) -> bool:
    """Whether formulas stand for the points of some structure: of the first, the middle one or the last."""
    places = (0, len(numbers) // 2, len(numbers) - 1) if numbers else ()
    structures = dict.fromkeys(numbers[place] // recipe.space.grid.inner for place in places)
    return any(_formulas(Structure(recipe, number)) is not None for number in structures)


class Structure:
    """A recipe's parameters by their number; equal to another of the same recipe and number."""

    def __init__(self, recipe: Recipe, number: int) -> None:
        self.recipe, self.number = recipe, number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self.number == other.number and self.recipe is other.recipe


@lru_cache(maxsize=4)
def _formulas(asked: Structure) -> Formulas | None:
    """The formulas of a structure, once for all its batches."""
    recipe = asked.recipe
    first = asked.number * recipe.space.grid.inner
    params, dims = recipe.space.at(recipe.space.grid.point(first))
    given = formulas(recipe, params, {k: v for k, v in dims.items() if k in recipe.space.dims})
    try:
        return given if given is None or holds(recipe, given, first) else None
    except ShapeError:
        return None
