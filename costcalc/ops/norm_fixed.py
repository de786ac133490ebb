"""Normalisations that learn nothing: over neighbouring channels, by a p-norm, by mean and variance over axes."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.traits import traits
from costcalc.dim import prod
from costcalc.errors import ShapeError
from costcalc.formula import Cost, per
from costcalc.ir import TensorType
from costcalc.ops.axes import axes_of, axis_of
from costcalc.registry import cost_rule, describe, shape_rule

traits("LRN", "LpNormalization", "MeanVarianceNormalization", kind="normalisation")
traits("LRN", layout="channels_first")
describe("Divides each value by a power of the squares summed over the neighbouring channels.", "LRN")
describe("Divides by the p-norm along an axis.", "LpNormalization")
describe("Subtracts the mean over axes and divides by the standard deviation.", "MeanVarianceNormalization")

ROLE = "normalization"


@shape_rule("LRN")
def lrn_shape(x: TensorType) -> TensorType:
    """x [N, C, …] -> the input's type."""
    assert x.shape is not None
    if len(x.shape) < 2:
        raise ShapeError(f"the input has rank {len(x.shape)}", "give it [N, C, …]")
    return TensorType(x.dtype, x.shape)


@cost_rule("LRN")
def lrn_cost(x: TensorType, *, size: int) -> Cost:
    """Per element two multiplications (square, alpha / size), `size` additions (size − 1 for the sum of squares, one
    for the bias), one power and one division. Windows at the first and the last channels count in full."""
    n = x.elements
    return Cost(
        work=per("multiply", ROLE, n, 2)
        + per("add", ROLE, n, size)
        + per("transcendental", ROLE, n)
        + per("divide", ROLE, n)
    )


@shape_rule("LpNormalization")
def lp_norm_shape(x: TensorType, *, axis: int = -1) -> TensorType:
    """The input's type."""
    assert x.shape is not None
    axis_of(axis, len(x.shape))
    return TensorType(x.dtype, x.shape)


@cost_rule("LpNormalization")
def lp_norm_cost(x: TensorType, *, axis: int = -1, p: int = 2) -> Cost:
    """Per element one square (p = 2) or magnitude (p = 1, a comparison), one addition and one division; per norm a
    root with p = 2."""
    assert x.shape is not None
    at = axis_of(axis, len(x.shape))
    return Cost(
        work=per("multiply" if p == 2 else "compare", ROLE, x.elements)
        + per("add", ROLE, x.elements)
        + per("divide", ROLE, x.elements)
        + per("transcendental", ROLE, prod(x.shape[:at] + x.shape[at + 1 :]), int(p == 2), "#norms")
    )


@shape_rule("MeanVarianceNormalization")
def mvn_shape(x: TensorType, *, axes: Sequence[int] = (0, 2, 3)) -> TensorType:
    """The input's type."""
    assert x.shape is not None
    axes_of(axes, len(x.shape))
    return TensorType(x.dtype, x.shape)


@cost_rule("MeanVarianceNormalization")
def mvn_cost(x: TensorType, *, axes: Sequence[int] = (0, 2, 3)) -> Cost:
    """Per element three additions (mean, mean of squares, deviation), one multiplication (square) and one division; per
    group two divisions (the means), one multiplication (the mean's square), two additions (variance, epsilon) and a
    root."""
    assert x.shape is not None
    removed = axes_of(axes, len(x.shape))
    groups = prod([extent for i, extent in enumerate(x.shape) if i not in removed])
    return Cost(
        work=(
            *per("add", ROLE, x.elements, 3),
            *per("multiply", ROLE, x.elements),
            *per("divide", ROLE, x.elements),
            *per("add", ROLE, groups, 2, "#groups"),
            *per("multiply", ROLE, groups, 1, "#groups"),
            *per("divide", ROLE, groups, 2, "#groups"),
            *per("transcendental", ROLE, groups, 1, "#groups"),
        )
    )
