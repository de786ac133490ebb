"""StableHLO's operators in `.tflite` files: products, reductions, scattering and what moves elements, by their axes.

Those that compute what one of ONNX's does stand in counterparts.py, those with windows in stablehlo_window.py. What a
reduction does to two elements is a subgraph of the file; its operators' names are the attribute `body`. Source: the
StableHLO specification, https://openxla.org/stablehlo/spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.core.registry import cost_rule, declare_unknown, describe, free, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, traits
from costcalc.ops.common.axes import broadcast_types, normalise_axes, normalise_axis
from costcalc.ops.reduce import combination_work
from costcalc.ops.tflite import TFLITE

MOVES = (
    *("STABLEHLO_BROADCAST_IN_DIM", "STABLEHLO_DYNAMIC_SLICE", "STABLEHLO_DYNAMIC_UPDATE_SLICE", "STABLEHLO_GATHER"),
    *("STABLEHLO_IOTA", "STABLEHLO_PAD", "STABLEHLO_SLICE", "STABLEHLO_RNG_BIT_GENERATOR"),
)

BODY_KINDS = {
    **dict.fromkeys(("ADD", "STABLEHLO_ADD"), "add"),
    **dict.fromkeys(("MUL", "STABLEHLO_MULTIPLY"), "multiply"),
    **dict.fromkeys(("MAXIMUM", "MINIMUM", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM"), "compare"),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR", "STABLEHLO_AND", "STABLEHLO_OR"), "compare"),
}
"""The kind of operation that a body of one operator is."""

free(*MOVES, domain=TFLITE)

traits("STABLEHLO_RNG_BIT_GENERATOR", domain=TFLITE, random=True)

traits("STABLEHLO_GATHER", domain=TFLITE, kind="lookup", positions="lost")

traits(*MOVES, domain=TFLITE, keeps="nothing")

operands("STABLEHLO_DOT_GENERAL", domain=TFLITE, weights=(0, 1))

traits("STABLEHLO_DOT_GENERAL", domain=TFLITE, kind="product", gradient=PRODUCT_GRADIENT)

traits("STABLEHLO_REDUCE", "STABLEHLO_SORT", domain=TFLITE, positions="lost")

describe("Moves elements, repeats them, or makes new ones.", *MOVES, domain=TFLITE)

describe(
    "Each output is an inner product over the contracted axes, batch by batch.", "STABLEHLO_DOT_GENERAL", domain=TFLITE
)

describe("Combines the elements along axes.", "STABLEHLO_REDUCE", domain=TFLITE)

describe("Puts the elements along an axis in order.", "STABLEHLO_SORT", domain=TFLITE)

describe("Writes the updates to the places that the indices name.", "STABLEHLO_SCATTER", domain=TFLITE)

declare_unknown(
    "a call of a function outside of the file, which its target names", "STABLEHLO_CUSTOM_CALL", domain=TFLITE
)


def body_kind(body: str | None) -> str | None:
    """The operators of a body -> the kind of its one operation; "" of a body without one, None of another."""
    return "" if body == "" else BODY_KINDS.get(body or "?")


@shape_rule("STABLEHLO_CBRT", "STABLEHLO_RSQRT", domain=TFLITE)
def function_shape(x: TensorType) -> TensorType:
    """The input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("STABLEHLO_CONVERT", domain=TFLITE)
def convert_shape(x: TensorType) -> TensorType:
    """The input's shape; the file has the element type."""
    return TensorType(x.dtype, x.shape, x.value if x.dtype.is_integer else None)


@shape_rule("STABLEHLO_COMPARE", domain=TFLITE)
def compare_shape(a: TensorType, b: TensorType) -> TensorType:
    """A truth value at each place."""
    return TensorType(DType.BOOL, broadcast_types(a, b))


@shape_rule("STABLEHLO_CLAMP", domain=TFLITE)
def clamp_shape(low: TensorType, x: TensorType, high: TensorType) -> TensorType:
    """The shape of the second input."""
    return TensorType(x.dtype, x.shape)


