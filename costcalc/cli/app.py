"""Runs the commands and turns every way to fail into one message and an exit code; no user ever sees a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from costcalc.cli.group import cli
from costcalc.cli.output import PIPE_CLOSED, abandon, complain
from costcalc.core.errors import CostcalcError, crash

__all__ = ["cli", "main", "run"]

CANNOT_ANSWER = 2

INTERRUPTED = 130

COMPLETING = "_COSTCALC_COMPLETE"
"""The variable by which a shell asks what completes a line, and for its script."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of writing only."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """The console script."""
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: Sequence[str]) -> int:
    """Runs a command line; returns 0, 1 (a budget is exceeded) or 2 (costcalc could not answer)."""
    try:
        result = cli.main(args=list(args), prog_name="costcalc", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        abandon()
        return PIPE_CLOSED
    except (KeyboardInterrupt, click.exceptions.Abort):
        return INTERRUPTED
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return CANNOT_ANSWER
    except SystemExit as stop:
        if COMPLETING in os.environ:  # how click ends when it has answered a shell
            return stop.code if isinstance(stop.code, int) else CANNOT_ANSWER
        _trace(args)  # somebody's rules: its code is no verdict
        complain(f"costcalc: what was run ended the program (exit code {stop.code})")
        return CANNOT_ANSWER
    except CostcalcError as error:
        _trace(args)
        complain(f"costcalc: {error}")
        return error.exit_code
    except Exception as error:
        _trace(args)
        if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
            abandon()  # what click itself writes: --help, --version
            click.echo(f"costcalc: cannot write to standard output: {error.strerror}", err=True)
            return CANNOT_ANSWER
        complain(crash(error))
        return CANNOT_ANSWER


def _trace(args: Sequence[str]) -> None:
    """With --debug, the traceback. Python itself would end with 1 behind it, which is a verdict."""
    if "--debug" in args:
        import traceback

        complain(traceback.format_exc())
