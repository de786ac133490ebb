"""Runs costcalc's command line, in this process or as one of its own."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from costcalc.cli.app import run as run
from costcalc.cli.group import cli

from .paths import ROOT


def ok(*args: str) -> str:
    """What a command that must succeed prints on standard output."""
    result = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def call(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """A command's exit code, standard output and standard error; what was printed before it is dropped."""
    capsys.readouterr()
    code = run(args)
    return code, *capsys.readouterr()


def environment(**more: str) -> dict[str, str]:
    """The variables of a process that imports costcalc from this project."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
