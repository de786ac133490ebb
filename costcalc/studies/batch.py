"""Several models -> their answers in order: directories are opened, one broken file stops no other.

Processes share the work: each knows the rules that this one was given, Ctrl-C reaches this one alone, and none
outlives it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from costcalc.core.errors import CostcalcError, UnknownNameError, UsageError, crash_message
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.foreign import refuse_directory
from costcalc.frontends.recognition import CONFIG_NAME
from costcalc.frontends.source import find_source
from costcalc.frontends.table import is_model_path
from costcalc.ops.plugins import RULE_FILES, load_rules
from costcalc.studies.options import drop_unknown_names, refuse_unknown_names

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")

Answer = TypeVar("Answer")


class Failure(NamedTuple):
    """Why a model has no answer: the message of its error, and its place (file:line:column, or "")."""

    text: str
    place: str = ""


CONFIG_FILES = ("costcalc.yaml", "costcalc.yml", "pyproject.toml")
"""Names of the files that hold limits; they are no models."""


def expand_directories(models: Sequence[str], skip: Collection[str] = CONFIG_FILES) -> list[str]:
    """The models, each directory replaced by the files with a model's suffix that stand in it, in alphabetical order,
    without those whose names are to be skipped. UsageError where a directory has none."""
    paths: list[str] = []
    for model in models:
        paths += _list_models(Path(model), skip) if Path(model).is_dir() and not find_builtin(model) else [model]
    return paths


def _list_models(directory: Path, skip: Collection[str]) -> list[str]:
    files = [p for p in directory.iterdir() if p.name not in skip and p.is_file()]
    paths = sorted(str(p) for p in files if is_model_path(p))
    config = str(directory / CONFIG_NAME)
    if paths == [config]:
        return [str(directory)]
    paths = [path for path in paths if path != config]  # beside exported models it is their configuration
    if not paths:
        refuse_directory(find_source(directory))
        raise UsageError(
            f"there is no model in the directory {directory}",
            "name one with model files (.yaml, .onnx, .pt2, .tflite, .gguf)",
        )
    return paths


def run_models(
    work: Callable[..., Answer],
    models: Sequence[str],
    arguments: Mapping[str, Any],
    jobs: int = 1,
    raise_crashes: bool = False,
) -> Iterator[Answer | Failure]:
    """Models -> work(model, **arguments) of each, in their order, in so many processes. The error of a lone model is
    raised; of several, each is a Failure in its place. A name that is bound holds for the models that have it;
    UsageError behind the last answer where none has. raise_crashes lets an exception that no code expects pass."""
    if len(models) == 1:
        yield work(models[0], **arguments)
        return
    refusals: list[Sequence[UnknownNameError]] = []
    for result in _map_models(partial(_try_model, work, arguments, raise_crashes), models, min(jobs, len(models))):
        if isinstance(result, Failure):
            yield result
        else:
            refusals.append(result[1])
            yield result[0]
    refuse_unknown_names(refusals)


def _try_model(
    work: Callable[..., Answer], arguments: Mapping[str, Any], raise_crashes: bool, model: str
) -> tuple[Answer, tuple[UnknownNameError, ...]] | Failure:
    """The answer with the refusals of names that the model lacks, or what stands in its way."""
    try:
        return drop_unknown_names(partial(work, model), arguments)
    except CostcalcError as error:
        return Failure(f"costcalc: {error.at(model)}")
    except Exception as error:
        if raise_crashes:
            raise
        return Failure(f"{model}: {crash_message(error)}")


def _map_models(work: Callable[[str], Answer], models: Sequence[str], jobs: int) -> Iterator[Answer]:
    if jobs == 1:
        yield from map(work, models)
        return
    with process_pool(work, models, jobs) as futures:
        yield from (future.result() for future in futures)


@contextmanager
def process_pool(work: Callable[[Item], Answer], items: Iterable[Item], jobs: int) -> Iterator[list[Future[Answer]]]:
    """The answers to come, in the items' order, of so many processes. Where something ends the block early, what has
    not begun is left undone."""
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(jobs, initializer=_initialize_worker, initargs=(tuple(RULE_FILES),))
    try:
        with _block_interrupts():
            answers = [pool.submit(work, item) for item in items]
        yield answers
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _block_interrupts() -> Iterator[None]:
    """SIGINT is blocked inside; processes that are started there inherit that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def _initialize_worker(rules: Sequence[str]) -> None:
    become_worker()
    for path in rules:
        load_rules(path)


def become_worker() -> None:
    """Makes this process one that works for another: Ctrl-C is the other's, and where the other is killed this one ends
    with it; it would wait for work for ever, and hold open what reads the output."""
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
