"""Settings of an entry or of a scenario of a config -> Settings: a key for each setting, read by its kind.

The settings of reading and of execution stand by their names (`dims:`, `fuse: true`; `params` are `set:`), the others
in their groups: `training: {optimizer: sgd}` or `training: true`, `generation: {prompt: 128}`, `devices: [t4]`. A
scenario's stand over its entry's: values by name are united, and `none` takes a group away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from costcalc.core.settings import MAPPING_KINDS, Kind, Setting
from costcalc.frontends.yaml.document import Map, Seq, YamlNode
from costcalc.graph.convert import PRECISIONS, normalise_dtype
from costcalc.studies.check.config_reader import ConfigReader, is_removed
from costcalc.studies.options import GROUPS, Settings, all_settings

KEYS = {"params": "set"}
"""The keys of settings that are called otherwise in a config."""

FLAT = ("", "execution")
"""The groups whose settings stand in an entry by their names."""

Given = Mapping[str, Any]
"""Settings as `Settings.of` takes them; None takes a group away."""


def settings_keys() -> tuple[str, ...]:
    """The keys of an entry that are settings."""
    every = all_settings()
    flat = [KEYS.get(one.name, one.name) for group in FLAT for one in every[group]]
    return (*flat, *GROUPS, "devices")


def read_settings(reader: ConfigReader, node: Map) -> Given:
    """The settings in the mapping of an entry or of a scenario. ConfigError where one does not fit its kind."""
    every = all_settings()
    found = _group(reader, node, every[""])
    for group in GROUPS:
        found |= _named_group(reader, node.values.get(group), group, every[group])
    execution = _group(reader, node, every["execution"])
    if execution:
        found["execution"] = {**(found.get("execution") or {}), **execution}
    if "devices" in node.values:
        value = node.values["devices"]
        found["devices"] = () if is_removed(value) else tuple([word for word, _ in reader.words(value, "devices")])
    return found


def merge_settings(outer: Given, inner: Given) -> dict[str, Any]:
    """A scenario's settings over its entry's: values and options by name are united, anything else is replaced;
    `training: true` leaves the options that are there."""
    found = dict(outer)
    for name, value in inner.items():
        old = outer.get(name)
        if isinstance(old, Mapping) and (isinstance(value, Mapping) or value is True):
            value = {**old, **(value if isinstance(value, Mapping) else {})}
        found[name] = value
    return found


def make_settings(reader: ConfigReader, node: YamlNode, given: Given) -> Settings:
    """The settings; what they refuse is refused at the node's place."""
    return reader.with_place(node, lambda: Settings.of(**given))


def _named_group(
    reader: ConfigReader, node: YamlNode | None, name: str, settings: tuple[Setting, ...]
) -> dict[str, Any]:
    """{group: its options, True for their defaults, None where it is taken away}, nothing where it is not there."""
    if node is None:
        return {}
    if isinstance(node, Map):
        for _ in reader.items(node, name, tuple([one.name for one in settings])):
            pass
        return {name: _group(reader, node, settings)}
    if is_removed(node):
        return {name: None}
    return {name: True if reader.truth(node, name) else None}


def _group(reader: ConfigReader, node: Map, settings: tuple[Setting, ...]) -> dict[str, Any]:
    """The settings of a group that are keys of a mapping."""
    found = {}
    for one in settings:
        key = KEYS.get(one.name, one.name)
        if key not in node.values:
            continue
        value = node.values[key]
        if one.kind in MAPPING_KINDS:
            read = _VALUES[one.kind]
            found[one.name] = {k.text: read(reader, inner, k.text) for k, inner in reader.items(value, key)}
        else:
            found[one.name] = _read(reader, value, key, one)
    return found


def _read(reader: ConfigReader, node: YamlNode, key: str, one: Setting) -> Any:
    """A setting that is one value, or a list of words."""
    if one.kind == "flag":
        return reader.truth(node, key)
    if one.kind == "texts":
        return tuple([word for word, _ in reader.words(node, key)])
    if one.kind == "count" and is_removed(node):
        return None
    text = reader.word(node, key)
    if one.kind == "precision":
        return _one_of(reader, node, normalise_dtype(text), f"{key}: there is no element type", PRECISIONS, text)
    if one.kind == "choice":
        return _one_of(reader, node, text, f"{key}: there is no", one.choices, text)
    if not re.fullmatch(r"[0-9]{1,18}", text) or not int(text):
        raise reader.error(node, f"{key} is {text!r}", "give a whole number of at least 1")
    return int(text)


def _one_of(reader: ConfigReader, node: YamlNode, value: str, what: str, known: Any, text: str) -> str:
    if value not in known:
        raise reader.unknown(node, what, text, tuple(known))
    return value


def _param(reader: ConfigReader, node: YamlNode, what: str) -> Any:
    """A parameter of a YAML model: a number, an expression or a word as it stands, or a list of those."""
    if isinstance(node, Seq):
        return [_param(reader, item, what) for item in node.items]
    text = reader.word(node, what)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _extent(reader: ConfigReader, node: YamlNode, what: str) -> int | str:
    text = reader.word(node, what)
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if text[0].isdigit() or not text[0].isidentifier():
        raise reader.error(node, f"{what} is {text!r}", "give a whole number, or a symbol's name")
    return text


def _shape(reader: ConfigReader, node: YamlNode, what: str) -> tuple[int | str, ...]:
    if not isinstance(node, Seq):
        raise reader.error(node, f"the shape of {what} is no list", "write it as [1, 3, 224, 224]")
    return tuple([_extent(reader, item, what) for item in node.items])


def _scalar(reader: ConfigReader, node: YamlNode, what: str) -> int | bool:
    text = reader.word(node, what).lower()
    if text in ("true", "false"):
        return text == "true"
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise reader.error(node, f"the value of {what} is {text!r}", "give a whole number, true or false")
    return int(text)


_VALUES: dict[Kind, Callable[[ConfigReader, YamlNode, str], Any]] = {
    "params": _param,
    "dims": _extent,
    "shapes": _shape,
    "values": _scalar,
}
"""How a value behind a name is read."""
