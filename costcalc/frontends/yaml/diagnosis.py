"""Text of a YAML model -> all its independent errors at once, and its Trace where there are none.

A layer with an error gives values of unknown shape, and so do the layers that read those: of them only what does not
depend on shapes is checked (keys, words, names, values). So one mistake is one error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.budget import limited_work
from costcalc.core.dim import Dim, symbol
from costcalc.core.errors import CostcalcError, LimitError, LoadError, ShapeError, SpecError
from costcalc.core.ir import UNKNOWN
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode, parse_partial_document
from costcalc.frontends.yaml.inputs import add_inputs
from costcalc.frontends.yaml.items import BlockDefinition, LayerItem, Scope, Values, item_names
from costcalc.frontends.yaml.layers.base import LAYERS, ParameterStyle
from costcalc.frontends.yaml.layers.layout import DEFAULT_INPUT, with_layout
from costcalc.frontends.yaml.operators import read_attributes
from costcalc.frontends.yaml.reader import OPSET, add_layers, read_blocks, read_params, require_model
from costcalc.frontends.yaml.source_map import Trace, TracingElaborator, make_trace
from costcalc.frontends.yaml.values import MAX_ERRORS, ValueReader
from costcalc.graph.builder import GraphBuilder

BROKEN = LayerItem("", Scalar("", True, 0, 0), "", None, {}, {}, None, None)
"""What stands for an entry that is no layer."""

LATER_KEYS = re.compile(r"^(blocks|params|input)\s*:", re.MULTILINE)
"""Keys of a model that names in its layers may depend on."""


class Diagnosis(NamedTuple):
    """The errors of a text in the order of their lines, and its trace where there are none."""

    errors: tuple[CostcalcError, ...]
    trace: Trace | None = None


def diagnose(text: str, file: str, source: str = "", dims: Mapping[str, Dim] | None = None) -> Diagnosis:
    """The text of a YAML model -> its Diagnosis. file is its name in errors, source its name in reports; dims binds
    symbols of its inputs."""
    partial = parse_partial_document(text, file)
    errors = partial.errors
    if partial.document is None:
        return Diagnosis(tuple(errors))
    syntax_errors = len(errors)
    reader = ValueReader(partial.document, errors)
    trace = None
    try:
        with limited_work("reading the model", nbytes=len(text)):
            trace = _read(reader, text, source or file, dims or {}, partial.last_line is None)
    except CostcalcError as error:
        errors.append(error)
    if partial.last_line is not None:
        below = text.split("\n", partial.last_line)[-1]
        is_cut = LATER_KEYS.search(below) is not None
        last_line = 0 if is_cut else partial.last_line
        errors[syntax_errors:] = [error for error in errors[syntax_errors:] if 0 < error_line(error) <= last_line]
    errors.sort(key=error_line)
    return Diagnosis(tuple(errors[:MAX_ERRORS]), None if errors else trace)


def error_line(error: CostcalcError) -> int:
    """The line of an error's place, file:line:column; 0 where it has none."""
    found = re.search(r":(\d+):\d+$", error.place.split(": ")[0])
    return int(found[1]) if found else 0


def _read(reader: ValueReader, text: str, source: str, dims: Mapping[str, Dim], complete: bool) -> Trace | None:
    root = require_model(reader, reader.document.root, complete)
    errors = reader.errors
    assert errors is not None
    names = read_params(reader, root, {})
    params = root.values.get("params")
    broken_names = set(params.values) - set(names) if isinstance(params, Map) else set()
    title = root.values.get("name")
    builder = GraphBuilder(title.text if isinstance(title, Scalar) else source, source, {"": OPSET}, None, dims)
    with collect_assumptions() as assumptions:
        inputs = _read_inputs(reader, root.values.get("input"), names, builder, dims)
        blocks = read_blocks(reader, root.values.get("blocks"))
        named_blocks = root.values.get("blocks")
        broken_blocks = set(named_blocks.values) - set(blocks) if isinstance(named_blocks, Map) else set()
        elaborator = CollectingElaborator(reader, builder, blocks, broken_names, broken_blocks)
        if "layers" not in root.values:
            return None
        outputs = add_layers(root, elaborator, Scope(names, inputs, ()))
    if not errors and elaborator.suppressed:
        errors.append(elaborator.suppressed[0])
    return None if errors else make_trace(builder.build(outputs, assumptions), text, reader.document.file, elaborator)


