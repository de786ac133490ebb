"""Small networks that together call TensorFlow Lite's builtin operators. Each leaves its results as outputs."""

from __future__ import annotations

from collections.abc import Callable

from builder import ModelBuilder

SAME, VALID = 0, 1
RELU, RELU6, TANH = 1, 3, 4


def convolutions(m: ModelBuilder) -> None:
    x = m.input("image", (1, 12, 10, 4))
    stride = {"strideW": 2, "strideH": 2}
    one = {"strideW": 1, "strideH": 1}
    a = m.op(
        "CONV_2D",
        (x, m.weights(8, 3, 3, 4), m.weights(8)),
        "Conv2DOptions",
        padding=SAME,
        fusedActivationFunction=RELU,
        **stride,
    )
    b = m.op(
        "DEPTHWISE_CONV_2D",
        (a, m.weights(1, 3, 3, 16), m.weights(16)),
        "DepthwiseConv2DOptions",
        padding=SAME,
        depthMultiplier=2,
        fusedActivationFunction=RELU6,
        **one,
    )
    c = m.op("CONV_2D", (b, m.weights(6, 1, 2, 8), m.weights(6)), "Conv2DOptions", padding=VALID, **one)
    d = m.op(
        "CONV_2D",
        (x, m.weights(4, 3, 3, 4), m.weights(4)),
        "Conv2DOptions",
        padding=SAME,
        dilationWFactor=2,
        dilationHFactor=2,
        **one,
    )
    e = m.op("AVERAGE_POOL_2D", (d,), "Pool2DOptions", padding=VALID, filterWidth=3, filterHeight=2, **stride)
    f = m.op("MAX_POOL_2D", (d,), "Pool2DOptions", padding=SAME, filterWidth=3, filterHeight=3, **stride)
    g = m.op("L2_POOL_2D", (d,), "Pool2DOptions", padding=SAME, filterWidth=2, filterHeight=2, **stride)
    h = m.op(
        "TRANSPOSE_CONV",
        (m.constant((1, 12, 10, 5)), m.weights(5, 3, 3, 8), a, m.weights(5)),
        "TransposeConvOptions",
        padding=SAME,
        **stride,
    )
    m.output(c, e, f, g, h)


def volumes(m: ModelBuilder) -> None:
    x = m.input("volume", (1, 4, 6, 6, 2))
    how = {"padding": SAME, "strideD": 1, "strideW": 2, "strideH": 2}
    a = m.op("CONV_3D", (x, m.weights(3, 3, 3, 2, 4), m.weights(4)), "Conv3DOptions", **how)
    b = m.op("CONV_3D_TRANSPOSE", (m.constant((1, 4, 6, 6, 3)), m.weights(3, 3, 3, 3, 4), a), "Conv3DOptions", **how)
    m.output(b)


def products(m: ModelBuilder) -> None:
    x = m.input("rows", (3, 4, 8))
    a = m.op(
        "FULLY_CONNECTED",
        (x, m.weights(6, 8), m.weights(6)),
        "FullyConnectedOptions",
        keepNumDims=True,
        fusedActivationFunction=RELU,
    )
    b = m.op("FULLY_CONNECTED", (x, m.weights(5, 8), -1), "FullyConnectedOptions")
    c = m.op("BATCH_MATMUL", (a, x), "BatchMatMulOptions", adjX=True)
    d = m.op("BATCH_MATMUL", (a, a), "BatchMatMulOptions", adjY=True)
    e = m.op("SOFTMAX", (d,), "SoftmaxOptions", beta=1.0)
    f = m.op("LOG_SOFTMAX", (d,), "LogSoftmaxOptions")
    g = m.op("L2_NORMALIZATION", (b,), "L2NormOptions")
    h = m.op("EMBEDDING_LOOKUP", (m.constant((0, 3, 1)), m.weights(5, 7)))
    m.output(c, e, f, g, h)


