"""Networks of products and convolutions in all the types that TensorFlow Lite stores weights in."""

from __future__ import annotations

from builder import ModelBuilder
from networks import RELU, SAME, VALID

ONE = {"strideW": 1, "strideH": 1}


def hybrid_products(m: ModelBuilder) -> None:
    """Weights of 8 bits, input and output of 32: the kernel quantises the input (dynamic range)."""
    x = m.input("rows", (5, 16))
    w = m.constant([[1] * 16] * 8, "int8", (0.02,))
    a = m.op("FULLY_CONNECTED", (x, w, m.weights(8)), "FullyConnectedOptions", asymmetricQuantizeInputs=True)
    w2 = m.constant([[1] * 8] * 4, "int8", [0.01] * 4, 0)
    m.output(m.op("FULLY_CONNECTED", (a, w2, -1), "FullyConnectedOptions", fusedActivationFunction=RELU))


def hybrid_convolutions(m: ModelBuilder) -> None:
    x = m.input("image", (1, 8, 8, 4))
    w = m.constant([[[[1] * 4] * 3] * 3] * 6, "int8", [0.01] * 6, 0)
    a = m.op("CONV_2D", (x, w, m.weights(6)), "Conv2DOptions", padding=SAME, **ONE)
    w2 = m.constant([[[[1] * 6] * 3] * 3], "int8", [0.01] * 6, 3)
    options = {"padding": VALID, "depthMultiplier": 1, **ONE}
    m.output(m.op("DEPTHWISE_CONV_2D", (a, w2, m.weights(6)), "DepthwiseConv2DOptions", **options))


def hybrid_batch_product(m: ModelBuilder) -> None:
    x = m.input("rows", (2, 3, 8))
    w = m.constant([[[1] * 5] * 8] * 2, "int8", (0.02,))
    m.output(m.op("BATCH_MATMUL", (x, w), "BatchMatMulOptions", asymmetricQuantizeInputs=True))


def four_bits(m: ModelBuilder) -> None:
    """Weights of 4 bits, two to a byte."""
    x = m.input("rows", (3, 32))
    a = m.op("FULLY_CONNECTED", (x, m.constant([[1] * 32] * 8, "int4", [0.1] * 8, 0), -1), "FullyConnectedOptions")
    q = m.op("QUANTIZE", (a,), "QuantizeOptions", dtype="int8", scales=(0.1,))
    w = m.constant([[2] * 8] * 4, "int4", (0.1,))
    m.output(m.op("FULLY_CONNECTED", (q, w, -1), "FullyConnectedOptions", dtype="int8", scales=(0.4,)))


def sixteen_by_eight(m: ModelBuilder) -> None:
    """Activations of 16 bits, weights of 8, biases of 64."""
    x = m.input("image", (1, 6, 6, 3), "int16", (0.01,))
    w = m.constant([[[[1] * 3] * 3] * 3] * 4, "int8", [0.01] * 4, 0)
    b = m.constant([1] * 4, "int64", [0.0001] * 4, 0)
    a = m.op("CONV_2D", (x, w, b), "Conv2DOptions", dtype="int16", scales=(0.02,), padding=SAME, **ONE)
    mean = m.op("MEAN", (a, m.constant((1, 2))), "ReducerOptions", dtype="int16", scales=(0.02,))
    w2 = m.constant([[1] * 4] * 2, "int8", (0.01,))
    b2 = m.constant([1] * 2, "int64", (0.0002,))
    m.output(m.op("FULLY_CONNECTED", (mean, w2, b2), "FullyConnectedOptions", dtype="int16", scales=(0.05,)))


def half_weights(m: ModelBuilder) -> None:
    """Weights of 16 bits that are made float32 when the network is loaded."""
    x = m.input("image", (1, 6, 6, 3))
    stored = m.constant([[[[0.5] * 3] * 3] * 3] * 4, "float16", name="filters")
    w = m.op("DEQUANTIZE", (stored,), "DequantizeOptions")
    bias = m.op("DEQUANTIZE", (m.constant([0.5] * 4, "float16", name="bias"),), "DequantizeOptions")
    a = m.op("CONV_2D", (x, w, bias), "Conv2DOptions", padding=SAME, **ONE)
    m.output(m.op("CONV_2D", (a, m.weights(2, 1, 1, 4), m.weights(2)), "Conv2DOptions", padding=SAME, **ONE))


def grouped(m: ModelBuilder) -> None:
    """A convolution whose filters read a part of the channels."""
    x = m.input("image", (1, 6, 6, 8))
    m.output(m.op("CONV_2D", (x, m.weights(4, 3, 3, 2), m.weights(4)), "Conv2DOptions", padding=SAME, **ONE))


