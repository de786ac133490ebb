"""Snapshot to what every axis of every value counts: batch, channels or resolution (positions: height, width,
length).

The graph's inputs tell where it starts, the operators carry it on: a convolution's results are [N, C, …], a
product's last axis is channels, a Reshape merges and splits (which extents before stand in each axis after follows
from their products). What cannot be followed is guessed from the rank, as at an input. Of stored inputs, filters
and units are channels, a kernel is a kernel, and what belongs to an axis that the layer reads counts as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, divide, prod
from costcalc.core.traits import Layout
from costcalc.studies.diff.definition import filters_index, operator_traits, right_operand_index
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor


class AxisFactor(NamedTuple):
    """A part of an axis: what it counts (batch, channels, resolution, kernel, other), and how many."""

    role: str
    extent: Dim


Axis = tuple[AxisFactor, ...]
"""An axis is the product of its factors: a flattened 512 × 7 × 7 is channels times height times width."""

Axes = tuple[Axis, ...]


def extent(axis: Axis) -> Dim:
    """The product of its factors."""
    return prod([factor.extent for factor in axis])


def regroup(axes: Axes, shape: Sequence[Dim]) -> Axes | None:
    """The axes of a tensor that is reshaped to shape; None where its extents do not follow from one another. A factor
    may be cut in two (768 channels into 12 heads of 64)."""
    factors = [factor for axis in axes for factor in axis]
    factors.reverse()
    regrouped: list[Axis] = []
    for target in shape:
        axis: list[AxisFactor] = []
        product: Dim = 1
        while factors and (product != target or not axis):
            factor = factors[-1]
            if _divide_exactly(target, product * factor.extent) is not None:
                axis.append(factors.pop())
                product = product * factor.extent
                continue
            quotient = _divide_exactly(target, product)
            cofactor = None if quotient is None or quotient == 1 else _divide_exactly(factor.extent, quotient)
            if quotient is not None and cofactor is not None:
                axis.append(AxisFactor(factor.role, quotient))
                factors[-1] = AxisFactor(factor.role, cofactor)
                product = target
            break
        if product != target:
            return None
        regrouped.append(tuple(axis))
    if prod([factor.extent for factor in factors]) != 1:
        return None
    if factors and regrouped:
        regrouped[-1] += tuple(reversed(factors))
    return tuple(regrouped)


def _divide_exactly(a: Dim, b: Dim) -> Dim | None:
    """a / b where that is a whole number."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    return divide(a, b)


BATCH, CHANNELS, POSITIONS, KERNEL, OTHER = "batch", "channels", "resolution", "kernel", "other"

IMAGES = ("channels_first", "channels_last")

AxesOf = Mapping[str, Axes]


def find_axes(snapshot: Snapshot) -> AxesOf:
    """The axes of each value that is computed or fed, by its name."""
    readers = {t.name: layer for layer in reversed(snapshot.layers) for t in layer.inputs}
    axes_of = {t.name: guess_axes(t, layout_of(readers[t.name]) if t.name in readers else "") for t in snapshot.inputs}
    for layer in snapshot.layers:
        for tensor in layer.outputs:
            if tensor.shape is not None:
                axes_of[tensor.name] = result_axes(layer, tensor, axes_of)
    return axes_of


def layout_of(layer: SnapshotLayer) -> Layout:
    """The order of the axes that a layer takes its first input to have."""
    return operator_traits((layer.domain, layer.op_type)).layout_of(layer.attributes)


def guess_axes(tensor: SnapshotTensor, layout: Layout = "") -> Axes:
    """The axes of a tensor by its rank and by the layout that its reader asks for: [N, C, …] of images, [N, length, C],
    [N, C]; [N, length] of integers."""
    shape = tensor.shape or ()
    rank = len(shape)
    if layout == "length_first" and rank == 3:
        roles = [POSITIONS, BATCH, CHANNELS]
    elif rank > 3 or (rank == 3 and layout in IMAGES):
        roles = _image_roles(rank, layout)
    elif rank == 3:
        roles = [BATCH, POSITIONS, CHANNELS]
    else:
        roles = [BATCH, POSITIONS if tensor.dtype.startswith(("int", "uint")) else CHANNELS][:rank]
    return single_factor_axes(roles, shape)


