"""Table -> a pandas or polars DataFrame with typed, nullable columns.

int64 holds a count only up to 9.2e18: a column with a larger one, or with a formula of open symbols, holds objects
(pandas), Decimal or text (polars), so that no figure is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any, Literal

from costcalc.core.dim import Poly, format_formula
from costcalc.core.errors import UsageError
from costcalc.core.sanitize import printable
from costcalc.render.csv import shapes_text
from costcalc.views.table import Column, Table

ColumnType = Literal["integer", "large", "real", "flag", "mixed", "text"]

INT64 = range(-(2**63), 2**63)

DECIMAL_LIMIT = 10**38
"""Integers below it have at most 38 digits, which a 128-bit Decimal holds."""

FLOAT_LIMIT = 2**53
"""Every integer up to it is a float64."""

TYPE_OF_KIND: dict[str, ColumnType] = {
    **dict.fromkeys(("number", "short", "bytes", "rate", "size", "change", "figure"), "integer"),
    **dict.fromkeys(("share", "ratio", "decimal", "seconds", "percent"), "real"),
    "flag": "flag",
}
"""Kind of a column -> its type where it holds no value."""


def make_frame(table: Table, library: str) -> Any:
    """Table -> a pandas.DataFrame or a polars.DataFrame, without bars. UsageError where the library is not
    installed."""
    try:
        module = import_module(library)
    except ImportError as error:
        if error.name != library:
            raise
        fact = f"a {library} data frame needs {library}, which is not installed"
        raise UsageError(fact, f"pip install {library}") from error
    columns = [(i, column) for i, column in enumerate(table.columns) if column.kind != "bar"]
    values = {column.key: [_plain_value(column, row[i]) for row in table.rows] for i, column in columns}
    types = {column.key: find_type(column, values[column.key]) for _, column in columns}
    series: Callable[..., Any] = _pandas_series if library == "pandas" else _polars_series
    return module.DataFrame({key: series(module, types[key], values[key]) for key in values})


def find_type(column: Column, values: Sequence[Any]) -> ColumnType:
    """Column and its plain values -> the narrowest type that holds all of them exactly."""
    classes = {value.__class__ for value in values if value is not None}
    if not classes:
        return TYPE_OF_KIND.get(column.kind, "text")
    if str in classes and classes <= {str}:
        return "text"
    if Poly in classes or str in classes:
        return "mixed"
    if classes == {bool}:
        return "flag"
    if float in classes:
        is_exact = all(value.__class__ is not int or abs(value) <= FLOAT_LIMIT for value in values)
        return "real" if is_exact else "mixed"
    return "integer" if all(value is None or value in INT64 for value in values) else "large"


def _plain_value(column: Column, value: Any) -> Any:
    """Raw value of a cell -> an int, a float, a bool, a text, a formula, or None."""
    if isinstance(value, tuple):
        return shapes_text(value)
    if isinstance(value, str):
        return printable(value) if value or TYPE_OF_KIND.get(column.kind) is None else None
    if isinstance(value, Fraction):
        is_count = value.denominator == 1 and TYPE_OF_KIND.get(column.kind) == "integer"
        return int(value) if is_count else float(value)
    return value


def _as_formula(value: Any) -> Any:
    return None if value is None else format_formula(value) if isinstance(value, Poly) else value


def _pandas_series(pandas: Any, kind: ColumnType, values: Sequence[Any]) -> Any:
    if kind in ("large", "mixed"):
        return pandas.Series([pandas.NA if v is None else _as_formula(v) for v in values], dtype=object)
    dtypes = {"integer": "Int64", "real": "Float64", "flag": "boolean", "text": "string"}
    return pandas.Series(list(values), dtype=dtypes[kind])


def _polars_series(polars: Any, kind: ColumnType, values: Sequence[Any]) -> Any:
    if kind == "large" and all(value is None or abs(value) < DECIMAL_LIMIT for value in values):
        from decimal import Decimal

        decimals = [None if value is None else Decimal(value) for value in values]
        return polars.Series(decimals, dtype=polars.Decimal(38, 0))
    if kind in ("large", "mixed"):
        texts = [None if value is None else str(_as_formula(value)) for value in values]
        return polars.Series(texts, dtype=polars.String)
    dtypes = {"integer": polars.Int64, "real": polars.Float64, "flag": polars.Boolean, "text": polars.String}
    return polars.Series(list(values), dtype=dtypes[kind], strict=False)
