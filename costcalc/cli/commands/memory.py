"""`costcalc memory`: what a network needs while it runs, and when."""

from __future__ import annotations

import click

from costcalc.analysis.options import ALIGNMENT
from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Count, Model, Word, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.studies.options import Settings

DEFAULT_TOP = 10
"""Tensors that a page shows unless --top says otherwise."""


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("execution")
@click.option(
    "--arena",
    is_flag=True,
    help=f"Lay the tensors out in one arena: its size, and an offset for each (--align {ALIGNMENT} unless given).",
)
@click.option(
    "--by",
    type=Word(("tensor", "step", "resolution")),
    default="tensor",
    show_default=True,
    help="A row per tensor (those alive at the peak first), per step, or per spatial resolution (the most "
    "that is materialised there).",
)
@click.option(
    "--top",
    type=Count(),
    metavar="K",
    help=f"Only the first K rows; on a page {DEFAULT_TOP} tensors unless given.",
)
@output_options(*FORMATS)
def memory(
    model: str, settings: Settings, arena: bool, by: str, top: int | None, form: str, output: str | None
) -> None:
    """Show the peak of live activation bytes, when it comes, and which tensors hold it.

    A tensor lives from the step that computes it to the last that reads it; views share their source's memory.
    JSON holds every step and tensor, and with --arena or --align the plan.
    """
    from costcalc.analysis.memory.footprint import measure_footprint
    from costcalc.studies.pipeline import load
    from costcalc.views.memory import memory_document, memory_table

    execution = settings.execution
    if arena and execution.align is None:
        execution = execution._replace(align=ALIGNMENT)
    footprint = measure_footprint(load(model, settings), execution)
    if form == "json":
        from costcalc.render import json

        write_text(json.dump({"memory": memory_document(footprint)}), output)
    else:
        default_top = DEFAULT_TOP if by == "tensor" and form != "csv" else None
        print_tables([memory_table(footprint, by, top or default_top)], form, output)
