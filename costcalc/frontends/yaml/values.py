"""A YAML node and the kind of its key -> a Python value, with errors at its place.

Digits, true and false, and the words of a choice stand for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from costcalc.core.dim import Poly
from costcalc.core.errors import CostcalcError, ExpressionError, LimitError, SpecError, did_you_mean
from costcalc.core.units import parse_digits
from costcalc.frontends.yaml.document import Document, Map, Scalar, Seq, YamlNode
from costcalc.frontends.yaml.expression import MAX_ELEMENTS, count_elements, evaluate, is_expression
from costcalc.frontends.yaml.layers.base import KINDS, LayerKey

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")

RESERVED = frozenset(("", "~", "null", "true", "false"))
"""Words, in lower case, that mean something of their own where they are not in quotes."""

PLAIN = frozenset(("extent", "extents", "int", "pad"))
"""Kinds of keys at which digits are just that number: most values of most files."""


MAX_ERRORS = 100
"""The most errors of one file that are collected."""


def is_constant(key: LayerKey, node: YamlNode) -> bool:
    """Whether the value at a key is the same for all values of the file's names."""
    if not isinstance(node, Scalar):
        return False
    if key.kind == "bool":
        return node.text.lower() in TRUE + FALSE
    is_count = key.kind in PLAIN and bool(parse_digits(node.text))
    return is_count or (key.kind == "word" and node.text in key.choices)


Names = Mapping[str, Any]


class LiteralText(str):
    """A value of a parameter that is text and no expression (`full_attention`, `M*M-`): it stands for itself."""

    __slots__ = ()


DERIVED: Any = object()
"""The value of a parameter that is given as null: what the file's `params:` derive it from."""


