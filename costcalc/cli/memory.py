"""`costcalc memory`: what a network needs while it runs, and when."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli.options import FORMATS, Model, given, model_options, output_options, precision_options
from costcalc.cli.output import emit, show

FEW = 10
"""Tensors that a page shows unless --top says otherwise."""


@click.command()
@click.argument("model", type=Model())
@model_options
@precision_options
@click.option("--in-place", is_flag=True, help="Elementwise operators write over an input that nothing reads later.")
@click.option("--fuse", is_flag=True,
              help="Conv, Gemm and MatMul with the normalisation, activation and residual addition behind them as one "
              "step.")  # fmt: skip
@click.option("--fuse-blocks", is_flag=True,
              help="--fuse, and depthwise blocks in slices: what the convolution before and the depthwise one give is "
              "never materialised.")  # fmt: skip
@click.option("--reorder", is_flag=True, help="Look for an execution order with a lower peak.")
@click.option("--arena", is_flag=True, help="Lay the tensors out in one arena: its size, and an offset for each.")
@click.option("--align", type=click.IntRange(1), default=16, show_default=True, metavar="BYTES",
              help="What offsets in the arena are multiples of.")  # fmt: skip
@click.option("--by", type=click.Choice(("tensor", "step", "resolution")), default="tensor", show_default=True,
              help="A row per tensor (those alive at the peak first), per step, or per spatial resolution (the most "
              "that is materialised there).")  # fmt: skip
@click.option("--top", type=click.IntRange(1), metavar="K",
              help=f"Only the first K rows; on a page {FEW} tensors unless given.")  # fmt: skip
@output_options(*FORMATS)
def memory(model: str, in_place: bool, fuse: bool, fuse_blocks: bool, reorder: bool, arena: bool, align: int,
           by: str, top: int | None, form: str, output: str | None, **options: Any) -> None:  # fmt: skip
    """Show the peak of live activation bytes, when it comes, and which tensors hold it.

    A tensor lives from the step that computes it to the last that reads it; views share their source's memory.
    JSON holds every step and tensor, and with --arena the plan.
    """
    from costcalc.api import footprint
    from costcalc.occupancy import sheet, to_dict

    found = footprint(model, in_place=in_place, fuse=fuse, blocks=fuse_blocks, reorder=reorder,
                      alignment=align if arena else None, **given(options))  # fmt: skip
    if form == "json":
        from costcalc.render import json

        emit(json.dump({"memory": to_dict(found)}), output)
    else:
        few = FEW if by == "tensor" and form != "csv" else None
        show([sheet(found, by, top or few)], form, output)
