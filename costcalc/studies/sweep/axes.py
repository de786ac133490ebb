"""Texts of what is varied to axes of exact values, and the grid of all their combinations, which is counted but
never listed.

`0.25:1.0:0.25`, `128,160,192`, `1:64:*2`, `relu,gelu`, `[3,3],[5,5]`: a comma divides values, but not inside
brackets, parentheses or quotes (`'max(8, n)',16` are two). `first:last:step` is a range that holds
its last value where a step meets it, `first:last:*factor` multiplies. `first:last` is a range of whole numbers with a
step of 1; decimals need a step. Decimals are exact; a value that stands twice counts once.

`dtype=int8,float16`, `fuse=true,false`, `align=null,16` vary any setting of `costcalc.studies.options` that is a
flag, a number, a choice, an element type or words; `null` is its default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.settings import MAPPING_KINDS, Setting, check_value
from costcalc.core.units import exact_decimal
from costcalc.graph.convert import parse_dtype
from costcalc.studies.options import GROUPS, Settings, all_settings

Value = Any
"""An int, a Fraction, a word, true or false, or a list of those."""


@dataclass(frozen=True)
class Steps(Sequence[Any]):
    """first, first + step, …: `length` numbers, exact; or with ratio, each a multiple of the one before."""

    first: Fraction
    step: Fraction
    length: int
    ratio: bool = False

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.length))]
        if not -self.length <= index < self.length:
            raise IndexError(index)
        index %= self.length
        value = self.first * self.step**index if self.ratio else self.first + self.step * index
        return value.numerator if value.denominator == 1 else value


class SweepAxis(NamedTuple):
    """A parameter, symbol or setting with its values. column is its name in tables, name that in the model; a dim is a
    symbol of the inputs, setting says that it is a setting, else it is a parameter; element is that of a parameter that
    is a list."""

    column: str
    name: str
    values: Sequence[Value]
    dim: bool = False
    element: int | None = None
    setting: bool = False

    @property
    def varies(self) -> bool:
        """Whether it has several values; of one, it is a column all the same."""
        return len(self.values) > 1

    @property
    def kind(self) -> str:
        """The one type that its column has: int, float, bool or text."""
        if isinstance(self.values, Steps):
            is_integer = self.values.first.denominator == 1 == self.values.step.denominator
            return "int" if is_integer else "float"
        if isinstance(self.values, range):
            return "int"
        kinds = {type(v) for v in self.values}
        if kinds == {int}:
            return "int"
        if kinds == {bool}:
            return "bool"
        return "float" if kinds <= {int, Fraction} else "text"


class Grid(NamedTuple):
    """All combinations of the axes' values, numbered as nested loops run: the last axis is the fastest. Parameters
    and settings stand before dims, so that the points of one structure follow each other."""

    axes: tuple[SweepAxis, ...]

    @property
    def size(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def points_per_structure(self) -> int:
        """Number of points with the same parameters and settings: the combinations of the dims."""
        return math.prod(len(axis.values) for axis in self.axes if axis.dim)

    def point(self, number: int) -> tuple[Value, ...]:
        """The values of a combination."""
        values: list[Value] = []
        for axis in reversed(self.axes):
            number, index = divmod(number, len(axis.values))
            values.append(axis.values[index])
        return tuple(reversed(values))

    def points(self, numbers: Sequence[int]) -> Iterator[tuple[Value, ...]]:
        """The values of several combinations, in their order."""
        lists = [axis.values if len(numbers) < len(axis.values) else list(axis.values) for axis in self.axes]
        sizes = [len(values) for values in lists]
        loops = list(zip(reversed(lists), reversed(sizes), strict=True))
        for number in numbers:
            point = []
            for values, size in loops:
                number, index = divmod(number, size)
                point.append(values[index])
            yield tuple(reversed(point))


def decimal_text(value: Fraction) -> str:
    """Fraction with finitely many decimals -> its text: 0.25."""
    shift = 0
    while (value * 10**shift).denominator != 1:
        shift += 1
        if shift > 40:
            return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(value.numerator * 10**shift // value.denominator):0{shift + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-shift]}.{digits[-shift:]}" if shift else f"{sign}{digits}"


def value_text(value: Value) -> str:
    """Value -> its text on the command line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Fraction):
        return decimal_text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return str(value)


