"""Texts, tables, charts and bytes -> standard output, or a file."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.views.charts import Chart
    from costcalc.views.table import Table

CANNOT_ANSWER = 2
"""The exit code where costcalc could not answer."""

PIPE_CLOSED = 141
"""What a shell reports for a program that SIGPIPE ended: `costcalc analyze … | head` is no failure of costcalc."""


INPUTS_VARIABLE = "COSTCALC_INPUTS"
"""The environment variable by which `--watch` asks its runs which files they read: a file that takes their names."""


def output_option(command: Callable[..., Any], folder: bool = False) -> Callable[..., Any]:
    """-o; `-` is standard output, as it is without. folder says that it may be a folder."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=folder, allow_dash=True),
        help="Write to a file.",
        callback=lambda ctx, param, value: None if value == "-" else value,
    )(command)


def print_tables(sheets: Sequence[Table], form: str, output: str | None, keep_all: bool = False) -> None:
    """Prints sheets in a format."""
    from costcalc import render
    from costcalc.render.terminal import screen

    if form == "json":
        from costcalc.render import json

        write_text(json.dump({sheet.title: json.row_objects(sheet) for sheet in sheets}), output)
    elif form == "png":
        write_bytes(render.render_png(sheets, screen(output is not None), keep_all), output)
    else:
        write_text(render.render_tables(form, sheets, screen(output is not None), keep_all), output)


def write_text(text: str, output: str | None) -> None:
    """Writes a text and a newline. UsageError where they cannot be written."""
    if output is not None:
        write_bytes((text + "\n").encode(), output)
        return
    with standard_output() as stream:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        stream.write(text + "\n")


def write_bytes(content: bytes, output: str | None = None) -> None:
    """Writes bytes to a file, or to standard output. UsageError where that is a terminal, or cannot be written."""
    if output is not None:
        try:
            Path(output).write_bytes(content)
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}", "name another file") from error
        return
    with standard_output() as stream:
        if stream.isatty():
            raise UsageError(
                "the answer is a file, and standard output is a terminal", "name a file with -o, or a pipe"
            )
        stream.buffer.write(content)


LONGEST_ERROR_LINE = 2_000
"""Characters: a name or a shape of a model that is no real one may have any number of them."""


def print_error(text: str) -> None:
    """Writes a message to standard error; the names in it steer neither the terminal nor a CI's log, and of a line of
    more than LONGEST_ERROR_LINE characters the middle is left out."""
    from costcalc.core.sanitize import printable_lines

    click.echo("\n".join(map(_cut_middle, printable_lines(text).split("\n"))), err=True)


def _cut_middle(line: str) -> str:
    if len(line) <= LONGEST_ERROR_LINE:
        return line
    half = LONGEST_ERROR_LINE // 2
    return f"{line[:half]} … {line[-half:]}"


@contextmanager
def standard_output() -> Iterator[Any]:
    """Standard output, flushed at the end. UsageError where it is closed or its device is full."""
    if sys.stdout is None:
        raise UsageError("standard output is closed", "write to a file with -o")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError as error:  # click itself would end the program with 1, which is a verdict here
        discard_output()
        raise click.exceptions.Exit(PIPE_CLOSED) from error
    except OSError as error:
        discard_output()
        raise UsageError(f"cannot write to standard output: {error.strerror}", "write to a file with -o") from error


def discard_output() -> None:
    """Gives standard output somewhere to go, for Python flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_charts(charts: Sequence[Chart], form: str, output: str | None) -> None:
    """Draws charts as text, svg, png or html. UsageError where a package is missing or a file cannot be written."""
    if form == "text":
        from costcalc.render.charts import text
        from costcalc.render.terminal import screen

        write_text(text.render(charts, screen(output is not None)), output)
    elif form == "html":
        from costcalc.render.page import charts as page

        write_bytes(page.render(charts).encode(), output)
    else:
        from costcalc.render.charts import matplotlib as picture

        write_bytes(picture.render(charts, form), output)


def replace_unprintable() -> None:
    """Makes standard output and error write `?` for what their encoding (Latin-1, code page 437) has no sign for: the
    help has ellipses and multiplication signs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
