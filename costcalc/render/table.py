"""A Sheet as a table for a terminal or a pipe: it fits the width; only prose goes on in the next line.

Which columns of a Sheet stand in a table, or in one of several below each other, where none may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from costcalc.core.amount import is_formula
from costcalc.core.sanitize import printable
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.render.layout import (
    GAP,
    column_width,
    fit_columns,
    pad,
    shorten_end,
    shorten_middle,
    text_width,
    wrap,
    wrap_formula,
)
from costcalc.render.names import shorten_names, shorten_path
from costcalc.render.terminal import Palette, Screen
from costcalc.views.table import Column, Note, Table, Total, select_columns

NAME_WIDTH, TITLE, FORMULA = 22, 16, 48
"""A name, a title and a formula may be shortened down to this; a figure is never cut."""


def split_table(given: Table, width: int) -> list[Table]:
    """The sheet itself where it has no groups of columns. Otherwise as few sheets as hold all of them, each with the
    first column; figures are exact unless rounded ones need fewer sheets."""
    if not given.groups:
        return [given]
    rounded = replace(given, columns=tuple([c._replace(kind=_rounded(c.kind)) for c in given.columns]))
    return min((_pieces(given, width), _pieces(rounded, width)), key=len)


def _rounded(kind: str) -> str:
    return "short" if kind == "number" else kind


def _pieces(given: Table, width: int) -> list[Table]:
    raw = list(zip(*given.rows, strict=True)) or [()] * len(given.columns)
    needs = [_needs(column, values) for column, values in zip(given.columns, raw, strict=True)]
    found: list[list[int]] = []
    for group in given.groups:
        if found and sum(needs[i] + len(GAP) for i in (*found[-1], *group)) - len(GAP) <= width:
            found[-1] += group
        else:
            found.append([0, *group])
    return [select_columns(given, chosen) for chosen in found]


def _needs(column: Column, values: Sequence[Any]) -> int:
    """The least width of a column."""
    texts = cells.column_texts(column, values)
    if column.kind == "name":
        return min(column_width(texts), NAME_WIDTH)
    widths = [min(len(t), FORMULA) if is_formula(v) else len(t) for v, t in zip(values, texts, strict=True)]
    return max(min(text_width(column.title), TITLE), *widths, 0)


def drop_empty_shares(given: Table) -> Table:
    """The sheet without columns of shares that no row has: of formulas there are none."""
    empty = {
        i
        for i, column in enumerate(given.columns)
        if column.kind in ("share", "bar") and not any(row[i] for row in given.rows)
    }
    return select_columns(given, [i for i in range(len(given.columns)) if i not in empty]) if empty else given


LEFT_ALIGNED = ("name", "text", "prose", "bar")

NAME = 18
"""Names are not shortened further where a line has some room."""

MOST_LINES = 3
"""Lines of a row whose prose its column cannot hold in one."""

SHORTENING = {
    "name": shorten_path,
    "number": shorten_end,
    "short": shorten_end,
    "change": shorten_end,
    "prose": shorten_end,
}


def table_text(given: Table, screen: Screen, keep_all: bool = False) -> str:
    """The whole of it: title, rows, totals, footer. keep_all leaves no column out, however narrow the line."""
    palette = screen.palette
    lines = [*title_lines(given, palette, screen.width), ""]
    if given.plot is not None:
        lines += [*plot.area_lines(given.plot, screen), ""]
    for i, piece in enumerate(split_table(given, screen.width)):
        lines += [*([""] if i else []), *body_lines(piece, screen, keep_all or bool(given.groups))]
    if given.totals:
        lines += ["", *total_lines(given.totals, screen.width, palette)]
    if given.notes:
        lines += ["", *note_lines(given.notes, screen.width, palette)]
    return screen.text("\n".join(lines))


def title_lines(given: Table, palette: Palette, width: int) -> Iterator[str]:
    """The model's name and its inputs."""
    name = printable(given.title)
    first, *more = wrap(printable(f"{name}  {given.subtitle}".rstrip()), width, 2)
    yield f"{palette.title}{name}{palette.off}{first[len(name) :]}" if first.startswith(name) else first
    yield from more


