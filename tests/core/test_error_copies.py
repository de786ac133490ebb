"""Errors travel between processes and threads: a copy, or one that was pickled, has all that the original has."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import costcalc
from costcalc.core import errors
from costcalc.core.errors import Correction, CostcalcError, ShapeError, UnknownNameError, did_you_mean

CLASSES = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, CostcalcError)]

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "pickle 2": lambda error: pickle.loads(pickle.dumps(error, 2)),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_is_copied_whole(cls: type[CostcalcError], name: str) -> None:
    error = cls("a fact", did_you_mean("maks", ["macs"]), "net.yaml:3:5")
    found = COPIES[name](error)
    assert type(found) is cls and vars(found) == vars(error) and str(found) == str(error)
    assert isinstance(found.remedy, Correction)
    assert (found.remedy.word, found.remedy.choices) == ("maks", ("macs",))
    assert str(found.at("elsewhere").in_file("x")) == "x: net.yaml:3:5: a fact; did you mean 'macs'?"


@pytest.mark.parametrize("name", COPIES)
def test_an_unknown_name_keeps_its_argument(name: str) -> None:
    found = COPIES[name](UnknownNameError("a fact", argument="dims", name="seq"))
    assert (found.argument, found.name) == ("dims", "seq")


class PicklingExecutor:
    """An executor whose work and answers are pickled, as those of another process are."""

    _max_workers = 1

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(pickle.loads(pickle.dumps(work(*pickle.loads(pickle.dumps(args))))))
        return future


@pytest.mark.parametrize("make", [PicklingExecutor, lambda: ThreadPoolExecutor(1)])
def test_the_error_of_a_point_comes_out_of_an_executor(make: Callable[[], Any]) -> None:
    with pytest.raises(ShapeError, match=r"seq=1025.*make the extents equal"):
        costcalc.sweep("gpt2", dims={"seq": [1000, 1025]}, strict=True, executor=make())
