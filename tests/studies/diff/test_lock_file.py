"""A diff against a lock file says the same as one against the model that was locked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import cli

import costcalc


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [("resnet34", "resnet50"), ("mobilenet_v2", "mobilenet"), ("gpt2", "gpt2"), ("lenet5", "alexnet")],
)
def test_built_in_models(before: str, after: str, symbolic: bool, here: Path) -> None:
    cli.ok("lock", before, *(["--symbolic"] if symbolic else []))
    locked = f"costcalc.lock.json#{before}"
    found, wanted = (costcalc.diff(side, after, symbolic=symbolic).to_dict() for side in (locked, before))
    assert found.pop("before") == wanted.pop("before") | {"source": locked}
    assert found == wanted
    assert not costcalc.diff(locked, before, symbolic=symbolic).changes
