"""Networks of StableHLO's operators. The interpreter runs a part of them; the others have their shapes by hand, from the
StableHLO specification."""

from __future__ import annotations

import numpy as np
from builder import ModelBuilder
from flatbuffers import flexbuffers


def hlo_elements(m: ModelBuilder) -> None:
    """Functions of elements that the interpreter runs."""
    x, y, n = m.input("x", (2, 3)), m.input("y", (2, 3)), m.input("n", (2, 3), "int32")
    names = ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")
    out = [m.op(f"STABLEHLO_{name}", (x, y)) for name in names]
    m.output(*out, m.op("STABLEHLO_SHIFT_LEFT", (n, n), dtype="int32"))


def hlo_moves(m: ModelBuilder) -> None:
    """What the interpreter runs of the operators that move elements, and a reduction under a window."""
    x = m.input("x", (4, 6))
    pads = {"edgePaddingLow": [1, 0], "edgePaddingHigh": [0, 2], "interiorPadding": [1, 0]}
    a = m.op("STABLEHLO_PAD", (x, m.weights()), "StablehloPadOptions", **pads)
    b = m.op(
        "STABLEHLO_GATHER",
        (x, m.constant(((0, 1), (2, 3), (1, 0)))),
        "StablehloGatherOptions",
        shape=(3, 3),
        offsetDims=[1],
        collapsedSliceDims=[0],
        startIndexMap=[0, 1],
        indexVectorDim=1,
        sliceSizes=[1, 3],
        indicesAreSorted=False,
    )
    c = m.op(
        "STABLEHLO_SCATTER",
        (x, m.constant(((0,), (2,))), m.input("updates", (2, 6))),
        "StablehloScatterOptions",
        updateWindowDims=[1],
        insertedWindowDims=[0],
        scatterDimsToOperandDims=[0],
        indexVectorDim=1,
        updateComputationSubgraphIndex=1,
    )
    d = m.op(
        "STABLEHLO_REDUCE_WINDOW",
        (x, m.constant(0.0, "float32")),
        "StablehloReduceWindowOptions",
        windowDimensions=[2, 3],
        windowStrides=[2, 1],
        baseDilations=[1, 1],
        windowDilations=[1, 2],
        padding=[0, 0, 1, 1],
        bodySubgraphIndex=2,
    )
    m.output(a, b, c, d)
    for name in ("scatter", "window"):
        m.subgraph(name)
        m.output(m.op("STABLEHLO_ADD", (m.input("a", ()), m.input("b", ()))))


def hlo_random(m: ModelBuilder) -> None:
    seed = m.input("seed", (2,), "uint64")
    types, options = ("uint64", "uint32"), "StablehloRngBitGeneratorOptions"
    state, numbers = m.op("STABLEHLO_RNG_BIT_GENERATOR", (seed,), options, types, 2, shape=(4, 3), algorithm=2)
    m.graph.tensors[state].shape = [2]
    m.output(state, numbers)


def hlo_composite(m: ModelBuilder) -> None:
    """A function with a name, and its decomposition."""
    x = m.input("x", (2, 3))
    empty = np.frombuffer(flexbuffers.Dumps({}), np.uint8)
    options = {"name": "acme.swish", "decompositionSubgraphIndex": 1, "compositeAttributes": empty}
    m.output(m.op("STABLEHLO_COMPOSITE", (x,), "StableHLOCompositeOptions", shape=(2, 3), **options))
    m.subgraph("acme.swish.impl")
    y = m.input("y", (2, 3))
    m.output(m.op("MUL", (y, m.op("LOGISTIC", (y,), shape=(2, 3))), "MulOptions", shape=(2, 3)))


