"""Ctrl-C while processes share the work: no traceback of theirs, no report, and no exit code that is a verdict. And no
process is left behind by one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BEGAN = """
import os, pathlib
def begun():
    pathlib.Path(f"began.{os.getpid()}").touch()
begun()
os.register_at_fork(after_in_child=begun)
"""
"""Rules that say which processes have begun: each is forked with them, or runs them before its work."""

LISTENS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from costcalc.__main__ import main
main()
"""
"""costcalc as it is in a shell: a runner of tests may pass on that Ctrl-C is to be ignored."""


def begin(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Python with these words and two processes of its own, each of which has begun."""
    (folder / "rules.py").write_text(BEGAN)
    began = subprocess.Popen(
        [sys.executable, *words, "--jobs", "2", "--rules", "rules.py"],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    end = time.monotonic() + 20
    while len(list(folder.glob("began.*"))) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    return began


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes that are interrupted")
@pytest.mark.parametrize(
    "command",
    [["check", "--config", "c.yaml"], ["analyze", "models"], ["lock", "--config", "c.yaml"]],
    ids=lambda c: c[0],
)
def test_ctrl_c(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for i in range(60):
        layers = "  - conv: {filters: 8, kernel: 3, pad: same}\n  - relu\n" * (300 + i)
        (tmp_path / f"models/m{i}.yaml").write_text(f"input: [N, 3, 8, 8]\nlayers:\n{layers}")
    (tmp_path / "c.yaml").write_text("models: [models/*.yaml]\nlimits: {macs: 1}\n")
    began = begin(tmp_path, "-c", LISTENS, *command)
    os.killpg(began.pid, signal.SIGINT)
    out, err = began.communicate(timeout=20)
    assert began.returncode == 130
    assert (out, err.strip()) == ("", "")
    assert not (tmp_path / "costcalc.lock.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="a pipe's end is told otherwise on Windows")
@pytest.mark.parametrize(
    "command",
    [["sweep", "n.yaml", "--set", "n=1:100000", "--format", "csv", "-o", "rows.csv"], ["analyze", "models"]],
    ids=lambda c: c[0],
)
def test_none_outlives_one_that_is_killed(command: list[str], tmp_path: Path) -> None:
    """Each holds the output open: its end is told when the last of them is gone."""
    layers = "  - conv: {filters: 8, kernel: 3, pad: same}\n  - relu\n" * 300
    (tmp_path / "models").mkdir()
    for i in range(200):
        (tmp_path / f"models/m{i}.yaml").write_text(f"input: [N, 3, 8, {8 + i}]\nlayers:\n{layers}")
    (tmp_path / "n.yaml").write_text("params: {n: 1}\ninput: [N, 3, 8, 8]\nlayers: [conv: {filters: n, kernel: 3}]\n")
    began = begin(tmp_path, "-m", "costcalc", *command)
    began.kill()
    try:
        began.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(began.pid, signal.SIGKILL)
        raise
