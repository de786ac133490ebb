"""`limits:`, `min:`, `max_increase:`, `min_delta:` and `layers:` of a config -> what they ask, by quantity, so that an
inner mapping can add to an outer one or take something away (`none`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from costcalc.core.quantities import LAYER_TOTALS
from costcalc.core.units import parse_percent
from costcalc.frontends.yaml.document import Map, Scalar, YamlNode
from costcalc.studies.check.budget import COUNTABLE, LIMITS, Budget, Increase, LayerLimit, Limit
from costcalc.studies.check.config_reader import ConfigReader, is_removed
from costcalc.studies.check.limits import make_limit, parse_amount, parser, takes_name, usual_increases

T = TypeVar("T")

Key = tuple[str, ...]

ALL = "*"
"""The end of a key that takes away everything of its beginning: `time: none`."""


@dataclass(frozen=True, slots=True)
class LimitSet:
    """What one level of a config asks; None takes away what the level around it asks."""

    limits: Mapping[Key, Limit | None] = field(default_factory=dict)
    increases: Mapping[Key, Increase | None] = field(default_factory=dict)
    deltas: Mapping[Key, int | Fraction | None] = field(default_factory=dict)
    layers: Mapping[Key, LayerLimit | None] = field(default_factory=dict)
    allow: tuple[str, ...] = ()

    def within(self, outer: LimitSet) -> LimitSet:
        """This level's words over those of the level around it; what is allowed adds up."""
        return LimitSet(
            _over(outer.limits, self.limits),
            _over(outer.increases, self.increases),
            _over(outer.deltas, self.deltas),
            _over(outer.layers, self.layers),
            (*outer.allow, *(op for op in self.allow if op not in outer.allow)),
        )

    def budget(self) -> Budget:
        """What is left to be held to, in a fixed order: quantities by their codes."""
        limits = sorted(_kept(self.limits), key=lambda limit: LIMITS.index(limit.quantity))
        increases = [i._replace(delta=self.deltas.get((i.ref.key,)) or 0) for i in _kept(self.increases)]
        increases.sort(key=lambda increase: LIMITS.index(increase.quantity))
        return Budget(tuple(limits), tuple(increases), tuple(_kept(self.layers)), self.allow)


def limit_set(
    limits: Iterable[Limit],
    increases: Iterable[Increase],
    deltas: Iterable[tuple[Key, int | Fraction]],
    allow: Iterable[str],
) -> LimitSet:
    """Limits that were read one by one; of two on the same, the last one holds."""
    return LimitSet(
        {(limit.quantity, limit.subject): limit for limit in limits},
        {(increase.ref.key,): increase for increase in increases},
        dict(deltas),
        {},
        tuple(allow),
    )


def _over(outer: Mapping[Key, T | None], inner: Mapping[Key, T | None]) -> dict[Key, T | None]:
    cleared = tuple([key[:-1] for key in inner if key[-1] == ALL])
    return {k: v for k, v in outer.items() if k[:-1] not in cleared} | {k: v for k, v in inner.items() if k[-1] != ALL}


def _kept(values: Mapping[Key, T | None]) -> list[T]:
    return [value for value in values.values() if value is not None]


def read_limits(reader: ConfigReader, node: Map) -> LimitSet:
    """What the mapping of a model, of a scenario or of the whole file asks."""
    values = node.values
    return LimitSet(
        _limits(reader, values.get("limits"), "limits") | _limits(reader, values.get("min"), "min"),
        _increases(reader, values.get("max_increase")),
        _deltas(reader, values.get("min_delta")),
        _layers(reader, values.get("layers")),
        tuple([word for word, _ in reader.words(values.get("allow"), "allow")]),
    )


def _limits(reader: ConfigReader, node: YamlNode | None, what: str) -> dict[Key, Limit | None]:
    found: dict[Key, Limit | None] = {}
    for quantity, of, key, value in _by_quantity(reader, node, what, LIMITS):
        found[quantity, of] = None if is_removed(value) else _limit(reader, quantity, of, key, value, what == "min")
    return found


