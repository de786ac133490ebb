"""Results that are tables of several models or lists, charts, or a page: what the functions of the API return for the
commands `table`, `llm`, `models`, `rule`, `hardware`, `plot` and `report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from costcalc.core.result import Printable, Result, short_repr
from costcalc.views.charts import BarChart, Chart, MemoryChart, ParetoChart, RooflineChart
from costcalc.views.table import Table


@dataclass(frozen=True, slots=True)
class TableSet(Result):
    """Tables with a name, and the content of their JSON document, or the table whose rows it has. machine is the table
    for programs: of a data frame and of CSV; the first unless given."""

    name: str
    sheets: tuple[Table, ...]
    content: Mapping[str, Any]
    machine: Table | None = None

    @property
    def rows(self) -> Table:
        """The table for programs."""
        return self.machine or self.sheets[0]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the tables."""
        rows = ", ".join(f"{len(sheet.rows):,} {'row' if len(sheet.rows) == 1 else 'rows'}" for sheet in self.sheets)
        return short_repr("Tables", self.name, rows)

    def __len__(self) -> int:
        return len(self.sheets[0].rows)


CHART_KINDS: dict[type, str] = {
    BarChart: "bars",
    MemoryChart: "memory",
    RooflineChart: "roofline",
    ParetoChart: "pareto",
}
"""Class of a chart -> its kind, as `plot --kind` and a page's script call it."""


@dataclass(frozen=True, slots=True)
class ChartSet(Printable):
    """Charts, one below the other; save writes them as .svg, .png, .html or .txt."""

    charts: tuple[Chart, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the charts as text."""
        titles = ", ".join(chart.title for chart in self.charts)
        return short_repr("Charts", CHART_KINDS[type(self.charts[0])], titles)


@dataclass(frozen=True, slots=True)
class ReportPage(Printable):
    """One HTML page about models; save writes it as .html, a notebook shows it in a frame."""

    names: tuple[str, ...]
    content: Mapping[str, Any]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Page about", ", ".join(self.names), ".save('report.html') writes it")
