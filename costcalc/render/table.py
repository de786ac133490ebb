"""A Sheet as a table for a terminal or a pipe: it fits the width; only prose goes on in the next line.

Which columns of a Sheet stand in a table, or in one of several below each other, where none may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from costcalc.core.amount import is_formula
from costcalc.core.sanitize import printable
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.render.layout import (
    GAP,
    MAX_PIPE_WIDTH,
    MIN_ROOM,
    break_words,
    column_width,
    excess_width,
    fit_columns,
    pad,
    shorten_end,
    shorten_formula,
    shorten_middle,
    shorten_shape,
    text_width,
    wrap,
    wrap_formula,
)
from costcalc.render.names import distinct_width, shorten_name, shorten_names
from costcalc.render.terminal import Palette, Screen
from costcalc.views.table import Column, Note, Table, Total, select_columns

NAME_WIDTH, TITLE = 22, 16
"""A name and a title may be shortened down to this; a figure is never cut."""


SHRINKING_KINDS = {"text": 9, "working": 9, "shape": 13, "prose": 24, "bar": 5}
"""The least width of columns that are no names and no figures."""


def split_table(sheet: Table, width: int, keep_all: bool = False) -> list[Table]:
    """Sheet and a width in cells -> the sheet itself where it has no groups of columns, and may lose some or fits.
    Otherwise as few sheets as hold all of them, each with the first column; figures are exact unless rounded ones need
    fewer sheets."""
    if not sheet.groups and (not keep_all or len(sheet.columns) < 2 or len(_split_columns(sheet, width)) == 1):
        return [sheet]
    rounded_sheet = sheet._replace(columns=tuple([c._replace(kind=_round_kind(c.kind)) for c in sheet.columns]))
    return min((_split_columns(sheet, width), _split_columns(rounded_sheet, width)), key=len)


def _round_kind(kind: str) -> str:
    return "short" if kind == "number" else kind


def _split_columns(sheet: Table, width: int) -> list[Table]:
    rows = [*sheet.rows, *(row for row in (sheet.remainder_row, sheet.total_row) if row is not None)]
    raw = list(zip(*rows, strict=True)) or [()] * len(sheet.columns)
    widths = [_least_width(column, values, width) for column, values in zip(sheet.columns, raw, strict=True)]
    groups: list[list[int]] = []
    for group in sheet.groups or [(i,) for i in range(1, len(sheet.columns))]:
        if groups and sum(widths[i] + len(GAP) for i in (*groups[-1], *group)) - len(GAP) <= width:
            groups[-1] += group
        else:
            groups.append([0, *group])
    return [select_columns(sheet, indexes) for indexes in groups]


def _least_width(column: Column, values: Sequence[Any], line: int) -> int:
    """Column, its values and the line's width -> the column's least width in cells."""
    texts = cells.round_wide_figures(cells.column_texts(column, values), widest_figure(line))
    if column.kind == "name":
        return min(column_width(texts), NAME_WIDTH)
    if column.kind in SHRINKING_KINDS:
        return min(column_width(texts), SHRINKING_KINDS[column.kind])
    formula = min(cells.FORMULA, max(TITLE, line - NAME_WIDTH - 2 * len(GAP)))
    widths = [min(len(t), formula) if is_formula(v) else len(t) for v, t in zip(values, texts, strict=True)]
    return max(min(text_width(column.title), TITLE), *widths, 0)


def drop_empty_shares(sheet: Table) -> Table:
    """Sheet -> the same without columns of shares that no row has: of formulas there are none."""
    empty = {
        i
        for i, column in enumerate(sheet.columns)
        if column.kind in ("share", "bar") and not any(row[i] for row in sheet.rows)
    }
    return select_columns(sheet, [i for i in range(len(sheet.columns)) if i not in empty]) if empty else sheet


LEFT_ALIGNED = ("name", "text", "working", "prose", "bar")

NAME = 18
"""Names are not shortened further where a line has some room."""

FORMULA_LINES = 12
"""A total that is a formula of more lines is cut."""

MAX_LABEL = 24
"""No column of labels of notes is wider."""

FIGURE_KINDS = ("number", "short", "bytes", "seconds", "decimal", "change")
"""Columns of these are not left out to make room for names."""

WIDEST_FIGURE = 24
"""An exact number below 10¹⁸ is never rounded in a table."""

MOST_LINES = 3
"""Lines of a row whose prose its column cannot hold in one."""

WORTH_A_LINE = 3
"""Cells that a head of two lines saves at least."""

SHORTENING: dict[str, Callable[[str, int], str]] = {
    "name": shorten_name,
    "number": shorten_formula,
    "bytes": shorten_formula,
    "short": shorten_formula,
    "change": shorten_formula,
    "working": shorten_formula,
    "prose": shorten_end,
    "shape": shorten_shape,
}


def table_text(sheet: Table, screen: Screen, keep_all: bool = False) -> str:
    """Sheet -> text: title, rows, totals, footer. keep_all leaves no column out, however narrow the line."""
    palette = screen.palette
    lines = [*title_lines(sheet, palette, screen.text_width), ""]
    if sheet.plot is not None:
        lines += [*plot.area_lines(sheet.plot, screen), ""]
    for i, part in enumerate(split_table(sheet, screen.width, keep_all)):
        lines += [*([""] if i else []), *body_lines(part, screen, keep_all or bool(sheet.groups))]
    if sheet.totals:
        lines += ["", *total_lines(sheet.totals, screen.width, palette)]
    if sheet.notes:
        lines += ["", *note_lines(sheet.notes, screen.text_width, palette)]
    return screen.text("\n".join(lines))


def title_lines(sheet: Table, palette: Palette, width: int) -> Iterator[str]:
    """Sheet -> lines with the model's name and its inputs."""
    name = printable(sheet.title)
    first, *more = wrap(printable(f"{name}  {sheet.subtitle}".rstrip()), width, 2)
    yield f"{palette.title}{name}{palette.off}{first[len(name) :]}" if first.startswith(name) else first
    yield from more


