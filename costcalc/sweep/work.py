"""Batches -> rows, by this process or by several, always in the grid's order and as they come."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from costcalc.sweep.batch import FEW, answer, batches, has_formulas
from costcalc.sweep.point import Recipe, Row

AHEAD = 4
"""Batches that are under way for each process: enough to keep all busy, few enough to hold in memory."""

LARGE = 4096
"""Points of one structure whose rows are evaluated sooner than another process sends them."""


def blocks(recipe: Recipe, numbers: Sequence[int], jobs: int | None = None) -> Iterator[list[Row]]:
    """The rows of the grid's points of these numbers, batch by batch. jobs is how many processes work (as many as there
    are cores unless given); little work is done by this one."""
    inner = recipe.space.grid.inner
    evaluated = inner >= FEW and has_formulas(recipe, numbers)
    work = batches(numbers, inner if evaluated else 1)
    first = list(islice(work, AHEAD))
    jobs = min(jobs or cores(), max(1, len(numbers)))
    if jobs == 1 or len(first) < AHEAD or (evaluated and inner >= LARGE):
        with rarely_collecting():
            for batch in (*first, *work):
                yield answer(recipe, batch)
        return
    yield from _spread(recipe, iter((*first, *work)), jobs)


def _spread(recipe: Recipe, work: Iterator[Sequence[int]], jobs: int) -> Iterator[list[Row]]:
    from concurrent.futures import Future, ProcessPoolExecutor

    from costcalc.ops.plugins import LOADED

    pool = ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(recipe, tuple(LOADED)))
    waiting: deque[Future[list[Row]]] = deque()
    try:
        for batch in work:
            waiting.append(pool.submit(_answer, batch))
            if len(waiting) >= jobs * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_recipe: list[Recipe] = []
"""The recipe of a process that works for another: it is sent once, not with every batch."""


def _prepare(recipe: Recipe, rules: Sequence[str]) -> None:
    from costcalc.ops.plugins import load_rules
    from costcalc.processes import helping

    helping()
    for path in rules:
        load_rules(path)
    _recipe[:] = [recipe]
    gc.freeze()
    gc.set_threshold(*THRESHOLD)


def _answer(numbers: Sequence[int]) -> list[Row]:
    return answer(_recipe[0], numbers)


THRESHOLD = (100_000, 20, 20)
"""Building a graph makes many objects and no cycles: Python's collector would look through them again and again."""


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Fewer collections inside."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
