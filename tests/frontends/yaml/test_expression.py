"""The arithmetic of YAML models."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.core.budget import limited_work
from costcalc.core.dim import symbol
from costcalc.core.errors import ExpressionError, LimitError, SpecError
from costcalc.frontends.yaml.expression import evaluate

NAMES = {"alpha": Fraction(3, 4), "filters": 64, "seq": symbol("seq"), "word": "same", "sizes": [1, 7]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("2 + 3 * 4", 14),
        ("-2 ** 2", -4),
        ("2 ** 10", 1024),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("8 / 2", 4),
        ("1e3", 1000),
        ("0.1 * 30", 3),
        ("filters * alpha", 48),
        ("round(32 * alpha)", 24),
        ("floor(33 * alpha)", 24),
        ("ceil(33 * alpha)", 25),
        ("min(3, 2, 5)", 2),
        ("max(filters, 100)", 100),
        ("make_divisible(24 * alpha)", 24),
        ("make_divisible(10)", 16),
        ("make_divisible(9, 4)", 12),
        ("make_divisible(32 * 0.35, 8)", 16),
        ("seq * 2 + seq", 3 * symbol("seq")),
        ("12 * seq / 4", 3 * symbol("seq")),
        ("sizes", [1, 7]),
        ("word", "same"),
        ("sizes[1] + sizes[-1]", 14),
        ("word[0]", "s"),
        ("'a' if filters > 8 else 'b'", "a"),
        ("filters == 64 and not word == 'valid'", True),
        ("1 < filters <= 64", True),
        ("7 in sizes", True),
        ("'full' not in ['full']", False),
        ("null == null", True),
        ("['full' if i % 2 else 'local' for i in range(4)]", ["local", "full"] * 2),
        ("[i for i in range(6) if i % 3 == 0]", [0, 3]),
        ("[] * 10 ** 30", []),
        ("sizes * -10 ** 30", []),
        ("range(10 ** 30, 0)", []),
        ("['x'] * 2 + sizes", ["x", "x", 1, 7]),
        ("len(sizes) + count('MM-', 'M')", 4),
        ("each(7, 3) + each([1, 2], 2)", [7, 7, 7, 1, 2]),
        ("false or sizes", True),
    ],
)
def test_values(text: str, value: object) -> None:
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("filter", "did you mean 'filters'"),
        ("1 / 0", "divides by zero"),
        ("make_divisible(1, 2, 3, 4)", "write it as make_divisible(value, divisor, least"),
        ("len()", "write it as len(value"),
        ("max()", "write it as max(first, operands, …"),
        ("2 ** 9999", "exponent"),
        ("9 ** 9 ** 9", "exponent"),
        ("10 ** 200", "larger than 2"),
        ("__import__('os')", "no function"),
        ("filters.real", "outside the language"),
        ("[x for x in y]", "the name 'y' is not known"),
        ("[[x for x in sizes] for y in sizes]", "a for within a for"),
        ("[x for x in filters]", "which is no list"),
        ("sizes[2]", "the element 2 of 2"),
        ("sizes[alpha]", "the element"),
        ("[0] * 20000", "a list of 20,000 elements"),
        ("range(10 ** 9)", "a list of 1,000,000,000 elements"),
        ("range(10 ** 30)", "a list of 1,000,000,000,000,000,000,000,000,000,000 elements"),
        ("range(0, 0 - 10 ** 30, -1)", "a list of 1,000,000,000,000,000,000,000,000,000,000 elements"),
        ("[range(100) for x in range(1000)]", "a list of 10,100 elements"),
        ("[sizes * 4000, sizes * 4000]", "a list of 16,002 elements"),
        ("[[[0] * 999] * 9] * 9", "a list of 81,009 elements"),
        ("range(999) + 1", "calculates with [0, 1, 2, 3"),
        ("seq > 4", "asks for seq, which is open"),
        ("filters is 4", "a comparison that is not known"),
        ("'a' < 4", "calculates with 'a'"),
        ("4 in filters", "takes a list"),
        ("sizes.count(1)", "no function 'sizes.count'"),
        ("each([1, 2], 3)", "has 2 values for 3 layers"),
        ("each(1, 2.5)", "each takes"),
        ("~filters", "use not"),
        ("filters << 4", "an operator that is not known"),
        ("lambda: 1", "outside the language"),
        ("'a' * 5", "calculates with 'a'"),
        ("word * 2", "calculates with 'same'"),
        ("True + 1", "no number"),
        ("sqrt(4)", "no function 'sqrt'"),
        ("round()", "other arguments"),
        ("1 +", "not an expression"),
        ("seq / 7", "not a whole number for every size"),
        ("seq * alpha", "do not mix"),
        ("(" * 600 + ")" * 600, "too long"),
        ("1e999", "finite"),
    ],
)
def test_refusals(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says.replace("(", r"\(").replace("[", r"\[")):
        evaluate(text, NAMES)


@pytest.mark.parametrize("text", ["x in range(9999)", "count(range(9999), x)", "range(9999) == range(9999)"])
def test_work_on_lists_is_counted(text: str) -> None:
    with pytest.raises(LimitError, match="more than 2,000,000 steps"), limited_work("reading the model"):
        evaluate(f"[{text} for x in range(9999)]", NAMES)


def test_lists_of_lists_do_not_double_without_an_end(tmp_path: Path) -> None:
    lines = ["  a0: [1, 1]", *[f"  a{i}: [a{i - 1}, a{i - 1}]" for i in range(1, 60)], "  last: a59 + 1"]
    path = tmp_path / "lists.yaml"
    path.write_text("\n".join(["name: lists", "params:", *lines, "input: [1, 3]", "layers:", "  - relu", ""]))
    with pytest.raises(SpecError, match="the list has more than 10,000 elements"):
        costcalc.load(path)


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_refusal(text: str) -> None:
    try:
        evaluate(text, NAMES)
    except ExpressionError:
        return


@given(st.integers(1, 4000), st.sampled_from([4, 8, 16]))
def test_make_divisible_is_the_papers(value: int, divisor: int) -> None:
    result = evaluate(f"make_divisible({value}, {divisor})", {})
    assert result % divisor == 0
    assert result >= 0.9 * value
    assert abs(result - value) <= divisor
