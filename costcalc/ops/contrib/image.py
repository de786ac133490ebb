"""Pools, transposed convolutions, crops and character convolutions of com.microsoft that read their shape at run time.

Source: ONNX Runtime's docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, product, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, FreshSymbol, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.conv import conv_transpose_cost, conv_transpose_shape
from costcalc.ops.pool import max_pool_cost, max_pool_shape
from costcalc.ops.vision import interpolation_work

operands("ConvTransposeWithDynamicPads", domain=MS, weights=(1, 3))

operands("WordConvEmbedding", domain=MS, weights=(1, 2, 3))

traits("MaxpoolWithMask", domain=MS, kind="pool", keeps="maxima")

traits("ConvTransposeWithDynamicPads", domain=MS, kind="transposed_convolution", bias=3, gradient=PRODUCT_GRADIENT)

traits("CropAndResize", domain=MS, layout="channels_first", positions="lost")

traits("WordConvEmbedding", domain=MS, positions="lost")

describe("Takes the greatest input that a mask leaves under each position of a window.", "MaxpoolWithMask", domain=MS)

describe(
    "Each input value spreads over the output: it is multiplied with every filter weight of its channel.",
    "ConvTransposeWithDynamicPads",
    domain=MS,
)

describe("Regions are cut out and interpolated to one size.", "CropAndResize", domain=MS)

describe("Each word becomes the largest of what filters find in its characters.", "WordConvEmbedding", domain=MS)


@least_work_rule("MaxpoolWithMask", domain=MS)
def masked_pool_least_work(use: OperatorUse) -> LeastWork:
    """Positions that the mask leaves out: it may leave out all."""
    return LeastWork(0, {0: 0})


@shape_rule("MaxpoolWithMask", domain=MS)
def masked_pool_shape(
    x: TensorType,
    mask: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, C, *in] -> [N, C, *out]."""
    pooled = max_pool_shape(x, kernel_shape=kernel_shape, strides=strides, pads=pads, auto_pad=auto_pad)
    return pooled if isinstance(pooled, TensorType) else pooled[0]


@cost_rule("MaxpoolWithMask", domain=MS)
def masked_pool_cost(x: TensorType, mask: TensorType, *, kernel_shape: Sequence[int], out: TensorType) -> Cost:
    """As MaxPool: ∏kernel − 1 comparisons per output."""
    return max_pool_cost(x, kernel_shape=kernel_shape, out=out)


@shape_rule("ConvTransposeWithDynamicPads", domain=MS)
def dynamic_pads_shape(
    x: TensorType,
    w: TensorType,
    pads: TensorType | None = None,
    b: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
    output_padding: Sequence[int] | None = None,
    fresh: FreshSymbol,
) -> TensorType:
    """As ConvTranspose with pads that are an input; output extents are new symbols where its contents are not known."""
    out = conv_transpose_shape(
        x,
        w,
        b,
        strides=strides,
        pads=None if pads is None or pads.value is None else pads.value,
        dilations=dilations,
        group=group,
        auto_pad=auto_pad,
        output_padding=output_padding,
    )
    assert isinstance(out, TensorType) and out.shape is not None
    if pads is None or pads.value is not None:
        return out
    return TensorType(x.dtype, (*out.shape[:2], *(fresh(f"extent{i}") for i in range(2, len(out.shape)))))


@cost_rule("ConvTransposeWithDynamicPads", domain=MS)
def dynamic_pads_cost(
    x: TensorType, w: TensorType, pads: TensorType | None = None, b: TensorType | None = None, *, out: TensorType
) -> Cost:
    """As ConvTranspose: #inputs × #filter params; a bias adds one addition per output."""
    return conv_transpose_cost(x, w, b, out=out)


@shape_rule("CropAndResize", domain=MS)
def crop_and_resize_shape(
    x: TensorType, rois: TensorType, batch_indices: TensorType, crop_size: TensorType, *, fresh: FreshSymbol
) -> TensorType:
    """x [N, C, H, W], rois [R, 4], crop_size [2] -> [R, C, *crop_size]."""
    if x.rank != 4 or rois.rank != 2:
        raise ShapeError(f"X has {x.rank} axes, rois {rois.rank}", "they are [N, C, H, W] and [regions, 4]")
    assert x.shape is not None and rois.shape is not None
    size = crop_size.value or (fresh("height"), fresh("width"))
    return TensorType(x.dtype, (rois.shape[0], x.shape[1], *size[:2]))


@cost_rule("CropAndResize", domain=MS)
def crop_and_resize_cost(
    x: TensorType,
    rois: TensorType,
    batch_indices: TensorType,
    crop_size: TensorType,
    *,
    mode: str = "bilinear",
    out: TensorType,
) -> Cost:
    """bilinear: 4 multiplications and 3 additions per output; nearest: nothing."""
    return Cost(work=interpolation_work(out.elements, 4) if mode == "bilinear" else ())


@shape_rule("WordConvEmbedding", domain=MS)
def word_embedding_shape(sequence: TensorType, w: TensorType, b: TensorType, c: TensorType) -> TensorType:
    """sequence [words, characters], w [F, 1, window, E] -> [words, F]."""
    if sequence.rank != 2 or w.rank != 4:
        raise ShapeError(f"the sequence has {sequence.rank} axes, W {w.rank}", "they have 2 and 4")
    assert sequence.shape is not None and w.shape is not None
    return TensorType(w.dtype, (sequence.shape[0], w.shape[0]))


@cost_rule("WordConvEmbedding", domain=MS)
def word_embedding_cost(sequence: TensorType, w: TensorType, b: TensorType, c: TensorType, *, out: TensorType) -> Cost:
    """#words × (characters − window + 1) × F × window × E: words of the full length, shorter ones do less. Per position
    and filter an addition of the bias, a tanh and a comparison for the maximum."""
    assert sequence.shape is not None and w.shape is not None
    words, characters = sequence.shape
    filters, _, window, size = w.shape
    places = characters - window + 1
    found = words * places * filters
    work = elementwise_work("add", "bias", found, 1, "#positions × filters")
    work += elementwise_work("transcendental", "activation", found, 1, "#positions × filters")
    work += elementwise_work("compare", "pooling", found - out.elements, 1, "(#positions × filters − #outputs)")
    macs = product(("#words", words), ("positions", places), ("F", filters), ("window", window), ("E", size))
    return Cost(sum_of_products(macs), work)
