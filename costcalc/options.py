"""The options that functions of the API hand on, for type checkers: they tell a misspelt one, nothing runs this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class Fixed(TypedDict, total=False):
    """What a sweep leaves as it is: load's arguments but dims and params."""

    shapes: Mapping[str, Sequence[int | str]] | None
    values: Mapping[str, int | bool] | None
    symbolic: bool
    dtype: str | None
    act_dtype: str | None


class Reading(Fixed, total=False):
    """costcalc.load's arguments."""

    dims: Mapping[str, int | str] | None
    params: Mapping[str, str | int | float] | None


class Costing(Reading, total=False):
    """costcalc.analyze's arguments."""

    strict: bool
