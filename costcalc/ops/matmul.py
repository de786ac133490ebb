"""Products of matrices (MatMul, Gemm) and determinants."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, traits
from costcalc.ops.common.axes import broadcast

operands("MatMul", weights=(0, 1))

operands("Gemm", weights=(0, 1, 2))

traits("MatMul", "Gemm", kind="product", gradient=PRODUCT_GRADIENT)

traits("Gemm", bias=2, derived=frozenset(("transB",)))

describe("Each output is the inner product of a row and a column.", "MatMul")

describe("Each output is the inner product of a row and a column, plus a bias.", "Gemm")


def matmul_extents(a: TensorType, b: TensorType) -> tuple[tuple[Dim, ...], Dim, Dim, Dim]:
    """(batch extents, M, N, K) of a product as numpy.matmul defines it; a vector counts as M = 1 or N = 1."""
    assert a.shape is not None and b.shape is not None
    if not a.shape or not b.shape:
        raise ShapeError("a product takes no scalar", "use Mul")
    (*batch_a, m, k), (*batch_b, k_b, n) = (
        a.shape if len(a.shape) > 1 else (1, *a.shape),
        b.shape if len(b.shape) > 1 else (*b.shape, 1),
    )
    k = require_equal(k, k_b, f"the inner extents of {list(a.shape)} × {list(b.shape)}")
    return broadcast(tuple(batch_a), tuple(batch_b)), m, n, k


def matmul_result(a: TensorType, b: TensorType) -> tuple[Dim, ...]:
    """The output shape of numpy.matmul."""
    batch, m, n, _ = matmul_extents(a, b)
    assert a.shape is not None and b.shape is not None
    return (*batch, *((m,) if len(a.shape) > 1 else ()), *((n,) if len(b.shape) > 1 else ()))


@shape_rule("MatMul")
def matmul_shape(a: TensorType, b: TensorType) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> [*batch, M, N]; batch extents broadcast."""
    return TensorType(a.dtype, matmul_result(a, b))


@cost_rule("MatMul")
def matmul_cost(a: TensorType, b: TensorType) -> Cost:
    """∏batch × M × N × K."""
    batch, m, n, k = matmul_extents(a, b)
    rows = (
        (product_factor("batch", *((f"b{i}", x) for i, x in enumerate(batch))),) if batch and prod(batch) != 1 else ()
    )
    return Cost(formula(*rows, ("M", m), ("N", n), ("K", k)))


@shape_rule("Gemm")
def gemm_shape(
    a: TensorType,
    b: TensorType,
    c: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> TensorType:
    """op(a) [M, K] × op(b) [K, N] + c -> [M, N]."""
    m, n, _ = gemm_extents(a, b, transA, transB)
    if c is not None and c.shape is not None and broadcast(c.shape, (m, n)) != (m, n):
        raise ShapeError(f"the bias {list(c.shape)} does not broadcast to [{m}, {n}]", f"give it {n} elements")
    return TensorType(a.dtype, (m, n))


def gemm_extents(a: TensorType, b: TensorType, trans_a: int, trans_b: int) -> tuple[Dim, Dim, Dim]:
    """(M, N, K)."""
    assert a.shape is not None and b.shape is not None
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise ShapeError(f"Gemm takes matrices, not {list(a.shape)} × {list(b.shape)}", "flatten the input first")
    m, k = a.shape[::-1] if trans_a else a.shape
    k_b, n = b.shape[::-1] if trans_b else b.shape
    return m, n, require_equal(k, k_b, f"the inner extents of {list(a.shape)} × {list(b.shape)}")


@cost_rule("Gemm")
def gemm_cost(
    a: TensorType,
    b: TensorType,
    c: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    alpha: float = 1.0,
    beta: float = 1.0,
    out: TensorType,
) -> Cost:
    """M × N × K; a bias adds one addition per output, alpha and beta other than 1 one multiplication each."""
    m, n, k = gemm_extents(a, b, transA, transB)
    work: tuple[Work, ...] = elementwise_work("add", "bias", out.elements) if c is not None else ()
    scales = (alpha != 1.0) + (beta != 1.0 and c is not None)
    work += elementwise_work("multiply", "elementwise", out.elements, scales)
    return Cost(formula(("M", m), ("N", n), ("K", k)), work)


describe("The determinant of each square matrix, by elimination.", "Det")


@shape_rule("Det")
def det_shape(x: TensorType) -> TensorType:
    """x [*batch, M, M] -> [*batch]."""
    assert x.shape is not None
    if x.rank < 2:
        raise ShapeError(f"X has {x.rank} axes", "it is a square matrix or a batch of them")
    require_equal(x.shape[-2], x.shape[-1], "the rows and columns of a square matrix")
    return TensorType(x.dtype, x.shape[:-2])


@cost_rule("Det")
def det_cost(x: TensorType) -> Cost:
    """Gaussian elimination, per matrix of M rows (M - 1) · M · (2M - 1) / 6 multiplications and as many subtractions,
    M · (M - 1) / 2 divisions, and M - 1 multiplications along the diagonal. No MACs are counted."""
    assert x.shape is not None
    batch, m = prod(x.shape[:-2]), x.shape[-1]
    updates = batch * ((m - 1) * m * (2 * m - 1) // 6)
    work = elementwise_work("multiply", "elementwise", updates, 1, "#updates") + elementwise_work(
        "add", "elementwise", updates, 1, "#updates"
    )
    work += elementwise_work("divide", "elementwise", batch * (m * (m - 1) // 2), 1, "#pivot quotients")
    return Cost(work=work + elementwise_work("multiply", "elementwise", batch * maximum(0, m - 1), 1, "#pivots"))
