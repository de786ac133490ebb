"""Resize and Upsample: shapes as ONNX infers them and ONNX Runtime executes them, interpolation spelled out."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from support.node_execution import executed
from support.operator_rules import (
    OperatorCase,
    check_shape,
    cost,
    floats,
    ints,
    run,
    shape,
    t,
    work,
)

from costcalc.core.dim import symbol, symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

H, W = symbol("h"), symbol("w")

ROWS: list[OperatorCase] = [
    ("Resize", [t(1, 3, 7, 9), None, floats(1, 1, 2, 0.5)], {}, (1, 3, 14, 4)),
    ("Resize", [t(1, 3, 7, 9), None, None, ints(1, 3, 5, 6)], {"mode": "cubic"}, (1, 3, 5, 6)),
    ("Resize", [t(1, 3, 7, 9), floats(1, 1, 1.7, 1 / 3)], {"opset": 10}, (1, 3, 11, 3)),
    ("Resize", [t(1, 3, 7, 9), None, floats(3, 3)], {"axes": (2, 3)}, (1, 3, 21, 27)),
    ("Upsample", [t(1, 3, 7, 9), floats(1, 1, 2, 2)], {"opset": 9}, (1, 3, 14, 18)),
    ("Upsample", [t(1, 3, 7, 9)], {"opset": 7, "scales": (1.0, 1.0, 2.0, 2.0)}, (1, 3, 14, 18)),
]

NO_ORACLE = {("Upsample", 7)}
"""ONNX's own inference leaves the attribute's scales of opset 7 open."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row, oracle=(row[0], row[2].get("opset", 24)) not in NO_ORACLE)


@pytest.mark.parametrize(
    ("mode", "scales", "expected"),
    [
        ("nearest", (1, 1, 2, 2), {}),
        ("linear", (1, 1, 2, 2), {"multiply": 3 * 14 * 18 * 4, "add": 3 * 14 * 18 * 3}),
        ("linear", (1, 1, 1, 2), {"multiply": 3 * 7 * 18 * 2, "add": 3 * 7 * 18 * 1}),
        ("cubic", (1, 1, 2, 2), {"multiply": 3 * 14 * 18 * 16, "add": 3 * 14 * 18 * 15}),
        ("linear", (1, 1, 1, 1), {}),
    ],
)
def test_interpolation(mode: str, scales: tuple[float, ...], expected: dict[str, int]) -> None:
    found = cost("Resize", t(1, 3, 7, 9), None, floats(*scales), mode=mode)
    assert {kind: n for (kind, _), n in work(found).items()} == expected
    assert found.macs.value == 0


def test_resizes_as_executed() -> None:
    rng = random.Random(5)  # a ratio that comes out at a half is rounded up by us and ONNX's words, not always by it
    for _ in range(60):
        h, w, a, b = (rng.randint(1, 60) for _ in range(4))
        scales = np.array([1, 1, a / h, rng.choice([0.5, 2, 1.5, 3, 0.1, 1 / 3])], np.float32).tolist()
        inputs = [t(1, 1, h, w), None, floats(*scales)]
        ((_, theirs),) = executed("Resize", *inputs, constant=[2], opset=18)
        assert shape("Resize", *inputs) == theirs, (h, w, scales)
        policy = rng.choice(["not_larger", "not_smaller"])
        how: Any = {"axes": (2, 3), "keep_aspect_ratio_policy": policy, "opset": 18}
        inputs = [t(1, 1, h, w), None, None, ints(a, b)]
        ((_, theirs),) = executed("Resize", *inputs, constant=[3], **how)
        assert shape("Resize", *inputs, **how) == theirs, (h, w, a, b, policy)


def test_what_depends_on_data_is_a_new_symbol() -> None:
    assert symbols(*shape("Resize", t(1, 3, H, W), None, t(4)) or ()) == ("extent2", "extent3")


def test_refusals_name_the_fact() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Resize", [t(1, 3, 4, 4)], {}, "neither scales nor sizes"),
    ]
    for op_type, inputs, how, fact in cases:
        with pytest.raises(ShapeError, match=fact):
            run(op_type, *inputs, **how)
