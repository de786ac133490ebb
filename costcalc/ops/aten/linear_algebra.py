"""ATen's factorisations and solvers of linear systems (domain `aten`): their cost rules and traits.

They are no contractions: their operations count as FLOPs, multiplications and additions apart. Direct methods take the
numbers of LAPACK Working Note 41 (Blackford and Dongarra, Installation Guide for LAPACK, appendix C: Operation Counts),
which counts a division as a multiplication; of complex numbers a multiplication is 4 multiplications and 2 additions,
an addition 2. Methods that iterate take the estimates of Golub and Van Loan, Matrix Computations, 4th edition: how many
steps they need depends on the numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, declare_unknown, describe, free
from costcalc.core.traits import traits
from costcalc.ops.aten import ATEN

COMPLEX = frozenset((DType.COMPLEX64, DType.COMPLEX128))


class Operations(NamedTuple):
    """Multiplications and additions of one matrix, each six times as many, so that they are whole numbers."""

    multiplications: Dim
    additions: Dim

    def __add__(self, other: Operations) -> Operations:  # type: ignore[override]
        return Operations(self.multiplications + other.multiplications, self.additions + other.additions)


def factor_cholesky(n: Dim) -> Operations:
    """POTRF: A [n, n] -> L with A = L · Lᵀ."""
    return Operations(n * (n + 1) * (n + 2), n * n * n - n)


def solve_cholesky(n: Dim, columns: Dim) -> Operations:
    """POTRS: L [n, n] and right sides -> the solutions."""
    return Operations(6 * columns * n * (n + 1), 6 * columns * n * (n - 1))


def invert_cholesky(n: Dim) -> Operations:
    """POTRI: L [n, n] -> the inverse of A."""
    return Operations(2 * n * n * n + 6 * n * n + 4 * n, 2 * n * n * n - 3 * n * n + n)


def factor_lu(m: Dim, n: Dim) -> Operations:
    """GETRF: A [m, n] -> P · L · U; the same of its transpose."""
    short = minimum(m, n)
    long = m + n - short
    cubes = 3 * long * short * short - short * short * short
    return Operations(cubes - 3 * short * short + 3 * long * short + 4 * short, cubes - 3 * long * short + short)


def solve_lu(n: Dim, columns: Dim) -> Operations:
    """GETRS: L · U [n, n] and right sides -> the solutions."""
    return Operations(6 * columns * n * n, 6 * columns * n * (n - 1))


def invert_lu(n: Dim) -> Operations:
    """GETRI: L · U [n, n] -> the inverse of A."""
    return Operations(4 * n * n * n + 3 * n * n + 5 * n, 4 * n * n * n - 9 * n * n + 5 * n)


def solve_triangle(n: Dim, columns: Dim) -> Operations:
    """TRTRS: a triangle [n, n] and right sides -> the solutions."""
    return Operations(3 * columns * n * (n + 1), 3 * columns * n * (n - 1))


def factor_qr(m: Dim, n: Dim) -> Operations:
    """GEQRF: A [m, n] -> R, and the reflectors of Q."""
    if m == n or m > n:
        square = n * (3 - 2 * n + 6 * m)
        return Operations(n * (square + 6 * m + 23), n * (square + 5))
    square = m * (6 * n - 2 * m - 3)
    return Operations(m * (square + 12 * n + 23), m * (square + 6 * n + 5))


def build_q(m: Dim, n: Dim, k: Dim) -> Operations:
    """ORGQR: k reflectors -> the first n columns of Q [m, m]."""
    square = 4 * k - 6 * (m + n)
    return Operations(
        k * (12 * m * n + 12 * n - 10 + k * (square - 6)), k * (12 * m * n + 6 * n - 6 * m + 2 + k * square)
    )


def apply_q(m: Dim, n: Dim, k: Dim, left: bool) -> Operations:
    """ORMQR: k reflectors and C [m, n] -> Q · C, or C · Q."""
    if left:
        cubes = 12 * m * n * k - 6 * n * k * k
        return Operations(cubes + 12 * n * k, cubes + 6 * n * k)
    cubes = 12 * m * n * k - 6 * m * k * k
    return Operations(cubes + 6 * m * k + 6 * n * k - 3 * k * k + 3 * k, cubes + 6 * m * k)


def halve(flops: Dim) -> Operations:
    """FLOPs of an estimate, three times as many -> half of them multiplications, half additions."""
    return Operations(flops, flops)


def decompose_symmetric(n: Dim, vectors: bool) -> Operations:
    """Eigenvalues by the symmetric QR algorithm: 4/3 · n³ FLOPs, 9 · n³ with vectors (Golub and Van Loan, 8.3.3)."""
    return halve((27 if vectors else 4) * n * n * n)


def decompose_general(n: Dim, vectors: bool) -> Operations:
    """Eigenvalues by the QR algorithm: 10 · n³ FLOPs, 25 · n³ with the vectors (Golub and Van Loan, 7.5.6)."""
    return halve((75 if vectors else 30) * n * n * n)


def decompose_singular(m: Dim, n: Dim, vectors: str) -> Operations:
    """Singular values of A [m, n], m ≥ n, by Golub and Reinsch's algorithm: 4·m·n² − 4/3·n³ FLOPs; with the first n
    vectors of both sides 14·m·n² + 8·n³, with all 4·m²·n + 8·m·n² + 9·n³ (Golub and Van Loan, figure 8.6.1)."""
    n, m = minimum(m, n), m + n - minimum(m, n)
    if vectors == "none":
        return halve(12 * m * n * n - 4 * n * n * n)
    if vectors == "thin":
        return halve(42 * m * n * n + 24 * n * n * n)
    return halve(12 * m * m * n + 24 * m * n * n + 27 * n * n * n)


def count_work(x: TensorType, operations: Operations) -> tuple[Work, ...]:
    """A stack of matrices [..., m, n] and the operations of one -> those of all, on real numbers."""
    assert x.shape is not None
    multiplications, additions = [prod(x.shape[:-2]) * (count // 6) for count in operations]
    if x.dtype in COMPLEX:
        multiplications, additions = 4 * multiplications, 2 * multiplications + 2 * additions
    work = elementwise_work("multiply", "elementwise", multiplications, 1, "#multiplications")
    return work + elementwise_work("add", "elementwise", additions, 1, "#additions")


def sizes(x: TensorType) -> tuple[Dim, Dim]:
    """The rows and columns of each matrix of a stack."""
    assert x.shape is not None
    return x.shape[-2], x.shape[-1]


def count_columns(matrix: TensorType, right: TensorType, left: bool = True) -> Dim:
    """The right sides of a system: the columns of each matrix, or its rows where the unknown stands on the left of the
    system's matrix; 1 where they are vectors."""
    assert right.shape is not None and matrix.shape is not None
    is_vector = right.rank == 1 or (right.rank == matrix.rank - 1 and right.shape == matrix.shape[:-1])
    return 1 if is_vector else right.shape[-1] if left else right.shape[-2]


