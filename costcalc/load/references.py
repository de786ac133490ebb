"""What `from:` and `weights:` name: values by their layers' names, and constants that stand in the place of one."""

from __future__ import annotations

from costcalc.build import GraphBuilder
from costcalc.errors import did_you_mean
from costcalc.load.layers.base import add_constant
from costcalc.load.scope import Scope
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import Scalar, Seq, YamlNode


class References:
    """Finds values for one document. layers maps the path of every layer so far, blocks and residuals included, to
    the value that it gives."""

    def __init__(self, reader: Reader, builder: GraphBuilder) -> None:
        self.reader, self.builder = reader, builder
        self.layers: dict[str, str] = {}
        self.homes: dict[str, str] = {}
        self.left_out: set[str] = set()

    def owner(self, name: str, node: YamlNode, scope: Scope) -> str:
        """The path of a layer whose weights are shared; the weights are called after it."""
        value = scope.find(name) or self.relative(name, scope)
        if value is None:
            near = did_you_mean(name, self.known(scope))
            raise self.reader.error(node, f"nothing above is called {name!r}", near or "name the layer with `as:`")
        return self.homes.get(value, value)

    def add(self, path: str, value: str) -> None:
        """Notes what a layer gives; the innermost layer that ends in a value is its home."""
        self.layers[path] = value
        self.homes.setdefault(value, path)

    def named(self, node: YamlNode, scope: Scope) -> str:
        """The value of a name. SpecError where there is none, with the nearest that there is."""
        if not isinstance(node, Scalar):
            raise self.reader.error(node, "a name is expected", "write the name of a layer or of an input")
        value = scope.find(node.text)
        if value is None:
            value = self.relative(node.text, scope)
        if value is None:
            near = did_you_mean(node.text, self.known(scope))
            if node.text in self.left_out:
                raise self.reader.error(node, f"{node.text!r} is left out by its `when:`", "read another layer then")
            raise self.reader.error(
                node,
                f"nothing above is called {node.text!r}",
                near or "name a layer with `as:` before it is read: a graph has no cycles",
            )
        return value

    def known(self, scope: Scope) -> set[str]:
        """All names that could be read here: those of `as:` and those that reports print."""
        prefix = "/".join((*scope.path, ""))
        return scope.known() | {path.removeprefix(prefix) for path in self.layers}

    def relative(self, name: str, scope: Scope) -> str | None:
        """What a layer gives, by the path that reports print, from any scope outwards."""
        for depth in range(len(scope.path), -1, -1):
            path = "/".join((*scope.path[:depth], name))
            if path in self.layers:
                return self.layers[path]
        return None

    def sources(self, node: YamlNode, scope: Scope) -> tuple[str, ...]:
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
        name = f"constant_{node.line}_{node.column}"
        number = 0
        while name in self.builder.types:
            number += 1
            name = f"constant_{node.line}_{node.column}_{number}"
        return add_constant(self.builder, name, value)
