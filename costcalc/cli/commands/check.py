"""costcalc check: exit 0 where the models keep to their limits, 1 where one breaks one, 2 where that cannot be told, 3
where there is no limit.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from costcalc.cli.parameters import Count, Model, watch_option
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.cli.verdict_options import VARIABLE, emit_result, verdict_options

if TYPE_CHECKING:
    from costcalc.studies.check.budget import Config
    from costcalc.studies.check.verdict import CheckResult
    from costcalc.studies.options import Settings


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=Model())
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The config; without it costcalc.yaml, costcalc.yml or pyproject.toml here or further up.",
)
@click.option(
    "--max",
    "maxima",
    multiple=True,
    metavar="QUANTITY=VALUE",
    help="Without a config: the most that it may be: --max macs=600M, arena_bytes=256KiB, time.t4=2.1ms, "
    "training_bytes=8GiB, ops.Gelu=0.",
)
@click.option(
    "--min",
    "minima",
    multiple=True,
    metavar="QUANTITY=VALUE",
    help="Without a config: the least that it may be, where more is better: --min tokens_per_second.h100-sxm=50.",
)
@click.option(
    "--require",
    "requirements",
    multiple=True,
    metavar="QUANTITY",
    help="Without a config: what must hold: --require fits.stm32h743.",
)
@click.option(
    "--max-increase",
    "increases",
    multiple=True,
    metavar="QUANTITY=VALUE",
    help="Without a config: the most that it may grow over the --baseline: macs=2%, params=0, or 5% of each.",
)
@click.option(
    "--min-delta",
    "deltas",
    multiple=True,
    metavar="QUANTITY=VALUE",
    help="Growth that --max-increase always allows: macs=1M.",
)
@click.option(
    "--baseline",
    metavar="FILE|REV",
    help="What increases compare with: a lock file, or a git revision: its lock file, or, where "
    "it has none, its models as they are there.  "
    "[default: the config's lock file]",
)
@click.option("--allow", multiple=True, metavar="OP", help="Take an operator without a rule as free.")
@click.option("--allow-code", is_flag=True, help="Import and run the code of a MODEL written as package.module:name.")
@click.option(
    "--error",
    "enforced",
    multiple=True,
    metavar="CODE",
    help="Take a rule, or those whose code begins so, as an error, whatever the config says: --error CC307.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 where a limit is exceeded (2 stays 2).")
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is no limit to hold (3 otherwise).")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="Check only the models of a group of the config (`groups:`), as often as wanted.",
)
@click.option(
    "--statistics",
    is_flag=True,
    help="Print how many findings each code has, in place of the verdicts (as a table or as json).",
)
@click.option(
    "--add-ignores",
    is_flag=True,
    help="Write an `ignore:` entry into the config for each limit that is exceeded now, and exit 0.",
)
@click.option(
    "--until", metavar="DATE", help="With --add-ignores: the last day or month, 2027-01.  [default: in three months]"
)
@click.option("--reason", metavar="TEXT", help="With --add-ignores: why.  [default: TODO, to be filled in]")
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Read the models in N processes.")
@click.option(
    "--init",
    is_flag=True,
    help="Write costcalc.yaml with limits from what the models cost now (those named, or all that are found here).",
)
@click.option("--slack", metavar="PERCENT", help="With --init: what they may grow.  [default: 10%]")
@click.option("--force", is_flag=True, help="With --init: overwrite a config that is there.")
@watch_option
@settings_options()
@verdict_options
def check(
    models: tuple[str, ...],
    file: str | None,
    maxima: tuple[str, ...],
    minima: tuple[str, ...],
    requirements: tuple[str, ...],
    increases: tuple[str, ...],
    deltas: tuple[str, ...],
    baseline: str | None,
    allow: tuple[str, ...],
    allow_code: bool,
    init: bool,
    slack: str | None,
    force: bool,
    settings: Settings,
    **options: Any,
) -> int:
    """Hold models to their budget: those of costcalc.yaml, or a MODEL with --max, --min or --require.

    With a config, MODEL names those of its models that are checked; all unless given. Every limit is reported. Exit 1
    where one is exceeded, 2 where it cannot be told, 3 where there is none.
    """
    from costcalc.cli.commands.check_config import (
        CommandLimits,
        choose_config,
        enforce,
        refuse,
        refuse_code,
        write_config,
    )

    refuse_code(models, allow_code, init)

    limits = CommandLimits(maxima, minima, requirements, increases, deltas, allow)
    choice = CheckOptions(**options)
    if init:
        refuse("--init", {**limits.by_option(), "--baseline": baseline, **choice.by_option()})
        return write_config(models, file, slack, force, settings, choice.jobs)
    if slack or force:
        refuse("check", {"--slack": slack, "--force": force}, "add --init")
    if not choice.add_ignores:
        refuse("check", {"--until": choice.until, "--reason": choice.reason}, "add --add-ignores")
    config, only = choose_config(models, file, limits, settings)
    config = enforce(config, choice.enforced)
    if choice.groups and not config.file:
        refuse("a check without a config", {"--group": choice.groups})
    outcome = _find_outcome(config, baseline, only, choice.groups, choice.jobs)
    return _show_outcome(config, outcome, choice)


class CheckOptions(NamedTuple):
    """What a check is about, what it shows, and what is done with its findings."""

    enforced: tuple[str, ...]
    exit_zero: bool
    allow_empty: bool
    groups: tuple[str, ...]
    statistics: bool
    add_ignores: bool
    until: str | None
    reason: str | None
    jobs: int
    form: str | None
    output: str | None
    reports: tuple[tuple[str, str], ...]
    ident: str

    def by_option(self) -> dict[str, Any]:
        """The values of the options that only a check has."""
        return {
            "--format": self.form,
            "--output": self.output,
            "--report": self.reports,
            "--error": self.enforced,
            "--exit-zero": self.exit_zero,
            "--allow-empty": self.allow_empty,
            "--group": self.groups,
            "--statistics": self.statistics,
            "--add-ignores": self.add_ignores,
        }


def _show_outcome(config: Config, outcome: CheckResult, choice: CheckOptions) -> int:
    """Prints the verdicts, or how many findings each code has; or writes ignores for them."""
    from costcalc.cli.commands.check_config import refuse

    written = {"--report": choice.reports, "--format": choice.form, "--output": choice.output}
    if choice.add_ignores:
        from costcalc.cli.commands.check_ignores import write_ignores

        refuse("--add-ignores", {**written, "--statistics": choice.statistics})
        return write_ignores(config, outcome, choice.until, choice.reason)
    if choice.statistics:
        from costcalc.cli.commands.check_ignores import print_statistics

        refuse("--statistics", {"--report": choice.reports})
        print_statistics(outcome, choice.form, choice.output)
        return 0 if choice.exit_zero and outcome.exit_code == 1 else outcome.exit_code
    output_args = choice.form, choice.output, choice.reports, choice.ident
    return _report_outcome(config, outcome, (choice.exit_zero, choice.allow_empty), output_args)


def _find_outcome(
    config: Config, baseline: str | None, only: tuple[str, ...], groups: tuple[str, ...], jobs: int
) -> CheckResult:
    from costcalc.studies.check.run import run

    reference = None
    if baseline is not None:
        from costcalc.studies.check.revision_baseline import read_baseline

        reference = read_baseline(baseline, config, jobs, only, groups)
    debug = "--debug" in sys.argv
    return run(config, reference, model_names=only, groups=groups, jobs=jobs, raise_crashes=debug)


def _report_outcome(
    config: Config, outcome: CheckResult, exit_options: tuple[bool, bool], output_args: tuple[Any, ...]
) -> int:
    from costcalc.cli.output import CANNOT_ANSWER, print_error
    from costcalc.studies.check.wording import unknown_reasons

    exit_zero, allow_empty = exit_options
    if allow_empty:
        outcome = replace(outcome, is_empty=False)
    is_written = emit_result(outcome, *output_args)
    form, path = output_args[:2]
    # The table on standard output has reasons and remedies.
    is_told = path is None and (form or os.environ.get(VARIABLE) or "table") == "table"
    for reason in unknown_reasons(outcome, brief=is_told):
        print_error(f"costcalc: {reason}")
    if outcome.is_empty:
        print_error(f"costcalc: {_describe_absence(config)}, or --allow-empty")
    code = 0 if exit_zero and outcome.exit_code == 1 else outcome.exit_code
    return code if is_written else code or CANNOT_ANSWER


def _describe_absence(config: Config) -> str:
    """Config of a check that holds nothing -> why, and what to do."""
    if not config.file:
        return (
            "there is no limit, and no costcalc.yaml here or further up, so nothing is held; give a limit "
            "(costcalc check MODEL --max macs=600M), write a config with `costcalc check --init`"
        )
    if not config.entries:
        return (
            f"{config.file} names no model, so nothing is held; list models there, or `costcalc check --init --force`"
        )
    if all(entry.budget.is_empty for entry in config.entries):
        return f"there is no limit, so nothing is held; write `limits:` in {config.file}"
    return f"{config.file} leaves out the rule of every limit, so nothing is held; mend `select:` and `ignore:` there"
