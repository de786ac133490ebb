"""Base classes of results: a result -> tables, JSON document, text, HTML and rich output, by the installed presenter.

The packages below the views define results and know no screen. `costcalc/__init__` installs the presenter by its
module's name; it is imported when the first result is shown.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol, cast

from costcalc.core.sanitize import printable


class ResultTable(Protocol):
    """A table as callers may rely on it: raw values, one tuple a row, under columns."""

    @property
    def title(self) -> str: ...

    @property
    def columns(self) -> tuple[Any, ...]: ...

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]: ...


class Presenter(Protocol):
    """A result -> tables, a JSON document, text, HTML, and an object that rich prints."""

    def tables(self, result: Any, **options: Any) -> tuple[ResultTable, ...]: ...

    def document(self, result: Any) -> dict[str, Any]: ...

    def text(self, result: Any) -> str: ...

    def markup(self, result: Any) -> str: ...

    def rich(self, result: Any) -> Any: ...

    def save(self, result: Any, path: str) -> None: ...

    def frame(self, result: Any, library: str, **options: Any) -> Any: ...


_INSTALLED: list[str] = []


def install_presenter(module: str) -> None:
    """Names the module that is the presenter from now on."""
    _INSTALLED[:] = [module]
    presenter.cache_clear()


@lru_cache(maxsize=1)
def presenter() -> Presenter:
    """The installed presenter. RuntimeError where none is installed."""
    if not _INSTALLED:
        raise RuntimeError("no presenter is installed: import costcalc first")
    return cast(Presenter, import_module(_INSTALLED[0]))


REPR_WIDTH = 100
"""Signs of a repr: a session shows those of a list one after the other."""


def short_repr(kind: str, name: str, facts: str = "") -> str:
    """Kind of an object, its name and what is to be known of it -> `<Kind name: facts>`, printable in one line of
    REPR_WIDTH signs: what is too long loses its middle."""
    room = REPR_WIDTH - len(kind) - 5
    facts = _cut_middle(printable(facts), max(room - min(len(name), room // 2), room // 2))
    name = _cut_middle(printable(name), room - len(facts))
    return f"<{kind} {name}: {facts}>" if facts else f"<{kind} {name}>"


def _cut_middle(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    half = (width - 1) // 2
    return f"{text[: width - 1 - half]}…{text[len(text) - half :] if half else ''}"


class Serializable:
    """A result, or a part of one, that has a JSON document."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The entry of the JSON report: plain values, an amount with open symbols as the text of its formula."""
        return presenter().document(self)


class Printable:
    """A result that is shown as text. Its repr should be short, for a session shows that of every line."""

    __slots__ = ()

    def __str__(self) -> str:
        """The tables, as wide as a line of a pipe."""
        return presenter().text(self)

    def _repr_html_(self) -> str:
        """The tables in a notebook."""
        return presenter().markup(self)

    def __rich__(self) -> Any:
        """The tables in the colours and at the width of a terminal, for rich's print."""
        return presenter().rich(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the result in the format of the path's ending, as the command line's -o does: .html, .md, .csv, .json,
        .svg, .png or .txt. UsageError for another ending, and where the file cannot be written."""
        presenter().save(self, os.fspath(path))


class Result(Printable, Serializable):
    """A result that is shown as tables."""

    __slots__ = ()

    def tables(self) -> tuple[ResultTable, ...]:
        """The tables that show the result, in their order."""
        return presenter().tables(self)

    def to_pandas(self, **options: Any) -> Any:
        """The rows as a pandas.DataFrame with nullable columns: Int64, Float64, boolean, string; a column with a number
        beyond 64 bits, or with formulas of open symbols, holds objects. What is not known is <NA>.

        Of a report a row is a layer (by="op", "block" or "module" with depth, columns=… as analyze takes them); of a
        comparison or a table a model; of a sweep a combination; of a diff a layer that changed; of a footprint a tensor
        (by="step", "resolution"). UsageError without pandas, and for a result without rows.
        """
        return presenter().frame(self, "pandas", **options)

    def to_polars(self, **options: Any) -> Any:
        """The rows as a polars.DataFrame, as to_pandas has them: Int64, Float64, Boolean, String; a column with a
        number beyond 64 bits is Decimal(38, 0), one with formulas String. What is not known is null."""
        return presenter().frame(self, "polars", **options)