@shape_rule("STABLEHLO_SLICE", domain=TFLITE)
def slice_shape(x: TensorType, *, starts: Sequence[int], ends: Sequence[int], steps: Sequence[int]) -> TensorType:
    """⌈(end − start) / step⌉ of each axis."""
    assert x.shape is not None
    if not len(x.shape) == len(starts) == len(ends) == len(steps) or min(steps, default=1) < 1:
        raise ShapeError("starts, ends and steps are not one of each axis", "name each once, with a step above 0")
    extents = [-(-(end - start) // step) for start, end, step in zip(starts, ends, steps, strict=True)]
    return TensorType(x.dtype, tuple(extents))


@shape_rule("STABLEHLO_DYNAMIC_SLICE", domain=TFLITE)
def dynamic_slice_shape(x: TensorType, *starts: TensorType, slice_sizes: Sequence[int]) -> TensorType:
    """The sizes of the slice."""
    return TensorType(x.dtype, tuple(slice_sizes))


@shape_rule("STABLEHLO_DYNAMIC_UPDATE_SLICE", "STABLEHLO_SCATTER", domain=TFLITE)
def written_shape(x: TensorType, *others: TensorType) -> TensorType:
    """The first input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("STABLEHLO_RESHAPE", domain=TFLITE)
def reshape_shape(x: TensorType, *, shape: Sequence[int]) -> TensorType:
    """The shape of the output's type, of as many elements."""
    require_equal(x.elements, prod(shape), "the elements before and after")
    return TensorType(x.dtype, tuple(shape), x.value)


@shape_rule("STABLEHLO_BROADCAST_IN_DIM", domain=TFLITE)
def broadcast_shape(x: TensorType, *, shape: Sequence[int], broadcast_dimensions: Sequence[int] = ()) -> TensorType:
    """The shape of the output's type: axis i of the input is its axis broadcast_dimensions[i], or 1."""
    assert x.shape is not None
    if len(broadcast_dimensions) != len(x.shape):
        raise ShapeError(f"{len(broadcast_dimensions)} axes are named of {len(x.shape)}", "name each once")
    for extent, axis in zip(x.shape, broadcast_dimensions, strict=True):
        if extent != 1:
            require_equal(extent, shape[normalise_axis(axis, len(shape))], "an extent before and after")
    return TensorType(x.dtype, tuple(shape))


@shape_rule("STABLEHLO_IOTA", domain=TFLITE)
def iota_shape(*, shape: Sequence[int], to: int) -> TensorType:
    """The output's type."""
    return TensorType(DTYPE_OF_CODE.get(to, DType.INT32), tuple(shape))


@shape_rule("STABLEHLO_RNG_BIT_GENERATOR", domain=TFLITE)
def random_shape(seed: TensorType, *, shape: Sequence[int], to: int) -> tuple[TensorType, TensorType]:
    """(the next state, random bits of the last output's type)."""
    return TensorType(seed.dtype, seed.shape), TensorType(DTYPE_OF_CODE.get(to, DType.UINT32), tuple(shape))


@shape_rule("STABLEHLO_PAD", domain=TFLITE)
def pad_shape(
    x: TensorType,
    value: TensorType,
    *,
    edge_padding_low: Sequence[int] = (),
    edge_padding_high: Sequence[int] = (),
    interior_padding: Sequence[int] = (),
) -> TensorType:
    """Each extent with what stands before it, behind it, and between two of its elements."""
    assert x.shape is not None
    if {len(edge_padding_low), len(edge_padding_high), len(interior_padding)} - {len(x.shape)}:
        raise ShapeError(f"the pads are not those of {len(x.shape)} axes", "give low, high and interior of each axis")
    pads = zip(x.shape, edge_padding_low, edge_padding_high, interior_padding, strict=True)
    return TensorType(x.dtype, tuple([low + d + high + maximum(d - 1, 0) * inner for d, low, high, inner in pads]))


@shape_rule("STABLEHLO_GATHER", domain=TFLITE)
def gather_shape(
    x: TensorType,
    indices: TensorType,
    *,
    offset_dims: Sequence[int] = (),
    collapsed_slice_dims: Sequence[int] = (),
    index_vector_dim: int = 0,
    slice_sizes: Sequence[int] = (),
) -> TensorType:
    """The sizes of a slice, without its collapsed axes, at the offset axes; between them the indices' axes."""
    assert indices.shape is not None
    batch = [d for i, d in enumerate(indices.shape) if i != index_vector_dim]
    window = [d for i, d in enumerate(slice_sizes) if i not in collapsed_slice_dims]
    if len(window) != len(offset_dims):
        raise ShapeError(f"{len(offset_dims)} axes are named for a slice of {len(window)}", "name each once")
    extents = (iter(batch), iter(window))
    rank = len(batch) + len(window)
    try:
        return TensorType(x.dtype, tuple([next(extents[i in offset_dims]) for i in range(rank)]))
    except StopIteration:
        raise ShapeError(f"the offset axes {list(offset_dims)} are not below {rank}", "correct them") from None


@shape_rule("STABLEHLO_DOT_GENERAL", domain=TFLITE)
def dot_shape(
    a: TensorType,
    b: TensorType,
    *,
    lhs_batching_dimensions: Sequence[int] = (),
    rhs_batching_dimensions: Sequence[int] = (),
    lhs_contracting_dimensions: Sequence[int] = (),
    rhs_contracting_dimensions: Sequence[int] = (),
) -> TensorType:
    """[batch axes, other axes of the first, other axes of the second]; what is contracted or batched agrees."""
    assert a.shape is not None and b.shape is not None
    batches = (normalise_axes(lhs_batching_dimensions, a.rank), normalise_axes(rhs_batching_dimensions, b.rank))
    inner = (normalise_axes(lhs_contracting_dimensions, a.rank), normalise_axes(rhs_contracting_dimensions, b.rank))
    for left, right in (batches, inner):
        for i, j in zip_longest(left, right):
            if i is None or j is None:
                raise ShapeError("the two sides contract or batch unlike numbers of axes", "name them in pairs")
            require_equal(a.shape[i], b.shape[j], "extents that are contracted or batched")
    batch = [a.shape[i] for i in batches[0]]
    rows = [d for i, d in enumerate(a.shape) if i not in (*batches[0], *inner[0])]
    columns = [d for i, d in enumerate(b.shape) if i not in (*batches[1], *inner[1])]
    return TensorType(a.dtype, (*batch, *rows, *columns))


@cost_rule("STABLEHLO_DOT_GENERAL", domain=TFLITE)
def dot_cost(a: TensorType, b: TensorType, *, lhs_contracting_dimensions: Sequence[int] = (), out: TensorType) -> Cost:
    """#outputs × the extents of the contracted axes; without one, one multiplication per output."""
    assert a.shape is not None
    inner: list[Dim] = [a.shape[normalise_axis(i, a.rank)] for i in lhs_contracting_dimensions]
    if not inner:
        return Cost(work=elementwise_work("multiply", "elementwise", out.elements))
    return Cost(formula(("#outputs", out.elements), ("K", prod(inner))))


@shape_rule("STABLEHLO_REDUCE", domain=TFLITE)
def reduce_shape(*inputs: TensorType, dimensions: Sequence[int] = (), n_outputs: int = 1) -> tuple[TensorType, ...]:
    """Each of the first half of the inputs without the axes; the others are the values to begin with."""
    reduced = inputs[: len(inputs) // 2]
    if len(reduced) != n_outputs:
        raise ShapeError(f"{len(inputs)} inputs are reduced to {n_outputs} outputs", "give two of each output")
    types = []
    for x in reduced:
        assert x.shape is not None
        axes = normalise_axes(dimensions, len(x.shape)) if dimensions else ()
        types.append(TensorType(x.dtype, tuple([d for i, d in enumerate(x.shape) if i not in axes])))
    return tuple(types)


@cost_rule("STABLEHLO_REDUCE", domain=TFLITE)
def reduce_cost(*inputs: TensorType, body: str | None = None, out: TensorType) -> Cost | None:
    """#inputs − #outputs operations of the body, where that is one operation; else it is not known."""
    kind = body_kind(body)
    return combination_work(kind, "reduction", inputs[0], out) if kind and len(inputs) == 2 else None


@shape_rule("STABLEHLO_SORT", domain=TFLITE)
def sort_shape(*inputs: TensorType) -> tuple[TensorType, ...]:
    """The inputs' shapes."""
    return tuple([TensorType(x.dtype, x.shape) for x in inputs])


@cost_rule("STABLEHLO_SORT", domain=TFLITE)
def sort_cost(*inputs: TensorType) -> Cost:
    """One comparison per element of the first input: a lower bound that no way of sorting goes below."""
    return Cost(work=elementwise_work("compare", "elementwise", inputs[0].elements))


@cost_rule("STABLEHLO_SCATTER", domain=TFLITE)
def scatter_cost(x: TensorType, indices: TensorType, updates: TensorType, *, body: str | None = None) -> Cost | None:
    """One operation of the body per update, none where it only replaces; a body of several is not known."""
    kind = body_kind(body)
    if kind is None:
        return None
    return Cost(work=elementwise_work(kind, "elementwise", updates.elements, 1, "#updates")) if kind else Cost()
