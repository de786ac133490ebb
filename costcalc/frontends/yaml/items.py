"""One entry of a list of layers -> LayerItem; Scope: the names that are visible to it; BlockDefinition: a block of the
file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from costcalc.core.errors import Correction, CostcalcError, SpecError, did_you_mean
from costcalc.frontends.yaml.calls import values_remedy
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.frontends.yaml.values import ValueReader
from costcalc.frontends.yaml.words import example_layer, option_remedy
from costcalc.graph.builder import GraphBuilder


class BlockDefinition(NamedTuple):
    """A named list of layers with arguments (one with a null default is required) and names for its inputs."""

    name: str
    args: Mapping[str, YamlNode]
    inputs: Sequence[str]
    layers: YamlNode


class Scope:
    """The names that are visible to a layer: values by layers' names, numbers and words by name; looked up outwards.
    shared is the path of the block whose weights the layers in it use; "" for their own."""

    __slots__ = ("calls", "count", "names", "outer", "path", "repeating", "shared", "values")

    def __init__(
        self, names: Mapping[str, Any], values: dict[str, str], path: tuple[str, ...], outer: Scope | None = None
    ) -> None:
        self.names, self.values, self.path, self.outer = names, values, path, outer
        self.count: dict[str, int] = {}
        self.repeating = 0
        self.calls: tuple[str, ...] = outer.calls if outer else ()
        self.shared = outer.shared_path(path[-1]) if outer and len(path) > len(outer.path) else ""

    def inner(self, name: str, values: dict[str, str]) -> Scope:
        """A name and the values of layers -> a scope inside this one, for the layers of a residual or a branch."""
        return Scope(self.names, values, (*self.path, name), self)

    def shared_path(self, name: str) -> str:
        """The name of a layer in this scope -> the path of the layer whose weights it uses; "" for its own."""
        return f"{self.shared}/{name}" if self.shared else ""

    def find(self, name: str) -> str | None:
        """The value of a layer's name; None where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None

    def visible_names(self) -> set[str]:
        """All names that can be read here."""
        return set(self.values) | (self.outer.visible_names() if self.outer else set())


STRUCTURE = ("repeat", "residual", "branches")

COMMON_KEYS = ("as", "from", "when")
"""The keys that every layer takes: its name, what it reads, and a condition (false or 0: the layer is left out)."""

Values = tuple[str, ...]
"""The values that a layer gives."""


class LayerItem(NamedTuple):
    """A layer as the file writes it; place is that of its node, file:line:column."""

    kind: str
    node: YamlNode
    place: str
    body: YamlNode | None
    options: Mapping[str, YamlNode]
    keys: Mapping[str, Scalar]
    name: YamlNode | None
    source: YamlNode | None
    when: YamlNode | None = None


