"""TensorFlow Lite's convolutions and pools: [N, *spatial, C], filters in the order of the schema.

Each rule is that of ONNX's operator with channels first, between two changes of order.
Source: LiteRT's tflite/kernels (conv.cc, depthwise_conv.cc, transpose_conv.cc, conv3d.cc, pooling.cc).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    PRODUCT_GRADIENT,
    TRAITS,
    LeastWork,
    OperatorUse,
    contraction_gradient,
    least_work_rule,
    traits,
)
from costcalc.ops.common.channels import from_channels_first, to_channels_first
from costcalc.ops.common.window import output_shape
from costcalc.ops.common.window_reads import convolution_reads, pool_reads
from costcalc.ops.conv import conv_cost, conv_extents, conv_transpose_cost
from costcalc.ops.pool import average_pool_cost, max_pool_cost
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import activation_work, known_shape, output_work

CONVOLUTIONS = {"CONV_2D": "outputs_first", "DEPTHWISE_CONV_2D": "depthwise", "CONV_3D": "kernel_first"}

TRANSPOSED = {"TRANSPOSE_CONV": "outputs_first", "CONV_3D_TRANSPOSE": "kernel_first"}

operands(*CONVOLUTIONS, domain=TFLITE, weights=(1, 2))

operands(*TRANSPOSED, domain=TFLITE, weights=(1, 3))

for _name, _filters in CONVOLUTIONS.items():
    traits(
        _name,
        domain=TFLITE,
        kind="convolution",
        layout="channels_last",
        filters=_filters,
        bias=2,
        gradient=PRODUCT_GRADIENT,
        quantises_input="int8",
    )

for _name, _filters in TRANSPOSED.items():
    traits(
        _name,
        domain=TFLITE,
        kind="transposed_convolution",
        layout="channels_last",
        filters=_filters,
        factors=(2, 1),
        bias=3,
        gradient=contraction_gradient(((2,), (1,))),
    )

POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")

traits(*POOLS, domain=TFLITE, kind="pool", layout="channels_last")

traits("MAX_POOL_2D", domain=TFLITE, keeps="maxima", counterpart="MaxPool")

traits("AVERAGE_POOL_2D", domain=TFLITE, keeps="nothing", counterpart="AveragePool")

describe(
    "Each filter slides over the input and gives one channel: at each position it multiplies and adds all the "
    "inputs under it.",
    "CONV_2D",
    "CONV_3D",
    domain=TFLITE,
)

describe("Each filter slides over one channel of the input and gives one channel.", "DEPTHWISE_CONV_2D", domain=TFLITE)

describe(
    "Each input value spreads over the output: it is multiplied with every filter weight of its channel.",
    *TRANSPOSED,
    domain=TFLITE,
)

describe("Averages the inputs under each position of a window, channel by channel.", "AVERAGE_POOL_2D", domain=TFLITE)

describe("Takes the greatest input under each position of a window, channel by channel.", "MAX_POOL_2D", domain=TFLITE)

describe("The root of the mean of squares under each position of a window.", "L2_POOL_2D", domain=TFLITE)


def _ordered_filters(w: TensorType, op_type: str) -> TensorType:
    """Filters as stored -> in ONNX's order."""
    assert w.shape is not None
    return TensorType(w.dtype, TRAITS[TFLITE, op_type].filter_shape(w.shape))


def _check_ranks(x: TensorType, w: TensorType, spatial: int) -> None:
    known_shape(x, spatial + 2, "the input")
    known_shape(w, spatial + 2, "the filters")


def _register_convolution(op_type: str, spatial: int) -> None:
    @shape_rule(op_type, domain=TFLITE)
    def convolution_shape(
        x: TensorType,
        w: TensorType,
        b: TensorType | None = None,
        *,
        strides: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        auto_pad: str = "SAME_UPPER",
    ) -> TensorType:
        """[N, *in, C] -> [N, *out, filters]: ⌈in / stride⌉ with SAME, ⌊(in - reach) / stride⌋ + 1 with VALID. The
        input has a whole number of groups of the channels that a filter reads."""
        _check_ranks(x, w, spatial)
        first, filters = to_channels_first(x), _ordered_filters(w, op_type)
        assert first.shape is not None and filters.shape is not None
        channels, per_group = first.shape[1], filters.shape[1]
        if not isinstance(per_group, int) or not per_group or not isinstance(channels, int):
            raise ShapeError("the filters read no channel", "give the filters and the channels as numbers")
        group = channels // per_group
        shape = conv_extents(first, filters, b, strides, None, dilations, group, auto_pad)
        return TensorType(x.dtype, from_channels_first(shape))

    @least_work_rule(op_type, domain=TFLITE)
    def convolution_least_work(use: OperatorUse) -> LeastWork:
        """As ONNX's Conv."""
        x, w = use.input(0), use.input(1)
        first, filters = x and to_channels_first(x), w and _ordered_filters(w, op_type)
        attributes = {"auto_pad": "SAME_UPPER", **use.attributes}
        return convolution_reads(use._replace(attributes=attributes), first, filters)

    @cost_rule(op_type, domain=TFLITE)
    def convolution_cost(
        x: TensorType, w: TensorType, b: TensorType | None = None, *, activation: str = "", out: TensorType
    ) -> Cost:
        """#filter params (C_in/group · ∏kernel) × #filter positions (N · ∏out) × #filters (C_out); a bias adds one
        addition per output, a quantised output one multiplication and one addition, an activation one operation.
        Positions whose filter reaches into the padding count."""
        _check_ranks(x, w, spatial)
        cost = conv_cost(to_channels_first(x), _ordered_filters(w, op_type), b, out=to_channels_first(out))
        return Cost(cost.macs, cost.work + output_work(activation, x, w, out))


