"""`costcalc rule`: what the codes of `check` mean, in the rules' own words."""

from __future__ import annotations

from collections.abc import Iterable

import click

from costcalc.cli.options import FORMATS, Names, debug_option, output_options
from costcalc.cli.output import emit, show


def codes() -> Iterable[str]:
    """The rules' codes."""
    from costcalc.budget.rules import RULES

    return RULES


@click.command()
@click.argument("code", required=False, type=Names(codes, several=False))
@debug_option
@output_options(*FORMATS)
def rule(code: str | None, form: str, output: str | None) -> None:
    """List the rules of `costcalc check`, or show one: what it holds, and how it is set and mended."""
    from costcalc.budget.rules import RULES, find
    from costcalc.views.catalogue import check_rules

    if code is None:
        show([check_rules(RULES.values())], form, output)
    elif form == "table":
        from costcalc.render.layout import wrap
        from costcalc.render.palette import screen

        one, on = find(code), screen(output is not None)
        lines = [f"{one.code}  {one.name}", "", *wrap(one.holds, on.width, 0), "", *wrap(one.remedy, on.width, 0)]
        emit(on.text("\n".join(lines)), output)
    else:
        show([check_rules([find(code)])], form, output, keep_all=True)
