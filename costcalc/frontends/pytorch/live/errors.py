"""Exceptions of torch and of the user's code -> where in the user's source, and in what words."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch

from costcalc.core.units import parse_digits

_LIBRARIES = tuple(str(Path(file).parent) + "/" for file in (torch.__file__, str(Path(__file__).parents[3] / "x")))
"""Folders of torch and of costcalc, whose lines are nobody's own."""

_MAX_LINE = 200

_PYTHON = Path(linecache.__file__).parent

_DATA_DEPENDENT = ("GuardOnDataDependentSymNode", "DataDependentOutputException", "UserErrorType.DYNAMIC_CONTROL_FLOW")


def user_place(error: BaseException) -> str:
    """An exception -> `file:line` of its innermost line outside of torch, costcalc and Python itself; "" where there is
    none."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        is_own = not frame.filename.startswith((*_LIBRARIES, "<")) and "/importlib/" not in frame.filename
        if is_own and Path(frame.filename).parent != _PYTHON and frame.lineno:
            place = f"{_short(frame.filename)}:{frame.lineno}"
    return place


def _short(file: str) -> str:
    """A file as seen from the working directory, where it lies in it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def code_at(place: str) -> str:
    """`file:line` -> that line."""
    file, _, line = place.rpartition(":")
    return linecache.getline(file, parse_digits(line) or 0).strip()[:100]


def is_data_dependent(error: Any) -> bool:
    """Whether torch refuses since the values of a tensor decide what is computed."""
    names = [type(error).__name__, str(getattr(error, "error_type", ""))]
    return any(name in _DATA_DEPENDENT for name in names) or "data-dependent" in str(error)[:300].lower()


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, at most 200 characters: whole words."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line if len(line) <= _MAX_LINE else shorten(line, _MAX_LINE, placeholder=" …")
