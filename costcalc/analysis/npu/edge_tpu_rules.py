"""A call -> why the Edge TPU does not run it, by the table of operators and the requirements that Coral publishes.

Source: coral.ai, TensorFlow models on the Edge TPU (docs/edgetpu/models-intro), section Model requirements and table 1
Supported operations. Where that table says that an operator may not be mapped for its size, it counts as mapped.
"""

from __future__ import annotations

from math import prod

from costcalc.analysis.npu.call import NpuCall, NpuRule, extents, type_names
from costcalc.core.ir import DType

TYPES = (DType.INT8, DType.UINT8)
MAX_SOFTMAX = 16_000


def reject_call(call: NpuCall) -> str:
    """A call -> why the Edge TPU does not run it, "" where it does."""
    rules = RULES.get(call.node.op_type)
    if rules is None:
        return "the Edge TPU does not have this operator"
    return next(filter(None, (rule(call) for rule in (_reject_tensors, _reject_parameters, *rules))), "")


def _reject_tensors(call: NpuCall) -> str:
    for name, type_ in call.feature_maps:
        shape = extents(type_)
        if type_.shape is None or len(shape) != len(type_.shape):
            return f"the size of {name} is open"
        if type_.dtype not in TYPES:
            return f"{name} is {type_.dtype}, not {type_names(TYPES)}"
        if prod(shape[:-3]) != 1:
            return f"{name} has the shape {list(shape)}: more than the three innermost axes are longer than 1"
    return ""


def _reject_parameters(call: NpuCall) -> str:
    if call.node.op_type not in WITH_PARAMETERS:
        return ""
    computed = [i for i in range(1, len(call.node.inputs)) if i != call.image_position and not call.is_stored(i)]
    return f"its parameter {call.node.inputs[computed[0]]} is computed" if computed else ""


def _reject_activation(call: NpuCall) -> str:
    activation = call.node.attributes.get("activation", "")
    return f"it has the fused activation {activation}" if activation else ""


def _reject_dilation(is_any: bool) -> NpuRule:
    def rule(call: NpuCall) -> str:
        height, width = call.dilations
        if height != width or (is_any and height != 1):
            return f"it is dilated by {height}×{width}"
        return ""

    return rule


def _reject_dense(call: NpuCall) -> str:
    shape = extents(call.output)
    if call.node.attributes.get("weights_format"):
        return "its weights are shuffled"
    return f"its output has the shape {list(shape)}, more than one axis" if prod(shape[:-1]) != 1 else ""


def _reject_reduction(axes_of_image: bool) -> NpuRule:
    """A reduction over the batch; with axes_of_image over any other axes than height and width."""

    def rule(call: NpuCall) -> str:
        axes, rank = call.value(1), len(extents(call.image))
        if axes is None:
            return "its axes are computed"
        reduced = {axis % rank for axis in axes}
        allowed = {rank - 3, rank - 2} if axes_of_image else set(range(1, rank))
        return "" if reduced <= allowed else f"it reduces the axes {sorted(reduced)}"

    return rule


def _reject_pads(call: NpuCall) -> str:
    pads = call.value(1)
    if pads is None:
        return "its pads are computed"
    rank = len(pads) // 2
    outside = [axis for axis in range(rank) if axis not in (rank - 3, rank - 2)]
    return "it pads other axes than height and width" if any(pads[2 * a] or pads[2 * a + 1] for a in outside) else ""


def _reject_joined_constant(call: NpuCall) -> str:
    stored = [i for i in range(len(call.node.inputs)) if call.is_stored(i)]
    return "it joins a constant with more than one input" if stored and len(call.node.inputs) != 2 else ""


def _reject_softmax(call: NpuCall) -> str:
    shape = extents(call.image)
    if prod(shape[:-1]) != 1 or shape[-1] > MAX_SOFTMAX:
        return f"its input has the shape {list(shape)}, not one axis of {MAX_SOFTMAX:,} at most"
    return ""


def _reject_batch_axis(call: NpuCall) -> str:
    value = call.value(0) if call.node.op_type in SPLITS else None
    axis = value[0] if value else call.node.attributes.get("axis", 1)
    rank = len(extents(call.image)) + (call.node.op_type in PACKS)
    return "it is along the batch" if rank and axis % rank == 0 and rank > 1 else ""


def _reject_squeeze(call: NpuCall) -> str:
    shape = extents(call.image)
    first = next((i for i, extent in enumerate(shape) if extent != 1), len(shape))
    return f"the ones in {list(shape)} do not lead" if 1 in shape[first:] else ""


def _reject_slice(call: NpuCall) -> str:
    steps, attributes = call.value(3), call.node.attributes
    if steps is None or set(steps) != {1}:
        return "its strides are not all 1"
    masks = attributes.get("ellipsis_mask") or attributes.get("new_axis_mask")
    return "it has an ellipsis or new axes" if masks else ""


def _reject_slope(call: NpuCall) -> str:
    shape = extents(call.input(1))
    return f"its slope has the shape {list(shape)}, more than one axis" if prod(shape[:-1]) != 1 else ""


WITH_PARAMETERS = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "PRELU", "LSTM"))
"""Operators whose parameters must be constants."""

SPLITS, PACKS = frozenset(("SPLIT",)), frozenset(("PACK",))

WITHOUT_CONDITIONS = """
ADD EXPAND_DIMS L2_NORMALIZATION LOGISTIC MAXIMUM MINIMUM MUL QUANTIZE RELU RELU6 RELU_N1_TO_1 RESHAPE
RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SPACE_TO_DEPTH SQUARED_DIFFERENCE SUB TANH TRANSPOSE
TRANSPOSE_CONV LSTM
"""

RULES: dict[str, tuple[NpuRule, ...]] = {
    **dict.fromkeys(WITHOUT_CONDITIONS.split(), ()),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (),
    "CONV_2D": (_reject_dilation(is_any=False),),
    "DEPTHWISE_CONV_2D": (_reject_dilation(is_any=True),),
    "FULLY_CONNECTED": (_reject_dense,),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), (_reject_activation,)),
    "CONCATENATION": (_reject_activation, _reject_joined_constant),
    "MEAN": (_reject_reduction(axes_of_image=True),),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "SUM"), (_reject_reduction(axes_of_image=False),)),
    "PAD": (_reject_pads,),
    **dict.fromkeys(("PACK", "SPLIT"), (_reject_batch_axis,)),
    "PRELU": (_reject_slope,),
    "SOFTMAX": (_reject_softmax,),
    "SQUEEZE": (_reject_squeeze,),
    "STRIDED_SLICE": (_reject_slice,),
}
"""Operators of the table -> its conditions."""
