"""Einsum: NumPy's shapes, and products of index extents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_rules import cost, run, t

from costcalc.core.dim import symbol
from costcalc.core.errors import ShapeError

CASES = [
    ("bid,bjd->bij", [(2, 5, 8), (2, 6, 8)], 2 * 5 * 6 * 8, 0),
    ("...id,...jd->...ij", [(2, 5, 8), (2, 6, 8)], 2 * 5 * 6 * 8, 0),
    ("...id,...jd->...ij", [(3, 1, 5, 8), (2, 6, 8)], 3 * 2 * 5 * 6 * 8, 0),
    ("bsd,hde->bhse", [(2, 20, 32), (4, 32, 16)], 2 * 20 * 32 * 4 * 16, 0),
    ("bid,bjd->bijd", [(2, 5, 8), (2, 6, 8)], 0, 2 * 5 * 6 * 8),
    ("i,j", [(3,), (4,)], 0, 12),
    ("ij,jk", [(3, 4), (4, 5)], 60, 0),
    ("kb,Bk", [(3, 4), (5, 3)], 60, 0),
    ("bid->bdi", [(2, 5, 8)], 0, 0),
    ("ii->i", [(5, 5)], 0, 0),
    ("ii", [(5, 5)], 0, 0),
    ("ij->i", [(5, 6)], 0, 30),
    ("...ii->...i", [(3, 5, 5)], 0, 0),
    ("i,i->", [(7,), (7,)], 7, 0),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5, 0),
    ("i,i,i->i", [(7,), (7,), (7,)], 0, 14),
    ("bi,ij,bj->b", [(2, 3), (3, 4), (2, 4)], 2 * 3 * 4 + 2 * 4, 0),
    (" b i , j b -> i j ", [(2, 3), (4, 2)], 24, 0),
]


@pytest.mark.parametrize(("equation", "shapes", "macs", "adds"), CASES)
def test_cases(equation: str, shapes: list[tuple[int, ...]], macs: int, adds: int) -> None:
    types = [t(*s) for s in shapes]
    found = cost("Einsum", *types, equation=equation)
    assert found.macs.value == macs
    if equation != "ii":
        assert found.flops == 2 * macs + adds
    expected = np.einsum(equation, *map(np.ones, shapes)).shape
    assert run("Einsum", *types, equation=equation)[0].shape == expected


@given(st.data())
def test_shapes_are_numpys(data: st.DataObject) -> None:
    extents = dict(zip("abcAB", (2, 3, 4, 5, 1), strict=True))
    terms = data.draw(st.lists(st.lists(st.sampled_from("abcAB"), max_size=3).map("".join), min_size=1, max_size=3))
    letters = sorted(set("".join(terms)))
    output = "".join(data.draw(st.lists(st.sampled_from(letters), unique=True))) if letters else ""
    equation = ",".join(terms) + data.draw(st.sampled_from(["", f"->{output}"]))
    shapes = [tuple(extents[i] for i in term) for term in terms]
    expected = np.einsum(equation, *map(np.ones, shapes)).shape
    assert run("Einsum", *(t(*s) for s in shapes), equation=equation)[0].shape == expected


def test_open_extent() -> None:
    seq = symbol("seq")
    assert cost("Einsum", t(1, seq, 8), t(1, seq, 8), equation="bid,bjd->bij").macs.value == 8 * seq**2


@pytest.mark.parametrize("equation", ["ij,jk", "i->i", "ij->ik", "ij->ii", "i!"])
def test_what_does_not_fit(equation: str) -> None:
    with pytest.raises(ShapeError):
        run("Einsum", t(3, 4), equation=equation)
