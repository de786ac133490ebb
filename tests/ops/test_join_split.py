"""Concat, Split, Slice, Pad and their like: shapes as ONNX infers them and ONNX Runtime executes them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.node_execution import executed
from support.operator_rules import (
    BOOL,
    I64,
    OperatorCase,
    check_shape,
    ints,
    run,
    scalar,
    shape,
    t,
)

from costcalc.core.dim import symbol, symbols
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

SEQ = symbol("seq")

ROWS: list[OperatorCase] = [
    ("Concat", [t(2, 3), t(2, 5), t(2, 1)], {"axis": 1}, (2, 9)),
    ("Slice", [t(20, 10)], {"starts": (1, 0), "ends": (-1, 1000), "opset": 9}, (18, 10)),
    ("Slice", [t(20, 10, 5)], {"starts": (-3,), "ends": (2**63 - 1,), "axes": (1,), "opset": 9}, (20, 3, 5)),
    ("Slice", [t(20, 10), ints(0), ints(2**31 - 1), ints(-1), ints(3)], {}, (20, 4)),
    ("Slice", [t(20, 10), ints(-1), ints(-(2**31)), ints(1), ints(-2)], {}, (20, 5)),
    ("Slice", [t(20, 10), ints(15, 3), ints(5, 3)], {}, (0, 0)),
    ("Pad", [t(2, 3), ints(0, 1, 0, 2)], {}, (2, 6)),
    ("Pad", [t(2, 3), ints(1, -1), None, ints(1)], {}, (2, 3)),
    ("Pad", [t(2, 3)], {"pads": (1, 0, 1, 0), "opset": 7}, (4, 3)),
    ("ReverseSequence", [t(4, 2, 5), ints(1, 2)], {}, (4, 2, 5)),
    ("Trilu", [t(2, 4, 4), scalar(1)], {"upper": 0}, (2, 4, 4)),
    ("CenterCropPad", [t(20, 10, 3), ints(10, 7)], {"axes": (0, 1)}, (10, 7, 3)),
]

NO_ORACLE = {("Slice", 9)}
"""ONNX's own inference leaves a Slice by attributes open."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row, oracle=(row[0], row[2].get("opset", 24)) not in NO_ORACLE)


def test_split() -> None:
    def parts(*inputs: TensorType, **how: Any) -> list[Any]:
        return [(type_.shape or ())[1] for type_ in run("Split", *inputs, axis=1, **how)]

    x = t(2, 7)
    assert parts(x, ints(3, 4), n=2) == [3, 4]
    assert parts(x, split=(1, 6), opset=11, n=2) == [1, 6]
    assert parts(x, n=3, num_outputs=3) == [3, 3, 1]
    assert parts(t(2, 6), n=3, opset=13) == [2, 2, 2]
    first, rest = parts(t(2, SEQ), t(2, dtype=I64), n=2)
    assert first + rest == SEQ
    for wrong in ({"split": (1, 5), "n": 2}, {"n": 2}, {"split": (1, 2, 4), "n": 2}):
        with pytest.raises(ShapeError):
            parts(x, opset=11, **wrong)


def test_slices_as_executed() -> None:
    rng = random.Random(5)
    for _ in range(60):
        n, start, end = rng.randint(1, 9), rng.randint(-12, 12), rng.randint(-12, 12)
        step = rng.choice([1, 2, 3, -1, -2])
        inputs = [t(n), *(ints(k) for k in (start, end, 0, step))]
        ((_, theirs),) = executed("Slice", *inputs, constant=range(1, 5), opset=18)
        assert shape("Slice", *inputs) == theirs, (n, start, end, step)


def test_what_depends_on_data_is_a_new_symbol() -> None:
    x = t(3, 8)
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Compress", [x, t(3, dtype=BOOL)], {"axis": 0}, "selected"),
        ("Slice", [x, ints(0), t(1, dtype=I64), ints(1)], {}, "extent1"),
        ("Pad", [x, t(2, dtype=I64), None, ints(0)], {}, "extent0"),
    ]
    for op_type, inputs, how, name in cases:
        extents = shape(op_type, *inputs, **how)
        assert extents is not None and symbols(*extents) == (name,), op_type
    assert shape("Compress", x, t(8, dtype=BOOL, value=[True, False] * 4), axis=1) == (3, 4)


def test_refusals_name_the_fact() -> None:
    cases: list[tuple[str, list[TensorType | None], dict[str, Any], str]] = [
        ("Concat", [t(2, 3), t(3, 3)], {"axis": 1}, "axis 0"),
        ("Concat", [t(2, 3), t(2)], {"axis": 0}, "rank"),
        ("Slice", [t(2), ints(0), ints(1), ints(0), ints(0)], {}, "step"),
        ("Pad", [t(2, 3), ints(0, 1)], {}, "pads has 2 numbers"),
    ]
    for op_type, inputs, how, fact in cases:
        with pytest.raises(ShapeError, match=fact):
            run(op_type, *inputs, **how)
