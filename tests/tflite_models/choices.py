"""Networks whose results depend on data, on hashes, on random numbers or on state, and of signals and segments."""

from __future__ import annotations

from builder import ModelBuilder
from networks import RELU


def suppression(m: ModelBuilder) -> None:
    """Both forms of non-maximum suppression."""
    boxes, scores = m.input("boxes", (20, 4)), m.input("scores", (20,))
    limits = (m.constant(6), m.constant(0.5, "float32"), m.constant(0.1, "float32"))
    types = ("int32", "int32")
    a = m.op("NON_MAX_SUPPRESSION_V4", (boxes, scores, *limits), "NonMaxSuppressionV4Options", types, 2)
    more = (*limits, m.constant(0.0, "float32"))
    types = ("int32", "float32", "int32")
    b = m.op("NON_MAX_SUPPRESSION_V5", (boxes, scores, *more), "NonMaxSuppressionV5Options", types, 3)
    m.output(*a, *b)


def selection(m: ModelBuilder) -> None:
    """What is not 0, and what differs: their number depends on data."""
    x = m.input("x", (4, 6))
    flags = m.op("GREATER", (x, m.weights()), dtype="bool")
    places = m.op("WHERE", (flags,), "WhereOptions", dtype="int64")
    rows = m.op("GATHER_ND", (x, places), "GatherNdOptions")
    flat = m.op("RESHAPE", (x, m.constant((24,))), "ReshapeOptions")
    values = m.op("UNIQUE", (flat,), "UniqueOptions", dtype=("float32", "int32"), outputs=2, idxOutType=2)
    m.output(m.op("EXP", (rows,)), *values)


def segments(m: ModelBuilder) -> None:
    x = m.input("rows", (6, 3))
    ids = m.constant((0, 0, 1, 1, 2, 2))
    out = [m.op("SEGMENT_SUM", (x, ids), "SegmentSumOptions")]
    for kind in ("Sum", "Prod", "Max", "Min"):
        name = f"UNSORTED_SEGMENT_{kind.upper()}"
        out.append(m.op(name, (x, ids, m.constant(5)), f"UnsortedSegment{kind}Options"))
    m.output(*out)


def scattering(m: ModelBuilder) -> None:
    x, d = m.input("updates", (2, 3)), m.input("matrix", (2, 3, 3))
    out = [
        m.op("SCATTER_ND", (m.constant(((1,), (4,))), x, m.constant((6, 3))), "ScatterNdOptions"),
        m.op(
            "SPARSE_TO_DENSE", (m.constant((1, 3)), m.constant((5,)), m.weights(2), m.weights()), "SparseToDenseOptions"
        ),
        m.op("MATRIX_DIAG", (x,), "MatrixDiagOptions"),
        m.op("MATRIX_SET_DIAG", (d, x), "MatrixSetDiagOptions"),
        m.op("BROADCAST_ARGS", (m.constant((2, 1)), m.constant((4, 1, 3))), dtype="int32"),
    ]
    m.output(*out)


def sparse_lookup(m: ModelBuilder) -> None:
    """Rows of a table that are weighted and added, and rows by their keys."""
    ids, indices = m.constant((1, 3, 0)), m.constant(((0, 0), (2, 0), (2, 1)))
    table = m.weights(4, 5, name="table")
    inputs = (ids, indices, m.constant((3, 2)), m.weights(3), table)
    a = m.op("EMBEDDING_LOOKUP_SPARSE", inputs, "EmbeddingLookupSparseOptions", combiner=1)
    keys = m.input("keys", (3,), "int32")
    b = m.op("HASHTABLE_LOOKUP", (keys, m.constant((1, 5, 9)), m.weights(3, 2)), dtype=("float32", "uint8"), outputs=2)
    m.output(a, *b)


def projection(m: ModelBuilder) -> None:
    x = m.input("x", (3, 2), "int32")
    m.output(m.op("LSH_PROJECTION", (m.weights(4, 2), x, m.weights(3)), "LSHProjectionOptions", dtype="int32", type=2))


