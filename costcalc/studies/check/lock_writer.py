"""Baseline → the text of a lock file: JSON with a line for each total and for each layer.

A tensor is `[name, type, extent, …]`, a shape that is not known one null; `~` stands for the name of its layer. An
input that an earlier layer or the graph gives is its name alone. Figures that are 0 are left out; one that is not known
is null; a formula is a string.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.amount import json_amount
from costcalc.core.quantity import Figure
from costcalc.core.sanitize import escape_controls
from costcalc.studies.check.baseline import FORMAT_VERSION, Baseline, LockEntry
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor


def format_lock(baseline: Baseline) -> str:
    """The whole file. Half a surrogate pair in a name is written as JSON's escape, for UTF-8 has no form of it."""
    lines = ["{", f'"format_version": {FORMAT_VERSION},', f'"costcalc": {_json(baseline.version)},', '"models": {']
    models: dict[str, list[LockEntry]] = {}
    for entry in baseline.entries:
        models.setdefault(entry.model, []).append(entry)
    for i, (model, scenarios) in enumerate(models.items(), 1):
        lines.append(f"{_json(model)}: {{")
        for j, entry in enumerate(scenarios, 1):
            lines += [f"{_json(entry.scenario)}: {{", *_entry_lines(entry), _end_item("}", j, scenarios)]
        lines.append(_end_item("}", i, models))
    return "\n".join([*lines, "}", "}", ""]).encode("utf-8", "backslashreplace").decode()


def _entry_lines(entry: LockEntry) -> Iterator[str]:
    snapshot = entry.snapshot
    yield f'"title": {_json(snapshot.name)},'
    yield f'"source": {_json(entry.source)},'
    yield f'"settings": {_json(entry.settings)},'
    yield f'"inputs": {_json([tensor_to_lock(t) for t in snapshot.inputs])},'
    yield f'"symbols": {_json({name: json_amount(d) for name, d in sorted(snapshot.symbols.items())})},'
    yield f'"assumptions": {_json(snapshot.assumptions)},'
    yield f'"unknown": {_json(dict(sorted(snapshot.unknown.items())))},'
    yield '"totals": {'
    for i, (quantity, value) in enumerate(snapshot.totals.items(), 1):
        yield _end_item(f"{_json(quantity)}: {_json(json_amount(value))}", i, snapshot.totals)
    yield "},"
    if entry.figures:
        yield '"figures": {'
        for i, (key, figure) in enumerate(entry.figures.items(), 1):
            yield _end_item(f"{_json(key)}: {_json(figure_to_lock(figure))}", i, entry.figures)
        yield "},"
    yield '"layers": ['
    tensors = {t.name: t for t in snapshot.inputs}
    for i, layer in enumerate(snapshot.layers, 1):
        yield _end_item(_json(_layer_to_lock(layer, tensors)), i, snapshot.layers)
        tensors.update((t.name, t) for t in layer.outputs)
    yield "]"


def figure_to_lock(figure: Figure) -> dict[str, Any]:
    """A figure's value, exact (a fraction as `21/10000`), and what is certain of it where that is not all."""
    value = figure.value
    json_value = str(value) if isinstance(value, Fraction) else value if isinstance(value, bool) else json_amount(value)
    return {"value": json_value, **({"certainty": figure.certainty} if figure.certainty != "exact" else {})}


def _layer_to_lock(layer: SnapshotLayer, tensors: Mapping[str, SnapshotTensor]) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": layer.name, "op": layer.op_type}
    if layer.domain:
        fields["domain"] = layer.domain
    if layer.count != 1:
        fields["count"] = json_amount(layer.count)
    if layer.state != "costed":
        fields["state"] = layer.state
    fields["in"] = [_input_to_lock(t, layer.name, tensors) for t in layer.inputs]
    fields["out"] = [
        {"known": tensor_to_lock(t, layer.name)} if t.stored else tensor_to_lock(t, layer.name) for t in layer.outputs
    ]
    if layer.attributes:
        fields["attributes"] = {name: attribute_to_lock(v) for name, v in sorted(layer.attributes.items())}
    for quantity in LAYER_QUANTITIES:
        amount = layer.amounts[quantity]
        if amount is None or amount != 0:
            fields[quantity] = json_amount(amount)
    return fields


def _input_to_lock(t: SnapshotTensor, layer: str, tensors: Mapping[str, SnapshotTensor]) -> Any:
    """A name, a tensor that is stored, or {"computed": …} for one that nothing before it gives."""
    if not t.name or tensors.get(t.name) == t:
        return t.name
    return tensor_to_lock(t, layer) if t.stored else {"computed": tensor_to_lock(t, layer)}


def tensor_to_lock(t: SnapshotTensor, layer: str = "") -> list[Any]:
    """[name, type, extent, …]."""
    return [shorten_name(t.name, layer), t.dtype, *([None] if t.shape is None else map(json_amount, t.shape))]


def shorten_name(name: str, layer: str) -> str:
    """`~` for the layer's name at the start; a `~` that a name itself begins with is doubled."""
    if layer and name.startswith(layer) and not name.startswith("~", len(layer)):
        return "~" + name[len(layer) :]
    return f"~{name}" if name.startswith("~") else name


def attribute_to_lock(value: Any) -> Any:
    """An attribute's value; {"float": "inf"} for a float that JSON has no number for."""
    if isinstance(value, (list, tuple)):
        return [attribute_to_lock(v) for v in value]
    return {"float": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _json(value: Any) -> str:
    return escape_controls(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _end_item(line: str, i: int, items: Any) -> str:
    return line if i == len(items) else f"{line},"
