"""Layers of a model → the lines of a lock file. A definition that several layers have is written once; a layer is then
its name, the key of its definition, what it reads, and names of tensors; and a run of layers that repeats is written
once.

A definition is a layer without its name, in which null stands for what an earlier layer or the graph gives, and for a
tensor's name that is not made of the layer's. Its key is its operator and the beginning of its hash, so that it stays
when others come or go, and branches that add layers merge. A layer reads `-1`, the first output of the layer before it,
`[-3, 1]`, the second output of the third before it, or a name; `[-1]` alone is left out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.analysis.repeats import Repeat, find_repeats
from costcalc.core.amount import json_amount
from costcalc.core.sanitize import escape_controls
from costcalc.studies.check.lock_repeats import LEAST_SAVED, make_template, skeleton
from costcalc.studies.diff.snapshot import SnapshotLayer, SnapshotTensor

MAX_SPAN = 200
"""Layers between a value and its last reader; one that is read from farther away is read by its name."""

MAX_READERS = 5
"""Readers of a value that is read by its distance: a mask that every block reads is read by its name."""

KEY_DIGITS = 6
"""Hexadecimal digits of a definition's hash in its key, more where two would be equal."""

Giver = tuple[int, int]
"""Which output of which layer a value is; the layer is -1 for an input of the graph."""

Read = int | tuple[int, int] | str
"""What a layer reads: the first output of so many layers before it (negative), another output, a name."""


class LayerLine(NamedTuple):
    """A layer without its definition: its name, what it reads, names of tensors that are not made of its own."""

    name: str
    reads: tuple[Read, ...]
    names: tuple[str, ...]

    def texts(self) -> tuple[str, ...]:
        """All that may hold the number of a round."""
        return (self.name, *(read for read in self.reads if isinstance(read, str)), *self.names)

    def with_texts(self, texts: Sequence[str]) -> LayerLine:
        """The same with other texts, in the order of `texts()`."""
        rest = iter(texts[1:])
        reads = tuple([next(rest) if isinstance(read, str) else read for read in self.reads])
        return LayerLine(texts[0], reads, tuple(rest))


def layer_lines(layers: Sequence[SnapshotLayer], inputs: Sequence[SnapshotTensor]) -> tuple[list[str], list[str]]:
    """Layers and the graph's inputs → (an item for each definition that is written once for several layers, an item for
    each layer or run of layers), without commas."""
    givers = _find_givers(layers, inputs)
    defined = [_define_layer(layer, row) for layer, row in zip(layers, givers, strict=True)]
    definitions = [definition for definition, _ in defined]
    lines = [
        LayerLine(layer.name, reads, names)
        for layer, reads, (_, names) in zip(layers, _make_reads(layers, givers), defined, strict=True)
    ]
    tokens = [
        (definition, _read_skeleton(line), *map(skeleton, line.texts()))
        for definition, line in zip(definitions, lines, strict=True)
    ]
    parts = _fill_gaps(find_repeats(tokens, LEAST_SAVED), len(layers))
    uses = Counter(definitions[i] for part in parts for i in range(part.start, part.start + part.period))
    uses.update(definitions[i] for part in parts if part.times > 1 for i in range(part.start, part.start + part.period))
    keys = _make_keys({d: layer.op_type for d, layer in zip(definitions, layers, strict=True) if uses[d] > 1})
    items = []
    for part in parts:
        i = part.start
        if part.times > 1:
            items.append(_format_repeat(part, lines, [keys[definitions[i + j]] for j in range(part.period)]))
        elif definitions[i] in keys:
            items.append(_format_line(lines[i], keys[definitions[i]]))
        else:
            items.append(to_json(layer_to_lock(layers[i], [giver is not None for giver in givers[i]])))
    return [f"{to_json(key)}: {d}" for d, key in sorted(keys.items(), key=lambda item: item[1])], items


def _fill_gaps(repeats: Sequence[Repeat], count: int) -> list[Repeat]:
    """The runs, and each layer between them as a run of its own."""
    parts: list[Repeat] = []
    for repeat in (*repeats, Repeat(count, 0, 0)):
        end = parts[-1].start + parts[-1].period * parts[-1].times if parts else 0
        parts += [Repeat(i, 1, 1) for i in range(end, repeat.start)]
        parts += [repeat] if repeat.times else []
    return parts


def _find_givers(layers: Sequence[SnapshotLayer], inputs: Sequence[SnapshotTensor]) -> list[tuple[Giver | None, ...]]:
    """For each input of each layer what gives it; None of what is stored, absent, or given by nothing before it."""
    given = {t.name: (t, (-1, i)) for i, t in enumerate(inputs)}
    givers = []
    for i, layer in enumerate(layers):
        found = [given.get(t.name) if t.name else None for t in layer.inputs]
        givers.append(
            tuple([f[1] if f is not None and f[0] == t else None for f, t in zip(found, layer.inputs, strict=True)])
        )
        given.update((t.name, (t, (i, j))) for j, t in enumerate(layer.outputs))
    return givers


def _make_reads(
    layers: Sequence[SnapshotLayer], givers: Sequence[Sequence[Giver | None]]
) -> Iterator[tuple[Read, ...]]:
    """For each layer what it reads of what is given."""
    readers = Counter(giver for row in givers for giver in row if giver is not None)
    last = {giver: i for i, row in enumerate(givers) for giver in row if giver is not None}

    def read(i: int, t: SnapshotTensor, giver: Giver) -> Read:
        source, output = giver
        if source < 0 or readers[giver] > MAX_READERS or last[giver] - source > MAX_SPAN:
            return t.name
        return (source - i, output) if output else source - i

    for i, (layer, row) in enumerate(zip(layers, givers, strict=True)):
        yield tuple([read(i, t, giver) for t, giver in zip(layer.inputs, row, strict=True) if giver is not None])


