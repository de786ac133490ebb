"""TensorFlow Lite's products of matrices: FULLY_CONNECTED, BATCH_MATMUL, and look-ups of embeddings.

Source: LiteRT's tflite/kernels/fully_connected.cc, batch_matmul.cc, embedding_lookup.cc.
"""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.lookup import count_gathered
from costcalc.ops.contrib.matmul import transpose_type
from costcalc.ops.matmul import matmul_cost, matmul_result
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import known_shape, output_work

operands("FULLY_CONNECTED", domain=TFLITE, weights=(1, 2))

operands("BATCH_MATMUL", domain=TFLITE, weights=(0, 1))

operands("EMBEDDING_LOOKUP", domain=TFLITE, weights=(1,))

traits(
    "FULLY_CONNECTED", "BATCH_MATMUL", domain=TFLITE, kind="product", gradient=PRODUCT_GRADIENT, quantises_input="int8"
)

traits("FULLY_CONNECTED", domain=TFLITE, bias=2, derived=frozenset(("transB",)))

traits("EMBEDDING_LOOKUP", domain=TFLITE, kind="lookup", positions="lost", keeps="indices")

describe(
    "Each output is the inner product of the input and a row of the weights, plus a bias.",
    "FULLY_CONNECTED",
    domain=TFLITE,
)

describe("Each output is the inner product of a row and a column, batch by batch.", "BATCH_MATMUL", domain=TFLITE)

describe("Each index picks a row of the table; nothing is multiplied.", "EMBEDDING_LOOKUP", domain=TFLITE)

free("EMBEDDING_LOOKUP", domain=TFLITE)


def _extents(x: TensorType, w: TensorType) -> tuple[Dim, Dim, Dim]:
    """(M, N, K): the input is M rows of K, whatever its axes are, the weights [N, K]."""
    n, k = known_shape(w, 2, "the weights")
    assert x.shape is not None
    if x.shape and x.shape[-1] == k:
        return prod(x.shape[:-1]), n, k
    elements = x.elements
    if k == 0 or (isinstance(elements, int) and isinstance(k, int) and elements % k):
        raise ShapeError(f"the input of {elements} elements is no whole number of rows of {k}", "correct its shape")
    return elements // k if isinstance(k, int) else require_equal(x.shape[-1], k, "the inner extents"), n, k


@shape_rule("FULLY_CONNECTED", domain=TFLITE)
def fully_connected_shape(
    x: TensorType, w: TensorType, b: TensorType | None = None, *, keep_num_dims: int = 0, n_outputs: int = 1
) -> TensorType | tuple[TensorType, ...]:
    """x of M rows of K, w [N, K] -> [M, N], or with keep_num_dims x's own axes before N. Weights in shuffled order give
    a second output, the input in that order."""
    m, n, _ = _extents(x, w)
    assert x.shape is not None
    if b is not None:
        require_equal(b.elements, n, "the bias and the outputs")
    out = TensorType(x.dtype, (*x.shape[:-1], n) if keep_num_dims else (m, n))
    return out if n_outputs == 1 else (out, TensorType(x.dtype, x.shape))


@cost_rule("FULLY_CONNECTED", domain=TFLITE)
def fully_connected_cost(
    x: TensorType, w: TensorType, b: TensorType | None = None, *, activation: str = "", out: TensorType
) -> Cost:
    """M × N × K; a bias adds one addition per output, a quantised output one multiplication and one addition, an
    activation one operation."""
    m, n, k = _extents(x, w)
    bias = elementwise_work("add", "bias", out.elements) if b is not None else ()
    return Cost(formula(("M", m), ("N", n), ("K", k)), bias + output_work(activation, x, w, out))


@shape_rule("BATCH_MATMUL", domain=TFLITE)
def batch_matmul_shape(a: TensorType, b: TensorType, *, adj_x: int = 0, adj_y: int = 0) -> TensorType:
    """op(a) [*batch, M, K] × op(b) [*batch, K, N] -> [*batch, M, N]; adj_x and adj_y exchange the last two axes."""
    return TensorType(a.dtype, matmul_result(transpose_type(a, adj_x, 0), transpose_type(b, adj_y, 0)))


@cost_rule("BATCH_MATMUL", domain=TFLITE)
def batch_matmul_cost(a: TensorType, b: TensorType, *, adj_x: int = 0, adj_y: int = 0, out: TensorType) -> Cost:
    """∏batch × M × N × K; a quantised output adds one multiplication and one addition per output."""
    cost = matmul_cost(transpose_type(a, adj_x, 0), transpose_type(b, adj_y, 0))
    return Cost(cost.macs, output_work("", a, b, out))


@least_work_rule("EMBEDDING_LOOKUP", domain=TFLITE)
def embedding_lookup_least_work(use: OperatorUse) -> LeastWork:
    """As ONNX's Gather."""
    indices, table = use.input(0), use.input(1)
    assert table is not None and indices is not None
    return LeastWork(0, {1: count_gathered(table, indices)})


@shape_rule("EMBEDDING_LOOKUP", domain=TFLITE)
def embedding_lookup_shape(indices: TensorType, table: TensorType) -> TensorType:
    """indices [n], table [rows, *row] -> [n, *row]."""
    (n,) = known_shape(indices, 1, "the indices")
    assert table.shape is not None
    return TensorType(table.dtype, (n, *table.shape[1:]))
