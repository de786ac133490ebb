"""costcalc check: exit 0 where a model keeps to its limits, 1 where it breaks one, 2 where that cannot be told."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli.options import Model, Named, given, model_options, output_options
from costcalc.cli.output import emit


def quantity(text: str) -> int:
    """600M, 4.2MiB, 1,234,567."""
    from costcalc.units import parse

    return parse(text)


@click.command()
@click.argument("model", type=Model())
@model_options
@click.option("--max", "limits", multiple=True, required=True, type=Named(quantity, "macs=600M"),
              help="The most a total may be: --max macs=600M, params=4.3M, weight_bytes=1MiB, …")  # fmt: skip
@click.option("--allow", multiple=True, metavar="OP", help="Take an operator without a rule as free.")
@output_options("table", "json")
def check(model: str, limits: tuple[tuple[str, int], ...], allow: tuple[str, ...],
          form: str, output: str | None, **options: Any) -> int:  # fmt: skip
    """Hold a model to a budget; exit 1 if a total is above its limit."""
    from costcalc.api import analyze
    from costcalc.budget.totals import Limit, judge
    from costcalc.units import exact, percent

    report = analyze(model, **given(options))
    verdicts = judge(report, [Limit(*limit) for limit in limits], allow)
    if form == "json":
        from costcalc.render import json

        emit(json.dump({"model": report.name, "verdicts": [v.to_dict() for v in verdicts]}), output)
    else:
        lines = []
        for v in verdicts:
            word = "ok" if v.kept else "over"
            lines.append(f"{word:4}  {v.quantity} {exact(v.value)} of {exact(v.most)}  {percent(v.value, v.most)}")
        emit("\n".join(lines), output)
    return int(not all(v.kept for v in verdicts))
