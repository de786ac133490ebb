"""Models → a Sheet with a row for each: their totals side by side, for a README."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.analysis.report import Report, total
from costcalc.core.errors import UsageError, one_of
from costcalc.core.quantities import TOTALS
from costcalc.studies.options import Settings, fitting, refuse
from costcalc.studies.pipeline import analyze
from costcalc.views import columns
from costcalc.views.summary import inputs
from costcalc.views.table import Column, Sheet

DEFAULT = ("name", "macs", "params", "weight_bytes", "peak_activation_bytes")


class Asked(NamedTuple):
    """What a table shows: models, the options of costcalc.analyze that hold for all of them, and columns. short rounds
    counts to three digits, as bytes always are."""

    models: tuple[str, ...]
    options: Mapping[str, Any]
    columns: tuple[str, ...] = ()
    short: bool = False


_TEXTS: dict[str, tuple[Column, Callable[[Report, str], Any]]] = {
    "name": (Column("name", "Model", "name", 100), lambda report, name: name),
    "source": (Column("source", "Source", "text", 40), lambda report, name: Path(report.source).name),
    "input": (Column("input", "Input", "text", 50), lambda report, name: inputs(report)),
    "layers": (Column("layers", "Layers", "number", 50), lambda report, name: len(report.layers)),
}

COLUMNS = (*_TEXTS, *TOTALS)


def build(asked: Asked, path: Callable[[str], str] = str) -> Sheet:
    """The table. path turns a model as it was written into what is loaded. UsageError for a column that does not exist
    and for a bound name that no model has; a model that cannot be read raises its own error."""
    keys = [_known(key) for key in asked.columns or DEFAULT]
    found = [fitting(partial(_read, path(model)), asked.options) for model in asked.models]
    refuse([lacks for _, lacks in found])
    names = _told_apart([report.name for report, _ in found], asked.models)
    rows = [tuple([_cell(report, name, key) for key in keys]) for (report, _), name in zip(found, names, strict=True)]
    return Sheet("Models", "", tuple([_column(key, asked.short) for key in keys]), tuple(rows), kind="table")


def _read(model: str, **reading: Any) -> Report:
    return analyze(model, Settings.of(**reading))


def _known(key: str) -> str:
    if key in COLUMNS:
        return key
    raise UsageError(f"there is no column {key!r}", one_of(key, COLUMNS))


def _told_apart(names: Sequence[str], models: Sequence[str]) -> list[str]:
    """Models of one name are called as they were asked for."""
    return [name if names.count(name) == 1 else model for name, model in zip(names, models, strict=True)]


def _column(key: str, short: bool) -> Column:
    if key in _TEXTS:
        return _TEXTS[key][0]
    kind = "bytes" if key.endswith("bytes") else "short" if short else "number"
    return Column(key, columns.COLUMNS[key].title if key in columns.COLUMNS else "Peak activations", kind, 90)


def _cell(report: Report, name: str, key: str) -> Any:
    """A figure; None (`?`) for a peak that open symbols leave open."""
    if key in _TEXTS:
        return _TEXTS[key][1](report, name)
    return total(report, key) if key in report.totals else None
