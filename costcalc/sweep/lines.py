"""Rows -> lines of CSV or JSON, one each, flat, with one type a column: what streams and can be gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.render.untrusted import spreadsheet
from costcalc.sweep.axis import Axis, shown
from costcalc.sweep.point import Row
from costcalc.sweep.result import columns_of, kind_of, plain

Cell = Callable[[str, Any], str]


def header(form: str, names: Sequence[str]) -> str:
    """The first line of a CSV file; JSON lines have none."""
    return ",".join(names) + "\n" if form == "csv" else ""


def lines(form: str, axes: Sequence[Axis], places: Sequence[int], rows: Sequence[Row]) -> str:
    """The lines of rows, of the columns at these places."""
    if not rows:
        return ""
    columns, names = list(zip(*rows, strict=True)), columns_of(axes)
    cell: Cell = csv_cell if form == "csv" else json_cell
    parts: list[str] = []
    varying: list[Sequence[Any]] = []
    for at in places:
        kind, values = kind_of(axes, at), columns[at]
        label = "" if form == "csv" else f"{json.dumps(names[at])}: "
        cells = _cells(kind, values, cell)
        if cells.count(cells[0]) == len(cells):
            parts.append(f"{label}{cells[0]}".replace("%", "%%"))
        else:
            parts.append(label + "%s")
            varying.append(cells)
    template = ",".join(parts) + "\n" if form == "csv" else "{" + ", ".join(parts) + "}\n"
    if not varying:
        return template % () * len(rows)
    return "".join([template % row for row in zip(*varying, strict=True)])


def _cells(kind: str, values: Sequence[Any], cell: Cell) -> Sequence[Any]:
    """The texts of values, each unlike one made once; whole numbers print themselves."""
    if kind == "int" and None not in values:
        return values
    try:
        kinds = list(map(type, values))  # True and 1 are equal, and not the same word
        made = {key: cell(kind, key[1]) for key in dict.fromkeys(zip(kinds, values, strict=True))}
        return [made[key] for key in zip(kinds, values, strict=True)]
    except TypeError:  # a list has no hash
        return [cell(kind, value) for value in values]


def csv_cell(kind: str, value: Any) -> str:
    """A cell of CSV: what is not known is empty, a float always has its point, a word never begins a formula."""
    if value is None:
        return ""
    text = shown(value)
    if kind == "float":
        return f"{text}.0" if text.lstrip("-").isdigit() else text
    if kind != "text":
        return text
    text = spreadsheet(text)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n\r') else text


def json_cell(kind: str, value: Any) -> str:
    """A value of JSON."""
    return json.dumps(plain(kind, value))
