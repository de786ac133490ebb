"""Operators that ONNX once had on trial and took out again, as ONNX Runtime still runs them, and its copies of tensors
between host and device.

Source: ONNX Runtime's core/graph/contrib_ops/onnx_deprecated_operators.cc.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import FreshSymbol, ShapeResult, cost_rule, describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.join_split import slice_shape

traits("Affine", "ImageScaler", "Scale", "ParametricSoftplus", "ScaledTanh", in_place=True)

traits("Affine", "ImageScaler", "Scale", keeps="nothing")

traits("ParametricSoftplus", "ScaledTanh", kind="activation")

traits("ScaledTanh", keeps="output")

traits("Crop", "DynamicSlice", reads="part", positions="lost", keeps="nothing")

traits("ImageScaler", "Crop", layout="channels_first")

describe("alpha · x + beta.", "Affine")

describe("scale · x and a bias for each channel.", "ImageScaler")

describe("scale · x.", "Scale")

describe("alpha · ln(1 + exp(beta · x)).", "ParametricSoftplus")

describe("alpha · tanh(beta · x).", "ScaledTanh")

describe("A picture is cut out of a larger one.", "Crop")

describe("A range of each axis is cut out.", "DynamicSlice")

describe("A tensor of stored values.", "GivenTensorFill")

describe("Copies a tensor between the host and a device.", "MemcpyFromHost", "MemcpyToHost")

free("Crop", "DynamicSlice", "GivenTensorFill", "MemcpyFromHost", "MemcpyToHost")

traits("MemcpyFromHost", "MemcpyToHost", passes_on="same", keeps="nothing")


@shape_rule("Affine", "ImageScaler", "Scale", "ParametricSoftplus", "ScaledTanh", "MemcpyFromHost", "MemcpyToHost")
def same_shape(x: TensorType) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape, x.value if x.dtype.is_integer else None)


@cost_rule("Affine", "ImageScaler")
def affine_cost(x: TensorType) -> Cost:
    """One multiplication and one addition per element."""
    return Cost(
        work=elementwise_work("multiply", "elementwise", x.elements)
        + elementwise_work("add", "elementwise", x.elements)
    )


@cost_rule("Scale")
def scale_cost(x: TensorType) -> Cost:
    """One multiplication per element."""
    return Cost(work=elementwise_work("multiply", "elementwise", x.elements))


@cost_rule("ScaledTanh", "ParametricSoftplus")
def scaled_function_cost(x: TensorType) -> Cost:
    """One function and two multiplications (alpha, beta) per element."""
    return Cost(
        work=elementwise_work("transcendental", "activation", x.elements)
        + elementwise_work("multiply", "elementwise", x.elements, 2)
    )


@shape_rule("Crop")
def crop_shape(x: TensorType, *, border: Sequence[int] = (), scale: Sequence[int] = ()) -> TensorType:
    """x [N, C, H, W] -> [N, C, H - top - bottom, W - left - right], border (left, top, right, bottom); scale gives
    height and width instead."""
    if x.shape is None or len(x.shape) != 4 or len(border) != 4:
        raise ShapeError(f"the border is {list(border)} for {x.rank} axes", "it has 4 numbers for [N, C, H, W]")
    n, c, h, w = x.shape
    left, top, right, bottom = border
    if scale:
        return TensorType(x.dtype, (n, c, scale[0], scale[1]))
    return TensorType(x.dtype, (n, c, h - top - bottom, w - left - right))


@shape_rule("DynamicSlice")
def dynamic_slice_shape(
    x: TensorType, starts: TensorType, ends: TensorType, axes: TensorType | None = None, *, fresh: FreshSymbol
) -> ShapeResult:
    """As Slice without steps."""
    return slice_shape(x, starts, ends, axes, fresh=fresh)


@shape_rule("GivenTensorFill")
def given_tensor_fill_shape(
    shape_input: TensorType | None = None,
    *,
    shape: Sequence[int] = (),
    extra_shape: Sequence[int] = (),
    input_as_shape: int = 0,
    fresh: FreshSymbol,
) -> TensorType:
    """The attribute shape; or the input's own shape, or with input_as_shape its contents, followed by extra_shape."""
    if shape_input is None or shape:
        return TensorType(DType.FLOAT32, tuple(shape))
    if not input_as_shape:
        return TensorType(DType.FLOAT32, (*(shape_input.shape or ()), *extra_shape))
    known = shape_input.value
    if known is None:
        length = shape_input.elements
        if not isinstance(length, int) or length > 64:
            return TensorType(DType.FLOAT32, None)
        known = tuple(fresh(f"extent{i}") for i in range(length))
    return TensorType(DType.FLOAT32, (*known, *extra_shape))
