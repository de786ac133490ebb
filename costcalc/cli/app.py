"""Command line to exit code: runs the commands; every failure becomes one message, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from costcalc.cli.group import OTHER_OPTIONS, cli
from costcalc.cli.output import (
    CANNOT_ANSWER,
    INPUTS_VARIABLE,
    PIPE_CLOSED,
    discard_output,
    print_error,
    replace_unprintable,
)
from costcalc.core.errors import CostcalcError, crash_message, is_near

__all__ = ["cli", "main", "run"]

INTERRUPTED = 130

COMPLETION_VARIABLE = "_COSTCALC_COMPLETE"
"""The environment variable by which a shell asks click for completions."""

DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Operating system errors that only writing raises."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line of the process and ends it with the exit code. A standard error that was closed takes
    what is written to it."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: Sequence[str]) -> int:
    """Command line -> exit code: 0, 1 (a budget is exceeded), 2 (costcalc could not answer), 130 (interrupted)."""
    replace_unprintable()
    stdout = sys.stdout
    try:
        if inputs_file := os.environ.get(INPUTS_VARIABLE):
            from costcalc.cli.watch import record_inputs

            record_inputs(inputs_file)
        result = cli.main(args=list(args), prog_name="costcalc", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        discard_output()
        return PIPE_CLOSED
    except (KeyboardInterrupt, click.exceptions.Abort):
        return INTERRUPTED
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.NoSuchOption as error:
        _show_usage(_option_error(error))
        return CANNOT_ANSWER
    except click.ClickException as error:
        _show_usage(error)
        return CANNOT_ANSWER
    except SystemExit as stop:
        if sys.stdout is not stdout:  # how click ends when its page of help is not read
            sys.stdout = stdout
            discard_output()
            return PIPE_CLOSED
        if COMPLETION_VARIABLE in os.environ:  # how click ends when it has answered a shell
            return stop.code if isinstance(stop.code, int) else CANNOT_ANSWER
        _show_traceback(args)  # somebody's rules: its code is no verdict
        print_error(f"costcalc: what was run ended the program (exit code {stop.code})")
        return CANNOT_ANSWER
    except CostcalcError as error:
        _show_traceback(args)
        print_error(f"costcalc: {error}")
        return error.exit_code
    except Exception as error:
        _show_traceback(args)
        if isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS and error.filename is None:
            discard_output()  # what click itself writes: --help, --version
            click.echo(f"costcalc: cannot write to standard output: {error.strerror}", err=True)
            return CANNOT_ANSWER
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            print_error(f"costcalc: {error.filename}: {error.strerror}; give a name or path that is shorter")
            return CANNOT_ANSWER
        print_error(crash_message(error))
        return CANNOT_ANSWER


def _option_error(error: click.NoSuchOption) -> click.UsageError:
    """The error of an option that is not there -> the same with what to write instead, or with near options alone."""
    name = error.option_name
    if hint := OTHER_OPTIONS.get(name):
        return click.UsageError(f"No such option: {name}; {hint}", error.ctx)
    near = [other for other in error.possibilities or () if is_near(name, other)]
    return click.NoSuchOption(name, error.message, near, error.ctx)


def _show_usage(error: click.ClickException) -> None:
    """Writes click's own message, which quotes arguments as they are, as every other message is written."""
    text = io.StringIO()
    error.show(text)
    print_error(text.getvalue().removesuffix("\n"))


def _show_traceback(args: Sequence[str]) -> None:
    """With --debug, writes the traceback. Python itself would then end with 1, which is the code of a verdict."""
    if "--debug" in args:
        import traceback

        print_error(traceback.format_exc())
