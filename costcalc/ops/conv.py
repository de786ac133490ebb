"""Convolutions of any spatial rank: Conv and ConvTranspose, and the arithmetic that their quantised forms share."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, contraction, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import shape_text
from costcalc.ops.common.window import output_shape, transposed_extents
from costcalc.ops.common.window_reads import convolution_reads, transposed_convolution_reads

operands("Conv", "ConvTranspose", weights=(1, 2))

traits("Conv", kind="convolution", bias=2, gradient=PRODUCT_GRADIENT)

traits("ConvTranspose", kind="transposed_convolution", bias=2, gradient=PRODUCT_GRADIENT)

describe(
    "Each filter slides over the input and gives one channel: at each position it multiplies and adds all the "
    "inputs under it.",
    "Conv",
)

describe(
    "Each input value spreads over the output: it is multiplied with every filter weight of its channel.",
    "ConvTranspose",
)

AXES = {0: "", 1: "w", 2: "hw", 3: "dhw"}


@shape_rule("Conv")
def conv_shape(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, C_in, *in], w [C_out, C_in/group, *kernel] -> [N, C_out, *out]."""
    return TensorType(x.dtype, conv_extents(x, w, b, strides, pads, dilations, group, auto_pad))


@least_work_rule("Conv")
def conv_least_work(use: OperatorUse) -> LeastWork:
    """Positions of the input that no window covers (strides beyond the kernel, a rest at the end, wide dilations), and
    taps that stand in the padding at every position."""
    return convolution_reads(use, use.input(0), use.input(1))


def conv_extents(
    x: TensorType,
    w: TensorType,
    b: TensorType | None,
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    group: int,
    auto_pad: str,
) -> tuple[Dim, ...]:
    """The output shape of a convolution; the quantised forms share it."""
    n, c_in, *spatial = _check_rank(x, w, "the input")
    c_out, c_group, *kernel = _check_rank(w, x, "the weight")
    require_equal(
        c_in, c_group * group, f"the channels of the input and those the weight expects ({c_group} × group {group})"
    )
    if group != 1 and c_out % group != 0:
        raise ShapeError(f"{c_out} filters do not divide into {group} groups", "make filters a multiple of group")
    if b is not None:
        require_equal(b.elements, c_out, "the bias and the filters")
    return (n, c_out, *output_shape(spatial, kernel, strides, pads, dilations, auto_pad))


def _check_rank(t: TensorType, counterpart: TensorType, name: str) -> tuple[Dim, ...]:
    assert t.shape is not None and counterpart.shape is not None
    if len(t.shape) != len(counterpart.shape) or len(t.shape) < 3:
        raise ShapeError(
            f"{name} has shape {shape_text(t.shape)} beside {shape_text(counterpart.shape)}",
            "it takes [N, C, spatial…] and [filters, C/group, kernel…] of one rank",
        )
    return t.shape


@cost_rule("Conv")
def conv_cost(x: TensorType, w: TensorType, b: TensorType | None = None, *, out: TensorType) -> Cost:
    """#filter params (C_in/group · ∏kernel) × #filter positions (N · ∏out) × #filters (C_out); a bias adds one
    addition per output. Positions whose filter reaches into the padding count."""
    assert w.shape is not None and out.shape is not None
    c_out, c_group, *kernel = w.shape
    n, _, *extents = out.shape
    axes = AXES.get(len(kernel), "")
    return contraction(
        product_factor("#filter params", ("C_in/group", c_group), *_axis_factors("k", axes, kernel)),
        product_factor("#filter positions", ("N", n), *_axis_factors("out", axes, extents)),
        ("#filters", c_out),
        bias=out.elements if b is not None else 0,
    )


def _axis_factors(name: str, axes: str, extents: Sequence[Dim]) -> list[tuple[str, Dim]]:
    return [(f"{name}_{axes[i] if axes else i}", extent) for i, extent in enumerate(extents)]


@shape_rule("ConvTranspose")
def conv_transpose_shape(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
) -> TensorType:
    """x [N, C_in, *in], w [C_in, C_out/group, *kernel] -> [N, C_out, *out], out = stride · (in - 1) + output_padding +
    reach - pads, or the attribute output_shape, or in · stride with auto_pad SAME."""
    n, c_in, *spatial = _check_rank(x, w, "the input")
    c_weight, c_group, *kernel = _check_rank(w, x, "the weight")
    require_equal(c_in, c_weight, "the channels of the input and those of the weight")
    if group != 1 and c_in % group != 0:
        raise ShapeError(f"{c_in} channels do not divide into {group} groups", "make channels a multiple of group")
    rank = len(spatial)
    if output_shape and len(output_shape) not in (rank, rank + 2):
        raise ShapeError(
            f"output_shape has {len(output_shape)} numbers for {rank} spatial axes", f"give {rank} numbers"
        )
    attributes = {
        "strides": strides,
        "pads": pads,
        "dilations": dilations,
        "auto_pad": auto_pad,
        "output_padding": output_padding,
        "output_shape": output_shape,
    }
    out = [extent for _, extent in transposed_extents(spatial, kernel, attributes)]
    for extent in out:
        if isinstance(extent, int) and extent < 1:
            raise ShapeError(f"the output extent is {extent}", "use less padding")
    return TensorType(x.dtype, (n, c_group * group, *out))


@least_work_rule("ConvTranspose")
def conv_transpose_least_work(use: OperatorUse) -> LeastWork:
    """Positions of the input and taps whose products are all cut off by the padding."""
    x, w = use.input(0), use.input(1)
    assert x is not None and w is not None
    return transposed_convolution_reads(use, x, w)


@cost_rule("ConvTranspose")
def conv_transpose_cost(x: TensorType, w: TensorType, b: TensorType | None = None, *, out: TensorType) -> Cost:
    """#inputs (N · C_in · ∏in) × #filter params (C_out/group · ∏kernel): each input value meets each weight of its
    channel once; a bias adds one addition per output."""
    assert x.shape is not None and w.shape is not None
    n, c_in, *extents = x.shape
    _, c_group, *kernel = w.shape
    axes = AXES.get(len(kernel), "")
    return contraction(
        product_factor("#inputs", ("N", n), ("C_in", c_in), *_axis_factors("in", axes, extents)),
        product_factor("#filter params", ("C_out/group", c_group), *_axis_factors("k", axes, kernel)),
        bias=out.elements if b is not None else 0,
    )


def kernel_size(w: TensorType) -> Dim:
    """∏kernel of a convolution's weight."""
    assert w.shape is not None
    return prod(w.shape[2:])
