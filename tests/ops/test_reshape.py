"""Flatten, Squeeze and Unsqueeze: shapes as ONNX infers them; views are no copies."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    OperatorCase,
    check_shape,
    ints,
    run,
    t,
)

from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType
from costcalc.core.traits import TRAITS

ROWS: list[OperatorCase] = [
    ("Flatten", [t(2, 3, 4, 5)], {}, (2, 60)),
    ("Flatten", [t(2, 3, 4, 5)], {"axis": 0}, (1, 120)),
    ("Flatten", [t(2, 3, 4, 5)], {"axis": 4}, (120, 1)),
    ("Flatten", [t(2, 3, 4, 5)], {"axis": -1}, (24, 5)),
    ("Squeeze", [t(1, 3, 1, 5)], {}, (3, 5)),
    ("Squeeze", [t(1, 3, 1, 5), ints(-2)], {}, (1, 3, 5)),
    ("Squeeze", [t(1, 3, 1, 5)], {"axes": (0,), "opset": 9}, (3, 1, 5)),
    ("Unsqueeze", [t(3, 5), ints(0, -1)], {}, (1, 3, 5, 1)),
    ("Unsqueeze", [t(3, 5)], {"axes": (1, 3), "opset": 11}, (3, 1, 5, 1)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row)


def test_views_are_no_copies() -> None:
    views = {op for (_, op), operator in TRAITS.items() if operator.view}
    assert views >= {"Reshape", "Flatten", "Squeeze", "Unsqueeze"}
    assert views.isdisjoint({"Transpose", "Slice", "Concat", "Split", "Expand", "Cast"})


def test_refusals_name_the_fact() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Squeeze", [t(2, 3)], {"axes": (0,), "opset": 11}, "Squeeze removes"),
    ]
    for op_type, inputs, how, fact in cases:
        with pytest.raises(ShapeError, match=fact):
            run(op_type, *inputs, **how)
