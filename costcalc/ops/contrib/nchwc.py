"""com.microsoft.nchwc: what ONNX Runtime writes at its highest level of optimisation, channels in blocks of 8 or 16.

Channels that only fill the last block count as bytes, not as MACs, FLOPs or parameters, where the attributes
`logical_channels` (of the output) and `logical_input_channels` say how many there are without them. No file has these
attributes; the ONNX front end derives them from the other nodes.

Source: the schemas in ONNX Runtime's core/graph/contrib_ops/nchwc_schema_defs.cc.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, Attributes, PackedInputs, least_work_rule, traits
from costcalc.ops.common.channels import (
    BLOCK,
    LOGICAL,
    NCHWC,
    blocked_type,
    from_channels_first,
    logical_type,
    logical_weight,
)
from costcalc.ops.contrib.conv import fused_conv_cost, fused_conv_shape
from costcalc.ops.conv import conv_least_work
from costcalc.ops.pool import (
    average_pool_cost,
    global_average_cost,
    global_max_cost,
    global_pool_shape,
    max_pool_cost,
    pool_least_work,
    pool_shape,
)
from costcalc.ops.resize import upsample_cost


def _logical_weights(t: TensorType, attributes: Attributes) -> Dim:
    """The values of a weight [C_out, C_in/group, *kernel] or a bias [C_out] without those of padded channels."""
    assert t.shape is not None
    filters, *rest = logical_weight(t, attributes.get("logical_channels"), attributes.get("logical_input_channels"))
    return filters * prod(rest)


operands("Conv", domain=NCHWC, weights=(1, 2))

traits(
    "Conv",
    domain=NCHWC,
    kind="convolution",
    bias=2,
    gradient=PRODUCT_GRADIENT,
    keeps="output",
    packed=PackedInputs(frozenset((1, 2)), _logical_weights),
)

traits("MaxPool", "AveragePool", domain=NCHWC, kind="pool")

traits("GlobalMaxPool", "GlobalAveragePool", domain=NCHWC, kind="global_pool")

traits("MaxPool", "GlobalMaxPool", domain=NCHWC, keeps="maxima")

traits("AveragePool", "GlobalAveragePool", "Upsample", domain=NCHWC, keeps="nothing")

traits("Upsample", domain=NCHWC, layout="channels_first")

traits("ReorderInput", "ReorderOutput", domain=NCHWC, passes_on="same", keeps="nothing")

traits(
    *("Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "Upsample"), domain=NCHWC, derived=LOGICAL
)

describe(
    "A convolution of blocked channels, with the addition and the activation that follow it.", "Conv", domain=NCHWC
)

describe("Each output is the largest input under the window, channels in blocks.", "MaxPool", domain=NCHWC)

describe("Each output is the mean of the inputs under the window, channels in blocks.", "AveragePool", domain=NCHWC)

describe("Takes the greatest value of each channel, channels in blocks.", "GlobalMaxPool", domain=NCHWC)

describe("Averages each channel, channels in blocks.", "GlobalAveragePool", domain=NCHWC)

describe("Enlarges an image by whole factors, channels in blocks.", "Upsample", domain=NCHWC)

describe("Puts channels into blocks.", "ReorderInput", domain=NCHWC)

describe("Takes channels out of blocks.", "ReorderOutput", domain=NCHWC)

free("ReorderInput", "ReorderOutput", domain=NCHWC)

least_work_rule("Conv", domain=NCHWC)(conv_least_work)

least_work_rule("MaxPool", "AveragePool", domain=NCHWC)(pool_least_work)


@shape_rule("ReorderInput", domain=NCHWC)
def reorder_input_shape(x: TensorType, *, channels_last: int = 0) -> TensorType:
    """x [N, C, *in], or [N, *in, C] with channels_last -> [N, C rounded up to a block, *in]; a block of 8."""
    return blocked_type(x, channels_last, BLOCK)


@shape_rule("ReorderOutput", domain=NCHWC)
def reorder_output_shape(x: TensorType, *, channels: int, channels_last: int = 0) -> TensorType:
    """x [N, stored channels, *in] -> [N, channels, *in], or [N, *in, channels] with channels_last."""
    if not isinstance(channels, int) or channels < 1:
        raise ShapeError(f"the channels are {channels!r}", "give a number above 0")
    return TensorType(x.dtype, from_channels_first(logical_type(x, channels).shape or (), channels_last))


shape_rule("Conv", domain=NCHWC)(fused_conv_shape)


@cost_rule("Conv", domain=NCHWC)
def nchwc_conv_cost(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    z: TensorType | None = None,
    *,
    activation: str = "",
    logical_channels: int | None = None,
    logical_input_channels: int | None = None,
    out: TensorType,
) -> Cost:
    """As Conv, padded channels left out where they are known: #filter params × #filter positions × #filters; per output
    one addition with a bias, one with Sum, one operation for the activation."""
    weight = TensorType(w.dtype, logical_weight(w, logical_channels, logical_input_channels))
    return fused_conv_cost(x, weight, b, z, activation=activation, out=logical_type(out, logical_channels))


shape_rule("MaxPool", "AveragePool", domain=NCHWC)(pool_shape)


def _register_pool(op_type: str, plain_cost: Callable[..., Cost], formula: str) -> None:
    """Registers the cost of a pool, which `formula` says in words: that of ONNX's pool over the logical channels."""

    @cost_rule(op_type, domain=NCHWC)
    def nchwc_pool_cost(
        x: TensorType,
        *,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        auto_pad: str = "NOTSET",
        ceil_mode: int = 0,
        logical_channels: int | None = None,
        out: TensorType,
    ) -> Cost:
        return plain_cost(
            logical_type(x, logical_channels),
            kernel_shape=kernel_shape,
            strides=strides,
            pads=pads,
            dilations=dilations,
            auto_pad=auto_pad,
            ceil_mode=ceil_mode,
            out=logical_type(out, logical_channels),
        )

    nchwc_pool_cost.__doc__ = f"As {op_type}: {formula} per output."