def integer_convolutions(m: ModelBuilder) -> None:
    """Per-channel scales along the axis of each operator's filters."""
    x = m.input("image", (1, 6, 6, 4), "int8", (0.1,))
    w = m.constant([[[[1] * 8] * 3] * 3], "int8", [0.01] * 8, 3)
    b = m.constant([1] * 8, "int32", [0.001] * 8, 0)
    options = {"padding": SAME, "depthMultiplier": 2, **ONE}
    a = m.op("DEPTHWISE_CONV_2D", (x, w, b), "DepthwiseConv2DOptions", dtype="int8", scales=(0.2,), **options)
    p = m.op(
        "MAX_POOL_2D",
        (a,),
        "Pool2DOptions",
        dtype="int8",
        scales=(0.2,),
        filterWidth=2,
        filterHeight=2,
        strideW=2,
        strideH=2,
    )
    w2 = m.constant([[[[1] * 8] * 3] * 3] * 4, "int8", [0.01] * 4, 0)
    shape = m.constant((1, 6, 6, 4))
    t = m.op(
        "TRANSPOSE_CONV",
        (shape, w2, p),
        "TransposeConvOptions",
        dtype="int8",
        scales=(0.3,),
        padding=SAME,
        strideW=2,
        strideH=2,
    )
    m.output(m.op("DEQUANTIZE", (t,), "DequantizeOptions"))


def adjoints(m: ModelBuilder) -> None:
    """Products of matrices of which either side is transposed, with batches that broadcast."""
    x, y = m.input("x", (2, 1, 4, 6)), m.input("y", (3, 4, 5))
    a = m.op("BATCH_MATMUL", (x, y), "BatchMatMulOptions", adjX=True)
    b = m.op("BATCH_MATMUL", (y, a), "BatchMatMulOptions", adjX=False, adjY=True)
    m.output(m.op("BATCH_MATMUL", (x, b), "BatchMatMulOptions", adjX=True, adjY=False))


def dimensions(m: ModelBuilder) -> None:
    """FULLY_CONNECTED that keeps the axes of its input, and one that does not."""
    x = m.input("x", (2, 3, 4, 5))
    a = m.op("FULLY_CONNECTED", (x, m.weights(7, 5), -1), "FullyConnectedOptions", keepNumDims=True)
    m.output(a, m.op("FULLY_CONNECTED", (a, m.weights(3, 28), m.weights(3)), "FullyConnectedOptions"))


def pools(m: ModelBuilder) -> None:
    x = m.input("image", (2, 11, 9, 3))
    window = {"filterWidth": 3, "filterHeight": 2, "strideW": 2, "strideH": 3}
    m.output(
        *[
            m.op(name, (x,), "Pool2DOptions", padding=padding, fusedActivationFunction=RELU, **window)
            for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")
            for padding in (SAME, VALID)
        ]
    )


def sparse_weights(m: ModelBuilder) -> None:
    """Weights of which only some values are stored, and some that are made dense when the network is loaded."""
    x = m.input("rows", (2, 8))
    matrix = [[1.0, 0, 0, 2.0, 0, 0, 0, 3.0], [0] * 8, [0, 4.0] * 4]
    a = m.op("FULLY_CONNECTED", (x, m.sparse(matrix), -1), "FullyConnectedOptions")
    w = m.op("DENSIFY", (m.sparse([[0, 1.0, 0], [2.0, 0, 0]]),), "DensifyOptions")
    m.output(m.op("FULLY_CONNECTED", (a, w, -1), "FullyConnectedOptions"))


def separable(m: ModelBuilder) -> None:
    """The beginning and the end of a MobileNet, whose likeness in YAML stands in the tests."""
    x = m.input("image", (1, 16, 16, 3))
    two = {"strideW": 2, "strideH": 2, "fusedActivationFunction": RELU}
    a = m.op("CONV_2D", (x, m.weights(8, 3, 3, 3), m.weights(8)), "Conv2DOptions", padding=SAME, **two)
    weights = (m.weights(1, 3, 3, 8), m.weights(8))
    options = {"depthMultiplier": 1, "fusedActivationFunction": RELU, **ONE}
    b = m.op("DEPTHWISE_CONV_2D", (a, *weights), "DepthwiseConv2DOptions", padding=SAME, **options)
    c = m.op("CONV_2D", (b, m.weights(16, 1, 1, 8), m.weights(16)), "Conv2DOptions", padding=SAME, **ONE)
    d = m.op("MEAN", (c, m.constant((1, 2))), "ReducerOptions", keepDims=False)
    m.output(m.op("FULLY_CONNECTED", (d, m.weights(5, 16), m.weights(5)), "FullyConnectedOptions"))


NETWORKS = (
    *(hybrid_products, hybrid_convolutions, hybrid_batch_product, four_bits, sixteen_by_eight, half_weights, grouped),
    *(integer_convolutions, adjoints, dimensions, pools, sparse_weights, separable),
)

RESIZED = {
    "hybrid_products": {"rows": (7, 16)},
    "hybrid_convolutions": {"image": (2, 10, 6, 4)},
    "sixteen_by_eight": {"image": (2, 8, 10, 3)},
    "half_weights": {"image": (3, 9, 5, 3)},
    "integer_convolutions": {"image": (1, 6, 6, 4)},
    "adjoints": {"x": (5, 1, 4, 2)},
    "dimensions": {"x": (4, 3, 4, 5)},
    "pools": {"image": (1, 20, 16, 3)},
}
