"""A call -> why an Ethos-U55 or Ethos-U65 does not run it, by the constraints that its compiler publishes.

Source: SUPPORTED_OPS.md of Vela 5.2.0 (`vela --supported-ops-report`), Ethos-U55 and Ethos-U65 TFLite: the generic
constraints of all operators, and the specific ones of each. Not asked are the sum of a filter's weights and the largest
bias, for weights are not read: where they are too large, Vela leaves the operator to the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from costcalc.analysis.npu.call import NpuCall, NpuRule, extents, image_extents, type_names
from costcalc.core.ir import DType

FEATURE_TYPES = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.INT64)
UNQUANTISED = frozenset(("ARG_MAX", "EXPAND_DIMS", "MIRROR_PAD", "PAD", "PADV2", "QUANTIZE", "TRANSPOSE"))
BY_AXIS = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"))
OF_64_BITS = frozenset(("ARG_MAX",))
ANY_ZERO_POINT = frozenset(
    ("AVERAGE_POOL_2D", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "UNIDIRECTIONAL_SEQUENCE_LSTM")
)
"""Operators that a generic constraint excepts."""

LARGEST = 1 << 16
MAX_STRIDE = 3
MAX_DEPTH_OF_ARG_MAX = 127
MAX_REDUCED_AXIS = 4096
MAX_REDUCED = {DType.INT8: 1 << 24, DType.UINT8: 1 << 23, DType.INT16: 1 << 16}


def reject_call(call: NpuCall) -> str:
    """A call -> why the NPU does not run it, "" where it does."""
    rules = RULES.get(call.node.op_type)
    if rules is None:
        return "Ethos-U55 and U65 do not have this operator"
    return next(filter(None, (rule(call) for rule in (_reject_types, _reject_quantisation, *rules))), "")


def _reject_types(call: NpuCall) -> str:
    operator = call.node.op_type
    for name, type_ in call.feature_maps:
        if type_.shape is None or (not extents(type_) and type_.shape):
            return f"the shape of {name} is open"
        is_index = operator == "ARG_MAX" and name == call.node.outputs[0]
        if type_.dtype not in FEATURE_TYPES:
            return f"{name} is {type_.dtype}, not {type_names(FEATURE_TYPES)}"
        if type_.dtype is DType.INT64 and operator not in OF_64_BITS:
            return f"{name} is int64"
        if type_.dtype is DType.INT32 and operator not in OF_32_BITS and not is_index:
            return f"{name} is int32"
    return ""


def _reject_quantisation(call: NpuCall) -> str:
    operator, quantisation = call.node.op_type, call.graph.quantisation
    weights = [(call.node.inputs[1], call.input(1))] if operator in BY_AXIS else []
    for name, type_ in (*call.feature_maps, *[(name, type_) for name, type_ in weights if type_ is not None]):
        own = quantisation.get(name)
        if operator not in UNQUANTISED and own is None:
            return f"{name} has no quantisation parameters"
        if own is None:
            continue
        if own.is_blockwise:
            return f"{name} is quantised by block"
        if own.by_axis and operator not in BY_AXIS:
            return f"{name} is quantised by axis"
        if operator not in UNQUANTISED and not own.scale > 0:
            return f"the scale of {name} is not above 0"
        has_zero = own.zero_point == 0 if type_.dtype is DType.INT32 else own.zero_point >= 0
        is_checked = type_.dtype in (DType.INT32, DType.UINT8) and operator not in ANY_ZERO_POINT
        if is_checked and not has_zero:
            return f"the zero point of {name} is {own.zero_point}"
    return ""


def _reject_stride(call: NpuCall) -> str:
    if max(call.strides) > MAX_STRIDE:
        return f"the stride is {call.strides[0]}×{call.strides[1]}, more than {MAX_STRIDE}"
    return ""


def _reject_padded_stride(call: NpuCall) -> str:
    is_free = max(call.dilations) == 1 and max(call.padding) == 0
    return "" if is_free else _reject_stride(call) and f"{_reject_stride(call)} with padding or dilation"


def _reject_weights(call: NpuCall) -> str:
    weights = call.input(1)
    if weights is not None and weights.dtype.bits != 8:
        return f"the weights are {weights.dtype}, not of 8 bits"
    return ""


def _reject_bias(position: int) -> NpuRule:
    def rule(call: NpuCall) -> str:
        bias = call.input(position)
        if bias is None:
            return ""
        if not call.is_stored(position):
            return "the bias is computed"
        if bias.dtype not in (DType.INT32, DType.INT64):
            return f"the bias is {bias.dtype}, not int32 or int64"
        shape = extents(bias)
        return (
            "" if shape and prod(shape) == shape[-1] else f"the bias has the shape {list(shape)}, not that of channels"
        )

    return rule


def _reject_product(call: NpuCall) -> str:
    """A product of two computed values."""
    if call.node.op_type in DENSE and call.is_stored(1):
        return ""
    image = call.image
    if image is not None and image.dtype is not DType.INT8:
        return f"a product of two computed values is of int8 only, not {image.dtype}"
    if any(shape and max(shape[-2:]) > LARGEST for shape in map(extents, (call.input(0), call.output))):
        return f"an axis of the product is longer than {LARGEST:,}"
    return ""


def _reject_dense_weights(call: NpuCall) -> str:
    shape = extents(call.input(1))
    return "" if not shape or prod(shape) == shape[0] * shape[-1] else f"the weights have the shape {list(shape)}"


DENSE = frozenset(("FULLY_CONNECTED",))


def _reject_window(call: NpuCall) -> str:
    height, width = call.kernel
    if height > 256 or height * width > LARGEST:
        return f"the window is {height}×{width}, more than 256 high or {LARGEST:,} elements"
    return ""


def _reject_average_window(call: NpuCall) -> str:
    height, width = call.kernel
    if call.is_valid_padding or (max(call.padding) == 0 and max(height, width) <= 8):
        return _reject_window(call)
    return f"the window is {height}×{width}, more than 8×8 with padding" if max(height, width) > 8 else ""


def _reject_transposed(call: NpuCall) -> str:
    (stride_h, stride_w), (kernel_h, kernel_w) = call.strides, call.kernel
    image, output = image_extents(call.image), image_extents(call.output)
    lines = (stride_w == 2 and stride_h == 1 and image[1] == kernel_h == 1) or (
        stride_h == 2 and stride_w == 1 and image[2] == kernel_w == 1
    )
    if (stride_h, stride_w) not in ((1, 1), (2, 2)) and not lines:
        return f"the stride of the transposed convolution is {stride_h}×{stride_w}"
    for axis, stride, kernel in ((1, stride_h, kernel_h), (2, stride_w, kernel_w)):
        wanted = image[axis] * stride + (max(kernel - stride, 0) if call.is_valid_padding else 0)
        if output[axis] != wanted:
            return f"the output has {output[axis]} rows or columns, not {wanted}"
    return ""


def _reject_other_types(*dtypes: DType) -> NpuRule:
    """The element types of input and output are the same, and among these."""

    def rule(call: NpuCall) -> str:
        image = call.image
        if image is None or image.dtype not in dtypes:
            return f"it is of {type_names(dtypes)} only, not {image.dtype if image else 'absent'}"
        return "" if image.dtype is call.output.dtype else f"it gives {call.output.dtype} for {image.dtype}"

    return rule


def _reject_other_scales(call: NpuCall) -> str:
    wanted = call.output_quantisation
    same = [call.quantisation(i) is not None and call.quantisation(i) == wanted for i in range(len(call.node.inputs))]
    return "" if all(same) else "inputs and output do not have the same scale and zero point"


def _reject_computed_parameters(call: NpuCall) -> str:
    position = call.image_position
    computed = [i for i in range(len(call.node.inputs)) if i != position and not call.is_stored(i)]
    return f"its parameter {call.node.inputs[computed[0]]} is computed" if computed else ""


def _reject_mean(call: NpuCall) -> str:
    image, axes = call.image, call.value(1)
    if image is None or image.dtype not in MAX_REDUCED:
        return f"it is of {type_names(tuple(MAX_REDUCED))} only"
    shape = extents(image)
    if axes is None or not shape:
        return "its axes are computed"
    reduced = sorted({axis % len(shape) for axis in axes})
    batch, height, width, depth = image_extents(image)
    if batch != 1:
        return f"the batch is {batch}"
    if prod(shape[axis] for axis in reduced) > MAX_REDUCED[image.dtype]:
        return f"it reduces more than {MAX_REDUCED[image.dtype]:,} elements"
    if any(shape[axis] >= MAX_REDUCED_AXIS for axis in reduced):
        return f"it reduces an axis of {MAX_REDUCED_AXIS:,} or more"
    if len(shape) - 1 in reduced and 1 not in (height, width, depth):
        return f"it reduces the channels of {height}×{width}×{depth}"
    return ""


def _reject_arg_max(call: NpuCall) -> str:
    shape, axis = extents(call.image), call.value(1)
    if not shape or axis is None or axis[0] % len(shape) != len(shape) - 1:
        return "it is along another axis than the last"
    return (
        f"there are {shape[-1]} channels, more than {MAX_DEPTH_OF_ARG_MAX}" if shape[-1] > MAX_DEPTH_OF_ARG_MAX else ""
    )


def _reject_softmax(call: NpuCall) -> str:
    _, height, width, _ = image_extents(call.image)
    return f"height × width is {height * width:,}, 65,536 or more" if height * width >= LARGEST else ""


def _reject_pads(call: NpuCall) -> str:
    pads = call.input(1)
    return "" if pads is None or pads.dtype in (DType.INT32, DType.INT64) else f"the pads are {pads.dtype}"


def _reject_resize(scales: Sequence[int]) -> NpuRule:
    def rule(call: NpuCall) -> str:
        (_, in_h, in_w, _), (_, out_h, out_w, _) = image_extents(call.image), image_extents(call.output)
        if in_h == in_w == 1 or (in_h, in_w) == (out_h, out_w):
            return ""
        less = 1 if call.node.attributes.get("align_corners") else 0
        half = bool(call.node.attributes.get("half_pixel_centers"))
        pairs = [(a - less, b - less) for a, b in ((in_h, out_h), (in_w, out_w))]
        factors = [b // a if a and b % a == 0 else 1 if a == b == 0 else 0 for a, b in pairs]
        allowed = (2,) if half and len(scales) == 1 else (2, 4, 8)
        if factors[0] != factors[1] and not (1 in (out_h, out_w) and 1 in factors):
            return f"it scales {in_h}×{in_w} to {out_h}×{out_w}, unequally"
        if max(factors) not in allowed:
            return f"it scales {in_h}×{in_w} to {out_h}×{out_w}, not by {' or '.join(map(str, allowed))}"
        return ""

    return rule


def _reject_slice_stride(call: NpuCall) -> str:
    steps, rank = call.value(3), len(extents(call.image))
    if steps is None:
        return "its strides are computed"
    free = {rank - 3, rank - 2}
    other = [step for axis, step in enumerate(steps) if axis not in free and step != 1]
    return f"its strides are {list(steps)}" if other or min(steps, default=1) < 0 else ""


def _reject_reverse(call: NpuCall) -> str:
    return "it reverses along axes that are given"


def _reject_transpose(call: NpuCall) -> str:
    """Permutations are allowed for short axes: the product of any two others is 65,536 at most."""
    shape, order, image = extents(call.image), call.value(1), call.image
    if order is None or image is None:
        return "its permutation is computed"
    if len(shape) > 8:
        return f"it has {len(shape)} axes, more than 8"
    rank = len(shape)
    full = (1,) * (4 - rank) + shape
    moved = tuple(range(4 - rank)) + tuple(axis + 4 - rank for axis in order) if rank <= 4 else tuple(order)
    if image.dtype is DType.INT32:
        n, h, w, c = full if rank <= 4 else (0, 0, 0, 0)
        is_allowed = rank <= 4 and {
            (0, 1, 2, 3): c <= LARGEST,
            (0, 2, 1, 3): n == 1 and max(h, w) <= LARGEST and c <= 1 << 14,
            (0, 1, 3, 2): n * h <= LARGEST and max(w, c) <= LARGEST,
        }.get(moved, False)
        return "" if is_allowed else f"it permutes int32 axes {list(shape)} by {list(order)}"
    if (
        moved == tuple(range(len(moved)))
        or rank == 3
        or (rank >= 4 and prod(shape[:-3]) == 1 and max(shape) <= LARGEST)
    ):
        return ""
    pairs = [shape[i] * shape[j] for i in range(rank) for j in range(i)] if rank == 4 else []
    return "" if not pairs or max(pairs) <= LARGEST else f"it permutes long axes {list(shape)}"


def _reject_lstm(call: NpuCall) -> str:
    inputs = call.node.inputs
    for first, last, what in ((9, 12, "peepholes"), (16, 18, "a projection"), (20, 24, "normalised gates")):
        if any(inputs[first:last]):
            return f"it has {what}"
    return "a gate is not given" if not all(inputs[1:9]) else ""


OF_32_BITS = frozenset(
    ("ADD", "SUB", "MUL", "NEG", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "MIRROR_PAD", "SUM", "BATCH_MATMUL")
)
"""Operators without the constraint that feature maps have less than 32 bits."""

_WEIGHTS: tuple[NpuRule, ...] = (_reject_weights, _reject_bias(2))

WITHOUT_CONDITIONS = """
ABS ADD CONCATENATION EXP EXPAND_DIMS HARD_SWISH LEAKY_RELU LOGISTIC MUL NEG PACK PRELU QUANTIZE RELU RELU6
RELU_0_TO_1 RELU_N1_TO_1 RESHAPE SPLIT SPLIT_V SQUARED_DIFFERENCE SQUEEZE SUB TANH TILE UNPACK
"""

RULES: dict[str, tuple[NpuRule, ...]] = {
    **dict.fromkeys(WITHOUT_CONDITIONS.split(), ()),
    "CONV_2D": (*_WEIGHTS, _reject_padded_stride),
    "DEPTHWISE_CONV_2D": (*_WEIGHTS, _reject_stride),
    "TRANSPOSE_CONV": (_reject_weights, _reject_bias(3), _reject_transposed),
    "FULLY_CONNECTED": (*_WEIGHTS, _reject_product, _reject_dense_weights),
    "BATCH_MATMUL": (_reject_product,),
    "AVERAGE_POOL_2D": (_reject_average_window, _reject_padded_stride),
    "MAX_POOL_2D": (_reject_window, _reject_padded_stride),
    **dict.fromkeys(("SUM", "REDUCE_MAX", "REDUCE_MIN"), (_reject_computed_parameters,)),
    "MEAN": (_reject_computed_parameters, _reject_mean),
    "ARG_MAX": (_reject_arg_max,),
    "SOFTMAX": (_reject_softmax,),
    "ELU": (_reject_other_types(DType.INT8),),
    "GELU": (_reject_other_types(DType.INT8, DType.UINT8),),
    "LOG": (_reject_other_types(DType.INT8, DType.INT16),),
    "RSQRT": (_reject_other_types(DType.INT8, DType.INT16),),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), (_reject_other_scales,)),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), (_reject_computed_parameters, _reject_pads)),
    "SLICE": (_reject_computed_parameters,),
    "STRIDED_SLICE": (_reject_computed_parameters, _reject_slice_stride),
    "RESIZE_BILINEAR": (_reject_resize((2,)),),
    "RESIZE_NEAREST_NEIGHBOR": (_reject_resize((2, 4, 8)),),
    "REVERSE_V2": (_reject_reverse,),
    "TRANSPOSE": (_reject_computed_parameters, _reject_transpose),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (_reject_lstm,),
}
"""Operators that the NPU has -> their specific constraints."""
