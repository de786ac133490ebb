"""Normalisations over the batch, layers, groups, samples; weight norm. A scale, shift or statistic that the
module does not have is a constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.graph.builder import MAX_VALUE_ELEMENTS
from costcalc.ops.aten import ATEN


def _tensor_or(call: CallSite, name: str, number: float, shape: Sequence[Dim], like: str) -> str:
    """The tensor argument of this name; a constant of equal numbers where it is left out, of the type of `like`."""
    value = call.optional_tensor(name)
    if value:
        return value
    elements = TensorType(DType.FLOAT32, tuple(shape)).elements
    known = isinstance(elements, int) and elements <= MAX_VALUE_ELEMENTS
    numbers = (number,) * elements if known and isinstance(elements, int) else None
    return call.builder.add_constant(f"{call.name}.{name}", call.type(like).dtype, tuple(shape), numbers)


WITH_STATISTICS = {
    "BatchNormalization": "batch_norm",
    "GroupNormalization": "group_norm",
    "RMSNormalization": "rms_norm",
}
"""ONNX's operator -> ATen's, which gives the statistics too."""


def _emit(call: CallSite, op_type: str, inputs: Sequence[str], attributes: dict[str, Any]) -> None:
    """ONNX's operator for the first output alone; where the program reads the statistics too, ATen's."""
    outputs = call.read_outputs()
    if len(outputs) == 1:
        call.emit(op_type, inputs, attributes, outputs=outputs)
        return
    types = call.out_types(outputs)
    call.emit(WITH_STATISTICS[op_type], inputs, attributes, outputs=outputs, domain=ATEN, types=types)


_WITH_UPDATE = ("_batch_norm_with_update", "_batch_norm_with_update_functional")


@translates(
    "batch_norm",
    "native_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "_native_batch_norm_legit_functional",
    "_batch_norm_impl_index",
    "_batch_norm_no_update",
    *_WITH_UPDATE,
    "cudnn_batch_norm",
    "miopen_batch_norm",
)
def batch_norm(call: CallSite) -> None:
    """A normalisation of each channel by the running statistics; by those of the batch while training, and where there
    are no running ones."""
    training = call.flag("training") or call.operator in _WITH_UPDATE
    _batch_norm(call, training or not call.optional_tensor("running_mean"))


def _batch_norm(call: CallSite, training: bool) -> None:
    x = call.tensor("input")
    channels = call.shape(x)[1:2]
    like = call.optional_tensor("weight") or x
    scale = _tensor_or(call, "weight", 1.0, channels, like)
    shift = _tensor_or(call, "bias", 0.0, channels, like)
    mean = _tensor_or(call, "running_mean", 0.0, channels, like)
    variance = _tensor_or(call, "running_var", 1.0, channels, like)
    attributes: dict[str, Any] = {"epsilon": call.number("eps", call.number("epsilon", 1e-5))}
    inputs = (x, scale, shift, mean, variance)
    if training and len(call.read_outputs()) == 1:  # ONNX's operator then gives the running statistics too
        outputs = (call.output(0), f"{call.name}/running_mean", f"{call.name}/running_var")
        call.emit("BatchNormalization", inputs, {**attributes, "training_mode": 1}, outputs=outputs)
    else:
        _emit(call, "BatchNormalization", inputs, {**attributes, "training_mode": int(training)})


@translates("instance_norm")
def instance_norm(call: CallSite) -> None:
    """A normalisation of each channel of each sample by its own statistics, or of each channel by the running ones."""
    if not call.flag("use_input_stats", True):
        _batch_norm(call, False)
        return
    x = call.tensor("input")
    channels = call.shape(x)[1:2]
    inputs = (x, _tensor_or(call, "weight", 1.0, channels, x), _tensor_or(call, "bias", 0.0, channels, x))
    call.emit("InstanceNormalization", inputs, {"epsilon": call.number("eps", 1e-5)})


@translates("group_norm", "native_group_norm")
def group_norm(call: CallSite) -> None:
    """A normalisation of each group of channels of each sample."""
    x = call.tensor("input")
    channels = call.shape(x)[1:2]
    inputs = (x, _tensor_or(call, "weight", 1.0, channels, x), _tensor_or(call, "bias", 0.0, channels, x))
    groups = call.integer("num_groups", call.get("group"))
    _emit(call, "GroupNormalization", inputs, {"num_groups": groups, "epsilon": call.number("eps", 1e-5)})


@translates("layer_norm", "native_layer_norm")
def layer_norm(call: CallSite) -> None:
    """A normalisation of each row, the axes that normalized_shape names; without a scale it is a constant 1, and a
    shift that is left out is none."""
    x, shape = call.tensor("input"), call.dims("normalized_shape")
    inputs = [x, _tensor_or(call, "weight", 1.0, shape, x), *filter(None, [call.optional_tensor("bias")])]
    attributes = {"axis": -len(shape), "epsilon": call.number("eps", 1e-5)}
    call.emit("LayerNormalization", inputs, attributes, outputs=call.read_outputs())


@translates("rms_norm", "_fused_rms_norm")
def rms_norm(call: CallSite) -> None:
    """A division of each row by its root mean square."""
    x, shape = call.tensor("input"), call.dims("normalized_shape")
    attributes: dict[str, Any] = {"axis": -len(shape)}
    if call.get("eps") is not None:
        attributes["epsilon"] = call.number("eps")
    _emit(call, "RMSNormalization", (x, _tensor_or(call, "weight", 1.0, shape, x)), attributes)


@translates("_weight_norm", "_weight_norm_interface")
def weight_norm(call: CallSite) -> None:
    """v · g / ‖v‖, the norm over all axes but `dim`, or all with -1."""
    v, g = call.tensor("v"), call.tensor("g")
    rank, dim = len(call.shape(v)), call.integer("dim", 0)
    axes = [i for i in range(rank) if dim == -1 or i != dim % rank]
    has_norm = call.is_read(1)
    norm = call.emit(
        "ReduceL2",
        (v, call.constant(axes, "axes")),
        {"keepdims": 1},
        suffix="norm",
        outputs=call.outputs[1:] if has_norm else None,
    )
    ratio = call.emit("Div", (g, norm), suffix="ratio")
    call.emit("Mul", (v, ratio), outputs=call.outputs[:1])
