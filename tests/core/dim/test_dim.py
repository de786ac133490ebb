"""Poly arithmetic equals int arithmetic, and the normal forms are short."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.core.dim import (
    Dim,
    Poly,
    bounds,
    divide,
    floordiv,
    is_equal,
    maximum,
    minimum,
    plain_text,
    pretty_text,
    prod,
    substitute,
    substitute_all,
    symbol,
    symbols,
)
from costcalc.core.errors import ShapeError, UndecidedError

H, W, SEQ = symbol("H"), symbol("W"), symbol("seq")

VALUES = st.fixed_dictionaries({name: st.integers(1, 40) for name in ("a", "b", "c")})
DIMS = st.recursive(
    st.integers(-9, 9) | st.sampled_from([symbol(n) for n in "abc"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.sampled_from(["//", "%"]), inner, st.integers(1, 9)),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner),
    ),
    max_leaves=8,
)


def build(tree: object, values: dict[str, int] | None) -> Dim:
    """The tree over symbols, or over their values."""
    if isinstance(tree, (int, Poly)):
        return tree if values is None else substitute(tree, values)
    assert isinstance(tree, tuple)
    op, left, right = tree
    a, b = build(left, values), build(right, values)
    if op == "min":
        return minimum(a, b)
    if op == "max":
        return maximum(a, b)
    return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "//": lambda: a // b, "%": lambda: a % b}[op]()


@given(DIMS, VALUES)
def test_bind_then_calculate_equals_calculate_then_bind(tree: object, values: dict[str, int]) -> None:
    assert substitute(build(tree, None), values) == build(tree, values)


@given(DIMS, VALUES)
def test_bounds_hold(tree: object, values: dict[str, int]) -> None:
    low, high = bounds(build(tree, None))
    value = build(tree, values)
    assert isinstance(value, int)
    assert low <= value <= high


@given(DIMS, DIMS, VALUES)
def test_division_by_a_symbolic_extent(x: object, y: object, values: dict[str, int]) -> None:
    a, b = build(x, None), build(y, None)
    divisor = substitute(b, values)
    if divisor == 0:
        return
    if isinstance(b, int) and b == 0:
        return
    assert substitute(floordiv(a, b), values) == floordiv(substitute(a, values), divisor)


@given(DIMS, DIMS)
def test_exact_division_undoes_multiplication(x: object, y: object) -> None:
    a, b = build(x, None), build(y, None)
    if b == 0:
        return
    assert divide(a * b, b) == a


def test_a_chain_of_strides_is_one_division() -> None:
    extent: Dim = H
    for _ in range(5):
        extent = (extent - 1) // 2 + 1
    assert str(extent) == "(H + 31)//32"


def test_symbols_cancel_into_ints() -> None:
    assert isinstance(SEQ - SEQ, int)
    assert (12 * SEQ * 64) // (SEQ * 64) == 12
    assert (SEQ + 3) - SEQ == 3
    assert isinstance(H * W // W, Poly)
    assert H * W // W == H


def test_formulas_with_common_parts_are_bound_together() -> None:
    """Each is the one before and an atom more: alone, 400 of them take 80,000 replacements."""
    replaced: list[str] = []

    class Binding(dict[str, Dim]):
        def __contains__(self, key: object) -> bool:
            replaced.append(str(key))
            return super().__contains__(key)

    formulas: list[Dim] = [SEQ, 3]
    for i in range(400):
        formulas.append(minimum(formulas[-2] + H, i + 512) + formulas[-1])
    values: dict[str, Dim] = {"seq": 40, "H": 7}
    assert substitute_all(formulas[:20], values) == [substitute(d, values) for d in formulas[:20]]
    assert isinstance(substitute_all(formulas, Binding(values))[-1], int)
    assert len(replaced) <= 402


def test_order_is_decided_or_refused() -> None:
    assert SEQ >= 1
    assert SEQ + 1 > 1
    assert (H + 1) // 2 >= 1
    assert H * W - H >= 0
    assert not is_equal(SEQ, -1)
    with pytest.raises(UndecidedError, match="--dim seq="):
        _ = SEQ < 5
    with pytest.raises(UndecidedError):
        int(SEQ)
    with pytest.raises(UndecidedError):
        is_equal(SEQ, 4)


def test_minimum_is_an_atom_until_it_is_bound() -> None:
    clamped = minimum(512, SEQ)
    assert str(clamped) == "min(512, seq)"
    assert substitute(clamped, {"seq": 600}) == 512
    assert substitute(clamped, {"seq": 60}) == 60
    assert minimum(SEQ, SEQ + 1) == SEQ
    assert maximum(SEQ, 1) == SEQ


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(ShapeError, match="zero"):
        _ = SEQ // 0


def test_text() -> None:
    formula = 12 * SEQ * 768 * 768 + 2 * SEQ * SEQ * 768
    assert plain_text(formula) == "1536*seq**2 + 7077888*seq"
    assert pretty_text(formula) == "1,536·seq² + 7,077,888·seq"
    assert str(3 * ((H + 1) // 2) * W) == "3*((H + 1)//2)*W"
    assert str(-SEQ + 4) == "-seq + 4"
    assert eval(str(3 * ((H + 1) // 2) ** 2 - W), {"H": 7, "W": 2}) == 3 * 16 - 2


@given(DIMS, VALUES)
def test_the_text_evaluates_to_the_value(tree: object, values: dict[str, int]) -> None:
    d = build(tree, None)
    assert eval(str(d), {"min": min, "max": max, **values}) == substitute(d, values)


def test_symbols_and_prod() -> None:
    assert symbols(H * minimum(W, 3), 7) == ("H", "W")
    assert prod([]) == 1
    assert prod([2, H, 3]) == 6 * H