_register_convolution("CONV_2D", 2)

_register_convolution("DEPTHWISE_CONV_2D", 2)

_register_convolution("CONV_3D", 3)


def _register_transposed(op_type: str, spatial: int) -> None:
    @shape_rule(op_type, domain=TFLITE)
    def transposed_shape(shape: TensorType, w: TensorType, x: TensorType, b: TensorType | None = None) -> TensorType:
        """The shape that the first input gives, of which the channels are the filters' outputs."""
        _check_ranks(x, w, spatial)
        assert x.shape is not None
        filters = _ordered_filters(w, op_type).shape
        assert filters is not None
        require_equal(x.shape[-1], filters[0], "the channels of the input and those that the filters read")
        extents = shape.value
        if extents is None:
            return TensorType(x.dtype, None)
        if len(extents) != spatial + 2:
            raise ShapeError(f"the output's shape has {len(extents)} extents", f"it has {spatial + 2}")
        require_equal(extents[-1], filters[1], "the channels of the output and those of the filters")
        return TensorType(x.dtype, tuple(extents))

    @cost_rule(op_type, domain=TFLITE)
    def transposed_cost(
        shape: TensorType,
        w: TensorType,
        x: TensorType,
        b: TensorType | None = None,
        *,
        activation: str = "",
        out: TensorType,
    ) -> Cost:
        """#inputs (N · C_in · ∏in) × #filter params (C_out · ∏kernel): each input value meets each weight of its
        channel once; a bias adds one addition per output, a quantised output one multiplication and one addition."""
        _check_ranks(x, w, spatial)
        cost = conv_transpose_cost(to_channels_first(x), _ordered_filters(w, op_type), b, out=to_channels_first(out))
        return Cost(cost.macs, cost.work + output_work(activation, x, w, out))


_register_transposed("TRANSPOSE_CONV", 2)

_register_transposed("CONV_3D_TRANSPOSE", 3)


@shape_rule(*POOLS, domain=TFLITE)
def pool_shape(
    x: TensorType, *, kernel_shape: Sequence[int], strides: Sequence[int] | None = None, auto_pad: str = "SAME_UPPER"
) -> TensorType:
    """[N, *in, C] -> [N, *out, C]: ⌈in / stride⌉ with SAME, ⌊(in - kernel) / stride⌋ + 1 with VALID."""
    n, h, w, c = known_shape(x, 4, "the input")
    if len(kernel_shape) != 2 or min(kernel_shape) < 1:
        raise ShapeError(f"the window is {list(kernel_shape)}", "its extents are positive")
    return TensorType(x.dtype, (n, *output_shape((h, w), kernel_shape, strides, None, None, auto_pad), c))


@least_work_rule(*POOLS, domain=TFLITE)
def pool_least_work(use: OperatorUse) -> LeastWork:
    """As ONNX's pools."""
    return pool_reads(use._replace(attributes={"auto_pad": "SAME_UPPER", **use.attributes}), channels_last=1)


def _register_pool(op_type: str, channels_first_cost: Callable[..., Cost], formula: str) -> None:
    """Registers the cost of a pool, which `formula` says in words: that of ONNX's pool over [N, C, …], and of the
    activation."""

    @cost_rule(op_type, domain=TFLITE)
    def pool_cost(
        x: TensorType,
        *,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        auto_pad: str = "SAME_UPPER",
        activation: str = "",
        out: TensorType,
    ) -> Cost:
        first, result = to_channels_first(x), to_channels_first(out)
        cost = channels_first_cost(first, kernel_shape=kernel_shape, strides=strides, auto_pad=auto_pad, out=result)
        return Cost(work=cost.work + activation_work(activation, out))

    pool_cost.__doc__ = f"{formula} per output; an activation adds one operation."


_register_pool("AVERAGE_POOL_2D", average_pool_cost, "∏kernel − 1 additions and one division")

_register_pool("MAX_POOL_2D", max_pool_cost, "∏kernel − 1 comparisons")


@cost_rule("L2_POOL_2D", domain=TFLITE)
def l2_pool_cost(x: TensorType, *, kernel_shape: Sequence[int], activation: str = "", out: TensorType) -> Cost:
    """∏kernel multiplications and ∏kernel − 1 additions per output, one division and one root; an activation adds one
    operation."""
    size: Dim = kernel_shape[0] * kernel_shape[1]
    work = elementwise_work("multiply", "pooling", size * out.elements)
    work += elementwise_work("add", "pooling", (size - 1) * out.elements)
    work += elementwise_work("divide", "pooling", out.elements)
    work += elementwise_work("transcendental", "pooling", out.elements)
    return Cost(work=work + activation_work(activation, out))
