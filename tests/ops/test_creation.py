"""Shapes, constants, ranges, random numbers and windows: shapes as ONNX infers them, costs spelled out."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    F32,
    I32,
    I64,
    OperatorCase,
    check_shape,
    cost,
    ints,
    run,
    scalar,
    shape,
    t,
)

from costcalc.core.dim import symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

ROWS: list[OperatorCase] = [
    ("Shape", [t(2, 3, 4, 5)], {"start": 1, "end": -1}, (2,)),
    ("Shape", [t(2, 3)], {"opset": 7}, (2,)),
    ("Size", [t(2, 3)], {}, ()),
    ("ConstantOfShape", [ints(2, 0, 3)], {}, (2, 0, 3)),
    ("Range", [scalar(10), scalar(4), scalar(-4)], {}, (2,)),
    ("Range", [scalar(0.0, F32), scalar(1.0, F32), scalar(0.3, F32)], {}, (4,)),
    ("EyeLike", [t(3, 4)], {"dtype": 7}, (3, 4)),
    ("RandomNormal", [], {"shape": (2, 3)}, (2, 3)),
    ("RandomUniformLike", [t(2, 3)], {"dtype": 11}, (2, 3)),
    ("Multinomial", [t(2, 10)], {"sample_size": 4}, (2, 4)),
    ("HannWindow", [scalar(16)], {}, (16,)),
]

NO_ORACLE = {("Range", 24)}
"""ONNX's own inference leaves a Range of floats open."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row, oracle=(row[0], row[2].get("opset", 24)) not in NO_ORACLE)


def test_constants() -> None:
    value = TensorType(I32, (2,), (1, 2))
    assert run("Constant", value=value) == [value]
    assert run("Constant", value_int=3) == [TensorType(I64, (), (3,))]
    assert run("Constant", value_ints=(3, 4)) == [TensorType(I64, (2,), (3, 4))]
    assert run("Constant", value_floats=(0.5,)) == [TensorType(F32, (1,), (0.5,))]
    with pytest.raises(ShapeError):
        run("Constant")
    assert run("ConstantOfShape", ints(2)) == [TensorType(F32, (2,), (0.0, 0.0))]


def test_what_depends_on_data_is_a_new_symbol() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Range", [scalar(0), t(dtype=I64), scalar(1)], {}, "length"),
        ("ConstantOfShape", [t(1, dtype=I64)], {}, "extent0"),
    ]
    for op_type, inputs, how, name in cases:
        extents = shape(op_type, *inputs, **how)
        assert extents is not None and symbols(*extents) == (name,), op_type


def test_costs() -> None:
    assert cost("HannWindow", scalar(16)).flops == 16 * 3
    assert cost("BlackmanWindow", scalar(16)).flops == 16 * 6
