"""Work shared by processes: each knows the rules that this one was given, Ctrl-C is told to this one alone, and none
outlives it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from costcalc.core.errors import UsageError
from costcalc.studies.options import Settings, fitting, refuse
from costcalc.studies.pipeline import analyze

if TYPE_CHECKING:
    from concurrent.futures import Future

    from costcalc.analysis.report import Report


class Failure(NamedTuple):
    """Why a model has no answer: the message of its error, and its place (file:line:column, or "")."""

    text: str
    place: str = ""


def opened(models: Sequence[str], skip: Collection[str] = ()) -> list[str]:
    """The models, each directory replaced by the files with a model's suffix that stand in it, in alphabetical order,
    without those whose names are to be skipped. UsageError where a directory has none."""
    from costcalc.frontends.builtin import find

    found: list[str] = []
    for model in models:
        found += _inside(Path(model), skip) if Path(model).is_dir() and not find(model) else [model]
    return found


def _inside(directory: Path, skip: Collection[str]) -> list[str]:
    from costcalc.frontends.foreign import refuse_directory
    from costcalc.frontends.source import find_source
    from costcalc.frontends.table import suffixes

    known = suffixes()
    files = [p for p in directory.iterdir() if p.suffix in known and p.name not in skip]
    found = sorted(str(p) for p in files if p.is_file())
    if not found:
        refuse_directory(find_source(directory))
        raise UsageError(f"there is no model in the directory {directory}", "name one with .onnx or .yaml files")
    return found


def reports(models: Sequence[str], strict: bool, options: dict[str, Any]) -> list[Report]:
    """The reports of several models, each a file or a built-in name. A symbol that is bound holds for the models that
    have it; UsageError where none has."""

    def read(model: str, **reading: Any) -> Report:
        return analyze(model, Settings.of(**reading), strict)

    found = [fitting(partial(read, model), options) for model in models]
    refuse([lacks for _, lacks in found])
    return [report for report, _ in found]


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
