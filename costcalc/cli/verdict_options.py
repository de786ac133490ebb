"""How verdicts are shown: --format, -o, COSTCALC_FORMAT, --report. A failure to write changes no verdict, but a check
whose report is missing does not exit with 0."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli import formats
from costcalc.cli.output import output_option, print_error, write_text
from costcalc.cli.parameters import Word
from costcalc.core.errors import CostcalcError, UsageError

if TYPE_CHECKING:
    from costcalc.studies.check.verdict import CheckResult

FORMATS = (
    *("table", "json", "markdown", "github", "sarif", "junit", "gitlab", "svg"),
    *("azure", "azure-comment", "bitbucket", "bitbucket-comment", "badge", "shields"),
)

VARIABLE = "COSTCALC_FORMAT"


class ReportFile(click.ParamType):  # type: ignore[type-arg]
    """FORMAT=FILE."""

    name = "format=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        form, equals, file = value.partition("=")
        if not equals or form not in FORMATS or not file:
            self.fail(
                f"{value!r} is not understood; write it as sarif=FILE, with one of {', '.join(FORMATS)}", param, ctx
            )
        return form, file


def verdict_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--format, -o, --report, --comment-id."""
    help_text = f"How to print it.  [default: ${VARIABLE}, else by the file's ending, else table]"
    form = click.option("--format", "form", type=Word(FORMATS), help=help_text)
    report = click.option(
        "--report",
        "reports",
        multiple=True,
        type=ReportFile(),
        help="Write the verdicts to a file in another format too: sarif=check.sarif.",
    )
    ident = click.option(
        "--comment-id",
        "ident",
        default="",
        metavar="ID",
        callback=_check_ident,
        help="Names the comment in its hidden marker, where a pull request has several.",
    )
    return form(output_option(report(ident(command))))


def _check_ident(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """The value of --comment-id -> the same. UsageError where it cannot stand in a marker."""
    if value:
        from costcalc.render.check.markdown import marker

        marker(value)
    return value


def choose_format(form: str | None, output: str | None = None) -> str:
    """The format that is asked for on the command line, else by the environment, else by the file's ending, else the
    table. UsageError where the ending names no format."""
    if form is not None:
        return form
    choice = os.environ.get(VARIABLE, "").strip() or formats.choose_format(None, output, FORMATS)
    if choice in FORMATS:
        return choice
    print_error(
        f"costcalc: {VARIABLE} is {choice!r}, which is no format; there are {', '.join(FORMATS)}: here is the table"
    )
    return FORMATS[0]


def emit_result(
    outcome: CheckResult, form: str | None, output: str | None, reports: Sequence[tuple[str, str]], ident: str
) -> bool:
    """Prints the outcome and writes the reports; whether all could be written. What goes wrong goes to standard error;
    a reader of the pipe who has gone is nothing wrong."""
    written = [_write_result(outcome, kind, file, ident) for kind, file in reports]
    try:
        kind = choose_format(form, output)
    except UsageError as error:  # the verdict is told all the same
        print_error(f"costcalc: {error}")
        _write_result(outcome, FORMATS[0], None, ident)
        return False
    return _write_result(outcome, kind, output, ident) and all(written)


def _write_result(outcome: CheckResult, form: str, output: str | None, ident: str) -> bool:
    """Writes an outcome in a format; whether that could be done."""
    from costcalc.render.check import render
    from costcalc.render.terminal import screen

    try:
        write_text(render(form, outcome, screen(output is not None), ident), output)
        return True
    except click.exceptions.Exit:
        return True  # whoever read it has gone; the verdict stays
    except CostcalcError as error:
        print_error(f"costcalc: {error}")
    except Exception as error:
        crash = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        print_error(f"costcalc: the {form} could not be made ({crash}); this is a bug in costcalc, please report it")
    return False
