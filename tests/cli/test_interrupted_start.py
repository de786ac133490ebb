"""Ctrl-C while the program itself is still read: it ends, and shows no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from support.cli import environment


@pytest.mark.skipif(os.name != "posix", reason="signals of processes are POSIX's")
def test_an_interrupt_before_the_first_command_is_known() -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "costcalc", "analyze", "swin_t"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may start jobs that ignore it
    ) as started:
        assert started.stderr
        for line in started.stderr:  # each module is told when it has been read; click is among the first
            if line.rstrip().endswith("click.exceptions"):
                break
        started.send_signal(signal.SIGINT)
        rest = started.stderr.read()
    assert "Traceback" not in rest and "costcalc.api" not in rest
    assert started.returncode in (-signal.SIGINT, 130)