def body_lines(given: Table, screen: Screen, keep_all: bool = False) -> Iterator[str]:
    """The header, the rows and the total row."""
    palette = screen.palette
    given = given if keep_all else drop_empty_shares(given)
    last = [row for row in (given.remainder_row, given.total_row) if row is not None]
    raw = list(zip(*given.rows, *last, strict=True)) or [()] * len(given.columns)
    texts = [_texts(given, i, values) for i, values in enumerate(raw)]
    if not screen.unicode:
        texts = [[screen.text(text) for text in column] for column in texts]
    titles = [screen.text(printable(column.title)) for column in given.columns]
    natural = [max(text_width(title), column_width(t)) for title, t in zip(titles, texts, strict=True)]
    floors = [_floor(c.kind, v, t, screen.width) for c, v, t in zip(given.columns, raw, texts, strict=True)]
    widths = fit_columns(given.columns, natural, floors, screen.width, keep_all)
    long = [i for i, width in widths.items() if _long(given, i, texts, width)]
    told = {i: [_lines(text, widths[i]) for text in texts[i]] for i in long}
    heights = [max(map(len, lines)) for lines in zip(*told.values(), strict=True)]
    heights = heights or [1] * (len(given.rows) + len(last))
    header, columns = [], []
    for i, width in widths.items():
        column = given.columns[i]
        right = column.kind not in LEFT_ALIGNED
        if column.kind == "bar":
            texts[i] = cells.bars(raw[i][: len(given.rows)], width, screen.unicode) + [""] * len(last)
        if column.kind == "name" and not given.tree:
            texts[i] = shorten_names(texts[i], _operators(given, widths, raw), width)
        if told:
            texts[i] = _tall(told.get(i) or [[text] for text in texts[i]], heights)
        padded = pad(
            [shorten_middle(titles[i], width), *texts[i]], width, right, SHORTENING.get(column.kind, shorten_middle)
        )
        header.append(padded[0])
        columns.append(_painted(padded[1:], column.key, palette))
    yield f"{palette.header}{GAP.join(header).rstrip()}{palette.off}"
    rows = [GAP.join(row).rstrip() for row in zip(*columns, strict=True)]
    end_of_rows = sum(heights[: len(given.rows)])
    yield from rows[:end_of_rows]
    if given.remainder_row is not None:
        yield f"{palette.faint}{rows[end_of_rows]}{palette.off}"
    if given.total_row is not None:
        total_width = sum(widths.values()) + len(GAP) * (len(widths) - 1)
        yield f"{palette.faint}{'─' * total_width}{palette.off}"
        yield f"{palette.total}{rows[-1]}{palette.off}"


def _long(given: Table, index: int, texts: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a column is prose that its width cannot hold in one line."""
    return given.columns[index].kind == "prose" and any(text_width(text) > width for text in texts[index])


def _lines(text: str, width: int) -> list[str]:
    """Prose in lines of its column, the last that it may have cut short."""
    found = wrap(text, width, 0)
    return found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 1], " ".join(found[MOST_LINES - 1 :])]


def _tall(rows: Sequence[Sequence[str]], heights: Sequence[int]) -> list[str]:
    """The lines of a column, each row as high as the highest of its cells."""
    return [line for lines, high in zip(rows, heights, strict=True) for line in (*lines, *[""] * (high - len(lines)))]


def _texts(given: Table, index: int, values: Sequence[Any]) -> list[str]:
    column = given.columns[index]
    if column.kind == "bar":
        return []
    texts = cells.column_texts(column, values)
    if column.kind == "name" and given.tree:
        labels = [f"{'  ' * depth}{printable(label)}" for depth, label in given.tree]
        texts[: len(labels)] = labels
    return texts


def _operators(given: Table, shown: Iterable[int], raw: Sequence[Sequence[Any]]) -> Sequence[str]:
    """The operator beside each name; empty where none is shown."""
    at = next((i for i in shown if given.columns[i].key == "op"), None)
    return [""] * len(raw[0]) if at is None else raw[at]


def _floor(kind: str, values: Sequence[Any], texts: Sequence[str], width: int) -> int:
    """The width of the widest figure, for it is not cut, while formulas may be; what tells names apart."""
    if kind == "name":
        return min(column_width(texts), NAME, width // 4)
    if kind not in ("number", "short", "bytes", "share", "ratio", "seconds", "decimal", "change", "percent", "sign"):
        return 0
    if not any(map(is_formula, set(values))):
        return max(map(len, texts), default=0)
    return max((len(t) for v, t in zip(values, texts, strict=True) if not is_formula(v)), default=0)


def _painted(texts: list[str], key: str, palette: Palette) -> list[str]:
    start = {"bar": palette.bar, "op": palette.faint}.get(key)
    if not start:
        return texts
    inked = [text.rstrip() for text in texts]
    return [f"{start}{i}{palette.off}{' ' * (len(t) - len(i))}" if i else t for i, t in zip(inked, texts, strict=True)]


def total_lines(given: Sequence[Total], width: int, palette: Palette) -> Iterator[str]:
    """Each total exactly and, beside it, rounded; formulas in as many lines as they need."""
    given = [fact._replace(label=printable(fact.label)) for fact in given]
    label = max(text_width(fact.label) for fact in given) + 2
    exact = [printable(cells.amount(fact.value)) for fact in given]
    numbers = max(len(text) if isinstance(fact.value, int) else 0 for text, fact in zip(exact, given, strict=True))
    for fact, text in zip(given, exact, strict=True):
        human = cells.short_form(fact.value, fact.kind)
        if label + len(text.rjust(numbers)) + len(GAP) + len(human) > width:
            human = ""
        first, *more = [text.rjust(numbers)] if len(text) <= numbers else wrap_formula(text, width, label)
        yield f"{fact.label.ljust(label)}{palette.total}{first}{palette.off}{GAP + human if human else ''}"
        yield from more


def note_lines(given: Sequence[Note], width: int, palette: Palette) -> Iterator[str]:
    """The footer's lines."""
    given = [remark._replace(label=printable(remark.label)) for remark in given]
    label = max(len(remark.label) for remark in given) + 2
    for remark in given:
        start = palette.warning if remark.warning else palette.faint
        for i, line in enumerate(wrap(printable(remark.text), width, label)):
            yield f"{start}{remark.label.ljust(label) if i == 0 else ''}{line}{palette.off}"
