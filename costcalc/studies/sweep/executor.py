"""Numbers of combinations -> rows, by this process, by processes of this machine or by any executor, always in the
grid's order and as they come."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from types import ModuleType
from typing import Any

from costcalc.studies.sweep.batches import compute_rows, has_formulas, limit_collections, number_batches
from costcalc.studies.sweep.columns import Row
from costcalc.studies.sweep.point import SweepRecipe

LOCAL_BATCHES = 4
"""Batches that are fewer are computed sooner than other processes are started."""

MAX_LOCAL_POINTS = 4096
"""Points of one structure whose rows are evaluated sooner than another process sends them."""


def row_blocks(
    recipe: SweepRecipe, numbers: Sequence[int], jobs: int | None = None, executor: Any = None
) -> Iterator[list[Row]]:
    """The rows of the grid's points of these numbers, block by block. An executor's workers compute them, else so many
    processes of this machine as jobs says (as there are cores unless given). Little work is done by this process, and
    so is what formulas give for many points at once: their rows are evaluated sooner than another process sends them.
    ExecutorError where workers cannot be reached, or differ from this process."""
    inner = recipe.space.grid.points_per_structure
    uses_formulas = has_formulas(recipe, numbers)
    is_local = uses_formulas and inner >= MAX_LOCAL_POINTS
    if executor is not None and numbers and not is_local:
        chunks = distribution()
        yield from chunks.run_chunks(chunks.open_pool(executor, recipe, numbers[0]), recipe, numbers, uses_formulas)
        return
    batches = number_batches(numbers, inner if uses_formulas else 1)
    head = list(islice(batches, LOCAL_BATCHES))
    jobs = min(jobs or usable_cores(), max(1, len(numbers)))
    if jobs == 1 or len(head) < LOCAL_BATCHES or is_local:
        with limit_collections():
            for batch in (*head, *batches):
                yield compute_rows(recipe, batch)
        return
    with distribution().LocalPool(recipe, jobs) as pool:
        yield from distribution().run_chunks(pool, recipe, numbers, uses_formulas)


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def distribution() -> ModuleType:
    """The module that has other processes compute chunks, imported when they are first needed."""
    return import_module("costcalc.studies.sweep.chunks")
