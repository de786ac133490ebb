"""A layer before and after → the layer in between, with the extents of some causes new and all others old, and what it
costs by the operators' own rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from costcalc import ops
from costcalc.analysis.cost import cost_graph
from costcalc.analysis.layers import LayerFigures, make_layers
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import DTYPES, UNKNOWN, DType, Graph, Node, TensorType
from costcalc.graph.patterns.convolution import reads_one_channel
from costcalc.studies.diff.axes import (
    CHANNELS,
    OTHER,
    Axes,
    AxesOf,
    Axis,
    axis_role,
    extent,
    input_axes,
    read_axes,
    result_axes,
    single_factor_axes,
)
from costcalc.studies.diff.definition import filters_index, operator_traits
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor

NEWEST = 99
"""The opset whose rules are asked; a snapshot does not keep its own."""

COSTLESS = frozenset(("strides", "pads", "dilations", "auto_pad", "ceil_mode", "output_padding", "output_shape"))
"""Attributes that tell in nothing but the extents of the result."""

HEADS = frozenset(("num_heads", "q_num_heads", "kv_num_heads"))
"""Attributes that count the heads of an attention."""


class Slot(NamedTuple):
    """A value that a layer reads or gives, in both versions, with what each of its axes is made of."""

    before: SnapshotTensor
    after: SnapshotTensor
    axes: tuple[tuple[Axis, Axis], ...]

    def shape(self, new: Collection[str]) -> tuple[Dim, ...]:
        """Its shape with the extents of some causes new."""
        return tuple(
            [prod([now if role in new else old for role, old, now in _pair_factors(*pair)]) for pair in self.axes]
        )

    def causes(self) -> set[str]:
        """What its shape changed by."""
        return {role for pair in self.axes for role, old, now in _pair_factors(*pair) if old != now}


def _pair_factors(old: Axis, now: Axis) -> list[tuple[str, Dim, Dim]]:
    """(cause, old extent, new extent) of each factor of an axis: 512 × 7 × 7 features that become 512 × 8 × 8 are more
    positions, not more channels. An axis that is made of other factors now is one: features are channels wherever they
    come from."""
    for one, other in ((old, now), (_drop_unit_factors(old), _drop_unit_factors(now))):
        if [factor.role for factor in one] == [factor.role for factor in other]:
            return [(x.role, x.extent, y.extent) for x, y in zip(one, other, strict=True)]
    roles = [{factor.role for factor in _drop_unit_factors(axis)} for axis in (old, now)]
    role = CHANNELS if {CHANNELS} in roles else axis_role(old)
    return [(role if role == CHANNELS or role == axis_role(now) else OTHER, extent(old), extent(now))]


def _drop_unit_factors(axis: Axis) -> Axis:
    """An axis without its factors of one: 512 × 1 × 1 is 512."""
    return tuple([factor for factor in axis if factor.extent != 1])


class LayerPair(NamedTuple):
    """A layer in both versions, its values side by side."""

    before: SnapshotLayer
    after: SnapshotLayer
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]


def pair_layers(before: SnapshotLayer, after: SnapshotLayer, old: AxesOf, new: AxesOf) -> LayerPair | None:
    """A layer before and after, its values side by side; None where a value has another rank now. A value that only the
    old one has stays as it is, one that only the new one has is left out."""
    inputs = [
        _make_slot(x, y, input_axes(before, i, old), input_axes(after, i, new))
        for i, (x, y) in enumerate(zip(before.inputs, after.inputs, strict=False))
    ]
    outputs = [
        _make_slot(x, y, _tensor_axes(before, x, old), _tensor_axes(after, y, new))
        for x, y in zip(before.outputs, after.outputs, strict=False)
    ]
    old_inputs = [_make_slot(x, x, axes, axes) for x in before.inputs[len(inputs) :] for axes in (single_axes(x),)]
    old_outputs = [_make_slot(x, x, axes, axes) for x in before.outputs[len(outputs) :] for axes in (single_axes(x),)]
    slots = ([*inputs, *old_inputs], [*outputs, *old_outputs])
    if None in slots[0] or None in slots[1]:
        return None
    return LayerPair(before, after, tuple(filter(None, slots[0])), tuple(filter(None, slots[1])))


def single_axes(tensor: SnapshotTensor) -> Axes:
    """Axes that take no part in any cause."""
    return single_factor_axes(["other"] * len(tensor.shape or ()), tensor.shape or ())


def _make_slot(x: SnapshotTensor, y: SnapshotTensor, a: Axes, b: Axes) -> Slot | None:
    is_comparable = len(a) == len(b) and (x.shape is None) == (y.shape is None) and bool(x.name) == bool(y.name)
    if not is_comparable or [extent(axis) for axis in (*a, *b)] != [*(x.shape or ()), *(y.shape or ())]:
        return None
    return Slot(x, y, tuple(zip(a, b, strict=True)))


def _tensor_axes(layer: SnapshotLayer, tensor: SnapshotTensor, axes_of: AxesOf) -> Axes:
    return read_axes(tensor, axes_of) if tensor.name in axes_of else result_axes(layer, tensor, axes_of)


def is_depthwise(layer: SnapshotLayer) -> bool:
    """Whether a convolution's groups are its channels, so that they follow them."""
    position = _grouped_filters_at(layer)
    weight = layer.inputs[position].shape if position is not None else None
    if weight is None:
        return False
    filters = operator_traits((layer.domain, layer.op_type)).filter_shape(weight)
    return reads_one_channel(filters, layer.attributes.get("group", 1))


