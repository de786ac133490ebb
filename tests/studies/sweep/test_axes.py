"""What is given for an axis, and the grid of all combinations."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.rules import UsageError
from costcalc.studies.sweep.axes import Grid, SweepAxis, decimal_text, parse_values, value_text
from costcalc.studies.sweep.space import build_space, draw_sample

F = Fraction


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.25:1.0:0.25", [F(1, 4), F(1, 2), F(3, 4), 1]),
        ("0.1:0.3:0.1", [F(1, 10), F(1, 5), F(3, 10)]),
        ("1:4", [1, 2, 3, 4]),
        ("1:6:2", [1, 3, 5]),
        ("1:4.0", [1, 2, 3, 4]),
        ("4:1:-1.5", [4, F(5, 2), 1]),
        ("1:64:*4", [1, 4, 16, 64]),
        ("128,160, 192", [128, 160, 192]),
        ("8,1:3,8,2", [8, 1, 2, 3]),
        ("relu,gelu", ["relu", "gelu"]),
        ("true,no", [True, "no"]),
        ("[3,5],[7]", [[3, 5], [7]]),
        ("'max(8, n)',16", ["max(8, n)", 16]),
        ("max(8, n),16", ["max(8, n)", 16]),
        ("'a:b'", ["a:b"]),
        ("1e3,2.50", [1000, F(5, 2)]),
        ("1,1.0", [1]),
    ],
)
def test_values(text: str, values: list[Any]) -> None:
    found = list(parse_values("x", text))
    assert found == values
    assert [type(v) for v in found] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,,2", "has an empty value"),
        ("", "has an empty value"),
        ("1:2:0", "holds nothing"),
        ("2:1", "holds nothing"),
        ("1:2:-1", "holds nothing"),
        ("0:8:*2", "holds nothing"),
        ("1:8:*1", "holds nothing"),
        ("0.5:1", "has no step; write first:last:step, such as x=0.5:1:0.1, or x=0.5,1 for both ends"),
        ("1:1.5", "has no step"),
        ("a:b", "is no range of numbers"),
        ("1:1000000000", "would have 1,000,000,000 values"),
        ("1:1e30:*1.0000001", "would have"),
    ],
)
def test_what_is_no_axis(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_values("x", text)


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4), st.integers(0, 50), st.integers(0, 4))
def test_ranges_hold_every_step_and_their_last_value(first: int, step: int, count: int, places: int) -> None:
    a, s = F(first, 10**places), F(step, 10**places)
    text = f"{decimal_text(a)}:{decimal_text(a + s * count)}:{decimal_text(s)}"
    assert list(parse_values("x", text)) == [a + s * i for i in range(count + 1)]


@given(st.fractions())
def test_decimals_are_written_exactly(value: F) -> None:
    assert F(decimal_text(value)) == value


def test_the_grid_counts_as_nested_loops_run() -> None:
    axes = (
        SweepAxis("a", "a", (1, 2, 3)),
        SweepAxis("b", "b", ("x", "y")),
        SweepAxis("n", "n", (4, 5, 6, 7), dim=True),
    )
    grid = Grid(axes)
    every = list(itertools.product(*(axis.values for axis in axes)))
    assert (grid.size, grid.points_per_structure) == (3 * 2 * 4, 4)
    assert list(grid.points(range(grid.size))) == every == [grid.point(i) for i in range(grid.size)]


def test_a_column_has_one_type() -> None:
    kinds = [
        SweepAxis("a", "a", parse_values("a", text)).kind
        for text in ("1,2", "1:9", "1,0.5", "0.5:1:0.5", "true,false", "1,x")
    ]
    assert kinds == ["int", "int", "float", "float", "bool", "text"]
    assert value_text([F(1, 2), [True, "w"]]) == "[0.5, [true, w]]"


def test_elements_of_lists_are_axes_of_their_own() -> None:
    known = {"kernels": [3, 3, 5], "alpha": 1}
    found = build_space({"kernels[*]": "3,5", "kernels.1": "1,3,7", "alpha": "0.5,1"}, {"N": "2,4"}, known, ())
    assert [(a.column, list(a.values)) for a in found.grid.axes] == [
        ("alpha", [F(1, 2), 1]),
        ("kernels_0", [3, 5]),
        ("kernels_1", [1, 3, 7]),
        ("kernels_2", [3, 5]),
        ("N", [2, 4]),
    ]
    assert found.bind((1, 5, 7, 3, 4)) == ({"alpha": 1, "kernels": [5, 7, 3]}, {"N": 4}, {})
    fixed = build_space({"kernels": "[1,1]", "kernels[1]": "9"}, {}, known, ())
    assert [axis.column for axis in fixed.grid.axes] == ["kernels_1"]
    assert (fixed.grid.size, fixed.bind((9,))) == (1, ({"kernels": [1, 9]}, {}, {}))


def test_a_name_that_a_figure_has_is_another_column() -> None:
    found = build_space({"macs": "1,2", "a.b": "1,2"}, {}, {"macs": 1, "a.b": 2}, ("macs",))
    assert [axis.column for axis in found.grid.axes] == ["set_macs", "a_b"]


@pytest.mark.parametrize(
    ("params", "dims", "said"),
    [
        ({"alpha.0": "1,2"}, {}, "the parameter 'alpha' is 1, no list"),
        ({"beta[*]": "1,2"}, {}, "the model has no parameter 'beta'"),
        ({"kernels": "[1],[2]", "kernels.0": "1,2"}, {}, "kernels varies as a whole and by its elements"),
        ({"kernels.3": "1,2"}, {}, "kernels has no element 3; its elements are 0 to 2"),
        ({}, {"N": "-1,1"}, "N is bound to -1"),
        ({}, {"N": "0.5,1"}, "N is bound to 0.5"),
        ({}, {"N": "1:2:0.5"}, "N is bound to 1.5"),
        ({}, {"N": "3:-3:-1"}, "N is bound to -1"),
        ({}, {"N": "a,b"}, "N is bound to a"),
        ({"alpha": []}, {}, "alpha has no values"),
    ],
)
def test_what_is_no_space(params: dict[str, Any], dims: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_space(params, dims, {"kernels": [3, 3, 5], "alpha": 1}, ())


def test_samples_are_the_same_everywhere() -> None:
    """Pinned: SHA-256 gives them, no generator of Python's."""
    assert draw_sample(10**20, 3, 7) == [2110649005872992736, 24118680953536089513, 36766356636131229705]
    assert draw_sample(100, 5, 0) == draw_sample(100, 5, 0) != draw_sample(100, 5, 1)


@given(st.integers(1, 200), st.integers(1, 250), st.integers())
def test_samples_have_no_number_twice(size: int, count: int, seed: int) -> None:
    found = list(draw_sample(size, count, seed))
    assert found == sorted(set(found)) and len(found) == min(size, count)
    assert not found or (found[0] >= 0 and found[-1] < size)


def test_samples_are_even() -> None:
    """Each of 10 numbers is in about half of the samples of 5: 2,000 samples, 1,000 ± 6 standard deviations (22)."""
    counts = [0] * 10
    for seed in range(2000):
        for number in draw_sample(10, 5, seed):
            counts[number] += 1
    assert all(abs(count - 1000) < 6 * 22.4 for count in counts)
