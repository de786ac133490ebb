"""costcalc sweep: every combination of parameters and symbols, as a table or as a stream of rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import click

from costcalc.cli.output import output_option
from costcalc.cli.parameters import FORMATS, Count, Model, NameList, NameValue, Word, split_commas
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.core.quantities import CATALOGUE
from costcalc.studies.options import Settings

FORMS = (*FORMATS[:3], "jsonl", "parquet", *FORMATS[3:])


def figures() -> Iterable[str]:
    """The columns that a sweep can have; those of what varies are the user's own."""
    from costcalc.studies.sweep.columns import STATES

    return (*[f"{key}." if quantity.per_device else key for key, quantity in CATALOGUE.items()], *STATES)


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@click.option(
    "--set",
    "params",
    multiple=True,
    type=NameValue(str, "alpha=0.25:1.0:0.25"),
    help="Vary a parameter: alpha=0.25:1.0:0.25 (first:last:step), k=3,5,7, n=1:64:*2; 'kernels[*]=3,5' and "
    "kernels.0=3,5 vary elements of a list; quotes and brackets keep a comma inside a value.",
)
@click.option(
    "--dim", "dims", multiple=True, type=NameValue(str, "N=1,8"), help="Vary a symbol: N=1,8 or seq=128:1024:128."
)
@click.option(
    "--vary",
    multiple=True,
    type=NameValue(str, "dtype=int8,float16"),
    help="Vary a setting: dtype=int8,float16, fuse=true,false, align=null,16, optimizer=sgd,adam, batch=1:8.",
)
@settings_options(omit=("dims", "params"))
@click.option("--sample", type=Count(), metavar="K", help="Only K of the combinations, drawn at random.")
@click.option("--seed", type=Count(0), help="The seed of --sample.  [default: 0]")
@click.option("--where", metavar="CONDITION", help="Only rows that meet it: 'time.t4 < 5ms and params <= 4M'.")
@click.option(
    "--pareto",
    type=NameList(figures),
    metavar="GOALS",
    help="Only rows that no other beats: time.t4,params or macs,resolution:max.",
)
@click.option(
    "--maximize",
    type=NameList(figures),
    metavar="GOAL",
    help="Only the rows with the greatest value that meet --subject-to.",
)
@click.option(
    "--minimize",
    type=NameList(figures),
    metavar="GOAL",
    help="Only the rows with the least value that meet --subject-to.",
)
@click.option("--subject-to", metavar="CONDITION", help="What the best must meet: 'macs <= 100M'.")
@click.option("--sort", type=NameList(figures), metavar="COLUMNS", help="In this order: macs, or macs:desc,params.")
@click.option("--top", type=Count(), metavar="K", help="Only the first K rows.")
@click.option(
    "--columns",
    type=NameList(figures),
    callback=split_commas,
    metavar="A,B,…",
    help="Which columns: alpha,macs,time.t4.",
)
@click.option(
    "--plot",
    metavar="X,Y",
    help="Plot two columns above the table, or as a picture (svg, png, html) with "
    "the rows that no other beats: macs,params or macs,resolution:max.",
)
@click.option("--strict", is_flag=True, help="End at the first combination that is invalid or has an unknown operator.")
@click.option("--jobs", type=Count(), metavar="N", help="How many processes build models; one for each core.")
@click.option(
    "--executor",
    metavar="ADDRESS",
    help="Workers of a cluster build models: dask://HOST:8786, the address of a Dask scheduler.",
)
@click.option(
    "--format",
    "form",
    type=Word(FORMS),
    metavar="FORMAT",
    help=f"How to print it: {', '.join(FORMS)}. csv, jsonl (a JSON object a line) and parquet stream.  [default: by "
    "the file's ending, else table]",
)
@partial(output_option, folder=True)
@click.option("--resume", is_flag=True, help="Go on with the file of -o where an interrupted run of this sweep ended.")
def sweep(
    model: str,
    settings: Settings,
    params: tuple[Any, ...],
    dims: tuple[Any, ...],
    vary: tuple[Any, ...],
    sample: int | None,
    seed: int | None,
    columns: tuple[str, ...],
    plot: str | None,
    strict: bool,
    jobs: int | None,
    executor: str | None,
    form: str | None,
    output: str | None,
    resume: bool,
    **selection: Any,
) -> None:
    """Cost every combination of parameters, symbols and settings.

    Any quantity can be a column, a condition or a goal: arena_bytes, time.t4, energy.stm32h743, training_bytes …
    A combination that is no valid model is a row with its error. Parameters vary slowest, then settings, then symbols.
    """
    from costcalc.cli.commands.sweep_output import SweepOutput, write_sweep
    from costcalc.cli.formats import choose_format
    from costcalc.studies.sweep.recipe import prepare_sweep
    from costcalc.studies.sweep.select import RowSelection, goal_names
    from costcalc.studies.sweep.sweep import find_quantities, select_numbers, use_executor

    if seed is not None and sample is None:
        raise UsageError("--seed is of --sample", "say how many combinations are drawn: --sample 100")
    chosen = RowSelection(**selection)
    names = (*columns, *goal_names(plot or ()), *chosen.names())
    setup = prepare_sweep(
        model,
        dict(params),
        dict(dims),
        settings,
        vary=dict(vary),
        quantities=find_quantities(names),
        with_peak=not columns or "peak_activation_bytes" in map(str.lower, names),
        strict=strict,
    )
    numbers = select_numbers(setup, sample, seed or 0)
    answer = SweepOutput(choose_format(form, output, FORMS), output, columns, plot, resume)
    with use_executor(executor, jobs) as workers:
        reason = write_sweep(setup, numbers, chosen, answer, jobs, workers)
    if reason:
        fact = f"none of the {len(numbers):,} combinations is a valid model: {reason}"
        raise CostcalcError(fact, "vary other values; the column `error` of --format csv says why of each")
