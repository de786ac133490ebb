"""Numbers of combinations -> batches of them -> rows, by this process or by several, always in the grid's order and
as they come."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby, islice

from costcalc.core.errors import ShapeError
from costcalc.ops.plugins import RULE_FILES, load_rules
from costcalc.studies.batch import become_worker
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


def has_formulas(recipe: SweepRecipe, numbers: Sequence[int]) -> bool:
    """Whether formulas stand for the points of some structure: of the first, the middle one or the last."""
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


BATCHES_PER_PROCESS = 4
"""Batches that are under way for each process: enough to keep all busy, few enough to hold in memory."""

MAX_LOCAL_POINTS = 4096
"""Points of one structure whose rows are evaluated sooner than another process sends them."""


def row_blocks(recipe: SweepRecipe, numbers: Sequence[int], jobs: int | None = None) -> Iterator[list[Row]]:
    """The rows of the grid's points of these numbers, batch by batch. jobs is how many processes work (as many as there
    are cores unless given); little work is done by this one."""
    inner = recipe.space.grid.points_per_structure
    uses_formulas = inner >= MIN_FORMULA_POINTS and has_formulas(recipe, numbers)
    batches = number_batches(numbers, inner if uses_formulas else 1)
    head = list(islice(batches, BATCHES_PER_PROCESS))
    jobs = min(jobs or usable_cores(), max(1, len(numbers)))
    if jobs == 1 or len(head) < BATCHES_PER_PROCESS or (uses_formulas and inner >= MAX_LOCAL_POINTS):
        with limit_collections():
            for batch in (*head, *batches):
                yield compute_rows(recipe, batch)
        return
    yield from _run_processes(recipe, iter((*head, *batches)), jobs)


def _run_processes(recipe: SweepRecipe, batches: Iterator[Sequence[int]], jobs: int) -> Iterator[list[Row]]:
    from concurrent.futures import Future, ProcessPoolExecutor

    pool = ProcessPoolExecutor(jobs, initializer=_initialize_worker, initargs=(recipe, tuple(RULE_FILES)))
    futures: deque[Future[list[Row]]] = deque()
    try:
        for batch in batches:
            futures.append(pool.submit(_compute_worker_rows, batch))
            if len(futures) >= jobs * BATCHES_PER_PROCESS:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_recipe: list[SweepRecipe] = []
"""The recipe of a process that works for another: it is sent once, not with every batch."""


def _initialize_worker(recipe: SweepRecipe, rules: Sequence[str]) -> None:
    become_worker()
    for path in rules:
        load_rules(path)
    _recipe[:] = [recipe]
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLD)


def _compute_worker_rows(numbers: Sequence[int]) -> list[Row]:
    return compute_rows(_recipe[0], numbers)


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


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
