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
    """Names of columns -> the first line of a CSV file; JSON lines have none."""
    return ",".join(map(_quote_cell, names)) + "\n" if form == "csv" else ""


def row_lines(form: str, columns: SweepColumns, column_indexes: Sequence[int], rows: Sequence[Row]) -> str:
    """Rows and indexes of columns -> a line for each row, of these columns."""
    if not rows:
        return ""
    values, names = list(zip(*rows, strict=True)), columns.names
    cell: Cell = csv_cell if form == "csv" else json_cell
    parts: list[str] = []
    varying: list[Sequence[Any]] = []
    for index in column_indexes:
        label = "" if form == "csv" else f"{json.dumps(names[index])}: "
        cells = _cell_texts(columns.kind(index), values[index], cell)
        if cells.count(cells[0]) == len(cells):
            parts.append(f"{label}{cells[0]}".replace("%", "%%"))
        else:
            parts.append(label.replace("%", "%%") + "%s")
            varying.append(cells)
    template = ",".join(parts) + "\n" if form == "csv" else "{" + ", ".join(parts) + "}\n"
    if not varying:
        return template % () * len(rows)
    return "".join([template % row for row in zip(*varying, strict=True)])


def _cell_texts(kind: str, values: Sequence[Any], cell: Cell) -> Sequence[Any]:
    """Values of a column -> their texts, equal ones formatted once; whole numbers print themselves."""
    if kind == "int" and None not in values:
        return values
    try:
        kinds = list(map(type, values))  # True and 1 are equal, and not the same word
        texts = {key: cell(kind, key[1]) for key in dict.fromkeys(zip(kinds, values, strict=True))}
        return [texts[key] for key in zip(kinds, values, strict=True)]
    except TypeError:  # a list has no hash
        return [cell(kind, value) for value in values]


def csv_cell(kind: str, value: Any) -> str:
    """Value -> a cell of CSV: what is not known is empty, a word never begins a formula."""
    text = cell_text(kind, value)
    if kind not in ("text", "words"):
        return text
    return _quote_cell(escape_spreadsheet(text))


def _quote_cell(text: str) -> str:
    """Text -> the same in quotes where it holds what divides cells."""
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n\r') else text


def json_cell(kind: str, value: Any) -> str:
    """Value -> its JSON."""
    return json.dumps(plain_value(kind, value), ensure_ascii=kind != "words", allow_nan=False)


RESTART_REMEDY = "leave --resume out to start again, or name another file with -o"


class ResumePoint(NamedTuple):
    """Size in bytes of the complete lines of a file, and the number of the sweep's points that they hold."""

    size: int
    points: int


def resume_point(
    path: str, form: str, recipe: SweepRecipe, column_indexes: Sequence[int], numbers: Sequence[int], gaps: bool
) -> ResumePoint:
    """File and sweep -> where the sweep goes on in the file; gaps says that a condition leaves points out. UsageError
    where the file is of another sweep."""
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return ResumePoint(0, 0)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name another file with -o") from error
    columns = recipe.columns
    names, count = columns.names, len(columns.axes)
    if not set(range(count)) <= set(column_indexes):
        raise UsageError("--resume needs the columns of all that varies", "name them in --columns")
    complete_text = text[: text.rfind(b"\n") + 1].decode("utf-8", "replace")
    header = header_line(form, [names[positions] for positions in column_indexes])
    if not complete_text:
        if not header.startswith(text.decode("utf-8", "replace")) and form == "csv":
            raise UsageError(f"{path} is of another sweep: its columns differ", RESTART_REMEDY)
        return ResumePoint(0, 0)
    if not complete_text.startswith(header):
        raise UsageError(f"{path} is of another sweep: its columns differ", RESTART_REMEDY)
    lines = complete_text[len(header) :].split("\n")[:-1]
    order = [list(column_indexes).index(positions) for positions in range(count)]
    cells = _read_axis_cells(form, lines, names[:count], order)
    positions = list(_match_points(cells, form, recipe, numbers, gaps))
    if len(positions) < len(lines):
        raise UsageError(
            f"{path} is of another sweep: line {len(positions) + 1 + bool(header)} is no point of the grid",
            RESTART_REMEDY,
        )
    for line, position in {(lines[i], positions[i]) for i in (0, -1)} if positions else ():
        row = point.compute_row(recipe, recipe.space.grid.point(numbers[position]))
        if row_lines(form, columns, column_indexes, [row]) != line + "\n":
            raise UsageError(f"{path} is of another sweep: the model gives other figures now", RESTART_REMEDY)
    return ResumePoint(len(complete_text.encode()), positions[-1] + 1 if positions else 0)


def _read_axis_cells(
    form: str, lines: Sequence[str], names: Sequence[str], order: Sequence[int]
) -> Iterator[Sequence[Any]]:
    """Lines -> the cells of the axes in each, as they stand there."""
    if form == "csv":
        for row in csv.reader(lines):
            yield tuple(row[i] if i < len(row) else None for i in order)
        return
    for line in lines:
        try:
            content = json.loads(line)
        except ValueError:
            return
        yield tuple(content.get(name) for name in names) if isinstance(content, dict) else ()


def _match_points(
    cells: Iterator[Sequence[Any]], form: str, recipe: SweepRecipe, numbers: Sequence[int], gaps: bool
) -> Iterator[int]:
    """Cells of lines -> the position of each line's point in the sweep, as long as they are in order."""
    grid = recipe.space.grid
    kinds = [axis.kind for axis in grid.axes]
    is_equal = _equals_csv if form == "csv" else _equals_json
    points = enumerate(grid.points(numbers))
    for line in cells:
        for position, values in points:
            if all(map(is_equal, kinds, values, line)):
                yield position
                break
            if not gaps:
                return
        else:
            return


def _equals_csv(kind: str, value: Any, cell: Any) -> bool:
    """Whether a cell, read from its file, is a value's."""
    text = csv_cell(kind, value)
    return bool(cell == (next(csv.reader([text])) or [""])[0] if text[:1] == '"' else cell == text)


def _equals_json(kind: str, value: Any, cell: Any) -> bool:
    return bool(plain_value(kind, value) == cell)
