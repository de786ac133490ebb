"""`costcalc history`: what a model costs in each revision that touched it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from costcalc.cli.commands.table import known_columns, table_columns
from costcalc.cli.output import CANNOT_ANSWER, print_error, print_tables, write_bytes, write_text
from costcalc.cli.parameters import Count, Model, NameList, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.quantities import HISTORY_QUANTITIES

if TYPE_CHECKING:
    from costcalc.studies.options import Settings


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=Model())
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The config, whose models and settings are taken where no MODEL is named.",
)
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Only the models of a group of the config.")
@click.option("--rev", "revision", default="HEAD", metavar="REV", help="The newest revision.  [default: HEAD]")
@click.option("--since", default="", metavar="REV|DATE", help="Only what came after: v1.0, 2026-01-31, '3 months ago'.")
@click.option("--limit", type=Count(), metavar="N", help="Only the N newest revisions of each model.")
@click.option("--first-parent", is_flag=True, help="Only the branch itself: what was merged counts as one revision.")
@click.option(
    "--columns",
    type=NameList(known_columns),
    callback=table_columns,
    metavar="A,B,…",
    help="Which quantities: any, time.DEVICE too.  "
    f"[default: {','.join(HISTORY_QUANTITIES)}, and what the settings add]",
)
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Analyse in N processes.")
@settings_options()
@output_options("table", "csv", "json", "html", "markdown")
def history(
    models: tuple[str, ...],
    config: str | None,
    groups: tuple[str, ...],
    revision: str,
    since: str,
    limit: int | None,
    first_parent: bool,
    columns: tuple[str, ...],
    jobs: int,
    settings: Settings,
    form: str,
    output: str | None,
) -> int:
    """Show what models cost in each git revision that touched them: a table, or with --format html a page with a trend
    line.

    Without MODEL those of costcalc.yaml, under its settings. Renames are followed, nothing is checked out. Exit 2 where
    no revision of a model can be read, or git knows none.
    """
    from costcalc.cli.commands.check_config import options_of, refuse
    from costcalc.studies.history import RevisionRange, history_of
    from costcalc.views.history import history_document, history_tables

    if not models:
        refuse("a config", options_of(settings), "write it there, or name a model")
    revisions = RevisionRange(revision, since, limit, first_parent)
    result = history_of(models, columns, config, groups, settings, revisions, jobs, "--debug" in sys.argv)
    if form == "json":
        from costcalc.render import json

        write_text(json.dump({"history": history_document(result)}), output)
    elif form == "html":
        from costcalc.render.page import history as page

        write_bytes(page.render(result).encode(), output)
    else:
        print_tables(history_tables(result, full=form == "csv"), form, output, keep_all=bool(columns))
    for model in result.models:
        if not model.revisions:
            unknown = f"git knows no {model.model.path} up to {revision}"
            reason = f"no revision since {since}" if model.is_known else unknown
            print_error(f"costcalc: {model.model.name}: {reason}")
    return 0 if result.is_complete else CANNOT_ANSWER
