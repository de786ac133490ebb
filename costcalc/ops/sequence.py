"""Sequences of tensors, optionals and control flow.

If, Loop, Scan and SequenceMap do no arithmetic of their own; the nodes of their bodies stand in the graph beside them,
each with how often it runs.
"""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.budget import MAX_LENGTH, check_limit
from costcalc.core.dim import Dim, divide
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DTYPE_OF_CODE, EMPTY_OPTIONAL, DType, SequenceType, TensorType
from costcalc.core.registry import FreshSymbol, describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import normalise_axis

free("SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SequenceErase", "SequenceAt", "SequenceLength")

free("SplitToSequence", "ConcatFromSequence", "OptionalHasElement")

free("Optional", "OptionalGetElement", view=True)

describe("Tensors are put into a sequence.", "SequenceConstruct", "SequenceEmpty", "SequenceInsert")

describe("A tensor is taken out of a sequence.", "SequenceErase", "SequenceAt")

describe("How many tensors a sequence holds.", "SequenceLength")

describe("A tensor is cut into a sequence of tensors.", "SplitToSequence")

describe("A sequence of tensors becomes one tensor.", "ConcatFromSequence")

describe("A value that may be absent.", "Optional", "OptionalGetElement", "OptionalHasElement")


def sequence_of(dtype: DType, items: tuple[TensorType, ...]) -> SequenceType:
    """A sequence of known items."""
    return SequenceType(dtype, (len(items),), items)


def sequence_of_type(item: TensorType, length: Dim) -> SequenceType:
    """A sequence of items of one type; the length may be open. Of a long one the items are not listed."""
    if isinstance(length, int) and length <= MAX_LENGTH:
        return sequence_of(item.dtype, (item,) * length)
    return SequenceType(item.dtype, (length,), (item,))


def _check_sequence(x: TensorType) -> SequenceType:
    if not isinstance(x, SequenceType):
        raise ShapeError("the input is a tensor", "give a sequence, such as SequenceConstruct makes")
    return x


def _equal_type(items: tuple[TensorType, ...]) -> TensorType | None:
    """The one type that all items have, without values; None where they differ or there are none."""
    if not items or any(item.shape != items[0].shape for item in items):
        return None
    return TensorType(items[0].dtype, items[0].shape)


@shape_rule("SequenceEmpty")
def sequence_empty_shape(*, dtype: int = 1) -> TensorType:
    """-> a sequence of no tensors."""
    return sequence_of(DTYPE_OF_CODE[dtype], ())


@shape_rule("SequenceConstruct")
def sequence_construct_shape(*inputs: TensorType) -> TensorType:
    """Tensors -> their sequence."""
    return sequence_of(inputs[0].dtype, inputs)


@shape_rule("SequenceLength")
def sequence_length_shape(x: TensorType) -> TensorType:
    """A sequence -> its length, a scalar whose value is known."""
    return TensorType(DType.INT64, (), _check_sequence(x).shape)


@shape_rule("SequenceAt")
def sequence_at_shape(x: TensorType, position: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """The item at the position; at an unknown one, what all items have in common, a new symbol where extents differ."""
    x = _check_sequence(x)
    items = x.items
    if items is not None and position.value is not None:
        item: TensorType = items[normalise_axis(int(position.value[0]), len(items))]
        return item
    return _common_type(x, fresh)


def _common_type(x: SequenceType, fresh: FreshSymbol) -> TensorType:
    shapes = [item.shape for item in x.value or ()]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) != 1:
        return TensorType(x.dtype, None)
    return TensorType(
        x.dtype,
        tuple(
            extents[0] if all(extent == extents[0] for extent in extents) else fresh(f"extent_{axis}")
            for axis, extents in enumerate(zip(*shapes, strict=True))
        ),
    )


@shape_rule("SequenceInsert")
def sequence_insert_shape(x: TensorType, tensor: TensorType, position: TensorType | None = None) -> TensorType:
    """A sequence of n, a tensor -> a sequence of n + 1."""
    x = _check_sequence(x)
    assert x.shape is not None
    items = x.items
    if items is not None and (position is None or position.value is not None):
        index = len(items) if position is None or position.value is None else int(position.value[0])
        if not -len(items) <= index <= len(items):
            raise ShapeError(f"position {index} does not exist in a sequence of {len(items)}", "use a smaller one")
        index = index + len(items) if index < 0 else index
        return sequence_of(tensor.dtype, (*items[:index], tensor, *items[index:]))
    common = _equal_type((*(x.value or ()), tensor))
    return SequenceType(tensor.dtype, None) if common is None else sequence_of_type(common, x.shape[0] + 1)


