"""`costcalc report`: models as one page to look through, which asks nothing of the network.

`costcalc plot`: a chart for the terminal, for slides, for a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from costcalc.cli.commands.analyze import model_paths
from costcalc.cli.formats import choose_format, refuse_ending
from costcalc.cli.output import output_option, print_charts, write_bytes
from costcalc.cli.parameters import Count, Model, NameList, Word
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.studies.options import Settings


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

    refuse_ending(output, "HTML", ("html", "htm"), ("yaml", "yml", "onnx"))
    measurements = measure_models(model_paths(models), settings, strict)
    write_bytes(render(page_content(measurements, settings.devices)).encode(), output)


FORMATS = ("text", "svg", "png", "html")


def catalogue_keys() -> Iterable[str]:
    """The names of all quantities, as they are written."""
    from costcalc.views.plot import quantity_names

    return quantity_names()


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
    help="A bar per layer, block, module or operator.  [default: block; layer of a model with few blocks]",
)
@click.option("--depth", type=Count(), help="Open the tree this deep (with --by block or module).")
@click.option("--top", type=Count(), default=DEFAULT_BARS, show_default=True, metavar="K", help="How many bars.")
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
    from costcalc.views.pareto import SUFFIXES
    from costcalc.views.plot import ChartOptions, make_charts

    tables = [model for model in models if kind == "pareto" and model.endswith(SUFFIXES)]
    networks = model_paths([model for model in models if model not in tables])
    charts = make_charts(kind, [*tables, *networks], settings, ChartOptions(**options))
    print_charts(charts, choose_format(form, output, FORMATS), output)
