"""Rows of a sweep -> a Parquet file, or a folder of such where there are many rows; and a file that was interrupted ->
where the sweep goes on.

Whole numbers are int64. A column that holds a larger one becomes decimal128(38, 0), and beyond that text; what was
written before is then written anew, so that all parts have one schema and no number is changed. An interruption leaves
valid files: what is under way has another name until it is closed, and a file is replaced only by one with all its
rows. Files depend on the rows alone, not on the blocks in which they come.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from costcalc.core.errors import UsageError
from costcalc.core.version import __version__
from costcalc.render.stream import RESTART_REMEDY
from costcalc.studies.sweep import point
from costcalc.studies.sweep.columns import Row, SweepColumns, cell_text, plain_value

if TYPE_CHECKING:
    from costcalc.studies.sweep.axes import SweepAxis
    from costcalc.studies.sweep.point import SweepRecipe

GROUP_ROWS = 1 << 16
"""Rows of a row group: they are held in memory until it is written."""

PART_ROWS = 16 * GROUP_ROWS
"""Rows of a file, a multiple of GROUP_ROWS; a sweep with more combinations is a folder of such files."""

PART_NAME = re.compile(r"part-\d{5,}\.parquet|\.part-\d{5,}\.parquet\.(tmp|old)")
"""Files that a sweep leaves in its folder. What begins with a point is under way, and readers pass over it."""

INTEGER_TYPES = ("int64", "decimal128(38, 0)", "string")
"""The types that a column of whole numbers can have, the next where a number does not fit."""

LIMITS = (2**63 - 1, 10**38 - 1)
"""The largest magnitude of each of the first two."""

TYPES = {"bool": "bool_", "float": "float64", "real": "float64", "text": "string", "words": "string"}
"""Kind of a column -> pyarrow's function for its type."""

Cells = tuple[Any, ...]


