"""Conditions, orders, fronts and optima over rows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.rules import UsageError
from costcalc.studies.sweep import select as dominance
from costcalc.studies.sweep.query import compile_condition, compile_expression, parse_expression
from costcalc.studies.sweep.select import best_rows, pareto_rows, parse_goals, sort_rows

COLUMNS = ("alpha", "act", "macs", "params", "peak", "k", "peak_bytes")
ROW = (Fraction(1, 2), "relu", 299_999_999, 1000, None, [3, 5], 1000)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("macs < 300M", True),
        ("macs < 299.999999M", False),
        ("macs<300 M and params <= 1k", True),
        ("macs < 300M && params < 1k", False),
        ("peak_bytes < 1KiB and params >= 1e3 and params == 1_000", True),
        ("1M < macs < 2M", False),
        ("1M < macs <= 299_999_999", True),
        ("alpha in [0.25, 0.5]", True),
        ("alpha not in (0.5, 1)", False),
        ("act == 'relu' or macs < 1", True),
        ('act != "relu"', False),
        ("not macs > 1G", True),
        ("macs / params > 299999", True),
        ("macs / params == 299999.999", True),
        ("max(macs, params) == macs and abs(-alpha) == .5", True),
        ("macs // 1M == 299 and macs % 10 == 9 and 2 ** 3 == 8", True),
        ("k == [3, 5]", True),
        ("alpha * 2 == 1", True),
        ("true", True),
        ("peak < 1", False),
        ("not peak < 1", False),
        ("peak < 1 or macs > 1", True),
        ("peak < 1 and macs > 1", False),
        ("max(peak, 1) > 0", False),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert compile_condition(text, COLUMNS)(ROW) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("macz < 3", "there is no column 'macz'; did you mean 'macs'"),
        ("act == relu", "a word stands in quotes"),
        ("macs = 3", "has a single `=`; write =="),
        ("macs <", "is not understood"),
        ("macs < 1e999999999", "has a huge exponent"),
        ("macs < 300MM", "is not understood"),
        ("macs", "gives 299999999, which is neither true nor false"),
        ("macs // 0 > 1", "divides by zero; where alpha is 0.5"),
        ("act < 3", "does not fit the values"),
        ("act + 1 > 3", "does not fit the values"),
        ("(macs > 1) + 1 > 1", "does not fit the values"),
        ("macs.real > 1", "outside the language"),
        ("[x for x in k]", "outside the language"),
        ("(lambda: 1)() > 0", "outside the language"),
        ("open('f') > 0", "there is no function 'open'"),
        ("__import__('os') > 0", "there is no function '__import__'"),
        ("macs ** 5000 > 1", "does not fit the values"),
        ("9 ** 9 ** 9 > 1", "does not fit the values"),
        ("macs is 3", "outside the language"),
        ("f'{macs}' == 'a'", "outside the language"),
        ("(" * 90 + "1" + ")" * 90 + " > 0 " + "and 1 > 0 " * 200, "too long|not understood"),
        ("not " * 70 + "true", "nested too deeply"),
    ],
)
def test_what_is_no_condition(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compile_condition(text, COLUMNS)(ROW)


def test_quantities_in_words_stay() -> None:
    assert compile_condition("act == '3M'", COLUMNS)((0, "3M"))


def test_expressions_are_exact() -> None:
    assert compile_expression("macs / 7", COLUMNS)((0, "", 10**30 + 1)) == Fraction(10**30 + 1, 7)


def test_orders() -> None:
    rows: list[Any] = [(2, "b", 5), (1, "c", 5), (3, "a", None), (1, "b", 7)]
    names = ("x", "w", "m")
    assert sort_rows(rows, parse_goals("m:desc,x", names)) == [rows[3], rows[1], rows[0], rows[2]]
    assert sort_rows(rows, parse_goals(["-x", "w"], names)) == [rows[2], rows[0], rows[3], rows[1]]
    assert sort_rows(rows, parse_goals("w", names)) == [rows[2], rows[0], rows[3], rows[1]]
    assert sort_rows(rows, parse_goals("max(x, 2), m:max", names)) == [rows[3], rows[0], rows[1], rows[2]]
    with pytest.raises(UsageError, match="order words upwards"):
        sort_rows(rows, parse_goals("w:desc", names))


TRIPLES = st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=25)


@given(TRIPLES, st.sampled_from(["a", "a,b", "a:max,b", "a,b:max,c", "c:max,b:max,a:max", "a+b,c"]))
def test_the_front_is_what_no_other_beats(rows: list[tuple[int, int, int]], text: str) -> None:
    """Against every pair, by the definition."""
    by = parse_goals(text, ("a", "b", "c"))

    def beats(x: Any, y: Any) -> bool:
        one, two = [g.sort_value(x) for g in by], [g.sort_value(y) for g in by]
        return all(i <= j for i, j in zip(one, two, strict=True)) and one != two

    assert pareto_rows(rows, by) == [row for row in rows if not any(beats(other, row) for other in rows)]


@given(st.lists(st.tuples(*[st.integers(-3, 3) | st.just(2**70)] * 4), max_size=25))
def test_ranks_tell_what_comparisons_tell(points: list[tuple[int, ...]]) -> None:
    """Beyond numpy's integers, too."""
    given_once = sorted(set(points))

    def beaten(point: tuple[int, ...]) -> bool:
        others = [other for other in given_once if other != point]
        return any(all(x <= y for x, y in zip(other, point, strict=True)) for other in others)

    assert dominance.non_dominated_points(given_once) == [point for point in given_once if not beaten(point)]


