"""Numbers of combinations -> batches of them -> rows, computed in this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby

from costcalc.core.errors import ShapeError
from costcalc.studies.sweep import point
from costcalc.studies.sweep.columns import Row
from costcalc.studies.sweep.formulas import Formulas, confirm_formulas, evaluate_rows, find_formulas
from costcalc.studies.sweep.point import SweepRecipe

MIN_FORMULA_POINTS = 64
"""So many points of one structure are built sooner than its formulas are found."""

BATCH_POINTS = 16
"""Points that are built in one batch."""

BLOCK_POINTS = 1 << 15
"""Points that formulas are evaluated over at once: columns that a processor's cache holds."""


def number_batches(numbers: Sequence[int], inner: int) -> Iterator[Sequence[int]]:
    """The numbers in batches; where there are many combinations of dims, no batch has several structures."""
    if inner < MIN_FORMULA_POINTS:
        for start in range(0, len(numbers), BATCH_POINTS):
            yield numbers[start : start + BATCH_POINTS]
    elif isinstance(numbers, range):
        start, stop = numbers.start, numbers.stop
        while start < stop:
            end = min(stop, start + BLOCK_POINTS, (start // inner + 1) * inner)
            yield range(start, end)
            start = end
    else:
        for _, group in groupby(numbers, lambda number: number // inner):
            members = list(group)
            for start in range(0, len(members), BLOCK_POINTS):
                yield members[start : start + BLOCK_POINTS]


def compute_rows(recipe: SweepRecipe, numbers: Sequence[int]) -> list[Row]:
    """The rows of a batch."""
    grid = recipe.space.grid
    if len(numbers) >= MIN_FORMULA_POINTS and grid.points_per_structure >= MIN_FORMULA_POINTS:
        formulas = _structure_formulas(Structure(recipe, numbers[0] // grid.points_per_structure))
        if formulas is not None:
            try:
                rows = evaluate_rows(recipe, formulas, numbers)
            except ShapeError:  # a division by zero at some point: each point tells its own error
                rows = []
            if rows:
                return rows
    return [point.compute_row(recipe, values) for values in grid.points(numbers)]


def compute_batches(recipe: SweepRecipe, numbers: Sequence[int]) -> list[Row]:
    """The rows of any numbers in ascending order, batch by batch."""
    rows: list[Row] = []
    for batch in number_batches(numbers, recipe.space.grid.points_per_structure):
        rows += compute_rows(recipe, batch)
    return rows


def has_formulas(recipe: SweepRecipe, numbers: Sequence[int]) -> bool:
    """Whether there are many points of one structure, and formulas stand for those of some structure: of the first, the
    middle one or the last."""
    if recipe.space.grid.points_per_structure < MIN_FORMULA_POINTS:
        return False
    positions = (0, len(numbers) // 2, len(numbers) - 1) if numbers else ()
    structures = dict.fromkeys(numbers[position] // recipe.space.grid.points_per_structure for position in positions)
    return any(_structure_formulas(Structure(recipe, number)) is not None for number in structures)


class Structure:
    """A recipe's parameters and settings by their number; equal to another of the same recipe and number."""

    def __init__(self, recipe: SweepRecipe, number: int) -> None:
        self.recipe, self.number = recipe, number

    def __hash__(self) -> int:
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self.number == other.number and self.recipe is other.recipe


@lru_cache(maxsize=4)
def _structure_formulas(structure: Structure) -> Formulas | None:
    """The formulas of a structure, once for all its batches."""
    recipe = structure.recipe
    first = structure.number * recipe.space.grid.points_per_structure
    bindings = recipe.space.bind(recipe.space.grid.point(first))
    dims = {name: size for name, size in bindings.dims.items() if name in recipe.space.dims}
    formulas = find_formulas(recipe, bindings._replace(dims=dims))
    try:
        return formulas if formulas is None or confirm_formulas(recipe, formulas, first) else None
    except ShapeError:
        return None


COLLECTION_THRESHOLD = (100_000, 20, 20)
"""Building a graph makes many objects and no cycles: Python's collector would look through them again and again."""


@contextmanager
def limit_collections() -> Iterator[None]:
    """Fewer collections inside."""
    threshold = gc.get_threshold()
    gc.set_threshold(*COLLECTION_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
