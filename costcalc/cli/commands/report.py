"""`costcalc report`: models as one page to look through, which asks nothing of the network.

`costcalc plot`: a chart for the terminal, for slides, for a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.commands.analyze import model_paths
from costcalc.cli.device_options import hardware_option, names
from costcalc.cli.formats import by_ending
from costcalc.cli.output import draw, emit_bytes, output_option
from costcalc.cli.parameters import Model, given, model_options, precision_options
from costcalc.core.errors import UsageError
from costcalc.core.quantities import LAYER_TOTALS

if TYPE_CHECKING:
    from costcalc.views.charts import Chart


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@model_options
@precision_options
@hardware_option
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@output_option
def report(
    models: tuple[str, ...], hardware: tuple[str, ...], strict: bool, output: str | None, **options: Any
) -> None:
    """Write one HTML page about the models: where the cost is, when memory is needed, what bounds the time.

    The page stands alone: costcalc report resnet50 -o report.html
    """
    from costcalc.analysis.hardware.catalogue import find
    from costcalc.render.page import render
    from costcalc.studies.batch import reports
    from costcalc.views.page import USUAL, content

    profiles = {profile.id: profile for profile in map(find, names(hardware) or USUAL)}
    page = render(content(reports(model_paths(models), strict, given(options)), tuple(profiles.values())))
    emit_bytes(page.encode(), output)


FORMATS = ("text", "svg", "png", "html")

QUANTITIES = tuple([key for key in LAYER_TOTALS if key != "buffers"])

FEW = 12
"""Bars of a model, unless --top says otherwise."""


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@model_options
@precision_options
@hardware_option
@click.option(
    "--kind",
    type=click.Choice(("bars", "memory", "roofline", "pareto")),
    default="bars",
    show_default=True,
    help="What is shown: the dearest parts; live bytes by step; layers, or several models, under a device's "
    "roof; models, or the rows of a sweep's CSV or JSON, by two quantities.",
)
@click.option("--quantity", type=click.Choice(QUANTITIES), default="macs", show_default=True, help="Of bars.")
@click.option(
    "--by",
    type=click.Choice(("layer", "block", "op")),
    default="layer",
    show_default=True,
    help="A bar per layer, block or operator.",
)
@click.option("--depth", type=click.IntRange(1), help="Open the tree of blocks this deep (with --by block).")
@click.option("--top", type=click.IntRange(1), default=FEW, show_default=True, metavar="K", help="How many bars.")
@click.option(
    "--x", default="macs", show_default=True, metavar="QUANTITY", help="What pareto shows from left to right."
)
@click.option("--y", default="params", show_default=True, metavar="QUANTITY", help="What it shows from below.")
@click.option(
    "--maximize", multiple=True, metavar="QUANTITY", help="More of it is better: --y accuracy --maximize accuracy."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How to draw it.  [default: by the file's ending, else text]"
)
@output_option
def plot(models: tuple[str, ...], kind: str, form: str | None, output: str | None, **options: Any) -> None:
    """Draw where the cost is, when memory is needed, what bounds the time, or which models beat which.

    costcalc plot resnet50 -o cost.svg; costcalc plot mobilenet resnet18 vgg16 --kind pareto
    """
    draw(_charts(kind, models, options), by_ending(form, output, FORMATS), output)


def _charts(kind: str, models: Sequence[str], options: dict[str, Any]) -> list[Chart]:
    chosen = {key: options.pop(key) for key in ("quantity", "by", "depth", "top", "x", "y", "maximize", "hardware")}
    if kind == "pareto":
        return [_front(models, chosen, options)]
    from costcalc.studies.batch import reports
    from costcalc.views import charts as make

    found = reports(model_paths(models), False, given(options))
    if kind == "bars":
        by = "block" if chosen["depth"] and chosen["by"] == "layer" else chosen["by"]
        return [make.bars(report, chosen["quantity"], by, chosen["depth"], chosen["top"]) for report in found]
    if kind == "memory":
        return [make.live(report) for report in found]
    from costcalc.analysis.hardware.catalogue import find
    from costcalc.views.page import USUAL

    return [make.roofs(found, [find(name) for name in names(chosen["hardware"]) or USUAL])]


def _front(models: Sequence[str], chosen: dict[str, Any], options: dict[str, Any]) -> Chart:
    from costcalc.studies.batch import reports
    from costcalc.views.pareto import SUFFIXES, front, read, records

    tables = [model for model in models if model.endswith(SUFFIXES)]
    rows = [row for path in tables for row in read(path)]
    others = [model for model in models if model not in tables]
    if others:
        rows += records(reports(model_paths(others), False, given(options)))
    if len(rows) < 2:
        raise UsageError("there is nothing to compare with", "name two or more models, or a table of costcalc sweep")
    return front(rows, chosen["x"], chosen["y"], chosen["maximize"], Path(tables[0]).stem if tables else "")