class LayerAdder(Protocol):
    """Adds layers to a graph: the part of Elaborator that layers which hold other layers need."""

    reader: ValueReader
    builder: GraphBuilder
    by_rows: set[str]

    def earlier_block(self, node: YamlNode, scope: Scope) -> str:
        """The path of an earlier use of a block, by its name."""
        ...

    def layers(self, node: YamlNode, scope: Scope, value: str | Values) -> Values:
        """Adds a list of layers, the first reading `value`; returns what the last gives."""
        ...

    def layer(self, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        """Adds one layer; returns its values."""
        ...

    def item(self, node: YamlNode) -> LayerItem:
        """The layer as the file writes it."""
        ...


def read_item(node: YamlNode, reader: ValueReader) -> LayerItem:
    """Reads `- kind` or `- kind: {options}`; `as:`, `from:` and `when:` stand inside or beside."""
    error = reader.error
    if isinstance(node, Scalar):
        if not node.text:
            raise error(node, "a layer is empty", "name one, such as `- relu`")
        return LayerItem(node.text, node, reader.document.place(node), None, {}, {}, None, None)
    if isinstance(node, Seq):
        raise error(node, "a list stands where a layer is expected", "a layer is a word or a mapping")
    kinds = [k for k in node.keys if k not in COMMON_KEYS]
    if len(kinds) != 1:
        first = node.values[kinds[0]] if kinds else None
        if isinstance(first, Scalar) and first.is_null and node.keys[kinds[1]].line > node.line:
            options_text = ", ".join(f"{key}: …" for key in kinds[1:])
            fact = f"the options of {kinds[0]!r} stand below it, not in it"
            raise error(
                node, fact, f"indent them by more than `{kinds[0]}`, or write `- {kinds[0]}: {{{options_text}}}`"
            )
        kinds_text = ", ".join(repr(k) for k in kinds) or "none"
        raise error(node, f"a layer has one kind, here are {len(kinds)} ({kinds_text})", "start each layer with `- `")
    kind = kinds[0]
    if found := re.match(r"([\w.]+):([\[{])", kind):
        fact = f"a blank is missing behind the colon of {found[1]!r}"
        raise error(node.keys[kind], fact, f"write `- {found[1]}: {found[2]}…`")
    body = node.values[kind]
    common = {key: node.values.get(key) for key in COMMON_KEYS}
    options: dict[str, YamlNode] = {}
    keys: dict[str, Scalar] = {}
    if isinstance(body, Map):
        options, keys = dict(body.values), dict(body.keys)
        for key in COMMON_KEYS:
            if key in options and key in node.values:
                raise error(keys[key], f"`{key}:` is given twice", "keep one")
            common[key] = options.pop(key, common[key])
    elif not (isinstance(body, Scalar) and body.is_null) and kind not in STRUCTURE:
        raise _options_error(kind, node, body, reader)
    place = reader.document.place(node)
    return LayerItem(kind, node, place, body, options, keys, common["as"], common["from"], common["when"])


def _options_error(kind: str, node: Map, body: YamlNode, reader: ValueReader) -> SpecError:
    """What is wrong where options are no mapping: `- conv {filters: 16}` (YAML takes `conv {filters` for the key), a
    word of another language, or a value without its key."""
    if found := re.match(r"([\w.]+)\s+([\[{].*)", kind):
        text = f"{found[2]}: {body.text}" if isinstance(body, Scalar) else f"{found[2]}: …}}"
        fact = f"the colon behind {found[1]!r} is missing"
        return reader.error(node.keys[kind], fact, f"write `- {found[1]}: {text}`")
    if isinstance(body, Seq):
        values = [item.text if isinstance(item, Scalar) else "" for item in body.items]
    else:
        values = [body.text] if isinstance(body, Scalar) else []
    remedy = values_remedy(kind, values, isinstance(body, Seq))
    ours = example_layer(kind).partition(":")[0]
    root = reader.document.root
    blocks = root.values.get("blocks") if isinstance(root, Map) else None
    is_block = isinstance(blocks, Map) and kind in blocks.values
    if ours and ours != kind and kind.islower() and not is_block:
        hint = remedy or f"did you mean {ours!r}?"
        return reader.error(node.keys[kind], f"there is no layer {kind!r}", Correction(hint, kind, (ours,)))
    return reader.error(body, f"the options of {kind!r} are no mapping", remedy or f"write `- {kind}: {{key: value}}`")


PLACE = re.compile(r"\{([A-Za-z_]\w*)\}(\.?)")
"""A name's value within a layer's name: `as: layers.{i}`; where it is the empty word, a dot behind it goes, too."""


def fill_names(names: Sequence[str], values: Mapping[str, Any], node: YamlNode, reader: ValueReader) -> tuple[str, ...]:
    """The names of `as:` with the values of the names in braces. SpecError for one that is no whole number or word."""

    def find(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise reader.error(node, f"{{{match[1]}}} is {value!r}", "put a name of a whole number or a word in braces")
        return f"{value}{match[2]}" if value != "" else ""

    return tuple([PLACE.sub(find, name) for name in names])


def item_names(item: LayerItem, reader: ValueReader) -> list[str]:
    """The names of `as:`."""
    if item.name is None:
        return []
    nodes = item.name.items if isinstance(item.name, Seq) else [item.name]
    names = [n.text for n in nodes if isinstance(n, Scalar)]
    plain_names = [PLACE.sub(r"0\2", name) for name in names]
    if len(names) != len(nodes) or not all(names):
        raise reader.error(item.name, "`as:` is no name", "write `as: name` or `as: [first, second]`")
    for node, name in zip(nodes, plain_names, strict=True):
        if not name.replace("-", "_").replace(".", "_").replace("_", "a").isalnum():
            raise reader.error(node, f"{name!r} is no name", "use letters, digits, _, - and .")
    return names


def check_options(item: LayerItem, known_keys: Sequence[str], reader: ValueReader) -> None:
    """SpecError for an option that is not allowed."""
    errors: list[CostcalcError] = []
    for key in item.options:
        if key not in known_keys:
            remedy = (
                option_remedy(key, known_keys) or did_you_mean(key, known_keys) or "it takes " + ", ".join(known_keys)
            )
            errors.append(reader.error(item.keys[key], f"{item.kind} has no key {key!r}", remedy))
    reader.raise_all(errors)


def require_option(item: LayerItem, key: str, reader: ValueReader) -> YamlNode:
    """The option, or SpecError where it is missing."""
    if key not in item.options:
        raise reader.error(item.node, f"{item.kind} needs {key!r}", f"add `{key}: …`")
    return item.options[key]
