"""Cast, CastLike and BitCast: shapes as ONNX infers them, values of small tensors converted."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import (
    BOOL,
    F16,
    F32,
    I8,
    I32,
    I64,
    OperatorCase,
    check_shape,
    floats,
    ints,
    run,
    t,
)

from costcalc.core.dim import symbol
from costcalc.core.ir import DType, TensorType

SEQ = symbol("seq")

ROWS: list[OperatorCase] = [
    ("Cast", [t(2, 3)], {"to": 7}, (2, 3)),
    ("CastLike", [t(2, 3), t(1, dtype=I8)], {}, (2, 3)),
    ("BitCast", [t(2, 3)], {"to": 6, "opset": 26}, (2, 3)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_shapes(row: OperatorCase) -> None:
    check_shape(row)


def test_casts_of_values() -> None:
    def cast(x: TensorType, to: DType) -> Any:
        return run("Cast", x, to=to.code)[0].value

    assert cast(floats(-1.7, 2.9, 0.0), I64) == (-1, 2, 0)
    assert cast(floats(-1.7, 0.0), BOOL) == (True, False)
    assert cast(t(2, dtype=BOOL, value=(True, False)), I64) == (1, 0)
    assert cast(ints(2**63 - 1, 7), I32) == (-1, 7)
    assert cast(ints(4097), F16) == (4096,)
    assert cast(floats(float("inf")), I64) is None
    extents = t(2, dtype=I64, value=(SEQ, SEQ - 1))
    assert cast(extents, F32) == cast(extents, I32) == (SEQ, SEQ - 1)
    assert cast(t(1, dtype=I64, value=(SEQ,)), BOOL) == (True,)
    assert cast(extents, BOOL) is None