_register_pool("MaxPool", max_pool_cost, "∏kernel − 1 comparisons")

_register_pool("AveragePool", average_pool_cost, "∏kernel − 1 additions and one division")


shape_rule("GlobalMaxPool", "GlobalAveragePool", domain=NCHWC)(global_pool_shape)


@cost_rule("GlobalMaxPool", domain=NCHWC)
def nchwc_global_max_cost(x: TensorType, *, logical_channels: int | None = None, out: TensorType) -> Cost:
    """∏in − 1 comparisons per output, #inputs − #outputs in all."""
    return global_max_cost(logical_type(x, logical_channels), out=logical_type(out, logical_channels))


@cost_rule("GlobalAveragePool", domain=NCHWC)
def nchwc_global_average_cost(x: TensorType, *, logical_channels: int | None = None, out: TensorType) -> Cost:
    """∏in − 1 additions per output, #inputs − #outputs in all, and one division per output."""
    return global_average_cost(logical_type(x, logical_channels), out=logical_type(out, logical_channels))


@shape_rule("Upsample", domain=NCHWC)
def nchwc_upsample_shape(x: TensorType, *, scales: Sequence[int]) -> TensorType:
    """extent · scale on each axis."""
    return TensorType(x.dtype, tuple(extent * scale for extent, scale in zip(x.shape or (), scales, strict=True)))


@cost_rule("Upsample", domain=NCHWC)
def nchwc_upsample_cost(
    x: TensorType,
    *,
    scales: Sequence[int],
    mode: str = "nearest",
    logical_channels: int | None = None,
    out: TensorType,
) -> Cost:
    """As Upsample: nearest nothing, linear 2ᵏ multiplications and 2ᵏ − 1 additions per output, k the number of axes
    whose scale is not 1."""
    return upsample_cost(x, None, scales=scales, mode=mode, out=logical_type(out, logical_channels))
