"""`limits:`, `min:`, `max_increase:`, `min_delta:` and `layers:` of a config -> what they ask, by quantity, so that an
inner mapping can add to an outer one or take something away (`none`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

from costcalc.core.errors import UsageError
from costcalc.core.quantities import LAYER_TOTALS
from costcalc.core.units import parse_percent
from costcalc.frontends.yaml.document import Map, Scalar, YamlNode
from costcalc.studies.check.budget import COUNTABLE, LIMITS, Budget, Increase, LayerLimit, Limit
from costcalc.studies.check.config_reader import ConfigReader, is_removal
from costcalc.studies.check.limits import default_increases, find_parser, make_limit, parse_amount, takes_name

T = TypeVar("T")

Key = tuple[str, ...]

ALL = "*"
"""The end of a key that takes away everything of its beginning: `time: none`."""


@dataclass(frozen=True, slots=True)
class LimitSet:
    """The limits of one level of a config; None takes away that of the level around it."""

    limits: Mapping[Key, Limit | None] = field(default_factory=dict)
    increases: Mapping[Key, Increase | None] = field(default_factory=dict)
    deltas: Mapping[Key, int | Fraction | None] = field(default_factory=dict)
    layers: Mapping[Key, LayerLimit | None] = field(default_factory=dict)
    allow: tuple[str, ...] = ()

    def merge_into(self, outer: LimitSet) -> LimitSet:
        """This level's limits over those of the level around it; the allowed operators of both are allowed."""
        return LimitSet(
            _override(outer.limits, self.limits),
            _override(outer.increases, self.increases),
            _override(outer.deltas, self.deltas),
            _override(outer.layers, self.layers),
            (*outer.allow, *(op for op in self.allow if op not in outer.allow)),
        )

    def budget(self) -> Budget:
        """The limits that none takes away, in a fixed order: quantities by their codes."""
        limits = sorted(_present_values(self.limits), key=lambda limit: LIMITS.index(limit.quantity))
        increases = [i._replace(delta=self.deltas.get((i.ref.key,)) or 0) for i in _present_values(self.increases)]
        increases.sort(key=lambda increase: LIMITS.index(increase.quantity))
        return Budget(tuple(limits), tuple(increases), tuple(_present_values(self.layers)), self.allow)


def make_limit_set(
    limits: Iterable[Limit],
    increases: Iterable[Increase],
    deltas: Iterable[tuple[Key, int | Fraction]],
    allow: Iterable[str],
) -> LimitSet:
    """Limits that were read one by one. UsageError for two on the same."""
    return LimitSet(
        _unique(((limit.quantity, limit.subject), limit) for limit in limits),
        _unique(((increase.ref.key,), increase) for increase in increases),
        _unique(deltas),
        {},
        tuple(allow),
    )


def _unique(items: Iterable[tuple[Key, T]]) -> dict[Key, T]:
    values: dict[Key, T] = {}
    for key, value in items:
        if key in values:
            raise UsageError(f"{'.'.join(filter(None, key))} has two limits", "leave one of them out")
        values[key] = value
    return values


def _override(outer: Mapping[Key, T | None], inner: Mapping[Key, T | None]) -> dict[Key, T | None]:
    cleared_prefixes = tuple([key[:-1] for key in inner if key[-1] == ALL])
    return {k: v for k, v in outer.items() if k[:-1] not in cleared_prefixes} | {
        k: v for k, v in inner.items() if k[-1] != ALL
    }


def _present_values(values: Mapping[Key, T | None]) -> list[T]:
    return [value for value in values.values() if value is not None]


def read_limits(reader: ConfigReader, node: Map) -> LimitSet:
    """The limits in the mapping of a model, of a scenario or of the whole file."""
    values = node.values
    limits: dict[Key, Limit | None] = {}
    for label in ("limits", "min"):
        limits |= reader.attempt(partial(_read_limit_mapping, reader, values.get(label), label)) or {}
    return LimitSet(
        limits,
        reader.attempt(lambda: _read_increases(reader, values.get("max_increase"))) or {},
        reader.attempt(lambda: _read_deltas(reader, values.get("min_delta"))) or {},
        reader.attempt(lambda: _read_layer_limits(reader, values.get("layers"))) or {},
        tuple([operator for operator, _ in reader.attempt(lambda: reader.words(values.get("allow"), "allow")) or ()]),
    )


def _read_limit_mapping(reader: ConfigReader, node: YamlNode | None, label: str) -> dict[Key, Limit | None]:
    limits: dict[Key, Limit | None] = {}
    for quantity, subject, key, value in _iter_quantities(reader, node, label, LIMITS):
        _refuse_second(reader, limits, (quantity, subject), key)
        limits[quantity, subject] = None
        if not is_removal(value):
            read = partial(_read_limit, reader, quantity, subject, key, value, label == "min")
            limits[quantity, subject] = reader.attempt(read)
    return limits


def _refuse_second(reader: ConfigReader, limits: Mapping[Key, Any], limit: Key, key: Scalar) -> None:
    """ConfigError where a mapping limits a quantity a second time, as `time: {t4: …}` beside `time.t4: …` does."""
    if limit in limits:
        fact = f"{'.'.join(filter(None, limit))} has two limits"
        reader.report(reader.error(key, fact, "leave one of them out"))


