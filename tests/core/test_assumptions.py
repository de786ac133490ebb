"""Assumptions: said shortly, and never more or less than what was assumed."""

from hypothesis import given
from hypothesis import strategies as st

from costcalc.core.assumptions import Assumption, simplify_assumptions
from costcalc.core.dim import minimum, substitute, symbol

H, W = symbol("H"), symbol("W")


def holds(assumption: Assumption, h: int, w: int) -> bool:
    a, b = (substitute(d, {"H": h, "W": w}) for d in (assumption.left, assumption.right))
    return a == b if assumption.relation == "=" else a >= b


SIDES = st.sampled_from([H, W, H // 4 + 2, (H + 1) // 2 - 3, 2 * W - 5, (H // 2 - 1) // 2, H * W, H - W, 7 - H])


@given(
    st.lists(st.builds(Assumption, SIDES, st.sampled_from([">=", "="]), st.integers(-3, 9)), max_size=5),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_simplified_assumptions_say_the_same(given_: list[Assumption], h: int, w: int) -> None:
    assert all(holds(a, h, w) for a in simplify_assumptions(given_)) == all(holds(a, h, w) for a in given_)


def test_the_largest_least_value_stands_alone() -> None:
    found = simplify_assumptions(
        [Assumption(H // 4 + 2, ">=", 3), Assumption(H, ">=", 32), Assumption((H + 31) // 32, ">=", 1)]
    )
    assert [str(a) for a in found] == ["H >= 32"]


def test_an_assumed_minimum_stays() -> None:
    found = simplify_assumptions([Assumption(H, "=", minimum(512, H))])
    assert [str(a) for a in found] == ["H <= 512"]
