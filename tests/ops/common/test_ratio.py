"""Numbers that pass through floats: what is given is what floating point computes, for every binding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.operator_rules import F32, I64, run, t

from costcalc.core.dim import Dim, substitute, symbol

H = symbol("h")
INT, FLOAT = I64.code, F32.code


def chain(start: Dim, *steps: tuple[str, float] | str) -> Any:
    """The integer that comes out of a chain of float operations between two Casts; None where it is not known."""
    x = run("Cast", t(dtype=I64, value=(start,)), to=FLOAT)[0]
    for step in steps:
        x = run(step, x)[0] if isinstance(step, str) else run(step[0], x, t(value=(step[1],)))[0]
    out = run("Cast", x, to=INT)[0].value
    return None if out is None else out[0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("Mul", 2.0), "Floor"], 2 * H),
        ([("Div", 16.0), "Floor"], H // 16),
        ([("Div", 16.0), "Ceil"], (H + 15) // 16),
        ([("Div", 16.0), "Ceil", ("Mul", 16.0)], 16 * ((H + 15) // 16)),
        ([("Div", 32.0)], H // 32),
        ([("Mul", 0.5)], H // 2),
        ([("Mul", 2.5), "Floor"], (5 * H) // 2),
        ([("Div", 2.0), ("Add", 1.0), "Floor"], H // 2 + 1),
        ([("Div", 3.0), ("Div", 5.0), "Floor"], H // 15),
        ([("Div", 3.0), "Round"], (2 * H + 3) // 6),
        ([("Mul", 2.0), ("Div", 2.0)], H),
        ([("Div", 3.0), ("Mul", 3.0)], None),
        ([("Mul", 0.7), "Floor"], None),
        ([("Div", 2.0), "Round"], None),
        (["Neg", ("Div", 2.0), "Floor", "Neg"], H - H // 2),
        (["Neg", ("Div", 2.0)], -(H // 2)),
        (["Sqrt"], None),
        (["Abs"], H),
        ([("Max", 1.0)], H),
        ([("Pow", 2.0)], H * H),
    ],
)
def test_chains(steps: list[Any], expected: Dim | None) -> None:
    assert chain(H, *steps) == expected


STEP = st.one_of(
    st.sampled_from(["Floor", "Ceil", "Round", "Neg", "Abs", "Sign", "Relu"]),
    st.tuples(
        st.sampled_from(["Add", "Sub", "Mul", "Div", "Min", "Max"]),
        st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.0, 0.25, 1.5, -2.0, 16.0, 0.125, -0.5, 0.1]),
    ),
)


@settings(max_examples=400)
@given(st.lists(STEP, max_size=5), st.integers(1, 500))
def test_binding_an_open_chain(steps: list[Any], h: int) -> None:
    result = chain(H, *steps)
    if result is not None:
        assert substitute(result, {"h": h}) == chain(h, *steps)


def test_exact_quotients_of_symbols() -> None:
    a = run("Cast", t(dtype=I64, value=(6 * H,)), to=FLOAT)[0]
    b = run("Cast", t(dtype=I64, value=(2 * H,)), to=FLOAT)[0]
    assert run("Div", a, b)[0].value == (3,)
    assert run("Div", b, a)[0].value is None


def test_a_ratio_as_a_scale() -> None:
    half = run("Div", run("Cast", t(dtype=I64, value=(H,)), to=FLOAT)[0], t(value=(2.0,)))[0]
    scales = run("Concat", t(2, value=(1.0, 1.0)), run("Reshape", half, t(1, dtype=I64, value=(1,)))[0], axis=0)[0]
    assert run("Resize", t(1, 3, 5), None, scales)[0].shape == (1, 3, (5 * H) // 2)


def test_a_ratio_in_a_range() -> None:
    half = run("Div", run("Cast", t(dtype=I64, value=(H,)), to=FLOAT)[0], t(value=(2.0,)))[0]
    zero, one = t(value=(0.0,)), t(value=(1.0,))
    (extent,) = run("Range", zero, half, one)[0].shape or ()
    assert str(extent) == "length"