def hlo_products(m: ModelBuilder) -> None:
    """A product with batches, and convolutions channels first and last."""
    a, b = m.input("a", (2, 4, 3, 5)), m.input("b", (2, 5, 7, 4))
    dot = m.op(
        "STABLEHLO_DOT_GENERAL",
        (a, b),
        "StablehloDotGeneralOptions",
        shape=(2, 4, 3, 7),
        lhsBatchingDimensions=[0, 1],
        rhsBatchingDimensions=[0, 3],
        lhsContractingDimensions=[3],
        rhsContractingDimensions=[1],
    )
    common = {"inputBatchDimension": 0, "outputBatchDimension": 0, "batchGroupCount": 1}
    x = m.input("x", (1, 4, 9, 8))
    first = m.op(
        "STABLEHLO_CONVOLUTION",
        (x, m.weights(6, 2, 3, 3)),
        "StablehloConvolutionOptions",
        shape=(1, 6, 5, 8),
        windowStrides=[2, 1],
        padding=[1, 1, 1, 1],
        inputFeatureDimension=1,
        inputSpatialDimensions=[2, 3],
        kernelInputFeatureDimension=1,
        kernelOutputFeatureDimension=0,
        kernelSpatialDimensions=[2, 3],
        outputFeatureDimension=1,
        outputSpatialDimensions=[2, 3],
        featureGroupCount=2,
        **common,
    )
    y = m.input("y", (1, 9, 8, 4))
    last = m.op(
        "STABLEHLO_CONVOLUTION",
        (y, m.weights(3, 3, 4, 6)),
        "StablehloConvolutionOptions",
        shape=(1, 19, 17, 6),
        lhsDilation=[2, 2],
        rhsDilation=[1, 1],
        padding=[2, 2, 2, 2],
        inputFeatureDimension=3,
        inputSpatialDimensions=[1, 2],
        kernelInputFeatureDimension=2,
        kernelOutputFeatureDimension=3,
        kernelSpatialDimensions=[0, 1],
        outputFeatureDimension=3,
        outputSpatialDimensions=[1, 2],
        featureGroupCount=1,
        **common,
    )
    m.output(dot, first, last)


def hlo_functions(m: ModelBuilder) -> None:
    """Functions of elements that stand for the same operator of ONNX."""
    x, y = m.input("x", (2, 3)), m.input("y", (2, 3))
    one = "ABS CBRT COSINE EXPONENTIAL FLOOR LOG LOGISTIC NEGATE RSQRT TANH"
    out = [m.op(f"STABLEHLO_{name}", (x,), shape=(2, 3)) for name in one.split()]
    out += [m.op(f"STABLEHLO_{name}", (x, y), shape=(2, 3)) for name in ["DIVIDE", "POWER", "REMAINDER", "SUBTRACT"]]
    flag = m.op("STABLEHLO_COMPARE", (x, y), "StablehloCompareOptions", "bool", shape=(2, 3))
    other = m.op("STABLEHLO_COMPARE", (y, x), "StablehloCompareOptions", "bool", shape=(2, 3))
    out += [m.op(f"STABLEHLO_{name}", (flag, other), dtype="bool", shape=(2, 3)) for name in ("AND", "OR")]
    out.append(m.op("STABLEHLO_SELECT", (flag, x, y), shape=(2, 3)))
    out.append(m.op("STABLEHLO_CLAMP", (m.weights(), x, m.weights()), shape=(2, 3)))
    out.append(m.op("STABLEHLO_CONVERT", (x,), dtype="int32", shape=(2, 3)))
    m.output(*out)


