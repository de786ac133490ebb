"""ATen's functions, complex numbers and selections: operations for each element."""

from __future__ import annotations

import pytest
from support.operator_rules import F32, I64, t, work

from costcalc.core import registry
from costcalc.core.formula import Cost
from costcalc.core.ir import DType, TensorType
from costcalc.ops.aten import elementwise

C64 = DType.COMPLEX64
X = t(2, 3, 4)
Z = t(2, 3, 4, dtype=C64)


def cost(operator: str, *inputs: TensorType, out: TensorType) -> Cost | None:
    rule = registry.COST_RULES["aten", operator]
    return registry.infer_cost(rule, inputs, {}, {"out": out, "outs": (out,)})


def operations(operator: str, *inputs: TensorType, out: TensorType) -> dict[str, object]:
    """{kind: operations}."""
    found = cost(operator, *inputs, out=out)
    assert found is not None
    return {kind: count for (kind, _), count in work(found).items()}


@pytest.mark.parametrize("operator", elementwise.FUNCTIONS)
def test_functions(operator: str) -> None:
    assert operations(operator, X, out=X) == {"transcendental": 24}


@pytest.mark.parametrize("operator", elementwise.CHOICES)
def test_choices(operator: str) -> None:
    assert operations(operator, X, out=X) == {"compare": 24}


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("complex_add", {"add": 2 * 24}),
        ("complex_mul", {"multiply": 4 * 24, "add": 2 * 24}),
        ("complex_div", {"multiply": 6 * 24, "add": 3 * 24, "divide": 2 * 24}),
        ("complex_abs", {"multiply": 2 * 24, "add": 24, "transcendental": 24}),
        ("complex_exp", {"exp": 24, "transcendental": 2 * 24, "multiply": 2 * 24}),
        ("conjugate", {"add": 24}),
        ("polar", {"transcendental": 2 * 24, "multiply": 2 * 24}),
    ],
)
def test_complex_numbers_are_pairs_of_real_ones(operator: str, expected: dict[str, int]) -> None:
    assert operations(operator, Z, Z, out=Z) == expected


def test_complex_sums() -> None:
    assert operations("complex_sum", Z, out=t(2, 4, dtype=C64)) == {"add": 2 * (24 - 8)}


@pytest.mark.parametrize("operator", elementwise.SELECTIONS)
def test_selections_compare_each_element(operator: str) -> None:
    assert operations(operator, X, out=t(2, 3)) == {"compare": 24}


def test_searches() -> None:
    """A sequence of 7 needs 3 comparisons, one of 8 needs 4."""
    assert operations("searchsorted", t(7), X, out=X) == {"compare": 24 * 3}
    assert operations("searchsorted", t(8), X, out=X) == {"compare": 24 * 4}
    assert operations("isin", X, t(5), out=X) == {"compare": 24 * 5}


def test_counts() -> None:
    assert operations("bincount", t(9, dtype=I64), out=t(4, dtype=I64)) == {"add": 9}
    assert operations("histc", X, out=t(10)) == {"add": 48, "divide": 24, "compare": 24}
    assert operations("logcumsumexp", X, out=X) == {"exp": 24, "add": 24, "transcendental": 24}
    assert operations("quantile", X, out=t(2, 3)) == {"compare": 24, "add": 2 * 6, "multiply": 6}


def test_random_operators_of_training() -> None:
    assert operations("dropout", X, out=X) == {"compare": 24, "multiply": 48}
    assert operations("rrelu", X, out=X) == {"compare": 24, "multiply": 24}
    assert registry.rule_state("aten", "random") == "free"


def test_parts_of_complex_numbers_are_views() -> None:
    assert all(registry.rule_state("aten", name) == "free" for name in ("view_as_real", "real", "complex", "arange"))
    assert F32.bits * 2 == C64.bits
