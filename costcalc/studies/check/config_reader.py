"""Nodes of a config -> words, lists, mappings and amounts; what does not fit is refused at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from costcalc.core.errors import ConfigError, CostcalcError, UsageError, did_you_mean
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.studies.check.verdict import SourcePlace

T = TypeVar("T")


class ConfigReader:
    """The file that nodes stand in, as messages call it. Where errors is a list, errors that leave the rest readable
    are added to it; where it is None, the first is raised."""

    def __init__(self, file: str, errors: list[CostcalcError] | None = None) -> None:
        self.file, self.errors = file, errors

    def report(self, error: CostcalcError) -> None:
        """Adds an error to the errors; raises it where they are not collected."""
        if self.errors is None:
            raise error
        self.errors.append(error)

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None where its error is collected."""
        try:
            return read()
        except CostcalcError as error:
            self.report(error)
            return None

    def place(self, node: YamlNode) -> SourcePlace:
        """Where a node stands."""
        return SourcePlace(self.file, node.line, node.column)

    def error(self, node: YamlNode, fact: str, remedy: str) -> ConfigError:
        """A refusal at a node's place."""
        return ConfigError(fact, remedy, f"{self.file}:{node.line}:{node.column}")

    def unknown(self, node: YamlNode, fact: str, word: str, choices: Sequence[str]) -> ConfigError:
        """The refusal of a word that is none of the choices."""
        return self.error(node, f"{fact} {word!r}", did_you_mean(word, choices) or "there are " + ", ".join(choices))

    def items(self, node: YamlNode | None, label: str, keys: Sequence[str] = ()) -> Iterator[tuple[Scalar, YamlNode]]:
        """The keys and values of a mapping; nothing where it is not there. Where keys are given, no other may stand."""
        if node is None or is_null(node):
            return
        quoted_label = label if " " in label else f"`{label}:`"
        if not isinstance(node, Map):
            raise self.error(
                node, f"{quoted_label} is no mapping", f"write `{label}: {{{keys[0] if keys else 'name'}: …}}`"
            )
        for name, value in node.values.items():
            key = node.keys[name]
            if keys and name not in keys:
                self.report(self.unknown(key, f"{quoted_label} has no key" if label else "there is no key", name, keys))
            else:
                yield key, value

    def word(self, node: YamlNode, label: str) -> str:
        """A text that is not empty."""
        if isinstance(node, Scalar) and (node.is_null or not node.text.strip()):
            raise self.error(node, f"{label} has no value", f"write `{label}: …`, or leave it out")
        if not isinstance(node, Scalar):
            raise self.error(node, f"{label} is no word", f"write `{label}: …`")
        return node.text.strip()

    def require_value(self, node: YamlNode, label: str) -> None:
        """ConfigError where a value was forgotten: `macs:` with nothing behind it would hold nothing."""
        if is_null(node):
            raise self.error(node, f"{label} has no value", "write one, or `none` to take away what stands further out")

    def words(self, node: YamlNode | None, label: str) -> tuple[tuple[str, YamlNode], ...]:
        """A list of words with their nodes; a single word is a list of one."""
        if node is None or is_null(node):
            return ()
        return tuple([(self.word(n, label), n) for n in (node.items if isinstance(node, Seq) else [node])])

    def truth(self, node: YamlNode, label: str) -> bool:
        """A node that says true or false → that."""
        text = node.text.lower() if isinstance(node, Scalar) else ""
        if text in ("true", "yes", "on", "false", "no", "off"):
            return text in ("true", "yes", "on")
        raise self.error(node, f"{label} is neither true nor false", "write true or false")

    def quantity(self, node: YamlNode, label: str, parse: Callable[[str], T]) -> T:
        """A number in human units, as `parse` reads them."""
        text = self.word(node, label)
        try:
            return parse(text)
        except UsageError as error:
            raise self.error(node, f"{label}: {error.fact}", error.remedy) from error

    def with_place(self, node: YamlNode, make: Callable[[], T]) -> T:
        """What `make` gives; its refusal gets the node's place."""
        try:
            return make()
        except CostcalcError as error:
            raise self.error(node, error.fact, error.remedy) from error


def is_null(node: YamlNode) -> bool:
    """Whether nothing is written, or null."""
    return isinstance(node, Scalar) and node.is_null


def is_removal(node: YamlNode) -> bool:
    """Whether a value takes away what stands further out: none."""
    return isinstance(node, Scalar) and node.plain and node.text == "none"
