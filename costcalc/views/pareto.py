"""Models, or the rows of a sweep's file -> points by two quantities, with the Pareto front."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from costcalc.core.errors import LoadError, QuantityError, UsageError
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import QuantityRef
from costcalc.studies.measurement import Measurement
from costcalc.views.charts import ChartAxis, ParetoChart, Point, quantity_axis, report_names

Record = Mapping[str, Any]

SUFFIXES = (".csv", ".json", ".jsonl")

NAME_COLUMNS = ("model", "name", "label", "error", "lower_bound", "upper_bound", "certainty", "refused")
"""Columns that name a row or judge it, and are no quantity."""


def report_records(measurements: Sequence[Measurement], quantities: Sequence[QuantityRef] = ()) -> list[dict[str, Any]]:
    """A row for each model: its name, its totals, and these quantities as numbers; None where it does not have one.
    QuantityError where none of the models has it."""
    names = report_names([measurement.base for measurement in measurements])
    rows: list[dict[str, Any]] = [
        {"model": name, **measurement.base.totals} for name, measurement in zip(names, measurements, strict=True)
    ]
    for ref in quantities:
        figures = [measurement.attempt(ref) for measurement in measurements]
        if figures and all(isinstance(figure, QuantityError) for figure in figures):
            measurements[0].figure(ref)
        for row, figure in zip(rows, figures, strict=True):
            value = None if isinstance(figure, QuantityError) else figure.value
            row[ref.key] = float(value) if isinstance(value, Fraction) else value
    return rows


def read_records(path: str) -> list[dict[str, Any]]:
    """The rows of a table: CSV with a header, JSON lines, or JSON with a list of objects in it. LoadError where there
    are none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"{path} cannot be read: {error}", "name a CSV or JSON file") from error
    try:
        if path.endswith(".csv"):
            rows: Any = list(csv.DictReader(text.splitlines()))
        elif path.endswith(".jsonl"):
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            rows = _find_rows(json.loads(text))
    except (ValueError, csv.Error, RecursionError) as error:
        raise LoadError(
            f"{path} is no table: {error}", "costcalc sweep writes one with --format csv or json"
        ) from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise LoadError(f"{path} has no rows", "costcalc sweep writes some with --format csv or json")
    return [{str(k): _parse_number(v) for k, v in row.items()} for row in rows]


def _find_rows(content: Any) -> Any:
    """JSON → its first list of objects, from outside in."""
    if isinstance(content, list):
        return content if content and isinstance(content[0], dict) else None
    inside = content.values() if isinstance(content, dict) else ()
    return next((rows for value in inside if (rows := _find_rows(value))), None)


def _parse_number(value: Any) -> Any:
    """A cell → its number where it is the text of one, else the cell."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def pareto_chart(rows: Sequence[Record], x: str, y: str, maximize: Sequence[str], title: str) -> ParetoChart:
    """Points of the rows in which both quantities are numbers. UsageError where no row has them."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for key in (x, y, *maximize):
        if key not in columns:
            raise UsageError(f"there is no quantity {key!r}", f"there are {', '.join(columns)}")
    for key in maximize:
        if key not in (x, y):
            raise UsageError(f"{key} is on no axis", f"give it as --x or --y, or leave --maximize {key} out")
    usable = [row for row in rows if all(_is_number(row.get(key)) for key in (x, y)) and not row.get("error")]
    if not usable:
        raise UsageError(f"no row has both {x} and {y} as numbers", "bind what is open with --dim, or take others")
    axes = [quantity_axis(key, key in maximize) for key in (x, y)]
    labels = _labels(usable, (x, y))
    front = _pareto_front([(_cost(row[x], axes[0]), _cost(row[y], axes[1])) for row in usable])
    points = [
        Point(label, row[x], row[y], i in front) for i, (row, label) in enumerate(zip(usable, labels, strict=True))
    ]
    return ParetoChart(title or f"{axes[0].title} and {axes[1].title}", axes[0], axes[1], tuple(points))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _cost(value: Any, axis: ChartAxis) -> Any:
    return -value if axis.greatest else value


def _pareto_front(values: Sequence[tuple[Any, Any]]) -> set[int]:
    """Pairs of costs → the indexes of the Pareto front: from left to right, each that is lower than all before it, and
    its equals."""
    front: set[int] = set()
    lowest: tuple[Any, Any] | None = None
    for i in sorted(range(len(values)), key=lambda i: values[i]):
        if lowest is None or values[i][1] < lowest[1] or values[i] == lowest:
            lowest = values[i]
            front.add(i)
    return front


def _labels(rows: Sequence[Record], axes: Sequence[str]) -> list[str]:
    """Rows → a label for each: its name, or the columns that are no figures, on no axis, and differ."""
    name = next((key for key in ("model", "name", "label") if len({str(row.get(key)) for row in rows}) > 1), None)
    if name:
        return [str(row.get(name)) for row in rows]
    keys = [key for key in rows[0] if key.partition(".")[0] not in (*CATALOGUE, *NAME_COLUMNS) and key not in axes]
    keys = [key for key in keys if len({str(row.get(key)) for row in rows}) > 1]
    return [", ".join(f"{key}={row.get(key)}" for key in keys[:4]) for row in rows]
