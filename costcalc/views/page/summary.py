"""Report and the point that it is drawn at -> what stands at the top of its page: totals as tiles, the legend of its
symbols, further figures, notes, and the parts that cost most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from costcalc.analysis.drawing_point import DrawingPoint
from costcalc.analysis.grouping import LayerBlock, costly_parts, module_tree
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim, Poly
from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import format_bytes, format_count, format_percent, format_short
from costcalc.views.headline import block_cost, block_label, drawn_total, sizes_text
from costcalc.views.symbol_names import shorten_symbols, symbol_rows

TILES = {
    "macs": "MACs",
    "params": "Params",
    "flops": "FLOPs",
    "weight_bytes": "Weights",
    "peak_activation_bytes": "Peak activations",
    "traffic_bytes": "Traffic",
}
"""Totals that stand at the top, with their labels."""

MAX_PARTS = 16
"""Parts of a model that its list holds; the others are one row."""


def tile_data(report: Report, point: DrawingPoint, short: Mapping[str, str]) -> list[dict[str, str]]:
    """The totals: rounded with a sign, exact, and where they are formulas these and where they are drawn."""
    return [dict(_tile(report, point, key, short)) for key in TILES if key in point.report.totals]


def _tile(report: Report, point: DrawingPoint, key: str, short: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    kind = CATALOGUE[key].kind
    total = report.totals.get(key)
    sign, value = drawn_total(report, point, key)
    yield "key", key
    yield "label", TILES[key]
    if isinstance(value, Poly):
        yield "formula", f"{sign}{_formula_text(value, short)}"
        return
    yield "value", f"{sign}{format_bytes(value) if kind == 'bytes' else format_short(value)}"
    yield "exact", f"{sign}{format_count(value)}{' bytes' if kind == 'bytes' else ''}"
    if not isinstance(total, int):
        yield "where", point_text(point, short)
        if total is not None:
            yield "formula", _formula_text(total, short)


def _formula_text(total: Dim, short: Mapping[str, str]) -> str:
    return shorten_symbols(printable(format_count(total)), short)


def point_text(point: DrawingPoint, short: Mapping[str, str]) -> str:
    """The point in few words: `at seq = 1,024`, `in the worst case`; "" where nothing was open."""
    sizes = {**point.limits, **point.examples}
    words = ["in the worst case"] if point.data_limits else []
    if sizes:
        words.append(f"at {shorten_symbols(sizes_text(sizes), short)}")
    return " ".join(words)


def drawn_facts(report: Report, point: DrawingPoint) -> dict[str, str]:
    """Totals that are formulas and no tiles -> by label, the number at the point that the report is drawn at."""
    facts = {}
    for key, total in report.totals.items():
        sign, value = drawn_total(report, point, key)
        if isinstance(total, Poly) and isinstance(value, int) and key not in TILES:
            text = format_bytes(value) if CATALOGUE[key].kind == "bytes" else format_short(value)
            facts[CATALOGUE[key].label] = f"{sign}{text}"
    return facts


def legend_data(report: Report, point: DrawingPoint, short: Mapping[str, str]) -> list[list[str]]:
    """The legend of the open symbols: short name, whole name, what it is, its limit, where it is drawn."""
    return [
        [
            printable(row.short),
            printable(row.name),
            printable(row.meaning),
            "" if row.limit is None else f"{row.limit:,}",
            "" if row.drawn is None else f"{row.drawn:,}",
        ]
        for row in symbol_rows(report, point, short)
    ]


def part_data(report: Report) -> list[list[str]]:
    """A drawn report -> a row for each part of its first level that costs something: name, MACs, share of them,
    parameters; [] where figures are open."""
    rows = report.layers
    if any(isinstance(row.figures[key], Poly) for row in rows for key in ("macs", "flops", "params")):
        return []
    key = "macs" if report.totals["macs"] != 0 else "flops"
    parts = costly_parts(module_tree(rows), key)
    whole = sum(block_cost(part, key) for part in parts)
    ranked = sorted(parts, key=lambda part: -block_cost(part, key))
    listed = ranked if len(ranked) <= MAX_PARTS else ranked[: MAX_PARTS - 1]
    cells = [_part_cells(block_label(part), [part], key, whole) for part in listed]
    if others := ranked[len(listed) :]:
        cells.append(_part_cells(f"({len(others):,} others)", others, key, whole))
    return cells


def _part_cells(name: str, parts: Sequence[LayerBlock], key: str, whole: int) -> list[str]:
    """Parts that are one row -> its cells; ≥ where a layer's figure is not known."""
    cost, params = (sum(block_cost(part, quantity) for part in parts) for quantity in (key, "params"))
    is_known = all(row.figures[key] is not None for part in parts for row in part.rows)
    cells = (f"{'' if is_known else '≥ '}{format_short(cost)}", format_percent(cost / whole) if whole else "")
    return [printable(name), *cells, format_short(params)]
