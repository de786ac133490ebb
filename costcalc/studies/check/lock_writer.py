"""Baseline → the text of a lock file: JSON with a line for each total, each layer and each definition of layers.

A tensor is `[name, type, extent, …]`, a shape that is not known one null; `~` stands for the name of its layer. An
input that an earlier layer or the graph gives is its name alone. Figures that are 0 are left out; one that is not known
is null; a formula is a string. `lock_layers` says how layers that repeat are written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from costcalc.core.amount import json_amount
from costcalc.core.quantity import Figure
from costcalc.studies.check.baseline import FORMAT_VERSION, Baseline, LockEntry
from costcalc.studies.check.lock_layers import layer_lines, tensor_to_lock, to_json


def format_lock(baseline: Baseline) -> str:
    """The whole file. Half a surrogate pair in a name is written as JSON's escape, for UTF-8 has no form of it."""
    lines = ["{", f'"format_version": {FORMAT_VERSION},', f'"costcalc": {to_json(baseline.version)},', '"models": {']
    models: dict[str, list[LockEntry]] = {}
    for entry in baseline.entries:
        models.setdefault(entry.model, []).append(entry)
    for i, (model, scenarios) in enumerate(models.items(), 1):
        lines.append(f"{to_json(model)}: {{")
        for j, entry in enumerate(scenarios, 1):
            lines += [f"{to_json(entry.scenario)}: {{", *_entry_lines(entry), _end_item("}", j, scenarios)]
        lines.append(_end_item("}", i, models))
    return "\n".join([*lines, "}", "}", ""]).encode("utf-8", "backslashreplace").decode()


def _entry_lines(entry: LockEntry) -> Iterator[str]:
    snapshot = entry.snapshot
    yield f'"title": {to_json(snapshot.name)},'
    yield f'"source": {to_json(entry.source)},'
    yield f'"settings": {to_json(entry.settings)},'
    yield f'"inputs": {to_json([tensor_to_lock(t) for t in snapshot.inputs])},'
    yield f'"symbols": {to_json({name: json_amount(d) for name, d in sorted(snapshot.symbols.items())})},'
    yield f'"assumptions": {to_json(snapshot.assumptions)},'
    yield f'"unknown": {to_json(dict(sorted(snapshot.unknown.items())))},'
    yield '"totals": {'
    for i, (quantity, value) in enumerate(snapshot.totals.items(), 1):
        yield _end_item(f"{to_json(quantity)}: {to_json(json_amount(value))}", i, snapshot.totals)
    yield "},"
    if entry.figures:
        yield '"figures": {'
        for i, (key, figure) in enumerate(entry.figures.items(), 1):
            yield _end_item(f"{to_json(key)}: {to_json(figure_to_lock(figure))}", i, entry.figures)
        yield "},"
    definitions, items = layer_lines(snapshot.layers, snapshot.inputs)
    if definitions:
        yield '"definitions": {'
        yield ",\n".join(definitions)
        yield "},"
    yield '"layers": ['
    yield from [",\n".join(items)] if items else []
    yield "]"


def figure_to_lock(figure: Figure) -> dict[str, Any]:
    """A figure's value, exact (a fraction as `21/10000`), and what is certain of it where that is not all."""
    value = figure.value
    json_value = str(value) if isinstance(value, Fraction) else value if isinstance(value, bool) else json_amount(value)
    return {"value": json_value, **({"certainty": figure.certainty} if figure.certainty != "exact" else {})}


def _end_item(line: str, i: int, items: Any) -> str:
    return line if i == len(items) else f"{line},"
