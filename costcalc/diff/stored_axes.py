"""A layer's stored inputs → what their axes count: filters and units are channels, a kernel is a kernel, and what
belongs to an axis that the layer reads counts as that."""

from __future__ import annotations

from costcalc.diff.axes import CHANNELS, KERNEL, OTHER, AxesOf, layout_of, read, result, role_of, single
from costcalc.diff.definition import filters_at, operator_traits, right_operand_at
from costcalc.diff.regroup import Axes, Axis, Factor, extent
from costcalc.dim import Dim
from costcalc.snapshot import Layer, Tensor


def input_axes(layer: Layer, position: int, known: AxesOf) -> Axes:
    """The axes of a layer's input, stored or not."""
    tensor = layer.inputs[position]
    shape = tensor.shape or ()
    operator, layout = operator_traits((layer.domain, layer.op_type)), layout_of(layer)
    if position == filters_at(operator):
        return single([CHANNELS, CHANNELS, *[KERNEL] * len(shape)][: len(shape)], shape)
    if not tensor.stored:
        return read(tensor, known, layout)
    first = _first(layer)
    if first is None:  # a learned tensor by itself (a class token, a table of positions): its axes are the result's
        out = layer.outputs[0]
        found = result(layer, out, known) if out.shape is not None else ()
        roles = [role_of(axis) for axis in found] if len(found) == len(shape) else [OTHER] * len(shape)
        return single(roles, shape)
    x = read(first, known, layout)
    if position == right_operand_at(operator) and len(shape) > 1 and x:
        inner = x[0] if layer.attributes.get("transA") else x[-1]
        pair: tuple[Axis, Axis] = (inner, (Factor(CHANNELS, shape[-1]),))
        if layer.attributes.get("transB"):
            pair = ((Factor(CHANNELS, shape[-2]),), inner)
        return (*single([OTHER] * (len(shape) - 2), shape[:-2]), *pair)
    if operator.kind == "lookup":
        return single([OTHER, *[CHANNELS] * len(shape)][: len(shape)], shape)
    per_channel = operator.kind == "normalisation" and layout != "channels_last" and len(shape) == 1 and len(x) > 1
    if per_channel and extent(x[1]) == shape[0]:
        return (x[1],)
    out = layer.outputs[0]
    return _right_aligned(shape, result(layer, out, known) if out.shape is not None else x)


def _first(layer: Layer) -> Tensor | None:
    return next((t for t in layer.inputs if t.name and not t.stored), None)


def _right_aligned(shape: tuple[Dim, ...], axes: Axes) -> Axes:
    found: list[Axis] = []
    for i, e in enumerate(shape):
        at = i - len(shape) + len(axes)
        found.append(axes[at] if at >= 0 and extent(axes[at]) == e else (Factor(CHANNELS, e),))
    return tuple(found)
