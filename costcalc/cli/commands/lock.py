"""`costcalc lock`: the baseline of a config's models, written or checked.

`costcalc rule`: what the codes of `check` mean, in the rules' own words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from costcalc.cli.output import CANNOT_ANSWER, print_error, print_tables, write_text
from costcalc.cli.parameters import FORMATS, Count, Model, NameList, debug_option, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.studies.options import Settings

CHANGED = 1


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=Model())
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The config; costcalc.yaml or pyproject.toml, here or further up, unless given.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="Lock only the models of a group of the config (`groups:`), as often as wanted.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the file would change, and say what.")
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Read models in N processes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="The file to write; `lock:` of the config unless given. - is standard output.",
)
@settings_options()
def lock(
    models: tuple[str, ...],
    config: str | None,
    groups: tuple[str, ...],
    check: bool,
    jobs: int,
    output: str | None,
    settings: Settings,
) -> int:
    """Write what the config's models cost now as the baseline for `check`; commit the file.

    With MODEL or --group only its entries are written anew. Where there is no config, MODEL is locked under the
    settings of the command line, with the quantities that they ask for. An operator without a rule is locked as not
    known; a model that cannot be read is exit 2, and nothing is written.
    """
    from costcalc.cli.commands.check_config import lock_config
    from costcalc.cli.formats import refuse_ending
    from costcalc.core.sanitize import printable, printable_lines
    from costcalc.studies.check.locking import plan_lock

    refuse_ending(output, "JSON", ("json",))
    budget_config = lock_config(models, config, settings)
    file = str(budget_config.folder / budget_config.lock) if output in (None, "-") else str(output)
    debug = "--debug" in sys.argv
    result = plan_lock(
        budget_config, file, model_names=models, groups=groups, renew=not check, jobs=jobs, raise_crashes=debug
    )
    for target, failure in result.failures:
        print_error(f"costcalc: {failure.place or target.name}: {failure.text}")
    if result.failures:
        print_error(f"costcalc: {file} is left as it is")
        return CANNOT_ANSWER
    for title in result.unknown_titles:
        print_error(f"costcalc: {title}: operators without a rule are locked as not known")
    if output == "-" and not check:
        write_text(result.text.removesuffix("\n"), None)
        return 0
    if not (result.is_stale if check else result.changes):
        remark = "; `costcalc lock` writes it in a shorter form" if result.changes else ""
        write_text(printable(f"{file} is up to date{remark}"), None)
        return 0
    if not check:
        write(file, result.text)
    write_text(
        printable_lines(
            "\n".join([_headline(file, check, result.old_text is None), *(f"  {line}" for line in result.differences)])
        ),
        None,
    )
    return CHANGED if check else 0


def _headline(file: str, check: bool, new: bool) -> str:
    if not check:
        return f"{file} is written; commit it"
    return (
        f"{file} does not exist; `costcalc lock` writes it"
        if new
        else f"{file} would change; `costcalc lock` writes it"
    )


def write(file: str, text: str) -> None:
    """Writes a lock file: the same bytes on every system."""
    from pathlib import Path

    from costcalc.core.errors import UsageError

    try:
        Path(file).write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", "name another file with -o") from error


def codes() -> Iterable[str]:
    """The rules' codes."""
    from costcalc.studies.check.rules import RULES

    return RULES


@click.command()
@click.argument("code", required=False, type=NameList(codes, several=False))
@debug_option
@output_options(*FORMATS)
def rule(code: str | None, form: str, output: str | None) -> None:
    """List the rules of `costcalc check`, or show one: what it holds, and how it is set and mended."""
    from costcalc.studies.check.rules import RULES, find_rule
    from costcalc.views.catalogue import rules_table

    if code is None:
        print_tables([rules_table(RULES.values())], form, output)
    elif form == "table":
        from costcalc.render.layout import wrap
        from costcalc.render.terminal import screen

        check_rule, surface = find_rule(code), screen(output is not None)
        lines = [
            f"{check_rule.code}  {check_rule.name}",
            "",
            *wrap(check_rule.meaning, surface.width, 0),
            "",
            *wrap(check_rule.remedy, surface.width, 0),
        ]
        write_text(surface.text("\n".join(lines)), output)
    else:
        print_tables([rules_table([find_rule(code)])], form, output, keep_all=True)