def _grouped_filters_at(layer: SnapshotLayer) -> int | None:
    """Where filters stand whose second extent is C_in/group."""
    operator = operator_traits((layer.domain, layer.op_type))
    return None if operator.kind == "transposed_convolution" else filters_index(operator)


def cost_intermediate(layer_pair: LayerPair, new: Collection[str]) -> LayerFigures | None:
    """The figures of the layer in between; None where the rules refuse it."""
    layer = layer_pair.before
    types: dict[str, TensorType] = {}
    for slot in (*layer_pair.inputs, *layer_pair.outputs):
        if slot.before.name:
            types[slot.before.name] = _slot_type(slot, new)
    _set_group_channels(layer_pair, new, types)
    names = [[slot.before.name for slot in slots] for slots in (layer_pair.inputs, layer_pair.outputs)]
    node = Node(
        layer.name,
        layer.op_type,
        tuple(names[0]),
        tuple(names[1]),
        _intermediate_attributes(layer_pair, new),
        layer.domain,
        count=layer.count,
    )
    stored = {t.name: types[t.name] for t in layer.inputs if t.stored}
    inputs = tuple([t.name for t in layer.inputs if t.name and not t.stored])
    graph = Graph(layer.name, "", inputs, node.outputs, stored, (node,), types, {layer.domain: NEWEST})
    ops.load_families()
    try:
        return make_layers(cost_graph(graph))[0].figures
    except CostcalcError:
        return None  # the layer in between need not be a valid one: no figure is the answer


def _slot_type(slot: Slot, new: Collection[str]) -> TensorType:
    tensor = slot.before
    if tensor.shape is None:
        return UNKNOWN
    return TensorType(DTYPES.get(tensor.dtype, DType.UNDEFINED), slot.shape(new))


def _intermediate_attributes(layer_pair: LayerPair, new: Collection[str]) -> Mapping[str, Any]:
    attributes = dict(layer_pair.before.attributes)
    for name, cause in {
        "kernel_shape": "kernel",
        "group": _group_cause(layer_pair),
        **dict.fromkeys(HEADS, "heads"),
    }.items():
        if cause in new:
            attributes.pop(name, None)
            if name in layer_pair.after.attributes:
                attributes[name] = layer_pair.after.attributes[name]
    return attributes


def _group_cause(layer_pair: LayerPair) -> str:
    return "channels" if is_depthwise(layer_pair.before) and is_depthwise(layer_pair.after) else "groups"


def _set_group_channels(layer_pair: LayerPair, new: Collection[str], types: dict[str, TensorType]) -> None:
    """A convolution's C_in/group changes by two causes: with the channels, and where its groups changed with those."""
    filters_position = _grouped_filters_at(layer_pair.before)
    old_group, new_group = (layer.attributes.get("group", 1) for layer in (layer_pair.before, layer_pair.after))
    if filters_position is None or old_group == new_group or _group_cause(layer_pair) != "groups":
        return
    name = layer_pair.inputs[filters_position].before.name
    shape = list(types[name].shape or ())
    channels = (types[layer_pair.inputs[0].before.name].shape or (0, 0))[1]
    if len(shape) < 2:
        return
    if "groups" in new:
        shape[1] = (layer_pair.after.inputs[filters_position].shape or shape)[1]
    elif isinstance(channels, int) and channels % old_group == 0:
        shape[1] = channels // old_group
    else:
        shape[1] = (layer_pair.before.inputs[filters_position].shape or shape)[1]
    types[name] = types[name]._replace(shape=tuple(shape))
