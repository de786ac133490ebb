"""A layer before and after → what changed in words: `filters 64 → 128, kernel 3×3 → 5×5`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.core.dim import Dim, Poly
from costcalc.core.ir import DTYPE_OF_CODE
from costcalc.core.units import format_count, format_shape
from costcalc.studies.diff.definition import (
    canonical_attributes,
    filters_index,
    keeps_size,
    operator_traits,
    units,
    windows,
)
from costcalc.studies.diff.diff import LayerChange
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor

LABELS = {
    "kernel_shape": "kernel",
    "strides": "stride",
    "dilations": "dilation",
    "pads": "pad",
    "auto_pad": "pad",
    "group": "groups",
    "num_heads": "heads",
    "q_num_heads": "heads",
    "kv_num_heads": "key heads",
}

ATTRIBUTE_DEFAULTS = {"strides": 1, "dilations": 1, "pads": 0}
"""What an attribute is along every axis where it is absent."""

NEUTRAL_ATTRIBUTES = (("groups", "1"), ("depthwise multiplier", "1"))
"""What need not be said of a layer that is new or gone."""

MAX_DIFFERENCES = 4
"""Differences that are told of one layer; the others are counted."""

Shape = tuple[Dim, ...]


def describe_change(change: LayerChange) -> str:
    """What is another in a layer: its own definition first, then what it reads. Of a layer that is only in one version,
    what it is and gives."""
    old, new = change.before, change.after
    if old is None or new is None:
        layer = new or old
        assert layer is not None
        own = [f"{label} {value}" for label, value in _main(layer) if (label, value) not in NEUTRAL_ATTRIBUTES]
        return ", ".join([*own, *_output_text(layer)])
    if change.status in ("same", "renamed"):
        return "" if change.status == "same" else f"was {old.name}"
    found = [*_itself(old, new), *_read(old, new)] or [*_stored(old, new), *_outputs(old, new)] or [*_rest(old, new)]
    more = f" and {len(found) - MAX_DIFFERENCES} more" if len(found) > MAX_DIFFERENCES + 1 else ""
    named = [] if old.name == new.name else [f"was {old.name}"]
    return ", ".join([*(found[:MAX_DIFFERENCES] if more else found), *named]) + more


def operator(change: LayerChange) -> str:
    """The layer's operator now, or the one that it had, with its domain unless that is ONNX's own."""
    layer = change.after or change.before
    assert layer is not None
    return layer.operator


def _main(layer: SnapshotLayer) -> Iterator[tuple[str, str]]:
    """Filters, kernel and groups of a convolution, units of a product."""
    operator = operator_traits((layer.domain, layer.op_type))
    at = filters_index(operator)
    if at is not None and at < len(layer.inputs) and len(layer.inputs[at].shape or ()) > 2:
        group = layer.attributes.get("group", 1)
        first, second, *kernel = layer.inputs[at].shape or ()
        channels, filters = (
            (first, second * group) if operator.kind == "transposed_convolution" else (second * group, first)
        )
        if group == channels and group != 1:
            yield "depthwise multiplier", format_count(filters // group)
        else:
            yield "filters", format_count(filters)
            yield "groups", format_count(group)
        yield "kernel", format_shape(tuple(kernel))
    elif at is None:
        for n in units(layer):
            yield "units", format_count(n)


def _itself(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """Differences of what each layer is by itself."""
    if old.operator != new.operator:
        yield f"operator {old.operator} → {new.operator}"
        yield from _between(dict(_main(old)), dict(_main(new)))
        return
    yield from _between(dict(_main(old)), dict(_main(new)))
    yield from _between(*_telling(old, new))
    bias = operator_traits((old.domain, old.op_type)).bias
    if bias is not None and sorted((len(old.inputs), len(new.inputs))) == [bias, bias + 1]:
        yield "with a bias" if len(new.inputs) > bias else "without its bias"
    elif len(old.inputs) != len(new.inputs):
        yield f"inputs {len(old.inputs)} → {len(new.inputs)}"
    types = [[t.dtype for t in layer.inputs if t.stored] for layer in (old, new)]
    if types[0] != types[1] and len(types[0]) == len(types[1]):
        yield from dict.fromkeys(f"weights {a} → {b}" for a, b in zip(*types, strict=True) if a != b)
    if old.count != new.count:
        yield f"runs {format_count(old.count)} → {format_count(new.count)}"


def _between(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for label in dict.fromkeys((*old, *new)):
        a, b = old.get(label), new.get(label)
        if a != b:
            yield f"{label} {b}" if a is None else f"without {label} {a}" if b is None else f"{label} {a} → {b}"


def _attributes(layer: SnapshotLayer) -> dict[str, str]:
    """Attributes that are no defaults, as they are written; those of windows with their defaults."""
    key = (layer.domain, layer.op_type)
    rank = len(layer.outputs[0].shape or ()) - 2 if layer.outputs else 0
    filtered = filters_index(operator_traits(key)) is not None
    windowed = filtered or "kernel_shape" in layer.attributes
    found: dict[str, str] = {}
    for name, neutral in ATTRIBUTE_DEFAULTS.items() if windowed else ():
        found[LABELS[name]] = _value(name, (neutral,) * max(rank, 1))
    for name, value in canonical_attributes(key, layer.attributes):
        if not (name in ("kernel_shape", "group") and filtered):
            found[LABELS.get(name, name)] = _value(name, value)
    return found


def _telling(old: SnapshotLayer, new: SnapshotLayer) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes of both without what only keeps up with another: padding that keeps the size with a kernel, heads
    of keys with those of queries."""
    found = _attributes(old), _attributes(new)
    silent = set()
    if all(each.get("key heads") == each.get("heads") for each in found):
        silent.add("key heads")
    if windows(old) != windows(new) and keeps_size(old) and keeps_size(new):
        silent.add("pad")
    plain = [{label: value for label, value in each.items() if label not in silent} for each in found]
    return plain[0], plain[1]


