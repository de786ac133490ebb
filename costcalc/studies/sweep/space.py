"""Values of parameters and symbols -> the grid of their combinations, what is the same at every point, and samples.

One value is an axis, too: a sweep's columns follow from the names, not from how many values they have. `kernels.2` and
`kernels[2]` are an element of a parameter that is a list, counted from 0, `kernels[*]` each of them. A sample is K of N
numbers without replacement, the same for a seed on every machine and with every Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from costcalc.core.errors import UnknownNameError, UsageError
from costcalc.studies.sweep.axes import Grid, SweepAxis, Value, list_values, value_text

ELEMENT = re.compile(r"(.+?)(?:\.(\d+)|\[(\d+|\*)\])")

AxisTexts = Mapping[str, Any]


class Bindings(NamedTuple):
    """The values of a point: a model's parameters, its symbols, and settings by their names."""

    params: dict[str, Any]
    dims: dict[str, Any]
    settings: dict[str, Any]


class Space(NamedTuple):
    """The grid; params and dims of one value, as load takes them; the lists of which elements are given."""

    grid: Grid
    params: dict[str, Any]
    dims: dict[str, Any]
    lists: dict[str, list[Any]]

    def bind(self, point: Sequence[Value]) -> Bindings:
        """Point of the grid -> the values that it binds."""
        params, dims, lists = dict(self.params), dict(self.dims), {k: list(v) for k, v in self.lists.items()}
        settings: dict[str, Any] = {}
        for axis, value in zip(self.grid.axes, point, strict=True):
            if axis.dim:
                dims[axis.name] = value
            elif axis.setting:
                settings[axis.name] = value
            elif axis.element is not None:
                lists[axis.name][axis.element] = value
            else:
                params[axis.name] = value
        return Bindings({**params, **lists}, dims, settings)


def build_space(
    params: AxisTexts,
    dims: AxisTexts,
    defaults: Mapping[str, Any] | None,
    reserved: Sequence[str],
    settings: Iterable[SweepAxis] = (),
) -> Space:
    """params and dims are texts or Python values by name; defaults are the model's own parameters, None where it has
    none; reserved are names of columns that no axis has; settings the axes of settings. UsageError where a name or a
    value is none."""
    axes, fixed_params, lists = _parameter_axes(params, defaults)
    dim_axes, fixed_dims = _dim_axes(dims)
    return Space(Grid(tuple(_name_columns([*axes, *settings, *dim_axes], reserved))), fixed_params, fixed_dims, lists)


ParameterAxes = tuple[list[SweepAxis], dict[str, Any], dict[str, list[Any]]]


def _parameter_axes(params: AxisTexts, defaults: Mapping[str, Any] | None) -> ParameterAxes:
    """The axes of parameters, the parameters of one value, the lists of which elements are given."""
    fixed: dict[str, Any] = {}
    axes: list[SweepAxis] = []
    elements: list[tuple[str, int | None, Sequence[Value]]] = []
    for name, texts in params.items():
        values = list_values(name, texts)
        element = ELEMENT.fullmatch(name) if defaults is not None and name not in defaults else None
        if element:
            at = element[2] or element[3]
            elements.append((element[1], None if at == "*" else int(at), values))
        else:
            axes.append(SweepAxis(name, name, values))
            if len(values) == 1:
                fixed[name] = values[0]
    lists: dict[str, list[Any]] = {}
    for name, index, values in elements:
        if any(axis.varies for axis in axes if axis.name == name and axis.element is None):
            raise UsageError(f"{name} varies as a whole and by its elements", "vary one or the other")
        axes += _element_axes(name, index, values, {**(defaults or {}), **fixed}, lists)
    return [axis for axis in axes if axis.element is not None or axis.name not in lists], fixed, lists


def _dim_axes(dims: AxisTexts) -> tuple[list[SweepAxis], dict[str, Any]]:
    """The axes of symbols, and the symbols of one value."""
    axes: list[SweepAxis] = []
    fixed: dict[str, Any] = {}
    for name, texts in dims.items():
        values = list_values(name, texts)
        if len(values) == 1 and isinstance(values[0], str):  # another symbol's name
            fixed[name] = values[0]
            continue
        axis = SweepAxis(name, name, values, dim=True)
        if axis.kind != "int" or min(values[0], values[-1]) < 0 or (not isinstance(values, range) and min(values) < 0):
            invalid = next((v for v in values if type(v) is not int or v < 0), values[0])
            raise UsageError(f"{name} is bound to {value_text(invalid)}", "a symbol is a whole number of at least 0")
        if len(values) == 1:
            fixed[name] = values[0]
        axes.append(axis)
    return axes, fixed


def _element_axes(
    name: str, index: int | None, values: Sequence[Value], defaults: Mapping[str, Any], lists: dict[str, list[Any]]
) -> Iterator[SweepAxis]:
    default = defaults.get(name)
    if not isinstance(default, list):
        fact = (
            f"the parameter {name!r} is {default!r}, no list"
            if name in defaults
            else f"the model has no parameter {name!r}"
        )
        choices = ", ".join(k for k, v in defaults.items() if isinstance(v, list)) or "it has none"
        raise UnknownNameError(fact, f"parameters that are lists: {choices}", argument="params", name=name)
    if index is not None and index >= len(default):
        raise UsageError(f"{name} has no element {index}", f"its elements are 0 to {len(default) - 1}")
    lists.setdefault(name, list(default))
    for position in range(len(default)) if index is None else (index,):
        yield SweepAxis(f"{name}_{position}", name, values, element=position)


def _name_columns(axes: Sequence[SweepAxis], reserved: Sequence[str]) -> Iterator[SweepAxis]:
    """The axes with columns of their own: a name that a figure has is given as `set_NAME`. An element that is given
    twice (`k[*]` and `k.2`) is the later one's."""
    unique = {(axis.name, axis.element, axis.dim, axis.setting): axis for axis in axes}
    columns: set[str] = set(reserved)
    for axis in unique.values():
        column = re.sub(r"\W", "_", axis.column)
        while column in columns:
            column = f"set_{column}"
        columns.add(column)
        yield axis._replace(column=column)


def draw_sample(size: int, count: int, seed: int) -> Sequence[int]:
    """`count` different numbers below `size` in ascending order, all where there are no more; each set of them is as
    likely as any other. The numbers are drawn, not listed: size may be 10^20."""
    if count >= size:
        return range(size)
    left_out = count > size // 2
    sample: set[int] = set()
    for number in _random_numbers(size, seed):
        sample.add(number)
        if len(sample) == (size - count if left_out else count):
            break
    return [n for n in range(size) if n not in sample] if left_out else sorted(sample)


def _random_numbers(size: int, seed: int) -> Iterator[int]:
    """Uniform numbers below size: SHA-256 of the seed and a counter, cut to the bits of size; what is not below it is
    passed over."""
    bits = (size - 1).bit_length() or 1
    counter = 0
    while True:
        digest = b"".join(sha256(f"{seed}:{counter}:{block}".encode()).digest() for block in range(-(-bits // 256)))
        number = int.from_bytes(digest, "big") >> (8 * len(digest) - bits)
        counter += 1
        if number < size:
            yield number
