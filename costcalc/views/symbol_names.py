"""Report and the point that it is drawn at -> short names of its symbols, for formulas that a page has room for, and a
legend: what each symbol is, what it may be at most, and where it is drawn.

`past_sequence_length` is `psl`, `nonzero103` is `n103`; a name of up to six signs stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from costcalc.analysis.drawing_point import DrawingPoint
from costcalc.analysis.report import Report
from costcalc.core.dim import symbols
from costcalc.core.elision import natural_key
from costcalc.views.summary import symbol_legend

LONGEST = 6
"""Signs of a name that needs no shorter one."""

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

ALONE = 6
"""Symbols of operators of one type with one limit that the legend lists one by one; more of them are one row."""


class SymbolRow(NamedTuple):
    """A symbol, or several alike: short names, whole names, what they are, the largest number that each can be, and the
    size that figures are drawn at."""

    short: str
    name: str
    meaning: str
    limit: int | None
    drawn: int | None


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Names of symbols -> a short one for each that is long; no two are equal, and none is another's whole name."""
    ordered = sorted(dict.fromkeys(names), key=natural_key)
    used = {name for name in ordered if len(name) <= LONGEST}
    short: dict[str, str] = {}
    for name in ordered:
        if len(name) <= LONGEST or not WORD.fullmatch(name):
            continue
        candidate = base = _initials(name)
        number = 2
        while candidate in used:
            candidate, number = f"{base}_{number}", number + 1
        used.add(candidate)
        short[name] = candidate
    return short


def _initials(name: str) -> str:
    """`past_sequence_length` -> psl, `nonzero103` -> n103, `unk__2` -> u2: the first letters of the words, and the
    number at the end."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", name) if word]
    number = re.search(r"[0-9]{1,6}$", words[-1]) if words else None
    letters = "".join(word[0].lower() for word in words if not word[0].isdigit())[:5] or "x"
    return letters + (number[0] if number else "")


def shorten_symbols(text: str, short: Mapping[str, str]) -> str:
    """A formula or a shape as text -> the same with short names."""
    return WORD.sub(lambda match: short.get(match[0], match[0]), text) if short else text


def symbol_rows(report: Report, point: DrawingPoint, short: Mapping[str, str]) -> list[SymbolRow]:
    """A report -> the legend of its open symbols in the order of their names; many that come from operators of one
    type, with one limit, are one row."""
    nodes = symbol_legend(report)
    axes = _input_axes(report)
    limits = {**point.limits, **point.data_limits}
    operators = {row.name: row.operator for row in report.rows}
    groups: dict[tuple[str, int | None], list[str]] = {}
    for name in sorted(report.open_symbols, key=natural_key):
        source = name if name in axes else operators.get(nodes.get(name, ""), name)
        groups.setdefault((source, limits.get(name)), []).append(name)
    rows = []
    for (operator, limit), names in groups.items():
        if len(names) > ALONE:
            first, last = names[0], names[-1]
            label = f"{short.get(first, first)} … {short.get(last, last)}"
            meaning = f"{len(names):,} extents that {operator} operators find in the data"
            rows.append(SymbolRow(label, f"{first} … {last}", meaning, limit, point.sizes.get(first)))
            continue
        for name in names:
            found = f"what {nodes[name]} finds in the data" if name in nodes else "an extent"
            meaning = axes.get(name, found)
            rows.append(SymbolRow(short.get(name, name), name, meaning, limit, point.sizes.get(name)))
    return rows


def _input_axes(report: Report) -> dict[str, str]:
    """A report -> by each symbol of its inputs, where it stands: `axis 1 of input_ids`."""
    axes: dict[str, str] = {}
    for name, kind in report.inputs:
        for axis, extent in enumerate(kind.shape or ()):
            for found in symbols(extent):
                axes.setdefault(found, f"axis {axis} of {name}")
    return axes