@given(TRIPLES, st.integers(0, 18))
def test_the_best_is_the_greatest_that_fits(rows: list[tuple[int, int, int]], most: int) -> None:
    fits = compile_condition(f"a + b + c <= {most}", ("a", "b", "c"))
    left = [row for row in rows if sum(row) <= most]
    (goal,) = parse_goals("a:max", ("a", "b", "c"))
    assert best_rows(rows, goal, fits) == [row for row in left if row[0] == max(r[0] for r in left)]


def test_goals_are_numbers() -> None:
    with pytest.raises(UsageError, match="act is 'relu', no number"):
        pareto_rows([ROW], parse_goals("act,macs", COLUMNS))
    assert pareto_rows([ROW], parse_goals("peak,macs", COLUMNS)) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("arena_bytes < 5ms", "arena_bytes with an amount in seconds; write it as arena_bytes < 256 KiB"),
        ("macs < 5MiB", "macs with an amount in bytes; write it as macs < 600M"),
        ("1 < macs and 5mJ > time.t4", "time.t4 with an amount in joules; write it as time.t4 < 2.1 ms"),
    ],
)
def test_a_quantity_is_compared_with_amounts_of_its_unit(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_condition(text, ("macs", "arena_bytes", "time.t4"))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("time.t4 < 5ms and arena_bytes < 256KiB", ["time.t4", "arena_bytes"]),
        ("time.pixel-1-big-core - time.t4 > 0", ["time.pixel-1-big-core", "time.t4"]),
        ("time.'pixel-1-big-core'<1s", ["time.pixel-1-big-core"]),
        ("'time.t4' < 2 us", ["time.t4"]),
        ("energy.\"my device.yaml\" < 1mJ or act == 'relu'", ["energy.my device.yaml", "act"]),
        ("fits.stm32h743 and macs/params > 2", ["fits.stm32h743", "macs", "params"]),
        ("time.t4/time.a100 < 2", ["time.t4", "time.a100"]),
        ("tokens_per_second.t4*2 >= 100", ["tokens_per_second.t4"]),
    ],
)
def test_names_of_devices_in_conditions(text: str, names: list[str]) -> None:
    assert sorted(parse_expression(text).names()) == sorted(names)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5ms", Fraction(5, 1000)),
        ("2 us", Fraction(2, 10**6)),
        ("2µs", Fraction(2, 10**6)),
        ("1.5 s", Fraction(3, 2)),
        ("7ns", Fraction(7, 10**9)),
        ("1mJ", Fraction(1, 1000)),
        ("3 uJ", Fraction(3, 10**6)),
        ("2 J", 2),
        ("5m", 5_000_000),
        ("2 p", 2 * 10**15),
        ("4 pJ", Fraction(4, 10**12)),
    ],
)
def test_units_of_time_and_energy(text: str, value: Any) -> None:
    assert compile_expression(text, ())(()) == value


def test_a_bound_is_compared_by_its_value() -> None:
    holds = compile_condition("time.t4 <= 5ms", ("time.t4",))
    assert [holds((Fraction(n, 1000),)) for n in (4, 5, 6)] == [True, True, False] and not holds((None,))
