"""Layer → its own definition: what it is by itself, without what merely follows from what it reads."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from costcalc import ops
from costcalc.core import registry
from costcalc.core.dim import Dim, Poly
from costcalc.core.traits import TRAITS, UNKNOWN_TRAITS, Key, Traits
from costcalc.graph.patterns.convolution import reads_one_channel
from costcalc.ops.plugins import load_installed_rules
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor

CONVOLUTION_KINDS = {
    "convolution": "Conv",
    "deformable_convolution": "Conv",
    "transposed_convolution": "ConvTranspose",
}
"""Kind of an operator whose weights are filters -> the operator that stands for all of this kind."""


NEUTRAL = frozenset(
    [
        ("auto_pad", "NOTSET"),
        ("direction", "forward"),
        ("input_forget", 0),
        ("storage_order", 0),
        ("layout", 0),
        ("allowzero", 0),
    ]
    + [("allowzero", 1), ("stash_type", 1)]
)
"""Attributes with values that say no more than their absence; allowzero matters to no shape without a 0."""


class Definition(NamedTuple):
    """A layer by itself. shape_free is its operator and attributes (kernel, stride, groups), width the extents that it
    chooses (filters, units, a table's size)."""

    shape_free: tuple[Any, ...]
    width: tuple[Dim, ...]


def operator_traits(key: Key) -> Traits:
    """The traits of an operator; of one that no graph of this process has had (a lock file's) its rules are loaded,
    those of installed packages too."""
    if key not in TRAITS:
        ops.load_families()
        if registry.rule_state(*key) == "unknown":
            load_installed_rules()
    return TRAITS.get(key, UNKNOWN_TRAITS)


def operator_kind(key: Key) -> Key:
    """An operator -> what stands for all that compute the same in any format: MatMul for products, Conv and
    ConvTranspose for convolutions, ONNX's counterpart of others; else the operator itself."""
    operator = operator_traits(key)
    if right_operand_index(operator) is not None:
        return "", "MatMul"
    if operator.kind in CONVOLUTION_KINDS:
        return "", CONVOLUTION_KINDS[operator.kind]
    return ("", operator.counterpart) if operator.counterpart else key


def filters_index(operator: Traits) -> int | None:
    """Where filters [C_out, C_in/group, *kernel] (transposed [C_in, C_out/group, *kernel]) stand among the inputs."""
    return operator.factors[1] if operator.kind in CONVOLUTION_KINDS else None


def right_operand_index(operator: Traits) -> int | None:
    """Where the right operand [K, N] of a product stands; N is the layer's own where it is a weight. None where it is
    stored in another form."""
    return operator.factors[1] if operator.kind == "product" and operator.packed is None else None


def define_layer(layer: SnapshotLayer) -> Definition:
    """What the layer is by itself. A depthwise convolution's groups and filters follow its channels; so does C_in/group
    of any convolution, K of a product, and every weight of a normalisation."""
    key = (layer.domain, layer.op_type)
    operator = operator_traits(key)
    attributes = canonical_attributes(key, layer.attributes)
    filters_position = filters_index(operator)
    if filters_position is not None:
        transposed = operator.kind == "transposed_convolution"
        shape = operator.filter_shape(_shape_at(layer.inputs, filters_position))
        if len(shape) > 2:
            group = layer.attributes.get("group", 1)
            first, second, *kernel = shape
            filters = second * group if transposed else first
            depthwise = first == group if transposed else reads_one_channel(shape, group)
            if group != 1 and depthwise:
                width, groups = filters // group if isinstance(group, int) else filters, "depthwise"
            else:
                width, groups = filters, group
            other_attributes = tuple([item for item in attributes if item[0] not in ("group", "kernel_shape")])
            return Definition((*key, groups, tuple(kernel), *other_attributes), (width,))
    if right_operand_index(operator) is not None:
        return Definition((*key, *attributes), units(layer))
    if operator.kind == "lookup" and layer.inputs and layer.inputs[0].stored:
        return Definition((*key, *attributes), layer.inputs[0].shape or ())
    return Definition((*key, *attributes), ())


def units(layer: SnapshotLayer) -> tuple[Dim, ...]:
    """(N,) of a product with a stored right operand; () of any other layer."""
    operand_position = right_operand_index(operator_traits((layer.domain, layer.op_type)))
    if operand_position is None:
        return ()
    shape = _shape_at(layer.inputs, operand_position)
    if (
        not layer.inputs[operand_position : operand_position + 1]
        or not layer.inputs[operand_position].stored
        or len(shape) < 2
    ):
        return ()
    return (shape[-2] if layer.attributes.get("transB") else shape[-1],)


def windows(layer: SnapshotLayer) -> tuple[Dim, ...]:
    """What a filter or a pool spans along each axis, its dilation counted; () where a layer has none."""
    operator = operator_traits((layer.domain, layer.op_type))
    filters_position = filters_index(operator)
    kernel = (
        layer.attributes.get("kernel_shape", ())
        if filters_position is None
        else operator.filter_shape(_shape_at(layer.inputs, filters_position))[2:]
    )
    dilations = layer.attributes.get("dilations") or (1,) * len(kernel)
    return tuple([(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=False)])


def keeps_size(layer: SnapshotLayer) -> bool:
    """Whether a window is padded so that with a stride of 1 the size stays."""
    spans, pads = windows(layer), layer.attributes.get("pads") or ()
    pads = pads or (0,) * 2 * len(spans)
    if str(layer.attributes.get("auto_pad", "")).startswith("SAME"):
        return bool(spans)
    return bool(spans) and all(s - 1 == a + b for s, a, b in zip(spans, pads, pads[len(spans) :], strict=False))


def _shape_at(inputs: tuple[SnapshotTensor, ...], position: int) -> tuple[Dim, ...]:
    return (inputs[position].shape or ()) if position < len(inputs) else ()


def canonical_attributes(key: tuple[str, str], attributes: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Attributes that can be compared: sorted, without those that have their defaults (whether a file writes a default
    down is no difference), numbers as the float32 that ONNX stores."""
    if not attributes:
        return ()
    derived = operator_traits(key).derived
    items = []
    for name, value in sorted(attributes.items()):
        value = _normalise_value(value)
        if name not in derived and not _is_neutral(name, value) and _default_attributes(key).get(name, ...) != value:
            items.append((name, value))
    return tuple(items)


def _is_neutral(name: str, value: Any) -> bool:
    """Whether an attribute says what its absence says; None stands for these defaults in the rules."""
    if isinstance(value, tuple):
        neutral_value = {"strides": 1, "dilations": 1, "pads": 0}.get(name)
        return neutral_value is not None and all(v == neutral_value for v in value)
    return (name, value) in NEUTRAL


@lru_cache(maxsize=4096)
def _default_attributes(key: tuple[str, str]) -> Mapping[str, Any]:
    """ONNX's defaults, as the operator's rules have them."""
    if key not in registry.SHAPE_RULES and key not in registry.COST_RULES:
        ops.load_families()
    defaults: dict[str, Any] = {}
    for rules in (registry.COST_RULES, registry.SHAPE_RULES):
        rule = rules.get(key)
        defaults |= (rule and rule.function.__kwdefaults__) or {}
    return defaults


def _normalise_value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple([_normalise_value(v) for v in value])
    if isinstance(value, float):
        return _float32(value)
    return value


def _float32(value: float) -> float:
    """The nearest float32; the number itself where that overflows."""
    if abs(value) > 3e38 or value != value:
        return value
    return float(struct.unpack("f", struct.pack("f", value))[0])


def has_macs(layer: SnapshotLayer) -> bool:
    """Whether a layer multiplies and accumulates, or might (it is not known)."""
    macs = layer.amounts["macs"]
    return isinstance(macs, Poly) or macs != 0