def arithmetic(m: ModelBuilder) -> None:
    x, y = m.input("x", (2, 3, 4)), m.input("y", (2, 1, 4))
    out = [
        m.op("ADD", (x, y), "AddOptions", fusedActivationFunction=RELU),
        m.op("SUB", (x, m.weights(4)), "SubOptions"),
        m.op("MUL", (x, y), "MulOptions", fusedActivationFunction=RELU6),
        m.op("DIV", (x, y), "DivOptions"),
        m.op("ADD_N", (x, x, x), "AddNOptions"),
        m.op("PRELU", (x, m.weights(1, 1, 4))),
        m.op("LEAKY_RELU", (x,), "LeakyReluOptions", alpha=0.1),
        m.op("GELU", (x,), "GeluOptions", approximate=True),
        m.op("ATAN2", (x, x), "ATan2Options"),
    ]
    out += [m.op(n, (x, y)) for n in ("MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE")]
    out += [m.op(n, (x, m.weights(4))) for n in ("FLOOR_DIV", "FLOOR_MOD")]
    names = (
        "ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOG LOGISTIC NEG RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 ROUND RSQRT SIGN"
    )
    out += [m.op(n, (x,)) for n in (*names.split(), "SIN", "SQRT", "SQUARE", "TANH", "ZEROS_LIKE")]
    comparisons = "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL"
    flags = [m.op(n, (x, y), dtype="bool") for n in comparisons.split()]
    out += [m.op("LOGICAL_AND", flags[:2], dtype="bool"), m.op("LOGICAL_OR", flags[1:3], dtype="bool")]
    out += [m.op("LOGICAL_NOT", flags[3:4], dtype="bool"), m.op("SELECT_V2", (flags[4], x, y))]
    out += [
        m.op("SELECT", (flags[5], x, x)),
        m.op("CAST", (x,), "CastOptions", dtype="int32", inDataType=0, outDataType=2),
    ]
    m.output(*out)


def reductions(m: ModelBuilder) -> None:
    x = m.input("x", (2, 5, 4, 3))
    out = [
        m.op(n, (x, m.constant((1, -2))), "ReducerOptions", keepDims=n == "MEAN")
        for n in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")
    ]
    flag = m.op("GREATER", (x, m.weights(3)), dtype="bool")
    out += [m.op(n, (flag, m.constant(2)), "ReducerOptions", dtype="bool") for n in ("REDUCE_ANY", "REDUCE_ALL")]
    out += [
        m.op("ARG_MAX", (x, m.constant(-1)), "ArgMaxOptions", dtype="int64", outputType=4),
        m.op("ARG_MIN", (x, m.constant(1)), "ArgMinOptions", dtype="int32", outputType=2),
        m.op("CUMSUM", (x, m.constant(1)), "CumsumOptions"),
        m.op("LOCAL_RESPONSE_NORMALIZATION", (x,), "LocalResponseNormalizationOptions", radius=2, alpha=1.0, beta=0.5),
        *m.op("TOPK_V2", (x, m.constant(2)), "TopKV2Options", dtype=("float32", "int32"), outputs=2),
    ]
    m.output(*out)


def arrangement(m: ModelBuilder) -> None:
    x = m.input("x", (2, 4, 6, 8))
    a = m.op("RESHAPE", (x, m.constant((-1, 48))), "ReshapeOptions", newShape=[-1, 48])
    b = m.op("TRANSPOSE", (x, m.constant((0, 3, 1, 2))), "TransposeOptions")
    c = m.op("EXPAND_DIMS", (x, m.constant(-2)), "ExpandDimsOptions")
    d = m.op("SQUEEZE", (c,), "SqueezeOptions", squeezeDims=[3])
    e = m.op("PACK", (x, x, x), "PackOptions", valuesCount=3, axis=1)
    pads = m.constant(((0, 0), (1, 2), (0, 3), (0, 0)))
    out = [
        *m.op("UNPACK", (e,), "UnpackOptions", outputs=3, num=3, axis=1),
        m.op("PAD", (x, pads), "PadOptions"),
        m.op("PADV2", (x, pads, m.constant(1.0, "float32")), "PadV2Options"),
        m.op("MIRROR_PAD", (x, m.constant(((0, 0), (1, 1), (2, 1), (0, 0)))), "MirrorPadOptions", mode=0),
        m.op("CONCATENATION", (x, d, x), "ConcatenationOptions", axis=-1),
        m.op("SPACE_TO_DEPTH", (x,), "SpaceToDepthOptions", blockSize=2),
        m.op("DEPTH_TO_SPACE", (x,), "DepthToSpaceOptions", blockSize=2),
        m.op("SPACE_TO_BATCH_ND", (x, m.constant((2, 3)), m.constant(((0, 0), (3, 0)))), "SpaceToBatchNDOptions"),
        m.op("BATCH_TO_SPACE_ND", (x, m.constant((2, 1)), m.constant(((1, 0), (0, 2)))), "BatchToSpaceNDOptions"),
        m.op("TILE", (x, m.constant((1, 2, 1, 3))), "TileOptions"),
        m.op("REVERSE_V2", (x, m.constant((1,))), "ReverseV2Options"),
        m.op("RESIZE_BILINEAR", (x, m.constant((9, 7))), "ResizeBilinearOptions", halfPixelCenters=True),
        m.op("RESIZE_NEAREST_NEIGHBOR", (x, m.constant((8, 12))), "ResizeNearestNeighborOptions"),
        m.op("BROADCAST_TO", (m.weights(1, 6, 1), m.constant((2, 6, 3))), "BroadcastToOptions"),
        m.op("FILL", (m.constant((3, 2)), m.constant(1.5, "float32")), "FillOptions"),
    ]
    m.output(a, b, *out)


