"""`limits:`, `max_increase:`, `min_delta:` and `layers:` of a config → what they ask, by quantity, so that an inner
mapping can add to an outer one or take something away (`none`).

Nodes of a config → words, lists and mappings; what does not fit is refused at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from costcalc.core.errors import ConfigError, CostcalcError, UsageError, did_you_mean
from costcalc.core.quantities import TOTALS
from costcalc.core.units import parse, parse_percent, parse_seconds
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.studies.check.budget import LIMITS, PARTS, USUAL, Budget, Increase, LayerLimit, Limit
from costcalc.studies.check.verdict import Place
from costcalc.studies.check.wording import kind


class Source:
    """The file that nodes stand in, as messages call it."""

    def __init__(self, file: str) -> None:
        self.file = file

    def place(self, node: YamlNode) -> Place:
        """Where a node stands."""
        return Place(self.file, node.line, node.column)

    def error(self, node: YamlNode, fact: str, remedy: str) -> ConfigError:
        """A refusal at a node's place."""
        return ConfigError(fact, remedy, f"{self.file}:{node.line}:{node.column}")

    def unknown(self, node: YamlNode, what: str, word: str, words: Sequence[str]) -> ConfigError:
        """The refusal of a word that is none of some."""
        return self.error(node, f"{what} {word!r}", did_you_mean(word, words) or "there are " + ", ".join(words))

    def items(self, node: YamlNode | None, what: str, keys: Sequence[str] = ()) -> Iterator[tuple[Scalar, YamlNode]]:
        """The keys and values of a mapping; nothing where it is not there. Where keys are given, no other may stand."""
        if node is None or is_null(node):
            return
        named = what if " " in what else f"`{what}:`"
        if not isinstance(node, Map):
            raise self.error(node, f"{named} is no mapping", f"write `{what}: {{{keys[0] if keys else 'name'}: …}}`")
        for name, value in node.values.items():
            key = node.keys[name]
            if keys and name not in keys:
                raise self.unknown(key, f"{named} has no key" if what else "there is no key", name, keys)
            yield key, value

    def word(self, node: YamlNode, what: str) -> str:
        """A text that is not empty."""
        if not isinstance(node, Scalar) or node.is_null or not node.text.strip():
            raise self.error(node, f"{what} is no word", f"write `{what}: …`")
        return node.text.strip()

    def words(self, node: YamlNode | None, what: str) -> tuple[tuple[str, YamlNode], ...]:
        """A list of words with their nodes; a single word is a list of one."""
        if node is None or is_null(node):
            return ()
        return tuple([(self.word(n, what), n) for n in (node.items if isinstance(node, Seq) else [node])])

    def truth(self, node: YamlNode, what: str) -> bool:
        """true or false."""
        text = node.text.lower() if isinstance(node, Scalar) else ""
        if text in ("true", "yes", "on", "false", "no", "off"):
            return text in ("true", "yes", "on")
        raise self.error(node, f"{what} is neither true nor false", "write true or false")

    def quantity(self, node: YamlNode, what: str, read: Callable[[str], T]) -> T:
        """A number in human units, as `read` knows them."""
        text = self.word(node, what)
        try:
            return read(text)
        except UsageError as error:
            raise self.error(node, f"{what}: {error.fact}", error.remedy) from error

    def checked(self, node: YamlNode, ask: Callable[[], T]) -> T:
        """What `ask` gives; its refusal gets the node's place."""
        try:
            return ask()
        except CostcalcError as error:
            raise self.error(node, error.fact, error.remedy) from error


def is_null(node: YamlNode) -> bool:
    """Whether nothing is written, or null."""
    return isinstance(node, Scalar) and node.is_null


def removed(node: YamlNode) -> bool:
    """Whether a value takes away what stands further out: nothing, null or none."""
    return isinstance(node, Scalar) and node.plain and (node.is_null or node.text == "none")


T = TypeVar("T")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one level of a config asks; None takes away what the level around it asks."""

    limits: Mapping[Key, Limit | None] = field(default_factory=dict)
    increases: Mapping[Key, Increase | None] = field(default_factory=dict)
    deltas: Mapping[Key, int | None] = field(default_factory=dict)
    layers: Mapping[Key, LayerLimit | None] = field(default_factory=dict)
    allow: tuple[str, ...] = ()

    def within(self, outer: Asked) -> Asked:
        """This level's words over those of the level around it; what is allowed adds up."""
        return Asked(
            _over(outer.limits, self.limits),
            _over(outer.increases, self.increases),
            _over(outer.deltas, self.deltas),
            _over(outer.layers, self.layers),
            (*outer.allow, *(op for op in self.allow if op not in outer.allow)),
        )

    def budget(self) -> Budget:
        """What is left to be held to, in a fixed order: quantities by their codes."""
        limits = sorted(_kept(self.limits), key=lambda limit: LIMITS.index(limit.quantity))
        increases = [i._replace(delta=self.deltas.get((i.quantity,)) or 0) for i in _kept(self.increases)]
        increases.sort(key=lambda increase: TOTALS.index(increase.quantity))
        return Budget(tuple(limits), tuple(increases), tuple(_kept(self.layers)), self.allow)


ALL = "*"
"""The end of a key that takes away everything of its beginning: `time: none`."""


