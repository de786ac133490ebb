"""Sequences and optionals."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import F32, I64, cost, run, scalar, shape, t

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError
from costcalc.core.ir import EMPTY_OPTIONAL, SequenceType, TensorType

A, B = t(2, 3), t(4, 3)


def shapes(x: TensorType) -> list[tuple[object, ...] | None]:
    assert isinstance(x, SequenceType) and x.items is not None
    return [item.shape for item in x.items]


def test_construct_insert_erase_at() -> None:
    (s,) = run("SequenceConstruct", A, B)
    assert shapes(s) == [(2, 3), (4, 3)]
    assert s.nbytes == (6 + 12) * 4
    assert shapes(run("SequenceInsert", s, t(1, 3))[0]) == [(2, 3), (4, 3), (1, 3)]
    assert shapes(run("SequenceInsert", s, t(1, 3), scalar(-2))[0]) == [(1, 3), (2, 3), (4, 3)]
    assert shapes(run("SequenceErase", s)[0]) == [(2, 3)]
    assert shapes(run("SequenceErase", s, scalar(0))[0]) == [(4, 3)]
    assert shape("SequenceAt", s, scalar(-1)) == (4, 3)
    assert run("SequenceLength", s)[0].value == (2,)
    with pytest.raises(ShapeError, match="axis 2"):
        run("SequenceAt", s, scalar(2))


def test_an_item_at_an_unknown_position() -> None:
    (s,) = run("SequenceConstruct", A, B)
    found = shape("SequenceAt", s, t(dtype=I64))
    assert found is not None and str(found[0]) == "extent_0" and found[1] == 3
    assert shape("SequenceAt", run("SequenceConstruct", A, A)[0], t(dtype=I64)) == (2, 3)


def test_empty() -> None:
    (s,) = run("SequenceEmpty")
    assert (s.dtype, s.nbytes, run("SequenceLength", s)[0].value) == (F32, 0, (0,))


@pytest.mark.parametrize(
    ("split", "how", "parts"),
    [
        (None, {}, [(1, 3)] * 5),
        (None, {"keepdims": 0}, [(3,)] * 5),
        (None, {"axis": -1}, [(5, 1)] * 3),
        (t(dtype=I64, value=(2,)), {}, [(2, 3), (2, 3), (1, 3)]),
        (t(2, dtype=I64, value=(1, 4)), {}, [(1, 3), (4, 3)]),
    ],
)
def test_split_and_concat(split: TensorType | None, how: Any, parts: list[tuple[int, ...]]) -> None:
    inputs = [t(5, 3), split] if split is not None else [t(5, 3)]
    (s,) = run("SplitToSequence", *inputs, **how)
    assert shapes(s) == parts
    if "keepdims" in how:
        assert shape("ConcatFromSequence", s, axis=0, new_axis=1) == (5, 3)
    else:
        assert shape("ConcatFromSequence", s, axis=how.get("axis", 0)) == (5, 3)
    assert cost("SplitToSequence", *inputs, **how).flops == 0


def test_open_length() -> None:
    n = symbol("n")
    (s,) = run("SplitToSequence", t(n, 3), keepdims=0)
    assert s.shape == (n,) and s.nbytes == 12 * n
    assert shape("SequenceAt", s, scalar(0)) == (3,)
    assert run("SequenceInsert", s, t(3))[0].shape == (n + 1,)
    assert shape("ConcatFromSequence", s, axis=0) == (3 * n,)
    assert shape("ConcatFromSequence", s, axis=0, new_axis=1) == (n, 3)
    assert run("SplitToSequence", t(4 * n, 3), t(dtype=I64, value=(2,)))[0].shape == (2 * n,)


def test_optionals() -> None:
    assert run("Optional", A)[0] == A
    assert run("Optional")[0] == EMPTY_OPTIONAL
    assert run("OptionalHasElement", A)[0].value == (True,)
    assert run("OptionalHasElement", EMPTY_OPTIONAL)[0].value == (False,)
    assert run("OptionalHasElement")[0].value == (False,)
    assert run("OptionalGetElement", A)[0] == A
    with pytest.raises(ShapeError, match="holds nothing"):
        run("OptionalGetElement", EMPTY_OPTIONAL)
