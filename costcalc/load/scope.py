"""Where the names of a YAML model are looked up, and what a block is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.load.yaml_nodes import YamlNode


class Block(NamedTuple):
    """A named list of layers with arguments (a null default: it must be given) and names for what it reads."""

    name: str
    args: Mapping[str, YamlNode]
    inputs: Sequence[str]
    layers: YamlNode


class Scope:
    """Where names are looked up: values by the layers' names, numbers and words by name; outwards until found."""

    __slots__ = ("calls", "count", "names", "outer", "path", "repeating", "values")

    def __init__(
        self, names: Mapping[str, Any], values: dict[str, str], path: tuple[str, ...], outer: Scope | None = None
    ) -> None:
        self.names, self.values, self.path, self.outer = names, values, path, outer
        self.count: dict[str, int] = {}
        self.repeating = 0
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
