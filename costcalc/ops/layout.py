"""Elements moved or repeated without arithmetic: Transpose, DepthToSpace, SpaceToDepth, Expand, Tile.

The values of small tensors move with them.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import FreshSymbol, describe, free, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common import elements as flat
from costcalc.ops.common.axes import (
    broadcast,
    divide_exactly,
    normalise_axes,
    optional_value,
    shape_text,
    vector_length,
)

free("Transpose", "DepthToSpace", "SpaceToDepth", "Expand", "Tile")

traits("Transpose", kind="transpose", passes_on="same")

traits("Transpose", "DepthToSpace", "SpaceToDepth", "Expand", "Tile", positions="lost", keeps="nothing")

traits("Expand", rearranges=True)

describe("The axes change their order, and the elements move with them.", "Transpose")

describe("Channels become pixels: blocks of depth move into height and width.", "DepthToSpace")

describe("Pixels become channels: blocks of height and width move into depth.", "SpaceToDepth")

describe("Axes of extent 1 are repeated up to the given shape.", "Expand")

describe("The tensor is repeated along its axes.", "Tile")


@shape_rule("Transpose")
def transpose_shape(data: TensorType, *, perm: Sequence[int] | None = None) -> TensorType:
    """Axis i of the output is axis perm[i] of data; the axes are reversed by default."""
    assert data.shape is not None
    if perm is None:
        return TensorType(data.dtype, data.shape[::-1])
    rank = len(data.shape)
    if len(perm) != rank or len(normalise_axes(perm, rank)) != rank:
        raise ShapeError(
            f"perm {list(perm)} does not order the {rank} axes of {shape_text(data.shape)}",
            f"name each of 0 … {rank - 1} once",
        )
    return TensorType(data.dtype, tuple([data.shape[i] for i in perm]))


@value_rule("Transpose")
def transpose_value(data: TensorType, *, perm: Sequence[int] | None = None) -> Value | None:
    """The elements in their new order."""
    if data.value is None or data.shape is None:
        return None
    return flat.permute(
        data.value, flat.concrete_shape(data.shape), perm if perm is not None else range(data.rank)[::-1]
    )


@shape_rule("DepthToSpace")
def depth_to_space_shape(x: TensorType, *, blocksize: int) -> TensorType:
    """x [N, C, H, W] -> [N, C/b², H·b, W·b]."""
    n, c, h, w = image(x)
    depth = divide_exactly(
        c, blocksize**2, f"{c} channels do not divide into blocks of {blocksize}²", "make them a multiple of blocksize²"
    )
    return TensorType(x.dtype, (n, depth, h * blocksize, w * blocksize))


@shape_rule("SpaceToDepth")
def space_to_depth_shape(x: TensorType, *, blocksize: int) -> TensorType:
    """x [N, C, H, W] -> [N, C·b², H/b, W/b]."""
    n, c, h, w = image(x)
    remedy = "make height and width multiples of blocksize"
    h, w = (divide_exactly(e, blocksize, f"{e} does not divide into blocks of {blocksize}", remedy) for e in (h, w))
    return TensorType(x.dtype, (n, c * blocksize**2, h, w))


def image(x: TensorType) -> tuple[Dim, Dim, Dim, Dim]:
    """(N, C, H, W). ShapeError for any other rank."""
    assert x.shape is not None
    if len(x.shape) != 4:
        raise ShapeError(f"the input {shape_text(x.shape)} is no image batch", "give [N, C, H, W]")
    n, c, h, w = x.shape
    return n, c, h, w


@shape_rule("Expand")
def expand_shape(data: TensorType, shape: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """The shape that data and `shape` broadcast to. Where the contents of `shape` are not known, an axis of extent 1
    and a new axis are new symbols, the others keep their extent."""
    assert data.shape is not None
    if shape.value is not None:
        if any(isinstance(entry, int) and entry < 0 for entry in shape.value):
            raise ShapeError(
                f"the shape {shape_text(shape.value)} to expand to has a negative extent", "give extents, or 1"
            )
        return TensorType(data.dtype, broadcast(data.shape, shape.value))
    rank = vector_length(shape)
    new = [fresh(f"extent{i}") for i in range(rank - len(data.shape))]
    offset = len(data.shape) - rank
    return TensorType(
        data.dtype,
        (
            *new,
            *(fresh(f"extent{len(new) + i}") if x == 1 and i >= offset else x for i, x in enumerate(data.shape)),
        ),
    )


@value_rule("Expand")
def expand_value(data: TensorType, shape: TensorType, *, out: TensorType) -> Value | None:
    """The elements, repeated."""
    if data.value is None or data.shape is None or out.shape is None:
        return None
    return flat.expand(data.value, flat.concrete_shape(data.shape), flat.concrete_shape(out.shape))


@shape_rule("Tile")
def tile_shape(x: TensorType, repeats: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """Each extent times its repeats; new symbols where those are not known."""
    assert x.shape is not None
    if repeats.value is None:
        return TensorType(x.dtype, tuple([fresh(f"extent{i}") for i in range(len(x.shape))]))
    if len(repeats.value) != len(x.shape):
        raise ShapeError(
            f"{len(repeats.value)} repeats are given for {shape_text(x.shape)}", "give one number per axis"
        )
    return TensorType(x.dtype, tuple([extent * times for extent, times in zip(x.shape, repeats.value, strict=True)]))


@value_rule("Tile")
def tile_value(x: TensorType, repeats: TensorType) -> Value | None:
    """The elements, repeated."""
    value = x.value
    times = optional_value(repeats)
    if value is None or times is None or x.shape is None:
        return None
    shape = list(flat.concrete_shape(x.shape))
    for axis, n in enumerate(flat.concrete_shape(times)):
        if n != 1:
            value = flat.take(value, shape, axis, list(range(shape[axis])) * n)
            shape[axis] *= n
    return value
