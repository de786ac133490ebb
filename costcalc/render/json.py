"""JSON, the contract for other programs: the design's versioned report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from costcalc.analysis.report import FORMAT_VERSION, Report
from costcalc.core.amount import AtLeast, plain
from costcalc.core.sanitize import calm
from costcalc.core.version import __version__
from costcalc.render.terminal import knows_unicode
from costcalc.views.report import report_document
from costcalc.views.roofline import to_dict
from costcalc.views.table import FigureCell, Sheet

if TYPE_CHECKING:
    from costcalc.analysis.roofline.roofline import Roofline


def reports(
    given: Sequence[Report],
    groups: Sequence[Sheet] = (),
    by: str = "layer",
    devices: Sequence[Sequence[Roofline]] = (),
) -> str:
    """The report of one or more models. Every layer is there, in execution order, whatever a table would show; groups,
    one sheet per model, adds the rows by operator or block; devices, one sequence per model, the bounds on hardware."""
    sheets: Iterable[Sheet | None] = [*groups, *[None] * len(given)]
    rooflines: Iterable[Sequence[Roofline] | None] = [*devices, *[None] * len(given)]
    entries = [entry(r, s, by, d) for r, s, d in zip(given, sheets, rooflines, strict=False)]
    return dump({"models": entries})


def entry(
    report: Report, group: Sheet | None = None, by: str = "layer", devices: Sequence[Roofline] | None = None
) -> dict[str, Any]:
    """A model's entry; its rows by operator or block and the bounds on hardware where they are given."""
    model = report_document(report)
    if group is not None:
        model["groups"] = {"by": by, "rows": rows(group)}
    if devices is not None:
        model["hardware"] = [to_dict(one) for one in devices]
    return model


def rows(sheet: Sheet) -> list[dict[str, Any]]:
    """A sheet's rows as objects."""
    keys = [(i, column.key) for i, column in enumerate(sheet.columns) if column.kind != "bar"]
    return [{key: _value(row[i]) for i, key in keys} for row in sheet.rows]


def _value(value: Any) -> Any:
    if isinstance(value, FigureCell):
        return value.plain
    if isinstance(value, AtLeast):
        return {"at_least": plain(value.value)}
    if isinstance(value, tuple):
        return [None if shape is None else [plain(d) for d in shape] for shape in value]
    return value if isinstance(value, (float, str)) else plain(value)


def dump(content: dict[str, Any]) -> str:
    """The document, with its versions at its head; characters that standard output cannot show are escaped."""
    whole = {"format_version": FORMAT_VERSION, "costcalc": __version__, **content}
    return calm(json.dumps(whole, ensure_ascii=not knows_unicode()))
