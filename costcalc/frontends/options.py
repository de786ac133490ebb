"""Bound symbols, parameters, shapes and values as a user gives them -> ReadOptions, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.arguments import check_mapping
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import UnknownNameError, UsageError
from costcalc.frontends.symbols import parse_dim_param, refuse_empty


class ReadOptions(NamedTuple):
    """How a front end reads a model.

    dims binds symbols, params replaces the model's own parameters, shapes replaces whole input shapes, values binds
    small integer or boolean inputs; symbolic leaves batch and spatial extents open; upper takes extents and trip counts
    that depend on data as large as they can be. source_map asks the front end for Loaded.source_map.
    """

    dims: Mapping[str, Dim] = {}
    params: Mapping[str, Any] = {}
    shapes: Mapping[str, Sequence[Dim]] = {}
    values: Mapping[str, int | bool | float] = {}
    symbolic: bool = False
    upper: bool = False
    source_map: bool = False

    def non_defaults(self) -> dict[str, Any]:
        """The options that are not their defaults, by name, without source_map, which changes nothing of a graph."""
        values, defaults = self._asdict(), self._field_defaults
        return {name: value for name, value in values.items() if name != "source_map" and value != defaults[name]}

    def refuse(self, argument: str, fact: str, remedy: str) -> None:
        """UnknownNameError where an argument is used that this kind of model does not have (`params`, `values` …)."""
        for name in getattr(self, argument):
            raise UnknownNameError(fact, remedy, argument=argument, name=name)


NO_PARAMETERS = "--set is for YAML models, configurations and PyTorch code"
"""The fact where a parameter is set of a model whose format has none."""


def read_options(**options: Any) -> ReadOptions:
    """Fields of ReadOptions as a user gives them -> the options, with names of symbols turned into extents. UsageError
    for what is no extent or no mapping."""
    for name, default in ReadOptions._field_defaults.items():
        if isinstance(default, Mapping):
            options[name] = check_mapping(name, options.get(name))
    options["dims"] = {name: _check_extent(value, name, 0) for name, value in options["dims"].items()}
    for name, value in options["dims"].items():
        refuse_empty(name, value)
    options["shapes"] = {name: _check_extents(shape, name) for name, shape in options["shapes"].items()}
    return ReadOptions(**options)


def _check_extent(value: Dim | str, name: str, minimum: int) -> Dim:
    """An extent from the command line or from Python: a number, or a symbol's name."""
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if re.fullmatch(r"-?[0-9]{1,999}", text) else parse_dim_param(text)
    if isinstance(value, bool) or not isinstance(value, (int, Poly)) or (isinstance(value, int) and value < minimum):
        raise UsageError(
            f"{name} is bound to {value!r}", f"give a whole number of at least {minimum}, or a symbol's name"
        )
    return value


def _check_extents(shape: Sequence[Dim | str], name: str) -> list[Dim]:
    """The extents of an input from the command line or from Python."""
    if isinstance(shape, str) or not isinstance(shape, Iterable):
        raise UsageError(f"{name} is given the shape {shape!r}", f'list its extents: {{"{name}": [1, 3, 224, 224]}}')
    return [_check_extent(d, name, 0) for d in shape]