def _read_inputs(
    reader: ValueReader, node: YamlNode | None, names: dict[str, Any], builder: GraphBuilder, dims: Mapping[str, Dim]
) -> dict[str, str]:
    """The inputs, of unknown shape where they have an error; then their words that are no names are taken as
    symbols."""
    try:
        if node is not None:
            return add_inputs(reader, node, names, builder, dims, {}, False)
    except CostcalcError as error:
        reader.report(error)
    for scalar in iterate_scalars(node):
        if scalar.text.isidentifier():
            names.setdefault(scalar.text, symbol(scalar.text))
    keys = list(node.values) if isinstance(node, Map) and not isinstance(node.values.get("shape"), Seq) else []
    inputs = {name: name for name in keys or [DEFAULT_INPUT]}
    builder.types.update(dict.fromkeys(inputs, UNKNOWN))
    return inputs


def iterate_scalars(node: YamlNode | None) -> Iterator[Scalar]:
    """The scalars of a tree that are no keys."""
    pending = [] if node is None else [node]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            yield node
        else:
            pending.extend(node.items if isinstance(node, Seq) else node.values.values())


class CollectingElaborator(TracingElaborator):
    """An Elaborator whose reader collects errors. A layer with an error, or that reads one, gives values of unknown
    shape; suppressed are errors that such a value explains."""

    def __init__(
        self,
        reader: ValueReader,
        builder: GraphBuilder,
        blocks: Mapping[str, BlockDefinition],
        broken_names: set[str],
        broken_blocks: set[str],
    ) -> None:
        super().__init__(reader, builder, blocks, ParameterStyle())
        self.broken_names, self.broken_blocks = broken_names, broken_blocks
        self.suppressed: list[CostcalcError] = []
        self.reads_unknown = False
        self.unknown_count = 0

    def item(self, node: YamlNode) -> LayerItem:
        try:
            return super().item(node)
        except SpecError as error:
            self.reader.report(error)
            self.cache[id(node)] = BROKEN
            return BROKEN

    def layer(self, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        if item is BROKEN:
            return self.unknown_values("broken", ())
        outer_reads_unknown, self.reads_unknown = self.reads_unknown, self.is_unknown(current)
        unknown_count = self.unknown_count
        try:
            if item.kind in self.broken_blocks or self._reads_broken_name(item):
                raise SpecError("", "")  # its reason is reported where the name is defined
            return super().layer(item, scope, current, plural)
        except CostcalcError as error:
            self._report(error.at(item.place) if error.fact else None)
            return self._bind_unknown(item, scope)
        finally:
            self.reads_unknown = outer_reads_unknown or self.unknown_count > unknown_count

    def _reads_broken_name(self, item: LayerItem) -> bool:
        if not self.broken_names:
            return False
        words = {word for scalar in iterate_scalars(item.body) for word in re.findall(r"\w+", scalar.text)}
        return not words.isdisjoint(self.broken_names)

    def _bind_unknown(self, item: LayerItem, scope: Scope) -> Values:
        """The values of a layer that could not be begun, under its names."""
        try:
            names = item_names(item, self.reader)
        except SpecError:  # reported where the layer was begun
            names = []
        values = self.unknown_values("/".join((*scope.path, names[0] if names else item.kind)), names)
        scope.values.update(zip(names, values, strict=False))
        return values

    def fail(self, error: CostcalcError, path: str, names: Sequence[str]) -> Values:
        if isinstance(error, ShapeError):
            error = with_layout(error, self.builder)
        self._report(error)
        return self.unknown_values(path, names)

    def _report(self, error: CostcalcError | None) -> None:
        """An error; one of shapes where what the layer reads is unknown is suppressed."""
        if error is None:
            return
        if self.reads_unknown and not isinstance(error, (LoadError, LimitError)):
            self.suppressed.append(error)
        else:
            self.reader.report(error)

    def is_unknown(self, values: Sequence[str]) -> bool:
        """Whether the shape of one of the values is not known."""
        types = self.builder.types
        return any(name in types and types[name].shape is None for name in values)

    def unknown_values(self, path: str, names: Sequence[str]) -> Values:
        """New values of unknown shape: one, or one for each name."""
        self.unknown_count += 1
        values = tuple([f"{path} ({len(self.builder.types)}.{i})" for i in range(max(len(names), 1))])
        self.builder.types.update(dict.fromkeys(values, UNKNOWN))
        return values

    def _inputs(self, item: LayerItem, names: Sequence[str], scope: Scope) -> Values:
        values = super()._inputs(item, names, scope)
        self.reads_unknown = self.is_unknown(values)
        return values

    def _add_layer(
        self, kind: str, item: LayerItem, scope: Scope, path: str, inputs: Values, names: Sequence[str], place: str
    ) -> Values:
        if not self.is_unknown(inputs):
            return super()._add_layer(kind, item, scope, path, inputs, names, place)
        layer = LAYERS.get(kind)
        if layer is None:
            read_attributes(kind, item, scope, self.reader, self.blocks)
        elif "weights" in self._arguments(layer, item, scope) and "weights" in item.options:
            self.references.find_value(item.options["weights"], scope)
        return self.unknown_values(path, names)
