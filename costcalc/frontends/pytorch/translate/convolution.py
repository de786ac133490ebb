"""Convolutions and transposed convolutions of any spatial rank, and what all operators on images share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.dim import Poly
from costcalc.core.errors import LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_own
from costcalc.ops.aten import ATEN


def spatial_rank(call: CallSite) -> int:
    """The number of spatial axes that an operator's name says: 2 of `max_pool2d_with_indices`."""
    digits = [c for c in call.operator if c in "123"]
    if not digits:
        raise LoadError(f"{call.target} does not say its number of axes", REMEDY)
    return int(digits[0])


def image_input(call: CallSite) -> str:
    """The image: the argument `input`, or `self`."""
    return call.optional_tensor("input") or call.tensor("self")


def emit_batched(
    call: CallSite,
    op_type: str,
    inputs: Sequence[str],
    attributes: Mapping[str, Any],
    rank: int,
    *,
    outputs: Sequence[str] | None = None,
    domain: str = "",
    declared: bool = False,
) -> None:
    """Adds a node whose first input is [N, C, spatial…]; one without a batch, [C, spatial…], gets a batch of 1 that the
    outputs lose again. In another domain than ONNX's, and where declared says so, the types are those of the program.
    """
    results = call.outputs[:1] if outputs is None else tuple(outputs)
    types = call.out_types(results) if domain or declared else None
    if len(call.shape(inputs[0])) != rank + 1:
        call.emit(op_type, inputs, attributes, outputs=results, domain=domain, types=types)
        return
    axis = call.constant((0,), "batch_axis")
    image = call.emit("Unsqueeze", (inputs[0], axis), suffix="batch")
    batched = [f"{call.name}/{op_type}.{i}" for i in range(len(results))]
    if types is not None:
        types = [TensorType(t.dtype, (1, *(t.shape or ()))) for t in types]
    inputs = (image, *inputs[1:])
    call.emit(op_type, inputs, attributes, suffix=op_type, outputs=batched, domain=domain, types=types)
    for i, (value, result) in enumerate(zip(batched, results, strict=True)):
        call.emit("Squeeze", (value, axis), suffix=f"squeeze_{i}" if i else "squeeze", outputs=(result,))


@translates(
    "conv1d",
    "conv2d",
    "conv3d",
    "convolution",
    "_convolution",
    "_convolution_mode",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cudnn_convolution",
    "miopen_convolution",
    "mkldnn_convolution",
)
def convolution(call: CallSite) -> None:
    """A convolution, or a transposed one, over [N, C, spatial…] or [C, spatial…]; padding may be a word."""
    weight = call.tensor("weight")
    inputs = [image_input(call), weight, *filter(None, [call.optional_tensor("bias")])]
    kernel = _kernel(call, weight)
    rank = len(kernel)
    dilations = call.ints("dilation", 1, rank)
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": call.ints("stride", 1, rank),
        "dilations": dilations,
        "pads": _pads(call, kernel, dilations),
    }
    transposed = call.flag("transposed") or call.operator.startswith("conv_transpose")
    if transposed:
        attributes["output_padding"] = call.ints("output_padding", 0, rank)
    groups = call.dim("groups", 1)
    if isinstance(groups, Poly):  # kernels made for each sample, [batch · filters, …]: no attribute holds that
        name = "conv_transpose" if transposed else "convolution"
        emit_batched(call, name, inputs, attributes, rank, domain=ATEN)
    else:
        emit_batched(call, "ConvTranspose" if transposed else "Conv", inputs, {**attributes, "group": groups}, rank)


def _kernel(call: CallSite, weight: str) -> tuple[int, ...]:
    """The kernel's extents, those of the weight [filters, C/group, kernel…]."""
    kernel = tuple([extent for extent in call.shape(weight)[2:] if isinstance(extent, int)])
    if len(kernel) != len(call.shape(weight)) - 2 or not kernel:
        raise LoadError(f"the kernel of {call.target} has an open extent", "bind its symbol: --dim NAME=VALUE")
    return kernel


def _pads(call: CallSite, kernel: Sequence[int], dilations: Sequence[int]) -> tuple[int, ...]:
    """ONNX's pads, all begins first. `same` pads dilation · (kernel - 1) in all, an odd one at the end."""
    padding = call.get("padding", 0)
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        return tuple([total // 2 for total in totals] + [total - total // 2 for total in totals])
    if padding == "valid":
        return (0,) * (2 * len(kernel))
    return call.ints("padding", 0, len(kernel)) * 2


@translates("conv_tbc")
def convolution_time_first(call: CallSite) -> None:
    """A convolution over [length, N, C] with a weight [kernel, C, filters]."""
    inputs = (call.tensor("self"), call.tensor("weight"), call.tensor("bias"))
    emit_own(call, "conv_tbc", *inputs, attributes={"pad": call.integer("pad", 0)})