class ValueReader:
    """Reads values of one document. Where errors is a list, errors that leave the rest readable are added to it;
    where it is None, the first is raised."""

    def __init__(self, document: Document, errors: list[CostcalcError] | None = None) -> None:
        self.document, self.errors = document, errors

    def error(self, node: YamlNode, fact: str, remedy: str) -> SpecError:
        """A SpecError at the node's place."""
        return SpecError(fact, remedy, self.document.place(node))

    def report(self, error: CostcalcError) -> None:
        """Adds an error to the errors, once for a place; raises it where they are not collected, and a LimitError."""
        if self.errors is None or isinstance(error, LimitError):
            raise error
        key = error.fact, error.place.partition(": ")[0]  # a layer of a block has several names
        if all(key != (other.fact, other.place.partition(": ")[0]) for other in self.errors[-MAX_ERRORS:]):
            self.errors.append(error)

    def raise_all(self, errors: Sequence[CostcalcError]) -> None:
        """Raises the first of some errors of one layer, where there are any; where they are collected the last, with
        the others reported."""
        if not errors:
            return
        if self.errors is None:
            raise errors[0]
        for error in errors[:-1]:
            self.report(error)
        raise errors[-1]

    def value(self, node: YamlNode, names: Names) -> Any:
        """A value of any kind: a number, a word, true or false, None, or a list of those. A word that is a name stands
        for the name's value."""
        if isinstance(node, Seq):
            values = [self.value(item, names) for item in node.items]
            if count_elements(values) > MAX_ELEMENTS:
                raise self.error(node, f"the list has more than {MAX_ELEMENTS:,} elements", "write fewer")
            return values
        if isinstance(node, Map):
            raise self.error(node, "a mapping stands where a value is expected", "give a number, a word or a list")
        text = node.text
        if text in names and text.lower() not in RESERVED:
            return names[text]
        if (number := parse_digits(text)) is not None:
            return number
        if node.is_null:
            return None
        if node.plain and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if text in names:
            return names[text]
        if not node.text.isidentifier() and is_expression(node.text):
            return self.number(node, names)
        return node.text

    def number(self, node: YamlNode, names: Names) -> Any:
        """The value of an expression."""
        if not isinstance(node, Scalar) or node.is_null:
            raise self.error(node, "a number is missing", "give a number or an expression")
        try:
            return evaluate(node.text, names)
        except ExpressionError as error:
            raise error.at(self.document.place(node)) from error

    def read(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> Any:
        """The value at a key of a kind. SpecError where it is of another kind."""
        if isinstance(node, Scalar):
            text = node.text
            if key.kind in PLAIN:
                value = names.get(text) if (number := parse_digits(text)) is None else number
                if value.__class__ is int and value > 0:
                    return value
            if node.is_null and key.default is None:
                return None
        return _READERS[key.kind](self, key, name, node, names)

    def condition(self, node: YamlNode, names: Names) -> bool:
        """Whether a `when:` holds: true, or a whole number that is not 0. A name without a value (null) is false."""
        value = self.value(node, names)
        if value is None and isinstance(node, Scalar) and not node.is_null:
            return False
        if isinstance(value, Poly):
            raise self.error(node, f"when is {value}, which is open", "bind it with --dim")
        if not isinstance(value, int):
            text = node.text if isinstance(node, Scalar) else value
            raise self.error(node, f"when is {text!r}", "give true, false, a whole number, or a name of such a value")
        return bool(value)

    def extent(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> Any:
        """A positive whole number or a symbolic extent."""
        value = self.integer(key, name, node, names, symbolic=True)
        if isinstance(value, int) and value < 1:
            raise self.error(node, f"{name} is {value}", "it is at least 1")
        return value

    def integer(self, key: LayerKey, name: str, node: YamlNode, names: Names, symbolic: bool = False) -> Any:
        """A whole number."""
        value = self.number(node, names)
        if (isinstance(value, int) and not isinstance(value, bool)) or (value is None and key.default is None):
            return value
        if isinstance(value, Poly):
            if symbolic:
                return value
            raise self.error(node, f"{name} is {value}, which is open", "bind it with --dim, or give a number")
        number = float(value) if hasattr(value, "denominator") else value
        raise self.error(node, f"{name} is {number!r}, not a whole number", "use round(), floor(), ceil() or //")

    def _number(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> float | None:
        value = self.number(node, names)
        if value is None and key.default is None:
            return None
        if isinstance(value, (str, bool, Poly, list)) or value is None:
            raise self.error(node, f"{name} is {value!r}", "give a number")
        return float(value)

    def _bool(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> bool:
        if isinstance(node, Scalar):
            word = node.text.lower()
            if word in TRUE or word in FALSE:
                return word in TRUE
            value = names.get(node.text)
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value.lower() in TRUE + FALSE:
                return value.lower() in TRUE
            if not node.text.isidentifier() and is_expression(node.text):
                value = self.number(node, names)
                if isinstance(value, bool):
                    return value
        raise self.error(node, f"{name} is neither true nor false", "write true or false")

    def _word(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> str:
        if isinstance(node, Scalar):
            if node.text in key.choices:
                return node.text
            value = names.get(node.text)
            if value is None and not node.text.isidentifier() and is_expression(node.text):
                value = self.number(node, names)
            if isinstance(value, str) and value in key.choices:
                return value
            text = value if isinstance(value, str) else node.text
            remedy = did_you_mean(text, key.choices) or "use " + ", ".join(key.choices[:12])
            raise self.error(node, f"{name} is {text!r}", remedy)
        raise self.error(node, f"{name} is a list or a mapping", "use " + ", ".join(key.choices[:12]))

    def _extents(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> Any:
        value = self._ints(name, node, names)
        for number in value if isinstance(value, list) else [value]:
            if number < 1:
                raise self.error(node, f"{name} is {number}", "it is at least 1")
        return value

    def _ints(self, name: str, node: YamlNode, names: Names) -> int | list[int]:
        if isinstance(node, Seq):
            return [self.integer(_INT, name, item, names) for item in node.items]
        value = names.get(node.text) if isinstance(node, Scalar) else None
        if isinstance(value, list):
            if all(isinstance(v, int) for v in value):
                return value
            raise self.error(node, f"{name} is {value}", "give whole numbers")
        number: int = self.integer(_INT, name, node, names)
        return number

    def _pad(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> Any:
        if isinstance(node, Scalar):
            word = names.get(node.text, node.text)
            if word in ("same", "same_lower", "valid"):
                return word
            if node.text.isidentifier() and node.text not in names:
                hint = did_you_mean(node.text, ("same", "same_lower", "valid"))
                raise self.error(
                    node, f"{name} is {node.text!r}", hint or "give a number, a list, or same, same_lower, valid"
                )
        value = self._ints(name, node, names)
        if any(v < 0 for v in (value if isinstance(value, list) else [value])):
            raise self.error(node, f"{name} is negative", "use a slice to cut")
        return value

    def _axes(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> list[int]:
        value = self._ints(name, node, names)
        return value if isinstance(value, list) else [value]

    def _shape(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> list[Any]:
        if isinstance(node, Scalar) and isinstance(names.get(node.text), list):
            return list(names[node.text])
        if not isinstance(node, Seq):
            raise self.error(node, f"{name} is no list", "write it as [1, 64, 7, 7]")
        return [self.integer(key, name, item, names, symbolic=True) for item in node.items]

    def text(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> str:
        """A word as it is written; a name whose value is a word stands for that word."""
        if not isinstance(node, Scalar):
            raise self.error(node, f"{name} is a list or a mapping", "give one word")
        value = names.get(node.text)
        return value if isinstance(value, str) else node.text

    def _any(self, key: LayerKey, name: str, node: YamlNode, names: Names) -> Any:
        return self.value(node, names)


_INT = LayerKey("int")

_READERS: dict[str, Callable[[ValueReader, LayerKey, str, YamlNode, Names], Any]] = {
    "extent": ValueReader.extent,
    "int": ValueReader.integer,
    "number": ValueReader._number,
    "bool": ValueReader._bool,
    "word": ValueReader._word,
    "extents": ValueReader._extents,
    "pad": ValueReader._pad,
    "axes": ValueReader._axes,
    "shape": ValueReader._shape,
    "layer": ValueReader.text,
    "text": ValueReader.text,
    "any": ValueReader._any,
}

assert _READERS.keys() == KINDS.keys()
