"""Work shared by processes: each knows the rules that this one was given, Ctrl-C is told to this one alone, and none
outlives it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@contextmanager
def shared_out(work: Callable[[Asked], Answer], items: Iterable[Asked], jobs: int) -> Iterator[list[Future[Answer]]]:
    """The answers to come, in the items' order, of so many processes. Where something ends the block early, what has
    not begun is left undone."""
    from concurrent.futures import ProcessPoolExecutor

    from costcalc.ops.plugins import LOADED

    pool = ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(tuple(LOADED),))
    try:
        with _undisturbed():
            answers = [pool.submit(work, item) for item in items]
        yield answers
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits; processes that are started meanwhile inherit that, and never hear of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(rules: Sequence[str]) -> None:
    from costcalc.ops.plugins import load_rules

    helping()
    for path in rules:
        load_rules(path)


def helping() -> None:
    """Makes this process one that works for another: Ctrl-C is the other's, and where the other is killed this one ends
    with it; it would wait for work for ever, and hold open what reads the output."""
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_other, daemon=True).start()


def _end_with_the_other() -> None:
    from multiprocessing import parent_process

    other = parent_process()
    if other is not None:
        other.join()
        os._exit(1)
