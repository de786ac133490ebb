"""Diffs -> what their HTML page shows, as plain data: a sentence, tables of totals and causes, the conditions, and
every layer of either version with its figures before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import format_shapes
from costcalc.core.version import __version__
from costcalc.studies.diff.diff import Diff, LayerChange
from costcalc.studies.diff.snapshot import SnapshotLayer
from costcalc.studies.diff.threshold import ThresholdResult
from costcalc.views.diff import count_statuses, diff_tables, diff_title, overview_table, versions_text
from costcalc.views.diff_words import describe_change, operator_text
from costcalc.views.page.amounts import amount_data
from costcalc.views.sentence import diff_sentence
from costcalc.views.table import Table

QUANTITIES = ("macs", "params", *(key for key in LAYER_QUANTITIES if key not in ("macs", "params", "buffers")))
"""Quantities that the table of layers can show, in order."""

MAX_STATIC = 30
"""Layers of the table that stands without scripts."""


def diff_page_content(
    diffs: Sequence[Diff], findings: Sequence[tuple[Diff, ThresholdResult]], empty: str
) -> dict[str, Any]:
    """Diffs and the findings of conditions -> the page's data; empty is what to say where there is no diff."""
    return {
        "version": __version__,
        "title": printable(", ".join(map(diff_title, diffs)) or empty),
        "quantities": [[key, CATALOGUE[key].label] for key in QUANTITIES],
        "models": [],
        "empty": printable(empty) if not diffs else "",
        "headline": f"{printable(diff_sentence(diffs, empty))}.",
        "diffs": [_diff_entry(diff, findings) for diff in diffs],
    }


def static_tables(diffs: Sequence[Diff]) -> tuple[Table | None, list[tuple[Table, ...]]]:
    """Diffs -> the table that lists several, and the tables of each: totals, causes, the layers that changed most."""
    return overview_table(diffs) if len(diffs) > 1 else None, [diff_tables(diff, MAX_STATIC) for diff in diffs]


def _diff_entry(diff: Diff, findings: Sequence[tuple[Diff, ThresholdResult]]) -> dict[str, Any]:
    return {
        "title": printable(diff_title(diff)),
        "versions": printable(versions_text(diff)),
        "headline": f"{printable(diff_sentence([diff]))}.",
        "counts": printable(count_statuses(diff)),
        "conditions": [
            [printable(finding.threshold.text), finding.outcome, printable(finding.fact)]
            for other, finding in findings
            if other is diff
        ],
        "layers": _layer_columns(diff.layers),
    }


def _layer_columns(changes: Sequence[LayerChange]) -> dict[str, Any]:
    """The layers of both versions -> one list a column; each quantity has before, after and difference."""
    return {
        "status": [change.status for change in changes],
        "name": [printable(change.name) for change in changes],
        "op": [printable(operator_text(change)) for change in changes],
        "change": [printable(describe_change(change)) for change in changes],
        "old_shape": [_shapes_text(change.before) for change in changes],
        "new_shape": [_shapes_text(change.after) for change in changes],
        "amounts": {key: _amount_columns(changes, key) for key in QUANTITIES},
    }


def _amount_columns(changes: Sequence[LayerChange], key: str) -> Mapping[str, list[Any]]:
    pairs = [change.amounts(key) for change in changes]
    return {
        "before": [amount_data(before) for before, _ in pairs],
        "after": [amount_data(after) for _, after in pairs],
        "delta": [amount_data(change.delta(key)) for change in changes],
    }


def _shapes_text(layer: SnapshotLayer | None) -> str:
    return "" if layer is None else printable(format_shapes(tuple(tensor.shape for tensor in layer.outputs)))
