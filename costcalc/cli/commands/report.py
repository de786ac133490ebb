"""`costcalc report`: models as one page to look through, which asks nothing of the network.

`costcalc plot`: a chart for the terminal, for slides, for a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from costcalc.cli.commands.analyze import model_paths
from costcalc.cli.formats import choose_format, refuse_ending
from costcalc.cli.output import output_option, print_charts, write_bytes
from costcalc.cli.parameters import Model, NameList, Word
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError
from costcalc.core.quantities import CATALOGUE, parse_quantity, usage
from costcalc.core.quantity import QuantityRef

if TYPE_CHECKING:
    from costcalc.studies.options import Settings
    from costcalc.views.charts import Chart


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@output_option
def report(models: tuple[str, ...], settings: Settings, strict: bool, output: str | None) -> None:
    """Write one HTML page about the models: where the cost is, when memory is needed, what bounds the time.

    The page is one file that loads nothing from elsewhere.
    """
    from costcalc.render.page import render
    from costcalc.studies.compare import measure_models
    from costcalc.views.page import page_content

    refuse_ending(output, "HTML", ("html", "htm"))
    measurements = measure_models(model_paths(models), settings, strict)
    write_bytes(render(page_content(measurements, settings.devices)).encode(), output)


FORMATS = ("text", "svg", "png", "html")


def catalogue_keys() -> Iterable[str]:
    """The names of all quantities, as they are written."""
    return [usage(quantity) for quantity in CATALOGUE.values()]


def layer_quantity(text: str, settings: Settings) -> QuantityRef:
    """The quantity that bars are of. UsageError, with the reason, for one of which layers have no parts."""
    ref = parse_quantity(text, settings.devices)
    if not ref.quantity.additive:
        remedy = f"compare models by it: --kind pareto --x {ref.key}"
        if ref.quantity.unit == "boolean":
            remedy = f"see it in a table: costcalc table MODEL --columns name,{ref.key}"
        if ref.quantity.key == "time":
            remedy += f", or see the layers with costcalc analyze --hardware {ref.device} --columns name,time"
        raise UsageError(f"{ref.key} is of the whole model and no sum over its layers: it has no bars", remedy)
    return ref


KINDS_OF = dict.fromkeys(("quantity", "by", "depth", "top"), "bars") | dict.fromkeys(("x", "y", "maximize"), "pareto")
"""Option of plot -> the kind of chart that it is for."""

DEFAULT_BARS = 12
"""Bars of a model, unless --top says otherwise."""


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option(
    "--kind",
    type=Word(("bars", "memory", "roofline", "pareto")),
    default="bars",
    show_default=True,
    help="bars: the parts that cost most; memory: live bytes by step; roofline: layers, or several models, under a "
    "device's roof; pareto: models, or the rows of a sweep's CSV or JSON, by two quantities.",
)
@click.option(
    "--quantity",
    type=NameList(catalogue_keys, several=False),
    default="macs",
    show_default=True,
    metavar="QUANTITY",
    help="What bars show: a sum over layers, such as macs, params, weight_bytes or backward_macs.",
)
@click.option(
    "--by",
    type=Word(("layer", "block", "module", "op")),
    default="layer",
    show_default=True,
    help="A bar per layer, block, module or operator.",
)
@click.option("--depth", type=click.IntRange(1), help="Open the tree this deep (with --by block or module).")
@click.option(
    "--top", type=click.IntRange(1), default=DEFAULT_BARS, show_default=True, metavar="K", help="How many bars."
)
@click.option("--x", default="macs", show_default=True, metavar="QUANTITY", help="The horizontal axis of pareto.")
@click.option("--y", default="params", show_default=True, metavar="QUANTITY", help="The vertical axis of pareto.")
@click.option(
    "--maximize", multiple=True, metavar="QUANTITY", help="More of it is better: --y accuracy --maximize accuracy."
)
@click.option(
    "--format", "form", type=Word(FORMATS), help="How to draw it.  [default: by the file's ending, else text]"
)
@output_option
@click.pass_context
def plot(
    ctx: click.Context,
    /,
    models: tuple[str, ...],
    settings: Settings,
    kind: str,
    form: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """Draw where the cost is, when memory is needed, what bounds the time, or which models beat which.

    The ending of -o says the format: cost.svg, cost.png, cost.html. Without -o the terminal shows the chart.
    """
    for name in KINDS_OF:
        if kind != KINDS_OF[name] and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"--{name} says nothing to --kind {kind}", f"it is for --kind {KINDS_OF[name]}")
    print_charts(_make_charts(kind, models, settings, options), choose_format(form, output, FORMATS), output)


def _make_charts(kind: str, models: Sequence[str], settings: Settings, options: dict[str, Any]) -> list[Chart]:
    if kind == "pareto":
        return [_pareto_chart(models, settings, options["x"], options["y"], options["maximize"])]
    from costcalc.studies.compare import measure_models
    from costcalc.views import charts as make

    ref = layer_quantity(options["quantity"], settings)
    quantity = ref.quantity.key
    measurements = measure_models(model_paths(models), settings, quantities=[ref])
    reports = [measurement.report for measurement in measurements]
    if kind == "bars":
        by = "block" if options["depth"] and options["by"] == "layer" else options["by"]
        return [make.bar_chart(report, quantity, by, options["depth"], options["top"]) for report in reports]
    if kind == "memory":
        return [make.memory_chart(report) for report in reports]
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.views.page import DEFAULT_DEVICES

    return [make.roofline_chart(reports, [find_profile(name) for name in settings.devices or DEFAULT_DEVICES])]


def _axis_key(key: str, devices: Sequence[str]) -> str:
    """The key of a quantity, on the one device where it names none; a column of a table as it is."""
    return parse_quantity(key, devices).key if key in CATALOGUE and devices else key


def _pareto_chart(models: Sequence[str], settings: Settings, x: str, y: str, maximize: Sequence[str]) -> Chart:
    from costcalc.studies.compare import measure_models
    from costcalc.views.pareto import SUFFIXES, pareto_chart, read_records, report_records

    tables = [model for model in models if model.endswith(SUFFIXES)]
    rows = [row for path in tables for row in read_records(path)]
    networks = [model for model in models if model not in tables]
    x, y, *maximize = [_axis_key(key, settings.devices) for key in (x, y, *maximize)]
    if networks:
        refs = [parse_quantity(key) for key in (x, y) if not tables or key.partition(".")[0] in CATALOGUE]
        rows += report_records(measure_models(model_paths(networks), settings, quantities=refs), refs)
    if len(rows) < 2:
        raise UsageError("there is nothing to compare with", "name two or more models, or a table of costcalc sweep")
    return pareto_chart(rows, x, y, maximize, Path(tables[0]).stem if tables else "")
