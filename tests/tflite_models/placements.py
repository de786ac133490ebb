"""Quantised calls of TensorFlow Lite's operators -> tests/data/npu: calls_*.tflite and placements.json: whether
Vela puts each on an Ethos-U55, and its reason where it does not.

    python tests/tflite_models/placements.py VELA

Needs ai-edge-litert, flatbuffers and the command of ethos-u-vela. Each call reads inputs of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from builder import ModelBuilder

OUTPUT = Path(__file__).parents[1] / "data" / "npu"
SAME, VALID = 0, 1
RELU, RELU6, TANH = 1, 3, 4
SCALE = (0.5,)


class Calls:
    """Adds calls to a model: inputs and weights are int8 unless said, with a scale."""

    def __init__(self) -> None:
        self.m = ModelBuilder()

    def x(self, *shape: int, dtype: str = "int8", scales: Any = SCALE) -> int:
        """A new input."""
        return self.m.input(f"input_{len(self.m.graph.inputs)}", shape, dtype, scales)

    def w(self, *shape: int, dtype: str = "int8", scales: Any = SCALE, axis: int = 0) -> int:
        """Stored weights."""
        return self.m.constant(np.ones(shape), dtype, scales, axis)

    def op(self, name: str, inputs: Any, shape: Any, options: Any = None, dtype: str = "int8", **fields: Any) -> None:
        """A call with one output of this shape."""
        scales = fields.pop("scales", SCALE)
        self.m.output(self.m.op(name, inputs, options, dtype, scales=scales, shape=shape, **fields))

    def conv(
        self,
        image: tuple[int, ...],
        filters: tuple[int, ...],
        shape: tuple[int, ...],
        stride: tuple[int, int] = (1, 1),
        padding: int = SAME,
        dilation: int = 1,
        bias: str = "int32",
        dtype: str = "int8",
        weights: str = "int8",
        activation: int = 0,
        scales: Any = SCALE,
    ) -> None:
        """A convolution of an image [N, H, W, C] with filters [M, kH, kW, C]."""
        b = self.w(filters[0], dtype=bias, scales=scales)
        x = self.x(*image, dtype=dtype)
        kernel = self.w(*filters, dtype=weights, scales=scales)
        sizes = {"strideH": stride[0], "strideW": stride[1], "dilationHFactor": dilation, "dilationWFactor": dilation}
        self.op(
            "CONV_2D",
            (x, kernel, b),
            shape,
            "Conv2DOptions",
            dtype,
            padding=padding,
            fusedActivationFunction=activation,
            **sizes,
        )

    def depthwise(
        self,
        image: tuple[int, ...],
        kernel: tuple[int, int],
        multiplier: int,
        stride: int,
        shape: Any,
        dilation: int = 1,
    ) -> None:
        """A depthwise convolution without padding."""
        channels = image[-1] * multiplier
        inputs = (self.x(*image), self.w(1, *kernel, channels), self.w(channels, dtype="int32"))
        fields = {"strideH": stride, "strideW": stride, "dilationHFactor": dilation, "dilationWFactor": dilation}
        self.op(
            "DEPTHWISE_CONV_2D",
            inputs,
            shape,
            "DepthwiseConv2DOptions",
            padding=VALID,
            depthMultiplier=multiplier,
            **fields,
        )

    def pool(
        self, name: str, image: Any, kernel: Any, stride: Any, shape: Any, padding: int = VALID, dtype: str = "int8"
    ) -> None:
        """A pool."""
        fields = {"filterHeight": kernel[0], "filterWidth": kernel[1], "strideH": stride[0], "strideW": stride[1]}
        self.op(name, (self.x(*image, dtype=dtype),), shape, "Pool2DOptions", dtype, padding=padding, **fields)


def convolutions(c: Calls) -> None:
    """Convolutions within the limits and beyond each."""
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), activation=RELU)
    c.conv((2, 8, 8, 3), (4, 3, 3, 3), (2, 8, 8, 4))
    c.conv((1, 16, 16, 3), (4, 3, 3, 3), (1, 4, 4, 4), (4, 4))
    c.conv((1, 16, 16, 3), (4, 3, 3, 3), (1, 4, 4, 4), (4, 4), VALID)
    c.conv((1, 16, 16, 3), (4, 3, 3, 3), (1, 16, 16, 4), dilation=2)
    c.conv((1, 40, 16, 3), (4, 33, 1, 3), (1, 8, 16, 4), padding=VALID)
    c.conv((1, 80, 16, 3), (4, 65, 1, 3), (1, 16, 16, 4), padding=VALID)
    c.conv((1, 72, 72, 1), (2, 65, 64, 1), (1, 8, 9, 2), padding=VALID)
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), dtype="int16", bias="int64")
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), dtype="int16", bias="int32")
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), dtype="float32", weights="float32", bias="float32", scales=())
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), scales=(0.5, 0.25, 0.5, 0.5))
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), activation=TANH)
    c.conv((1, 8, 8, 6), (4, 3, 3, 3), (1, 8, 8, 4))
    x, kernel, bias = c.x(1, 8, 8, 3), c.x(4, 3, 3, 3), c.w(4, dtype="int32")
    c.op("CONV_2D", (x, kernel, bias), (1, 8, 8, 4), "Conv2DOptions", padding=SAME, strideH=1, strideW=1)
    x, kernel, bias = c.x(1, 8, 8, 3), c.w(4, 3, 3, 3), c.x(4, dtype="int32")
    c.op("CONV_2D", (x, kernel, bias), (1, 8, 8, 4), "Conv2DOptions", padding=SAME, strideH=1, strideW=1)
    c.depthwise((1, 8, 8, 4), (3, 3), 1, 1, (1, 6, 6, 4))
    c.depthwise((1, 8, 8, 4), (3, 3), 2, 1, (1, 6, 6, 8))
    c.depthwise((1, 8, 8, 1), (3, 3), 4, 1, (1, 6, 6, 4))
    c.depthwise((1, 16, 16, 4), (3, 3), 1, 4, (1, 4, 4, 4))
    c.depthwise((1, 16, 16, 4), (3, 3), 1, 3, (1, 5, 5, 4))
    c.depthwise((2, 8, 8, 4), (3, 3), 1, 1, (2, 6, 6, 4))
    c.depthwise((1, 80, 8, 4), (70, 1), 1, 1, (1, 11, 8, 4))
    for stride, padding, shape in (((2, 2), SAME, (16, 16)), ((1, 2), SAME, (8, 16)), ((3, 3), SAME, (24, 24))):
        inputs = (c.m.constant((1, *shape, 4)), c.w(4, 3, 3, 4), c.x(1, 8, 8, 4), c.w(4, dtype="int32"))
        fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
        c.op("TRANSPOSE_CONV", inputs, (1, *shape, 4), "TransposeConvOptions", **fields)
    inputs = (c.m.constant((1, 17, 17, 4)), c.w(4, 3, 3, 4), c.x(1, 8, 8, 4), c.w(4, dtype="int32"))
    c.op("TRANSPOSE_CONV", inputs, (1, 17, 17, 4), "TransposeConvOptions", padding=VALID, strideH=2, strideW=2)
    inputs = (c.m.constant((1, 18, 18, 4)), c.w(4, 3, 3, 4), c.x(1, 8, 8, 4), c.w(4, dtype="int32"))
    c.op("TRANSPOSE_CONV", inputs, (1, 18, 18, 4), "TransposeConvOptions", padding=VALID, strideH=2, strideW=2)


def pools(c: Calls) -> None:
    """Pools within the limits and beyond each."""
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        c.pool(name, (1, 8, 8, 4), (2, 2), (2, 2), (1, 4, 4, 4))
        c.pool(name, (2, 8, 8, 4), (2, 2), (2, 2), (2, 4, 4, 4))
        c.pool(name, (1, 16, 16, 4), (4, 4), (4, 4), (1, 4, 4, 4))
        c.pool(name, (1, 16, 16, 4), (4, 4), (4, 4), (1, 4, 4, 4), SAME)
        c.pool(name, (1, 16, 16, 4), (9, 9), (1, 1), (1, 16, 16, 4), SAME)
        c.pool(name, (1, 16, 16, 4), (9, 9), (1, 1), (1, 8, 8, 4))
        c.pool(name, (1, 300, 4, 4), (260, 1), (1, 1), (1, 41, 4, 4))
        c.pool(name, (1, 8, 8, 4), (2, 2), (2, 2), (1, 4, 4, 4), dtype="float32")


def products(c: Calls) -> None:
    """Fully connected layers and products of two values."""
    c.op("FULLY_CONNECTED", (c.x(1, 16), c.w(8, 16), c.w(8, dtype="int32")), (1, 8), "FullyConnectedOptions")
    c.op("FULLY_CONNECTED", (c.x(4, 16), c.w(8, 16), c.w(8, dtype="int32")), (4, 8), "FullyConnectedOptions")
    c.op("FULLY_CONNECTED", (c.x(1, 16), c.x(8, 16), c.w(8, dtype="int32")), (1, 8), "FullyConnectedOptions")
    c.op("FULLY_CONNECTED", (c.x(1, 16), c.w(8, 16, dtype="int16"), -1), (1, 8), "FullyConnectedOptions")
    c.op("BATCH_MATMUL", (c.x(1, 4, 8), c.x(1, 8, 6)), (1, 4, 6), "BatchMatMulOptions")
    x, y = c.x(1, 4, 8, dtype="int16"), c.x(1, 8, 6, dtype="int16")
    c.op("BATCH_MATMUL", (x, y), (1, 4, 6), "BatchMatMulOptions", "int16")
    c.op("SOFTMAX", (c.x(1, 10),), (1, 10), "SoftmaxOptions", beta=1.0, scales=(1 / 256,))
    c.op("SOFTMAX", (c.x(1, 300, 300, 4),), (1, 300, 300, 4), "SoftmaxOptions", beta=1.0, scales=(1 / 256,))
    c.op("LOG_SOFTMAX", (c.x(1, 10),), (1, 10), "LogSoftmaxOptions", scales=(16 / 256,))


def arithmetic(c: Calls) -> None:
    """Functions of one value and of two."""
    for name, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        c.op(name, (c.x(1, 4, 4, 8), c.x(1, 4, 4, 8)), (1, 4, 4, 8), options)
        c.op(name, (c.x(1, 4, 4, 8), c.x(1, 1, 1, 8)), (1, 4, 4, 8), options)
        x, y = c.x(1, 4, dtype="int32"), c.x(1, 4, dtype="int32")
        c.op(name, (x, y), (1, 4), options, "int32")
    c.op("ADD", (c.x(2, 4, 4, 8), c.x(2, 4, 4, 8)), (2, 4, 4, 8), "AddOptions")
    c.op("ADD", (c.x(1, 4, dtype="float32", scales=()),) * 2, (1, 4), "AddOptions", "float32", scales=())
    c.op("DIV", (c.x(1, 4, dtype="float32", scales=()),) * 2, (1, 4), "DivOptions", "float32", scales=())
    for name in ("MAXIMUM", "MINIMUM"):
        c.op(name, (c.x(1, 4, 8), c.x(1, 4, 8)), (1, 4, 8), "MaximumMinimumOptions")
        c.op(name, (c.x(1, 4, 8), c.x(1, 4, 8, scales=(0.25,))), (1, 4, 8), "MaximumMinimumOptions")
    for name in ("ABS", "NEG", "EXP", "LOG", "ELU", "GELU", "RSQRT", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
        c.op(name, (c.x(1, 4, 8),), (1, 4, 8))
    for name in ("HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "TANH", "SQUARE", "SQRT", "FLOOR", "SIN", "COS"):
        c.op(name, (c.x(1, 4, 8),), (1, 4, 8), scales=(1 / 256,) if name == "LOGISTIC" else (1 / 128,))
    for name in ("ABS", "RELU", "TANH", "LOGISTIC", "EXP", "RSQRT", "LOG", "ELU"):
        c.op(name, (c.x(1, 4, 8, dtype="int16"),), (1, 4, 8), dtype="int16", scales=(1 / 32768,))
    c.op("PRELU", (c.x(1, 4, 4, 8), c.w(1, 1, 8)), (1, 4, 4, 8))
    c.op("SQUARED_DIFFERENCE", (c.x(1, 4, 8), c.x(1, 4, 8)), (1, 4, 8))
    c.op("QUANTIZE", (c.x(1, 4, 8),), (1, 4, 8), scales=(0.25,))
    c.op("QUANTIZE", (c.x(1, 4, 8, dtype="float32", scales=()),), (1, 4, 8))
    c.op("DEQUANTIZE", (c.x(1, 4, 8),), (1, 4, 8), dtype="float32", scales=())
    c.op("GREATER", (c.x(1, 4, 8), c.x(1, 4, 8)), (1, 4, 8), dtype="bool", scales=())
    c.op("CAST", (c.x(1, 4, 8),), (1, 4, 8), "CastOptions", "int32", scales=(), inDataType=9, outDataType=2)


def reductions(c: Calls) -> None:
    """Means, sums and positions of the largest."""
    for axes, shape in (((1, 2), (1, 8)), ((3,), (1, 6, 6)), ((2,), (1, 6, 8)), ((1,), (1, 6, 8))):
        c.op("MEAN", (c.x(1, 6, 6, 8), c.m.constant(axes)), shape, "ReducerOptions")
    c.op("MEAN", (c.x(2, 6, 6, 8), c.m.constant((1, 2))), (2, 8), "ReducerOptions")
    c.op("MEAN", (c.x(1, 5000, 1, 8), c.m.constant((1,))), (1, 1, 8), "ReducerOptions")
    for name in ("SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        c.op(name, (c.x(1, 6, 6, 8), c.m.constant((3,))), (1, 6, 6), "ReducerOptions")
        c.op(name, (c.x(1, 6, 6, 8), c.m.constant((1, 2))), (1, 8), "ReducerOptions")
    c.op("ARG_MAX", (c.x(1, 6, 6, 8), c.m.constant(3)), (1, 6, 6), "ArgMaxOptions", "int32", outputType=2, scales=())
    c.op("ARG_MAX", (c.x(1, 6, 6, 8), c.m.constant(1)), (1, 6, 8), "ArgMaxOptions", "int32", outputType=2, scales=())
    c.op("ARG_MAX", (c.x(1, 4, 4, 200), c.m.constant(3)), (1, 4, 4), "ArgMaxOptions", "int32", outputType=2, scales=())
    c.op("ARG_MIN", (c.x(1, 6, 6, 8), c.m.constant(3)), (1, 6, 6), "ArgMinOptions", "int32", outputType=2, scales=())


def arrangement(c: Calls) -> None:
    """Operators that move data."""
    c.op("CONCATENATION", (c.x(1, 4, 4, 8), c.x(1, 4, 4, 8)), (1, 4, 4, 16), "ConcatenationOptions", axis=3)
    c.op("RESHAPE", (c.x(1, 4, 4, 8), c.m.constant((1, 128))), (1, 128), "ReshapeOptions", newShape=[1, 128])
    c.op("SQUEEZE", (c.x(1, 1, 4, 8),), (1, 4, 8), "SqueezeOptions", squeezeDims=[1])
    c.op("EXPAND_DIMS", (c.x(1, 4, 8), c.m.constant(1)), (1, 1, 4, 8), "ExpandDimsOptions")
    c.op("PACK", (c.x(1, 4, 8), c.x(1, 4, 8)), (1, 2, 4, 8), "PackOptions", valuesCount=2, axis=1)
    c.op("PAD", (c.x(1, 4, 4, 8), c.m.constant(((0, 0), (1, 1), (1, 1), (0, 0)))), (1, 6, 6, 8), "PadOptions")
    c.op("PAD", (c.x(1, 4, 4, 8), c.m.constant(((1, 1), (1, 1), (1, 1), (0, 0)))), (3, 6, 6, 8), "PadOptions")
    c.op(
        "PADV2", (c.x(1, 4, 4, 8), c.m.constant(((0, 0), (1, 1), (1, 1), (0, 0))), c.w(1)), (1, 6, 6, 8), "PadV2Options"
    )
    pads = c.m.constant(((0, 0), (1, 1), (1, 1), (0, 0)))
    c.op("MIRROR_PAD", (c.x(1, 4, 4, 8), pads), (1, 6, 6, 8), "MirrorPadOptions", mode=0)
    c.op(
        "SLICE", (c.x(1, 4, 4, 8), c.m.constant((0, 1, 1, 0)), c.m.constant((1, 2, 2, 8))), (1, 2, 2, 8), "SliceOptions"
    )
    parts = [c.m.constant(v) for v in ((0, 0, 0, 0), (1, 4, 4, 8), (1, 2, 2, 1))]
    c.op("STRIDED_SLICE", (c.x(1, 4, 4, 8), *parts), (1, 2, 2, 8), "StridedSliceOptions")
    parts = [c.m.constant(v) for v in ((0, 0, 0, 0), (1, 4, 4, 8), (1, 1, 1, 2))]
    c.op("STRIDED_SLICE", (c.x(1, 4, 4, 8), *parts), (1, 4, 4, 4), "StridedSliceOptions")
    for size in (8, 16, 12):
        shape = (1, size, size, 8)
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
            options = "ResizeBilinearOptions" if "BIL" in name else "ResizeNearestNeighborOptions"
            c.op(name, (c.x(1, 4, 4, 8), c.m.constant((size, size))), shape, options)
            c.op(name, (c.x(1, 4, 4, 8), c.m.constant((size, size))), shape, options, halfPixelCenters=True)
    c.op(
        "RESIZE_BILINEAR",
        (c.x(1, 4, 4, 8), c.m.constant((7, 7))),
        (1, 7, 7, 8),
        "ResizeBilinearOptions",
        alignCorners=True,
    )
    c.op("REVERSE_V2", (c.x(1, 4, 4, 8), c.m.constant((1,))), (1, 4, 4, 8), "ReverseV2Options")
    c.op("TILE", (c.x(1, 4, 4, 8), c.m.constant((1, 2, 1, 1))), (1, 8, 4, 8), "TileOptions")
    for perm, shape in (((0, 2, 1, 3), (1, 5, 4, 8)), ((0, 3, 1, 2), (1, 8, 4, 5)), ((3, 0, 1, 2), (8, 1, 4, 5))):
        c.op("TRANSPOSE", (c.x(1, 4, 5, 8), c.m.constant(perm)), shape, "TransposeOptions")
    for name in ("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"):
        shape = (1, 2, 2, 32) if name.startswith("SPACE") else (1, 8, 8, 2)
        c.op(
            name,
            (c.x(1, 4, 4, 8),),
            shape,
            "SpaceToDepthOptions" if name.startswith("SPACE") else "DepthToSpaceOptions",
            blockSize=2,
        )
    c.op("GATHER", (c.x(1, 4, 4, 8), c.m.constant((0, 2))), (1, 2, 4, 8), "GatherOptions", axis=1)
    results = c.m.op(
        "SPLIT", (c.m.constant(3), c.x(1, 4, 4, 8)), "SplitOptions", "int8", 2, SCALE, shape=(1, 4, 4, 4), numSplits=2
    )
    c.m.output(*results)
    results = c.m.op("UNPACK", (c.x(1, 2, 4, 8),), "UnpackOptions", "int8", 2, SCALE, shape=(1, 4, 8), num=2, axis=1)
    c.m.output(*results)


def limits(c: Calls) -> None:
    """More calls near the limits of each operator."""
    c.conv((1, 16, 16, 3), (4, 7, 7, 3), (1, 4, 4, 4), (4, 4))
    c.conv((1, 16, 16, 3), (4, 3, 3, 3), (1, 4, 16, 4), (4, 1))
    c.conv((1, 16, 16, 3), (4, 3, 3, 3), (1, 16, 4, 4), (1, 4))
    c.conv((1, 40, 40, 3), (4, 3, 3, 3), (1, 4, 4, 4), (9, 9), VALID, dilation=2)
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), dtype="uint8", weights="uint8")
    c.conv((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), scales=())
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        c.pool(name, (1, 18, 18, 4), (4, 4), (4, 4), (1, 5, 5, 4), SAME)
        c.pool(name, (1, 16, 16, 4), (2, 9), (1, 1), (1, 16, 16, 4), SAME)
        c.pool(name, (1, 300, 300, 4), (250, 250), (1, 1), (1, 51, 51, 4))
    c.op("REVERSE_V2", (c.x(1, 4, 4, 8), c.m.constant((3,))), (1, 4, 4, 8), "ReverseV2Options")
    c.op("REVERSE_V2", (c.x(1, 4, 4, 8), c.m.constant((2,))), (1, 4, 4, 8), "ReverseV2Options")
    x, y = c.x(1, 16, dtype="int16"), c.x(8, 16)
    c.op("FULLY_CONNECTED", (x, y, -1), (1, 8), "FullyConnectedOptions", "int16")
    c.op("FULLY_CONNECTED", (c.x(1, 16, dtype="int16"), c.w(8, 16), -1), (1, 8), "FullyConnectedOptions", "int16")
    c.op("FULLY_CONNECTED", (c.x(1, 16), c.w(8, 16, scales=(0.5,) * 8), -1), (1, 8), "FullyConnectedOptions")
    c.op("ADD", (c.x(1, 4, 8, scales=(0.5,) * 8), c.x(1, 4, 8)), (1, 4, 8), "AddOptions")
    c.op("ADD", (c.x(1, 4, 8, scales=()), c.x(1, 4, 8, scales=())), (1, 4, 8), "AddOptions", scales=())
    c.op("ADD", (c.x(1, 4, dtype="int64"), c.x(1, 4, dtype="int64")), (1, 4), "AddOptions", "int64")
    for name, options in (("ABS", "AbsOptions"), ("RELU", None), ("LEAKY_RELU", "LeakyReluOptions")):
        c.op(name, (c.x(1, 4, dtype="int32"),), (1, 4), options, "int32")
    shape = c.m.constant((1, 8))
    c.op("RESHAPE", (c.x(1, 2, 4, dtype="int32"), shape), (1, 8), "ReshapeOptions", "int32", newShape=[1, 8])
    c.op("PACK", (c.x(1, 4, dtype="int32"),) * 2, (1, 2, 4), "PackOptions", "int32", valuesCount=2, axis=1)
    c.op("NEG", (c.x(1, 4, dtype="int16"),), (1, 4), "NegOptions", "int16")
    c.op("GELU", (c.x(1, 4, dtype="int16"),), (1, 4), "GeluOptions", "int16")
    c.op("RSQRT", (c.x(1, 4, dtype="uint8"),), (1, 4), dtype="uint8")
    for begin, steps, shape in (
        ((0, 3, 0, 0), (1, -1, 1, 1), (1, 3, 4, 8)),
        ((0, 0, 0, 0), (1, 1, 3, 1), (1, 4, 2, 8)),
    ):
        parts = [c.m.constant(v) for v in (begin, (1, 0 if steps[1] < 0 else 4, 4, 8), steps)]
        c.op("STRIDED_SLICE", (c.x(1, 4, 4, 8), *parts), shape, "StridedSliceOptions")
    for name, options in (("RESIZE_BILINEAR", "ResizeBilinearOptions"),) + (
        ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    ):
        for image, size in (
            ((1, 1), (5, 7)),
            ((4, 4), (8, 16)),
            ((4, 4), (32, 32)),
            ((1, 4), (1, 8)),
            ((4, 4), (2, 2)),
        ):
            c.op(name, (c.x(1, *image, 8), c.m.constant(size)), (1, *size, 8), options)
        c.op(name, (c.x(1, 4, 4, 8), c.m.constant((13, 13))), (1, 13, 13, 8), options, alignCorners=True)
        c.op(name, (c.x(1, 4, 4, 8), c.m.constant((8, 8))), (1, 8, 8, 8), options, alignCorners=True)
    c.op("MEAN", (c.x(1, 1, 6, 8), c.m.constant((3,))), (1, 1, 6), "ReducerOptions")
    c.op("MEAN", (c.x(1, 6, 6, 8), c.m.constant((1, 2, 3))), (1,), "ReducerOptions")
    c.op("MEAN", (c.x(1, 300, 300, 2, dtype="int16"), c.m.constant((1, 2))), (1, 2), "ReducerOptions", "int16")
    c.op("MEAN", (c.x(1, 6, 6, 8, dtype="int32"), c.m.constant((1, 2))), (1, 8), "ReducerOptions", "int32")
    c.op("SUM", (c.x(1, 6, 8, dtype="int32"), c.m.constant((2,))), (1, 6), "ReducerOptions", "int32")
    for perm, shape in (((0, 2, 1, 3), (1, 5, 4, 8)), ((0, 1, 3, 2), (1, 4, 8, 5)), ((0, 3, 2, 1), (1, 8, 5, 4))):
        inputs = (c.x(1, 4, 5, 8, dtype="int32"), c.m.constant(perm))
        c.op("TRANSPOSE", inputs, shape, "TransposeOptions", "int32")
    c.op("TRANSPOSE", (c.x(2, 3, 4, 5), c.m.constant((3, 2, 1, 0))), (5, 4, 3, 2), "TransposeOptions")
    c.op("TRANSPOSE", (c.x(1, 4, 8, dtype="int32"), c.m.constant((0, 2, 1))), (1, 8, 4), "TransposeOptions", "int32")
    c.op("ARG_MAX", (c.x(1, 6, 8, dtype="int16"), c.m.constant(-1)), (1, 6), "ArgMaxOptions", "int32", outputType=2)
    pads = c.m.constant(((0, 0), (1, 1), (1, 1), (0, 0)), "int64")
    c.op("PAD", (c.x(1, 4, 4, 8), pads), (1, 6, 6, 8), "PadOptions")
    pads = c.x(4, 2, dtype="int32", scales=())
    c.op("PAD", (c.x(1, 4, 4, 8), pads), (1, 6, 6, 8), "PadOptions")
    c.op("SOFTMAX", (c.x(1, 16, 16, 4),), (1, 16, 16, 4), "SoftmaxOptions", beta=1.0, scales=(1 / 256,))
    c.op("SOFTMAX", (c.x(70000, 4),), (70000, 4), "SoftmaxOptions", beta=1.0, scales=(1 / 256,))
    c.op("BATCH_MATMUL", (c.x(1, 4, 8), c.w(1, 8, 6)), (1, 4, 6), "BatchMatMulOptions")
    c.op("CONCATENATION", (c.x(1, 4, dtype="int32"),) * 2, (1, 8), "ConcatenationOptions", "int32", axis=1)


FAMILIES = {f.__name__: f for f in (convolutions, pools, products, arithmetic, reductions, arrangement, limits)}
REASON = re.compile(r"^Warning \(.*\) operator: (\S+), ofm: '(.*)'\nReason: (.*)$", re.M)


def single_calls(model: ModelBuilder) -> Iterator[tuple[str, bytes]]:
    """A model of calls that read inputs of their own -> (name of its first output, a file with only it) of each."""
    graph = model.graph
    operators, inputs, outputs = graph.operators, graph.inputs, graph.outputs
    for operator in operators:
        graph.operators = [operator]
        graph.inputs = [i for i in inputs if i in operator.inputs]
        graph.outputs = [i for i in outputs if i in operator.outputs]
        yield graph.tensors[operator.outputs[0]].name, model.content()
    graph.operators, graph.inputs, graph.outputs = operators, inputs, outputs


def ask_vela(command: str, content: bytes) -> str:
    """A file of one call -> "" where the NPU runs it, else Vela's reason; "refused: …" where it does not compile it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "call.tflite")
        path.write_bytes(content)
        arguments = [command, str(path), "--accelerator-config", "ethos-u55-128", "--output-dir", folder]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        text = done.stderr.strip().split("Error: ")[-1]
        return "refused: " + " ".join(text.split())
    reasons = REASON.findall(done.stdout)
    return reasons[0][2] if reasons else ""


def main() -> None:
    """Writes a file for each family, and Vela's word on all calls."""
    words = {}
    for name, family in FAMILIES.items():
        calls = Calls()
        family(calls)
        (OUTPUT / f"calls_{name}.tflite").write_bytes(calls.m.content())
        words[name] = {call: ask_vela(sys.argv[1], content) for call, content in single_calls(calls.m)}
    (OUTPUT / "placements.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
