"""Report -> its repeats of blocks as `analyze` folds them, for the working of a model: the lines of a total, the rows
of a table of workings, and the block that the name of a folded row stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim, sum_dims
from costcalc.core.elision import ELISION, match_elided
from costcalc.core.quantities import CATALOGUE
from costcalc.views.explain import LayerExplanation, WorkingLine, value_in_formula
from costcalc.views.repeats import ItemGroup, find_item_repeats
from costcalc.views.report import LEAST_SAVED
from costcalc.views.table import RowRepeat


def find_layer_repeats(report: Report) -> list[ItemGroup]:
    """A report -> the blocks that equal those before them, in order, as its table of layers folds them."""
    return find_item_repeats(report.rows, [()] * len(report.rows), LEAST_SAVED)


def fold_layers(report: Report) -> list[LayerCost | LayerGroup]:
    """A report -> its layers, each run of equal blocks as one group."""
    items: list[LayerCost | LayerGroup] = []
    end = 0
    for repeat in find_layer_repeats(report):
        items += [*report.rows[end : repeat.start], repeat.group]
        end = repeat.stop
    return [*items, *report.rows[end:]]


def find_repeat(report: Report, name: str) -> ItemGroup | None:
    """A report and the name of a folded row, whole (`decoder2 … 12 × 11`) or without `× 11` -> the repeat; None for
    another name."""
    if ELISION not in name:
        return None
    repeats = {repeat.group.name: repeat for repeat in find_layer_repeats(report)}
    wanted = name.strip()
    exact = [key for key in repeats if key == wanted or key.startswith(f"{wanted} × ")]
    found = exact or match_elided(wanted, repeats)
    return repeats[found[0]] if len(found) == 1 else None


def repeat_lines(report: Report, repeat: ItemGroup) -> Iterator[WorkingLine]:
    """A report and a repeat of which one block is explained -> what the block stands for, and the figures of all."""
    text = f"{repeat.group.name}: {repeat.times:,} equal blocks, of which the first is shown; the others cost the same"
    yield WorkingLine("Stands for", (text,))
    for key in ("macs", "flops", "params"):
        one, total = _unit_amount(report, repeat, key)
        if total is not None and total != 0:
            yield WorkingLine(f"{CATALOGUE[key].label} of all", (_times_text(repeat, one),), total)


def fold_workings(report: Report, workings: Sequence[LayerExplanation], key: str) -> Iterator[RowRepeat]:
    """A report, workings of its layers in their order and the quantity of their table -> the rows that stand for equal
    blocks: their name, no operator, how many times what one has, and the sum."""
    positions = {id(working.row): i for i, working in enumerate(workings)}
    for repeat in find_layer_repeats(report):
        rows = [row for row in report.rows[repeat.start : repeat.stop] if row.figures[key] != 0]
        one, total = _unit_amount(report, repeat, key)
        shown = [positions[id(row)] for row in rows if id(row) in positions]
        if total is not None and len(shown) == len(rows) > 1:
            cells = (repeat.group.name, "", _times_text(repeat, one), total)
            yield RowRepeat(shown[0], shown[-1] + 1, cells)


def _unit_amount(report: Report, repeat: ItemGroup, key: str) -> tuple[Dim, Dim | None]:
    """A repeat and a quantity -> that of one of its units, and of all; None for all where a layer's is not known."""
    rows = report.rows[repeat.start : repeat.stop]
    amounts = [amount for row in rows if (amount := row.figures[key]) is not None]
    if len(amounts) < len(rows):
        return 0, None
    return sum_dims(amounts[: len(rows) // repeat.times]), sum_dims(amounts)


def _times_text(repeat: ItemGroup, one: Dim) -> str:
    return f"{repeat.times:,} × {value_in_formula(one)}"
