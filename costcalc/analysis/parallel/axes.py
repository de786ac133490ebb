"""Axis of an operator's input to the axis of its output that holds the same extent, and the axes of a product's
weight."""

from __future__ import annotations

from math import prod

from costcalc.core.ir import Node, TensorType
from costcalc.core.traits import traits_of


def follow_axis(node: Node, source: TensorType, output: TensorType, axis: int) -> int | None:
    """Node, types of an input and of an output, axis of the input -> the axis of the output along which it is split
    where the input is; None where the operator mixes what stands along it, or that is not known."""
    before, after = source.shape, output.shape
    if before is None or after is None:
        return None
    if traits_of(node).kind == "transpose":
        order = node.attributes.get("perm") or range(len(before) - 1, -1, -1)
        return list(order).index(axis)
    if before == after:
        return axis
    if traits_of(node).view:
        return _reshaped_axis(before, after, axis)
    at = axis + len(after) - len(before)
    return at if 0 <= at < len(after) and after[at] == before[axis] else None


def _reshaped_axis(before: tuple[object, ...], after: tuple[object, ...], axis: int) -> int | None:
    """Row-major shapes of the same elements -> the outermost axis behind which as many elements stand."""
    inner = prod(before[axis:])  # type: ignore[arg-type]
    extents = [i for i in range(len(after)) if prod(after[i:]) == inner]  # type: ignore[arg-type]
    return next((i for i in extents if after[i] != 1), None)


def weight_axes(node: Node, weight: TensorType, is_swapped: bool) -> tuple[int, int]:
    """Product and its stored weight -> the axis that the product sums over, and that of its outputs."""
    rank = len(weight.shape or ())
    first = node.attributes.get("transB", 0) or traits_of(node).packed is not None
    outputs_first = bool(first) != is_swapped
    return (rank - 1, rank - 2) if outputs_first else (rank - 2, rank - 1)