def _over(outer: Mapping[Key, T | None], inner: Mapping[Key, T | None]) -> dict[Key, T | None]:
    cleared = tuple([key[:-1] for key in inner if key[-1] == ALL])
    return {k: v for k, v in outer.items() if k[:-1] not in cleared} | {k: v for k, v in inner.items() if k[-1] != ALL}


def _kept(given: Mapping[Key, T | None]) -> list[T]:
    return [value for value in given.values() if value is not None]


def asked(source: Source, node: Map) -> Asked:
    """What the mapping of a model, of a scenario or of the whole file asks."""
    values = node.values
    return Asked(
        _limits(source, values.get("limits")),
        _increases(source, values.get("max_increase")),
        _deltas(source, values.get("min_delta")),
        _layers(source, values.get("layers")),
        tuple([word for word, _ in source.words(values.get("allow"), "allow")]),
    )


def _limits(source: Source, node: YamlNode | None) -> dict[Key, Limit | None]:
    found: dict[Key, Limit | None] = {}
    for key, value in source.items(node, "limits", LIMITS):
        quantity = key.text
        if quantity in ("time", "ops") and removed(value):
            found[quantity, ALL] = None
        elif quantity in ("time", "ops"):
            for of, most in source.items(value, quantity):
                found[quantity, of.text] = None if removed(most) else _limit(source, quantity, of.text, of, most)
        else:
            found[quantity, ""] = None if removed(value) else _limit(source, quantity, "", key, value)
    return found


def _limit(source: Source, quantity: str, of: str, key: Scalar, node: YamlNode) -> Limit:
    read: Callable[[str], int | Fraction] = parse_seconds if quantity == "time" else parser(quantity)
    most = source.quantity(node, of or quantity, read)
    made = Limit(quantity, most, of, source.place(key))
    source.checked(key, lambda: check_limit(made))
    return made


def check_limit(limit: Limit) -> None:
    """UsageError for a limit that cannot be held: an operator written otherwise, unknown operators by number."""
    if limit.quantity == "unknown_ops" and limit.most:
        raise UsageError("unknown_ops can only be 0", "allow operators by name, with `allow: [domain:Op]` or --allow")
    if limit.quantity == "ops" and ":" not in limit.of:
        from costcalc.frontends.yaml.operators import operators

        meant = {name.lower(): name for name in operators()}.get(limit.of.lower(), limit.of)
        if meant != limit.of:
            raise UsageError(f"there is no operator {limit.of!r}", f"did you mean {meant!r}?")


def _increases(source: Source, node: YamlNode | None) -> dict[Key, Increase | None]:
    if isinstance(node, Scalar) and not node.is_null:
        if removed(node):
            return {(ALL,): None}
        share = source.quantity(node, "max_increase", parse_percent)
        return {(quantity,): Increase(quantity, share, place=source.place(node)) for quantity in USUAL}
    found: dict[Key, Increase | None] = {}
    for key, value in source.items(node, "max_increase", TOTALS):
        if removed(value):
            found[key.text,] = None
        else:
            percent, most = source.quantity(value, key.text, amount(key.text))
            found[key.text,] = Increase(key.text, percent, most, place=source.place(key))
    return found


def parser(quantity: str) -> Callable[[str], int]:
    """What reads an amount of a quantity."""
    return parse if kind(quantity) == "bytes" else _count


def _count(text: str) -> int:
    """No bytes, of which 7B would be seven and not seven billion."""
    if text.lower().endswith("b"):
        raise UsageError(f"{text!r} is in bytes, which this is not counted in", "write 600M, or 7G for 7 billion")
    return parse(text)


def amount(quantity: str) -> Callable[[str], tuple[Fraction | None, int]]:
    """What reads 2% as a share, 1M or 0 as an amount of a quantity."""
    return lambda text: (parse_percent(text), 0) if text.endswith("%") else (None, parser(quantity)(text))


def _deltas(source: Source, node: YamlNode | None) -> dict[Key, int | None]:
    return {
        (key.text,): None if removed(value) else source.quantity(value, key.text, parser(key.text))
        for key, value in source.items(node, "min_delta", TOTALS)
    }


def _layers(source: Source, node: YamlNode | None) -> dict[Key, LayerLimit | None]:
    found: dict[Key, LayerLimit | None] = {}
    for glob, limits in source.items(node, "layers"):
        entries = list(source.items(limits, glob.text, (*PARTS, "max_share", "each")))
        each = any(source.truth(value, "each") for key, value in entries if key.text == "each")
        for key, value in entries:
            if key.text == "max_share" and isinstance(value, Map):
                for of, most in source.items(value, "max_share", PARTS):
                    found[glob.text, "share", of.text] = _layer(source, glob.text, of.text, of, most, True, each)
            elif key.text == "max_share":
                found[glob.text, "share", "macs"] = _layer(source, glob.text, "macs", key, value, True, each)
            elif key.text != "each":
                found[glob.text, "", key.text] = _layer(source, glob.text, key.text, key, value, False, each)
    return found


def _layer(
    source: Source, pattern: str, quantity: str, key: Scalar, node: YamlNode, share: bool, each: bool
) -> LayerLimit | None:
    if removed(node):
        return None
    most: int | Fraction
    most = (
        source.quantity(node, "max_share", parse_percent)
        if share
        else source.quantity(node, quantity, parser(quantity))
    )
    return LayerLimit(pattern, quantity, most, share, each, source.place(key))