def body_lines(sheet: Table, screen: Screen, keep_all: bool = False) -> Iterator[str]:
    """Sheet -> lines of the header, the rows and the total row."""
    palette = screen.palette
    sheet = sheet if keep_all else drop_empty_shares(sheet)
    footer_rows = [row for row in (sheet.remainder_row, sheet.total_row) if row is not None]
    raw = list(zip(*sheet.rows, *footer_rows, strict=True)) or [()] * len(sheet.columns)
    widest = widest_figure(screen.width)
    texts = [_column_texts(sheet, i, values, widest) for i, values in enumerate(raw)]
    if not screen.unicode:
        texts = [[screen.text(text) for text in column] for column in texts]
    heads = _head_lines(sheet.columns, texts, screen)
    natural = [max(column_width(lines), column_width(t)) for lines, t in zip(heads, texts, strict=True)]
    floors = [
        _floor_width(column, values, column_texts, head, screen.width)
        for column, values, column_texts, head in zip(sheet.columns, raw, texts, heads, strict=True)
    ]
    widths, name_widths = _fit_names(sheet, texts, natural, floors, screen.width, keep_all)
    for i, width in name_widths.items():
        row_count = len(sheet.rows)
        shortened = shorten_names(texts[i][:row_count], _all_names(sheet, i), width)
        texts[i] = [*shortened, *texts[i][row_count:]]
    lines_by_column = _column_lines(sheet, texts, widths, name_widths)
    heights = [max(map(len, lines)) for lines in zip(*lines_by_column.values(), strict=True)]
    heights = heights or [1] * (len(sheet.rows) + len(footer_rows))
    headers, columns = [], []
    height = max((len(heads[i]) for i in widths), default=1)
    for i, width in widths.items():
        column = sheet.columns[i]
        right = column.kind not in LEFT_ALIGNED
        if column.kind == "bar":
            texts[i] = cells.bars(raw[i][: len(sheet.rows)], width, screen.unicode) + [""] * len(footer_rows)
        if lines_by_column:
            texts[i] = _fill_heights(lines_by_column.get(i) or [[text] for text in texts[i]], heights)
        headers.append(pad([""] * (height - len(heads[i])) + heads[i], width, right, shorten_middle))
        padded = pad(texts[i], width, right, SHORTENING.get(column.kind, shorten_middle))
        columns.append(_paint_column(padded, column.key, palette))
    for cells_of_line in zip(*headers, strict=True):
        yield f"{palette.header}{GAP.join(cells_of_line).rstrip()}{palette.off}"
    rows = [GAP.join(row).rstrip() for row in zip(*columns, strict=True)]
    end_of_rows = sum(heights[: len(sheet.rows)])
    end_of_body = len(rows) - (heights[-1] if sheet.total_row is not None else 0)
    yield from rows[:end_of_rows]
    yield from (f"{palette.faint}{row}{palette.off}" for row in rows[end_of_rows:end_of_body])
    if sheet.total_row is not None:
        total_width = sum(widths.values()) + len(GAP) * (len(widths) - 1)
        yield f"{palette.faint}{'─' * total_width}{palette.off}"
        yield from (f"{palette.total}{row}{palette.off}" for row in rows[end_of_body:])
    yield from _omission_lines(sheet.columns, widths, screen)


