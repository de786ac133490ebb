"""Numerical operators of com.microsoft: distances, inverses, spectra, distinct elements, indexing, padding, ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.registry import MS, FreshSymbol, cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import LeastWork, OperatorUse, PackedInputs, least_work_rule, traits
from costcalc.ops.common.axes import normalise_axis
from costcalc.ops.common.lookup import count_gathered
from costcalc.ops.common.visibility import known_integers
from costcalc.ops.creation import range_shape, range_value
from costcalc.ops.indexing import gather_nd_least_work, gather_nd_shape, selection_cost
from costcalc.ops.join_split import pad_shape, same_shape

describe("The different elements.", "Unique", domain=MS)

describe("The distance of each pair of rows.", "CDist", domain=MS)

describe("The inverse of each square matrix.", "Inverse", domain=MS)

describe("A signal is taken apart into frequencies, or put together from them.", "Rfft", "Irfft", domain=MS)


@shape_rule("Unique", domain=MS)
def ms_unique_shape(x: TensorType, *, fresh: FreshSymbol) -> tuple[TensorType, ...]:
    """(values, which of them each element is, counts): as many as there are different elements, a new symbol."""
    count = fresh("unique", x.elements)
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
    require_equal(a.shape[1], b.shape[1], "the features of both sides")
    return TensorType(a.dtype, (a.shape[0], b.shape[0]))


@cost_rule("CDist", domain=MS)
def cdist_cost(a: TensorType, b: TensorType, *, metric: str = "euclidean", out: TensorType) -> Cost:
    """Per pair of rows and feature 1 subtraction, 1 multiplication and 1 addition; a root per pair for euclidean.
    No MACs are counted."""
    assert a.shape is not None
    differences = out.elements * a.shape[1]
    work = elementwise_work("add", "elementwise", differences, 2, "#differences") + elementwise_work(
        "multiply", "elementwise", differences, 1, "#differences"
    )
    return Cost(work=work + elementwise_work("transcendental", "elementwise", out.elements, int(metric == "euclidean")))


@shape_rule("Inverse", domain=MS)
def inverse_shape(x: TensorType) -> TensorType:
    """x [*batch, M, M] -> the same."""
    assert x.shape is not None
    if x.rank < 2:
        raise ShapeError(f"X has {x.rank} axes", "it is a square matrix or a batch of them")
    require_equal(x.shape[-2], x.shape[-1], "the rows and columns of a square matrix")
    return TensorType(x.dtype, x.shape)


@cost_rule("Inverse", domain=MS)
def inverse_cost(x: TensorType) -> Cost:
    """Gauss-Jordan elimination: per matrix of M rows M³ multiplications and as many subtractions, no MACs."""
    assert x.shape is not None
    updates = prod(x.shape[:-2]) * x.shape[-1] ** 3
    return Cost(
        work=elementwise_work("multiply", "elementwise", updates, 1, "#updates")
        + elementwise_work("add", "elementwise", updates, 1, "#updates")
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
        work=elementwise_work("multiply", "elementwise", products, 1, "#terms")
        + elementwise_work("add", "elementwise", products, 1, "#terms")
    )


free("Pad", "GatherND", "Trilu", "TorchEmbedding", "Range", "NGramRepeatBlock", "RemovePadding", domain=MS)

free("RestorePadding", "UnfoldTensor", domain=MS)

free("ExpandDims", domain=MS, view=True)

operands("TorchEmbedding", domain=MS, weights=(0,))

operands("GatherBlockQuantized", domain=MS, weights=(0,), buffers=(2, 3))

traits(
    "GatherBlockQuantized",
    domain=MS,
    straight_through=True,
    packed=PackedInputs(frozenset((0,)), lambda data, attributes: _unpacked_elements(data, attributes)),
)

traits("GatherND", domain=MS, keeps="indices", reads="part", least_work=gather_nd_least_work)

traits("TorchEmbedding", domain=MS, kind="lookup", positions="lost", keeps="indices")

traits("Pad", "Trilu", domain=MS, keeps="nothing")

describe("Adds a border.", "Pad", domain=MS)

describe("Picks elements by index.", "GatherND", "TorchEmbedding", domain=MS)

describe("Picks rows of a quantised table and dequantises them.", "GatherBlockQuantized", domain=MS)

describe("Keeps the upper or the lower triangle.", "Trilu", domain=MS)

describe("Numbers from start to limit.", "Range", domain=MS)

describe("Bars tokens that would repeat an n-gram.", "NGramRepeatBlock", domain=MS)

describe("Takes the padding out of a batch, or puts it back.", "RemovePadding", "RestorePadding", domain=MS)

describe("Copies overlapping slices along an axis.", "UnfoldTensor", domain=MS)

describe("Inserts an axis of extent 1.", "ExpandDims", domain=MS)

shape_rule("GatherND", domain=MS)(gather_nd_shape)

shape_rule("Trilu", domain=MS)(same_shape)


@shape_rule("Pad", domain=MS)
def ms_pad_shape(
    data: TensorType, pads: TensorType, value: TensorType | None = None, *, fresh: FreshSymbol
) -> TensorType:
    """extent + begin + end on each axis."""
    return pad_shape(data, pads, value, fresh=fresh)  # type: ignore[return-value]


def _default_delta(start: TensorType, delta: TensorType | None) -> TensorType:
    return TensorType(start.dtype, (), (1,)) if delta is None else delta


@shape_rule("Range", domain=MS)
def ms_range_shape(
    start: TensorType, limit: TensorType, delta: TensorType | None = None, *, fresh: FreshSymbol
) -> TensorType:
    """[⌈(limit - start) / delta⌉]; delta is 1 by default."""
    return range_shape(start, limit, _default_delta(start, delta), fresh=fresh)  # type: ignore[return-value]


@value_rule("Range", domain=MS)
def ms_range_value(
    start: TensorType, limit: TensorType, delta: TensorType | None = None, *, out: TensorType
) -> Value | None:
    """start, start + delta, …"""
    return range_value(start, limit, _default_delta(start, delta), out=out)


@shape_rule("NGramRepeatBlock", domain=MS)
def ngram_shape(input_ids: TensorType, scores: TensorType) -> TensorType:
    """The scores' type."""
    return TensorType(scores.dtype, scores.shape)


