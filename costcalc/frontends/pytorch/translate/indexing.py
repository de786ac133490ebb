"""Slices, choices of elements by index or mask, and writes to such places: ATen's calls -> ONNX nodes.

How many elements a mask selects depends on data: the program has a symbol for it, and the nodes take their types from
there.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.pytorch.program import REMEDY, ValueName
from costcalc.frontends.pytorch.translate.arrangement import (
    END_OF_AXIS,
    emit_expand,
    emit_reshape,
    emit_slice,
    emit_transpose,
)
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import cast, emit_own
from costcalc.ops.aten import ATEN
from costcalc.ops.common.axes import broadcast


@translates("slice", "slice_copy")
def slice_axis(call: CallSite) -> None:
    """The range [start, end) of an axis, every step-th; the whole axis is the tensor itself."""
    x = call.tensor("self")
    axis = call.axis("dim", x, 0)
    start, end, step = call.dim("start", 0), call.dim("end", END_OF_AXIS), call.dim("step", 1)
    extent = call.extent(x, axis)
    if start == 0 and step == 1 and (end in (extent, END_OF_AXIS) or _is_beyond(end, extent)):
        call.alias(x)
    else:
        emit_slice(call, x, axis, (start, end), step=step)


def _is_beyond(end: Dim, extent: Dim) -> bool:
    return isinstance(end, int) and isinstance(extent, int) and end >= extent


@translates("select", "select_copy")
def select(call: CallSite) -> None:
    """The slice at an index of an axis, without the axis."""
    x = call.tensor("self")
    index = call.constant((call.dim("index"),), "index", scalar=True)
    call.emit("Gather", [x, index], {"axis": call.axis("dim", x)})


@translates("narrow", "narrow_copy")
def narrow(call: CallSite) -> None:
    """The range [start, start + length) of an axis."""
    x = call.tensor("self")
    axis, length = call.axis("dim", x), call.dim("length")
    if call.optional_tensor("start"):
        emit_own(call, "narrow", x, call.tensor("start"), attributes={"axis": axis})
        return
    start = call.dim("start")
    if length == call.extent(x, axis):
        call.alias(x)
    elif isinstance(start, int) and start < 0:
        emit_slice(call, x, axis, (start, start + length if start + length != 0 else END_OF_AXIS))
    else:
        emit_slice(call, x, axis, (start, start + length))


@translates("index_select")
def index_select(call: CallSite) -> None:
    """The slices of an axis that a vector of indices names."""
    x = emit_vector(call, call.tensor("self"), "vector")
    index = emit_vector(call, call.tensor("index"), "indices")
    out = call.out_shape()
    value = call.emit("Gather", [x, index], {"axis": call.axis("dim", x)}, suffix="" if out else "selected")
    if not out:
        emit_reshape(call, value, ())


def emit_vector(call: CallSite, value: str, suffix: str) -> str:
    """A value; a scalar as a vector of one element."""
    return value if call.shape(value) else emit_reshape(call, value, (1,), suffix)


@translates("gather")
def gather(call: CallSite) -> None:
    """One element for each index, along an axis."""
    index = call.tensor("index")
    x = emit_vector(call, call.tensor("self"), "vector")
    if call.shape(index):
        call.emit("GatherElements", [x, index], {"axis": call.axis("dim", x)})
    else:
        picked = call.emit("GatherElements", [x, emit_vector(call, index, "indices")], {"axis": 0}, suffix="picked")
        emit_reshape(call, picked, ())


@translates("take")
def take(call: CallSite) -> None:
    """One element of the flat tensor for each index."""
    x = call.tensor("self")
    call.emit("Gather", [emit_reshape(call, x, (call.elements(x),), "flat"), call.tensor("index")], {"axis": 0})


@translates("take_along_dim")
def take_along_axis(call: CallSite) -> None:
    """One element for each index along an axis, the other axes broadcast; of the flat tensors where none is named."""
    x, index = call.tensor("self"), call.tensor("indices")
    if call.get("dim") is None:
        x, index = (
            emit_reshape(call, value, (call.elements(value),), name) for value, name in ((x, "flat"), (index, "i"))
        )
    axis = call.axis("dim", x, 0)
    shape, index_shape = list(call.shape(x, axis + 1)), list(call.shape(index, axis + 1))
    shape[axis] = index_shape[axis] = 1
    common = list(broadcast(tuple(shape), tuple(index_shape)))
    wide = []
    for value, name in ((x, "expand"), (index, "indices")):
        common[axis] = call.extent(value, axis)
        wide.append(emit_expand(call, value, common, name))
    call.emit("GatherElements", wide, {"axis": axis})


def find_indices(call: CallSite) -> list[tuple[int, str]]:
    """Axes that are indexed, and the tensors that index them; a mask stands at the first axis that it covers."""
    selectors, axis = [], 0
    for value in call.arguments.get("indices") or ():
        if not isinstance(value, ValueName):
            axis += 1
            continue
        name = call.names.get(value, value)
        selectors.append((axis, name))
        axis += max(len(call.shape(name)), 1) if is_mask(call, name) else 1
    if not selectors:
        raise LoadError(f"{call.target} has no indices", REMEDY)
    return selectors


def is_mask(call: CallSite, value: str) -> bool:
    """Whether a tensor that indexes is a mask: booleans, or bytes in their place."""
    return call.type(value).dtype in (DType.BOOL, DType.UINT8)


@translates("index", "_unsafe_index")
def index(call: CallSite) -> None:
    """Elements at places that tensors of indices, broadcast against each other, and masks name.

    One tensor of indices is a Gather. Several are a GatherND, whose axes must be the first: the tensor is transposed
    before, and the result after it, where they are not. A mask is the places at which it holds.
    """
    x, selectors = call.tensor("self"), find_indices(call)
    axis, value = selectors[0]
    if len(selectors) == 1 and not is_mask(call, value):
        call.emit("Gather", [x, value], {"axis": axis})
        return
    if any(is_mask(call, value) and not call.shape(value) for _, value in selectors):
        emit_own(call, "index", x, *(value for _, value in selectors))
        return
    shape, out = call.shape(x), call.out_shape()
    axes = indexed_axes(call, selectors)
    rest = [a for a in range(len(shape)) if a not in axes]
    rank = len(out) - len(rest)
    first = axes[0] if axes == list(range(axes[0], axes[0] + len(axes))) else 0
    places = out[first : first + rank]
    indices = emit_places(call, selectors, places)
    front = emit_transpose(call, x, [*axes, *rest], "front")
    order = [*range(rank, rank + first), *range(rank), *range(rank + first, len(out))]
    is_in_order = order == list(range(len(out)))
    picked = call.emit("GatherND", [front, indices], suffix="" if is_in_order else "picked")
    if not is_in_order:
        emit_transpose(call, picked, order)


def indexed_axes(call: CallSite, selectors: Sequence[tuple[int, str]]) -> list[int]:
    """Indices as find_indices gives them -> the axes that they index, those of a mask one by one."""
    return [axis + i for axis, value in selectors for i in range(len(call.shape(value)) if is_mask(call, value) else 1)]


def emit_places(call: CallSite, selectors: Sequence[tuple[int, str]], shape: Sequence[Dim]) -> str:
    """Tensors of indices, and masks, that broadcast to a shape -> the vectors of indices, [*shape, number of axes].
    LoadError where the shape has no axis for what a mask selects."""
    if not shape and any(is_mask(call, value) for _, value in selectors):
        raise LoadError(f"{call.target} has no axis for what its mask selects", REMEDY)
    if len(selectors) == 1:
        return _emit_true_places(call, selectors[0][1], shape[-1])
    columns: list[str] = []
    for i, (_, value) in enumerate(selectors):
        if is_mask(call, value):
            n = len(call.shape(value))
            rows = _emit_true_places(call, value, shape[-1], f"mask{i}")
            sizes = call.constant((1,) * n, f"mask{i}.sizes")
            parts = [f"{call.name}/mask{i}.{j}" for j in range(n)] if n > 1 else [rows]
            if n > 1:
                call.emit("Split", [rows, sizes], {"axis": 1}, suffix=f"mask{i}.split", outputs=parts)
            columns.extend(
                [_emit_column(call, part, (shape[-1],), shape, f"column{i}.{j}") for j, part in enumerate(parts)]
            )
        else:
            value = cast(call, value, DType.INT64, f"cast{i}")
            columns.append(_emit_column(call, value, call.shape(value), shape, f"column{i}"))
    return call.emit("Concat", columns, {"axis": -1}, suffix="indices")


def _emit_column(call: CallSite, value: str, shape: Sequence[Dim], wide: Sequence[Dim], suffix: str) -> str:
    """Indices -> [*wide, 1]."""
    column = emit_reshape(call, value, (*shape, 1), suffix)
    return emit_expand(call, column, (*wide, 1), f"{suffix}.expand")


def _emit_true_places(call: CallSite, mask: str, count: Dim, suffix: str = "") -> str:
    """A mask and the number of places at which it holds -> the places, [count, rank]."""
    rank = len(call.shape(mask))
    rows = TensorType(DType.INT64, (rank, count))
    places = call.emit("NonZero", [mask], suffix=f"{suffix}nonzero", types=[rows])
    return emit_transpose(call, places, (1, 0), f"{suffix}places")


@translates("masked_select")
def masked_select(call: CallSite) -> None:
    """The elements at which a mask holds, both broadcast against each other."""
    x, mask = call.tensor("self"), call.tensor("mask")
    shape = broadcast(call.shape(x), call.shape(mask))
    if not shape:
        emit_own(call, "index", x, mask)
        return
    x, mask = emit_expand(call, x, shape, "expand"), emit_expand(call, mask, shape, "mask")
    (count,) = call.out_shape(0, 1, 1)
    call.emit("GatherND", [x, _emit_true_places(call, mask, count)], types=[call.out_type()])


@translates("nonzero", "argwhere")
def nonzero(call: CallSite) -> None:
    """The places of the elements that are not 0, [number, rank]."""
    x, out = call.tensor("self"), call.out_type()
    if not call.shape(x):
        call.emit("nonzero", [x], domain=ATEN, types=[out])
        return
    rows = out._replace(shape=(out.shape or ())[::-1])
    emit_transpose(call, call.emit("NonZero", [x], suffix="nonzero", types=[rows]), (1, 0))


@translates("nonzero_numpy")
def nonzero_by_axis(call: CallSite) -> None:
    """The places of the elements that are not 0, a vector for each axis."""
    x, out = emit_vector(call, call.tensor("self"), "vector"), call.out_type()
    n = len(call.outputs)
    rows = call.emit("NonZero", [x], suffix="nonzero", types=[out._replace(shape=(n, *(out.shape or ())))])
    parts = [rows]
    if n > 1:
        parts = [f"{call.name}/part{i}" for i in range(n)]
        call.emit("Split", [rows, call.constant((1,) * n, "sizes")], {"axis": 0}, suffix="split", outputs=parts)
    axes = call.constant((0,), "axes")
    for i, part in enumerate(parts):
        call.emit("Squeeze", [part, axes], suffix=f"{i}", outputs=(call.output(i),))


@translates("nonzero_static", "masked_scatter", "_unsafe_masked_index", "_unsafe_masked_index_put_accumulate")
def by_mask(call: CallSite) -> None:
    """Operators over places that a mask names, as one node each."""
    operator = call.operator.removeprefix("_unsafe_")
    emit_own(call, operator, *call.tensor_inputs())
