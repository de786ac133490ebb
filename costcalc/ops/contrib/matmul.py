"""Matrix products of com.microsoft: fused with transpositions and activations, and with weights of a few bits."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import DTYPE_OF_CODE, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, Attributes, PackedInputs, contraction_gradient, traits
from costcalc.ops.matmul import gemm_cost, gemm_shape, matmul_cost, matmul_result

operands("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MS, weights=(0, 1))

operands("FusedGemm", domain=MS, weights=(0, 1, 2))

operands("GemmFloat8", domain=MS, weights=(0, 1, 2), buffers=(3, 4, 5))

operands("GemmFastGelu", domain=MS, weights=(1, 2))

traits(
    "FusedMatMul",
    "TransposeMatMul",
    "FusedMatMulActivation",
    "FusedGemm",
    "GemmFastGelu",
    domain=MS,
    kind="product",
    gradient=PRODUCT_GRADIENT,
)

traits("FusedMatMulActivation", "FusedGemm", "GemmFastGelu", domain=MS, keeps="output")

traits("GemmFloat8", domain=MS, kind="product")

traits("FusedGemm", "GemmFastGelu", "GemmFloat8", domain=MS, bias=2)

describe(
    "A product of matrices, of which either may be transposed first.",
    "FusedMatMul",
    "TransposeMatMul",
    "FusedMatMulActivation",
    domain=MS,
)

describe("A product of matrices, plus a bias, then an activation.", "FusedGemm", "GemmFastGelu", domain=MS)

describe("A product of float8 matrices.", "GemmFloat8", domain=MS)


def transpose_type(t: TensorType, swap: int, swap_batch: int) -> TensorType:
    """swap_batch moves the first axis behind the batch axes; swap exchanges the last two."""
    assert t.shape is not None
    shape = t.shape
    if len(shape) < 2:
        return t
    if swap_batch:
        shape = (*shape[1:-1], shape[0], shape[-1])
    if swap:
        shape = (*shape[:-2], shape[-1], shape[-2])
    return TensorType(t.dtype, shape)


@shape_rule("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MS)
def fused_matmul_shape(
    a: TensorType,
    b: TensorType,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    transBatchA: int = 0,  # noqa: N803
    transBatchB: int = 0,  # noqa: N803
) -> TensorType:
    """op(a) [*batch, M, K] × op(b) [*batch, K, N] -> [*batch, M, N]."""
    return TensorType(
        a.dtype, matmul_result(transpose_type(a, transA, transBatchA), transpose_type(b, transB, transBatchB))
    )


@cost_rule("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MS)
def fused_matmul_cost(
    a: TensorType,
    b: TensorType,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    transBatchA: int = 0,  # noqa: N803
    transBatchB: int = 0,  # noqa: N803
    alpha: float = 1.0,
    activation: str = "",
    out: TensorType,
) -> Cost:
    """As MatMul: ∏batch × M × N × K; an alpha other than 1 adds one multiplication per output, an activation one
    function (5 operations for Softmax)."""
    macs = matmul_cost(transpose_type(a, transA, transBatchA), transpose_type(b, transB, transBatchB)).macs
    work = elementwise_work("multiply", "elementwise", out.elements, int(alpha != 1.0))
    return Cost(macs, work + fused_activation(activation, out))


def fused_activation(name: str, out: TensorType) -> tuple[Work, ...]:
    """The work of a fused activation: one function per output, a comparison where it is piecewise linear."""
    if not name:
        return ()
    n = out.elements
    if name == "Softmax":
        return (
            elementwise_work("compare", "softmax", n)
            + elementwise_work("add", "softmax", n, 2)
            + elementwise_work("exp", "softmax", n)
        ) + elementwise_work("divide", "softmax", n)
    linear = name in ("Relu", "LeakyRelu", "Clip", "HardSigmoid", "ThresholdedRelu", "HardSwish")
    return elementwise_work("compare" if linear else "transcendental", "activation", n)


@shape_rule("FusedGemm", "GemmFloat8", domain=MS)
def fused_gemm_shape(
    a: TensorType,
    b: TensorType,
    c: TensorType | None = None,
    scale_a: TensorType | None = None,
    scale_b: TensorType | None = None,
    scale_y: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    dtype: int = 0,
) -> TensorType:
    """op(a) [M, K] × op(b) [K, N] + c -> [M, N]."""
    product_type = gemm_shape(a, b, c, transA=transA, transB=transB)
    assert isinstance(product_type, TensorType)
    if not dtype:
        return product_type
    return TensorType(DTYPE_OF_CODE[dtype], product_type.shape)


@cost_rule("FusedGemm", "GemmFloat8", domain=MS)
def fused_gemm_cost(
    a: TensorType,
    b: TensorType,
    c: TensorType | None = None,
    scale_a: TensorType | None = None,
    scale_b: TensorType | None = None,
    scale_y: TensorType | None = None,
    *,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
    alpha: float = 1.0,
    beta: float = 1.0,
    activation: str = "",
    out: TensorType,
) -> Cost:
    """As Gemm: M × N × K; a bias adds one addition per output, alpha and beta other than 1 one multiplication each,
    the activation one function."""
    cost = gemm_cost(a, b, c, transA=transA, transB=transB, alpha=alpha, beta=beta, out=out)
    return Cost(cost.macs, cost.work + fused_activation(activation, out))


@shape_rule("GemmFastGelu", domain=MS)
def gemm_fast_gelu_shape(x: TensorType, w: TensorType, bias: TensorType | None = None) -> TensorType:
    """x [*batch, M, K] × w [K, N] -> [*batch, M, N]."""
    return TensorType(x.dtype, matmul_result(x, w))


@cost_rule("GemmFastGelu", domain=MS)
def gemm_fast_gelu_cost(x: TensorType, w: TensorType, bias: TensorType | None = None, *, out: TensorType) -> Cost:
    """As MatMul: ∏batch × M × N × K; a bias adds one addition per output, the activation one function."""
    work = bias_work(bias, out) + fused_activation("FastGelu", out)
    return Cost(matmul_cost(x, w).macs, work)


def bias_work(bias: TensorType | None, out: TensorType) -> tuple[Work, ...]:
    """One addition per output where there is a bias."""
    return elementwise_work("add", "bias", out.elements, int(bias is not None))


operands("MatMulNBits", domain=MS, weights=(1, 5), buffers=(2, 3, 4))

operands("MatMulBnb4", domain=MS, weights=(1,), buffers=(2,))

traits(
    "MatMulNBits",
    "MatMulBnb4",
    domain=MS,
    kind="product",
    derived=frozenset(("K",)),
    gradient=contraction_gradient(((0,), ())),  # packed weights are not trained
)


def _unpacked_elements(b: TensorType, attributes: Attributes) -> Dim:
    return attributes["K"] * attributes["N"]  # type: ignore[no-any-return]


ONE = frozenset((1,))

traits(
    "MatMulNBits",
    domain=MS,
    packed=PackedInputs(ONE, _unpacked_elements, lambda attributes: int(attributes.get("bits", 4))),
)

traits("MatMulBnb4", domain=MS, packed=PackedInputs(ONE, _unpacked_elements, lambda attributes: 4))

describe(
    "A product with a weight matrix that is stored in a few bits per number.", "MatMulNBits", "MatMulBnb4", domain=MS
)


@shape_rule("MatMulNBits", domain=MS)
def matmul_nbits_shape(
    a: TensorType,
    b: TensorType,
    scales: TensorType,
    zero_points: TensorType | None = None,
    g_idx: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
) -> TensorType:
    """a [*rows, K], b [N, blocks, bytes] -> [*rows, N]."""
    return TensorType(a.dtype, _row_extents(a, K) + (N,))


def _row_extents(a: TensorType, k: int) -> tuple[Dim, ...]:
    assert a.shape is not None
    if not a.shape:
        raise ShapeError("a product takes no scalar", "give A at least one axis")
    require_equal(a.shape[-1], k, "the last extent of A and K")
    return a.shape[:-1]


@cost_rule("MatMulNBits", domain=MS)
def matmul_nbits_cost(
    a: TensorType,
    b: TensorType,
    scales: TensorType,
    zero_points: TensorType | None = None,
    g_idx: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
    out: TensorType,
) -> Cost:
    """∏rows × N × K; unpacking a weight is one multiplication with its scale, and one subtraction with zero points;
    a bias adds one addition per output."""
    work = elementwise_work("multiply", "quantization", N * K, 1, "#weights")
    work += elementwise_work("add", "quantization", N * K, int(zero_points is not None), "#weights")
    return Cost(_packed_macs(a, K, N), work + bias_work(bias, out))


def _packed_macs(a: TensorType, k: int, n: int) -> Formula:
    rows = [(f"b{i}", extent) for i, extent in enumerate(_row_extents(a, k))]
    return formula(product_factor("rows", *rows), ("N", n), ("K", k))


@shape_rule("MatMulBnb4", domain=MS)
def matmul_bnb4_shape(
    a: TensorType,
    b: TensorType,
    absmax: TensorType,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
    transB: int = 1,  # noqa: N803
) -> TensorType:
    """a [*rows, K] -> [*rows, N]; without transB the other way round."""
    return TensorType(a.dtype, _row_extents(a, K if transB else N) + (N if transB else K,))


@cost_rule("MatMulBnb4", domain=MS)
def matmul_bnb4_cost(
    a: TensorType,
    b: TensorType,
    absmax: TensorType,
    *,
    K: int,  # noqa: N803
    N: int,  # noqa: N803
) -> Cost:
    """∏rows × N × K; unpacking a weight is one multiplication with its block's scale."""
    rows = a.elements // K if a.shape and a.shape[-1] == K else a.elements // N
    return Cost(
        formula(("rows", rows), ("N", N), ("K", K)), elementwise_work("multiply", "quantization", N * K, 1, "#weights")
    )
