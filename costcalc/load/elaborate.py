"""Layers of a YAML model -> nodes: what a layer reads, what it is called, what its names stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.build import GraphBuilder
from costcalc.errors import CostcalcError
from costcalc.ir import DType
from costcalc.load import structure
from costcalc.load.expression import suggest
from costcalc.load.items import Item, item_names, read_item
from costcalc.load.layers import LAYERS
from costcalc.load.layers.base import REQUIRED, Layer, Site
from costcalc.load.operator import add_operator
from costcalc.load.scope import Block, Scope
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import Scalar, Seq, YamlNode

MAX_LAYERS = 1_000_000

Values = tuple[str, ...]


class Elaborator:
    """Adds the layers of one document to a builder."""

    def __init__(self, reader: Reader, builder: GraphBuilder, blocks: Mapping[str, Block]) -> None:
        self.reader, self.builder, self.blocks = reader, builder, blocks
        self.items: dict[int, Item] = {}
        self.plurals: dict[int, frozenset[str]] = {}
        self.by_rows: set[str] = set()
        self.homes: dict[str, str] = {}
        self.added = 0

    def layers(self, node: YamlNode, scope: Scope, value: str | Values) -> Values:
        """Adds a list of layers, the first reading `value`; returns what the last gives (`value` of an empty list)."""
        if not isinstance(node, Seq):
            raise self.reader.error(node, "the layers are no list", "start each layer with `- `")
        if id(node) not in self.plurals:
            self.plurals[id(node)] = frozenset(k for k, n in self._kinds(node, 1).items() if n > 1)
        plural = self.plurals[id(node)]
        values = (value,) if isinstance(value, str) else value
        for entry in node.items:
            values = self.layer(self.item(entry), scope, values, plural)
        return values

    def item(self, node: YamlNode) -> Item:
        """Reads `- kind`, `- kind: {options}` with `as:` and `from:` inside or beside; kept for repeated blocks."""
        have = self.items.get(id(node))
        if have is None:
            have = self.items[id(node)] = read_item(node, self.reader)
        return have

    def _kinds(self, node: Seq, times: int) -> Counter[str]:
        """How often each kind stands in a list, so that a lone one needs no number; what repeats counts double."""
        kinds: Counter[str] = Counter()
        for entry in node.items:
            item = self.item(entry)
            if item.kind == "repeat":
                body = item.options.get("layers")
                if isinstance(body, Seq):
                    kinds += self._kinds(body, 2)
            elif item.name is None:
                kinds[item.kind] += times
        return kinds

    def layer(self, item: Item, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        """Adds one layer; returns its values (those before it, where `when:` leaves it out). Binds its name."""
        if item.when is not None and not self.reader.condition(item.when, scope.names):
            return current
        self.added += 1
        if self.added > MAX_LAYERS:
            raise self.reader.error(item.node, f"the model has more than {MAX_LAYERS:,} layers", "repeat less")
        kind = item.kind
        if kind == "repeat":
            return structure.repeat(self, item, scope, current, plural)
        if kind not in LAYERS and isinstance(scope.names.get(kind), str) and kind not in self.blocks:
            kind = scope.names[kind]
        inputs = current if item.source is None else self._sources(item.source, scope)
        names = item_names(item, self.reader)
        name = names[0] if names else self._number(kind, scope, kind in plural or item.kind in plural)
        place = self.reader.document.place(item.node)
        path = "/".join((*scope.path, name))
        try:
            if kind == "residual":
                values = structure.residual(self, item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind == "branches":
                values = structure.branches(self, item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind in self.blocks:
                values = structure.block(self, self.blocks[kind], item, name, scope, inputs)
            else:
                values = self._plain(kind, item, scope, path, inputs, names, place)
        except CostcalcError as error:
            raise error.at(place).within(f"{path} ({kind})") from error
        self._bind(item, names, values, scope)
        return values

    def _number(self, kind: str, scope: Scope, plural: bool) -> str:
        scope.count[kind] += 1
        number = scope.count[kind]
        if number == 1 and not plural:
            return kind
        return f"{kind}_{number}" if kind[-1].isdigit() else f"{kind}{number}"

    def _bind(self, item: Item, names: Sequence[str], values: Values, scope: Scope) -> None:
        for name, value in zip(names, values, strict=False):
            if name in scope.values:
                assert item.name is not None
                raise self.reader.error(item.name, f"the name {name!r} is taken", "give each layer a name of its own")
            scope.values[name] = value

    def named(self, node: YamlNode, scope: Scope) -> str:
        """The value of a name. SpecError where there is none, with the nearest that there is."""
        if not isinstance(node, Scalar):
            raise self.reader.error(node, "a name is expected", "write the name of a layer or of an input")
        value = scope.find(node.text)
        if value is None:
            value = self._relative(node.text, scope)
        if value is None:
            near = suggest(node.text, self._known(scope))
            raise self.reader.error(
                node,
                f"nothing above is called {node.text!r}",
                near or "name a layer with `as:` before it is read: a graph has no cycles",
            )
        return value

    def _known(self, scope: Scope) -> set[str]:
        """All names that could be read here: those of `as:` and those that reports print."""
        prefix = "/".join((*scope.path, ""))
        return scope.known() | {value.removeprefix(prefix) for value in self.builder.types}

    def _relative(self, name: str, scope: Scope) -> str | None:
        """A layer by the path that reports print, from any scope outwards."""
        for depth in range(len(scope.path), -1, -1):
            path = "/".join((*scope.path[:depth], name))
            if path in self.builder.types:
                return path
        return None

    def _sources(self, node: YamlNode, scope: Scope) -> Values:
        if isinstance(node, Seq):
            return tuple([self._source(item, scope) for item in node.items])
        return (self._source(node, scope),)

    def _source(self, node: YamlNode, scope: Scope) -> str:
        """A name, "" where an optional input is left out (null), or a constant from a number or a list."""
        if isinstance(node, Scalar):
            if node.is_null:
                return ""
            if scope.find(node.text) is not None or not (node.text[:1].isdigit() or node.text[:1] in "-+.("):
                return self.named(node, scope)
        value = self.reader.value(node, scope.names)
        values = value if isinstance(value, list) else [value]
        whole = all(not hasattr(v, "denominator") or v.denominator == 1 for v in values)
        elements = tuple(values) if whole else tuple(float(v) for v in values)
        name = f"constant_{node.line}_{node.column}"
        number = 0
        while name in self.builder.types:
            number += 1
            name = f"constant_{node.line}_{node.column}_{number}"
        shape = (len(values),) if isinstance(value, list) else ()
        return self.builder.add_constant(name, DType.INT64 if whole else DType.FLOAT32, shape, elements)

    def _plain(
        self, kind: str, item: Item, scope: Scope, path: str, inputs: Values, names: Sequence[str], place: str
    ) -> Values:
        layer = LAYERS.get(kind)
        site = Site(self.builder, path, scope.path, inputs, place, self.by_rows)
        if layer is None:
            return add_operator(kind, item, scope, site, names, self.reader, self.blocks)
        arguments = self._arguments(layer, item, scope)
        share = arguments.pop("weights", None)
        if share is not None:
            site.share = self._shared(share, item, scope)
        result = layer.emit(site, **arguments)
        values = (result,) if isinstance(result, str) else result
        if values[0] != path:
            self.homes[values[0]] = path
        return values

    def _shared(self, name: str, item: Item, scope: Scope) -> str:
        """The layer after which the weights are called: a layer of several nodes ends in a value of another name."""
        value = scope.find(name) or self._relative(name, scope)
        if value is None:
            raise self.reader.error(
                item.options["weights"],
                f"nothing above is called {name!r}",
                suggest(name, self._known(scope)) or "name the layer with `as:`",
            )
        return self.homes.get(value, value)

    def _arguments(self, layer: Layer, item: Item, scope: Scope) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        options = item.options
        for key in options:
            if key not in layer.keys:
                known = suggest(key, layer.keys) or (
                    f"{layer.name} takes " + ", ".join(layer.keys) if layer.keys else f"{layer.name} takes none"
                )
                raise self.reader.error(item.keys[key], f"{layer.name} has no key {key!r}", known)
        for name, kind in layer.keys.items():
            node = options.get(name)
            if node is not None:
                arguments[name] = self.reader.read(kind, name, node, scope.names)
            elif kind.default is REQUIRED:
                raise self.reader.error(item.node, f"{layer.name} needs {name!r}", f"add `{name}: …` ({kind.doc})")
            else:
                arguments[name] = kind.default
        return arguments
