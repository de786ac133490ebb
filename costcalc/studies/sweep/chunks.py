"""Numbers of combinations -> chunks of them, which workers compute -> rows, in the grid's order and as they come.

The numbers go out in chunks that take about TARGET_SECONDS each, so that sending them costs little, and only a few for
each worker are under way at once, so that memory stays bounded. A chunk whose worker is lost is computed again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

from costcalc.core.errors import ExecutorError
from costcalc.studies.sweep.axes import describe_point
from costcalc.studies.sweep.cluster import connect_executor, open_pool
from costcalc.studies.sweep.columns import Row
from costcalc.studies.sweep.point import SweepRecipe
from costcalc.studies.sweep.pools import LocalPool, WorkerPool

__all__ = ["LocalPool", "connect_executor", "open_pool", "run_chunks"]

CHUNKS_PER_WORKER = 4
"""Chunks that are under way for each worker: enough to keep all busy, few enough to hold in memory."""

TARGET_SECONDS = 0.5
"""Time that a chunk takes. Sending one costs the scheduler, the client and the worker some milliseconds together."""

LEAST_SECONDS = 0.1
"""Time that a chunk takes at least, also towards the end, where chunks become smaller."""

FIRST_POINTS = 4
"""Points of the first chunks, from which the time of a point is learnt."""

MAX_CHUNK_POINTS = 4096
"""Points of a chunk at most: all chunks under way are held in memory."""

POLL_SECONDS = 1.0
"""How often it is asked whether the executor is still there."""

MAX_ATTEMPTS = 3
"""How often a chunk is given out before its failure is told."""


@dataclass
class Chunk:
    """Numbers that a worker computes, their future, and how often they were given out."""

    numbers: Sequence[int]
    future: Future[Any]
    attempts: int = 1


class ChunkSizes:
    """The points of the next chunk: by the time that points took so far, smaller towards the end, so that all workers
    end together; with formulas up to the end of a structure, which is then built once."""

    def __init__(self, numbers: Sequence[int], inner: int) -> None:
        self.numbers, self.inner = numbers, inner
        self.start = 0
        self.points = self.seconds = 0.0

    def measure(self, points: int, seconds: float) -> None:
        """Notes how long a chunk took; older ones count less and less."""
        self.points, self.seconds = self.points / 2 + points, self.seconds / 2 + seconds

    def next(self, workers: int) -> Sequence[int]:
        """The numbers of the next chunk; none at the end."""
        remaining = len(self.numbers) - self.start
        rate = self.points / max(self.seconds, 1e-9)  # points a second
        count = int(TARGET_SECONDS * rate) if self.points else FIRST_POINTS
        share = max(-(-remaining // (2 * workers)), int(LEAST_SECONDS * rate))
        count = max(1, min(count, share, MAX_CHUNK_POINTS))
        stop = min(len(self.numbers), self.start + count)
        while self.inner > 1 and stop < len(self.numbers) and self._is_same_structure(stop):
            stop += 1
        chunk, self.start = self.numbers[self.start : stop], stop
        return chunk

    def _is_same_structure(self, position: int) -> bool:
        return self.numbers[position] // self.inner == self.numbers[position - 1] // self.inner


def run_chunks(
    pool: WorkerPool, recipe: SweepRecipe, numbers: Sequence[int], uses_formulas: bool
) -> Iterator[list[Row]]:
    """The rows of these numbers by a pool's workers, in their order. The error of a combination is raised in its place;
    ExecutorError where the pool cannot go on."""
    sizes = ChunkSizes(numbers, recipe.space.grid.points_per_structure if uses_formulas else 1)
    pending: deque[Chunk] = deque()
    try:
        while True:
            workers = max(1, pool.count_workers())
            while len(pending) < CHUNKS_PER_WORKER * workers and (chunk := sizes.next(workers)):
                pending.append(Chunk(chunk, _submit(pool, chunk)))
            if not pending:
                return
            result = _wait_for_first(pool, recipe, pending)
            if result is None:
                continue
            pending.popleft()
            if result.error is not None:
                raise result.error
            sizes.measure(len(result.rows), result.seconds)
            yield result.rows
    finally:
        pool.cancel([chunk.future for chunk in pending])


def _submit(pool: WorkerPool, numbers: Sequence[int], with_recipe: bool = False) -> Future[Any]:
    try:
        return pool.submit(numbers, with_recipe)
    except Exception as error:  # a broken or closed executor says so here
        return _failed(error)


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def _wait_for_first(pool: WorkerPool, recipe: SweepRecipe, pending: deque[Chunk]) -> Any:
    """The result of the first chunk; None where chunks were given out again. ExecutorError where one was lost too
    often, or the pool is."""
    first = pending[0].future
    while not wait([first], timeout=POLL_SECONDS).done:
        if not pool.is_alive():
            pending[0].future = _failed(ConnectionError("the connection was lost"))
            break
    failures = [chunk for chunk in pending if chunk.future.cancelled() or _failure(chunk) is not None]
    if failures:
        error = _failure(failures[0])
        if max(chunk.attempts for chunk in failures) >= MAX_ATTEMPTS or not pool.recover(error):
            raise _describe_loss(pool, recipe, failures[0], error)
        for chunk in failures:
            chunk.attempts += 1
            chunk.future = _submit(pool, chunk.numbers)
    unknown = [chunk for chunk in pending if chunk not in failures and _lacks_recipe(chunk)]
    for chunk in unknown:
        chunk.future = _submit(pool, chunk.numbers, with_recipe=True)
    return None if failures or unknown else first.result()


def _failure(chunk: Chunk) -> BaseException | None:
    """Why the executor has no result of a chunk; None where it has one, or has none yet."""
    future = chunk.future
    return future.exception() if future.done() and not future.cancelled() else None


def _lacks_recipe(chunk: Chunk) -> bool:
    return chunk.future.done() and chunk.future.result().is_unknown


def _describe_loss(pool: WorkerPool, recipe: SweepRecipe, chunk: Chunk, error: BaseException | None) -> ExecutorError:
    """What an executor said of a chunk -> the error, with the combinations that it was computing."""
    grid = recipe.space.grid
    place = describe_point(grid.axes, grid.point(chunk.numbers[0]))
    count = len(chunk.numbers)
    more = f" and {count - 1} more" if count > 1 else ""
    return pool.describe_loss(error, f"{place}{more}")
