"""Writes to places that indices or masks name: ATen's calls -> ONNX nodes that give the whole tensor, as exporters do.

A reduction adds, multiplies or compares what is written with what stands there.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, Poly
from costcalc.core.ir import DType
from costcalc.frontends.pytorch.translate.arrangement import (
    END_OF_AXIS,
    emit_expand,
    emit_reshape,
    emit_transpose,
)
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.indexing import (
    emit_places,
    emit_vector,
    find_indices,
    indexed_axes,
    is_mask,
)
from costcalc.frontends.pytorch.translate.operand import add_scalar, cast, emit_own
from costcalc.ops.common.axes import broadcast

REDUCTIONS = {
    "add": "add",
    "sum": "add",
    "multiply": "mul",
    "prod": "mul",
    "amax": "max",
    "amin": "min",
}
"""ATen's reductions -> ONNX's. ONNX has no mean."""


@translates("scatter", "scatter_add", "scatter_reduce")
def scatter(call: CallSite) -> None:
    """One element is written for each index, along an axis. Of a source that is larger than the indices the first
    elements are."""
    x = emit_vector(call, call.tensor("self"), "vector")
    index = emit_vector(call, call.tensor("index"), "indices")
    shape, dtype = call.shape(index), call.type(x).dtype
    if call.optional_tensor("src"):
        updates = _emit_first(call, emit_vector(call, call.tensor("src"), "source"), shape)
    else:
        value = add_scalar(call, call.get("value", 0), dtype, "value")
        updates = emit_expand(call, value, shape, "updates")
    word = str(call.get("reduce", "add" if call.operator.startswith("scatter_add") else ""))
    reduction = REDUCTIONS.get(word, "none")
    axis = call.axis("dim", x)
    if (word and reduction == "none") or not call.flag("include_self", True):
        emit_own(call, "scatter_reduce", x, index, updates, attributes={"reduction": word})
        return
    out = call.out_shape()
    attributes = {"axis": axis, "reduction": reduction}
    whole = call.emit("ScatterElements", [x, index, updates], attributes, suffix="" if out else "scattered")
    if not out:
        emit_reshape(call, whole, ())


def _emit_first(call: CallSite, value: str, shape: Sequence[Dim]) -> str:
    """The first elements of each axis, up to a shape."""
    pairs = call.pairs(call.shape(value), shape, "a source and an index")
    axes = [i for i, (a, b) in enumerate(pairs) if a != b]
    if not axes:
        return value
    ends = [shape[i] for i in axes]
    constants: tuple[Sequence[Dim], ...] = ((0,) * len(axes), ends, axes)
    names = ("src.starts", "src.ends", "src.axes")
    inputs = [call.constant(tuple(values), name) for values, name in zip(constants, names, strict=True)]
    return call.emit("Slice", [value, *inputs], suffix="src", types=[call.type(value)._replace(shape=tuple(shape))])


@translates("index_add", "index_copy", "index_reduce", "index_fill")
def write_slices(call: CallSite) -> None:
    """Slices of an axis that a vector of indices names are written: a ScatterND where it is the first axis and what is
    written needs no arithmetic before, else one node."""
    operator = call.operator
    x, index = call.tensor("self"), emit_vector(call, call.tensor("index"), "indices")
    word = str(call.get("reduce", "add" if operator == "index_add" else "none"))
    reduction = REDUCTIONS.get(word, word)
    is_plain = operator != "index_fill" and call.get("alpha", 1) == 1 and call.flag("include_self", True)
    if is_plain and word != "mean" and call.shape(x) and call.axis("dim", x) == 0:
        places = call.emit("Unsqueeze", [index, call.constant((1,), "axes")], suffix="places")
        source = emit_reshape(call, call.tensor("source"), (*call.shape(index), *call.shape(x)[1:]), "source")
        call.emit("ScatterND", [x, places, source], {"reduction": reduction})
        return
    attributes = {"reduction": word, "scaled": int(call.get("alpha", 1) != 1)}
    source = call.optional_tensor("source") or call.optional_tensor("value")
    inputs = [x, index, *filter(None, [source])]
    emit_own(call, operator, *inputs, attributes=attributes)


@translates("index_put", "_index_put_impl", "_unsafe_index_put")
def index_put(call: CallSite) -> None:
    """Places that tensors of indices name are written, or added to.

    One value under a mask is a Where. The indexed axes of a ScatterND are the first: the tensor is transposed before,
    and the result after it, where they are not. Several values under a mask are one node.
    """
    x, selectors, values = call.tensor("self"), find_indices(call), call.tensor("values")
    shape, is_sum = call.shape(x), call.flag("accumulate")
    axes = indexed_axes(call, selectors)
    if any(is_mask(call, value) for _, value in selectors):
        mask = selectors[0][1]
        if len(selectors) == 1 and not is_sum and call.elements(values) == 1 and call.shape(mask):
            n = len(axes)
            wide = (1,) * axes[0] + call.shape(mask) + (1,) * (len(shape) - n - axes[0])
            mask = cast(call, emit_reshape(call, mask, wide, "mask"), DType.BOOL, "bool")
            value = cast(call, emit_reshape(call, values, (), "value"), call.type(x).dtype, "cast")
            call.emit("Where", [mask, value, x])
            return
        inputs = [x, values, *(value for _, value in selectors)]
        attributes = {"accumulate": int(is_sum)}
        emit_own(call, "index_put", *inputs, attributes=attributes)
        return
    places = broadcast(*[call.shape(value) for _, value in selectors])
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    is_adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    first = axes[0] if is_adjacent else 0
    order = [*axes, *rest]
    front = emit_transpose(call, x, order, "front")
    behind = tuple([shape[axis] for axis in rest])
    picked = (*behind[:first], *places, *behind[first:])
    updates = cast(call, emit_expand(call, values, picked, "values"), call.type(x).dtype, "cast")
    moved = [*range(first, first + len(places)), *range(first), *range(first + len(places), len(picked))]
    updates = emit_transpose(call, updates, moved, "updates")
    indices = _emit_index_vectors(call, selectors, places)
    is_done = order == sorted(order)
    reduction = {"reduction": "add" if is_sum else "none"}
    whole = call.emit("ScatterND", [front, indices, updates], reduction, suffix="" if is_done else "scattered")
    if not is_done:
        emit_transpose(call, whole, [order.index(axis) for axis in range(len(order))])


def _emit_index_vectors(call: CallSite, selectors: Sequence[tuple[int, str]], places: Sequence[Dim]) -> str:
    if len(selectors) > 1:
        return emit_places(call, selectors, places)
    index = cast(call, selectors[0][1], DType.INT64, "int64")
    return call.emit("Unsqueeze", [index, call.constant((len(places),), "axes")], suffix="places")


@translates("put")
def put(call: CallSite) -> None:
    """Elements of the flat tensor that indices name are written, or added to."""
    x = call.tensor("self")
    flat, index, source = [
        emit_reshape(call, value, (call.elements(value),), name)
        for value, name in ((x, "flat"), (call.tensor("index"), "indices"), (call.tensor("source"), "source"))
    ]
    attributes = {"axis": 0, "reduction": "add" if call.flag("accumulate") else "none"}
    whole = call.emit("ScatterElements", [flat, index, source], attributes, suffix="whole")
    emit_reshape(call, whole, call.shape(x))


@translates("slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter")
def write_view(call: CallSite) -> None:
    """A copy of a tensor with a source in place of a slice, or of other places; the source where that is all of it."""
    x, source = call.tensor("self"), call.tensor("src")
    operator = call.operator
    if operator == "slice_scatter" and call.get("step", 1) == 1:
        start, end = call.get("start", 0), call.get("end", END_OF_AXIS)
        extent = call.extent(x, call.axis("dim", x, 0))
        if (
            start == 0
            and not isinstance(end, Poly)
            and (end == END_OF_AXIS or (isinstance(extent, int) and end >= extent))
        ):
            emit_expand(call, cast(call, source, call.type(x).dtype, "cast"), call.shape(x))
            return
    emit_own(call, operator, x, source)
