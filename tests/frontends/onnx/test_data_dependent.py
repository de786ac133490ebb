"""Detectors whose extents depend on data: exact once the symbols are bound to what one run showed."""

from __future__ import annotations

import json

import pytest
from support.paths import SHARED

from costcalc import analyze

NAMES = ("fasterrcnn_mobilenet_v3_large_320_fpn__ts", "ssdlite320_mobilenet_v3_large__ts")


@pytest.mark.parametrize("name", NAMES)
def test_bound_to_what_ran_the_macs_are_those_that_ran(name: str) -> None:
    model, figures = SHARED / "models" / f"{name}.onnx", SHARED / "truth" / "onnx" / f"{name}.json"
    if not model.exists():
        pytest.skip("the shared models are not here")
    truth = json.loads(figures.read_text())
    report = analyze(model)
    assert not report.lower_bound
    ran: dict[str, int] = {}
    for row in report.rows:
        for name_, type_ in row.outputs:
            shape = truth["tensor_shapes"].get(name_)
            for d, extent in zip(type_.shape or (), shape or (), strict=False):
                if str(d) in report.open_symbols and extent > 0:
                    ran.setdefault(str(d), extent)
    assert report.bind(ran).macs == truth["macs"]