def _image_roles(rank: int, layout: Layout) -> list[str]:
    """What the axes of [N, C, …], or of [N, …, C], count, the first of them where there are fewer than two."""
    positions = [POSITIONS] * (rank - 2)
    roles = [BATCH, *positions, CHANNELS] if layout == "channels_last" else [BATCH, CHANNELS, *positions]
    return roles[:rank]


def single_factor_axes(roles: Sequence[str], shape: Sequence[Dim]) -> Axes:
    """Axes of one factor each."""
    return tuple([(AxisFactor(role, e),) for role, e in zip(roles, shape, strict=True)])


def read_axes(tensor: SnapshotTensor, axes_of: AxesOf, layout: Layout = "") -> Axes:
    """The axes of a value that a layer reads."""
    axes = axes_of.get(tensor.name)
    return guess_axes(tensor, layout) if axes is None else axes


def result_axes(layer: SnapshotLayer, out: SnapshotTensor, axes_of: AxesOf) -> Axes:
    """The axes of a layer's result, from those of what it reads."""
    shape = out.shape or ()
    operator, layout = operator_traits((layer.domain, layer.op_type)), layout_of(layer)
    computed = [t for t in layer.inputs if t.shape is not None and not t.stored]
    if filters_index(operator) is not None or (layout in IMAGES and len(shape) > 2):
        first = read_axes(computed[0], axes_of, layout) if computed else ()
        default_axes = single_factor_axes(_image_roles(len(shape), layout), shape)
        return tuple([_match_axis(axis, first[i : i + 1]) for i, axis in enumerate(default_axes)])
    if layout == "length_first":
        return single_factor_axes(
            {4: [POSITIONS, OTHER, BATCH, CHANNELS], 3: [OTHER, BATCH, CHANNELS]}.get(
                len(shape), [CHANNELS] * len(shape)
            ),
            shape,
        )
    if not computed:  # a table of positions, cut to its length: what no input reaches has no batch
        table = len(shape) == 2 and out.dtype.startswith("float")
        return single_factor_axes([POSITIONS, CHANNELS], shape) if table else guess_axes(out)
    first = read_axes(computed[0], axes_of, layout)
    if right_operand_index(operator) is not None:
        return _product_axes(layer, computed, first, shape, axes_of)
    if operator.kind == "transpose":
        perm = layer.attributes.get("perm") or range(len(first))[::-1]
        return (
            tuple([first[i] for i in perm])
            if sorted(perm) == [*range(len(shape))] == [*range(len(first))]
            else guess_axes(out)
        )
    if operator.kind == "lookup" and layer.inputs[0].stored:
        return (*first, *single_factor_axes([CHANNELS] * (len(shape) - len(first)), shape[len(first) :]))[: len(shape)]
    if operator.view:
        return regroup(first, shape) or guess_axes(out)
    return (
        _broadcast_axes([read_axes(t, axes_of, layout) for t in computed], shape)
        or regroup(first, shape)
        or _reduced_axes(first, shape)
    )


def _match_axis(axis: Axis, candidates: Axes) -> Axis:
    return candidates[0] if candidates and extent(candidates[0]) == extent(axis) else axis


def _product_axes(
    layer: SnapshotLayer, computed: Sequence[SnapshotTensor], first: Axes, shape: Sequence[Dim], axes_of: AxesOf
) -> Axes:
    """[…, M, N]: rows from the left operand, columns from the right one (channels where it is a weight)."""
    if layer.attributes.get("transA"):
        first = first[::-1]
    second = read_axes(computed[1], axes_of) if len(computed) > 1 and layer.inputs[0] is computed[0] else ()
    rows = (*first[:-1], second[-1] if second else ())
    if len(rows) != len(shape):
        rows = ((),) * len(shape)
    row_axes = [_match_axis((AxisFactor(CHANNELS, e),), (axis,)) for axis, e in zip(rows[:-1], shape[:-1], strict=True)]
    return (*row_axes, *[_match_axis((AxisFactor(CHANNELS, e),), rows[-1:] if second else ()) for e in shape[-1:]])


