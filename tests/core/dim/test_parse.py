"""What formulas print is read back exactly; anything else is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.core.dim import Dim, format_formula, maximum, minimum, parse_formula, symbol
from costcalc.core.errors import CostcalcError, ExpressionError

NAMES = ("a", "seq", "min", "größe", "batch-size", "a b", "s`0", "2x", "H//2", "(x", "x y//3 + 1")


def combined(inner: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: minimum(*p)),
        pairs.map(lambda p: maximum(*p)),
        st.tuples(inner, st.integers(1, 9)).map(lambda p: p[0] // p[1]),
        st.tuples(inner, st.sampled_from(("a", "seq"))).map(lambda p: p[0] // symbol(p[1])),
    )


def dims(names: tuple[str, ...]) -> st.SearchStrategy[Dim]:
    return st.recursive(st.integers(-99, 99) | st.sampled_from([symbol(n) for n in names]), combined, max_leaves=6)


@given(dims(("a", "seq", "min", "größe")))
@settings(deadline=None, max_examples=400)
def test_what_is_printed_is_read_back(d: Dim) -> None:
    assert parse_formula(str(d)) == d
    assert format_formula(d) == str(d)


@given(dims(NAMES))
@settings(deadline=None, max_examples=400)
def test_names_that_are_no_words_are_quoted(d: Dim) -> None:
    assert parse_formula(format_formula(d)) == d


def test_a_formula_is_what_the_arithmetic_gives() -> None:
    h, seq = symbol("H"), symbol("seq")
    assert parse_formula("12*seq**2 + seq - 3") == 12 * seq * seq + seq - 3
    assert parse_formula("9408*((H + 1)//2)") == 9408 * ((h + 1) // 2)
    assert parse_formula("min(512, seq)") == minimum(512, seq)
    assert parse_formula("-`a-b`") == -symbol("a-b")
    assert parse_formula("7") == 7


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "+",
        "a b",
        "a +",
        "2 3",
        "a**",
        "a**a",
        "a**999",
        "a**0",
        "(a",
        "a)",
        "max(a)",
        "f(a, b)",
        "a/b",
        "a.b",
        "`a",
        "(a + b)*(a + b)",
        "(a + b)**9",
        "(" * 99 + "a" + ")" * 99,
        "9" * 200,
        "1e3",
        "a % 2",
        "__import__('os')",
    ],
)
def test_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ExpressionError, match="is no formula"):
        parse_formula(wrong)


def test_a_division_by_zero_is_refused_too() -> None:
    with pytest.raises(CostcalcError, match="zero"):
        parse_formula("a//0")
