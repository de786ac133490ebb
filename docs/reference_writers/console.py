"""A command -> a block of Markdown with what it prints, on a terminal of 88 columns without colours."""

from __future__ import annotations

from click.testing import CliRunner

from costcalc.cli.group import cli
from reference_writers.markdown import block

ENVIRONMENT = {"COLUMNS": "88", "NO_COLOR": "1", "FORCE_COLOR": None, "COSTCALC_FORMAT": None}


def console(*args: str) -> str:
    """Arguments of a command that succeeds -> the block. RuntimeError where it does not."""
    result = CliRunner(env=ENVIRONMENT).invoke(cli, args, catch_exceptions=False)
    if result.exit_code:
        raise RuntimeError(f"costcalc {' '.join(args)} ends with {result.exit_code}: {result.output}")
    lines = [line.rstrip() for line in result.stdout.rstrip().split("\n")]
    return block("console", "\n".join([f"$ costcalc {' '.join(args)}", *lines]))