def _broadcast_axes(sources: Sequence[Axes], shape: Sequence[Dim]) -> Axes | None:
    """The axes of a result that has its inputs' shape, broadcast from the right; an axis that none of them has keeps
    the first one's role."""
    rank = len(shape)
    if not any(len(source) == rank for source in sources):
        return None
    axes: list[Axis] = []
    for i, e in enumerate(shape):
        aligned = [source[i - rank + len(source)] for source in sources if i - rank + len(source) >= 0]
        equal_axes = [axis for axis in aligned if extent(axis) == e]
        axes.append(equal_axes[0] if equal_axes else (AxisFactor(axis_role(aligned[0]), e),))
    return tuple(axes)


def _reduced_axes(first: Axes, shape: Sequence[Dim]) -> Axes:
    """The axes that are left when some are summed over, or cut away."""
    axes: list[Axis] = []
    position = 0
    for e in shape:
        match = next((i for i in range(position, len(first)) if extent(first[i]) == e), None)
        axes.append(first[match] if match is not None else (AxisFactor(OTHER, e),))
        position = position if match is None else match + 1
    return tuple(axes)


def axis_role(axis: Axis) -> str:
    """What an axis counts as a whole; other where it is mixed."""
    roles = {factor.role for factor in axis}
    return roles.pop() if len(roles) == 1 else OTHER


def input_axes(layer: SnapshotLayer, position: int, axes_of: AxesOf) -> Axes:
    """The axes of a layer's input, stored or not."""
    tensor = layer.inputs[position]
    shape = tensor.shape or ()
    operator, layout = operator_traits((layer.domain, layer.op_type)), layout_of(layer)
    if position == filters_index(operator):
        kernel = operator.filter_shape(range(len(shape)))[2:]
        roles = [KERNEL if axis in kernel else CHANNELS for axis in range(len(shape))]
        return single_factor_axes(roles, shape)
    if not tensor.stored:
        return read_axes(tensor, axes_of, layout)
    first = _first_computed_input(layer)
    if first is None:  # a learned tensor by itself (a class token, a table of positions): its axes are the result's
        out = layer.outputs[0]
        output_axes = result_axes(layer, out, axes_of) if out.shape is not None else ()
        roles = [axis_role(axis) for axis in output_axes] if len(output_axes) == len(shape) else [OTHER] * len(shape)
        return single_factor_axes(roles, shape)
    x = read_axes(first, axes_of, layout)
    if position == right_operand_index(operator) and len(shape) > 1 and x:
        inner = x[0] if layer.attributes.get("transA") else x[-1]
        pair: tuple[Axis, Axis] = (inner, (AxisFactor(CHANNELS, shape[-1]),))
        if layer.attributes.get("transB"):
            pair = ((AxisFactor(CHANNELS, shape[-2]),), inner)
        return (*single_factor_axes([OTHER] * (len(shape) - 2), shape[:-2]), *pair)
    if operator.kind == "lookup":
        return single_factor_axes([OTHER, *[CHANNELS] * len(shape)][: len(shape)], shape)
    per_channel = operator.kind == "normalisation" and layout != "channels_last" and len(shape) == 1 and len(x) > 1
    if per_channel and extent(x[1]) == shape[0]:
        return (x[1],)
    out = layer.outputs[0]
    return _align_right(shape, result_axes(layer, out, axes_of) if out.shape is not None else x)


def _first_computed_input(layer: SnapshotLayer) -> SnapshotTensor | None:
    return next((t for t in layer.inputs if t.name and not t.stored), None)


def _align_right(shape: tuple[Dim, ...], axes: Axes) -> Axes:
    aligned: list[Axis] = []
    for i, e in enumerate(shape):
        position = i - len(shape) + len(axes)
        aligned.append(axes[position] if position >= 0 and extent(axes[position]) == e else (AxisFactor(CHANNELS, e),))
    return tuple(aligned)