def buckets(m: ModelBuilder) -> None:
    x = m.input("x", (3, 4))
    a = m.op("BUCKETIZE", (x,), "BucketizeOptions", dtype="int32", boundaries=[0.0, 1.0, 2.0, 10.0])
    m.output(a, m.op("FAKE_QUANT", (x,), "FakeQuantOptions", min=-1.0, max=1.0, numBits=8))


def drawing(m: ModelBuilder) -> None:
    x = m.input("logits", (2, 5))
    shape = m.constant((3, 4))
    out = [
        m.op(name, (shape,), "RandomOptions", seed=1, seed2=2) for name in ("RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM")
    ]
    m.output(*out, m.op("MULTINOMIAL", (x, m.constant(7)), "RandomOptions", dtype="int64", seed=1, seed2=2))


def frequencies(m: ModelBuilder) -> None:
    x = m.input("image", (2, 8, 16))
    z = m.op("RFFT2D", (x, m.constant((8, 16))), "Rfft2dOptions", dtype="complex64")
    m.output(*[m.op(name, (z,)) for name in ("REAL", "IMAG", "COMPLEX_ABS")])


def bits(m: ModelBuilder) -> None:
    x, y = m.input("x", (2, 6), "int32"), m.input("y", (6,), "int32")
    a = m.op("BITWISE_XOR", (x, y), "BitwiseXorOptions", dtype="int32")
    b = m.op("RIGHT_SHIFT", (a, y), "RightShiftOptions", dtype="int32")
    m.output(b, m.op("BITCAST", (b,), "BitcastOptions", dtype="float32"))


def reversal(m: ModelBuilder) -> None:
    x = m.input("x", (3, 4, 5))
    a = m.op("REVERSE_SEQUENCE", (x, m.constant((1, 4, 2))), "ReverseSequenceOptions", seqDim=1, batchDim=0)
    m.output(a, m.op("DILATE", (x, m.constant((2, 1, 3)), m.weights()), "DilateOptions"))


def windows(m: ModelBuilder) -> None:
    x = m.input("x", (4, 9))
    numbers = [m.constant(pair, "int64") for pair in ((2, 3), (1, 2), (1, 2))]
    a = m.op(
        "REDUCE_WINDOW",
        (x, m.weights(), *numbers),
        "ReduceWindowOptions",
        reduceFunction=1,
    )
    m.output(a)


def state(m: ModelBuilder) -> None:
    """A counter that stays from run to run, set when the network is loaded."""
    x = m.input("x", (2, 3))
    m.op("CALL_ONCE", (), "CallOnceOptions", outputs=0, initSubgraphIndex=1)
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", dtype="resource", container="", sharedName="sum")
    before = m.op("READ_VARIABLE", (handle,), "ReadVariableOptions", shape=(2, 3))
    after = m.op("ADD", (before, x), "AddOptions", shape=(2, 3))
    m.op("ASSIGN_VARIABLE", (handle, after), "AssignVariableOptions", outputs=0)
    m.output(after)
    m.subgraph("init")
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", dtype="resource", container="", sharedName="sum")
    m.op("ASSIGN_VARIABLE", (handle, m.constant([[0.0] * 3] * 2, "float32")), "AssignVariableOptions", outputs=0)


