"""Layers of a YAML model -> nodes of the builder: their inputs, their names, and the values of the names they use.

`from:` and `weights:` name values by their layers' names; constants may stand in the place of a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.errors import CostcalcError, did_you_mean
from costcalc.frontends.yaml import structure
from costcalc.frontends.yaml.document import Scalar, Seq, YamlNode
from costcalc.frontends.yaml.items import (
    STRUCTURE,
    BlockDefinition,
    LayerItem,
    Scope,
    Values,
    fill_names,
    item_names,
    read_item,
)
from costcalc.frontends.yaml.layers.base import (
    LAYERS,
    REQUIRED,
    LayerKey,
    LayerKind,
    ParameterStyle,
    Site,
    add_constant,
)
from costcalc.frontends.yaml.operators import add_operator
from costcalc.frontends.yaml.values import ValueReader, is_constant
from costcalc.frontends.yaml.words import option_remedy
from costcalc.graph.builder import GraphBuilder


class References:
    """Names in one document -> values of the graph. layers maps the path of every layer so far, blocks and residuals
    included, to its value."""

    def __init__(self, reader: ValueReader, builder: GraphBuilder) -> None:
        self.reader, self.builder = reader, builder
        self.layers: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.omitted: set[str] = set()

    def owner(self, name: str, node: YamlNode, scope: Scope) -> str:
        """The path of a layer whose weights are shared; the weights are named after it. SpecError where no layer has
        the name."""
        name = fill_names([name], scope.names, node, self.reader)[0]
        value = scope.find(name) or self.find_layer(name, scope)
        if value is None:
            hint = did_you_mean(name, self.visible_names(scope))
            raise self.reader.error(node, f"nothing above is called {name!r}", hint or "name the layer with `as:`")
        return self.owners.get(value, value)

    def add(self, path: str, value: str) -> None:
        """Registers the value of a layer; the innermost layer that ends in a value owns it."""
        self.layers[path] = value
        self.owners.setdefault(value, path)

    def find_value(self, node: YamlNode, scope: Scope) -> str:
        """The value of a name. SpecError where there is none, with the nearest one."""
        if not isinstance(node, Scalar):
            raise self.reader.error(node, "a name is expected", "write the name of a layer or of an input")
        name = node.text
        if "{" in name:
            (name,) = fill_names([name], scope.names, node, self.reader)
        value = scope.find(name)
        if value is None:
            value = self.find_layer(name, scope)
        if value is None:
            hint = did_you_mean(name, self.visible_names(scope))
            if name in self.omitted:
                raise self.reader.error(node, f"{name!r} is left out by its `when:`", "read another layer then")
            raise self.reader.error(
                node,
                f"nothing above is called {name!r}",
                hint or "name a layer with `as:` before it is read: a graph has no cycles",
            )
        return value

    def visible_names(self, scope: Scope) -> set[str]:
        """All names that can be read here: those of `as:` and those in reports."""
        prefix = "/".join((*scope.path, ""))
        return scope.visible_names() | {path.removeprefix(prefix) for path in self.layers}

    def find_layer(self, name: str, scope: Scope) -> str | None:
        """The value of a layer by its path in reports; None where there is none."""
        path = self.find_path(name, scope)
        return None if path is None else self.layers[path]

    def find_path(self, name: str, scope: Scope) -> str | None:
        """The path of a layer whose path in reports, or its end, is known, looked up from the innermost scope outwards;
        None where there is none."""
        for depth in range(len(scope.path), -1, -1):
            path = "/".join((*scope.path[:depth], name))
            if path in self.layers:
                return path
        return None

    def read_sources(self, node: YamlNode, scope: Scope) -> tuple[str, ...]:
        """The values that a `from:` names: a name, a list of names, or constants in their place."""
        if isinstance(node, Seq):
            return tuple([self._source(item, scope) for item in node.items])
        return (self._source(node, scope),)

    def _source(self, node: YamlNode, scope: Scope) -> str:
        """A name, "" where an optional input is left out (null), or a constant from a number or a list."""
        if isinstance(node, Scalar):
            if node.is_null:
                return ""
            if scope.find(node.text) is not None or not (node.text[:1].isdigit() or node.text[:1] in "-+.("):
                return self.find_value(node, scope)
        value = self.reader.value(node, scope.names)
        name = f"constant_{node.line}_{node.column}"
        number = 0
        while name in self.builder.types:
            number += 1
            name = f"constant_{node.line}_{node.column}_{number}"
        return add_constant(self.builder, name, value)


STEPPED_LAYERS = 64
"""Layers between two looks at the budget of work."""


class Elaborator:
    """Adds the layers of one document to a builder."""

    def __init__(
        self,
        reader: ValueReader,
        builder: GraphBuilder,
        blocks: Mapping[str, BlockDefinition],
        style: ParameterStyle = ParameterStyle(),  # noqa: B008
    ) -> None:
        self.reader, self.builder, self.blocks = reader, builder, blocks
        self.style = style
        self.cache = reader.document.cache
        self.by_rows: set[str] = set()
        self.references = References(reader, builder)
        self.layer_count = 0

    def earlier_block(self, node: YamlNode, scope: Scope) -> str:
        """The path of an earlier use of a block, by its name. SpecError where none has it."""
        if not isinstance(node, Scalar):
            raise self.reader.error(node, "a name is expected", "write the name of an earlier use of the block")
        (name,) = fill_names([node.text], scope.names, node, self.reader)
        path = self.references.find_path(name, scope)
        if path is None:
            hint = did_you_mean(name, self.references.visible_names(scope))
            raise self.reader.error(node, f"nothing above is called {name!r}", hint or "name the block with `as:`")
        return path

    def layers(self, node: YamlNode, scope: Scope, value: str | Values) -> Values:
        """Adds a list of layers, the first reading `value`; returns what the last gives (`value` of an empty list)."""
        if not isinstance(node, Seq):
            raise self.reader.error(node, "the layers are no list", "start each layer with `- `")
        plural = self.cache.get(("plural", id(node)))
        if plural is None:
            plural = frozenset(k for k, n in self._count_kinds(node, 1).items() if n > 1)
            self.cache["plural", id(node)] = plural
        values = (value,) if isinstance(value, str) else value
        for entry in node.items:
            values = self.layer(self.item(entry), scope, values, plural)
        return values

    def item(self, node: YamlNode) -> LayerItem:
        """Reads `- kind`, `- kind: {options}` with `as:` and `from:` inside or beside; kept for repeated blocks."""
        item: LayerItem | None = self.cache.get(id(node))
        if item is None:
            item = self.cache[id(node)] = read_item(node, self.reader)
        return item

    def _count_kinds(self, node: Seq, times: int) -> Counter[str]:
        """A list of layers -> the number of each kind, as a kind that occurs once needs no number in names; kinds in a
        repeat count double."""
        kinds: Counter[str] = Counter()
        for entry in node.items:
            item = self.item(entry)
            if item.kind == "repeat":
                body = item.options.get("layers")
                if isinstance(body, Seq):
                    kinds += self._count_kinds(body, 2)
            elif item.name is None:
                kinds[item.kind] += times
        return kinds

    def layer(self, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        """Adds one layer; returns its values (those before it, where `when:` leaves it out). Binds its name."""
        if item.when is not None and not self.reader.condition(item.when, scope.names):
            self.references.omitted.update(item_names(item, self.reader))
            return current
        self.layer_count += 1
        if not self.layer_count % STEPPED_LAYERS:
            spend(2 * NODE_STEPS * STEPPED_LAYERS)  # a layer is one node or several
        if self.layer_count > structure.MAX_LAYERS:
            raise self.reader.error(
                item.node, f"the model has more than {structure.MAX_LAYERS:,} layers", "repeat less"
            )
        kind = item.kind
        names: Sequence[str] = self._names(item) if item.name is not None else ()
        inputs = current if item.source is None else self._inputs(item, names, scope)
        if kind == "repeat":
            values = structure.add_repeat(self, item, scope, inputs, plural)
            self._bind(item, names, values, scope)
            return values
        if isinstance(scope.names.get(kind), str) and kind not in self.blocks and kind not in LAYERS:
            kind = scope.names[kind]
        if item.name is not None and any("{" in name for name in names):
            names = fill_names(names, scope.names, item.name, self.reader)
        has_own_number = item.name is not None and names is not self._names(item)
        is_numbered = scope.repeating and not has_own_number
        paths = [self._numbered_name(name, scope, True) for name in names] if is_numbered else names
        name = paths[0] if paths else self._numbered_name(kind, scope, kind in plural or item.kind in plural)
        place = item.place
        path = "/".join((*scope.path, name))
        try:
            if kind == "residual":
                values = structure.add_residual(self, item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind == "branches":
                values = structure.add_branches(self, item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind in self.blocks:
                values = structure.add_block(self, self.blocks[kind], item, name, scope, inputs)
            else:
                values = self._add_layer(kind, item, scope, path, inputs, paths, place)
        except CostcalcError as error:
            values = self.fail(error.at(place).within(f"{path} ({kind})"), path, names)
        self.references.add(path, values[0])
        if names:
            self._bind(item, names, values, scope)
        return values

    def fail(self, error: CostcalcError, path: str, names: Sequence[str]) -> Values:
        """The error of a layer with its place, its path and names -> raised. A reader that collects errors gives the
        layer's values instead."""
        raise error from error.__cause__

    def _names(self, item: LayerItem) -> Sequence[str]:
        """The names of `as:`."""
        names: Sequence[str] | None = self.cache.get(("names", id(item.node)))
        if names is None:
            names = self.cache["names", id(item.node)] = tuple(item_names(item, self.reader))
        return names

    def _inputs(self, item: LayerItem, names: Sequence[str], scope: Scope) -> Values:
        """The values that `from:` names."""
        assert item.source is not None
        place = self.reader.document.place(item.source)
        try:
            values = self.references.read_sources(item.source, scope)
        except CostcalcError as error:
            layer = "/".join((*scope.path, names[0] if names else item.kind))
            raise error.at(place).within(f"{layer} ({item.kind})") from error
        if not values:
            raise self.reader.error(item.source, "`from:` names nothing", "name a layer or an input")
        if "" in values and (item.kind in LAYERS or item.kind in self.blocks or item.kind in STRUCTURE):
            raise self.reader.error(item.source, "an input is null", "only ONNX's own operators have optional inputs")
        return values

    def _numbered_name(self, kind: str, scope: Scope, plural: bool) -> str:
        number = scope.count[kind] = scope.count.get(kind, 0) + 1
        if number == 1 and not plural:
            return kind
        return f"{kind}_{number}" if kind[-1].isdigit() else f"{kind}{number}"

    def _bind(self, item: LayerItem, names: Sequence[str], values: Values, scope: Scope) -> None:
        for name, value in zip(names, values, strict=False):
            if name in scope.values and not scope.repeating:
                assert item.name is not None
                raise self.reader.error(item.name, f"the name {name!r} is taken", "give each layer a name of its own")
            scope.values[name] = value

    def _add_layer(
        self, kind: str, item: LayerItem, scope: Scope, path: str, inputs: Values, names: Sequence[str], place: str
    ) -> Values:
        layer = LAYERS.get(kind)
        site = Site(self.builder, path, scope.path, inputs, place, self.by_rows, style=self.style)
        if layer is None:
            return add_operator(kind, item, scope, site, names, self.reader, self.blocks)
        arguments = self._arguments(layer, item, scope)
        share = arguments.pop("weights", None)
        if share is not None:
            site.share = self.references.owner(share, item.options["weights"], scope)
        elif scope.shared:
            site.share = scope.shared_path(path.rpartition("/")[2])
        result = layer.emit(site, **arguments)
        return (result,) if isinstance(result, str) else result

    def _arguments(self, layer: LayerKind, item: LayerItem, scope: Scope) -> dict[str, Any]:
        plan = self.cache.get((layer.name, id(item.node)))
        if plan is None:
            plan = self.cache[layer.name, id(item.node)] = self._plan_arguments(layer, item)
        fixed, open_ = plan
        arguments, errors = dict(fixed), []
        for name, kind, node in open_:
            try:
                arguments[name] = self.reader.read(kind, name, node, scope.names)
            except CostcalcError as error:
                errors.append(error)
        self.reader.raise_all(errors)
        return arguments

    def _plan_arguments(
        self, layer: LayerKind, item: LayerItem
    ) -> tuple[dict[str, Any], list[tuple[str, LayerKey, YamlNode]]]:
        """The arguments that are always the same, and those that hang on names: (name, kind, what stands there)."""
        fixed: dict[str, Any] = {}
        open_: list[tuple[str, LayerKey, YamlNode]] = []
        options = item.options
        errors: list[CostcalcError] = []
        for key in options:
            if key not in layer.keys:
                remedy = (
                    option_remedy(key, layer.keys)
                    or did_you_mean(key, layer.keys)
                    or (f"{layer.name} takes " + ", ".join(layer.keys) if layer.keys else f"{layer.name} takes none")
                )
                errors.append(self.reader.error(item.keys[key], f"{layer.name} has no key {key!r}", remedy))
        self.reader.raise_all(errors)  # a key that is missing may be one that is misspelt
        for name, kind in layer.keys.items():
            node = options.get(name)
            if node is None and kind.default is REQUIRED:
                errors.append(
                    self.reader.error(item.node, f"{layer.name} needs {name!r}", f"add `{name}: …` ({kind.doc})")
                )
            elif node is None:
                fixed[name] = kind.default
            elif is_constant(kind, node):
                fixed[name] = self.reader.read(kind, name, node, {})
            else:
                open_.append((name, kind, node))
        self.reader.raise_all(errors)
        return fixed, open_