def _read_skeleton(line: LayerLine) -> tuple[int | tuple[int, int] | None, ...]:
    """What a layer reads, without the names."""
    return tuple([None if isinstance(read, str) else read for read in line.reads])


def _define_layer(layer: SnapshotLayer, givers: Sequence[Giver | None]) -> tuple[str, tuple[str, ...]]:
    """A layer → (its definition as JSON, the names of tensors that it leaves open)."""
    names: list[str] = []

    def tensor(t: SnapshotTensor) -> list[Any]:
        name, *rest = tensor_to_lock(t, layer.name)
        if name.startswith("~"):
            return [name, *rest]
        names.append(t.name)
        return [None, *rest]

    inputs = [
        None if giver is not None else "" if not t.name else tensor(t) if t.stored else {"computed": tensor(t)}
        for t, giver in zip(layer.inputs, givers, strict=True)
    ]
    outputs = [{"known": tensor(t)} if t.stored else tensor(t) for t in layer.outputs]
    return to_json(_layer_fields(layer, inputs, outputs)), tuple(names)


def _make_keys(operators: Mapping[str, str]) -> dict[str, str]:
    """Definitions with their operators → their keys, none of two equal: `Conv-3f2a19`."""
    import hashlib  # here, for it takes milliseconds, and a check writes no lock

    keys: dict[str, str] = {}
    used: set[str] = set()
    digests = {d: hashlib.sha256(d.encode("utf-8", "surrogatepass")).hexdigest() for d in operators}
    for definition, digest in sorted(digests.items(), key=lambda item: item[1]):
        lengths = range(KEY_DIGITS, len(digest) + 1)
        keys[definition] = next(k for n in lengths if (k := f"{operators[definition]}-{digest[:n]}") not in used)
        used.add(keys[definition])
    return keys


def _format_line(line: LayerLine, key: str) -> str:
    """`["relu1", "Relu-21c0de"]`, with what is read where that is not the layer before, and with names behind that."""
    fields: list[Any] = [line.name, key, line.reads, line.names]
    if not line.names:
        fields = fields[:2] if line.reads == (-1,) else fields[:3]
    return to_json(fields)


def _format_repeat(repeat: Repeat, lines: Sequence[LayerLine], keys: Sequence[str]) -> str:
    """The lines of a run: a line for each of its layers, with templates for texts."""
    rows = []
    for offset in range(repeat.period):
        rounds = [lines[repeat.start + offset + i * repeat.period] for i in range(repeat.times)]
        templates = [make_template(texts) for texts in zip(*(line.texts() for line in rounds), strict=True)]
        rows.append(_format_line(rounds[0].with_texts(templates), keys[offset]))
    return "\n".join([f'{{"repeat": {repeat.times}, "layers": [', ",\n".join(rows), "]}"])


def layer_to_lock(layer: SnapshotLayer, is_given: Sequence[bool]) -> dict[str, Any]:
    """A layer with its definition; is_given says of each input whether its name tells all of it, for an earlier layer
    or the graph gives it."""
    inputs: list[Any] = [
        t.name
        if given or not t.name
        else tensor_to_lock(t, layer.name)
        if t.stored
        else {"computed": tensor_to_lock(t, layer.name)}
        for t, given in zip(layer.inputs, is_given, strict=True)
    ]
    outputs: list[Any] = [
        {"known": tensor_to_lock(t, layer.name)} if t.stored else tensor_to_lock(t, layer.name) for t in layer.outputs
    ]
    return {"name": layer.name, **_layer_fields(layer, inputs, outputs)}


def _layer_fields(layer: SnapshotLayer, inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"op": layer.op_type}
    if layer.domain:
        fields["domain"] = layer.domain
    if layer.count != 1:
        fields["count"] = json_amount(layer.count)
    if layer.state != "costed":
        fields["state"] = layer.state
    fields["in"], fields["out"] = inputs, outputs
    if layer.attributes:
        fields["attributes"] = {name: attribute_to_lock(v) for name, v in sorted(layer.attributes.items())}
    for quantity in LAYER_QUANTITIES:
        amount = layer.amounts[quantity]
        if amount is None or amount != 0:
            fields[quantity] = json_amount(amount)
    return fields


def tensor_to_lock(t: SnapshotTensor, layer: str = "") -> list[Any]:
    """[name, type, extent, …]."""
    return [shorten_name(t.name, layer), t.dtype, *([None] if t.shape is None else map(json_amount, t.shape))]


def shorten_name(name: str, layer: str) -> str:
    """`~` for the layer's name at the start; a `~` that a name itself begins with is doubled."""
    if layer and name.startswith(layer) and not name.startswith("~", len(layer)):
        return "~" + name[len(layer) :]
    return f"~{name}" if name.startswith("~") else name


def attribute_to_lock(value: Any) -> Any:
    """An attribute's value; {"float": "inf"} for a float that JSON has no number for."""
    if isinstance(value, (list, tuple)):
        return [attribute_to_lock(v) for v in value]
    return {"float": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def to_json(value: Any) -> str:
    """A value → JSON on one line."""
    return escape_controls(json.dumps(value, ensure_ascii=False, allow_nan=False))