def values_text(values: Sequence[Value]) -> str:
    """An axis' values -> their text on the command line: `0.25:1:0.25`, `relu,gelu`."""
    if len(values) > 1 and isinstance(values, (Steps, range)):
        multiplies = isinstance(values, Steps) and values.ratio
        ends = f"{value_text(values[0])}:{value_text(values[-1])}"
        return f"{ends}:{'*' if multiplies else ''}{value_text(values.step)}"
    return ",".join(map(value_text, values))


def describe_point(axes: Sequence[SweepAxis], point: Sequence[Value]) -> str:
    """A combination in words, without what is the same in all: `alpha=0.5, N=8`."""
    return ", ".join(f"{a.column}={value_text(v)}" for a, v in zip(axes, point, strict=False) if a.varies) or "as given"


NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?"

RANGE = re.compile(rf"\s*({NUMBER})\s*:\s*({NUMBER})\s*(?::\s*(\*?)\s*({NUMBER})\s*)?")

OPENING, CLOSING = "([{", ")]}"

MAX_VALUES = 10_000_000
"""Values of one axis at most."""

MAX_MULTIPLES = 1000
"""Values of a range that multiplies at most: its exact numbers grow longer with each."""


def parse_values(name: str, text: str) -> Sequence[Any]:
    """The values that a text lists. UsageError, with the axis' name, where it is none."""
    items = list(split_values(text))
    if not all(items):
        raise UsageError(f"{name}={text} has an empty value", "write values with commas between them: 128,160,192")
    if len(items) == 1:
        numbers = parse_range(name, items[0])
        if numbers is not None:
            return numbers
    values: dict[str, Any] = {}
    for item in items:
        for value in parse_range(name, item) or (parse_value(item),):
            values.setdefault(repr(value), value)
    return tuple(values.values())