def hlo_shapes(m: ModelBuilder) -> None:
    """Slices, repetitions and reductions."""
    x, i = m.input("x", (4, 6)), m.input("i", (), "int32")
    slices = {"startIndices": [1, 0], "limitIndices": [4, 6], "strides": [1, 2]}
    out = [
        m.op("STABLEHLO_RESHAPE", (x,), shape=(24,)),
        m.op("STABLEHLO_TRANSPOSE", (x,), "StablehloTransposeOptions", shape=(6, 4), permutation=[1, 0]),
        m.op("STABLEHLO_CONCATENATE", (x, x), "StablehloConcatenateOptions", shape=(8, 6), dimension=0),
        m.op("STABLEHLO_SLICE", (x,), "StablehloSliceOptions", shape=(3, 3), **slices),
        m.op("STABLEHLO_DYNAMIC_SLICE", (x, i, i), "StablehloDynamicSliceOptions", shape=(2, 6), sliceSizes=[2, 6]),
        m.op("STABLEHLO_DYNAMIC_UPDATE_SLICE", (x, m.weights(2, 6), i, i), shape=(4, 6)),
        m.op(
            "STABLEHLO_BROADCAST_IN_DIM",
            (x,),
            "StablehloBroadcastInDimOptions",
            shape=(2, 4, 6),
            broadcastDimensions=[1, 2],
        ),
        m.op("STABLEHLO_IOTA", (), "StablehloIotaOptions", shape=(3, 5), iotaDimension=1),
        m.op(
            "STABLEHLO_REDUCE",
            (x, m.weights()),
            "StablehloReduceOptions",
            shape=(6,),
            dimensions=[0],
            bodySubgraphIndex=1,
        ),
        m.op("STABLEHLO_SORT", (x,), "StablehloSortOptions", shape=(4, 6), dimension=1, comparatorSubgraphIndex=2),
    ]
    m.output(*out)
    m.subgraph("maximum")
    m.output(m.op("STABLEHLO_MAXIMUM", (m.input("a", ()), m.input("b", ()))))
    m.subgraph("less")
    m.output(m.op("STABLEHLO_COMPARE", (m.input("a", ()), m.input("b", ())), "StablehloCompareOptions", "bool"))


def hlo_case(m: ModelBuilder) -> None:
    """Three branches, of which the second costs most."""
    x, i = m.input("x", (2, 6)), m.input("i", (), "int32")
    m.output(m.op("STABLEHLO_CASE", (i, x), "StablehloCaseOptions", shape=(2, 6), branchSubgraphIndices=[1, 2, 3]))
    for name, width in (("small", 1), ("large", 3), ("middle", 2)):
        m.subgraph(name)
        y = m.input("y", (2, 6))
        for _step in range(width):
            y = m.op("FULLY_CONNECTED", (y, m.weights(6, 6), -1), "FullyConnectedOptions", shape=(2, 6))
        m.output(y)


def hlo_calls(m: ModelBuilder) -> None:
    """A loop, and a subgraph that is called twice."""
    n, x = m.input("n", (), "int32"), m.input("x", (2, 6))
    types, loop = ("int32", "float32"), "StablehloWhileOptions"
    results = m.op("STABLEHLO_WHILE", (n, x), loop, types, 2, condSubgraphIndex=1, bodySubgraphIndex=2)
    m.graph.tensors[results[1]].shape = [2, 6]
    y = m.op("CALL", results[1:], "CallOptions", shape=(2, 6), subgraph=3)
    m.output(m.op("CALL", (y,), "CallOptions", shape=(2, 6), subgraph=3))
    m.subgraph("cond")
    i, _ = m.input("i", (), "int32"), m.input("y", (2, 6))
    m.output(m.op("STABLEHLO_COMPARE", (i, m.constant(0)), "StablehloCompareOptions", "bool"))
    m.subgraph("body")
    i, y = m.input("i", (), "int32"), m.input("y", (2, 6))
    m.output(m.op("STABLEHLO_SUBTRACT", (i, m.constant(1)), dtype="int32"), m.op("STABLEHLO_TANH", (y,), shape=(2, 6)))
    m.subgraph("product")
    y = m.input("y", (2, 6))
    m.output(m.op("FULLY_CONNECTED", (y, m.weights(6, 6), -1), "FullyConnectedOptions", shape=(2, 6)))


NETWORKS = (
    hlo_elements,
    hlo_moves,
    hlo_random,
    hlo_composite,
    hlo_products,
    hlo_functions,
    hlo_shapes,
    hlo_case,
    hlo_calls,
)

BY_HAND = ("hlo_products", "hlo_functions", "hlo_shapes", "hlo_case", "hlo_calls")
"""Networks whose operators the interpreter does not run: the shapes that they are written with are the figures."""

RESIZED = {"hlo_moves": {"x": (5, 8), "updates": (2, 8)}}