def _head_lines(columns: Sequence[Column], texts: Sequence[Sequence[str]], screen: Screen) -> list[list[str]]:
    """Columns and their texts -> the lines of each head: one, or two where one line has no room for all of them, and
    titles of several words make columns wider than their figures."""
    titles = [screen.text(printable(column.title)) for column in columns]
    widths = [column_width(t) for t in texts]
    whole = sum(max(text_width(title), width) + len(GAP) for title, width in zip(titles, widths, strict=True))
    if whole - len(GAP) <= screen.width:
        return [[title] for title in titles]
    return [_break_title(title, width) for title, width in zip(titles, widths, strict=True)]


def _break_title(title: str, width: int) -> list[str]:
    """Title and the width of its column's texts -> its lines: two of about the same length where that makes the column
    narrower by WORTH_A_LINE."""
    words = title.split(" ")
    ways = [[title], *([" ".join(words[:i]), " ".join(words[i:])] for i in range(1, len(words)))]
    best = min(ways, key=column_width)
    return best if text_width(title) - max(column_width(best), width) >= WORTH_A_LINE else [title]


def _omission_lines(columns: Sequence[Column], shown: Mapping[int, int], screen: Screen) -> list[str]:
    """Columns and the widths of those that are shown -> lines that name the devices' figures for which the line has no
    room: the reader has asked for each device by its name."""
    omitted = [c.title for i, c in enumerate(columns) if i not in shown and (c.kind == "seconds" or _is_of_device(c))]
    if not omitted:
        return []
    text = f"No room here for {', '.join(map(printable, omitted))}: a wider terminal, fewer devices or --format csv."
    return wrap(screen.text(text), screen.text_width, 2)


def _is_of_device(column: Column) -> bool:
    """Whether a column is of one of several devices."""
    return ":" in column.key


def _fit_names(
    sheet: Table,
    texts: Sequence[Sequence[str]],
    natural: Sequence[int],
    floors: Sequence[int],
    width: int,
    keep_all: bool,
) -> tuple[dict[int, int], dict[int, int]]:
    """Sheet, texts of its columns and their widths -> widths by column index as fit_columns gives them, and the width
    to which the names of a column are shortened, so that each stands for one alone. Where the column is narrower, it
    grows, if the dearest figures keep their column; else its names go on in the next line."""
    widths = fit_columns(sheet.columns, natural, floors, width, keep_all)
    figures = {i for i in widths if sheet.columns[i].kind in FIGURE_KINDS}
    dearest = {max(figures, key=lambda i: sheet.columns[i].importance)} if figures else set()
    name_widths = {}
    for i in [i for i in widths if sheet.columns[i].kind == "name" and not sheet.tree]:
        shown = texts[i][: len(sheet.rows)]
        needed = widths[i]
        if column_width(shown) > needed:
            needed = distinct_width(shown, _all_names(sheet, i), needed, min(column_width(shown), MAX_PIPE_WIDTH))
        if needed > widths[i]:
            wider_floors = [*floors[:i], max(floors[i], needed), *floors[i + 1 :]]
            wider = fit_columns(sheet.columns, natural, wider_floors, width, keep_all)
            if dearest <= wider.keys() and excess_width(wider, width) <= 0:
                widths = wider
        name_widths[i] = max(needed, widths.get(i, 0))
    return widths, name_widths


def _all_names(sheet: Table, index: int) -> Sequence[str]:
    """The names that those of a column are not to be taken for."""
    return tuple(map(printable, sheet.all_names)) if sheet.columns[index].key == "name" else ()


def _column_lines(
    sheet: Table, texts: Sequence[Sequence[str]], widths: dict[int, int], name_widths: dict[int, int]
) -> dict[int, list[list[str]]]:
    """Texts and widths of columns -> the lines of each cell of those that one line cannot hold: prose and names."""
    lines = {}
    for i, width in widths.items():
        if all(text_width(text) <= width for text in texts[i]):
            continue
        if sheet.columns[i].kind == "prose":
            lines[i] = [_prose_lines(text, width) for text in texts[i]]
        elif name_widths.get(i, 0) > width:
            lines[i] = [list(break_words([text], width)) for text in texts[i]]
    return lines


def _prose_lines(text: str, width: int) -> list[str]:
    """Prose and a width -> at most MOST_LINES lines; the last one holds the rest."""
    lines = wrap(text, width, 0)
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], " ".join(lines[MOST_LINES - 1 :])]


def _fill_heights(rows: Sequence[Sequence[str]], heights: Sequence[int]) -> list[str]:
    """Rows of a column and heights -> its lines, each row as high as the highest of its cells."""
    return [line for lines, high in zip(rows, heights, strict=True) for line in (*lines, *[""] * (high - len(lines)))]


