"""Results to JSON, the contract for other programs: a versioned document."""

from __future__ import annotations

import json
from typing import Any

from costcalc.analysis.report import FORMAT_VERSION
from costcalc.core.amount import LowerBound, json_amount
from costcalc.core.sanitize import escape_controls
from costcalc.core.version import __version__
from costcalc.render.terminal import knows_unicode
from costcalc.views.table import FigureCell, Table


def with_groups(model: dict[str, Any], by: str, groups: Table) -> dict[str, Any]:
    """Model's entry and groups -> the entry with its rows by operator or block, which stand before what devices and
    generation add."""
    trailing_keys = ("hardware", "generation")
    first = {key: value for key, value in model.items() if key not in trailing_keys}
    last = {key: value for key, value in model.items() if key in trailing_keys}
    return {**first, "groups": {"by": by, "rows": row_objects(groups)}, **last}


def row_objects(sheet: Table) -> list[dict[str, Any]]:
    """Sheet -> its rows as JSON objects; certainty and refused say by column what is certain of figures that are not
    exact, and why there is none."""
    keys = [(i, column.key) for i, column in enumerate(sheet.columns) if column.kind != "bar"]
    return [
        {key: _json_value(row[i]) for i, key in keys} | _certainty_and_refusals({key: row[i] for i, key in keys})
        for row in sheet.rows
    ]


def _certainty_and_refusals(row: dict[str, Any]) -> dict[str, Any]:
    """A row's cells by column -> `certainty` and `refused`, each where there is any."""
    cells = {key: cell for key, cell in row.items() if isinstance(cell, FigureCell)}
    certainty = {key: cell.certainty for key, cell in cells.items() if cell.certainty != "exact"}
    refusals = {key: cell.refusal for key, cell in cells.items() if cell.refusal}
    return {name: words for name, words in (("certainty", certainty), ("refused", refusals)) if words}


def _json_value(value: Any) -> Any:
    if isinstance(value, FigureCell):
        return value.value
    if isinstance(value, LowerBound):
        return {"at_least": json_amount(value.value)}
    if isinstance(value, tuple):
        return [None if shape is None else [json_amount(d) for d in shape] for shape in value]
    return value if isinstance(value, (float, str)) else json_amount(value)


def dump(content: dict[str, Any]) -> str:
    """Content -> the document as text, with its versions at its head; characters that standard output cannot show are
    escaped."""
    document = {"format_version": FORMAT_VERSION, "costcalc": __version__, **content}
    return escape_controls(json.dumps(document, ensure_ascii=not knows_unicode(), allow_nan=False))