NAMES = (
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "cross",
    "determinant",
    "eigenvalues",
    "inverse",
    "lu_factor",
    "lu_solve",
    "matrix_rank",
    "ormqr",
    "householder_product",
    "pinv",
    "qr",
    "singular_norm",
    "singular_values",
    "solve",
    "solve_triangular",
    "symmetric_eigenvalues",
    "vander",
)

traits(*NAMES, domain=ATEN, positions="mixed")

free("lu_unpack", domain=ATEN)

describe("Factors or solves a linear system.", *NAMES, domain=ATEN)

declare_unknown("the degree of its polynomial depends on the norm of the matrix", "matrix_exp", domain=ATEN)


@cost_rule("cholesky", domain=ATEN)
def cholesky_cost(a: TensorType) -> Cost:
    """POTRF: n³/6 + n²/2 + n/3 multiplications, n³/6 − n/6 additions per matrix [n, n]."""
    return Cost(work=count_work(a, factor_cholesky(sizes(a)[1])))


@cost_rule("cholesky_solve", domain=ATEN)
def cholesky_solve_cost(b: TensorType, factor: TensorType) -> Cost:
    """POTRS: n · (n + 1) multiplications, n · (n − 1) additions per right side."""
    return Cost(work=count_work(b, solve_cholesky(sizes(factor)[1], sizes(b)[1])))