def trained_weights(m: ModelBuilder) -> None:
    """Weights that a signature of their own trains: variables, read before each product."""
    x = m.input("x_0", (2, 6))
    m.op("CALL_ONCE", (), "CallOnceOptions", outputs=0, initSubgraphIndex=2)
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", dtype="resource", container="", sharedName="w")
    w = m.op("READ_VARIABLE", (handle,), "ReadVariableOptions", shape=(4, 6))
    y = m.op("FULLY_CONNECTED", (x, w, -1), "FullyConnectedOptions", shape=(2, 4), fusedActivationFunction=RELU)
    m.output(y)
    m.signature("infer", {"x": x}, {"y": y})
    m.subgraph("restore")
    value = m.input("value_0", (4, 6))
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", dtype="resource", container="", sharedName="w")
    m.op("ASSIGN_VARIABLE", (handle, value), "AssignVariableOptions", outputs=0)
    done = m.op("ABS", (value,), shape=(4, 6))
    m.output(done)
    m.signature("restore", {"weights": value}, {"done": done})
    m.subgraph("init")
    handle = m.op("VAR_HANDLE", (), "VarHandleOptions", dtype="resource", container="", sharedName="w")
    m.op("ASSIGN_VARIABLE", (handle, m.weights(4, 6)), "AssignVariableOptions", outputs=0)


def words(m: ModelBuilder) -> None:
    """A table from words to numbers."""
    handle = m.op("HASHTABLE", (), "HashtableOptions", dtype="resource", tableId=1, keyDtype=5, valueDtype=4)
    keys, values = m.text("a", "b"), m.constant((1, 2), "int64")
    m.op("HASHTABLE_IMPORT", (handle, keys, values), "HashtableImportOptions", outputs=0)
    x = m.text("b", "c", "a")
    found = m.op("HASHTABLE_FIND", (handle, x, m.constant(-1, "int64")), "HashtableFindOptions", dtype="int64")
    m.output(found, m.op("HASHTABLE_SIZE", (handle,), "HashtableSizeOptions", dtype="int64"))


def counted(m: ModelBuilder) -> None:
    """A loop that ends by its counters: below 7 by steps of 2, or up to 9 by steps of 1; the first one ends it. It
    begins with a stored state, and carries the weights that it reads."""
    m.input("x", (2, 6))
    state = m.constant([[0.0] * 6] * 2, "float32", name="state")
    carried = (m.constant(0), m.constant(2), state, m.weights(6, 6, name="weights"))
    loop = {"condSubgraphIndex": 1, "bodySubgraphIndex": 2}
    results = m.op("WHILE", carried, "WhileOptions", ("int32", "int32", "float32", "float32"), 4, **loop)
    m.output(*results)
    m.subgraph("cond")
    i, j, _, _ = m.input("i", (), "int32"), m.input("j", (), "int32"), m.input("y", (2, 6)), m.input("w", (6, 6))
    first = m.op("LESS", (i, m.constant(7)), dtype="bool")
    m.output(m.op("LOGICAL_AND", (first, m.op("GREATER_EQUAL", (m.constant(9), j), dtype="bool")), dtype="bool"))
    m.subgraph("body")
    i, j, y, w = m.input("i", (), "int32"), m.input("j", (), "int32"), m.input("y", (2, 6)), m.input("w", (6, 6))
    z = m.op("FULLY_CONNECTED", (y, w, -1), "FullyConnectedOptions", shape=(2, 6))
    step, one = m.constant(2), m.constant(1)
    m.output(*[m.op("ADD", pair, "AddOptions", dtype="int32") for pair in ((i, step), (one, j))], z, w)


NETWORKS = (
    *(suppression, selection, segments, scattering, sparse_lookup, projection, buckets, drawing, frequencies, bits),
    *(reversal, windows, state, trained_weights, words, counted),
)

DIMS = {"selection": {"nonzero": 19, "unique": 5}, "control": {"trips": 3}}
"""By network how many elements are not 0, or differ, of the inputs that the interpreter is given, and how often a loop
runs."""

RESIZED = {
    "suppression": {"boxes": (50, 4), "scores": (50,)},
    "scattering": {"updates": (2, 3), "matrix": (2, 3, 3)},
    "buckets": {"x": (5, 2)},
    "frequencies": {"image": (3, 8, 16)},
    "bits": {"x": (9, 6)},
    "reversal": {"x": (3, 7, 5)},
    "windows": {"x": (7, 15)},
    "segments": {"rows": (6, 9)},
}
