"""Rows -> lines of CSV or JSON, one each, flat, with one type a column; and a partly written file of a sweep -> where
it goes on: the last whole line, and the next point of the grid.

The file itself is the record. Its columns must be those of this sweep, the axes' values of its lines the grid's, in
their order (with a condition some are left out), and its first and last lines what the model gives now.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.sanitize import escape_spreadsheet
from costcalc.studies.sweep import point
from costcalc.studies.sweep.columns import Row, SweepColumns, cell_text, plain_value
from costcalc.studies.sweep.point import SweepRecipe

Cell = Callable[[str, Any], str]


def header_line(form: str, names: Sequence[str]) -> str:
    """The first line of a CSV file; JSON lines have none."""
    return ",".join(map(_quoted, names)) + "\n" if form == "csv" else ""


def row_lines(form: str, columns: SweepColumns, places: Sequence[int], rows: Sequence[Row]) -> str:
    """The lines of rows, of the columns at these places."""
    if not rows:
        return ""
    values, names = list(zip(*rows, strict=True)), columns.names
    cell: Cell = csv_cell if form == "csv" else json_cell
    parts: list[str] = []
    varying: list[Sequence[Any]] = []
    for at in places:
        label = "" if form == "csv" else f"{json.dumps(names[at])}: "
        cells = _cells(columns.kind(at), values[at], cell)
        if cells.count(cells[0]) == len(cells):
            parts.append(f"{label}{cells[0]}".replace("%", "%%"))
        else:
            parts.append(label.replace("%", "%%") + "%s")
            varying.append(cells)
    template = ",".join(parts) + "\n" if form == "csv" else "{" + ", ".join(parts) + "}\n"
    if not varying:
        return template % () * len(rows)
    return "".join([template % row for row in zip(*varying, strict=True)])


def _cells(kind: str, values: Sequence[Any], cell: Cell) -> Sequence[Any]:
    """The texts of values, each unlike one made once; whole numbers print themselves."""
    if kind == "int" and None not in values:
        return values
    try:
        kinds = list(map(type, values))  # True and 1 are equal, and not the same word
        made = {key: cell(kind, key[1]) for key in dict.fromkeys(zip(kinds, values, strict=True))}
        return [made[key] for key in zip(kinds, values, strict=True)]
    except TypeError:  # a list has no hash
        return [cell(kind, value) for value in values]


def csv_cell(kind: str, value: Any) -> str:
    """A cell of CSV: what is not known is empty, a word never begins a formula."""
    text = cell_text(kind, value)
    if kind not in ("text", "words"):
        return text
    return _quoted(escape_spreadsheet(text))


def _quoted(text: str) -> str:
    """A text in quotes where it holds what divides cells."""
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n\r') else text


def json_cell(kind: str, value: Any) -> str:
    """A value of JSON."""
    return json.dumps(plain_value(kind, value), ensure_ascii=kind != "words")


RESTART_REMEDY = "leave --resume out to start again, or name another file with -o"


class ResumePoint(NamedTuple):
    """How many bytes of the file stand, and how many of the sweep's points they answer."""

    size: int
    points: int


def resume_point(
    path: str, form: str, recipe: SweepRecipe, places: Sequence[int], numbers: Sequence[int], gaps: bool
) -> ResumePoint:
    """Where the sweep of these points goes on in a file; gaps says that a condition leaves points out. UsageError where
    the file is of another sweep."""
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return ResumePoint(0, 0)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name another file with -o") from error
    columns = recipe.columns
    names, count = columns.names, len(columns.axes)
    if not set(range(count)) <= set(places):
        raise UsageError("--resume needs the columns of all that varies", "name them in --columns")
    whole = text[: text.rfind(b"\n") + 1].decode("utf-8", "replace")
    first = header_line(form, [names[at] for at in places])
    if not whole:
        if not first.startswith(text.decode("utf-8", "replace")) and form == "csv":
            raise UsageError(f"{path} is of another sweep: its columns differ", RESTART_REMEDY)
        return ResumePoint(0, 0)
    if not whole.startswith(first):
        raise UsageError(f"{path} is of another sweep: its columns differ", RESTART_REMEDY)
    written = whole[len(first) :].split("\n")[:-1]
    order = [list(places).index(at) for at in range(count)]
    cells = _written_cells(form, written, names[:count], order)
    at = list(_positions(cells, form, recipe, numbers, gaps))
    if len(at) < len(written):
        raise UsageError(
            f"{path} is of another sweep: line {len(at) + 1 + bool(first)} is no point of the grid", RESTART_REMEDY
        )
    for line, position in {(written[i], at[i]) for i in (0, -1)} if at else ():
        row = point.compute_row(recipe, recipe.space.grid.point(numbers[position]))
        if row_lines(form, columns, places, [row]) != line + "\n":
            raise UsageError(f"{path} is of another sweep: the model gives other figures now", RESTART_REMEDY)
    return ResumePoint(len(whole.encode()), at[-1] + 1 if at else 0)


def _written_cells(
    form: str, written: Sequence[str], names: Sequence[str], order: Sequence[int]
) -> Iterator[Sequence[Any]]:
    """The axes' values of each line, as they stand there."""
    if form == "csv":
        for row in csv.reader(written):
            yield tuple(row[i] if i < len(row) else None for i in order)
        return
    for line in written:
        try:
            content = json.loads(line)
        except ValueError:
            return
        yield tuple(content.get(name) for name in names) if isinstance(content, dict) else ()


def _positions(
    cells: Iterator[Sequence[Any]], form: str, recipe: SweepRecipe, numbers: Sequence[int], gaps: bool
) -> Iterator[int]:
    """Which of the sweep's points each line is, as long as they are in order."""
    grid = recipe.space.grid
    kinds = [axis.kind for axis in grid.axes]
    same = _same_csv if form == "csv" else _same_json
    points = enumerate(grid.points(numbers))
    for line in cells:
        for position, values in points:
            if all(map(same, kinds, values, line)):
                yield position
                break
            if not gaps:
                return
        else:
            return


def _same_csv(kind: str, value: Any, cell: Any) -> bool:
    """Whether a cell, read from its file, is a value's."""
    written = csv_cell(kind, value)
    return bool(cell == (next(csv.reader([written])) or [""])[0] if written[:1] == '"' else cell == written)


def _same_json(kind: str, value: Any, cell: Any) -> bool:
    return bool(plain_value(kind, value) == cell)
