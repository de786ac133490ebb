"""Axes and quantities -> the columns of a sweep: their names, the one type of each, a row as plain data.

The columns follow from the names that are given alone: the axes, the totals of every model, the further quantities
(`time.t4`), then what is certain of a row, what it does not have and why, and why there is no row at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.dim import Poly, symbols
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.quantity import Certainty, Figure, QuantityRef
from costcalc.studies.sweep.axes import SweepAxis, value_text

Row = tuple[Any, ...]
"""The values of the axes, the figures of TOTALS and of the further quantities (None where they are not known), and
those of STATES."""

STATES = ("lower_bound", "upper_bound", "certainty", "refused", "error")
"""What a row has beside its figures: whether some operator is unknown; whether an open If counts its dearer branch; the
certainty of each figure that is not exact; why the model does not have a quantity; why there are no figures. certainty
and refused are pairs (key, word), None where there are none."""

LOWER, UPPER, CERTAINTY, REFUSED, ERROR = range(-len(STATES), 0)
"""Where they stand in a row."""

TOTAL_REFS = tuple([parse_quantity(key) for key in TOTALS])

RESERVED = (*STATES, *[key for key, quantity in CATALOGUE.items() if not quantity.per_device])
"""The names of columns that no axis has."""


DEVICE_KEYS = tuple([key for key, quantity in CATALOGUE.items() if quantity.per_device])
"""The keys of quantities that are of a device."""


def device_column(name: str, names: Sequence[str], hint: str = "") -> str:
    """`time` -> the column of time on the one device where there is one. Raises unknown_column of any other name."""
    columns = [column for column in names if column.partition(".")[0] == name and name in DEVICE_KEYS]
    if len(columns) == 1:
        return columns[0]
    raise unknown_column(name, columns or names, hint)


def unknown_column(name: str, names: Sequence[str], hint: str = "") -> UsageError:
    """The error for a name that is no column: the nearest column or quantity, or all columns and a hint."""
    if name in DEVICE_KEYS:
        example = names[0] if names and names[0].startswith(f"{name}.") else f"{name}.t4"
        return UsageError(f"{name} is of a device", f"write {example}; `costcalc hardware` lists the devices")
    remedy = did_you_mean(name, dict.fromkeys([*names, *RESERVED]))
    return UsageError(f"there is no column {name!r}", remedy or f"there are {', '.join(names)}{hint}")


class SweepColumns(NamedTuple):
    """The columns of a sweep over these axes, with quantities beyond TOTALS."""

    axes: tuple[SweepAxis, ...]
    quantities: tuple[QuantityRef, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return (*[axis.column for axis in self.axes], *TOTALS, *[ref.key for ref in self.quantities], *STATES)

    def kind(self, position: int) -> str:
        """The one type of a column: int, float (an axis' exact decimals), real (a figure's fraction), bool, text, or
        words by the key of a quantity."""
        if position < len(self.axes):
            return self.axes[position].kind
        ref = self.quantity(position)
        if ref is not None:
            return {"number": "int", "bytes": "int", "boolean": "bool"}.get(ref.quantity.unit, "real")
        return {"error": "text", "certainty": "words", "refused": "words"}.get(self.names[position], "bool")

    def quantity(self, at: int) -> QuantityRef | None:
        """The quantity of a column, None of an axis and of STATES."""
        refs = (*TOTAL_REFS, *self.quantities)
        position = at - len(self.axes)
        return refs[position] if 0 <= position < len(refs) else None

    def figure(self, row: Row, position: int) -> Figure | None:
        """The figure of a quantity's column with its certainty, None where it is not known."""
        ref, value = self.quantity(position), row[position]
        if ref is None or value is None:
            return None
        certainty: Certainty = dict(row[CERTAINTY] or ()).get(ref.key, "exact")
        return Figure(value, certainty)

    def find_column(self, name: str) -> int:
        """Name -> the position of its column, of any case where only one is meant; a device may stand in quotes.
        UsageError, with the nearest, where there is none."""
        names = self.names
        name = name if name in names else name.replace("'", "").replace('"', "")
        if name in names:
            return names.index(name)
        matches = [position for position, column in enumerate(names) if column.lower() == name.lower()]
        if len(matches) == 1:
            return matches[0]
        return names.index(device_column(name, names))

    def record(self, row: Row) -> dict[str, Any]:
        """A row by its columns, as plain data."""
        return {name: plain_value(self.kind(position), row[position]) for position, name in enumerate(self.names)}


def plain_value(kind: str, value: Any) -> Any:
    """A value as its column's type, for JSON and for programs."""
    if value is None or kind in ("int", "bool"):
        return value
    if kind == "words":
        return dict(value)
    return float(value) if kind in ("float", "real") else value_text(value)


def cell_text(kind: str, value: Any) -> str:
    """A value as the text of a CSV cell, without quotes: what is not known is empty, a float always has its point,
    words by key are a JSON object."""
    if value is None:
        return ""
    if kind == "words":
        return json.dumps(dict(value), ensure_ascii=False, allow_nan=False)
    if kind == "real":
        return repr(float(value))
    text = value_text(value)
    return f"{text}.0" if kind == "float" and text.lstrip("-").isdigit() else text


def is_number(value: Any) -> bool:
    """Whether a value is an exact number."""
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def refuse_open_symbols(figures: Iterable[Any], allowed: Sequence[str] = ()) -> None:
    """UsageError where a figure holds a symbol that is not allowed to be open: a sweep gives numbers."""
    names = [name for name in symbols(*(f for f in figures if isinstance(f, Poly))) if name not in allowed]
    if names:
        verb = "is" if len(names) == 1 else "are"
        raise UsageError(f"{', '.join(names)} {verb} open, and a sweep gives numbers", binding_remedy(names))


def binding_remedy(names: Iterable[str]) -> str:
    """Open symbols -> the options that bind them."""
    return "bind it: " + " ".join(f"--dim {name}=…" for name in names)