class ParquetWriter:
    """Writes rows of these columns to a path; a context, at whose end, or interruption, the files are complete. folder
    says that it becomes a folder of parts. UsageError where pyarrow is not installed, or the path cannot be written."""

    def __init__(self, path: str, columns: SweepColumns, indexes: Sequence[int], model: str, folder: bool) -> None:
        self.path, self.columns, self.indexes, self.model, self.folder = Path(path), columns, indexes, model, folder
        self.names = [columns.names[index] for index in indexes]
        self.kinds = [columns.kind(index) for index in indexes]
        self.integer_types = dict.fromkeys(
            [name for name, kind in zip(self.names, self.kinds, strict=True) if kind == "int"], 0
        )
        self.is_open = self.is_writing = self.is_mixed = False
        self.parts = self.part_rows = 0
        self.buffer: list[Cells] = []
        self.writer: Any = None
        self.arrow, self.parquet = _import_pyarrow()
        if self.path.is_dir() != folder and self.path.exists():
            kind = "a folder of several files" if folder else "one file"
            fact = f"{path} exists, and what is written is {kind}"
            raise UsageError(fact, "remove it, or name another with -o")

    def __enter__(self) -> ParquetWriter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if not self.is_open or self.is_writing:
            return  # an interrupted row group or rewrite is not known to be whole, so nothing gets its name
        self._flush(0)
        if self.writer is None and not self.parts:
            self._write_group([])
        if self.writer is not None:
            self._close_part()

    @property
    def wide_columns(self) -> dict[str, str]:
        """Name of each column with a number beyond 64 bits -> its type."""
        return {name: INTEGER_TYPES[level] for name, level in self.integer_types.items() if level}

    def clear(self) -> None:
        """Begins anew: removes the parts of an earlier sweep from the folder. UsageError where it holds something
        else."""
        entries = list(self.path.iterdir()) if self.folder and self.path.exists() else []
        others = [entry.name for entry in entries if not PART_NAME.fullmatch(entry.name)]
        if others:
            raise UsageError(f"the folder {self.path} holds other files: {others[0]}", "name another with -o")
        for entry in entries:
            entry.unlink()
        self.is_open = True

    def write(self, rows: Sequence[Row]) -> None:
        """Writes rows, a row group at a time."""
        self.is_open = True
        self._append(self._row_cells(rows))

    def _append(self, cells: Sequence[Cells]) -> None:
        self.buffer += cells
        self._flush(GROUP_ROWS)

    def _row_cells(self, rows: Sequence[Row]) -> list[Cells]:
        """Rows -> the values of this file's columns as plain data."""
        lists = [self._column_cells(index, [row[index] for row in rows]) for index in self.indexes]
        return list(zip(*lists, strict=True))

    def _column_cells(self, index: int, values: Sequence[Any]) -> list[Any]:
        kind = self.columns.kind(index)
        if kind in ("int", "bool"):
            return list(values)
        if kind == "words":
            return [None if value is None else cell_text(kind, value) for value in values]
        return [plain_value(kind, value) for value in values]

    def _flush(self, least: int) -> None:
        """Writes the row groups that are complete, with a least of 0 the rest too."""
        while self.buffer and len(self.buffer) >= least:
            group = self.buffer[:GROUP_ROWS]
            self.is_writing = True
            if self._widen(group):
                self._write_anew()
            self._write_group(group)
            self._close_full_part()
            del self.buffer[: len(group)]
            self.is_writing = False

    def fit(self, rows: Sequence[Row]) -> None:
        """Makes the columns as wide as these rows need, before anything is written."""
        self._widen(self._row_cells(rows))

    def _widen(self, group: Sequence[Cells]) -> bool:
        """Whether a column of whole numbers needs another type for these cells, which it then has."""
        is_wider = False
        for position, name in enumerate(self.names):
            if name in self.integer_types:
                greatest = max((abs(cells[position]) for cells in group if cells[position] is not None), default=0)
                level = sum(greatest > limit for limit in LIMITS)
                is_wider |= level > self.integer_types[name]
                self.integer_types[name] = max(level, self.integer_types[name])
        return is_wider

    def _write_anew(self) -> None:
        """Writes what stands in the files again, with the present schema; all of them before one is replaced."""
        part, earlier = self.parts, None
        if self.writer is not None:
            self._close_writer()
            earlier = self._temporary_path().with_suffix(".old")
            self._temporary_path().replace(earlier)
        complete = []
        for self.parts in range(part):
            self._copy(self._part_path())
            self._close_writer()
            complete.append((self._temporary_path(), self._part_path()))
        self.parts = part
        if earlier is not None:
            self._copy(earlier)
            earlier.unlink()
        for temporary, path in complete:
            temporary.replace(path)

    def _copy(self, path: Path) -> None:
        """Opens a part with all the rows of a file."""
        self.part_rows = 0
        with self.parquet.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                self._write_group(self._read_cells(file.read_row_group(number)))

    def _read_cells(self, table: Any) -> list[Cells]:
        lists = [
            [None if cell is None else int(cell) for cell in column.to_pylist()]
            if kind == "int"
            else column.to_pylist()
            for kind, column in zip(self.kinds, table.columns, strict=True)
        ]
        return list(zip(*lists, strict=True))

    def _schema(self) -> Any:
        fields = []
        for name, kind in zip(self.names, self.kinds, strict=True):
            level = self.integer_types.get(name, 0)
            if kind != "int":
                fields.append(self.arrow.field(name, getattr(self.arrow, TYPES[kind])()))
                continue
            type_ = (self.arrow.int64(), self.arrow.decimal128(38, 0), self.arrow.string())[level]
            note = (
                {"note": f"a whole number beyond 64 bits occurs, so all are {INTEGER_TYPES[level]}"} if level else None
            )
            fields.append(self.arrow.field(name, type_, metadata=note))
        return self.arrow.schema(fields, metadata={"costcalc": __version__, "model": self.model})

    def _write_group(self, group: Sequence[Cells]) -> None:
        schema = self._schema()
        if self.writer is None:
            self.path.mkdir(parents=True, exist_ok=True) if self.folder else None
            self.writer = self.parquet.ParquetWriter(self._temporary_path(), schema, compression="zstd")
            self.part_rows = 0
        arrays = []
        for position, (name, field) in enumerate(zip(self.names, schema, strict=True)):
            convert = (None, Decimal, str)[self.integer_types.get(name, 0)]
            cells = [row[position] for row in group]
            values = [None if cell is None else convert(cell) for cell in cells] if convert else cells
            arrays.append(self.arrow.array(values, field.type))
        self.writer.write_table(self.arrow.table(arrays, schema=schema), row_group_size=GROUP_ROWS)
        self.part_rows += len(group)

    def _close_full_part(self) -> None:
        if self.folder and self.part_rows >= PART_ROWS:
            self._close_part()

    def _close_writer(self) -> None:
        self.writer.close()
        self.writer = None

    def _close_part(self) -> None:
        """Completes the file that is being written, and gives it its name."""
        self._close_writer()
        self._temporary_path().replace(self._part_path())
        self.parts += 1
        self.part_rows = 0

    def _part_path(self) -> Path:
        return self.path / f"part-{self.parts:05d}.parquet" if self.folder else self.path

    def _temporary_path(self) -> Path:
        path = self._part_path()
        return path.with_name(f".{path.name}.tmp")

    def resume(self, recipe: SweepRecipe, numbers: Sequence[int], gaps: bool) -> int:
        """The files of an interrupted sweep -> how many of its points they hold; what follows is written behind them.
        gaps says that a condition leaves points out. UsageError where they are of another sweep."""
        if not set(range(len(self.columns.axes))) <= set(self.indexes):
            raise UsageError("--resume needs the columns of all that varies", "name them in --columns")
        paths = sorted(p for p in self.path.glob("part-*.parquet")) if self.folder else [self.path]
        paths = [path for path in paths if path.is_file()]
        if not paths:
            self.is_open = True
            return 0
        try:
            first, last, count = self._read_ends(paths)
        except self.arrow.ArrowInvalid as error:
            raise UsageError(f"{self.path} is no Parquet file: {error}", RESTART_REMEDY) from error
        position = self._find_point(recipe, numbers, last) if count else -1
        if count and (not gaps and position + 1 != count):
            raise UsageError(f"{self.path} is of another sweep: it lacks points of the grid", RESTART_REMEDY)
        for cells in {first, last} if count else ():
            number = numbers[self._find_point(recipe, numbers, cells)]
            row = point.compute_row(recipe, recipe.space.grid.point(number))
            if self._row_cells([row]) != [cells]:
                raise UsageError(f"{self.path} is of another sweep: the model gives other figures now", RESTART_REMEDY)
        self.is_writing = True
        self._continue(paths)
        self.is_writing = False
        return position + 1

    def _read_ends(self, paths: Sequence[Path]) -> tuple[Cells, Cells, int]:
        """The first and the last row, and the number of all. UsageError where the columns are others."""
        rows: list[Cells] = []
        count = 0
        levels = set()
        for path in paths:
            with self.parquet.ParquetFile(path) as file:
                types = file.schema_arrow
                if types.names != self.names:
                    raise UsageError(f"{path} is of another sweep: its columns differ", RESTART_REMEDY)
                for name in self.integer_types:
                    text = str(types.field(name).type)
                    level = INTEGER_TYPES.index(text) if text in INTEGER_TYPES else -1
                    if level < 0:
                        raise UsageError(f"{path} is of another sweep: {name} is {text}", RESTART_REMEDY)
                    self.integer_types[name] = max(level, self.integer_types[name])
                levels.add(tuple([str(types.field(name).type) for name in self.integer_types]))
                count += file.metadata.num_rows
                if file.metadata.num_rows:
                    ends = dict.fromkeys((0, file.num_row_groups - 1))
                    tables = [file.read_row_group(number) for number in ends]
                    rows += self._read_cells(tables[0].slice(0, 1))
                    rows += self._read_cells(tables[-1].slice(tables[-1].num_rows - 1, 1))
        self.is_mixed = len(levels) > 1
        return (rows[0], rows[-1], count) if rows else ((), (), 0)

    def _find_point(self, recipe: SweepRecipe, numbers: Sequence[int], cells: Cells) -> int:
        """The position of a row's point in the sweep. UsageError where it is none of its points."""
        number = 0
        order = list(self.indexes)
        for index, axis in enumerate(recipe.space.grid.axes):
            number = number * len(axis.values) + self._find_value(index, axis, cells[order.index(index)])
        position = bisect_left(numbers, number)
        if position == len(numbers) or numbers[position] != number:
            raise UsageError(f"{self.path} is of another sweep: it holds other points", RESTART_REMEDY)
        return position

    def _find_value(self, index: int, axis: SweepAxis, cell: Any) -> int:
        for position, value in enumerate(axis.values):
            if self._column_cells(index, [value]) == [cell]:
                return position
        raise UsageError(f"{self.path} is of another sweep: {axis.column} has no value {cell}", RESTART_REMEDY)

    def _continue(self, paths: Sequence[Path]) -> None:
        """Opens the last part again, with its rows; those of an incomplete row group go back to the buffer."""
        self.is_open = True
        for path in self.path.glob(".part-*") if self.folder else ():
            path.unlink()
        self.parts = len(paths) - 1 if self.folder else 0
        with self.parquet.ParquetFile(paths[-1]) as file:
            if self.folder and file.metadata.num_rows >= PART_ROWS:
                self.parts += 1
            else:
                for number in range(file.num_row_groups):
                    group = self._read_cells(file.read_row_group(number))
                    if len(group) == GROUP_ROWS:
                        self._write_group(group)
                    else:
                        self.buffer += group
        if self.is_mixed:
            self._write_anew()


def _import_pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet. UsageError where they are not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        if error.name != "pyarrow":
            raise
        raise UsageError("Parquet needs the package pyarrow", "pip install 'costcalc[parquet]'") from error
    return pyarrow, parquet
