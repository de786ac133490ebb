"""Standard output whose reader is gone or whose encoding lacks characters, and a standard error that was closed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.cli import environment

PIPE_CLOSED = 141


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    line = command.replace("costcalc", f"'{sys.executable}' -m costcalc", 1)
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env=environment(**variables), check=False
    )


@pytest.mark.parametrize("command", ["--help", "analyze --help", "--version", "models"])
def test_a_page_that_nobody_reads_is_quiet(command: str) -> None:
    done = shell(f"costcalc {command} | true; echo ${{PIPESTATUS[0]}}")
    assert done.stderr == ""
    assert done.stdout.strip() in (str(PIPE_CLOSED), "0"), "0 where all was written before the reader ended"


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "ascii"])
@pytest.mark.parametrize("command", ["--help", "analyze --help", "sweep --help", "analyze lenet5"])
def test_characters_that_an_encoding_lacks(command: str, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", *command.split()],
        capture_output=True,
        env=environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0"),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("utf-8" if encoding == "ascii" else encoding), "click takes ASCII for a wrong setting"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("analyze lenet5 depthwise_separable --jobs 2", 0),
        ("sweep mobilenet --set alpha=0.5,1", 0),
        ("sweep mobilenet --set alpha=-5", 2),
        ("compare lenet5 lenet5 --nothing", 2),
        ("analyze nothing", 2),
        ("check lenet5 --max macs=1", 1),
    ],
)
def test_a_closed_standard_error(command: str, code: int) -> None:
    done = shell(f"costcalc {command} 2>&-")
    assert done.returncode == code
    assert "rror" not in done.stdout, "complaints are no part of the answer"
