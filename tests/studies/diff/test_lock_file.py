"""A diff against a lock file says the same as one against the model that was locked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import cli

import costcalc


@pytest.mark.parametrize(
    ("before", "after", "options"),
    [
        ("resnet34", "resnet50", {}),
        ("mobilenet_v2", "mobilenet", {"symbolic": True}),
        ("gpt2", "gpt2", {"symbolic": True}),
        ("lenet5", "alexnet", {}),
    ],
)
def test_built_in_models(before: str, after: str, options: dict[str, bool], here: Path) -> None:
    symbolic = ["--symbolic"] if options else []
    cli.ok("lock", before, *symbolic)
    locked = f"costcalc.lock.json#{before}"
    found, wanted = (costcalc.diff(side, after, **options).to_dict() for side in (locked, before))
    assert found.pop("before") == wanted.pop("before") | {"source": locked}
    assert found == wanted
    assert not costcalc.diff(locked, before, **options).changes
