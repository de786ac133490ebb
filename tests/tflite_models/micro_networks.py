"""Small networks that together call the operators of TensorFlow Lite for Microcontrollers whose kernels keep memory or
need scratch buffers. Each function adds its inputs, operators and outputs to a model, so several may share one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from builder import ModelBuilder

ONE = {"strideW": 1, "strideH": 1}
TWO = {"strideW": 2, "strideH": 2}
SCALE = (0.05,)


def ints(m: ModelBuilder, shape: Any, dtype: str = "int8", scales: Any = SCALE, axis: int = 0) -> int:
    """A stored quantised tensor."""
    return m.constant(np.ones(shape), dtype, scales, axis)


def conv(m: ModelBuilder, x: int, dtype: str = "int8", out: Any = (1, 8, 8, 6), **fields: Any) -> int:
    """A convolution with a scale for each of 6 channels."""
    bias = ints(m, (6,), "int64" if dtype == "int16" else "int32", (0.0025,) * 6)
    inputs = (x, ints(m, (6, 3, 3, 4), scales=(0.05,) * 6), bias)
    return m.op("CONV_2D", inputs, "Conv2DOptions", dtype, scales=SCALE, shape=out, padding=0, **ONE | fields)


def convolutions(m: ModelBuilder) -> None:
    x = m.input("x", (1, 8, 8, 4), "int8", SCALE)
    a = conv(m, x)
    w = ints(m, (1, 3, 3, 6), scales=(0.05,) * 6, axis=3)
    b = m.op(
        *("DEPTHWISE_CONV_2D", (a, w, ints(m, (6,), "int32", (0.0025,) * 6)), "DepthwiseConv2DOptions", "int8"),
        **{"scales": SCALE, "shape": (1, 4, 4, 6), "padding": 0, "depthMultiplier": 1, **TWO},
    )
    w = ints(m, (5, 1, 1, 6), scales=(0.05,) * 5)
    c = m.op(
        *("CONV_2D", (b, w, ints(m, (5,), "int32", (0.0025,) * 5)), "Conv2DOptions", "int8"),
        **{"scales": SCALE, "shape": (1, 4, 4, 5), "padding": 1, **ONE},
    )
    m.output(c, conv(m, m.input("x16", (1, 8, 8, 4), "int16", SCALE), "int16"))


def float_convolutions(m: ModelBuilder) -> None:
    x = m.input("f", (1, 6, 6, 3))
    a = m.op("CONV_2D", (x, m.weights(7, 3, 3, 3), m.weights(7)), "Conv2DOptions", shape=(1, 6, 6, 7), **ONE)
    b = m.op(
        "DEPTHWISE_CONV_2D",
        (a, m.weights(1, 3, 3, 7)),
        "DepthwiseConv2DOptions",
        shape=(1, 6, 6, 7),
        depthMultiplier=1,
        **ONE,
    )
    shape = m.constant((1, 12, 12, 4))
    c = m.op(
        "TRANSPOSE_CONV",
        (shape, m.weights(4, 3, 3, 7), b, m.weights(4)),
        "TransposeConvOptions",
        shape=(1, 12, 12, 4),
        **TWO,
    )
    m.output(c, m.op("FULLY_CONNECTED", (x, m.weights(5, 3), -1), "FullyConnectedOptions", shape=(36, 5)))


def transposed(m: ModelBuilder) -> None:
    x = m.input("t", (1, 4, 4, 3), "int8", SCALE)
    inputs = (
        m.constant((1, 8, 8, 5)),
        ints(m, (5, 3, 3, 3), scales=(0.05,) * 5),
        x,
        ints(m, (5,), "int32", (0.0025,) * 5),
    )
    a = m.op("TRANSPOSE_CONV", inputs, "TransposeConvOptions", "int8", scales=SCALE, shape=(1, 8, 8, 5), **TWO)
    y = m.input("t16", (1, 4, 4, 3), "int16", SCALE)
    inputs = (
        m.constant((1, 8, 8, 5)),
        ints(m, (5, 3, 3, 3), scales=(0.05,) * 5),
        y,
        ints(m, (5,), "int16", (0.0025,) * 5),
    )
    b = m.op("TRANSPOSE_CONV", inputs, "TransposeConvOptions", "int16", scales=SCALE, shape=(1, 8, 8, 5), **TWO)
    m.output(a, b)


def dense(m: ModelBuilder) -> None:
    x = m.input("d", (1, 12), "int8", SCALE)
    bias = ints(m, (7,), "int32", (0.0025,))
    a = m.op(
        "FULLY_CONNECTED", (x, ints(m, (7, 12)), bias), "FullyConnectedOptions", "int8", scales=SCALE, shape=(1, 7)
    )
    w = ints(m, (6, 7), scales=(0.05,) * 6)
    b = m.op("FULLY_CONNECTED", (a, w, -1), "FullyConnectedOptions", "int8", scales=SCALE, shape=(1, 6))
    y = m.input("d16", (1, 12), "int16", SCALE)
    c = m.op("FULLY_CONNECTED", (y, ints(m, (7, 12)), -1), "FullyConnectedOptions", "int16", scales=SCALE, shape=(1, 7))
    d = m.op("SOFTMAX", (b,), "SoftmaxOptions", "int8", scales=(1 / 256,), shape=(1, 6), beta=1.0)
    m.graph.tensors[d].quantization.zeroPoint = [-128]
    m.output(d)
    m.output(m.op("SOFTMAX", (c,), "SoftmaxOptions", "int16", scales=(1 / 32768,), shape=(1, 7), beta=1.0))


def softmaxes(m: ModelBuilder) -> None:
    x = m.input("s", (3, 5))
    a = m.op("SOFTMAX", (x,), "SoftmaxOptions", shape=(3, 5), beta=1.0)
    b = m.op("LOG_SOFTMAX", (a,), shape=(3, 5))
    y = m.input("s8", (3, 5), "int8", SCALE)
    c = m.op("LOG_SOFTMAX", (y,), dtype="int8", scales=(16 / 256,), shape=(3, 5))
    q = m.graph.tensors[c].quantization
    q.zeroPoint = [127]
    d = m.op("LOGISTIC", (y,), dtype="int8", scales=(1 / 256,), shape=(3, 5))
    m.graph.tensors[d].quantization.zeroPoint = [-128]
    m.output(b, c, d, m.op("TANH", (x,), shape=(3, 5)))


def pools(m: ModelBuilder) -> None:
    x = m.input("p", (1, 8, 8, 10), "int8", SCALE)
    kernel = {"filterWidth": 2, "filterHeight": 2}
    a = m.op("AVERAGE_POOL_2D", (x,), "Pool2DOptions", "int8", scales=SCALE, shape=(1, 4, 4, 10), **TWO, **kernel)
    b = m.op("MAX_POOL_2D", (a,), "Pool2DOptions", "int8", scales=SCALE, shape=(1, 2, 2, 10), **TWO, **kernel)
    f = m.input("pf", (1, 8, 8, 3))
    m.output(b, m.op("L2_POOL_2D", (f,), "Pool2DOptions", shape=(1, 4, 4, 3), **TWO, **kernel))


def reductions(m: ModelBuilder) -> None:
    x = m.input("r", (1, 6, 6, 9), "int8", SCALE)
    f = m.input("rf", (2, 6, 5))
    flags = m.input("rb", (2, 6), "bool")
    for name in ("MEAN", "SUM"):
        m.output(m.op(name, (x, m.constant((1, 2))), "ReducerOptions", "int8", scales=SCALE, shape=(1, 9)))
        m.output(m.op(name, (f, m.constant((1,))), "ReducerOptions", shape=(2, 5)))
    for name in ("REDUCE_MAX", "REDUCE_MIN"):
        m.output(m.op(name, (f, m.constant((0, 1))), "ReducerOptions", shape=(5,)))
    m.output(m.op("REDUCE_ALL", (flags, m.constant((1,))), "ReducerOptions", "bool", shape=(2,)))
    m.output(m.op("CUMSUM", (x, m.constant(1)), "CumsumOptions", "int8", scales=SCALE, shape=(1, 6, 6, 9)))


def elementwise(m: ModelBuilder) -> None:
    x, y = m.input("e", (1, 4, 5), "int8", SCALE), m.input("e2", (1, 1, 5), "int8", SCALE)
    how = {"dtype": "int8", "scales": SCALE, "shape": (1, 4, 5)}
    for name, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")):
        m.output(m.op(name, (x, y), options, **how))
    for name in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"):
        m.output(m.op(name, (x, y), **how))
    for name in ("RELU", "RELU6", "HARD_SWISH", "ABS"):
        m.output(m.op(name, (x,), **how))
    m.output(m.op("LEAKY_RELU", (x,), "LeakyReluOptions", alpha=0.1, **how))
    m.output(m.op("PRELU", (x, ints(m, (1, 1, 5))), **how))
    m.output(m.op("ELU", (x,), **how))
    m.output(m.op("ADD_N", (x, x, x), "AddNOptions", **how))
    m.output(m.op("GREATER", (x, y), dtype="bool", shape=(1, 4, 5)))


def float_elementwise(m: ModelBuilder) -> None:
    x = m.input("ef", (1, 4, 5))
    how = {"shape": (1, 4, 5)}
    for name in [
        "RSQRT",
        "ABS",
        "SQRT",
        "SQUARE",
        "SIN",
        "COS",
        "LOG",
        "EXP",
        "FLOOR",
        "CEIL",
        "ROUND",
        "NEG",
        "ELU",
        "RELU",
        "RELU6",
        "TANH",
        "LOGISTIC",
    ]:
        m.output(m.op(name, (x,), **how))
    for name in ("FLOOR_DIV", "FLOOR_MOD", "SQUARED_DIFFERENCE"):
        m.output(m.op(name, (x, x), **how))
    m.output(m.op("ADD_N", (x, x), "AddNOptions", **how), m.op("L2_NORMALIZATION", (x,), "L2NormOptions", **how))
    flag = m.op("LESS", (x, x), dtype="bool", **how)
    flag = m.op("LOGICAL_NOT", (flag,), dtype="bool", **how)
    m.output(m.op("SELECT_V2", (flag, x, x), **how), m.op("CAST", (flag,), "CastOptions", **how))
    q = m.op("QUANTIZE", (x,), dtype="int8", scales=SCALE, **how)
    m.output(m.op("DEQUANTIZE", (q,), **how), m.op("ZEROS_LIKE", (x,), **how))


def layout(m: ModelBuilder) -> None:
    x, f = m.input("l", (1, 4, 4, 8), "int8", SCALE), m.input("lf", (1, 4, 4, 8))
    how = {"dtype": "int8", "scales": SCALE}
    m.output(m.op("CONCATENATION", (x, x, x), "ConcatenationOptions", axis=3, shape=(1, 4, 4, 24), **how))
    pads = m.constant(((0, 0), (1, 1), (1, 1), (0, 0)))
    m.output(m.op("PAD", (x, pads), shape=(1, 6, 6, 8), **how))
    m.output(m.op("MIRROR_PAD", (f, pads), "MirrorPadOptions", shape=(1, 6, 6, 8)))
    cut = [m.constant(v) for v in ((0, 0, 0, 0), (1, 2, 2, 8), (1, 1, 1, 1))]
    m.output(m.op("STRIDED_SLICE", (x, *cut), "StridedSliceOptions", shape=(1, 2, 2, 8), **how))
    m.output(m.op("SLICE", (x, *cut[:2]), shape=(1, 2, 2, 8), **how))
    m.output(m.op("DEPTH_TO_SPACE", (x,), "DepthToSpaceOptions", blockSize=2, shape=(1, 8, 8, 2), **how))
    m.output(m.op("SPACE_TO_DEPTH", (x,), "SpaceToDepthOptions", blockSize=2, shape=(1, 2, 2, 32), **how))
    block = m.constant((2, 2)), m.constant(((0, 0), (0, 0)))
    b = m.op("SPACE_TO_BATCH_ND", (x, *block), shape=(4, 2, 2, 8), **how)
    m.output(m.op("BATCH_TO_SPACE_ND", (b, *block), shape=(1, 4, 4, 8), **how))
    size = m.constant((7, 7))
    m.output(m.op("RESIZE_BILINEAR", (f, size), "ResizeBilinearOptions", shape=(1, 7, 7, 8)))
    m.output(m.op("RESIZE_NEAREST_NEIGHBOR", (f, size), "ResizeNearestNeighborOptions", shape=(1, 7, 7, 8)))
    m.output(m.op("TRANSPOSE", (x, m.constant((0, 3, 1, 2))), shape=(1, 8, 4, 4), **how))
    r = m.op("RESHAPE", (x, m.constant((1, 128))), "ReshapeOptions", newShape=[1, 128], shape=(1, 128), **how)
    m.output(m.op("EXPAND_DIMS", (r, m.constant(0)), shape=(1, 1, 128), **how))
    m.output(*m.op("SPLIT", (m.constant(3), f), "SplitOptions", numSplits=2, outputs=2, shape=(1, 4, 4, 4)))
    m.output(m.op("PACK", (f, f), "PackOptions", valuesCount=2, axis=0, shape=(2, 1, 4, 4, 8)))
    m.output(m.op("SQUEEZE", (f,), "SqueezeOptions", squeezeDims=[0], shape=(4, 4, 8)))


def lookups(m: ModelBuilder) -> None:
    f = m.input("g", (5, 6))
    rows = m.constant((3, 1))
    m.output(m.op("GATHER", (f, rows), "GatherOptions", axis=0, shape=(2, 6)))
    m.output(m.op("GATHER_ND", (f, m.constant(((1,), (2,)))), shape=(2, 6)))
    m.output(m.op("EMBEDDING_LOOKUP", (rows, m.weights(5, 6)), shape=(2, 6)))
    m.output(m.op("ARG_MAX", (f, m.constant(1)), "ArgMaxOptions", "int32", shape=(5,), outputType=2))
    m.output(m.op("SHAPE", (f,), "ShapeOptions", "int32", shape=(2,), outType=2))
    m.output(m.op("BROADCAST_TO", (m.input("g2", (1, 6)), m.constant((5, 6))), shape=(5, 6)))
    m.output(m.op("FILL", (m.constant((5, 6)), m.constant(1.0, "float32")), shape=(5, 6)))


def products(m: ModelBuilder) -> None:
    x, y = m.input("b", (2, 3, 4)), m.input("b2", (2, 4, 5))
    m.output(m.op("BATCH_MATMUL", (x, y), "BatchMatMulOptions", shape=(2, 3, 5)))
    m.output(m.op("BATCH_MATMUL", (x, x), "BatchMatMulOptions", adjY=True, shape=(2, 3, 3)))
    m.output(m.op("BATCH_MATMUL", (x, x), "BatchMatMulOptions", adjX=True, shape=(2, 4, 4)))
    q = m.input("b8", (2, 3, 4), "int8", SCALE)
    m.output(m.op("BATCH_MATMUL", (q, q), "BatchMatMulOptions", "int8", adjY=True, scales=SCALE, shape=(2, 3, 3)))


def svdf(m: ModelBuilder) -> None:
    x = m.input("v", (1, 6), "int8", SCALE)
    state = m.variable("state", (1, 8 * 5), "int16")
    m.graph.tensors[state].quantization = m.graph.tensors[m.tensor("q", (1,), "int16", SCALE)].quantization
    weights = ints(m, (8, 6)), ints(m, (8, 5), "int16"), ints(m, (4,), "int32", (0.0025,))
    m.output(
        m.op(
            "SVDF",
            (x, *weights, state),
            "SVDFOptions",
            "int8",
            scales=SCALE,
            shape=(1, 4),
            rank=2,
            fusedActivationFunction=1,
        )
    )
    f, state = m.input("vf", (1, 6)), m.variable("state2", (1, 8 * 5))
    m.output(
        m.op("SVDF", (f, m.weights(8, 6), m.weights(8, 5), m.weights(8), state), "SVDFOptions", shape=(1, 8), rank=1)
    )


def lstm(m: ModelBuilder) -> None:
    x = m.input("steps", (1, 5, 3))
    gates = [m.weights(4, 3) for _ in range(4)] + [m.weights(4, 4) for _ in range(4)]
    biases = [m.weights(4) for _ in range(4)]
    states = [m.variable("hidden", (1, 4)), m.variable("cell", (1, 4))]
    inputs = (x, *gates, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1)
    m.output(
        m.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            inputs,
            "UnidirectionalSequenceLSTMOptions",
            shape=(1, 5, 4),
            fusedActivationFunction=4,
        )
    )


def variables(m: ModelBuilder) -> None:
    x = m.input("add", (1, 10))
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", "resource", sharedName="total", container="", shape=())
    old = m.op("READ_VARIABLE", (handle,), shape=(1, 10))
    new = m.op("ADD", (old, x), "AddOptions", shape=(1, 10))
    m.op("ASSIGN_VARIABLE", (handle, new), outputs=0)
    m.output(m.op("RELU", (new,), shape=(1, 10)))


def control(m: ModelBuilder) -> None:
    """An IF, a WHILE and a CALL_ONCE, each with subgraphs of its own."""
    flag, x = m.input("flag", (1,), "bool"), m.input("cx", (1, 20))
    a = m.op("IF", (flag, x), "IfOptions", thenSubgraphIndex=1, elseSubgraphIndex=2, shape=(1, 20))
    b = m.op("WHILE", (a,), "WhileOptions", condSubgraphIndex=3, bodySubgraphIndex=4, shape=(1, 20))
    m.op("CALL_ONCE", (), "CallOnceOptions", initSubgraphIndex=5, outputs=0)
    m.output(m.op("RELU", (b,), shape=(1, 20)))
    m.subgraph("then")
    y = m.input("y", (1, 20))
    m.output(m.op("RELU", (m.op("RELU6", (y,), shape=(1, 20)),), shape=(1, 20)))
    m.subgraph("else")
    m.output(m.op("MUL", (m.input("y", (1, 20)), m.weights(20)), "MulOptions", shape=(1, 20)))
    m.subgraph("cond")
    y = m.input("y", (1, 20))
    low = m.op("REDUCE_MIN", (y, m.constant((0, 1))), "ReducerOptions", shape=(1,))
    m.output(m.op("LESS", (low, m.weights(1)), dtype="bool", shape=(1,)))
    m.subgraph("body")
    m.output(m.op("ADD", (m.input("y", (1, 20)), m.weights(20)), "AddOptions", shape=(1, 20)))
    m.subgraph("init")
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", "resource", sharedName="first", container="c", shape=())
    m.op("ASSIGN_VARIABLE", (handle, m.weights(1, 7)), outputs=0)


def residual(m: ModelBuilder) -> None:
    """A chain whose early tensor is added at the end, with unequal sizes and an input that nothing reads."""
    m.input("unread", (1, 33))
    x = m.input("start", (1, 10))
    early = a = m.op("RELU", (x,), shape=(1, 10))
    for width in (16, 6, 24, 10):
        n = m.graph.tensors[a].shape[-1]
        a = m.op(
            "FULLY_CONNECTED", (a, m.weights(width, n), m.weights(width)), "FullyConnectedOptions", shape=(1, width)
        )
    m.output(m.op("ADD", (a, early), "AddOptions", shape=(1, 10)), early)


def quantised_lstm(m: ModelBuilder) -> None:
    x = m.input("q_steps", (2, 5, 3), "int8", SCALE)
    gates = [ints(m, (4, 3)) for _ in range(4)] + [ints(m, (4, 4)) for _ in range(4)]
    biases = [ints(m, (4,), "int32", (0.0025,)) for _ in range(4)]
    states = [m.variable("q_hidden", (2, 4), "int8"), m.variable("q_cell", (2, 4), "int16")]
    for state, scale in zip(states, (0.05, 2**-11), strict=True):
        donor = m.graph.tensors[m.tensor(f"scale of {state}", (1,), "int8", (scale,))]
        m.graph.tensors[state].quantization = donor.quantization
    inputs = (x, *gates, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1)
    y = m.op(
        *("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, "UnidirectionalSequenceLSTMOptions", "int8"),
        scales=SCALE,
        shape=(2, 5, 4),
        fusedActivationFunction=4,
        timeMajor=False,
    )
    m.output(y)


def packed_filters(m: ModelBuilder) -> None:
    """Filters of int4, two to the byte, which kernels unpack into a scratch buffer."""
    x = m.input("n", (1, 4, 4, 3), "int8", SCALE)
    w = m.packed((5, 3, 3, 3), (0.05,) * 5)
    bias = ints(m, (5,), "int32", (0.0025,) * 5)
    a = m.op("CONV_2D", (x, w, bias), "Conv2DOptions", "int8", scales=SCALE, shape=(1, 4, 4, 5), **ONE)
    w = m.packed((6, 80), SCALE)
    m.output(m.op("FULLY_CONNECTED", (a, w, -1), "FullyConnectedOptions", "int8", scales=SCALE, shape=(1, 6)))


def planned(m: ModelBuilder) -> None:
    """Offsets of tensors that the converter has planned, in the file's metadata: version, subgraphs, tensors, offsets."""
    residual(m)
    offsets = [-1] * len(m.graph.tensors)
    offsets[1], offsets[2], offsets[m.graph.outputs[0]] = 1024, 0, 512
    m.metadata("OfflineMemoryAllocation", np.array([1, 0, len(offsets), *offsets], np.int32).tobytes())


