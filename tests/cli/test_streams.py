"""Encodings, closed and broken streams -> an answer or a sentence, never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "0"}
COSTCALC = f"{sys.executable} -m costcalc"


def shell(command: str, **environment: str) -> tuple[int, str, str]:
    process = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii"])
@pytest.mark.parametrize("command", ["analyze", "sweep"])
def test_help_in_any_encoding(encoding: str, command: str) -> None:
    code, text, errors = shell(f"{COSTCALC} {command} --help", PYTHONIOENCODING=encoding)
    assert (code, errors) == (0, "")
    assert "--dim" in text


def test_help_into_a_closed_pipe_is_no_failure() -> None:
    code, _, errors = shell(f"{COSTCALC} --help | true")
    assert code in (0, 141) and errors == ""


def test_a_sweep_without_standard_error() -> None:
    code, text, _ = shell(f"{COSTCALC} sweep lenet5 --dim N=1:5 2>&-")
    assert code == 0 and "5 of 5 combinations" in text


@pytest.mark.parametrize(
    "arguments",
    [
        "check lenet5 --max macs=",
        "sweep lenet5 --dim N=",
        "suggest lenet5 --min-saving ",
        "reconcile lenet5 --figure thop=",
    ],
)
def test_numbers_of_5000_digits(arguments: str) -> None:
    code, text, errors = shell(f"{COSTCALC} {arguments}{'9' * 5000}")
    assert code == 2 and "a number of 5,000 characters is too long" in text + errors