def slices(m: ModelBuilder) -> None:
    x = m.input("x", (3, 8, 5))
    masks = {"beginMask": 0, "endMask": 0, "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0}

    def sliced(begin: object, end: object, step: object, **changes: int) -> int:
        inputs = (x, m.constant(begin), m.constant(end), m.constant(step))
        return m.op("STRIDED_SLICE", inputs, "StridedSliceOptions", **{**masks, **changes})

    out = [
        sliced((0, 1, 0), (3, 7, 5), (1, 2, 1)),
        sliced((1, -5), (2, -1), (1, 1), shrinkAxisMask=1),
        sliced((0, 4), (0, 0), (1, 1), ellipsisMask=1, shrinkAxisMask=2),
        sliced((0, 0, 6, 0), (0, 0, 2, 0), (1, 1, -1, 1), beginMask=9, endMask=11, newAxisMask=2),
        m.op("SLICE", (x, m.constant((1, 2, 0)), m.constant((-1, 3, 5))), "SliceOptions"),
        *m.op("SPLIT", (m.constant(1), x), "SplitOptions", outputs=4, numSplits=4),
        *m.op("SPLIT_V", (x, m.constant((2, -1, 1)), m.constant(2)), "SplitVOptions", outputs=3, numSplits=3),
        m.op("GATHER", (x, m.constant(((0, 3), (1, 7)))), "GatherOptions", axis=1),
        m.op("GATHER", (x, m.constant(((0,), (3,), (7,)))), "GatherOptions", axis=1, batchDims=1),
        m.op("GATHER_ND", (x, m.constant(((0, 3), (1, 7)))), "GatherNdOptions"),
        m.op("ONE_HOT", (m.constant((1, 0, 2)), m.constant(4), m.weights(), m.weights()), "OneHotOptions", axis=-1),
        m.op("RANGE", (m.constant(1), m.constant(11), m.constant(3)), "RangeOptions", dtype="int32"),
        m.op("DYNAMIC_UPDATE_SLICE", (x, m.weights(1, 2, 5), m.constant((0, 1, 0)))),
    ]
    m.output(*out)


def shapes(m: ModelBuilder) -> None:
    """Shapes that are computed, as a converter writes them for an open batch."""
    x = m.input("x", (2, 6, 4))
    shape = m.op("SHAPE", (x,), "ShapeOptions", dtype="int32", outType=2)
    batch = m.op(
        "STRIDED_SLICE",
        (shape, m.constant((0,)), m.constant((1,)), m.constant((1,))),
        "StridedSliceOptions",
        dtype="int32",
        shrinkAxisMask=1,
    )
    target = m.op("PACK", (batch, m.constant(24)), "PackOptions", dtype="int32", valuesCount=2, axis=0)
    flat = m.op("RESHAPE", (x, target), "ReshapeOptions")
    rank = m.op("RANK", (x,), "RankOptions", dtype="int32")
    double = m.op("MUL", (batch, m.constant(2)), "MulOptions", dtype="int32")
    filled = m.op(
        "FILL", (m.op("PACK", (double, m.constant(3)), "PackOptions", dtype="int32", valuesCount=2), m.weights())
    )
    m.output(m.op("FULLY_CONNECTED", (flat, m.weights(3, 24), -1), "FullyConnectedOptions"), rank, filled)


def recurrent(m: ModelBuilder) -> None:
    x = m.input("steps", (2, 5, 6))
    cells, outputs = 4, 4
    gates = [m.weights(cells, 6) for _ in range(4)] + [m.weights(cells, outputs) for _ in range(4)]
    biases = [m.weights(cells) for _ in range(4)]
    states = [m.variable("h", (2, outputs)), m.variable("c", (2, cells))]
    a = m.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        (x, *gates, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1),
        "UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=TANH,
    )
    b = m.op(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        (x, m.weights(3, 6), m.weights(3, 3), m.weights(3), m.variable("r", (2, 3))),
        "SequenceRNNOptions",
        fusedActivationFunction=RELU,
    )
    y = m.input("row", (2, 6))
    c = m.op(
        "RNN",
        (y, m.weights(3, 6), m.weights(3, 3), m.weights(3), m.variable("s", (2, 3))),
        "RNNOptions",
        fusedActivationFunction=TANH,
    )
    d = m.op(
        "SVDF",
        (y, m.weights(8, 6), m.weights(8, 5), m.weights(4), m.variable("t", (2, 40))),
        "SVDFOptions",
        rank=2,
        fusedActivationFunction=RELU,
    )
    m.output(a, b, c, d)


