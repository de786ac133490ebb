"""costcalc sweep: every combination of parameters and symbols, as a table or as a stream of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from costcalc.cli.output import output_option
from costcalc.cli.parameters import (
    FORMATS,
    Model,
    Named,
    Names,
    debug_option,
    listed,
    precision_options,
    rules_option,
    scalar,
    shape,
)

CANNOT_ANSWER = 2

FORMS = (*FORMATS[:3], "jsonl", *FORMATS[3:])


def figures() -> Iterable[str]:
    """The columns that every sweep has; those of what varies are the user's own."""
    from costcalc.studies.sweep.point import FIGURES, OTHERS

    return (*FIGURES, *OTHERS)


@click.command()
@click.argument("model", type=Model())
@click.option(
    "--set",
    "params",
    multiple=True,
    type=Named(str, "alpha=0.25:1.0:0.25"),
    help="Vary a parameter: alpha=0.25:1.0:0.25 (first:last:step), k=3,5,7, n=1:64:*2; 'kernels[*]=3,5' and "
    "kernels.0=3,5 vary elements of a list; quotes and brackets keep a comma inside a value.",
)
@click.option(
    "--dim", "dims", multiple=True, type=Named(str, "N=1,8"), help="Vary a symbol: N=1,8 or seq=128:1024:128."
)
@click.option(
    "--shape", "shapes", multiple=True, type=Named(shape, "x=1,3,224,224"), help="Bind an input's whole shape."
)
@click.option(
    "--value",
    "values",
    multiple=True,
    type=Named(scalar, "n=7"),
    help="Give the value of a small integer or boolean input.",
)
@click.option("--symbolic", is_flag=True, help="Leave batch and spatial extents open, to vary N, H and W.")
@precision_options
@click.option("--sample", type=click.IntRange(1), metavar="K", help="K of the combinations, drawn without replacement.")
@click.option("--seed", type=int, default=0, show_default=True, help="What the sample is drawn by.")
@click.option("--where", metavar="CONDITION", help="Only rows that meet it: 'macs < 300M and params <= 4M'.")
@click.option(
    "--pareto",
    type=Names(figures),
    metavar="GOALS",
    help="Only rows that no other beats: macs,params or macs,resolution:max.",
)
@click.option(
    "--maximize",
    type=Names(figures),
    metavar="GOAL",
    help="Only the rows with the greatest value that meet --subject-to.",
)
@click.option(
    "--minimize", type=Names(figures), metavar="GOAL", help="Only the rows with the least value that meet --subject-to."
)
@click.option("--subject-to", metavar="CONDITION", help="What the best must meet: 'macs <= 100M'.")
@click.option("--sort", type=Names(figures), metavar="COLUMNS", help="In this order: macs, or macs:desc,params.")
@click.option("--top", type=click.IntRange(1), metavar="K", help="Only the first K rows.")
@click.option("--columns", type=Names(figures), callback=listed, metavar="A,B,…", help="Which columns.")
@click.option(
    "--plot",
    metavar="X,Y",
    help="Plot two columns above the table, or as a picture (svg, png, html) with "
    "the rows that no other beats: macs,params or macs,resolution:max.",
)
@click.option("--strict", is_flag=True, help="End at the first combination that is invalid or has an unknown operator.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="How many processes build models; one for each core.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="How to print it; csv and jsonl (a JSON object a line) stream.  [default: by the file's ending, else table]",
)
@output_option
@click.option("--resume", is_flag=True, help="Go on with the file of -o where an interrupted sweep ended.")
@rules_option
@debug_option
def sweep(
    model: str,
    params: tuple[Any, ...],
    dims: tuple[Any, ...],
    shapes: tuple[Any, ...],
    values: tuple[Any, ...],
    symbolic: bool,
    dtype: str | None,
    act_dtype: str | None,
    sample: int | None,
    seed: int,
    columns: tuple[str, ...],
    plot: str | None,
    strict: bool,
    jobs: int | None,
    form: str | None,
    output: str | None,
    resume: bool,
    **wanted: Any,
) -> int:
    """Cost every combination of parameters and symbols.

    A combination that is no valid model is a row with its error. Parameters vary slowest and symbols fastest, each in
    the order given. Symbols are evaluated from formulas, parameters build the model anew. --resume takes only a file
    of the same sweep.
    """
    from costcalc.cli.commands.sweep_output import Output, write
    from costcalc.cli.formats import by_ending
    from costcalc.studies.sweep.recipe import opened
    from costcalc.studies.sweep.sweep import Wanted, chosen

    given = {
        "shapes": dict(shapes),
        "values": dict(values),
        "symbolic": symbolic or None,
        "dtype": dtype,
        "act_dtype": act_dtype,
    }
    options = {name: value for name, value in given.items() if value}
    asked = Wanted(**wanted)
    mentioned = " ".join([*columns, plot or "", *(str(text) for text in asked if text)])
    with_peak = not columns or "peak" in mentioned.lower()
    begun = opened(model, dict(params), dict(dims), options, with_peak, strict)
    numbers = chosen(begun, sample, seed)
    printed = Output(by_ending(form, output, FORMS), output, columns, plot, resume)
    complete = write(begun, numbers, asked, printed, jobs)
    return 0 if complete else CANNOT_ANSWER
