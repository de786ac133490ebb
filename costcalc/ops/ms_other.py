"""com.microsoft's operators that move data: indexing, padding, ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from costcalc.core.traits import Packed, traits
from costcalc.dim import Dim
from costcalc.formula import Cost, per
from costcalc.ir import DType, TensorType, Value
from costcalc.ops.axes import axis_of
from costcalc.ops.gather import gather_nd_shape
from costcalc.ops.generate import range_shape, range_value
from costcalc.ops.movement import pad_shape, same_shape
from costcalc.ops.ms_matmul import MS
from costcalc.registry import cost_rule, describe, free, operands, shape_rule, value_rule

free("Pad", "GatherND", "Trilu", "TorchEmbedding", "Range", "NGramRepeatBlock", "RemovePadding", domain=MS)
free("RestorePadding", "UnfoldTensor", domain=MS)
free("ExpandDims", domain=MS, view=True)
operands("TorchEmbedding", domain=MS, weights=(0,))
operands("GatherBlockQuantized", domain=MS, weights=(0,), buffers=(2, 3))
traits("GatherBlockQuantized", domain=MS, straight_through=True,
       packed=Packed(frozenset((0,)), lambda data, attributes: _unpacked(data, attributes)))  # fmt: skip
traits("GatherND", domain=MS, keeps="indices")
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
Fresh = Callable[[str], Dim]
shape_rule("GatherND", domain=MS)(gather_nd_shape)
shape_rule("Trilu", domain=MS)(same_shape)


@shape_rule("Pad", domain=MS)
def ms_pad_shape(data: TensorType, pads: TensorType, value: TensorType | None = None, *, fresh: Fresh) -> TensorType:
    """extent + begin + end on each axis."""
    return pad_shape(data, pads, value, fresh=fresh)  # type: ignore[return-value]


def _step(start: TensorType, delta: TensorType | None) -> TensorType:
    return TensorType(start.dtype, (), (1,)) if delta is None else delta


@shape_rule("Range", domain=MS)
def ms_range_shape(
    start: TensorType, limit: TensorType, delta: TensorType | None = None, *, fresh: Fresh
) -> TensorType:
    """[⌈(limit - start) / delta⌉]; delta is 1 unless given."""
    return range_shape(start, limit, _step(start, delta), fresh=fresh)  # type: ignore[return-value]


@value_rule("Range", domain=MS)
def ms_range_value(
    start: TensorType, limit: TensorType, delta: TensorType | None = None, *, out: TensorType
) -> Value | None:
    """start, start + delta, …"""
    return range_value(start, limit, _step(start, delta), out=out)


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


def _unpacked(data: TensorType, attributes: Mapping[str, Any]) -> Dim:
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
    at = axis_of(gather_axis, data.rank)
    shape = data.shape
    if data.dtype is DType.UINT8:
        shape = (*shape[:-1], shape[-1] * (8 // bits))
    return TensorType(scales.dtype, (*shape[:at], *indices.shape, *shape[at + 1 :]))


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
    work = per("multiply", "quantization", out.elements)
    return Cost(work=work + per("add", "quantization", out.elements, int(zero_points is not None)))


@shape_rule("RemovePadding", domain=MS)
def remove_padding_shape(x: TensorType, sequence_token_count: TensorType, *, fresh: Fresh) -> tuple[TensorType, ...]:
    """x [B, S, C] -> [tokens, C], offsets [B, S], cumulated lengths [B + 1], the longest [1]."""
    assert x.shape is not None
    batch, steps, features = x.shape
    return (
        TensorType(x.dtype, (fresh("tokens"), features)),
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
    at = axis_of(dim, x.rank)
    slices = (x.shape[at] - size) // step + 1
    return TensorType(x.dtype, (*x.shape[:at], slices, *x.shape[at + 1 :], size))


@shape_rule("ExpandDims", domain=MS)
def expand_dims_shape(x: TensorType, axis: TensorType) -> TensorType:
    """An axis of extent 1 more, where the value of axis says."""
    assert x.shape is not None
    if axis.value is None:
        return TensorType(x.dtype, None)
    at = axis_of(int(axis.value[0]), x.rank + 1)
    return TensorType(x.dtype, (*x.shape[:at], 1, *x.shape[at:]))