def _read_limit(reader: ConfigReader, quantity: str, subject: str, key: Scalar, node: YamlNode, minimum: bool) -> Limit:
    """One limit: an amount that cannot be read is refused at its place, what cannot be held at that of its key."""
    reader.quantity(node, subject or quantity, find_parser(quantity))
    text = reader.word(node, subject or quantity)
    return reader.with_place(key, lambda: make_limit(quantity, subject, text, minimum, reader.place(key)))


def _iter_quantities(
    reader: ConfigReader, node: YamlNode | None, label: str, quantities: Sequence[str]
) -> Iterator[tuple[str, str, Scalar, YamlNode]]:
    """(quantity, device or operator, key, value) of a mapping: `macs: 1G`, `time: {t4: 2 ms}` or `time.t4: 2 ms`,
    `fits: [t4]`. A quantity that is taken away for all devices has ALL for its device."""
    for key, value in reader.items(node, label):
        quantity, _, subject = key.text.partition(".")
        if quantity not in quantities or (subject and not takes_name(quantity)):
            reader.report(reader.unknown(key, f"`{label}:` has no key", key.text, quantities))
            continue
        reader.require_value(value, key.text)
        if not takes_name(quantity) or subject:
            yield quantity, subject, key, value
        elif is_removal(value):
            yield quantity, ALL, key, value
        elif quantity == "fits" and not isinstance(value, Map):
            for device, item in reader.words(value, quantity):
                yield quantity, device, Scalar(device, True, item.line, item.column), _true_scalar(item)
        else:
            for name, inner in reader.items(value, quantity):
                reader.require_value(inner, name.text)
                yield quantity, name.text, name, inner


def _true_scalar(node: YamlNode) -> Scalar:
    return Scalar("true", True, node.line, node.column)


def _read_increases(reader: ConfigReader, node: YamlNode | None) -> dict[Key, Increase | None]:
    if isinstance(node, Scalar):
        if is_removal(node):
            return {(ALL,): None}
        share = reader.quantity(node, "max_increase", parse_percent)
        return {(increase.quantity,): increase for increase in default_increases(share, reader.place(node))}
    increases: dict[Key, Increase | None] = {}
    for quantity, device, key, value in _iter_quantities(reader, node, "max_increase", COUNTABLE):
        increase = Increase(quantity, place=reader.place(key), device=device)
        _refuse_second(reader, increases, (increase.ref.key,), key)
        if is_removal(value):
            increases[increase.ref.key,] = None
        else:
            read = partial(reader.quantity, value, key.text, _amount_parser(quantity))
            percent, amount = reader.attempt(read) or (None, 0)
            increases[increase.ref.key,] = increase._replace(share=percent, amount=amount)
    return increases


def _amount_parser(quantity: str) -> Callable[[str], tuple[Fraction | None, int | Fraction]]:
    return lambda text: parse_amount(quantity, text)


def _read_deltas(reader: ConfigReader, node: YamlNode | None) -> dict[Key, int | Fraction | None]:
    return {
        (Increase(quantity, device=device).ref.key,): (
            None if is_removal(value) else reader.quantity(value, key.text, find_parser(quantity))
        )
        for quantity, device, key, value in _iter_quantities(reader, node, "min_delta", COUNTABLE)
    }


def _read_layer_limits(reader: ConfigReader, node: YamlNode | None) -> dict[Key, LayerLimit | None]:
    layer_limits: dict[Key, LayerLimit | None] = {}
    for glob, limits in reader.items(node, "layers"):
        entries = list(reader.items(limits, glob.text, (*LAYER_TOTALS, "max_share", "each")))
        each = any(reader.truth(value, "each") for key, value in entries if key.text == "each")
        for key, value in entries:
            reader.require_value(value, key.text)
            if key.text == "max_share" and isinstance(value, Map):
                for quantity, share_node in reader.items(value, "max_share", LAYER_TOTALS):
                    layer_limits[glob.text, "share", quantity.text] = _read_layer_limit(
                        reader, glob.text, quantity.text, quantity, share_node, True, each
                    )
            elif key.text == "max_share":
                layer_limits[glob.text, "share", "macs"] = _read_layer_limit(
                    reader, glob.text, "macs", key, value, True, each
                )
            elif key.text != "each":
                layer_limits[glob.text, "", key.text] = _read_layer_limit(
                    reader, glob.text, key.text, key, value, False, each
                )
    return layer_limits


def _read_layer_limit(
    reader: ConfigReader, pattern: str, quantity: str, key: Scalar, node: YamlNode, share: bool, each: bool
) -> LayerLimit | None:
    reader.require_value(node, key.text)
    if is_removal(node):
        return None
    limit_value: int | Fraction
    limit_value = (
        reader.quantity(node, "max_share", parse_percent)
        if share
        else reader.quantity(node, quantity, find_parser(quantity))
    )
    return LayerLimit(pattern, quantity, limit_value, share, each, reader.place(key))
