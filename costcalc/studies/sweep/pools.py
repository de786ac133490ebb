"""Pools of workers that compute a recipe's rows: processes of this machine, or what an executor has."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from hashlib import sha256
from typing import Any, Protocol

from costcalc.core.errors import ExecutorError
from costcalc.core.version import __version__
from costcalc.ops.plugins import RULE_FILES, load_rules
from costcalc.studies.batch import become_worker
from costcalc.studies.sweep import worker
from costcalc.studies.sweep.batches import COLLECTION_THRESHOLD
from costcalc.studies.sweep.point import SweepRecipe


class WorkerPool(Protocol):
    """Where chunks are computed."""

    def submit(self, numbers: Sequence[int], with_recipe: bool = False) -> Future[Any]:
        """Numbers -> the ChunkResult to come; with_recipe sends the recipe to a worker that lacks it."""

    def count_workers(self) -> int:
        """How many chunks are computed at once."""

    def is_alive(self) -> bool:
        """Whether what was submitted can still end."""

    def recover(self, error: BaseException | None) -> bool:
        """Whether a chunk that failed so (None: it was cancelled) can be submitted again, perhaps after a while."""

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Leaves undone what has not begun."""

    def describe_loss(self, error: BaseException | None, place: str) -> ExecutorError:
        """The failure of a chunk, with the combinations that it computed -> the error of the sweep."""


LOCAL = "local"
"""Key of the recipe that a process of this machine is made with."""


class LocalPool:
    """Processes of this machine, each made with the recipe; where one is killed, all are made anew."""

    def __init__(self, recipe: SweepRecipe, jobs: int) -> None:
        self.recipe, self.jobs = recipe, jobs
        self.executor = self._start()

    def _start(self) -> Any:
        from concurrent.futures import ProcessPoolExecutor

        arguments = (self.recipe, tuple(RULE_FILES))
        return ProcessPoolExecutor(self.jobs, initializer=_initialize_process, initargs=arguments)

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, numbers: Sequence[int], with_recipe: bool = False) -> Future[Any]:
        future: Future[Any] = self.executor.submit(worker.compute_chunk, None, LOCAL, None, numbers)
        return future

    def count_workers(self) -> int:
        return self.jobs

    def is_alive(self) -> bool:
        return True

    def recover(self, error: BaseException | None) -> bool:
        if isinstance(error, BrokenExecutor):
            self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = self._start()
            return True
        return False

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        for future in futures:
            future.cancel()

    def describe_loss(self, error: BaseException | None, place: str) -> ExecutorError:
        if isinstance(error, BrokenExecutor):
            fact = f"a process that computed {place} was killed again and again"
            return ExecutorError(fact, "memory may not suffice: try --jobs 1")
        return ExecutorError(f"a process that computed {place} failed: {describe_exception(error)}", "try --jobs 1")


def _initialize_process(recipe: SweepRecipe, rules: Sequence[str]) -> None:
    become_worker()
    for path in rules:
        load_rules(path)
    worker.hold_recipe(LOCAL, worker.WorkerRecipe(recipe))
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLD)


MAX_INLINE_BYTES = 1 << 16
"""Bytes of a recipe that goes with every chunk; a larger one is sent when a worker lacks it."""

DEFAULT_WORKERS = 16
"""Workers of an executor that does not say how many it has."""


class ExecutorPool:
    """The workers of any concurrent.futures.Executor, or of an object with such a submit."""

    name = "the executor"

    def __init__(self, executor: Any, recipe: SweepRecipe, number: int) -> None:
        self.executor = executor
        self.payload = worker.pack_recipe(recipe, number)
        self.key = sha256(self.payload).hexdigest()
        self.environment = worker.describe_environment()

    def submit(self, numbers: Sequence[int], with_recipe: bool = False) -> Future[Any]:
        payload = self.payload if with_recipe or len(self.payload) <= MAX_INLINE_BYTES else None
        future: Future[Any] = self.executor.submit(worker.compute_chunk, self.environment, self.key, payload, numbers)
        return future

    def count_workers(self) -> int:
        for name in ("num_workers", "_max_workers"):  # mpi4py's, those of the standard library
            count = getattr(self.executor, name, None)
            if isinstance(count, int) and count > 0:
                return count
        return DEFAULT_WORKERS

    def is_alive(self) -> bool:
        return True

    def recover(self, error: BaseException | None) -> bool:
        return not isinstance(error, (BrokenExecutor, RuntimeError, pickle.PickleError, ImportError, AttributeError))

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        for future in futures:
            future.cancel()

    def describe_loss(self, error: BaseException | None, place: str) -> ExecutorError:
        if isinstance(error, BrokenExecutor):
            fact = f"{self.name} has lost a worker that computed {place}: {describe_exception(error)}"
            return ExecutorError(fact, "make a new executor and start again")
        if _is_of_import(error):
            fact = f"{self.name} cannot load costcalc {__version__}: {describe_exception(error)}"
            version = self.environment["Python"]
            remedy = f"install costcalc=={__version__} with Python {version} wherever it runs, the scheduler included"
            return ExecutorError(fact, remedy)
        fact = f"{self.name} gave up the chunk with {place}: {describe_exception(error)}"
        return ExecutorError(fact, "see what its workers wrote, and start again")


def _is_of_import(error: BaseException | None) -> bool:
    """Whether an exception, or one that it came from, is that a module or a name of costcalc does not exist."""
    while error is not None:
        if isinstance(error, (ImportError, AttributeError)) and "costcalc" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def describe_exception(error: BaseException | None) -> str:
    """An exception, and that which it came from -> one line."""
    if error is None:
        return "it was cancelled"
    text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    cause = error.__cause__
    return f"{text} ({describe_exception(cause)})" if cause is not None else text
