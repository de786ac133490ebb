"""Determinants."""

from __future__ import annotations

from costcalc.assume import agree
from costcalc.dim import prod
from costcalc.errors import ShapeError
from costcalc.formula import Cost, per
from costcalc.ir import TensorType
from costcalc.registry import cost_rule, describe, shape_rule

describe("The determinant of each square matrix, by elimination.", "Det")


@shape_rule("Det")
def det_shape(x: TensorType) -> TensorType:
    """x [*batch, M, M] -> [*batch]."""
    assert x.shape is not None
    if x.rank < 2:
        raise ShapeError(f"X has {x.rank} axes", "it is a square matrix or a batch of them")
    agree(x.shape[-2], x.shape[-1], "the rows and columns of a square matrix")
    return TensorType(x.dtype, x.shape[:-2])


@cost_rule("Det")
def det_cost(x: TensorType) -> Cost:
    """Gaussian elimination, per matrix of M rows (M - 1) · M · (2M - 1) / 6 multiplications and as many subtractions,
    M · (M - 1) / 2 divisions, and M - 1 multiplications along the diagonal. No MACs are counted."""
    assert x.shape is not None
    batch, m = prod(x.shape[:-2]), x.shape[-1]
    updates = batch * ((m - 1) * m * (2 * m - 1) // 6)
    work = per("multiply", "elementwise", updates, 1, "#updates") + per("add", "elementwise", updates, 1, "#updates")
    work += per("divide", "elementwise", batch * (m * (m - 1) // 2), 1, "#pivot quotients")
    return Cost(work=work + per("multiply", "elementwise", batch * (m - 1), 1, "#pivots"))