@shape_rule("SequenceErase")
def sequence_erase_shape(x: TensorType, position: TensorType | None = None) -> TensorType:
    """A sequence of n -> a sequence of n - 1, by default without its last."""
    x = _check_sequence(x)
    assert x.shape is not None
    items = x.items
    if items is not None and (position is None or position.value is not None):
        index = normalise_axis(-1 if position is None or position.value is None else int(position.value[0]), len(items))
        return sequence_of(x.dtype, items[:index] + items[index + 1 :])
    common = _equal_type(x.value or ())
    return SequenceType(x.dtype, None) if common is None else sequence_of_type(common, x.shape[0] - 1)


@shape_rule("SplitToSequence")
def split_to_sequence_shape(
    x: TensorType, split: TensorType | None = None, *, axis: int = 0, keepdims: int = 1, fresh: FreshSymbol
) -> TensorType:
    """A tensor -> its parts along an axis: of the lengths that split lists, of its one length (the last part may be
    shorter), or of length 1."""
    assert x.shape is not None
    axis_index = normalise_axis(axis, x.rank)
    before, extent, after = x.shape[:axis_index], x.shape[axis_index], x.shape[axis_index + 1 :]

    def part_type(length: Dim) -> TensorType:
        return TensorType(x.dtype, (*before, length, *after))

    if split is None:
        return sequence_of_type(part_type(1) if keepdims else TensorType(x.dtype, (*before, *after)), extent)
    if split.value is None:
        return sequence_of_type(part_type(fresh("part")), split.shape[0] if split.shape else fresh("parts"))
    if split.shape:
        return sequence_of(x.dtype, tuple(part_type(length) for length in split.value))
    size = split.value[0]
    count = divide(extent, size)
    if count is not None:
        return sequence_of_type(part_type(size), count)
    if isinstance(extent, int) and isinstance(size, int):
        check_limit(extent // size, MAX_LENGTH, "items of a sequence")
        return sequence_of(x.dtype, (part_type(size),) * (extent // size) + (part_type(extent % size),))
    return sequence_of_type(part_type(fresh("part")), (extent + (size - 1)) // size)


@shape_rule("ConcatFromSequence")
def concat_from_sequence_shape(x: TensorType, *, axis: int, new_axis: int = 0, fresh: FreshSymbol) -> TensorType:
    """A sequence -> its items side by side along an axis, or along a new one."""
    x = _check_sequence(x)
    assert x.shape is not None
    items = x.items
    first = _common_type(x, fresh) if items is None else items[0] if items else TensorType(x.dtype, None)
    if first.shape is None:
        return first
    axis_index = normalise_axis(axis, len(first.shape) + bool(new_axis))
    if new_axis:
        return TensorType(x.dtype, (*first.shape[:axis_index], x.shape[0], *first.shape[axis_index:]))
    if items is None:
        return TensorType(
            x.dtype, (*first.shape[:axis_index], first.shape[axis_index] * x.shape[0], *first.shape[axis_index + 1 :])
        )
    shape: list[Dim] = list(first.shape)
    for item in items[1:]:
        assert item.shape is not None
        for i, extent in enumerate(item.shape):
            shape[i] = (
                shape[i] + extent if i == axis_index else require_equal(shape[i], extent, "the extents of the items")
            )
    return TensorType(x.dtype, tuple(shape))


@shape_rule("Optional")
def optional_shape(x: TensorType | None = None) -> TensorType:
    """A value, or an optional that holds nothing."""
    return EMPTY_OPTIONAL if x is None else x


@shape_rule("OptionalGetElement")
def optional_get_shape(x: TensorType) -> TensorType:
    """The type inside the optional."""
    if x == EMPTY_OPTIONAL:
        raise ShapeError("the optional holds nothing", "ask OptionalHasElement first")
    return x


@shape_rule("OptionalHasElement")
def optional_has_shape(x: TensorType | None = None) -> TensorType:
    """-> a boolean whose value is known."""
    return TensorType(DType.BOOL, (), (x is not None and x != EMPTY_OPTIONAL,))


free("If", "Loop", "Scan", "SequenceMap")

traits("If", "Loop", "Scan", positions="lost")

describe("One of two graphs runs, as a condition says.", "If")

describe("A graph runs a number of times, or while a condition holds.", "Loop")

describe("A graph runs once per slice of the scanned inputs.", "Scan")

describe("A graph runs once per element of a sequence.", "SequenceMap")