def widest_figure(width: int) -> int:
    """A line's width -> that of the widest exact number in a table: longer ones are rounded."""
    return max(WIDEST_FIGURE, width // 3)


def _column_texts(sheet: Table, index: int, values: Sequence[Any], widest: int) -> list[str]:
    column = sheet.columns[index]
    if column.kind == "bar":
        return []
    texts = cells.row_texts(sheet, index, values)
    if column.kind not in ("name", "prose", "text", "working"):
        texts = cells.round_wide_figures(texts, widest)
    if column.kind == "name" and sheet.tree:
        labels = [f"{'  ' * depth}{printable(label)}" for depth, label in sheet.tree]
        texts[: len(labels)] = labels
    return texts


def _floor_width(column: Column, values: Sequence[Any], texts: Sequence[str], head: Sequence[str], width: int) -> int:
    """A column with its values, their texts and its head -> the width below which it is not shortened: that of the
    widest figure, for a figure is not cut; of formulas a quarter of the line; of names what tells them apart; of words
    about one of several devices the head, which names it."""
    if column.kind == "name":
        return min(column_width(texts), NAME, width // 4)
    if _is_of_device(column) and column.kind == "text":
        return column_width(head)
    if column.kind not in (*FIGURE_KINDS, "share", "ratio", "percent", "sign"):
        return 0
    if not any(map(is_formula, set(values))):
        return max(map(len, texts), default=0)
    return max(min(len(t), width // 4) if is_formula(v) else len(t) for v, t in zip(values, texts, strict=True))


def _paint_column(texts: list[str], key: str, palette: Palette) -> list[str]:
    start = {"bar": palette.bar, "op": palette.faint}.get(key)
    if not start:
        return texts
    stripped = [text.rstrip() for text in texts]
    return [
        f"{start}{i}{palette.off}{' ' * (len(t) - len(i))}" if i else t for i, t in zip(stripped, texts, strict=True)
    ]


def total_lines(totals: Sequence[Total], width: int, palette: Palette) -> Iterator[str]:
    """Totals -> lines, each exact and, beside it, rounded; formulas in as many lines as they need, and below them the
    number that they do not exceed."""
    totals = [fact._replace(label=printable(fact.label)) for fact in totals]
    label = max(text_width(fact.label) for fact in totals) + 2
    exact = [printable(cells.amount(fact.value)) for fact in totals]
    numbers = max(len(text) if isinstance(fact.value, int) else 0 for text, fact in zip(exact, totals, strict=True))
    numbers = min(numbers, width - label)
    for fact, text in zip(totals, exact, strict=True):
        human = cells.limit_text(fact, width - label - len(text) - len(GAP)) or cells.short_form(fact.value, fact.kind)
        if label + len(text.rjust(numbers)) + len(GAP) + len(human) > width:
            human = ""
        first, *more = [text.rjust(numbers)] if len(text) <= numbers else _total_lines(text, width, label)
        yield f"{fact.label.ljust(label)}{palette.total}{first}{palette.off}{GAP + human if human else ''}"
        yield from more
        if not human and fact.limit is not None:
            yield f"{' ' * label}{cells.limit_text(fact, width - label)}"


def _total_lines(text: str, width: int, label: int) -> list[str]:
    """A formula, the line's width and that of the labels -> its lines; of one of very many, the first."""
    lines = wrap_formula(text, width, label)
    if len(lines) <= FORMULA_LINES:
        return lines
    rest = len(lines) - FORMULA_LINES + 1
    text = f"… and {rest:,} more lines (--format json has them)"
    return [*lines[: FORMULA_LINES - 1], *(f"{' ' * label}{line}" for line in wrap(text, width - label, 0))]


def note_lines(notes: Sequence[Note], width: int, palette: Palette) -> Iterator[str]:
    """Notes -> the footer's lines; a label that is too long for a column of labels begins the sentence."""
    notes = [remark._replace(label=printable(remark.label)) for remark in notes]
    widest = min(MAX_LABEL, width - MIN_ROOM - len(GAP))
    notes = [
        remark if text_width(remark.label) <= widest else Note("", f"{remark.label}  {remark.text}", remark.warning)
        for remark in notes
    ]
    label = max(len(remark.label) for remark in notes) + 2
    for remark in notes:
        start = palette.warning if remark.warning else palette.faint
        for i, line in enumerate(wrap(printable(remark.text), width, label)):
            yield f"{start}{remark.label.ljust(label) if i == 0 else ''}{line}{palette.off}"
