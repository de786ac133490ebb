"""The same elements in the same order under another shape: Reshape, Flatten, Squeeze, Unsqueeze, which are views.

Values of small tensors pass through.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_at_least, require_equal
from costcalc.core.dim import Dim, bounds, divide, prod
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import FreshSymbol, describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import divide_exactly, normalise_axes, normalise_axis, shape_text, vector_length

free("Reshape", "Flatten", "Squeeze", "Unsqueeze", view=True)

traits("Reshape", "Flatten", "Squeeze", "Unsqueeze", passes_on="same")

traits("Reshape", positions="lost")

traits("Flatten", positions="mixed")

describe("The same elements in the same order under another shape.", "Reshape", "Flatten")

describe("Axes of extent 1 vanish; no element moves.", "Squeeze")

describe("Axes of extent 1 appear; no element moves.", "Unsqueeze")


@shape_rule("Reshape")
def reshape_shape(data: TensorType, shape: TensorType, *, allowzero: int = 0, fresh: FreshSymbol) -> TensorType:
    """data -> shape. An entry 0 copies the data's extent (unless allowzero), one entry -1 is what is left: #elements /
    ∏ of the others, exact also in symbols. An entry that depends on a symbol is taken as an extent, never as 0 or -1.
    Where the contents of shape are not known, one entry is #elements, several are new symbols."""
    assert data.shape is not None
    if shape.value is None:
        rank = vector_length(shape)
        if rank == 1:
            return TensorType(data.dtype, (data.elements,), data.value)
        new = tuple([fresh(f"extent{i}") for i in range(rank)])
        if data.elements != 0:
            require_equal(prod(new), data.elements, "the elements before and after")
        return TensorType(data.dtype, new, data.value)
    return TensorType(data.dtype, reshape_extents(data.shape, shape.value, bool(allowzero)), data.value)


def reshape_extents(old: Sequence[Dim], target: Value, allowzero: bool = False) -> tuple[Dim, ...]:
    """The extents that a Reshape of `old` to `target` gives."""
    out: list[Dim] = list(target)
    old_factors = list(old)
    inferred = -1
    for i, entry in enumerate(target):
        if entry == 0 and not allowzero:
            if i >= len(old):
                raise ShapeError(
                    f"entry {i} of the new shape {shape_text(target)} copies an axis that "
                    f"{shape_text(old)} does not have",
                    "give the extent itself, or allowzero=1 for an empty axis",
                )
            out[i] = old[i]
        elif entry == -1:
            if inferred >= 0:
                raise ShapeError(f"the new shape {shape_text(target)} has -1 twice", "leave one extent open at most")
            inferred = i
        elif isinstance(entry, int) and entry < 0:
            raise ShapeError(
                f"the new shape {shape_text(target)} has a negative extent", "only -1 stands for an open one"
            )
    new_factors = other_extents(out, inferred) if inferred >= 0 else list(out)
    # What stands on both sides cancels: the quotient stays small, and an empty copied axis leaves it defined.
    for extent in tuple(new_factors):
        if extent in old_factors:
            new_factors.remove(extent)
            old_factors.remove(extent)
    elements, open_elements = prod(old_factors), prod(new_factors)
    if inferred >= 0:
        quotient = elements if open_elements == 1 else divide(elements, open_elements) if open_elements != 0 else None
        if quotient is None:
            fact_and_remedy = _describe_mismatch(old, target, prod(other_extents(out, inferred)))
            if open_elements == 0:
                raise ShapeError(*fact_and_remedy)
            quotient = divide_exactly(elements, open_elements, *fact_and_remedy)
        out[inferred] = quotient
    elif elements != open_elements:
        _match_elements(out, old, target)
    return tuple(out)


def other_extents(extents: Sequence[Dim], i: int) -> list[Dim]:
    """The extents without the i-th."""
    return [*extents[:i], *extents[i + 1 :]]


def _match_elements(out: list[Dim], old: Sequence[Dim], target: Value) -> None:
    """Makes the sizes agree: an entry that the others determine exactly is what they leave of the elements, so that
    the assumption reads `n = batch`, not as an equation of two products."""
    total = prod(old)
    fact, remedy = _describe_mismatch(old, target, prod(out))
    low, high = bounds(total - prod(out))
    if low > 0 or high < 0:
        raise ShapeError(fact, remedy)
    for i, entry in enumerate(out):
        if isinstance(entry, int):
            continue
        other_elements = prod(other_extents(out, i))
        quotient = divide(total, other_elements) if other_elements != 0 else None
        if quotient is not None:
            out[i] = require_equal(entry, quotient)
            return
    require_equal(total, prod(out), "the elements before and after")


def _describe_mismatch(old: Sequence[Dim], target: Value, elements: Dim) -> tuple[str, str]:
    open_ = -1 in target
    return (
        f"{shape_text(old)} has {prod(old)} elements, the new shape {shape_text(target)} "
        + (f"divides them by {elements}" if open_ else f"has {elements}"),
        "make the new shape hold as many elements" + ("" if open_ else ", or leave one extent open by -1"),
    )


@shape_rule("Flatten")
def flatten_shape(x: TensorType, *, axis: int = 1) -> TensorType:
    """x -> [∏ of the axes before `axis`, ∏ of the others]."""
    assert x.shape is not None
    rank = len(x.shape)
    axis_index = rank if axis == rank else normalise_axis(axis, rank)
    return TensorType(x.dtype, (prod(x.shape[:axis_index]), prod(x.shape[axis_index:])), x.value)


@shape_rule("Squeeze")
def squeeze_shape(data: TensorType, axis: TensorType | None = None, *, axes: Sequence[int] | None = None) -> TensorType:
    """data without the named axes, each of extent 1; without all of extent 1 where none is named (one that depends
    on a symbol stays, and is assumed to be 2 at least)."""
    assert data.shape is not None
    if axis is not None:
        if axis.value is None:
            return TensorType(data.dtype, None)
        axes = axis.value
    if axes is None:
        for i, extent in enumerate(data.shape):
            if extent != 1:
                require_at_least(extent, 2 if extent != 0 else 0, f"axis {i} is of extent {extent}", "name the axes")
        return TensorType(data.dtype, tuple([extent for extent in data.shape if extent != 1]), data.value)
    removed_axes = normalise_axes(axes, len(data.shape))
    for i in removed_axes:
        if data.shape[i] != 1:
            require_equal(
                data.shape[i], 1, f"the extent of axis {i} of {shape_text(data.shape)} and the 1 that Squeeze removes"
            )
    return TensorType(data.dtype, tuple([x for i, x in enumerate(data.shape) if i not in removed_axes]), data.value)


@shape_rule("Unsqueeze")
def unsqueeze_shape(
    data: TensorType, axis: TensorType | None = None, *, axes: Sequence[int] | None = None
) -> TensorType:
    """data with axes of extent 1 inserted; the numbers are those of the output."""
    assert data.shape is not None
    if axis is not None:
        axes = axis.value
    if axes is None:
        if axis is None:
            raise ShapeError("Unsqueeze has no axes", "say which axes of the output are new")
        return TensorType(data.dtype, None)
    rank = len(data.shape) + len(axes)
    new = normalise_axes(axes, rank)
    old = iter(data.shape)
    return TensorType(data.dtype, tuple([1 if i in new else next(old) for i in range(rank)]), data.value)
