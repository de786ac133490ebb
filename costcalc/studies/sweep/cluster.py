"""`dask://HOST:8786` -> the executor of a Dask cluster; an executor -> the pool of its workers."""

from __future__ import annotations

import logging
import re
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from costcalc.core.errors import ExecutorError, UsageError
from costcalc.studies.sweep.point import SweepRecipe
from costcalc.studies.sweep.pools import ExecutorPool, describe_exception
from costcalc.studies.sweep.worker import compare_environments

DEFAULT_PORT = 8786
"""The port on which a Dask scheduler listens unless told otherwise."""

ADDRESS = re.compile(r"dask(?:\+(tcp|tls))?://(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]@]+)(?::(\d{1,5}))?/?")

ADDRESS_REMEDY = "write dask://HOST:8786, the address of a Dask scheduler (dask+tls:// for TLS as Dask is configured)"

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer."""


def scheduler_address(text: str) -> str:
    """`dask://HOST:PORT` or `dask+tls://HOST:PORT` -> Dask's address of it: tcp://HOST:PORT. UsageError where it
    is none."""
    match = ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[3] or DEFAULT_PORT) < 65536:
        raise UsageError(f"{text!r} is no address of an executor", ADDRESS_REMEDY)
    return f"{match[1] or 'tcp'}://{match[2]}:{match[3] or DEFAULT_PORT}"


@contextmanager
def connect_executor(text: str) -> Iterator[Any]:
    """The address of a scheduler -> its executor, closed at the end; what Dask logs meanwhile is not shown, for an
    ExecutorError tells it. UsageError where the package distributed is not installed; ExecutorError where no scheduler
    answers."""
    address = scheduler_address(text)
    try:
        import distributed
    except ImportError as error:
        if error.name != "distributed":
            raise
        raise UsageError(f"{text} needs the package distributed", "pip install 'costcalc[dask]'") from error
    with _silent("distributed", "tornado", "asyncio"):
        client = _connect(distributed.Client, address)
        try:
            yield client.get_executor(pure=False)
        finally:
            client.close(timeout=CONNECT_SECONDS if client.status == "running" else 1)


def _connect(client_type: Any, address: str) -> Any:
    """The address of a scheduler -> a client; one that is just starting has CONNECT_SECONDS for it. The port is tried
    first, for the message of Dask does not say whether it is the name or the port that is wrong."""
    parts = urlsplit(address)
    end = monotonic() + CONNECT_SECONDS
    while True:
        try:
            with socket.create_connection((parts.hostname, parts.port), timeout=CONNECT_SECONDS):
                break
        except OSError as error:
            if isinstance(error, socket.gaierror) or monotonic() > end:
                raise _unreachable(address, error.strerror or str(error)) from error
        sleep(0.2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, which are compared here
            return client_type(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreachable(address, describe_exception(error)) from error


def _unreachable(address: str, reason: str) -> ExecutorError:
    fact = f"no Dask scheduler answers at {address}: {reason}"
    return ExecutorError(fact, "check the address; `dask scheduler` starts one, and prints it")


@contextmanager
def _silent(*packages: str) -> Iterator[None]:
    """The loggers of these packages log nothing inside."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in packages]
    levels = {logger: logger.level for logger in map(logging.getLogger, (*names, *packages))}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def open_pool(executor: Any, recipe: SweepRecipe, number: int) -> ExecutorPool:
    """An executor, or a Dask client -> the pool of its workers; number is the combination by which they compare. A pool
    stays as it is. UsageError where it is none."""
    if isinstance(executor, ExecutorPool):
        return executor
    if hasattr(executor, "get_executor"):
        executor = executor.get_executor(pure=False)
    if not callable(getattr(executor, "submit", None)):
        remedy = "give a concurrent.futures.Executor, such as client.get_executor() of Dask, or 'dask://HOST:8786'"
        raise UsageError(f"the executor is a {type(executor).__name__}, which has no submit()", remedy)
    client = getattr(executor, "_client", None)
    if hasattr(client, "nthreads") and hasattr(client, "scheduler"):
        return DaskPool(executor, recipe, number, client)
    return ExecutorPool(executor, recipe, number)


COUNT_SECONDS = 5.0
"""How long a count of a cluster's workers holds."""

RECONNECT_SECONDS = 30.0
"""How long a scheduler may be away."""

IDLE_SECONDS = 10.0
"""How long a cluster has no worker before that is told."""


class DaskPool(ExecutorPool):
    """The workers of a Dask cluster, which may come and go. Dask itself computes again what a lost worker had; what it
    cancels, because the scheduler was away, is submitted again when that is back."""

    def __init__(self, executor: Any, recipe: SweepRecipe, number: int, client: Any) -> None:
        super().__init__(executor, recipe, number)
        self.client = client
        self.name = f"the Dask scheduler at {client.scheduler.address}"
        self.workers, self.counted, self.idle_since = 0, -COUNT_SECONDS, monotonic()
        compare_versions(client.get_versions(packages=["costcalc"]))

    def count_workers(self) -> int:
        if monotonic() - self.counted > COUNT_SECONDS and self.is_running():
            self.workers, self.counted = len(self.client.nthreads()), monotonic()
            if self.workers:
                self.idle_since = monotonic()
        return self.workers

    def is_running(self) -> bool:
        """Whether the client is connected to its scheduler."""
        return bool(self.client.status == "running")

    def is_alive(self) -> bool:
        if not self.count_workers() and monotonic() - self.idle_since > IDLE_SECONDS:
            text = "costcalc: %s has no worker, and the sweep waits for one; start it with `dask worker ADDRESS`"
            logging.getLogger("costcalc").warning(text, self.name)
            self.idle_since = float("inf")
        return self.is_running()

    def recover(self, error: BaseException | None) -> bool:
        if error is not None and not isinstance(error, (CancelledError, OSError)):
            return False
        end = monotonic() + RECONNECT_SECONDS
        while not self.is_running() and self.client.status != "closed" and monotonic() < end:
            sleep(0.2)
        return self.is_running()

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        if self.is_running():
            super().cancel(futures)

    def describe_loss(self, error: BaseException | None, place: str) -> ExecutorError:
        if not self.is_running():
            return ExecutorError(f"{self.name} was lost", "start it again")
        if type(error).__name__ == "KilledWorker":
            fact = f"{self.name} gave up {place}: every worker that computed it ended"
            return ExecutorError(
                fact, "give workers more memory (`dask worker --memory-limit`), or see what they wrote"
            )
        return super().describe_loss(error, place)


def compare_versions(versions: Mapping[str, Any]) -> None:
    """What Dask tells of the versions of client, scheduler and workers -> UsageError where the scheduler does not have
    this costcalc, or a worker this costcalc and this Python. A worker that cannot load a chunk ends without a word. A
    costcalc that is not installed, but found on a path, has no version here: its workers tell theirs."""
    sender = _installed(versions["client"])
    places = {"the scheduler": versions["scheduler"], **versions["workers"]}
    for place, description in places.items():
        if isinstance(description, Mapping) and "packages" in description:
            names = ("costcalc",) if place == "the scheduler" else tuple(sender)
            found = _installed(description)
            expected = {name: sender[name] for name in names if name in sender}
            compare_environments(expected, {name: found[name] for name in expected if name in found}, place)


def _installed(description: Mapping[str, Any]) -> dict[str, str]:
    """The versions of a process, without what is not installed: costcalc, and Python without its last number."""
    packages = description["packages"]
    python = ".".join(str(packages["python"]).split(".")[:2])
    costcalc = packages.get("costcalc")
    return {**({"costcalc": costcalc} if costcalc else {}), "Python": python}
