"""Options that are given for several models at once: a name that one of them lacks is left out for that model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from costcalc.errors import UnknownNameError

T = TypeVar("T")


def fitting(read: Callable[..., T], options: Mapping[str, Any]) -> tuple[T, tuple[UnknownNameError, ...]]:
    """read(**options) without the names that its model lacks, and the refusal of each of those."""
    lacks: list[UnknownNameError] = []
    while True:
        try:
            return read(**options), tuple(lacks)
        except UnknownNameError as error:
            given = options.get(error.argument) or {}
            if error.name not in given:
                raise
            lacks.append(error)
            options = {**options, error.argument: {k: v for k, v in given.items() if k != error.name}}


def refuse(lacks: Sequence[Sequence[UnknownNameError]]) -> None:
    """Given each model's refusals: raises one for a name that no model has, the one with a hint if there is."""
    for first in lacks[0] if lacks else ():
        alike = [e for of_one in lacks for e in of_one if (e.argument, e.name) == (first.argument, first.name)]
        if len(alike) == len(lacks):
            raise next((e for e in alike if e.remedy.startswith("did you mean")), first)
