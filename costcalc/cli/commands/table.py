"""`costcalc table`: a table of models for a README, printed, written between its markers, or checked there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import Model, NameList, debug_option, output_options, rules_option, split_commas
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.cli.commands.markdown_tables import UpdatedFile
    from costcalc.studies.options import Settings
    from costcalc.views.model_table import TableRequest


def known_columns() -> Iterable[str]:
    """The columns of a table of models."""
    from costcalc.views.model_table import COLUMNS

    return COLUMNS


def table_columns(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """name,macs,time.t4 as a tuple, in small letters but for devices, which may be paths."""
    parts = [text.partition(".") for text in split_commas(ctx, param, value)]
    return tuple([f"{name.lower()}{dot}{device}" for name, dot, device in parts])


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--columns, --short and the settings: what a marker may say too. --rules is not among them, for a text file must
    not run code."""
    columns_option = click.option(
        "--columns",
        type=NameList(known_columns),
        callback=table_columns,
        metavar="A,B,…",
        help="Which columns: name, source, input, layers, and any quantity: macs, flops, params, buffers, "
        "weight_bytes, activation_bytes, peak_activation_bytes, "
        "traffic_bytes, arena_bytes, training_bytes, time.DEVICE …",
    )
    short_option = click.option("--short", is_flag=True, help="Round counts to three digits: 569 M.")
    return columns_option(short_option(settings_options(runs_code=False)(command)))


@click.command("costcalc:table", add_help_option=False)
@click.argument("models", nargs=-1, required=True, type=Model(takes_code=False))
@table_options
def marker(models: tuple[str, ...], columns: tuple[str, ...], short: bool, settings: Settings) -> TableRequest:
    """What a marker asks for."""
    from costcalc.views.model_table import TableRequest

    return TableRequest(models, settings, columns, short)


def parse_marker(arguments: Sequence[str]) -> TableRequest:
    """The words of a marker, read as the command line is. UsageError where they are not understood."""
    try:
        request: TableRequest = marker.main(args=list(arguments), prog_name="costcalc:table", standalone_mode=False)
    except click.ClickException as error:
        raise UsageError(error.format_message().rstrip("."), "write costcalc:table MODEL… [OPTION…]") from error
    return request


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="MODEL|FILE...", nargs=-1, required=True, type=Model())
@click.option("--update", is_flag=True, help="Take FILEs: rewrite the tables between their markers.")
@click.option("--check", is_flag=True, help="Take FILEs: exit 1 if a table in them is stale; nothing is written.")
@table_options
@rules_option
@debug_option
@output_options("markdown", "table", "json", "csv", "html")
@click.pass_context
def table(
    ctx: click.Context,
    /,
    models: tuple[str, ...],
    update: bool,
    check: bool,
    columns: tuple[str, ...],
    short: bool,
    settings: Settings,
    form: str,
    output: str | None,
) -> int:
    """Print a table of models with their totals, or keep the tables in Markdown files true.

    Such a table stands between two comments, each alone on its line; the models are built-in names or paths relative to
    the file, and the options are this command's:

    \b
    <!-- costcalc:table mobilenet vgg16 --columns name,macs,params -->
    <!-- /costcalc:table -->
    """
    if update or check:
        _refuse_options(ctx)
        return _update_files([Path(name) for name in models], check)
    from costcalc.render import markdown
    from costcalc.render.terminal import screen
    from costcalc.views.model_table import TableRequest, model_table

    sheet = model_table(TableRequest(models, settings, columns, short))
    if form == "markdown":
        write_text(screen(output is not None).text("\n".join(markdown.table(sheet))), output)
    else:
        print_tables([sheet], form, output, keep_all=True)
    return 0


def _refuse_options(ctx: click.Context) -> None:
    """UsageError for an option beside --update or --check: with files, options stand in the markers."""
    file_parameters = ("models", "update", "check")
    for name in ctx.params:
        if name not in file_parameters and ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            option = next(p.opts[0] for p in ctx.command.params if p.name == name)
            raise UsageError(f"{option} does not go with --update and --check", "write it into the file's marker")


def _update_files(paths: Sequence[Path], check: bool) -> int:
    """All files are read before one is written, so that an error changes none."""
    from costcalc.cli.commands.markdown_tables import update_tables, write

    files = [update_tables(path, parse_marker) for path in paths]
    for file in files:
        if not check:
            write(file)
    write_text("\n".join(line for file in files for line in _status_lines(file, check)), None)
    return int(check and any(file.stale for file in files))


def _status_lines(file: UpdatedFile, check: bool) -> list[str]:
    from costcalc.core.sanitize import printable

    name, tables = printable(str(file.path)), f"{file.tables} {'table' if file.tables == 1 else 'tables'}"
    if not file.stale:
        return [
            f"{name}: {tables}, {'none' if file.tables != 1 else 'not'} stale" if file.tables else f"{name}: no table"
        ]
    if not check:
        return [f"{name}: {len(file.stale)} of {tables} rewritten"]
    lines = []
    for stale in file.stale:
        lines += [
            f"{name}:{stale.line}: the table is stale",
            f"  shown  {printable(stale.old)}",
            f"  now    {printable(stale.new)}",
        ]
    return [*lines, f"{name}: {len(file.stale)} of {tables} stale; run `costcalc table --update {name}`"]
