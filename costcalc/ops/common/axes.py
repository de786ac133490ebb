"""Axis numbers and shapes -> normalised axes, and shapes and values broadcast as ONNX and NumPy do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from costcalc.core.assumptions import require_equal
from costcalc.core.budget import MAX_RANK, check_limit
from costcalc.core.dim import Dim, divide
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value


def normalise_axis(axis: int, rank: int) -> int:
    """The axis counted from the front. ShapeError outside [-rank, rank)."""
    if 0 <= axis < rank:
        return axis
    if -rank <= axis < 0:
        return axis + rank
    raise ShapeError(f"axis {axis} does not exist in a tensor of rank {rank}", f"name one from {-rank} to {rank - 1}")


def normalise_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """The axes counted from the front. ShapeError where one repeats."""
    normalised = tuple([normalise_axis(axis, rank) for axis in axes])
    if len(set(normalised)) != len(normalised):
        raise ShapeError(f"an axis repeats in {list(axes)}", "name each axis once")
    return normalised


def optional_value(t: TensorType | None) -> Value | None:
    """The elements of an optional input, None where it is absent or its contents are not known."""
    return None if t is None else t.value


def known_integers(t: TensorType | None) -> tuple[int, ...] | None:
    """Type of a tensor -> its elements where all are known numbers."""
    if t is None or t.value is None or not all(isinstance(value, int) for value in t.value):
        return None
    return tuple(int(value) for value in t.value)


def vector_length(t: TensorType) -> int:
    """The number of elements of a vector of shape or axis numbers. ShapeError where it is open: a shape of open length
    has no rank. LimitError for more than a tensor has axes."""
    length = int(t.elements)
    check_limit(length, MAX_RANK, "axes of a tensor")
    return length


def divide_exactly(a: Dim, b: Dim, fact: str, remedy: str) -> Dim:
    """a / b. ShapeError(fact, remedy) where it leaves a rest; an assumption where that is open."""
    quotient = divide(a, b) if b != 0 else None
    if quotient is None:
        quotient = a // b
        try:
            require_equal(quotient * b, a)
        except ShapeError as error:
            raise ShapeError(fact, remedy) from error
    return quotient


Shape = tuple[Dim, ...]


def shape_text(shape: Sequence[Dim] | None) -> str:
    """A shape -> its text in an error message: [1, 64, H]."""
    return "[" + ", ".join(map(str, shape or ())) + "]"


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all shapes broadcast to; ShapeError where two extents differ and neither is 1."""
    first = shapes[0]
    if len(shapes) == 2 and first == shapes[1]:
        return first
    rank = max(len(s) for s in shapes)
    out: list[Dim] = [1] * rank
    for shape in shapes:
        offset = rank - len(shape)
        for i, extent in enumerate(shape):
            extent_before = out[offset + i]
            if extent_before == 1:
                out[offset + i] = extent
            elif extent != 1 and extent != extent_before:
                try:
                    out[offset + i] = require_equal(extent_before, extent)
                except ShapeError as error:
                    texts = " and ".join(shape_text(s) for s in shapes)
                    raise ShapeError(
                        f"shapes {texts} do not broadcast", "make the extents equal, or one of them 1"
                    ) from error
    return tuple(out)


def broadcast_types(*types: TensorType | None) -> Shape:
    """broadcast of the types' shapes; absent inputs are passed over."""
    return broadcast(*(t.shape for t in types if t is not None and t.shape is not None))


def pointwise_values(function: Callable[..., Any], out: TensorType, *inputs: TensorType) -> Value | None:
    """The values of an elementwise operator over small tensors; None where an input's values are not known, or where
    the function itself returns None for an element (it depends on a symbol)."""
    if any(t.value is None for t in inputs):
        return None
    assert out.shape is not None
    size = out.elements
    if not isinstance(size, int):
        return None
    columns = [_broadcast_elements(t, out.shape, size) for t in inputs]
    result = tuple(map(function, *columns))
    return None if None in result else result


def _broadcast_elements(t: TensorType, shape: Sequence[Dim], size: int) -> Value:
    assert t.value is not None and t.shape is not None
    if len(t.value) == size:
        return t.value
    if len(t.value) == 1:
        return t.value * size
    strides: list[int] = []
    step = 1
    for extent in reversed(t.shape):
        strides.append(0 if extent == 1 else step)
        step = step * int(extent)
    strides += [0] * (len(shape) - len(strides))
    out: list[Any] = []
    for flat in range(size):
        index, remaining = 0, flat
        for extent, stride in zip(reversed(shape), strides, strict=True):
            remaining, i = divmod(remaining, int(extent))
            index += i * stride
        out.append(t.value[index])
    return tuple(out)


def check_unidirectional(x: TensorType, operand: TensorType, name: str) -> None:
    """ShapeError unless `operand` (a slope, a scale) broadcasts to x without changing x's shape."""
    assert x.shape is not None and operand.shape is not None
    broadcast_shape = broadcast(x.shape, operand.shape)
    if len(broadcast_shape) != len(x.shape) or any(
        a == 1 and b != 1 for a, b in zip(x.shape, broadcast_shape, strict=True)
    ):
        texts = [shape_text(t) for t in (operand.shape, x.shape)]
        raise ShapeError(
            f"{name} {texts[0]} does not broadcast to {texts[1]}", "give it one element per channel, or one"
        )
