"""TensorFlow Lite's operators that arrange elements: shapes, axes, pads, slices, blocks; and their output types.

Where the contents of a shape or an axis are not known, the output's shape is not known either.
Source: LiteRT's tflite/kernels, each operator's Prepare.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import prod
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType, Value
from costcalc.core.registry import describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import divide_exactly, known_integers, normalise_axes, normalise_axis
from costcalc.ops.reshape import reshape_extents
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import known_shape

VIEWS = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE", "STABLEHLO_RESHAPE", "BITCAST")

PADS = ("MIRROR_PAD", "PAD", "PADV2")

MOVED = ("BATCH_TO_SPACE_ND", "DEPTH_TO_SPACE", "REVERSE_SEQUENCE", "REVERSE_V2", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH")

free(*VIEWS, domain=TFLITE, view=True)

free(*PADS, *MOVED, "FILL", "PACK", "RANK", "TRANSPOSE", "UNPACK", "ZEROS_LIKE", domain=TFLITE)

traits("EXPAND_DIMS", "RESHAPE", "SQUEEZE", "STABLEHLO_RESHAPE", domain=TFLITE, passes_on="same")

traits("RESHAPE", "STABLEHLO_RESHAPE", domain=TFLITE, positions="lost")

traits("TRANSPOSE", domain=TFLITE, kind="transpose", passes_on="same", positions="lost", keeps="nothing")

traits(*MOVED, "PACK", "UNPACK", domain=TFLITE, positions="lost", keeps="nothing")

traits(*PADS, domain=TFLITE, keeps="nothing")

traits("RANK", "ZEROS_LIKE", domain=TFLITE, reads="shape")

operands("PADV2", domain=TFLITE, buffers=(2,))

describe("The same elements in the same order under another shape.", *VIEWS, domain=TFLITE)

describe("The axes change their order, and the elements move with them.", "TRANSPOSE", domain=TFLITE)

describe("Elements are added before and behind each axis.", *PADS, domain=TFLITE)

describe("Tensors of one shape are stacked along a new axis, or taken apart.", "PACK", "UNPACK", domain=TFLITE)

describe("Elements move between axes, or change their order.", *MOVED, domain=TFLITE)

describe("A tensor of one value.", "FILL", "ZEROS_LIKE", domain=TFLITE)

describe("The number of axes.", "RANK", domain=TFLITE)


@shape_rule("RESHAPE", domain=TFLITE)
def reshape_shape(
    x: TensorType, shape: TensorType | None = None, *, new_shape: Sequence[int] | None = None
) -> TensorType:
    """The shape that the second input gives, else the attribute; one entry -1 is what is left."""
    assert x.shape is not None
    target: Value | None = tuple(new_shape or ())
    if shape is not None and (shape.value is not None or not new_shape):
        target = shape.value
    if target is None:
        return TensorType(x.dtype, None)
    return TensorType(x.dtype, reshape_extents(x.shape, target, allowzero=True), x.value)


@shape_rule("BITCAST", domain=TFLITE)
def bitcast_shape(x: TensorType, *, to: int = 0) -> TensorType:
    """The same bytes as elements of the output's type: an axis of the parts of each element is added, or taken away."""
    assert x.shape is not None
    dtype = DTYPE_OF_CODE.get(to, x.dtype)
    if dtype.bits == x.dtype.bits:
        return TensorType(dtype, x.shape)
    if x.dtype.bits > dtype.bits > 0:
        return TensorType(dtype, (*x.shape, x.dtype.bits // dtype.bits))
    if not x.shape or x.shape[-1] != dtype.bits // max(x.dtype.bits, 1):
        raise ShapeError(f"elements of {x.dtype.bits} bits do not fill {dtype.bits}", "give them along the last axis")
    return TensorType(dtype, x.shape[:-1])


@shape_rule("SQUEEZE", domain=TFLITE)
def squeeze_shape(x: TensorType, *, axes: Sequence[int] | None = None) -> TensorType:
    """The shape without the named axes, or without all of extent 1."""
    assert x.shape is not None
    removed = normalise_axes(axes, len(x.shape)) if axes else [i for i, d in enumerate(x.shape) if d == 1]
    if any(isinstance(x.shape[i], int) and x.shape[i] != 1 for i in removed):
        raise ShapeError(f"axes {list(removed)} of {list(map(str, x.shape))} are not all 1", "name axes of extent 1")
    return TensorType(x.dtype, tuple([d for i, d in enumerate(x.shape) if i not in removed]), x.value)


@shape_rule("EXPAND_DIMS", domain=TFLITE)
def expand_dims_shape(x: TensorType, axis: TensorType) -> TensorType:
    """The shape with a new axis of extent 1."""
    assert x.shape is not None
    places = known_integers(axis)
    if not places:
        return TensorType(x.dtype, None)
    place = normalise_axis(places[0], len(x.shape) + 1)
    return TensorType(x.dtype, (*x.shape[:place], 1, *x.shape[place:]), x.value)


@shape_rule("TRANSPOSE", domain=TFLITE)
def transposed_shape(x: TensorType, perm: TensorType) -> TensorType:
    """Axis i of the output is axis perm[i] of the input."""
    order = known_integers(perm)
    if order is None:
        return TensorType(x.dtype, None)
    assert x.shape is not None
    if sorted(order) != list(range(len(x.shape))):
        raise ShapeError(f"{order} does not order {len(x.shape)} axes", "name each once")
    return TensorType(x.dtype, tuple([x.shape[i] for i in order]))


@shape_rule(*PADS, domain=TFLITE)
def pad_shape(x: TensorType, pads: TensorType, value: TensorType | None = None) -> TensorType:
    """Each extent with its pads [rank, 2] before and behind."""
    assert x.shape is not None
    numbers = known_integers(pads)
    if numbers is None:
        return TensorType(x.dtype, None)
    if len(numbers) != 2 * len(x.shape):
        raise ShapeError(f"{len(numbers)} pads are given for {len(x.shape)} axes", "give two of each axis")
    pairs = zip(x.shape, numbers[::2], numbers[1::2], strict=True)
    return TensorType(x.dtype, tuple([d + (begin + end) for d, begin, end in pairs]))


@shape_rule("PACK", domain=TFLITE)
def pack_shape(first: TensorType, *others: TensorType, axis: int = 0) -> TensorType:
    """Tensors of one shape -> the same with a new axis, as long as they are many."""
    assert first.shape is not None
    if any(t.shape != first.shape for t in others):
        raise ShapeError("the tensors to be stacked differ in shape", "give them one shape")
    place = normalise_axis(axis, len(first.shape) + 1)
    return TensorType(first.dtype, (*first.shape[:place], 1 + len(others), *first.shape[place:]))


@value_rule("PACK", domain=TFLITE)
def pack_value(*inputs: TensorType) -> Value | None:
    """The elements of scalars, in order."""
    if any(t.shape != () or t.value is None for t in inputs):
        return None
    return tuple([element for t in inputs for element in t.value or ()])


@shape_rule("UNPACK", domain=TFLITE)
def unpack_shape(x: TensorType, *, num: int = 0, axis: int = 0, n_outputs: int = 1) -> tuple[TensorType, ...]:
    """The input without an axis, as often as that is long."""
    assert x.shape is not None
    place = normalise_axis(axis, len(x.shape))
    if isinstance(x.shape[place], int) and x.shape[place] != n_outputs:
        raise ShapeError(f"axis {axis} of {x.shape[place]} is taken apart into {n_outputs} outputs", "name them all")
    return (TensorType(x.dtype, (*x.shape[:place], *x.shape[place + 1 :])),) * n_outputs


@shape_rule("FILL", domain=TFLITE)
def fill_shape(shape: TensorType, value: TensorType) -> TensorType:
    """The shape that the first input gives."""
    return TensorType(value.dtype, None if shape.value is None else tuple(shape.value))


@shape_rule("ZEROS_LIKE", "REVERSE_V2", "REVERSE_SEQUENCE", domain=TFLITE)
def kept_shape(x: TensorType, second: TensorType | None = None) -> TensorType:
    """The input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("RANK", domain=TFLITE)
def rank_shape(x: TensorType) -> TensorType:
    """A scalar."""
    return TensorType(DType.INT32, (), (x.rank,))


@shape_rule("DEPTH_TO_SPACE", domain=TFLITE)
def depth_to_space_shape(x: TensorType, *, blocksize: int) -> TensorType:
    """[N, H, W, C] -> [N, b · H, b · W, C / b²]."""
    n, h, w, c = known_shape(x, 4, "the input")
    depth = divide_exactly(c, blocksize * blocksize, f"{c} channels are no blocks of {blocksize}²", "correct blocksize")
    return TensorType(x.dtype, (n, h * blocksize, w * blocksize, depth))


@shape_rule("SPACE_TO_DEPTH", domain=TFLITE)
def space_to_depth_shape(x: TensorType, *, blocksize: int) -> TensorType:
    """[N, H, W, C] -> [N, H / b, W / b, b² · C]."""
    n, h, w, c = known_shape(x, 4, "the input")
    rows, columns = (
        divide_exactly(extent, blocksize, f"{extent} is no multiple of {blocksize}", "correct blocksize")
        for extent in (h, w)
    )
    return TensorType(x.dtype, (n, rows, columns, c * blocksize * blocksize))


@shape_rule("SPACE_TO_BATCH_ND", domain=TFLITE)
def space_to_batch_shape(x: TensorType, block: TensorType, pads: TensorType) -> TensorType:
    """[N, *spatial, …] -> [N · ∏block, *(spatial + pads) / block, …]."""
    assert x.shape is not None
    blocks, numbers = known_integers(block), known_integers(pads)
    if blocks is None or numbers is None:
        return TensorType(x.dtype, None)
    if len(numbers) != 2 * len(blocks) or len(x.shape) <= len(blocks):
        raise ShapeError(
            f"{len(blocks)} blocks and {len(numbers)} pads are given", "give two pads of each block's axis"
        )
    spatial = [
        divide_exactly(d + (a + b), size, f"{d + (a + b)} is no multiple of the block {size}", "correct the pads")
        for d, size, a, b in zip(x.shape[1:], blocks, numbers[::2], numbers[1::2], strict=False)
    ]
    return TensorType(x.dtype, (x.shape[0] * prod(blocks), *spatial, *x.shape[1 + len(blocks) :]))


@shape_rule("BATCH_TO_SPACE_ND", domain=TFLITE)
def batch_to_space_shape(x: TensorType, block: TensorType, crops: TensorType) -> TensorType:
    """[N, *spatial, …] -> [N / ∏block, *spatial · block - crops, …]."""
    assert x.shape is not None
    blocks, numbers = known_integers(block), known_integers(crops)
    if blocks is None or numbers is None:
        return TensorType(x.dtype, None)
    if len(numbers) != 2 * len(blocks) or len(x.shape) <= len(blocks):
        raise ShapeError(f"{len(blocks)} blocks and {len(numbers)} crops are given", "give two of each block's axis")
    n = divide_exactly(x.shape[0], prod(blocks), f"a batch of {x.shape[0]} is no whole number of blocks", "correct it")
    spatial = [
        d * size - (a + b) for d, size, a, b in zip(x.shape[1:], blocks, numbers[::2], numbers[1::2], strict=False)
    ]
    return TensorType(x.dtype, (n, *spatial, *x.shape[1 + len(blocks) :]))
