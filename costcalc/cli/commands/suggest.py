"""`costcalc suggest`: rewrites that make a network cheaper, what each saves, and the network rewritten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from costcalc.cli.output import print_error, print_tables, write_text
from costcalc.cli.parameters import FORMATS, Count, Model, NameList, output_options, split_columns
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.studies.options import Settings
    from costcalc.studies.suggest.suggestion import Suggestions

DEFAULT_TOP = 20
"""Suggestions and uses that a page shows unless --top says otherwise."""

MODEL_ENDINGS = ("yaml", "yml", "onnx")
"""Endings of the files that --apply writes."""


def rewrites() -> Iterable[str]:
    """The names of the rewrites."""
    from costcalc.studies.suggest.rules import select_rules

    return [rule.id for rule in select_rules()]


def quantities() -> Iterable[str]:
    """The keys of the quantities that suggestions are usually ranked by."""
    from costcalc.studies.suggest.find import SORTS

    return SORTS


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@click.argument("number", required=False, type=Count())
@settings_options()
@click.option(
    "--rule",
    "only",
    type=NameList(rewrites),
    callback=split_columns,
    metavar="A,B,…",
    help="Only these rewrites: separable, stack, factor, bottleneck, gap, gqa, tied, folded, fused, "
    "redundant, pool_first.",
)
@click.option(
    "--sort",
    type=NameList(quantities, several=False),
    default="macs",
    show_default=True,
    metavar="QUANTITY",
    help="The largest saving of this first: macs, params, flops, peak_activation_bytes, activation_bytes, "
    "weight_bytes, traffic_bytes, arena_bytes, time.t4 or any other.",
)
@click.option("--min-saving", default="0", metavar="AMOUNT", help="Leave out what saves less of that: 1%, 10M.")
@click.option(
    "--reduction",
    type=Count(2),
    default=4,
    show_default=True,
    metavar="R",
    help="How many times fewer channels a bottleneck has.",
)
@click.option(
    "--group",
    type=Count(2),
    default=4,
    show_default=True,
    metavar="G",
    help="How many query heads share a key and value head.",
)
@click.option("--top", type=Count(), metavar="K", help=f"Only the first K; on a page {DEFAULT_TOP} unless given.")
@click.option(
    "--apply",
    "selector",
    type=NameList(rewrites, several=False),
    metavar="WHICH",
    help="Write the model with a suggestion applied: its number, or a rewrite's name for all its places. "
    "YAML stays YAML; -o FILE.onnx writes ONNX.",
)
@output_options(*FORMATS, others=MODEL_ENDINGS)
def suggest(
    model: str,
    number: int | None,
    only: tuple[str, ...],
    top: int | None,
    selector: str | None,
    sort: str,
    min_saving: str,
    reduction: int,
    group: int,
    form: str,
    output: str | None,
    settings: Settings,
) -> None:
    """Show rewrites that make a network cheaper, what each saves, and where; the largest saving first.

    NUMBER shows the working of one. Costs are exact; accuracy must be measured. CSV has the ranking only.
    """
    from costcalc.studies.suggest.find import suggest_settings
    from costcalc.studies.suggest.replacement import RewriteOptions

    if selector is not None and (number is not None or form != "table"):
        raise UsageError("--apply writes the model", "leave NUMBER and --format out")
    if selector is None and (output or "").endswith(tuple(f".{ending}" for ending in MODEL_ENDINGS)):
        raise UsageError(f"{output} would be a model", "say which rewrite is applied: --apply 1")
    suggestions = suggest_settings(model, settings, only, sort, min_saving, RewriteOptions(reduction, group))
    if selector is not None:
        write(suggestions, selector, output)
        if settings.params and not (output or "").endswith(".onnx"):
            options = " ".join(f"--set {name}={value}" for name, value in settings.params.items())
            print_error(f"costcalc: the file keeps its own parameters; what was shown holds with {options}")
    elif form == "json":
        from costcalc.render import json
        from costcalc.views.suggest import suggestions_document

        chosen = None if number is None else suggestions.select(str(number))
        write_text(json.dump({"suggestions": suggestions_document(suggestions, chosen)}), output)
    elif number is None:
        from costcalc.views.suggest import suggestion_tables

        tables = suggestion_tables(suggestions, top or (DEFAULT_TOP if form == "table" else None))
        print_tables(tables[:1] if form == "csv" else tables, form, output)
    else:
        explain(suggestions, number, top or (DEFAULT_TOP if form == "table" else None), form, output)


def write(suggestions: Suggestions, selector: str, output: str | None) -> None:
    """The rewritten model: YAML, or ONNX where the file is called so. The suggestions that cannot be
    written go to standard error."""
    if output is not None and output.endswith(".onnx"):
        from costcalc.frontends.onnx.writer import export
        from costcalc.studies.suggest.suggestion import combine_rewrites

        export(combine_rewrites(suggestions.source, suggestions.select(selector)), output)
    else:
        chosen = suggestions.select(selector)
        unwritable = [suggestion for suggestion in chosen if not suggestion.writable]
        write_text(suggestions.apply(selector).removesuffix("\n"), output)
        for suggestion in unwritable:
            where = suggestion.where or suggestion.name
            print_error(f"costcalc: {suggestion.rule.id} at {where} is left out: {suggestion.site.reason}")


def explain(suggestions: Suggestions, number: int, top: int | None, form: str, output: str | None) -> None:
    """One suggestion's working, of which CSV has the uses; on a page with the lines of the file that change."""
    from costcalc import render
    from costcalc.render.terminal import screen
    from costcalc.views.suggest_detail import detail_tables, file_difference

    (suggestion,) = suggestions.select(str(number))
    sheets = detail_tables(suggestions, suggestion, top)
    if form != "table":
        print_tables(sheets[:1] if form == "csv" else sheets, form, output)
        return
    surface = screen(output is not None)
    text, change = render.render_tables(form, sheets, surface), file_difference(suggestions, suggestion)
    write_text(f"{text}\n\n{surface.text(change)}" if change else text, output)
