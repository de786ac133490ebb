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

ATTRIBUTE_LABELS = {
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
"""An attribute's value along every axis where it is absent."""

DEFAULT_SIZES = (("groups", "1"), ("depthwise multiplier", "1"))
"""Sizes that are left out of the description of an added or removed layer."""

MAX_DIFFERENCES = 4
"""Differences that are described of one layer; the others are counted."""

Shape = tuple[Dim, ...]


def describe_change(change: LayerChange) -> str:
    """A changed layer → its differences in words: its definition first, then its inputs. Of a layer in one version
    only, its sizes and its output."""
    old, new = change.before, change.after
    if old is None or new is None:
        layer = new or old
        assert layer is not None
        sizes = [f"{label} {value}" for label, value in _sizes(layer) if (label, value) not in DEFAULT_SIZES]
        return ", ".join([*sizes, *_output_text(layer)])
    if change.status in ("same", "renamed"):
        return "" if change.status == "same" else f"was {old.name}"
    differences = [*_definition_differences(old, new), *_input_differences(old, new)]
    differences = differences or [*_weight_differences(old, new), *_output_differences(old, new)]
    differences = differences or [*_sharing_differences(old, new)]
    more = f" and {len(differences) - MAX_DIFFERENCES} more" if len(differences) > MAX_DIFFERENCES + 1 else ""
    renaming = [] if old.name == new.name else [f"was {old.name}"]
    return ", ".join([*(differences[:MAX_DIFFERENCES] if more else differences), *renaming]) + more


def operator_text(change: LayerChange) -> str:
    """The layer's operator now, or the one that it had, with its domain unless that is ONNX's own."""
    layer = change.after or change.before
    assert layer is not None
    return layer.operator


def _sizes(layer: SnapshotLayer) -> Iterator[tuple[str, str]]:
    """A layer → (label, text) of filters, kernel and groups of a convolution, of units of a product."""
    traits = operator_traits((layer.domain, layer.op_type))
    index = filters_index(traits)
    if index is not None and index < len(layer.inputs) and len(layer.inputs[index].shape or ()) > 2:
        group = layer.attributes.get("group", 1)
        first, second, *kernel = traits.filter_shape(layer.inputs[index].shape or ())
        channels, filters = (
            (first, second * group) if traits.kind == "transposed_convolution" else (second * group, first)
        )
        if group == channels and group != 1:
            yield "depthwise multiplier", format_count(filters // group)
        else:
            yield "filters", format_count(filters)
            yield "groups", format_count(group)
        yield "kernel", format_shape(tuple(kernel))
    elif index is None:
        for n in units(layer):
            yield "units", format_count(n)


def _definition_differences(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """A layer before and after → differences of its definition: operator, sizes, attributes, inputs, runs."""
    if old.operator != new.operator:
        yield f"operator {old.operator} → {new.operator}"
        yield from _label_differences(dict(_sizes(old)), dict(_sizes(new)))
        return
    yield from _label_differences(dict(_sizes(old)), dict(_sizes(new)))
    yield from _label_differences(*_independent_attributes(old, new))
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


def _label_differences(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for label in dict.fromkeys((*old, *new)):
        a, b = old.get(label), new.get(label)
        if a != b:
            yield f"{label} {b}" if a is None else f"without {label} {a}" if b is None else f"{label} {a} → {b}"


def _attribute_texts(layer: SnapshotLayer) -> dict[str, str]:
    """A layer → the texts of its attributes that are no defaults, by label; those of windows with their defaults."""
    key = (layer.domain, layer.op_type)
    rank = len(layer.outputs[0].shape or ()) - 2 if layer.outputs else 0
    filtered = filters_index(operator_traits(key)) is not None
    windowed = filtered or "kernel_shape" in layer.attributes
    texts: dict[str, str] = {}
    for name, neutral in ATTRIBUTE_DEFAULTS.items() if windowed else ():
        texts[ATTRIBUTE_LABELS[name]] = _attribute_text(name, (neutral,) * max(rank, 1))
    for name, value in canonical_attributes(key, layer.attributes):
        if not (name in ("kernel_shape", "group") and filtered):
            texts[ATTRIBUTE_LABELS.get(name, name)] = _attribute_text(name, value)
    return texts


def _independent_attributes(old: SnapshotLayer, new: SnapshotLayer) -> tuple[dict[str, str], dict[str, str]]:
    """A layer before and after → the attributes of both, without those that follow from another: padding that keeps the
    size from a kernel, heads of keys from those of queries."""
    attributes = _attribute_texts(old), _attribute_texts(new)
    implied = set()
    if all(texts.get("key heads") == texts.get("heads") for texts in attributes):
        implied.add("key heads")
    if windows(old) != windows(new) and keeps_size(old) and keeps_size(new):
        implied.add("pad")
    reduced = [{label: value for label, value in texts.items() if label not in implied} for texts in attributes]
    return reduced[0], reduced[1]


def _attribute_text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value.lower().removesuffix("_upper") if name == "auto_pad" else value[:40]
    if name == "to" and isinstance(value, int) and value in DTYPE_OF_CODE:
        return str(DTYPE_OF_CODE[value])
    if isinstance(value, (list, tuple)):
        if name in ATTRIBUTE_DEFAULTS and len(set(value)) == 1:
            return str(value[0])
        separator = "×" if name in ("kernel_shape", "strides", "dilations") else ","
        text = separator.join(str(v) for v in value[:8])
        return f"{text}{separator}…" if len(value) > 8 else text or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _input_differences(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """A layer before and after → differences of its inputs that are not stored."""
    pairs = [(a, b) for a, b in zip(old.inputs, new.inputs, strict=False) if not (a.stored or b.stored)]
    for i, (a, b) in enumerate(pairs, 1):
        label = "input" if len(pairs) == 1 else f"input {i}"
        yield from _tensor_differences(label, a, b)


def _output_differences(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    for a, b in zip(old.outputs, new.outputs, strict=False):
        yield from _tensor_differences("output", a, b)


def _weight_differences(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    for a, b in zip(old.inputs, new.inputs, strict=False):
        if a.stored and b.stored:
            yield from _tensor_differences("weight", a, b)


def _sharing_differences(old: SnapshotLayer, new: SnapshotLayer) -> Iterator[str]:
    """A layer before and after → why its cost differs where its definition and inputs do not: of several layers that
    share a weight, or inputs that are one value, the first counts it."""
    if old.amounts["weight_bytes"] != new.amounts["weight_bytes"]:
        yield "a weight that it shares counts for another layer"
    a, b = (len({t.name for t in layer.inputs}) for layer in (old, new))
    if a != b:
        yield "reads one value twice" if b < a else "no longer reads one value twice"


def _tensor_differences(label: str, a: SnapshotTensor, b: SnapshotTensor) -> Iterator[str]:
    if a.shape != b.shape:
        yield f"{label} {' → '.join(_shape_texts(a.shape, b.shape))}"
    if a.dtype != b.dtype and a.dtype and b.dtype:
        yield f"{label} {a.dtype} → {b.dtype}"


def _shape_texts(a: Shape | None, b: Shape | None) -> tuple[str, str]:
    """Both shapes, without a first extent that is one batch in both."""
    if a and b and len(a) == len(b) > 2 and a[0] == b[0] and (a[0] == 1 or isinstance(a[0], Poly)):
        a, b = a[1:], b[1:]
    return format_shape(a), format_shape(b)


def _output_text(layer: SnapshotLayer) -> Iterator[str]:
    if layer.outputs:
        shape = layer.outputs[0].shape
        yield f"output {format_shape(shape[1:] if shape and len(shape) > 2 and shape[0] == 1 else shape)}"