@shape_rule("TorchEmbedding", domain=MS)
def torch_embedding_shape(
    weight: TensorType,
    indices: TensorType,
    padding_idx: TensorType | None = None,
    scale_grad_by_freq: TensorType | None = None,
) -> TensorType:
    """weight [N, M], indices [*] -> [*, M]."""
    assert weight.shape is not None and indices.shape is not None
    return TensorType(weight.dtype, (*indices.shape, *weight.shape[1:]))


def _unpacked_elements(data: TensorType, attributes: Mapping[str, Any]) -> Dim:
    return data.elements * (8 // attributes.get("bits", 4)) if data.dtype is DType.UINT8 else data.elements


@shape_rule("GatherBlockQuantized", domain=MS)
def gather_block_quantized_shape(
    data: TensorType,
    indices: TensorType,
    scales: TensorType,
    zero_points: TensorType | None = None,
    *,
    bits: int = 4,
    gather_axis: int = 0,
) -> TensorType:
    """data [*before, axis, *behind] -> [*before, *indices, *behind] in the scales' type; bytes hold 8 / bits elements
    of the last axis each."""
    assert data.shape is not None and indices.shape is not None
    axis_index = normalise_axis(gather_axis, data.rank)
    shape = data.shape
    if data.dtype is DType.UINT8:
        shape = (*shape[:-1], shape[-1] * (8 // bits))
    return TensorType(scales.dtype, (*shape[:axis_index], *indices.shape, *shape[axis_index + 1 :]))


@least_work_rule("TorchEmbedding", domain=MS)
def torch_embedding_least_work(use: OperatorUse) -> LeastWork:
    """As Gather."""
    table, indices = use.input(0), use.input(1)
    assert table is not None and indices is not None
    return LeastWork(0, {0: count_gathered(table, indices)})


@least_work_rule("GatherBlockQuantized", domain=MS)
def quantized_lookup_least_work(use: OperatorUse) -> LeastWork:
    """As Gather, of the table, its scales and its zero points. An index beyond the table reads nothing, and indices
    that come at run time may all be beyond it."""
    data, indices = use.input(0), use.input(1)
    assert data is not None and data.shape is not None and indices is not None
    axis = normalise_axis(use.attributes.get("gather_axis", 0), data.rank)
    known, extent = known_integers(indices), data.shape[axis]
    if known is None or not isinstance(extent, int):
        return LeastWork(0, {0: 0, 2: 0, 3: 0})
    inside = tuple([i for i in known if -extent <= i < extent])
    rows = TensorType(indices.dtype, (len(inside),), inside)
    tables = {i: t for i in (0, 2, 3) if (t := use.input(i)) is not None}
    return LeastWork(0, {i: count_gathered(t, rows, axis) if t.rank == data.rank else 0 for i, t in tables.items()})


@cost_rule("GatherBlockQuantized", domain=MS)
def gather_block_quantized_cost(
    data: TensorType,
    indices: TensorType,
    scales: TensorType,
    zero_points: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """Per output 1 multiplication with the scale, and 1 subtraction with zero points."""
    work = elementwise_work("multiply", "quantization", out.elements)
    return Cost(work=work + elementwise_work("add", "quantization", out.elements, int(zero_points is not None)))


@shape_rule("RemovePadding", domain=MS)
def remove_padding_shape(
    x: TensorType, sequence_token_count: TensorType, *, fresh: FreshSymbol
) -> tuple[TensorType, ...]:
    """x [B, S, C] -> [tokens, C], offsets [B, S], cumulated lengths [B + 1], the longest [1]."""
    assert x.shape is not None
    batch, steps, features = x.shape
    return (
        TensorType(x.dtype, (fresh("tokens", batch * steps), features)),
        TensorType(DType.INT32, (batch, steps)),
        TensorType(DType.INT32, (batch + 1,)),
        TensorType(DType.INT32, (1,)),
    )


@shape_rule("RestorePadding", domain=MS)
def restore_padding_shape(x: TensorType, token_offset: TensorType) -> TensorType:
    """x [tokens, C], offsets [B, S] -> [B, S, C]."""
    assert x.shape is not None and token_offset.shape is not None
    return TensorType(x.dtype, (*token_offset.shape, x.shape[1]))


@shape_rule("UnfoldTensor", domain=MS)
def unfold_shape(x: TensorType, *, size: int, dim: int = -1, step: int = 1) -> TensorType:
    """The axis becomes (extent - size) // step + 1 slices; their size is a new last axis."""
    assert x.shape is not None
    axis_index = normalise_axis(dim, x.rank)
    slices = (x.shape[axis_index] - size) // step + 1
    return TensorType(x.dtype, (*x.shape[:axis_index], slices, *x.shape[axis_index + 1 :], size))


@shape_rule("ExpandDims", domain=MS)
def expand_dims_shape(x: TensorType, axis: TensorType) -> TensorType:
    """An axis of extent 1 more, where the value of axis says."""
    assert x.shape is not None
    if axis.value is None:
        return TensorType(x.dtype, None)
    axis_index = normalise_axis(int(axis.value[0]), x.rank + 1)
    return TensorType(x.dtype, (*x.shape[:axis_index], 1, *x.shape[axis_index:]))
