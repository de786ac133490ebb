"""com.microsoft's products with weights packed into a few bits."""

from __future__ import annotations

from costcalc.assume import agree
from costcalc.core.traits import Attributes, Packed, sides, traits
from costcalc.dim import Dim
from costcalc.errors import ShapeError
from costcalc.formula import Cost, Formula, formula, of, per
from costcalc.ir import TensorType
from costcalc.ops.ms_matmul import MS, bias_work
from costcalc.registry import cost_rule, describe, operands, shape_rule

operands("MatMulNBits", domain=MS, weights=(1, 5), buffers=(2, 3, 4))
operands("MatMulBnb4", domain=MS, weights=(1,), buffers=(2,))
traits(
    "MatMulNBits",
    "MatMulBnb4",
    domain=MS,
    kind="product",
    derived=frozenset(("K",)),
    gradient=sides(((0,), ())),  # packed weights are not trained
)


def _values(b: TensorType, attributes: Attributes) -> Dim:
    return attributes["K"] * attributes["N"]  # type: ignore[no-any-return]


ONE = frozenset((1,))
traits("MatMulNBits", domain=MS, packed=Packed(ONE, _values, lambda attributes: int(attributes.get("bits", 4))))
traits("MatMulBnb4", domain=MS, packed=Packed(ONE, _values, lambda attributes: 4))
describe("A product with a weight matrix that is stored in a few bits per number.", "MatMulNBits", "MatMulBnb4",
         domain=MS)  # fmt: skip


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
    return TensorType(a.dtype, _rows(a, K) + (N,))


def _rows(a: TensorType, k: int) -> tuple[Dim, ...]:
    assert a.shape is not None
    if not a.shape:
        raise ShapeError("a product takes no scalar", "give A at least one axis")
    agree(a.shape[-1], k, "the last extent of A and K")
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
    work = per("multiply", "quantization", N * K, 1, "#weights")
    work += per("add", "quantization", N * K, int(zero_points is not None), "#weights")
    return Cost(_packed_macs(a, K, N), work + bias_work(bias, out))


def _packed_macs(a: TensorType, k: int, n: int) -> Formula:
    rows = [(f"b{i}", extent) for i, extent in enumerate(_rows(a, k))]
    return formula(of("rows", *rows), ("N", n), ("K", k))


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
    return TensorType(a.dtype, _rows(a, K if transB else N) + (N if transB else K,))


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
    return Cost(formula(("rows", rows), ("N", N), ("K", K)), per("multiply", "quantization", N * K, 1, "#weights"))