def unused(m: ModelBuilder) -> None:
    """A tensor that nothing names, one that nothing reads, an output that is an input, and one tensor read twice."""
    m.tensor("nothing", (1, 50))
    x = m.input("u", (1, 30))
    m.op("RELU", (x,), shape=(1, 30))
    m.output(m.op("ADD", (x, x), "AddOptions", shape=(1, 30)), x)


def branches(m: ModelBuilder) -> None:
    """Two branches that grow and shrink, one operator of each in turn: one after the other they need less."""
    x = m.input("in", (1, 4, 4, 2))
    wide = [m.op("CONCATENATION", (x,) * 8, "ConcatenationOptions", axis=3, shape=(1, 4, 4, 16)) for _ in range(2)]
    axes = m.constant((1, 2))
    small = [m.op("MEAN", (y, axes), "ReducerOptions", shape=(1, 16)) for y in wide]
    m.output(m.op("ADD", small, "AddOptions", shape=(1, 16)))


def ordered(m: ModelBuilder) -> None:
    """`branches`, one branch after the other."""
    x = m.input("in", (1, 4, 4, 2))
    axes, small = m.constant((1, 2)), []
    for _ in range(2):
        y = m.op("CONCATENATION", (x,) * 8, "ConcatenationOptions", axis=3, shape=(1, 4, 4, 16))
        small.append(m.op("MEAN", (y, axes), "ReducerOptions", shape=(1, 16)))
    m.output(m.op("ADD", small, "AddOptions", shape=(1, 16)))


def repeated(m: ModelBuilder) -> None:
    """Equal constants in buffers of their own, a buffer that nothing refers to, and an entry of metadata."""
    x = m.input("k", (1, 8))
    y = m.op("ADD", (x, m.weights(8)), "AddOptions", shape=(1, 8))
    m.output(m.op("MUL", (y, m.weights(8)), "MulOptions", shape=(1, 8)))
    m.constant(np.arange(5))
    m.graph.tensors.pop()
    m.metadata("min_runtime_version", b"1.5.0" + bytes(11))


MICRO_NETWORKS: dict[str, Callable[[ModelBuilder], None]] = {
    f.__name__: f
    for f in (
        *(convolutions, float_convolutions, transposed, dense, softmaxes, pools, reductions, elementwise),
        *(float_elementwise, layout, lookups, products, svdf, lstm, variables, control, residual),
        *(quantised_lstm, packed_filters, planned, unused, branches, ordered, repeated),
    )
}
