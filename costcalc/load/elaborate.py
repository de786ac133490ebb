"""Layers of a YAML model -> nodes: what a layer reads, what it is called, what its names stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.build import GraphBuilder
from costcalc.errors import CostcalcError, did_you_mean
from costcalc.load import structure
from costcalc.load.items import STRUCTURE, Item, Values, item_names, read_item
from costcalc.load.layers import LAYERS
from costcalc.load.layers.base import REQUIRED, Key, Layer, Site
from costcalc.load.literal import always
from costcalc.load.operator import add_operator
from costcalc.load.references import References
from costcalc.load.scope import Block, Scope
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import Seq, YamlNode


class Elaborator:
    """Adds the layers of one document to a builder."""

    def __init__(self, reader: Reader, builder: GraphBuilder, blocks: Mapping[str, Block]) -> None:
        self.reader, self.builder, self.blocks = reader, builder, blocks
        self.kept = reader.document.kept
        self.by_rows: set[str] = set()
        self.references = References(reader, builder)
        self.added = 0

    def layers(self, node: YamlNode, scope: Scope, value: str | Values) -> Values:
        """Adds a list of layers, the first reading `value`; returns what the last gives (`value` of an empty list)."""
        if not isinstance(node, Seq):
            raise self.reader.error(node, "the layers are no list", "start each layer with `- `")
        plural = self.kept.get(("plural", id(node)))
        if plural is None:
            plural = frozenset(k for k, n in self._kinds(node, 1).items() if n > 1)
            self.kept["plural", id(node)] = plural
        values = (value,) if isinstance(value, str) else value
        for entry in node.items:
            values = self.layer(self.item(entry), scope, values, plural)
        return values

    def item(self, node: YamlNode) -> Item:
        """Reads `- kind`, `- kind: {options}` with `as:` and `from:` inside or beside; kept for repeated blocks."""
        have: Item | None = self.kept.get(id(node))
        if have is None:
            have = self.kept[id(node)] = read_item(node, self.reader)
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
            self.references.left_out.update(item_names(item, self.reader))
            return current
        self.added += 1
        if self.added > structure.MAX_LAYERS:
            raise self.reader.error(
                item.node, f"the model has more than {structure.MAX_LAYERS:,} layers", "repeat less"
            )
        kind = item.kind
        names = self._names(item) if item.name is not None else ()
        inputs = current if item.source is None else self._inputs(item, names, scope)
        if kind == "repeat":
            values = structure.repeat(self, item, scope, inputs, plural)
            self._bind(item, names, values, scope)
            return values
        if kind not in LAYERS and isinstance(scope.names.get(kind), str) and kind not in self.blocks:
            kind = scope.names[kind]
        paths = [self._number(name, scope, True) for name in names] if scope.repeating else names
        name = paths[0] if paths else self._number(kind, scope, kind in plural or item.kind in plural)
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
                values = self._plain(kind, item, scope, path, inputs, paths, place)
        except CostcalcError as error:
            raise error.at(place).within(f"{path} ({kind})") from error
        self.references.add(path, values[0])
        if names:
            self._bind(item, names, values, scope)
        return values

    def _names(self, item: Item) -> Sequence[str]:
        """The names of `as:`."""
        have: Sequence[str] | None = self.kept.get(("names", id(item.node)))
        if have is None:
            have = self.kept["names", id(item.node)] = tuple(item_names(item, self.reader))
        return have

    def _inputs(self, item: Item, names: Sequence[str], scope: Scope) -> Values:
        """What `from:` names."""
        assert item.source is not None
        place = self.reader.document.place(item.source)
        try:
            values = self.references.sources(item.source, scope)
        except CostcalcError as error:
            layer = "/".join((*scope.path, names[0] if names else item.kind))
            raise error.at(place).within(f"{layer} ({item.kind})") from error
        if not values:
            raise self.reader.error(item.source, "`from:` names nothing", "name a layer or an input")
        if "" in values and (item.kind in LAYERS or item.kind in self.blocks or item.kind in STRUCTURE):
            raise self.reader.error(item.source, "an input is null", "only ONNX's own operators have optional inputs")
        return values

    def _number(self, kind: str, scope: Scope, plural: bool) -> str:
        number = scope.count[kind] = scope.count.get(kind, 0) + 1
        if number == 1 and not plural:
            return kind
        return f"{kind}_{number}" if kind[-1].isdigit() else f"{kind}{number}"

    def _bind(self, item: Item, names: Sequence[str], values: Values, scope: Scope) -> None:
        for name, value in zip(names, values, strict=False):
            if name in scope.values and not scope.repeating:
                assert item.name is not None
                raise self.reader.error(item.name, f"the name {name!r} is taken", "give each layer a name of its own")
            scope.values[name] = value

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
            site.share = self.references.owner(share, item.options["weights"], scope)
        result = layer.emit(site, **arguments)
        return (result,) if isinstance(result, str) else result

    def _arguments(self, layer: Layer, item: Item, scope: Scope) -> dict[str, Any]:
        plan = self.kept.get((layer.name, id(item.node)))
        if plan is None:
            plan = self.kept[layer.name, id(item.node)] = self._plan(layer, item)
        fixed, open_ = plan
        arguments = dict(fixed)
        for name, kind, node in open_:
            arguments[name] = self.reader.read(kind, name, node, scope.names)
        return arguments

    def _plan(self, layer: Layer, item: Item) -> tuple[dict[str, Any], list[tuple[str, Key, YamlNode]]]:
        """The arguments that are always the same, and those that hang on names: (name, kind, what stands there)."""
        fixed: dict[str, Any] = {}
        open_: list[tuple[str, Key, YamlNode]] = []
        options = item.options
        for key in options:
            if key not in layer.keys:
                known = did_you_mean(key, layer.keys) or (
                    f"{layer.name} takes " + ", ".join(layer.keys) if layer.keys else f"{layer.name} takes none"
                )
                raise self.reader.error(item.keys[key], f"{layer.name} has no key {key!r}", known)
        for name, kind in layer.keys.items():
            node = options.get(name)
            if node is None and kind.default is REQUIRED:
                raise self.reader.error(item.node, f"{layer.name} needs {name!r}", f"add `{name}: …` ({kind.doc})")
            if node is None:
                fixed[name] = kind.default
            elif always(kind, node):
                fixed[name] = self.reader.read(kind, name, node, {})
            else:
                open_.append((name, kind, node))
        return fixed, open_
