"""Matrix products, linear layers, einsum, lookups in tables: ATen's calls -> ONNX nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.arrangement import find_axes
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_own
from costcalc.ops.aten import ATEN
from costcalc.ops.einsum import parse_equation

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@translates("linear")
def linear(call: CallSite) -> None:
    """x [..., in] · weight [out, in]ᵀ + bias."""
    add_linear(call, call.tensor("input"), call.tensor("weight"), call.optional_tensor("bias"), call.outputs)


def add_linear(call: CallSite, x: str, weight: str, bias: str, outputs: Sequence[str], name: str = "") -> str:
    """Adds a linear layer with these outputs, and returns the first; name is added to the call's for its nodes.

    It is a Gemm for [N, in] with a bias, else a product with the stored matrix [in, out] and an addition, as ONNX
    exporters write it. A matrix that is computed, or that other calls read too, is not stored transposed: FusedMatMul
    reads it as it is.
    """
    is_transposed = weight in call.inliner.transposed
    rank, weight_rank = len(call.shape(x)), len(call.shape(weight))
    if rank == 2 and weight_rank == 2 and bias:
        attributes = {} if is_transposed else {"transB": 1}
        return call.emit("Gemm", (x, weight, bias), attributes, outputs=outputs, suffix=name)
    prefix = f"{name}/" if name else ""
    inner = (f"{call.name}/{prefix}MatMul",) if bias else outputs
    if is_transposed or weight_rank == 1:
        product = call.emit("MatMul", (x, weight), outputs=inner, suffix=name)
    else:
        attributes, domain = {"transB": 1}, "com.microsoft"
        product = call.emit("FusedMatMul", (x, weight), attributes, outputs=inner, suffix=name, domain=domain)
    return call.emit("Add", (product, bias), outputs=outputs, suffix=f"{prefix}bias") if bias else product


@translates("mm", "bmm", "mv", "dot", "vdot", "matmul", "linalg_matmul")
def matmul(call: CallSite) -> None:
    """A product of two tensors as numpy.matmul defines it: vectors, matrices, batches that broadcast."""
    call.emit("MatMul", call.operands(2), types=_wider_types(call))


def _wider_types(call: CallSite) -> list[TensorType] | None:
    """The type by the program where a product gives another element type than its operands have."""
    return [call.out_type()] if call.get("out_dtype") is not None else None


@translates("addmm", "_addmm_activation")
def addmm(call: CallSite) -> None:
    """beta · self + alpha · (mat1 [M, K] · mat2 [K, N]), then Gelu or Relu in _addmm_activation."""
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    inputs = [call.tensor("mat1"), call.tensor("mat2")] + ([call.tensor("self")] if beta else [])
    attributes = {name: value for name, value in (("alpha", alpha), ("beta", beta)) if value not in (0.0, 1.0)}
    if alpha == 0:
        attributes["alpha"] = 0.0
    is_fused = call.operator == "_addmm_activation"
    outputs = (f"{call.name}/Gemm",) if is_fused else call.outputs
    value = call.emit("Gemm", inputs, attributes, outputs=outputs, types=_wider_types(call))
    if is_fused:
        is_gelu = call.flag("use_gelu")
        call.emit("Gelu" if is_gelu else "Relu", (value,), outputs=call.outputs, suffix="activation")


@translates("baddbmm", "addbmm", "addmv", "addr")
def scaled_sum(call: CallSite) -> None:
    """beta · self + alpha · (a · b), the products of addbmm summed over the batch."""
    start, a, b = call.operands(3)
    operator = call.operator
    if operator == "addr":
        value = call.emit("Mul", (_unsqueeze(call, a, 1), b), suffix="outer")
    else:
        types = None if operator == "addbmm" else _wider_types(call)
        value = call.emit("MatMul", (a, b), suffix="product", types=types)
    if operator == "addbmm":
        axes = call.constant((0,), "axes")
        value = call.emit("ReduceSum", (value, axes), {"keepdims": 0}, suffix="sum")
    value = _scale(call, value, call.number("alpha", 1.0), "alpha")
    beta = call.number("beta", 1.0)
    if beta:
        call.emit("Add", (_scale(call, start, beta, "beta"), value))
    elif call.shape(value) == call.out_shape():
        call.alias(value)
    else:
        call.emit("Expand", (value, call.constant(call.out_shape(), "shape")))


def _scale(call: CallSite, value: str, factor: float, name: str) -> str:
    if factor == 1:
        return value
    return call.emit("Mul", (value, call.constant((factor,), name, call.type(value).dtype, True)), suffix=name)


def _unsqueeze(call: CallSite, value: str, axis: int) -> str:
    return call.emit("Unsqueeze", (value, call.constant((axis,), "axes")), suffix="Unsqueeze")


@translates("outer", "ger")
def outer(call: CallSite) -> None:
    """self [M] · vec2 [N] -> [M, N]."""
    call.emit("Mul", (_unsqueeze(call, call.tensor("self"), 1), call.tensor("vec2")))


@translates("einsum")
def einsum(call: CallSite) -> None:
    """Tensors by an equation, contracted two at a time as `path` says (pairs of positions among those that are left;
    a result comes last), else from left to right. An index that one operand alone has is summed before."""
    tensors, equation = call.tensors("tensors"), str(call.get("equation", ""))
    path = call.ints("path", ())
    inputs, output = parse_equation(equation, tuple([len(call.shape(t)) for t in tensors]))
    if len({i for term in inputs for i in term}) > len(LETTERS):
        raise LoadError(f"{equation[:40]!r} has more indices than letters", REMEDY)
    names = dict(zip(dict.fromkeys(i for term in inputs for i in term), LETTERS, strict=False))
    terms = ["".join([names[i] for i in term]) for term in inputs]
    result = "".join([names[i] for i in output])
    single = [
        [c for c in dict.fromkeys(term) if "".join((*terms, result)).count(c) == 1] if len(terms) > 1 else []
        for term in terms
    ]
    is_stretched = any(_stretched(call, pair, result) for pair in combinations(zip(tensors, terms, strict=True), 2))
    if not any(single) and not is_stretched and (len(terms) < 3 or len(path) != 2 * (len(terms) - 1)):
        call.emit("Einsum", tensors, {"equation": equation.replace(" ", "")})
        return
    operands = [_sum_single(call, *entry) for entry in zip(tensors, terms, single, strict=True)]
    pairs = list(zip(path[::2], path[1::2], strict=True)) if len(path) == 2 * (len(terms) - 1) else []
    for step in range(len(terms) - 1):
        first, second = sorted(pairs[step]) if pairs else (0, 1)
        if not 0 <= first < second < len(operands):
            raise LoadError(f"path of {call.target} is {path}", REMEDY)
        (b, term_b), (a, term_a) = operands.pop(second), operands.pop(first)
        later = result + "".join([term for _, term in operands])
        is_last = not operands
        term = result if is_last else "".join([c for c in dict.fromkeys(term_a + term_b) if c in later])
        suffix = "" if is_last else f"step{step + 1}"
        stretched = _stretched(call, ((a, term_a), (b, term_b)), term)
        a, term_a = _sum_single(call, a, term_a, stretched, f"left{step + 1}_")
        b, term_b = _sum_single(call, b, term_b, stretched, f"right{step + 1}_")
        value = call.emit("Einsum", (a, b), {"equation": f"{term_a},{term_b}->{term}"}, suffix=suffix)
        operands.insert(len(operands) if pairs else 0, (value, term))


def _stretched(call: CallSite, pair: Sequence[tuple[str, str]], result: str) -> list[str]:
    """Two operands with their indices -> the indices that are summed and have the extent 1 in one of them alone:
    PyTorch sums the other operand over such an index before it multiplies."""
    (a, term_a), (b, term_b) = pair
    extents_a, extents_b = dict(zip(term_a, call.shape(a), strict=True)), dict(zip(term_b, call.shape(b), strict=True))
    shared = [c for c in extents_a if c in extents_b and c not in result]
    return [c for c in shared if 1 in (extents_a[c], extents_b[c]) and extents_a[c] != extents_b[c]]


def _sum_single(call: CallSite, value: str, term: str, single: Sequence[str], prefix: str = "") -> tuple[str, str]:
    """An operand and its indices -> the same without some of them, summed."""
    if not single:
        return value, term
    positions = tuple([i for i, c in enumerate(term) if c in single])
    axes = call.constant(positions, f"axes{prefix}{term}")
    value = call.emit("ReduceSum", (value, axes), {"keepdims": 0}, suffix=f"sum_{prefix}{term}")
    return value, "".join([c for c in term if c not in single])


@translates("tensordot", "inner", "linalg_vecdot")
def contraction(call: CallSite) -> None:
    """Two tensors, contracted over some axes of each: those named; the last ones (inner); one, with those before it
    broadcast (vecdot)."""
    a, b = call.operands(2)
    rank_a, rank_b = len(call.shape(a)), len(call.shape(b))
    operator = call.operator
    if operator == "linalg_vecdot":
        rank = max(rank_a, rank_b)
        (axis,) = find_axes(call, (call.integer("dim", -1),), rank)
        term = LETTERS[:rank]
        _emit_einsum(call, (a, b), (term[rank - rank_a :], term[rank - rank_b :]), term[:axis] + term[axis + 1 :])
        return
    if operator == "inner" and not (rank_a and rank_b):
        call.emit("Mul", (a, b))
        return
    axes_a = [d % rank_a for d in call.ints("dims_self", (-1,))] if rank_a else []
    axes_b = [d % rank_b for d in call.ints("dims_other", (-1,))] if rank_b else []
    if len(axes_a) != len(axes_b) or rank_a + rank_b > len(LETTERS):
        raise LoadError(f"{call.target} contracts axes {axes_a} with {axes_b}", REMEDY)
    term_a, term_b = LETTERS[:rank_a], list(LETTERS[rank_a : rank_a + rank_b])
    for i, j in zip(axes_a, axes_b, strict=True):
        term_b[j] = term_a[i]
    kept = [c for i, c in enumerate(term_a) if i not in axes_a] + [c for j, c in enumerate(term_b) if j not in axes_b]
    _emit_einsum(call, (a, b), (term_a, "".join(term_b)), "".join(kept))


def _emit_einsum(call: CallSite, tensors: Iterable[str], terms: Sequence[str], output: str) -> str:
    return call.emit("Einsum", tuple(tensors), {"equation": f"{','.join(terms)}->{output}"})


@translates("bilinear")
def bilinear(call: CallSite) -> None:
    """x₁ [..., I] · weight [O, I, J] · x₂ [..., J] + bias -> [..., O], the first product first."""
    inputs = (call.tensor("input1"), call.tensor("weight"), call.tensor("input2"))
    bias = call.optional_tensor("bias")
    outputs = (f"{call.name}/Einsum",) if bias else call.outputs
    value = call.emit("Einsum", inputs, {"equation": "...i,oij,...j->...o"}, outputs=outputs)
    if bias:
        call.emit("Add", (value, bias), outputs=call.outputs, suffix="bias")


@translates("_trilinear")
def trilinear(call: CallSite) -> None:
    """Three tensors, each without some of the axes (expand1, expand2, expand3), multiplied and summed over sumdim: what
    a bilinear layer is decomposed into."""
    tensors = [call.tensor(name) for name in ("i1", "i2", "i3")]
    absent = [call.ints(f"expand{i}", ()) for i in (1, 2, 3)]
    axes = LETTERS[: len(call.shape(tensors[0])) + len(absent[0])]
    summed = call.ints("sumdim", ())
    terms = ["".join([c for i, c in enumerate(axes) if i not in missing]) for missing in absent]
    _emit_einsum(call, tensors, terms, "".join([c for i, c in enumerate(axes) if i not in summed]))


@translates("kron")
def kron(call: CallSite) -> None:
    """self [a₁, a₂ …] and other [b₁, b₂ …] -> [a₁ · b₁, a₂ · b₂ …], every element times every other."""
    shapes = [call.shape(call.tensor(name)) for name in ("self", "other")]
    rank = max(map(len, shapes))
    parts: list[str] = []
    for position, name in enumerate(("self", "other")):
        pairs: list[tuple[Dim, Dim]] = []
        for extent in (1,) * (rank - len(shapes[position])) + tuple(shapes[position]):
            pairs.append((extent, 1) if position == 0 else (1, extent))
        shape = call.constant([d for pair in pairs for d in pair], f"{name}_shape")
        parts.append(call.emit("Reshape", (call.tensor(name), shape), suffix=name))
    value = call.emit("Mul", parts, suffix="Mul")
    call.emit("Reshape", (value, call.constant(call.out_shape(), "shape")))


@translates("chain_matmul", "linalg_multi_dot")
def multi_dot(call: CallSite) -> None:
    """A product of several matrices, in the order that takes the fewest multiplications (the first and the last may be
    vectors)."""
    tensors = call.tensors("matrices" if "matrices" in call.arguments else "tensors")
    shapes = [call.shape(t) for t in tensors]
    if not tensors or any(len(s) != 2 for s in shapes[1:-1]) or any(not 1 <= len(s) <= 2 for s in shapes):
        raise LoadError(f"{call.target} has no chain of matrices", REMEDY)
    if not all(isinstance(d, int) for shape in shapes for d in shape):
        raise LoadError("the order of the products depends on open extents", "bind them with --dim")
    first = shapes[0] if len(shapes[0]) > 1 else (1, *shapes[0])
    sizes: list[int] = [int(d) for d in (first[0], first[1])]
    sizes += [int(shape[1]) if len(shape) > 1 else 1 for shape in shapes[1:]]
    splits = _find_splits(sizes)

    def multiply(i: int, j: int, is_last: bool) -> str:
        if i == j:
            return tensors[i]
        k = splits[i, j]
        pair = (multiply(i, k, False), multiply(k + 1, j, False))
        return call.emit("MatMul", pair, suffix="" if is_last else f"product{i}_{j}")

    if len(tensors) == 1:
        call.alias(tensors[0])
    else:
        multiply(0, len(tensors) - 1, True)


def _find_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """The extents of a chain of matrices [s₀, s₁], [s₁, s₂] … -> for each part (i, j) of it, the last matrix of the
    left factor in its cheapest product (Cormen et al., Introduction to Algorithms, 15.2)."""
    n = len(sizes) - 1
    costs = {(i, i): 0 for i in range(n)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [(costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            costs[i, j], splits[i, j] = min(options)
    return splits


@translates("cdist", "_cdist_forward", "_euclidean_dist")
def cdist(call: CallSite) -> None:
    """The distances of the rows of x1 [..., P, M] from those of x2 [..., R, M]."""
    attributes = {"p": call.number("p", 2.0)}
    emit_own(call, "cdist", *call.operands(2), attributes=attributes)


@translates("embedding")
def embedding(call: CallSite) -> None:
    """The rows of a table at these indices."""
    call.emit("Gather", (call.tensor("weight"), call.tensor("indices")), {"axis": 0})


@translates("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(call: CallSite) -> None:
    """The sums, means or maxima of rows of a table, by bag; and what the backward pass needs."""
    inputs = (call.tensor("weight"), call.tensor("indices"), call.optional_tensor("per_sample_weights"))
    attributes: dict[str, Any] = {"mode": ("sum", "mean", "max")[call.integer("mode", 0) % 3]}
    if call.integer("padding_idx", -1) >= 0:
        attributes["padding"] = call.integer("padding_idx", -1)
    outputs = call.read_outputs()
    types = call.out_types(outputs)
    call.emit(
        "embedding_bag", inputs if inputs[2] else inputs[:2], attributes, outputs=outputs, domain=ATEN, types=types
    )


@translates("one_hot")
def one_hot(call: CallSite) -> None:
    """Indices -> vectors that are 1 at that place."""
    shape = call.out_shape()
    depth, values = call.constant(shape[-1:], "depth"), call.constant((0, 1), "values")
    call.emit("OneHot", (call.tensor("self"), depth, values), {"axis": -1})


@translates("_grouped_mm", "_scaled_grouped_mm", "transformers::grouped_mm_fallback")
def grouped_mm(call: CallSite) -> None:
    """Rows by group times the group's matrix, as experts do."""
    inputs = tuple(filter(None, (*call.operands(2), call.optional_tensor("bias"))))
    scales = sum(bool(call.optional_tensor(name)) for name in ("scale_a", "scale_b"))
    emit_own(call, "grouped_mm", *inputs, attributes={"scales": scales} if scales else {})
