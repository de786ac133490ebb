"""CSV: raw figures, one line per row, no totals; formulas in `+ - * // **`, an unknown figure is empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from costcalc.columns import AtLeast
from costcalc.rows import plain
from costcalc.sheet import Sheet


def render(sheets: Sequence[Sheet]) -> str:
    """All sheets under one header; where there are several, the first column says which."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [(i, c) for i, c in enumerate(sheets[0].columns) if c.kind != "bar"]
    several = len(sheets) > 1
    writer.writerow([*([sheets[0].kind] if several else []), *(column.key for _, column in columns)])
    for sheet in sheets:
        first = [sheet.title] if several else []
        for row in sheet.rows:
            writer.writerow([*first, *(_cell(row[i]) for i, _ in columns)])
    return out.getvalue().rstrip("\n")


def _cell(value: Any) -> Any:
    if isinstance(value, AtLeast):
        return f">={plain(value.value)}"
    if isinstance(value, tuple):
        return " ".join(
            "?" if shape is None else "x".join(str(d).replace(" ", "") for d in shape) or "()" for shape in value
        )
    return "" if value is None else value
