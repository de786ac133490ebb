"""Layers of a YAML model -> nodes: names, references, blocks, repeat, residual and branches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.build import GraphBuilder
from costcalc.errors import CostcalcError, SpecError
from costcalc.ir import DType
from costcalc.load.expression import suggest
from costcalc.load.layers import LAYERS
from costcalc.load.layers.base import REQUIRED, Key, Layer, Site
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import Map, Scalar, Seq, YamlNode

MAX_LAYERS = 1_000_000
MAX_CALLS = 50
STRUCTURE = ("repeat", "residual", "branches")
MERGES = {"add": "Add", "mul": "Mul", "concat": "Concat"}
TIMES, AXIS = Key("int"), Key("int", 1)
MERGE = Key("word", choices=tuple(MERGES))

Values = tuple[str, ...]


class Block(NamedTuple):
    """A named list of layers with arguments (a null default: it must be given) and names for what it reads."""

    name: str
    args: Mapping[str, YamlNode]
    inputs: Sequence[str]
    layers: YamlNode


class Scope:
    """Where names are looked up: values by the layers' names, numbers and words by name; outwards until found."""

    __slots__ = ("calls", "count", "names", "outer", "path", "values")

    def __init__(
        self, names: Mapping[str, Any], values: dict[str, str], path: tuple[str, ...], outer: Scope | None = None
    ) -> None:
        self.names, self.values, self.path, self.outer = names, values, path, outer
        self.count: Counter[str] = Counter()
        self.calls: tuple[str, ...] = outer.calls if outer else ()

    def inner(self, name: str, values: dict[str, str]) -> Scope:
        """A scope inside this one."""
        return Scope(self.names, values, (*self.path, name), self)

    def find(self, name: str) -> str | None:
        """The value that a layer's name stands for."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None

    def known(self) -> set[str]:
        """All names that could be read here."""
        return set(self.values) | (self.outer.known() if self.outer else set())


class Item(NamedTuple):
    """A layer as it stands in the file."""

    kind: str
    node: YamlNode
    body: YamlNode | None
    options: Mapping[str, YamlNode]
    keys: Mapping[str, Scalar]
    name: YamlNode | None
    source: YamlNode | None


class Elaborator:
    """Adds the layers of one document to a builder."""

    def __init__(self, reader: Reader, builder: GraphBuilder, blocks: Mapping[str, Block]) -> None:
        self.reader, self.builder, self.blocks = reader, builder, blocks
        self.items: dict[int, Item] = {}
        self.plurals: dict[int, frozenset[str]] = {}
        self.by_rows: set[str] = set()
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
            have = self.items[id(node)] = self._item(node)
        return have

    def _item(self, node: YamlNode) -> Item:
        error = self.reader.error
        if isinstance(node, Scalar):
            if not node.text:
                raise error(node, "a layer is empty", "name one, such as `- relu`")
            return Item(node.text, node, None, {}, {}, None, None)
        if isinstance(node, Seq):
            raise error(node, "a list stands where a layer is expected", "a layer is a word or a mapping")
        kinds = [k for k in node.keys if k not in ("as", "from")]
        if len(kinds) != 1:
            listed = ", ".join(repr(k) for k in kinds) or "none"
            raise error(node, f"a layer has one kind, here are {len(kinds)} ({listed})", "start each layer with `- `")
        kind = kinds[0]
        body = node.values[kind]
        name, source = node.values.get("as"), node.values.get("from")
        options: dict[str, YamlNode] = {}
        keys: dict[str, Scalar] = {}
        if isinstance(body, Map):
            options, keys = dict(body.values), dict(body.keys)
            for key in ("as", "from"):
                if key in options and key in node.values:
                    raise error(keys[key], f"`{key}:` is given twice", "keep one")
            name, source = options.pop("as", name), options.pop("from", source)
        elif not (isinstance(body, Scalar) and body.is_null) and kind not in STRUCTURE:
            raise error(body, f"the options of {kind!r} are no mapping", f"write `- {kind}: {{key: value}}`")
        return Item(kind, node, body, options, keys, name, source)

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
        """Adds one layer; returns its values. Binds its name, if it has one."""
        self.added += 1
        if self.added > MAX_LAYERS:
            raise self.reader.error(item.node, f"the model has more than {MAX_LAYERS:,} layers", "repeat less")
        kind = item.kind
        if kind == "repeat":
            return self._repeat(item, scope, current, plural)
        if kind not in LAYERS and isinstance(scope.names.get(kind), str) and kind not in self.blocks:
            kind = scope.names[kind]
        inputs = current if item.source is None else self._sources(item.source, scope)
        names = self._names(item)
        name = names[0] if names else self._number(kind, scope, plural)
        place = self.reader.document.place(item.node)
        path = "/".join((*scope.path, name))
        try:
            if kind == "residual":
                values = self._residual(item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind == "branches":
                values = self._branches(item, scope.inner(name, {"input": inputs[0]}), inputs)
            elif kind in self.blocks:
                values = self._block(self.blocks[kind], item, name, scope, inputs)
            else:
                values = self._plain(kind, item, scope, path, inputs, names, place)
        except CostcalcError as error:
            raise error.at(f"{place}: {path} ({kind})") from error
        self._bind(item, names, values, scope)
        return values

    def _names(self, item: Item) -> list[str]:
        if item.name is None:
            return []
        nodes = item.name.items if isinstance(item.name, Seq) else [item.name]
        names = [n.text for n in nodes if isinstance(n, Scalar)]
        if len(names) != len(nodes) or not all(names):
            raise self.reader.error(item.name, "`as:` is no name", "write `as: name` or `as: [first, second]`")
        for node, name in zip(nodes, names, strict=True):
            if not name.replace("-", "_").replace(".", "_").replace("_", "a").isalnum():
                raise self.reader.error(node, f"{name!r} is no name", "use letters, digits, _, - and .")
        return names

    def _number(self, kind: str, scope: Scope, plural: frozenset[str]) -> str:
        scope.count[kind] += 1
        number = scope.count[kind]
        if number == 1 and kind not in plural:
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
            near = suggest(node.text, scope.known())
            raise self.reader.error(
                node,
                f"nothing above is called {node.text!r}",
                near or "name a layer with `as:` before it is read: a graph has no cycles",
            )
        return value

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
            return self._operator(kind, item, scope, site, names)
        arguments = self._arguments(layer, item, scope)
        share = arguments.pop("weights", None)
        if share is not None:
            site.share = self._shared(share, item, scope)
        result = layer.emit(site, **arguments)
        return (result,) if isinstance(result, str) else result

    def _shared(self, name: str, item: Item, scope: Scope) -> str:
        value = scope.find(name) or self._relative(name, scope)
        if value is None:
            raise self.reader.error(
                item.options["weights"],
                f"nothing above is called {name!r}",
                suggest(name, scope.known()) or "name the layer with `as:`",
            )
        return value

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

    def _operator(self, kind: str, item: Item, scope: Scope, site: Site, names: Sequence[str]) -> Values:
        """An ONNX operator by its op_type."""
        from costcalc.load.op_table import operators

        table = operators()
        if kind not in table:
            known = [*STRUCTURE, *self.blocks, *LAYERS, *table]
            remedy = suggest(kind, known) or "see `costcalc schema` for all layers"
            raise self.reader.error(item.node, f"there is no layer, block or operator {kind!r}", remedy)
        attributes: dict[str, Any] = {}
        for key, node in item.options.items():
            if key not in table[kind]:
                remedy = suggest(key, table[kind]) or "it has " + (", ".join(table[kind]) or "none")
                raise self.reader.error(item.keys[key], f"{kind} has no attribute {key!r}", remedy)
            attributes[key] = self._attribute(table[kind][key], key, node, scope)
        outputs = tuple([site.name, *("/".join((*scope.path, n)) for n in names[1:])])
        site.op(kind, site.inputs, attributes, outputs=outputs)
        return outputs

    def _attribute(self, type_: str, key: str, node: YamlNode, scope: Scope) -> Any:
        value = self.reader.value(node, scope.names)
        if type_ in ("ints", "floats", "strings") and not isinstance(value, list):
            value = [value]
        values = value if isinstance(value, list) else [value]
        want: tuple[type, ...] = {"i": (int,), "s": (str,)}.get(type_[0], (object,))
        if type_ in ("tensor", "graph") or not all(isinstance(v, want) for v in values):
            remedy = f"it is of ONNX's type {type_.upper()}" + (
                ", which YAML cannot write" if type_ in ("tensor", "graph") else ""
            )
            raise self.reader.error(node, f"{key} is {value!r}", remedy)
        values = [float(v) if type_.startswith("float") else int(v) if want == (int,) else v for v in values]
        return values if type_.endswith("s") else values[0]

    def _option(self, item: Item, allowed: Sequence[str]) -> None:
        for key in item.options:
            if key not in allowed:
                remedy = suggest(key, allowed) or "it takes " + ", ".join(allowed)
                raise self.reader.error(item.keys[key], f"{item.kind} has no key {key!r}", remedy)

    def _need(self, item: Item, key: str) -> YamlNode:
        if key not in item.options:
            raise self.reader.error(item.node, f"{item.kind} needs {key!r}", f"add `{key}: …`")
        return item.options[key]

    def _repeat(self, item: Item, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        self._option(item, ("times", "layers"))
        node = self._need(item, "times")
        times = self.reader.integer(TIMES, "times", node, scope.names)
        if times < 0:
            raise self.reader.error(node, f"times is {times}", "it is at least 0")
        body = self._need(item, "layers")
        if not isinstance(body, Seq):
            raise self.reader.error(body, "the layers are no list", "start each layer with `- `")
        for _ in range(times):
            for entry in body.items:
                current = self.layer(self.item(entry), scope, current, plural)
        return current

    def _residual(self, item: Item, scope: Scope, inputs: Values) -> Values:
        self._option(item, ("body", "shortcut", "merge"))
        merge = item.options.get("merge")
        op = MERGES[self.reader.read(MERGE, "merge", merge, scope.names)] if merge else "Add"
        body = self.layers(self._need(item, "body"), scope, inputs[0])[0]
        shortcut = inputs[0]
        if "shortcut" in item.options:
            inside = scope.inner("shortcut", {})
            shortcut = self.layers(item.options["shortcut"], inside, inputs[0])[0]
        return (self._merge(item, scope, op, [body, shortcut], 1),)

    def _branches(self, item: Item, scope: Scope, inputs: Values) -> Values:
        paths = item.body
        op, axis = "Concat", 1
        if isinstance(paths, Map):
            self._option(item, ("merge", "axis", "paths"))
            if "merge" in item.options:
                op = MERGES[self.reader.read(MERGE, "merge", item.options["merge"], scope.names)]
            if "axis" in item.options:
                axis = self.reader.integer(AXIS, "axis", item.options["axis"], scope.names)
            paths = self._need(item, "paths")
        if isinstance(paths, Map):
            named = list(paths.values.items())
        elif isinstance(paths, Seq):
            named = [(f"path{i + 1}", path) for i, path in enumerate(paths.items)]
        else:
            raise self.reader.error(item.node, "branches has no paths", "write a list of lists of layers")
        if not named:
            raise self.reader.error(item.node, "branches has no paths", "write a list of lists of layers")
        ends = [self.layers(path, scope.inner(name, {}), inputs[0])[0] for name, path in named]
        return (self._merge(item, scope, op, ends, axis),)

    def _merge(self, item: Item, scope: Scope, op: str, ends: Sequence[str], axis: int) -> str:
        place = self.reader.document.place(item.node)
        path = "/".join((*scope.path, op.lower()))
        site = Site(self.builder, path, scope.path, ends, place, self.by_rows)
        if op == "Concat":
            return site.op(op, ends, {"axis": axis})
        result = LAYERS[op.lower()].emit(site)
        assert isinstance(result, str)
        return result

    def _block(self, block: Block, item: Item, name: str, scope: Scope, inputs: Values) -> Values:
        if block.name in scope.calls and scope.calls.count(block.name) >= 1:
            raise self.reader.error(item.node, f"the block {block.name!r} uses itself", "use repeat")
        arguments: dict[str, Any] = dict(scope.names)
        for key in item.options:
            if key not in block.args:
                remedy = suggest(key, block.args) or "its arguments are " + (", ".join(block.args) or "none")
                raise self.reader.error(item.keys[key], f"the block {block.name!r} has no argument {key!r}", remedy)
        for key, default in block.args.items():
            node = item.options.get(key)
            if node is not None:
                arguments[key] = self.reader.value(node, scope.names)
            elif isinstance(default, Scalar) and default.is_null:
                raise self.reader.error(item.node, f"the block {block.name!r} needs {key!r}", f"add `{key}: …`")
            else:
                arguments[key] = self.reader.value(default, arguments)
        if len(inputs) < len(block.inputs):
            raise self.reader.error(
                item.node, f"the block {block.name!r} reads {len(block.inputs)} values", "name them in `from:`"
            )
        inner = Scope(arguments, dict(zip(block.inputs, inputs, strict=False)), (*scope.path, name), scope)
        inner.calls = (*scope.calls, block.name)
        if len(inner.calls) > MAX_CALLS:
            raise SpecError(f"blocks are nested more than {MAX_CALLS} deep", "use fewer")
        return self.layers(block.layers, inner, inputs[0])
