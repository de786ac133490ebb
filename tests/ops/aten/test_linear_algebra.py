"""Factorisations and solvers: operations counted by running the textbook's loops, and LAPACK's published numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from support.operator_rules import t, work

from costcalc.core import registry
from costcalc.core.dim import Dim, substitute, symbol
from costcalc.core.ir import DType, TensorType
from costcalc.ops.aten import linear_algebra

SIZES = ((1, 1), (4, 4), (7, 3), (3, 7), (6, 5))


def count(op_type: str, *inputs: TensorType, out: TensorType | None = None, **attributes: Any) -> dict[str, Any]:
    """{kind: operations} of a node."""
    rule = registry.COST_RULES["aten", op_type]
    cost = registry.infer_cost(rule, inputs, attributes, {"out": out or inputs[0], "outs": (out or inputs[0],)})
    assert cost is not None and cost.macs.value == 0
    return {kind: operations for (kind, _), operations in work(cost).items() if str(operations) != "0"}


def expected(multiplications: Any, additions: Any) -> dict[str, Dim]:
    return {kind: int(n) for kind, n in (("multiply", multiplications), ("add", additions)) if n}


@pytest.mark.parametrize("n", [1, 2, 5])
def test_cholesky_runs_these_operations(n: int) -> None:
    """l_ij = (a_ij − Σ_k l_ik · l_jk) / l_jj, a root on the diagonal; roots and divisions count as multiplications."""
    multiplications = additions = 0
    for j in range(n):
        for _ in range(j, n):
            multiplications += j + 1
            additions += j
    assert count("cholesky", t(n, n)) == expected(multiplications, additions)
    assert count("cholesky", t(2, 3, n, n)) == expected(6 * multiplications, 6 * additions)


@pytest.mark.parametrize(("m", "n"), SIZES)
def test_lu_runs_these_operations(m: int, n: int) -> None:
    """A step inverts the pivot, scales the column below it and updates what is left. LAPACK's number of a wide matrix is
    that of its transpose."""
    m, n = max(m, n), min(m, n)
    multiplications = additions = 0
    for k in range(n):
        multiplications += 1 + (m - k - 1) + (m - k - 1) * (n - k - 1)
        additions += (m - k - 1) * (n - k - 1)
    assert count("lu_factor", t(m, n)) == expected(multiplications, additions)
    assert count("lu_factor", t(n, m)) == expected(multiplications, additions)


@pytest.mark.parametrize("n", [1, 5])
def test_triangles_run_these_operations(n: int) -> None:
    """x_i = (b_i − Σ_j l_ij · x_j) / l_ii for each right side; of L · U the first triangle has ones on its diagonal."""
    rows = [(i + 1, i) for i in range(n)]
    multiplications, additions = (3 * sum(counts) for counts in zip(*rows, strict=True))
    right = t(n, 3)
    assert count("solve_triangular", t(n, n), right) == expected(multiplications, additions)
    assert count("solve_triangular", t(n, n), t(3, n), left=0) == expected(multiplications, additions)
    assert count("cholesky_solve", right, t(n, n)) == expected(2 * multiplications, 2 * additions)
    both = 2 * multiplications - 3 * n
    assert count("lu_solve", t(n, n), t(n), right) == expected(both, 2 * additions)
    factor = count("lu_factor", t(n, n))
    solve = expected(both + factor["multiply"], 2 * additions + factor.get("add", 0))
    assert count("solve", t(n, n), right) == solve
    single = count("solve", t(n, n), t(n))
    assert single["multiply"] == factor["multiply"] + both // 3


def published(m: int, n: int) -> dict[str, tuple[Fraction, Fraction]]:
    """Operator -> multiplications and additions, as appendix C of LAPACK Working Note 41 lists them."""
    third, sixth, k = Fraction(1, 3), Fraction(1, 6), min(m, n)
    half = Fraction(1, 2)
    if m >= n:
        multiplications = m * n**2 - third * n**3 + m * n + half * n**2 + Fraction(23, 6) * n
        additions = m * n**2 - third * n**3 + half * n**2 + Fraction(5, 6) * n
    else:
        multiplications = n * m**2 - third * m**3 + 2 * n * m - half * m**2 + Fraction(23, 6) * m
        additions = n * m**2 - third * m**3 + n * m - half * m**2 + Fraction(5, 6) * m

    def with_q(c: int) -> tuple[Fraction, Fraction]:
        common = 2 * m * c * k - (m + c) * k**2 + 2 * third * k**3
        return (
            multiplications + common + 2 * c * k - k**2 - 5 * third * k,
            additions + common + c * k - m * k + third * k,
        )

    return {
        "r": (multiplications, additions),
        "reduced": with_q(k),
        "complete": with_q(m),
        "ormqr": (
            Fraction(2 * m * n * k - n * k**2 + 2 * n * k),
            Fraction(2 * m * n * k - n * k**2 + n * k),
        ),
        "inverse": (
            2 * third * n**3 + Fraction(n**2, 2) + Fraction(5, 6) * n,
            2 * third * n**3 - Fraction(3, 2) * n**2 + Fraction(5, 6) * n,
        ),
        "cholesky_inverse": (
            third * n**3 + n**2 + 2 * third * n,
            third * n**3 - Fraction(n**2, 2) + sixth * n,
        ),
    }


@pytest.mark.parametrize(("m", "n"), SIZES)
def test_lapacks_numbers(m: int, n: int) -> None:
    numbers = published(m, n)
    for mode in ("r", "reduced", "complete"):
        assert count("qr", t(m, n), mode=mode) == expected(*numbers[mode])
    k = min(m, n)
    assert count("ormqr", t(m, k), t(k), t(m, n)) == expected(*numbers["ormqr"])
    assert count("cholesky_inverse", t(n, n)) == expected(*numbers["cholesky_inverse"])
    lu, inverse = count("lu_factor", t(n, n)), numbers["inverse"]
    total = expected(inverse[0] + lu["multiply"], inverse[1] + lu.get("add", 0))
    assert count("inverse", t(n, n)) == total


def test_complex_numbers_take_more() -> None:
    """A multiplication of complex numbers takes 4 and 2 additions, an addition takes 2."""
    real = count("cholesky", t(4, 4))
    complex_ = count("cholesky", t(4, 4, dtype=DType.COMPLEX64))
    assert complex_ == {"multiply": 4 * real["multiply"], "add": 2 * real["multiply"] + 2 * real["add"]}


def test_methods_that_iterate_take_golub_and_van_loans_numbers() -> None:
    def flops(op_type: str, **attributes: Any) -> Dim:
        return int(sum(count(op_type, t(8, 6) if op_type == "singular_values" else t(6, 6), **attributes).values()))

    assert flops("symmetric_eigenvalues", vectors=0) == 4 * 6**3 // 3
    assert flops("symmetric_eigenvalues") == 9 * 6**3
    assert flops("eigenvalues", vectors=0) == 10 * 6**3
    assert flops("eigenvalues") == 25 * 6**3
    assert flops("singular_values", vectors="none") == 4 * 8 * 6**2 - 4 * 6**3 // 3
    assert flops("singular_values") == 14 * 8 * 6**2 + 8 * 6**3
    assert flops("singular_values", vectors="all") == 4 * 8**2 * 6 + 8 * 8 * 6**2 + 9 * 6**3


def test_sizes_may_be_open() -> None:
    n = symbol("n")
    for op_type in ("cholesky", "inverse", "lu_factor", "determinant", "symmetric_eigenvalues", "singular_values"):
        open_, bound = count(op_type, TensorType(DType.FLOAT32, (2, n, n))), count(op_type, t(2, 7, 7))
        assert {kind: substitute(operations, {"n": 7}) for kind, operations in open_.items()} == bound


def test_each_has_a_rule() -> None:
    assert [name for name in linear_algebra.NAMES if ("aten", name) not in registry.COST_RULES] == []
