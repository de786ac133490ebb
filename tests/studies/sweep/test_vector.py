"""Formulas over columns equal substitution of big integers, where int64 holds them and where it does not."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.core.dim import substitute
from costcalc.rules import Dim, ShapeError, maximum, minimum, symbol
from costcalc.studies.sweep.vector import INT64_MAX, Columns

A, B = symbol("a"), symbol("b")


def random_formula(r: random.Random, depth: int = 3) -> Dim:
    if depth == 0:
        return r.choice([A, B, r.randint(-5, 5), r.choice([A, B]) + r.randint(0, 9)])
    x, y = random_formula(r, depth - 1), random_formula(r, depth - 1)
    way = r.randrange(6)
    if way == 0:
        return x + y
    if way == 1:
        return x - y
    if way == 2:
        return x * y
    if way == 3:
        return x // r.randint(1, 9)
    return minimum(x, y) if way == 4 else maximum(x, y)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([10, 10**5, 10**9, 2**62, 2**63 - 1, 2**63 + 5, 10**25]))
def test_columns_equal_substitution(seed: int, largest: int) -> None:
    r = random.Random(seed)
    formulas = [random_formula(r) for _ in range(4)]
    points = [(r.randint(1, largest), r.randint(1, largest)) for _ in range(6)] + [(largest, largest), (1, 1)]
    columns = Columns({"a": [a for a, _ in points], "b": [b for _, b in points]})
    for formula in formulas:
        expected = [substitute(formula, {"a": a, "b": b}) for a, b in points]
        assert np.broadcast_to(columns.evaluate(formula).values, len(points)).tolist() == expected
    expected = [max(int(substitute(f, {"a": a, "b": b})) for f in formulas) for a, b in points]
    assert np.broadcast_to(columns.greatest(formulas).values, len(points)).tolist() == expected


def test_small_columns_are_of_int64_and_large_ones_of_integers() -> None:
    columns = Columns({"a": [2**31, 3], "b": [2**32 - 1, 5]})
    assert columns.evaluate(A * B).values.dtype == np.int64  # 2^31 · (2^32 - 1) is below 2^63; with 2^32 more it is not
    wide = columns.evaluate(A * B + 2 * A)
    assert wide.values.dtype == object
    assert wide.values.tolist() == [2**31 * (2**32 - 1) + 2**32, 3 * 5 + 6]
    assert columns.evaluate(A * A * A).values.tolist() == [2**93, 27]


def test_a_sum_whose_parts_overflow_is_of_integers_though_it_is_small() -> None:
    """4·a·b - 3·a·b - a·b of terms that stay apart: a² and a·b with a = b."""
    big = 3 * 10**9
    found = Columns({"a": [big], "b": [big]}).evaluate(4 * A * A - 4 * A * B)
    assert found.values.dtype == object and found.values.tolist() == [0]
    assert 4 * big * big > INT64_MAX


def test_a_division_by_zero_is_told() -> None:
    d = (A + 1) // (B - 3)
    with pytest.raises(ShapeError):
        Columns({"a": [1, 2], "b": [4, 3]}).evaluate(d)
