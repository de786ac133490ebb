"""--maximize and --minimize find what trying every point finds, and build no more points than they need."""

from __future__ import annotations

import random
from typing import Any

import pytest

import costcalc
from costcalc.studies.sweep import chunks, point

GRID: dict[str, Any] = {"alpha": "0.25:1:0.25", "resolution": "96:224:32"}
EVERY = costcalc.sweep("mobilenet_v1", params=GRID, jobs=1)


@pytest.mark.parametrize("seed", range(12))
def test_random_constraints(seed: int) -> None:
    r = random.Random(seed)
    goal = r.choice(["resolution", "alpha", "alpha * resolution", "macs", "params - resolution"])
    figure = r.choice(["macs", "params", "peak_activation_bytes", "traffic_bytes"])
    limit = r.choice(EVERY[figure]) + r.randint(-5, 5)
    text = r.choice([f"{figure} <= {limit}", f"{figure} >= {limit} and alpha < 1", f"{figure} % 7 > {seed % 5}"])
    way = r.choice(["maximize", "minimize"])
    asked: dict[str, Any] = {way: goal}
    found = costcalc.sweep("mobilenet_v1", params=GRID, subject_to=text, jobs=1, **asked)
    fits = [row for row in EVERY if eval(text, {}, dict(row))]
    values = [eval(goal, {}, dict(row)) for row in fits]
    best = (max if way == "maximize" else min)(values, default=None)
    assert list(found) == [row for row, value in zip(fits, values, strict=True) if value == best]


def test_symbols_are_found_through_formulas() -> None:
    """The peak is so many bytes for each image: of 1 MiB fit as many as go into it whole."""
    found = costcalc.sweep("lenet5", dims={"N": "1:5000"}, maximize="N", subject_to="peak_activation_bytes <= 1MiB")
    one = costcalc.sweep("lenet5")["peak_activation_bytes"][0]
    assert found["N"] == [2**20 // one]


def test_worse_points_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    real = point.compute_row

    def watched(recipe: Any, at: Any) -> Any:
        seen.append(tuple(at))
        return real(recipe, at)

    monkeypatch.setattr(point, "compute_row", watched)
    found = costcalc.sweep("mobilenet_v1", params=GRID, maximize="resolution", subject_to="macs < 200M", jobs=1)
    assert found["resolution"] == [224, 224] and found["alpha"] == [0.25, 0.5]
    assert len(seen) == 4 and {resolution for _, resolution in seen} == {224}


def test_none_fits() -> None:
    assert len(costcalc.sweep("mobilenet_v1", params=GRID, maximize="resolution", subject_to="macs < 1", jobs=1)) == 0


def test_little_work_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LocalPool", lambda *_: pytest.fail("a process"))
    assert len(costcalc.sweep("mobilenet_v1", params=GRID)) == 20
