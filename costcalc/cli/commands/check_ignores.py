"""`costcalc check --add-ignores` and `--statistics`: findings → entries of the config, or their numbers by code."""

from __future__ import annotations

from costcalc.cli.output import print_error, print_tables, write_bytes, write_text
from costcalc.core.errors import UsageError
from costcalc.core.sanitize import printable
from costcalc.studies.check.adopt import REASON, plan_ignores
from costcalc.studies.check.budget import Config
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.check.wording import unknown_reasons

STATISTICS_FORMATS = ("table", "json", "markdown")


def write_ignores(config: Config, outcome: CheckResult, until: str | None, reason: str | None) -> int:
    """Writes an entry into the config for each limit that is exceeded; 2 where a limit cannot be told, which no entry
    takes away, else 0."""
    adoption = plan_ignores(config, outcome, until, reason)
    for line in unknown_reasons(outcome):
        print_error(f"costcalc: {line}")
    code = 2 if outcome.outcome == "unknown" else 0
    if not adoption.entries:
        write_text(printable(f"{config.file} is left as it is: no limit is exceeded"), None)
        return code
    write_bytes(adoption.text.encode(), adoption.file)
    entries = f"{adoption.entries:,} {'entry' if adoption.entries == 1 else 'entries'}"
    findings = f"{adoption.findings:,} {'limit that is' if adoption.findings == 1 else 'limits that are'} exceeded"
    say = "" if reason else f"; say why where it says {REASON.partition(':')[0]}"
    write_text(printable(f"{adoption.file}: {entries} in `ignore:` for {findings}, until {adoption.until}{say}"), None)
    return code


def print_statistics(outcome: CheckResult, form: str | None, output: str | None) -> None:
    """Prints how many findings each code has. UsageError for a format that has no place for that."""
    from costcalc.views.check import headline, statistics_table

    form = form or "table"
    if form not in STATISTICS_FORMATS:
        raise UsageError(f"--statistics has no format {form}", f"there are {', '.join(STATISTICS_FORMATS)}")
    if form == "json":
        from costcalc.render import json
        from costcalc.render.check.json import statistics_objects

        write_text(json.dump({"statistics": statistics_objects(outcome)}), output)
    elif not outcome.statistics:
        write_text(printable(headline(outcome)), output)
    else:
        print_tables([statistics_table(outcome)], form, output)
