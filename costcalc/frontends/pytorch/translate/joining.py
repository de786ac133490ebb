"""Joins and splits along an axis, diagonals, windows: ATen's calls -> ONNX nodes.

How many parts a split gives, and how large they are, stands in the program.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.arrangement import (
    emit_expand,
    emit_reshape,
    find_axes,
)
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import cast, emit_own
from costcalc.ops.aten import ATEN


def emit_concat(call: CallSite, values: Sequence[str], axis: int) -> None:
    """Values one behind the other, all in the output's element type; one alone stands for itself."""
    dtype = call.out_type().dtype
    parts = [cast(call, value, dtype, f"cast{i}") for i, value in enumerate(values)]
    if len(parts) == 1:
        call.alias(parts[0])
    else:
        call.emit("Concat", parts, {"axis": axis})


@translates("cat", "concat", "concatenate")
def concatenate(call: CallSite) -> None:
    """Tensors one behind the other along an axis. An empty vector is passed over where the others have more axes."""
    tensors = call.tensors("tensors")
    rank = max(len(call.shape(x)) for x in tensors)
    parts = [x for x in tensors if len(call.shape(x)) == rank or call.shape(x) != (0,)]
    emit_concat(call, parts, call.axis("dim", parts[0], 0))


@translates("stack")
def stack(call: CallSite) -> None:
    """Tensors of one shape along a new axis: an Unsqueeze of each and a Concat."""
    tensors = call.tensors("tensors")
    rank = len(call.shape(tensors[0])) + 1
    (axis,) = find_axes(call, (call.integer("dim", 0),), rank)
    axes = call.constant((axis,), "axes")
    emit_concat(call, [call.emit("Unsqueeze", [x, axes], suffix=f"{i}") for i, x in enumerate(tensors)], axis)


LEAST_RANKS = {"hstack": (1, 1), "vstack": (2, 0), "row_stack": (2, 0), "dstack": (3, 2), "column_stack": (2, 1)}
"""Operators -> the rank that each tensor has at least, and the axis along which they are joined."""


@translates(*LEAST_RANKS)
def stack_along_axis(call: CallSite) -> None:
    """Tensors along the second axis (hstack, column_stack; vectors along their only one), the first (vstack) or the
    third (dstack); of lower rank they get axes of extent 1."""
    operator = call.operator
    least, axis = LEAST_RANKS[operator]
    parts = [
        emit_reshape(call, x, _fill_up(call.shape(x), least, operator == "column_stack"), f"{i}")
        for i, x in enumerate(call.tensors("tensors"))
    ]
    if operator == "hstack":
        axis = min(1, len(call.shape(parts[0])) - 1)
    emit_concat(call, parts, axis)


def _fill_up(shape: tuple[Dim, ...], least: int, is_column: bool) -> tuple[Dim, ...]:
    """A shape -> one of at least that many axes: a vector is a row, or a column, and gets a third axis behind."""
    missing = max(least - len(shape), 0)
    before = min(missing, 1) if len(shape) < 2 and not is_column else 0
    return (1,) * before + shape + (1,) * (missing - before)


def emit_split(call: CallSite, x: str, axis: int) -> None:
    """A value cut along an axis into parts of the extents that the program says."""
    sizes = tuple([call.out_shape(i, axis + 1)[axis] for i in range(len(call.outputs))])
    if len(sizes) == 1:
        call.alias(x)
    else:
        call.emit("Split", [x, call.constant(sizes, "sizes")], {"axis": axis})


@translates(
    "split",
    "split_copy",
    "split_with_sizes",
    "split_with_sizes_copy",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "chunk",
    "unsafe_chunk",
    "tensor_split",
)
def split(call: CallSite) -> None:
    """Parts along an axis. Those that tensor_split lets overlap, or leaves gaps between, are refused."""
    x = call.tensor("self")
    emit_split(call, x, call.axis("dim", x, 0))


@translates("hsplit", "vsplit", "dsplit")
def split_along_axis(call: CallSite) -> None:
    """Parts along the second axis (of a vector the first), the first or the third."""
    x = call.tensor("self")
    operator = call.operator
    emit_split(call, x, {"hsplit": min(1, len(call.shape(x)) - 1), "vsplit": 0, "dsplit": 2}[operator])


@translates("unbind", "unbind_copy")
def unbind(call: CallSite) -> None:
    """The slices along an axis, without it: a Split and a Squeeze of each part."""
    x = call.tensor("self")
    axis, n = call.axis("dim", x, 0), len(call.outputs)
    if n != call.extent(x, axis):
        raise LoadError(f"{call.target} gives {n} of {call.extent(x, axis)} slices", REMEDY)
    parts = [x]
    if n > 1:
        parts = [f"{call.name}/part{i}" for i in range(n)]
        call.emit("Split", [x, call.constant((1,) * n, "sizes")], {"axis": axis}, suffix="split", outputs=parts)
    axes = call.constant((axis,), "axes")
    for i, part in enumerate(parts):
        if call.output(i):
            call.emit("Squeeze", [part, axes], suffix=f"{i}" if n > 1 else "", outputs=(call.output(i),))


@translates("broadcast_tensors")
def broadcast_tensors(call: CallSite) -> None:
    """Each tensor expanded to the shape that all broadcast to."""
    for i, x in enumerate(call.tensors("tensors")):
        call.alias(emit_expand(call, x, call.out_shape(i), f"{i}"), i)


@translates(
    "diagonal",
    "diagonal_copy",
    "linalg_diagonal",
    "diag",
    "diagflat",
    "diag_embed",
    "fill_diagonal",
    "block_diag",
    "cartesian_prod",
    "combinations",
)
def diagonal(call: CallSite) -> None:
    """The diagonal of matrices; matrices with a diagonal, or blocks along it, and zeros beside it; all tuples of the
    elements of vectors: one node each."""
    operator = call.operator.removesuffix("_copy").removeprefix("linalg_")
    emit_own(call, operator, *call.tensor_inputs())


@translates("trace")
def trace(call: CallSite) -> None:
    """The sum of the diagonal of a matrix."""
    x = call.tensor("self")
    rows, columns = call.shape(x, 2, 2)
    out = call.out_type()
    line = call.type(x)._replace(shape=(minimum(rows, columns),), value=None)
    vector = call.emit("diagonal", [x], suffix="diagonal", domain=ATEN, types=[line])
    vector = cast(call, vector, out.dtype, "cast")
    call.emit("ReduceSum", [vector, call.constant((0,), "axes")], {"keepdims": 0})


@translates("unfold", "unfold_copy")
def unfold(call: CallSite) -> None:
    """Windows of an axis; their places stand along a new last axis. It is a view, which whatever reads it copies:
    its elements count as they are after that."""
    x = call.tensor("self")
    attributes = {
        "dimension": call.axis("dimension", x),
        "size": call.integer("size"),
        "step": call.integer("step"),
    }
    emit_own(call, "unfold", x, attributes=attributes)


@translates("as_strided", "as_strided_copy")
def as_strided(call: CallSite) -> None:
    """Elements at places that strides say; a Reshape where they are all of the tensor in their order."""
    x = call.tensor("self")
    size, stride = call.dims("size"), call.dims("stride")
    row_major = tuple([prod(size[i + 1 :]) for i in range(len(size))])
    if stride == row_major and prod(size) == call.elements(x) and not call.get("storage_offset"):
        emit_reshape(call, x, size)
    else:
        known = all(isinstance(extent, int) for extent in (*size, *stride))
        emit_own(call, "as_strided", x, attributes={"size": size, "stride": stride} if known else {})