@cost_rule("cholesky_inverse", domain=ATEN)
def cholesky_inverse_cost(factor: TensorType) -> Cost:
    """POTRI: n³/3 + n² + 2n/3 multiplications, n³/3 − n²/2 + n/6 additions per matrix."""
    return Cost(work=count_work(factor, invert_cholesky(sizes(factor)[1])))


@cost_rule("lu_factor", domain=ATEN)
def lu_factor_cost(a: TensorType) -> Cost:
    """GETRF of [m, n], m ≥ n: m·n²/2 − n³/6 − n²/2 + m·n/2 + 2n/3 multiplications, m·n²/2 − n³/6 − m·n/2 + n/6
    additions per matrix; m and n change places where m < n."""
    return Cost(work=count_work(a, factor_lu(*sizes(a))))


@cost_rule("lu_solve", domain=ATEN)
def lu_solve_cost(factor: TensorType, pivots: TensorType, b: TensorType, *, left: int = 1) -> Cost:
    """GETRS: n² multiplications, n · (n − 1) additions per right side."""
    return Cost(work=count_work(b, solve_lu(sizes(factor)[1], count_columns(factor, b, bool(left)))))


@cost_rule("solve", domain=ATEN)
def solve_cost(a: TensorType, b: TensorType, *, left: int = 1) -> Cost:
    """GETRF and GETRS (GESV): 2/3 · n³ FLOPs per matrix and 2 · n² per right side, but for lower terms."""
    n = sizes(a)[1]
    right = count_columns(a, b, bool(left))
    stack = b if right != 1 and b.rank > a.rank else a
    return Cost(work=count_work(stack, factor_lu(n, n) + solve_lu(n, right)))


@cost_rule("solve_triangular", domain=ATEN)
def solve_triangular_cost(a: TensorType, b: TensorType, *, left: int = 1) -> Cost:
    """TRTRS: n · (n + 1)/2 multiplications, n · (n − 1)/2 additions per right side."""
    return Cost(work=count_work(b, solve_triangle(sizes(a)[1], count_columns(a, b, bool(left)))))


@cost_rule("inverse", domain=ATEN)
def inverse_cost(a: TensorType) -> Cost:
    """GETRF and GETRI: 2 · n³ FLOPs per matrix, but for lower terms."""
    n = sizes(a)[1]
    return Cost(work=count_work(a, factor_lu(n, n) + invert_lu(n)))


@cost_rule("determinant", domain=ATEN)
def determinant_cost(a: TensorType, *, logarithm: int = 0) -> Cost:
    """GETRF, and the product of the diagonal: n multiplications; of its logarithm n logarithms and n additions."""
    n = sizes(a)[1]
    work = count_work(a, factor_lu(n, n))
    diagonal = a.elements // n
    if not logarithm:
        return Cost(work=work + elementwise_work("multiply", "reduction", diagonal, 1, "#diagonal"))
    work += elementwise_work("transcendental", "reduction", diagonal, 1, "#diagonal")
    return Cost(work=work + elementwise_work("add", "reduction", diagonal, 1, "#diagonal"))


@cost_rule("qr", domain=ATEN)
def qr_cost(a: TensorType, *, mode: str = "reduced") -> Cost:
    """GEQRF, and ORGQR for Q [m, min(m, n)], for Q [m, m] of the mode complete, for none of the mode r."""
    m, n = sizes(a)
    k = minimum(m, n)
    operations = factor_qr(m, n)
    if mode != "r":
        operations += build_q(m, m if mode == "complete" else k, k)
    return Cost(work=count_work(a, operations))


