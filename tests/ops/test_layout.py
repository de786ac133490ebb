"""Transpose, DepthToSpace, SpaceToDepth, Expand and Tile: shapes as ONNX infers them."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    I64,
    OperatorCase,
    check_shape,
    ints,
    run,
    shape,
    t,
)

from costcalc.core.dim import symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

ROWS: list[OperatorCase] = [
    ("Transpose", [t(2, 3, 4)], {}, (4, 3, 2)),
    ("Transpose", [t(2, 3, 4)], {"perm": (0, 2, 1)}, (2, 4, 3)),
    ("DepthToSpace", [t(2, 8, 3, 4)], {"blocksize": 2}, (2, 2, 6, 8)),
    ("SpaceToDepth", [t(2, 2, 6, 8)], {"blocksize": 2}, (2, 8, 3, 4)),
    ("Expand", [t(3, 1), ints(2, 1, 6)], {}, (2, 3, 6)),
    ("Expand", [t(2, 3, 4), ints(4)], {}, (2, 3, 4)),
    ("Tile", [t(2, 3), ints(2, 3)], {}, (4, 9)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row)


def test_what_depends_on_data_is_a_new_symbol() -> None:
    unknown = t(2, dtype=I64)
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Expand", [t(3, 1), unknown], {}, "extent1"),
    ]
    for op_type, inputs, how, name in cases:
        extents = shape(op_type, *inputs, **how)
        assert extents is not None and symbols(*extents) == (name,), op_type


def test_refusals_name_the_fact() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Transpose", [t(2, 3)], {"perm": (0, 0)}, "repeats"),
        ("DepthToSpace", [t(1, 6, 2, 2)], {"blocksize": 2}, "6 channels"),
    ]
    for op_type, inputs, how, fact in cases:
        with pytest.raises(ShapeError, match=fact):
            run(op_type, *inputs, **how)
