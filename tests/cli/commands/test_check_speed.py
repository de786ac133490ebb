"""Fifty models cost at most three times what one does, as whole processes: start-up and what they share is paid once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.small_models import write

from costcalc.frontends.builtin import find_builtin

LIMITS = "limits: {macs: 10G, params: 50M, weight_bytes: 1 GiB, peak_activation_bytes: 1 GiB}"

SLOW = pytest.mark.xfail(sys.version_info < (3, 11), reason="3.4 times: it starts as fast, but reads models slower")


def seconds(folder: Path, config: str) -> float:
    """User and system time of one run, in more than the hundredths that os.times() counts."""
    resource = pytest.importorskip("resource", reason="the system tells no times of children")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", "check", "--config", config],
        cwd=folder,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    return float(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cheapest(folder: Path, *configs: str) -> list[float]:
    """The cheapest run of each, of runs that take turns: a clock that changes its pace changes it for all."""
    return [min(column) for column in zip(*([seconds(folder, c) for c in configs] for _ in range(7)), strict=True)]


@pytest.mark.parametrize("kind", [pytest.param("distinct", marks=SLOW), "equal"])
def test_fifty_models_take_at_most_three_times_as_long_as_one(here: Path, kind: str) -> None:
    file = find_builtin("mobilenet_v1")
    assert file is not None
    text = file.read_text(encoding="utf-8")
    for i in range(50):
        one = text.replace("alpha: 1.0", f"alpha: {1 + i / 100}") if kind == "distinct" else text
        write(here, **{f"many__m{i:02}_yaml": one})
    write(here, one_yaml=f"models: [many/m00.yaml]\n{LIMITS}", many_yaml=f"models: [many/*.yaml]\n{LIMITS}")
    fifty, lone = cheapest(here, "many.yaml", "one.yaml")
    assert fifty <= 3 * lone