@cost_rule("householder_product", domain=ATEN)
def householder_product_cost(a: TensorType, tau: TensorType) -> Cost:
    """ORGQR of k reflectors: 4·m·n·k − 2·(m + n)·k² + 4/3·k³ FLOPs, but for lower terms."""
    assert tau.shape is not None
    return Cost(work=count_work(a, build_q(*sizes(a), tau.shape[-1])))


@cost_rule("ormqr", domain=ATEN)
def ormqr_cost(a: TensorType, tau: TensorType, c: TensorType, *, left: int = 1) -> Cost:
    """ORMQR of k reflectors on C [m, n]: 4·m·n·k − 2·n·k² FLOPs from the left, but for lower terms."""
    assert tau.shape is not None
    return Cost(work=count_work(c, apply_q(*sizes(c), tau.shape[-1], bool(left))))


@cost_rule("symmetric_eigenvalues", domain=ATEN)
def symmetric_eigenvalues_cost(a: TensorType, *, vectors: int = 1) -> Cost:
    """About 4/3 · n³ FLOPs per matrix, with the vectors 9 · n³: how many steps it takes depends on the numbers."""
    return Cost(work=count_work(a, decompose_symmetric(sizes(a)[1], bool(vectors))))


@cost_rule("eigenvalues", domain=ATEN)
def eigenvalues_cost(a: TensorType, *, vectors: int = 1) -> Cost:
    """About 10 · n³ FLOPs per matrix, with the vectors 25 · n³: how many steps it takes depends on the numbers."""
    return Cost(work=count_work(a, decompose_general(sizes(a)[1], bool(vectors))))


@cost_rule("singular_values", domain=ATEN)
def singular_values_cost(a: TensorType, *, vectors: str = "thin") -> Cost:
    """About 4·m·n² − 4/3·n³ FLOPs per matrix [m, n], m ≥ n; with the vectors 14·m·n² + 8·n³, with all of them
    4·m²·n + 8·m·n² + 9·n³: how many steps it takes depends on the numbers."""
    return Cost(work=count_work(a, decompose_singular(*sizes(a), vectors)))


@cost_rule("matrix_rank", "singular_norm", domain=ATEN)
def matrix_rank_cost(a: TensorType, *, symmetric: int = 0) -> Cost:
    """The singular values, of a symmetric matrix the eigenvalues, and 1 comparison, or 1 addition, for each."""
    m, n = sizes(a)
    operations = decompose_symmetric(n, False) if symmetric else decompose_singular(m, n, "none")
    values = a.elements // n // m * minimum(m, n)
    return Cost(work=count_work(a, operations) + elementwise_work("compare", "elementwise", values, 1, "#values"))


@cost_rule("pinv", domain=ATEN)
def pinv_cost(a: TensorType, *, symmetric: int = 0) -> Cost:
    """V · S⁺ · Uᵀ: the singular values with their vectors, of a symmetric matrix the eigenvalues with theirs; 1
    division for each; 1 multiplication per element of the scaled vectors [n, k], whose product with those of the other
    side [k, m] is 2 · n · k · m FLOPs: it is part of a solver, no layer's contraction."""
    m, n = sizes(a)
    k = minimum(m, n)
    operations = decompose_symmetric(n, True) if symmetric else decompose_singular(m, n, "thin")
    operations += Operations(6 * n * k + 6 * n * k * m, 6 * n * k * m)
    values = a.elements // n // m * k
    return Cost(work=count_work(a, operations) + elementwise_work("divide", "elementwise", values, 1, "#values"))


@cost_rule("cross", domain=ATEN)
def cross_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """2 multiplications and 1 subtraction per output."""
    work = elementwise_work("multiply", "elementwise", out.elements, 2)
    return Cost(work=work + elementwise_work("add", "elementwise", out.elements))


@cost_rule("vander", domain=ATEN)
def vander_cost(x: TensorType, *, out: TensorType) -> Cost:
    """1 multiplication per output: each power from the one before it."""
    return Cost(work=elementwise_work("multiply", "elementwise", out.elements))
