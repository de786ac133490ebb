"""com.microsoft's distances, inverses, spectra and distinct elements."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.assume import agree
from costcalc.dim import Dim, prod
from costcalc.errors import ShapeError
from costcalc.formula import Cost, per
from costcalc.ir import DType, TensorType
from costcalc.ops.ms_matmul import MS
from costcalc.ops.select import selection_cost
from costcalc.registry import cost_rule, describe, shape_rule

describe("The different elements.", "Unique", domain=MS)
describe("The distance of each pair of rows.", "CDist", domain=MS)
describe("The inverse of each square matrix.", "Inverse", domain=MS)
describe("A signal is taken apart into frequencies, or put together from them.", "Rfft", "Irfft", domain=MS)


@shape_rule("Unique", domain=MS)
def ms_unique_shape(x: TensorType, *, fresh: Callable[[str], Dim]) -> tuple[TensorType, ...]:
    """(values, which of them each element is, counts): as many as there are different elements, a new symbol."""
    count = fresh("unique")
    return (
        TensorType(x.dtype, (count,)),
        TensorType(DType.INT64, (x.elements,)),
        TensorType(DType.INT64, (count,)),
    )


cost_rule("Unique", domain=MS)(selection_cost)


@shape_rule("CDist", domain=MS)
def cdist_shape(a: TensorType, b: TensorType) -> TensorType:
    """a [M, N], b [K, N] -> [M, K]."""
    assert a.shape is not None and b.shape is not None
    agree(a.shape[1], b.shape[1], "the features of both sides")
    return TensorType(a.dtype, (a.shape[0], b.shape[0]))


@cost_rule("CDist", domain=MS)
def cdist_cost(a: TensorType, b: TensorType, *, metric: str = "euclidean", out: TensorType) -> Cost:
    """Per pair of rows and feature 1 subtraction, 1 multiplication and 1 addition; a root per pair for euclidean.
    No MACs are counted."""
    assert a.shape is not None
    each = out.elements * a.shape[1]
    work = per("add", "elementwise", each, 2, "#differences") + per("multiply", "elementwise", each, 1, "#differences")
    return Cost(work=work + per("transcendental", "elementwise", out.elements, int(metric == "euclidean")))


@shape_rule("Inverse", domain=MS)
def inverse_shape(x: TensorType) -> TensorType:
    """x [*batch, M, M] -> the same."""
    assert x.shape is not None
    if x.rank < 2:
        raise ShapeError(f"X has {x.rank} axes", "it is a square matrix or a batch of them")
    agree(x.shape[-2], x.shape[-1], "the rows and columns of a square matrix")
    return TensorType(x.dtype, x.shape)


@cost_rule("Inverse", domain=MS)
def inverse_cost(x: TensorType) -> Cost:
    """Gauss-Jordan elimination: per matrix of M rows M³ multiplications and as many subtractions, no MACs."""
    assert x.shape is not None
    updates = prod(x.shape[:-2]) * x.shape[-1] ** 3
    return Cost(
        work=per("multiply", "elementwise", updates, 1, "#updates") + per("add", "elementwise", updates, 1, "#updates")
    )


@shape_rule("Rfft", domain=MS)
def rfft_shape(x: TensorType) -> TensorType:
    """x [*, n] -> [*, n // 2 + 1, 2]."""
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape[:-1], x.shape[-1] // 2 + 1, 2))


@shape_rule("Irfft", domain=MS)
def irfft_shape(x: TensorType) -> TensorType:
    """x [*, n // 2 + 1, 2] -> [*, n], n even."""
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape[:-2], (x.shape[-2] - 1) * 2))


@cost_rule("Rfft", "Irfft", domain=MS)
def rfft_cost(x: TensorType, *, out: TensorType) -> Cost:
    """By its definition, a sum: per real output as many multiplications and additions as the signal has real numbers.
    A fast Fourier transform does less; no MACs are counted."""
    assert x.shape is not None and out.shape is not None
    terms = x.shape[-1] if len(out.shape) > len(x.shape) else x.shape[-1] * x.shape[-2]
    products = out.elements * terms
    return Cost(
        work=per("multiply", "elementwise", products, 1, "#terms") + per("add", "elementwise", products, 1, "#terms")
    )