def split_values(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    depth, quote, start = 0, "", 0
    for position, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
        elif letter == "," and depth <= 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def parse_range(name: str, text: str) -> Steps | range | None:
    """The numbers of a range, None where it is none; whole ones are Python's own range."""
    match = RANGE.fullmatch(text)
    if match is None:
        if ":" in text and text[:1] not in "'\"[":
            raise UsageError(
                f"{name}={text} is no range of numbers", "write first:last:step; put a word with `:` in quotes"
            )
        return None
    first, last = exact_decimal(match[1]), exact_decimal(match[2])
    step = exact_decimal(match[4]) if match[4] else Fraction(1)
    if not match[4] and not first.denominator == last.denominator == 1:
        examples = f"{name}={text}:0.1, or {name}={match[1]},{match[2]} for both ends"
        raise UsageError(f"the range {name}={text} has no step", f"write first:last:step, such as {examples}")
    if match[3]:
        return _geometric_range(name, text, first, last, step)
    if step == 0 or (last - first) / step < 0:
        raise UsageError(f"the range {name}={text} holds nothing", "its step leads from the first value to the last")
    length = _check_length(name, int((last - first) / step) + 1)
    if first.denominator == step.denominator == 1:
        return range(int(first), int(first + step * length), int(step))
    return Steps(first, step, length)


def _geometric_range(name: str, text: str, first: Fraction, last: Fraction, factor: Fraction) -> Steps:
    if not 0 < first <= last or factor <= 1:
        raise UsageError(
            f"the range {name}={text} holds nothing", "multiply from a positive number upwards: 1:64:*2 is 1, 2, 4 … 64"
        )
    count, value = 0, first
    while value <= last:
        count, value = count + 1, value * factor
        if count > MAX_MULTIPLES:
            raise UsageError(f"{name}={text} would have more than {MAX_MULTIPLES:,} values", "take a larger factor")
    return Steps(first, factor, count, ratio=True)


def _check_length(name: str, count: int) -> int:
    if count > MAX_VALUES:
        raise UsageError(f"{name} would have {count:,} values", f"at most {MAX_VALUES:,}: take a larger step")
    return count


def parse_value(text: str) -> Any:
    """One value: a number, true or false, a list, or a word (an expression is a word here)."""
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        inside = text[1:-1].strip()
        return [parse_value(item) for item in split_values(inside)] if inside else []
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(NUMBER, text):
        return exact_number(exact_decimal(text))
    return text


def exact_number(value: Fraction) -> int | Fraction:
    """An int where it is whole."""
    return value.numerator if value.denominator == 1 else value


def list_values(name: str, values: Any) -> Sequence[Value]:
    """The values of an axis from a text, a range, a list or one value of Python; floats are taken as they print."""
    if isinstance(values, str):
        return parse_values(name, values)
    if isinstance(values, (Steps, range)):
        exact_values: Sequence[Value] = values
    elif isinstance(values, (list, tuple)):
        distinct = {repr(_exact_value(value)): _exact_value(value) for value in values}
        exact_values = tuple(distinct.values())
    else:
        exact_values = (_exact_value(values),)
    if not exact_values:
        raise UsageError(f"{name} has no values", "give at least one")
    return exact_values


def _exact_value(value: Any) -> Value:
    if isinstance(value, float):
        return exact_number(Fraction(repr(value)))
    if isinstance(value, (list, tuple)):
        return [_exact_value(v) for v in value]
    return value


VARIABLE_SETTINGS: dict[str, tuple[str, Setting]] = {
    option.name: (group, option)
    for group, settings in all_settings().items()
    for option in settings
    if option.kind not in MAPPING_KINDS
}
"""The settings that can be varied, by name, with their group ("" for those of a model's reading)."""


def setting_axes(values_by_setting: Mapping[str, Any]) -> Iterator[SweepAxis]:
    """An axis for each setting. UsageError, with the nearest name, where there is no such setting, and for a value that
    it cannot have."""
    for key, values in values_by_setting.items():
        name = key.replace("-", "_")
        if name not in VARIABLE_SETTINGS:
            remedy = did_you_mean(name, VARIABLE_SETTINGS) or "there are " + ", ".join(VARIABLE_SETTINGS)
            raise UsageError(f"there is no setting {key!r} to vary", remedy)
        setting = VARIABLE_SETTINGS[name][1]
        checked_values = tuple([_setting_value(setting, value) for value in list_values(name, values)])
        yield SweepAxis(name, name, checked_values, setting=True)


def _setting_value(setting: Setting, value: Value) -> Value:
    """The value of an axis as its setting has it; None for the default of a setting that has none of its own."""
    if isinstance(value, str) and value.lower() in ("null", "none"):
        value = None
    checked = check_value(setting, value)
    if setting.kind == "precision":
        parse_dtype(checked)
    return list(checked) if isinstance(checked, tuple) else checked


def change_settings(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """The settings with these of them changed; an option of training or of generation asks for its group."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        group = VARIABLE_SETTINGS[name][0]
        value = tuple(value) if isinstance(value, list) else value
        if group:
            options = changes.get(group) or getattr(settings, group) or GROUPS[group]()
            changes[group] = options._replace(**{name: value})
        else:
            changes[name] = value
    return settings._replace(**changes)


def all_setting_values(axes: Sequence[SweepAxis]) -> Iterator[dict[str, Value]]:
    """The values of each setting that varies, one at a time."""
    for axis in axes:
        if axis.setting:
            for value in axis.values:
                yield {axis.name: value}