def _limit(reader: ConfigReader, quantity: str, of: str, key: Scalar, node: YamlNode, minimum: bool) -> Limit:
    """One limit: an amount that cannot be read is refused at its place, what cannot be held at that of its key."""
    reader.quantity(node, of or quantity, parser(quantity))
    text = reader.word(node, of or quantity)
    return reader.with_place(key, lambda: make_limit(quantity, of, text, minimum, reader.place(key)))


def _by_quantity(
    reader: ConfigReader, node: YamlNode | None, what: str, known: Sequence[str]
) -> Iterator[tuple[str, str, Scalar, YamlNode]]:
    """(quantity, device or operator, key, value) of a mapping: `macs: 1G`, `time: {t4: 2 ms}` or `time.t4: 2 ms`,
    `fits: [t4]`. A quantity that is taken away for all devices has ALL for its device."""
    for key, value in reader.items(node, what):
        quantity, _, of = key.text.partition(".")
        if quantity not in known or (of and not takes_name(quantity)):
            raise reader.unknown(key, f"`{what}:` has no key", key.text, known)
        if not takes_name(quantity) or of:
            yield quantity, of, key, value
        elif is_removed(value):
            yield quantity, ALL, key, value
        elif quantity == "fits" and not isinstance(value, Map):
            for word, item in reader.words(value, quantity):
                yield quantity, word, Scalar(word, True, item.line, item.column), _true(item)
        else:
            for name, inner in reader.items(value, quantity):
                yield quantity, name.text, name, inner


def _true(node: YamlNode) -> Scalar:
    return Scalar("true", True, node.line, node.column)


def _increases(reader: ConfigReader, node: YamlNode | None) -> dict[Key, Increase | None]:
    if isinstance(node, Scalar) and not node.is_null:
        if is_removed(node):
            return {(ALL,): None}
        share = reader.quantity(node, "max_increase", parse_percent)
        return {(one.quantity,): one for one in usual_increases(share, reader.place(node))}
    found: dict[Key, Increase | None] = {}
    for quantity, of, key, value in _by_quantity(reader, node, "max_increase", COUNTABLE):
        made = Increase(quantity, place=reader.place(key), device=of)
        if is_removed(value):
            found[made.ref.key,] = None
        else:
            percent, most = reader.quantity(value, key.text, _amount(quantity))
            found[made.ref.key,] = made._replace(share=percent, amount=most)
    return found


def _amount(quantity: str) -> Callable[[str], tuple[Fraction | None, int | Fraction]]:
    return lambda text: parse_amount(quantity, text)


def _deltas(reader: ConfigReader, node: YamlNode | None) -> dict[Key, int | Fraction | None]:
    return {
        (Increase(quantity, device=of).ref.key,): (
            None if is_removed(value) else reader.quantity(value, key.text, parser(quantity))
        )
        for quantity, of, key, value in _by_quantity(reader, node, "min_delta", COUNTABLE)
    }


def _layers(reader: ConfigReader, node: YamlNode | None) -> dict[Key, LayerLimit | None]:
    found: dict[Key, LayerLimit | None] = {}
    for glob, limits in reader.items(node, "layers"):
        entries = list(reader.items(limits, glob.text, (*LAYER_TOTALS, "max_share", "each")))
        each = any(reader.truth(value, "each") for key, value in entries if key.text == "each")
        for key, value in entries:
            if key.text == "max_share" and isinstance(value, Map):
                for of, most in reader.items(value, "max_share", LAYER_TOTALS):
                    found[glob.text, "share", of.text] = _layer(reader, glob.text, of.text, of, most, True, each)
            elif key.text == "max_share":
                found[glob.text, "share", "macs"] = _layer(reader, glob.text, "macs", key, value, True, each)
            elif key.text != "each":
                found[glob.text, "", key.text] = _layer(reader, glob.text, key.text, key, value, False, each)
    return found


def _layer(
    reader: ConfigReader, pattern: str, quantity: str, key: Scalar, node: YamlNode, share: bool, each: bool
) -> LayerLimit | None:
    if is_removed(node):
        return None
    most: int | Fraction
    most = (
        reader.quantity(node, "max_share", parse_percent)
        if share
        else reader.quantity(node, quantity, parser(quantity))
    )
    return LayerLimit(pattern, quantity, most, share, each, reader.place(key))
