"""Some hundred seeds of the fuzzer, and the files that once broke costcalc; `make fuzz` runs the fuzzer for hours."""

from __future__ import annotations

import sys

import pytest
from support.sandbox import run_process

from .cases import corpus, make_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks of processes are Linux's")
FIRST_SEED = 11_000


def test_seeds() -> None:
    """The seeds are the same in each run, so that a failure is one's own change; hours of others are `make fuzz`."""
    done = run_process(["-m", "fuzz.campaign", "--runs", "300", "--seed", str(FIRST_SEED), "--keep"], 600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_seed_is_a_run() -> None:
    models = corpus()
    assert [make_run(seed, models) for seed in range(40)] == [make_run(seed, models) for seed in range(40)]


def test_regressions() -> None:
    done = run_process(["-m", "fuzz.regressions"], 1200)
    assert done.returncode == 0, done.stdout + done.stderr
