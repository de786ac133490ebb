"""`costcalc reconcile`: a model to the figures of other counting tools, each as a sum of terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Model, NameList, NameValue, Word, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.studies.options import Settings


def counter_names() -> Iterable[str]:
    """The names of all counters, in the order in which they are shown."""
    from costcalc.studies.reconcile.counters import COUNTERS

    return COUNTERS


def _name_figure(text: str, tools: Sequence[str]) -> tuple[str, str]:
    """`thop=11.3G`, or `11.3G` beside the only counter that is asked for -> (counter, figure). UsageError for other
    texts."""
    if "=" not in text and len(tools) == 1 and text.strip():
        return tools[0], text.strip()
    name, equals, figure = (part.strip() for part in text.rpartition("="))
    if not name or not figure:
        if not equals and not text[:1].isdigit():  # a counter without its figure
            name, figure = text.strip(), ""
        example = f"{name or (tools[0] if tools else 'thop')}={figure or '11.3G'}"
        raise UsageError(f"--figure {text!r} is not understood", f"write it as {example}")
    return name, figure


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("", omit=("dtype", "act_dtype"))
@click.option(
    "--tool",
    "tools",
    type=NameList(counter_names),
    metavar="A,B,…",
    default="",
    help="Only these counters: thop, ptflops_pytorch, ptflops_aten (ptflops: both), fvcore, torchinfo, "
    "calflops, calflops_flops, torchprofile, onnx_tool, torchvision.",
)
@click.option(
    "--figure",
    "figures",
    multiple=True,
    metavar="NAME=VALUE",
    help="A figure that you saw: what the parts do not explain of it is printed. A rounded one stands for "
    "what rounds to it. With one --tool the value is enough.",
)
@click.option(
    "--written",
    "written",
    multiple=True,
    type=NameValue(str, "pool=mean"),
    help="How the network is written in PyTorch, where the graph cannot tell: relu=module|function|last, "
    "pool=auto|module|function|mean, branch_pool=module|function, flatten=nothing|pool, "
    "attention=auto|module|sdpa|matmul|operator|einsum|functional|cosine, bias=own|folded|both, "
    "softmax=loss|layer.",
)
@click.option(
    "--by",
    type=Word(("tool", "part", "layer")),
    default="part",
    show_default=True,
    help="A row for each counter, for each part of a figure, or for each part of a layer.",
)
@output_options(*FORMATS)
def reconcile(
    model: str,
    tools: str,
    figures: tuple[str, ...],
    written: tuple[tuple[str, str], ...],
    by: str,
    settings: Settings,
    form: str,
    output: str | None,
) -> None:
    """Show how thop, ptflops, fvcore, torchinfo, calflops, torchprofile, onnx-tool and torchvision count a model.

    Each figure is a sum of parts, derived from the graph by the counter's rules: nothing is looked up. Parts that a
    counter leaves out stand there with what costcalc counts for them.
    """
    from costcalc.studies.reconcile.reconcile import reconcile as account
    from costcalc.views.reconcile import flat_table, reconciliation_document, reconciliation_tables

    names = [name.strip() for name in tools.split(",") if name.strip()]
    named_figures = dict(_name_figure(text, names) for text in figures)
    result = account(model, tools=names, written=dict(written), figures=named_figures, **settings.load_arguments())
    if form == "json":
        from costcalc.render import json

        write_text(json.dump({"reconciliation": reconciliation_document(result, by)}), output)
    elif form == "csv" and by == "part":
        print_tables([flat_table(result)], form, output)
    else:
        print_tables(reconciliation_tables(result, by, inline=form != "table"), form, output)
