"""Gather, Scatter, OneHot, Col2Im, TopK and selections: shapes as ONNX infers them, costs spelled out."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    I64,
    OperatorCase,
    check_shape,
    cost,
    floats,
    ints,
    run,
    scalar,
    shape,
    t,
    work,
)

from costcalc.core.dim import symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType
from costcalc.core.traits import TRAITS

ROWS: list[OperatorCase] = [
    ("ScatterElements", [t(5, 3), t(2, 3, dtype=I64), t(2, 3)], {"axis": 1}, (5, 3)),
    ("ScatterND", [t(8, 4), t(2, 1, dtype=I64), t(2, 4)], {}, (8, 4)),
    ("TensorScatter", [t(2, 8, 128, 64), t(2, 8, 1, 64)], {}, (2, 8, 128, 64)),
    ("Gather", [t(1000, 64), t(2, 7, dtype=I64)], {}, (2, 7, 64)),
    ("Gather", [t(3, 4, 5), scalar(-1)], {"axis": -2}, (3, 5)),
    ("GatherElements", [t(3, 3), t(2, 3, dtype=I64)], {"axis": 0}, (2, 3)),
    ("GatherND", [t(2, 3, 4), t(5, 2, dtype=I64)], {}, (5, 4)),
    ("GatherND", [t(2, 3, 4), t(2, 5, 1, dtype=I64)], {"batch_dims": 1}, (2, 5, 4)),
    ("OneHot", [t(2, 3, dtype=I64), scalar(10), floats(0, 1)], {}, (2, 3, 10)),
    ("OneHot", [t(2, 3, dtype=I64), scalar(10), floats(0, 1)], {"axis": 0}, (10, 2, 3)),
    ("Col2Im", [t(1, 3 * 4, 16), ints(5, 5), ints(2, 2)], {}, (1, 3, 5, 5)),
    ("TopK", [t(3, 100), ints(5)], {"n": 2}, (3, 5)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row)


def test_an_embedding_table_is_a_weight() -> None:
    assert TRAITS["", "Gather"].weights == {0}


def test_what_depends_on_data_is_a_new_symbol() -> None:
    x = t(3, 8)
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("NonZero", [x], {}, "nonzero"),
        ("Unique", [x], {}, "unique"),
        ("TopK", [x, t(1, dtype=I64)], {"n": 2}, "k"),
        ("NonMaxSuppression", [t(1, 9, 4), t(1, 2, 9), scalar(3)], {}, "boxes"),
        ("OneHot", [x, t(dtype=I64), floats(0, 1)], {}, "depth"),
    ]
    for op_type, inputs, how, name in cases:
        extents = shape(op_type, *inputs, **how)
        assert extents is not None and symbols(*extents) == (name,), op_type
    assert shape("NonMaxSuppression", t(1, 9, 4), t(1, 2, 9)) == (0, 3)


def test_costs() -> None:
    data, indices, updates = t(8, 4), t(2, 1, dtype=I64), t(2, 4)
    assert cost("ScatterND", data, indices, updates).flops == 0
    assert work(cost("ScatterND", data, indices, updates, reduction="add")) == {("add", "elementwise"): 2 * 4}
    assert work(cost("ScatterElements", data, t(2, 4, dtype=I64), updates, reduction="max")) == {
        ("compare", "elementwise"): 2 * 4
    }
    assert cost("Col2Im", t(1, 3 * 4, 16), ints(5, 5), ints(2, 2)).flops == 3 * 4 * 16
    assert cost("TopK", t(3, 100), ints(5), n=2).flops == 3 * 100
    assert cost("NonMaxSuppression", t(1, 9, 4), t(1, 2, 9), scalar(3)).flops == 2 * 9
    assert cost("Gather", t(1000, 64), t(7, dtype=I64)).flops == 0


def test_refusals_name_the_fact() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Gather", [t(2, 3)], {"axis": 2}, "1 input is"),
        ("Gather", [t(2, dtype=I64, value=(5, 6)), scalar(2)], {}, "index 2"),
        ("TopK", [t(3, 100)], {"k": 5, "axis": 0, "n": 2, "opset": 7}, "the 5 largest of 3"),
    ]
    for op_type, inputs, how, fact in cases:
        with pytest.raises(ShapeError, match=fact):
            run(op_type, *inputs, **how)
