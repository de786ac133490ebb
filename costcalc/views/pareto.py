"""Models, or the rows of a sweep's file -> points by two quantities, with the Pareto front."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from costcalc.analysis.report import Report
from costcalc.core.errors import LoadError, UsageError
from costcalc.core.quantities import CATALOGUE, QuantityRef
from costcalc.views.charts import Axis, Front, Point, names

Record = Mapping[str, Any]

SUFFIXES = (".csv", ".json", ".jsonl")

NAMES = ("model", "name", "label", "error", "lower_bound", "upper_bound", "certainty", "refused")
"""Columns that name a row or judge it, and are no quantity."""


def records(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """A row for each report: its name and totals."""
    return [{"model": name, **report.totals} for name, report in zip(names(reports), reports, strict=True)]


def read(path: str) -> list[dict[str, Any]]:
    """The rows of a table: CSV with a header, JSON lines, or JSON with a list of objects in it. LoadError where there
    are none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"{path} cannot be read: {error}", "name a CSV or JSON file") from error
    try:
        if path.endswith(".csv"):
            found: Any = list(csv.DictReader(text.splitlines()))
        elif path.endswith(".jsonl"):
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            found = _rows(json.loads(text))
    except (ValueError, csv.Error, RecursionError) as error:
        raise LoadError(
            f"{path} is no table: {error}", "costcalc sweep writes one with --format csv or json"
        ) from error
    if not found or not all(isinstance(row, dict) for row in found):
        raise LoadError(f"{path} has no rows", "costcalc sweep writes some with --format csv or json")
    return [{str(k): _value(v) for k, v in row.items()} for row in found]


def _rows(content: Any) -> Any:
    """The first list of objects, from outside in."""
    if isinstance(content, list):
        return content if content and isinstance(content[0], dict) else None
    inside = content.values() if isinstance(content, dict) else ()
    return next((rows for value in inside if (rows := _rows(value))), None)


def _value(value: Any) -> Any:
    """Numbers as numbers, the rest as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def front(rows: Sequence[Record], x: str, y: str, maximize: Sequence[str], title: str) -> Front:
    """Points of the rows in which both quantities are numbers. UsageError where no row has them."""
    have = list(dict.fromkeys(key for row in rows for key in row))
    for key in (x, y, *maximize):
        if key not in have:
            raise UsageError(f"there is no quantity {key!r}", f"there are {', '.join(have)}")
    for key in maximize:
        if key not in (x, y):
            raise UsageError(f"{key} is on no axis", f"give it as --x or --y, or leave --maximize {key} out")
    usable = [row for row in rows if all(_is_number(row.get(key)) for key in (x, y)) and not row.get("error")]
    if not usable:
        raise UsageError(f"no row has both {x} and {y} as numbers", "bind what is open with --dim, or take others")
    axes = tuple(
        Axis(key, _title(key), "bytes" if key.endswith("bytes") else "number", key in maximize) for key in (x, y)
    )
    labels = _labels(usable, (x, y))
    best = _best([(_cost(row[x], axes[0]), _cost(row[y], axes[1])) for row in usable])
    points = [
        Point(label, row[x], row[y], i in best) for i, (row, label) in enumerate(zip(usable, labels, strict=True))
    ]
    return Front(title or f"{axes[0].title} and {axes[1].title}", axes[0], axes[1], tuple(points))


def _title(key: str) -> str:
    """A quantity's label with its unit where that is one of time or energy, else the key itself."""
    name, _, device = key.partition(".")
    quantity = CATALOGUE.get(name)
    if quantity is None or quantity.per_device != bool(device):
        return key
    unit = {"seconds": " in s", "joules": " in J"}.get(quantity.unit, "")
    return QuantityRef(quantity, device).label + unit


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _cost(value: Any, axis: Axis) -> Any:
    return -value if axis.greatest else value


def _best(values: Sequence[tuple[Any, Any]]) -> set[int]:
    """Which points no other beats: from left to right, each that is lower than all before it, and its equals."""
    found: set[int] = set()
    lowest: tuple[Any, Any] | None = None
    for i in sorted(range(len(values)), key=lambda i: values[i]):
        if lowest is None or values[i][1] < lowest[1] or values[i] == lowest:
            lowest = values[i]
            found.add(i)
    return found


def _labels(rows: Sequence[Record], axes: Sequence[str]) -> list[str]:
    """A row's name, or what it is told apart by: the columns that are no figures, on no axis, and differ."""
    name = next((key for key in ("model", "name", "label") if len({str(row.get(key)) for row in rows}) > 1), None)
    if name:
        return [str(row.get(name)) for row in rows]
    keys = [key for key in rows[0] if key.partition(".")[0] not in (*CATALOGUE, *NAMES) and key not in axes]
    keys = [key for key in keys if len({str(row.get(key)) for row in rows}) > 1]
    return [", ".join(f"{key}={row.get(key)}" for key in keys[:4]) for row in rows]