def _value(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value.lower().removesuffix("_upper") if name == "auto_pad" else value[:40]
    if name == "to" and isinstance(value, int) and value in DTYPE_OF_CODE:
        return str(DTYPE_OF_CODE[value])
    if isinstance(value, (list, tuple)):
        if name in ATTRIBUTE_DEFAULTS and len(set(value)) == 1:
            return str(value[0])
        joint = "×" if name in ("kernel_shape", "strides", "dilations") else ","
        listed = joint.join(str(v) for v in value[:8])
        return f"{listed}{joint}…" if len(value) > 8 else listed or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """Differences of what the layers read while the model runs."""
    pairs = [(a, b) for a, b in zip(old.inputs, new.inputs, strict=False) if not (a.stored or b.stored)]
    for i, (a, b) in enumerate(pairs, 1):
        label = "input" if len(pairs) == 1 else f"input {i}"
        yield from _tensors(label, a, b)


def _outputs(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    for a, b in zip(old.outputs, new.outputs, strict=False):
        yield from _tensors("output", a, b)


def _stored(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    for a, b in zip(old.inputs, new.inputs, strict=False):
        if a.stored and b.stored:
            yield from _tensors("weight", a, b)


def _rest(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """Why a layer costs otherwise that reads and is the same: of several layers that share a weight, or places that
    read one value, the first counts it."""
    if old.amounts["weight_bytes"] != new.amounts["weight_bytes"]:
        yield "a weight that it shares counts for another layer"
    a, b = (len({t.name for t in layer.inputs}) for layer in (old, new))
    if a != b:
        yield "reads one value twice" if b < a else "no longer reads one value twice"


def _tensors(label: str, a: SnapshotTensor, b: SnapshotTensor) -> Iterator[str]:
    if a.shape != b.shape:
        yield f"{label} {' → '.join(_shapes(a.shape, b.shape))}"
    if a.dtype != b.dtype and a.dtype and b.dtype:
        yield f"{label} {a.dtype} → {b.dtype}"


def _shapes(a: Shape | None, b: Shape | None) -> tuple[str, str]:
    """Both shapes, without a first extent that is one batch in both."""
    if a and b and len(a) == len(b) > 2 and a[0] == b[0] and (a[0] == 1 or isinstance(a[0], Poly)):
        a, b = a[1:], b[1:]
    return format_shape(a), format_shape(b)


def _output_text(layer: SnapshotLayer) -> Iterator[str]:
    if layer.outputs:
        shape = layer.outputs[0].shape
        yield f"output {format_shape(shape[1:] if shape and len(shape) > 2 and shape[0] == 1 else shape)}"
