"""How many combinations of a sweep a core costs in a second: models built anew, and formulas over columns."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from costcalc.studies.sweep.batches import limit_collections
from costcalc.studies.sweep.executor import row_blocks
from costcalc.studies.sweep.recipe import prepare_sweep

GRID = {"alpha": "0.25:1.4:0.05", "resolution": "96:224:8", "expansion": "1:8"}
"""3,264 combinations of mobilenet_v2, none like another."""
POINTS = {"N": "1:100", "H": "32:231:2", "W": "32:231:2"}
"""A million sizes of resnet50's input."""


def built(jobs: int, points: int) -> tuple[float, float]:
    """Configurations of mobilenet_v2 a second of wall time, and a second of all processes' time."""
    recipe = prepare_sweep("mobilenet_v2", GRID, {}).recipe
    size = recipe.space.grid.size
    numbers = range(0, size, max(1, size // points))
    start, cpu = time.perf_counter(), _cpu()
    with limit_collections():
        count = sum(len(block) for block in row_blocks(recipe, numbers, jobs))
    return count / (time.perf_counter() - start), count / (_cpu() - cpu)


def _cpu() -> float:
    """Seconds that this process and those that it started and that have ended have computed."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def evaluated(dims: Mapping[str, Any] = POINTS) -> float:
    """Seconds of this process' time for a million points of resnet50, its formulas found in them."""
    cpu = time.process_time()
    recipe = prepare_sweep("resnet50", {}, dims).recipe
    count = sum(len(block) for block in row_blocks(recipe, range(recipe.space.grid.size), 1))
    assert count == 10**6
    return time.process_time() - cpu
