"""Convolutions, pools and resizing of images: ATen's calls -> ONNX nodes."""

from __future__ import annotations

from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.translate.call import CallSite, translates


@translates("conv1d", "conv2d", "conv3d", "convolution")
def convolution(call: CallSite) -> None:
    """A convolution over [N, C, spatial…] or [C, spatial…]; padding may be a word."""
    x, weight = call.tensor("input"), call.tensor("weight")
    rank = len(call.shape(weight)) - 2
    if call.flag("transposed"):
        raise LoadError("a transposed convolution", "it is translated elsewhere")
    padding = call.get("padding", 0)
    attributes: dict[str, object] = {
        "kernel_shape": call.shape(weight)[2:],
        "strides": call.ints("stride", 1, rank),
        "dilations": call.ints("dilation", 1, rank),
        "group": call.integer("groups", 1),
    }
    if padding == "same":
        attributes["auto_pad"] = "SAME_UPPER"
    elif padding != "valid":
        attributes["pads"] = call.ints("padding", 0, rank) * 2
    inputs = [x, weight, *filter(None, [call.optional_tensor("bias")])]
    call.emit("Conv", inputs, attributes)
