"""Diff → plain content for programs: JSON, and one flat Sheet of the layers that changed for CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from costcalc.analysis.layers import LAYER_QUANTITIES, total_certainty
from costcalc.core.amount import json_amount
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.quantity import Certainty, Figure
from costcalc.studies.diff.diff import STATUSES, Diff, LayerChange, is_lower_bound, total_change
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.views.diff import diff_title, largest_changes, relative_change
from costcalc.views.diff_words import describe_change, operator_text
from costcalc.views.figures import figure_plain
from costcalc.views.settings import settings_document
from costcalc.views.table import Column, Table


def diff_document(diff: Diff, top: int | None = None) -> dict[str, Any]:
    """The diff's entry of the JSON report. A difference that is not known is null; layers are those that changed, top
    leaves the ones with the largest difference."""
    counts = Counter(change.status for change in diff.layers)
    return {
        "name": diff_title(diff),
        "before": _version_document(diff.before),
        "after": _version_document(diff.after),
        "totals": {key: _total_document(diff, key) for key in _total_keys(diff)},
        "causes": _causes_document(diff.causes),
        "counts": {status: counts[status] for status in STATUSES},
        "layers": [_layer_document(change) for change in largest_changes(diff, top)],
    }


def _version_document(snapshot: Snapshot) -> dict[str, Any] | None:
    """A version; None where the model is not in it."""
    if not snapshot.source:
        return None
    symbols = {name: json_amount(value) for name, value in snapshot.symbols.items()}
    return {
        "name": snapshot.name,
        "source": snapshot.source,
        **settings_document(snapshot.settings),
        "symbols": symbols,
        "unknown_ops": dict(snapshot.unknown),
    }


def _total_keys(diff: Diff) -> Iterator[str]:
    """The totals that either version has, and the further quantities."""
    for key in diff.quantities:
        if (
            key not in TOTALS
            or diff.totals(key) != (None, None)
            or key in {**diff.before.figures, **diff.after.figures}
        ):
            yield key


def _total_document(diff: Diff, key: str) -> dict[str, Any]:
    """A quantity of both versions with its certainty, or why a version does not have it."""
    before, after = diff.figures(key)
    change, ratio = total_change(diff, key), relative_change(diff, key)
    figures = [figure for figure in (before, after) if not isinstance(figure, QuantityError)]
    is_bound = key in TOTALS and (is_lower_bound(diff.before, key) or is_lower_bound(diff.after, key))
    entry: dict[str, Any] = {
        "before": figure_plain(before),
        "after": figure_plain(after),
        "difference": float(change) if isinstance(change, Fraction) else json_amount(change),
        "ratio": None if ratio is None else float(ratio),
        "lower_bound": is_bound or any(figure.certainty == "lower" for figure in figures),
    }
    versions = {"before": (diff.before, before), "after": (diff.after, after)}
    refusals = {side: str(figure) for side, (_, figure) in versions.items() if isinstance(figure, QuantityError)}
    certainty = {
        side: _figure_certainty(snapshot, key, figure)
        for side, (snapshot, figure) in versions.items()
        if not isinstance(figure, QuantityError)
    }
    return entry | {"certainty": certainty} | ({"refused": refusals} if refusals else {})


def _figure_certainty(snapshot: Snapshot, key: str, figure: Figure) -> Certainty:
    """What is certain of a figure of a version; an open If makes totals upper bounds."""
    if key not in TOTALS or not snapshot.upper_bound:
        return figure.certainty
    return total_certainty(key, CATALOGUE[key].columns if is_lower_bound(snapshot, key) else (), True)


def _causes_document(causes: Mapping[str, Mapping[str, Dim]]) -> dict[str, dict[str, Any]]:
    return {key: {cause: json_amount(amount) for cause, amount in amounts.items()} for key, amounts in causes.items()}


def _layer_document(change: LayerChange) -> dict[str, Any]:
    old, new = change.before, change.after
    return {
        "status": change.status,
        "before": old and old.name,
        "after": new and new.name,
        "op_type": (new or old).op_type,  # type: ignore[union-attr]
        "place": (new and new.place) or None,
        "change": describe_change(change),
        **{key: _amount_document(change, key) for key in LAYER_QUANTITIES},
        "causes": _causes_document(change.causes),
    }


def _amount_document(change: LayerChange, key: str) -> dict[str, Any]:
    before, after = change.amounts(key)
    return {"before": json_amount(before), "after": json_amount(after), "difference": json_amount(change.delta(key))}


def layer_changes_table(diffs: Sequence[Diff], top: int | None = None) -> Table:
    """A row for each layer that changed, with every figure before and after; of each model only the top ones."""
    figures = [
        Column(f"{key}_{version}", "", "number", 50) for key in LAYER_QUANTITIES for version in ("before", "after")
    ]
    columns = (
        Column("model", "", "name", 100),
        Column("status", "", "text", 100),
        Column("layer", "", "name", 100),
        Column("layer_before", "", "name", 100),
        Column("op_type", "", "text", 100),
        Column("change", "", "text", 100),
        *figures,
    )
    rows = [
        (
            diff_title(diff),
            change.status,
            *(layer.name if layer else "" for layer in (change.after, change.before)),
            operator_text(change),
            describe_change(change),
            *(amount for key in LAYER_QUANTITIES for amount in change.amounts(key)),
        )
        for diff in diffs
        for change in largest_changes(diff, top)
    ]
    return Table("diff", "", columns, tuple(rows), kind="model")