def quantised(m: ModelBuilder) -> None:
    x = m.input("image", (1, 8, 8, 3), "float32")
    q = m.op("QUANTIZE", (x,), "QuantizeOptions", dtype="int8", scales=(0.1,))
    scales = [0.01] * 8
    w = m.constant([[[[1] * 3] * 3] * 3] * 8, "int8", scales, 0)
    b = m.constant([1] * 8, "int32", [0.001] * 8, 0)
    a = m.op("CONV_2D", (q, w, b), "Conv2DOptions", dtype="int8", scales=(0.2,), padding=SAME, strideW=2, strideH=2)
    d = m.op("ADD", (a, a), "AddOptions", dtype="int8", scales=(0.3,))
    e = m.op("MEAN", (d, m.constant((1, 2))), "ReducerOptions", dtype="int8", scales=(0.3,))
    w2 = m.constant([[1] * 8] * 4, "int8", (0.02,))
    f = m.op("FULLY_CONNECTED", (e, w2, -1), "FullyConnectedOptions", dtype="int8", scales=(0.4,))
    g = m.op("SOFTMAX", (f,), "SoftmaxOptions", dtype="int8", scales=(1 / 256,), beta=1.0)
    m.model.subgraphs[0].tensors[g].quantization.zeroPoint = [-128]
    half = m.op("DEQUANTIZE", (m.constant([[0.5] * 4] * 3, "float16", name="half"),), "DequantizeOptions")
    h = m.op("DEQUANTIZE", (g,), "DequantizeOptions")
    m.output(m.op("FULLY_CONNECTED", (h, half, -1), "FullyConnectedOptions"))


def control(m: ModelBuilder) -> None:
    """Subgraphs: one that is called, the branches of an IF, condition and body of a WHILE."""
    x, flag, count = m.input("x", (2, 6)), m.input("flag", (), "bool"), m.input("count", (), "int32")
    m.op("CALL_ONCE", (), "CallOnceOptions", outputs=0, initSubgraphIndex=1)
    chosen = m.op("IF", (flag, x), "IfOptions", thenSubgraphIndex=2, elseSubgraphIndex=3)
    results = m.op(
        "WHILE",
        (count, chosen),
        "WhileOptions",
        dtype=("int32", "float32"),
        outputs=2,
        condSubgraphIndex=4,
        bodySubgraphIndex=5,
    )
    m.output(*results)
    m.subgraph("init")
    m.subgraph("then")
    y = m.input("y", (2, 6))
    m.output(m.op("FULLY_CONNECTED", (y, m.weights(6, 6), -1), "FullyConnectedOptions", shape=(2, 6)))
    m.subgraph("else")
    y = m.input("y", (2, 6))
    m.output(m.op("RELU", (y,), shape=(2, 6)))
    m.subgraph("cond")
    i, y = m.input("i", (), "int32"), m.input("y", (2, 6))
    m.output(m.op("GREATER", (i, m.constant(0)), dtype="bool"))
    m.subgraph("body")
    i, y = m.input("i", (), "int32"), m.input("y", (2, 6))
    z = m.op("FULLY_CONNECTED", (y, m.weights(6, 6), -1), "FullyConnectedOptions", shape=(2, 6))
    m.output(m.op("SUB", (i, m.constant(1)), "SubOptions", dtype="int32"), z)


NETWORKS: dict[str, Callable[[ModelBuilder], None]] = {
    f.__name__: f
    for f in (
        convolutions,
        volumes,
        products,
        arithmetic,
        reductions,
        arrangement,
        slices,
        shapes,
        recurrent,
        quantised,
        control,
    )
}

RESIZED: dict[str, dict[str, tuple[int, ...]]] = {
    "products": {"rows": (5, 2, 8)},
    "arithmetic": {"x": (5, 3, 4), "y": (1, 3, 4)},
    "reductions": {"x": (3, 7, 4, 3)},
    "arrangement": {"x": (4, 6, 6, 8)},
    "slices": {"x": (3, 12, 5)},
    "shapes": {"x": (7, 6, 4)},
    "quantised": {"image": (2, 16, 10, 3)},
}
"""By network the new shapes of inputs: what the interpreter's resize makes of them is in figures.json."""
