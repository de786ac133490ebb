"""torchvision's operators: regions of feature maps, deformable convolution, boxes that do not overlap."""

from __future__ import annotations

from typing import Any

from costcalc.core.ir import DType
from costcalc.frontends.pytorch.translate.call import CallSite, translates


def _pooled(call: CallSite) -> tuple[int, int]:
    return call.integer("pooled_height"), call.integer("pooled_width")


@translates("torchvision::roi_align")
def roi_align(call: CallSite) -> None:
    """rois [R, 5] (image, box) -> [R, C, pooled_height, pooled_width]. ONNX has images and boxes apart."""
    x, rois = call.tensor("input"), call.tensor("rois")
    axis = call.constant((1,), "axis")
    bounds = [call.constant((i,), f"bound{i}") for i in (0, 1, 5)]
    images = call.emit("Slice", (rois, bounds[0], bounds[1], axis), suffix="images")
    boxes = call.emit("Slice", (rois, bounds[1], bounds[2], axis), suffix="boxes")
    images = call.emit("Squeeze", (images, axis), suffix="squeeze")
    images = call.emit("Cast", (images,), {"to": DType.INT64.code}, suffix="cast")
    height, width = _pooled(call)
    attributes: dict[str, Any] = {
        "output_height": height,
        "output_width": width,
        "spatial_scale": call.number("spatial_scale", 1.0),
        "sampling_ratio": max(call.integer("sampling_ratio", -1), 0),
        "coordinate_transformation_mode": "half_pixel" if call.flag("aligned") else "output_half_pixel",
    }
    call.emit("RoiAlign", (x, boxes, images), attributes)


@translates("torchvision::roi_pool")
def roi_pool(call: CallSite) -> None:
    """The maximum of the feature map in each bin of each region, and, where they are read, the places."""
    inputs, outputs = (call.tensor("input"), call.tensor("rois")), call.read_outputs()
    attributes = {"pooled_shape": _pooled(call), "spatial_scale": call.number("spatial_scale", 1.0)}
    if len(outputs) == 1:
        call.emit("MaxRoiPool", inputs, attributes, outputs=outputs)
        return
    types = call.out_types(outputs)
    call.emit("roi_pool", inputs, attributes, outputs=outputs, domain="torchvision", types=types)


@translates("torchvision::ps_roi_align", "torchvision::ps_roi_pool")
def position_sensitive_pool(call: CallSite) -> None:
    """rois [R, 5], x [N, C · height · width, H, W] -> [R, C, height, width]: each bin reads channels of its own."""
    outputs = call.read_outputs()
    call.emit(
        call.operator,
        (call.tensor("input"), call.tensor("rois")),
        {"sampling_ratio": max(call.integer("sampling_ratio", -1), 0)},
        outputs=outputs,
        domain="torchvision",
        types=call.out_types(outputs),
    )


@translates("torchvision::deform_conv2d")
def deform_conv(call: CallSite) -> None:
    """A convolution whose input is read at moved places; without use_mask the mask is an empty tensor."""
    weight = call.tensor("weight")
    pads = (call.integer("pad_h", 0), call.integer("pad_w", 0))
    inputs = [call.tensor("input"), weight, call.tensor("offset"), call.tensor("bias")]
    if call.flag("use_mask"):
        inputs.append(call.tensor("mask"))
    attributes = {
        "kernel_shape": call.shape(weight)[2:],
        "strides": (call.integer("stride_h", 1), call.integer("stride_w", 1)),
        "pads": pads * 2,
        "dilations": (call.integer("dilation_h", 1), call.integer("dilation_w", 1)),
        "group": call.integer("groups", 1),
        "offset_group": call.integer("offset_groups", 1),
    }
    call.emit("DeformConv", inputs, attributes)


@translates("torchvision::nms")
def non_maximum_suppression(call: CallSite) -> None:
    """dets [boxes, 4], scores [boxes] -> the places of the boxes that are kept. ONNX's operator gives triples."""
    inputs = (call.tensor("dets"), call.tensor("scores"))
    attributes = {"iou_threshold": call.number("iou_threshold")}
    call.emit("nms", inputs, attributes, domain="torchvision", types=[call.out_type()])
