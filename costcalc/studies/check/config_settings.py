"""Settings of an entry or of a scenario of a config -> Settings: a key for each setting, read by its kind.

The settings of reading and of execution stand by their names (`dims:`, `fuse: true`; `params` are `set:`), the others
in their groups: `training: {optimizer: sgd}` or `training: true`, `generation: {prompt: 128}`, `devices: [t4]`. A
scenario's stand over its entry's: values by name are united, and `none` takes a group away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from costcalc.core.errors import ConfigError
from costcalc.core.settings import MAPPING_KINDS, Kind, Setting
from costcalc.core.units import parse_digits
from costcalc.frontends.symbols import refuse_empty
from costcalc.frontends.yaml.document import Map, Seq, YamlNode
from costcalc.graph.convert import PRECISIONS, normalise_dtype
from costcalc.studies.check.config_reader import ConfigReader, is_null, is_removal
from costcalc.studies.options import GROUPS, Settings, all_settings

KEYS = {"params": "set"}
"""The keys of settings that are called otherwise in a config."""

FLAT_GROUPS = ("", "execution")
"""The groups whose settings stand in an entry by their names."""

SettingsValues = Mapping[str, Any]
"""Settings as `Settings.of` takes them; None takes a group away."""


def settings_keys() -> tuple[str, ...]:
    """The keys of an entry that are settings."""
    groups = all_settings()
    flat = [KEYS.get(setting.name, setting.name) for group in FLAT_GROUPS for setting in groups[group]]
    return (*flat, *GROUPS, "devices")


def read_settings(reader: ConfigReader, node: Map) -> SettingsValues:
    """The settings in the mapping of an entry or of a scenario. ConfigError where one does not fit its kind."""
    settings_of_group = all_settings()
    values = _read_group(reader, node, settings_of_group[""])
    for group in GROUPS:
        values |= _read_named_group(reader, node.values.get(group), group, settings_of_group[group])
    execution = _read_group(reader, node, settings_of_group["execution"])
    if execution:
        values["execution"] = {**(values.get("execution") or {}), **execution}
    if "devices" in node.values:
        value = node.values["devices"]
        values["devices"] = (
            ()
            if is_removal(value) or is_null(value)
            else tuple([device for device, _ in reader.words(value, "devices")])
        )
    return values


def merge_settings(outer: SettingsValues, inner: SettingsValues) -> dict[str, Any]:
    """A scenario's settings over its entry's: values and options by name are united, anything else is replaced;
    `training: true` leaves the options that are there."""
    merged = dict(outer)
    for name, value in inner.items():
        old = outer.get(name)
        if isinstance(old, Mapping) and (isinstance(value, Mapping) or value is True):
            value = {**old, **(value if isinstance(value, Mapping) else {})}
        merged[name] = value
    return merged


def make_settings(reader: ConfigReader, node: YamlNode, values: SettingsValues) -> Settings:
    """The settings; what they refuse is refused at the node's place."""
    return reader.with_place(node, lambda: Settings.of(**values))


def config_settings(settings: Settings) -> dict[str, Any]:
    """Settings that are no defaults → the same by the keys of an entry: `set` of parameters, execution's on their
    own."""
    values: dict[str, Any] = {}
    for name, value in settings.to_dict().items():
        values |= value if name == "execution" else {KEYS.get(name, name): value}
    return values


def _read_named_group(
    reader: ConfigReader, node: YamlNode | None, name: str, settings: tuple[Setting, ...]
) -> dict[str, Any]:
    """{group: its options, True for their defaults, None where it is taken away}, nothing where it is not there."""
    if node is None:
        return {}
    if isinstance(node, Map):
        for _ in reader.items(node, name, tuple([setting.name for setting in settings])):
            pass
        return {name: _read_group(reader, node, settings)}
    if is_removal(node) or is_null(node):
        return {name: None}
    return {name: True if reader.truth(node, name) else None}


def _read_group(reader: ConfigReader, node: Map, settings: tuple[Setting, ...]) -> dict[str, Any]:
    """The settings of a group that are keys of a mapping."""
    values = {}
    for setting in settings:
        key = KEYS.get(setting.name, setting.name)
        if key not in node.values:
            continue
        value = node.values[key]
        try:
            if setting.kind in MAPPING_KINDS:
                read = _VALUE_READERS[setting.kind]
                values[setting.name] = {k.text: read(reader, inner, k.text) for k, inner in reader.items(value, key)}
            else:
                values[setting.name] = _read_setting(reader, value, key, setting)
        except ConfigError as error:
            reader.report(error)
    return values


def _read_setting(reader: ConfigReader, node: YamlNode, key: str, setting: Setting) -> Any:
    """A setting that is one value, or a list of words."""
    if setting.kind == "flag":
        return reader.truth(node, key)
    if setting.kind == "texts":
        return tuple([word for word, _ in reader.words(node, key)])
    if setting.kind == "count" and (is_removal(node) or is_null(node)):
        return None
    text = reader.word(node, key)
    if setting.kind == "precision":
        return _check_choice(reader, node, normalise_dtype(text), f"{key}: there is no element type", PRECISIONS, text)
    if setting.kind == "choice":
        return _check_choice(reader, node, text, f"{key}: there is no", setting.choices, text)
    if setting.kind == "ratio":
        if not re.fullmatch(r"0|1|0?\.[0-9]{1,18}", text):
            raise reader.error(node, f"{key} is {text!r}", "give a number from 0 to 1, such as 0.8")
        return float(text)
    if not re.fullmatch(r"[0-9]{1,18}", text) or not int(text):
        raise reader.error(node, f"{key} is {text!r}", "give a whole number of at least 1")
    return int(text)


def _check_choice(reader: ConfigReader, node: YamlNode, value: str, fact: str, choices: Any, text: str) -> str:
    if value not in choices:
        raise reader.unknown(node, fact, text, tuple(choices))
    return value


def _read_param(reader: ConfigReader, node: YamlNode, label: str) -> Any:
    """A parameter of a YAML model: a number, an expression or a word as it stands, or a list of those."""
    if isinstance(node, Seq):
        return [_read_param(reader, item, label) for item in node.items]
    text = reader.word(node, label)
    number = parse_digits(text)
    return text if number is None else number


def _read_extent(reader: ConfigReader, node: YamlNode, label: str) -> int | str:
    text = reader.word(node, label)
    if (number := parse_digits(text)) is not None:
        reader.with_place(node, lambda: refuse_empty(label, number))
        return number
    if text[0].isdigit() or not text[0].isidentifier():
        raise reader.error(node, f"{label} is {text!r}", "give a whole number, or a symbol's name")
    return text


def _read_shape(reader: ConfigReader, node: YamlNode, label: str) -> tuple[int | str, ...]:
    if not isinstance(node, Seq):
        raise reader.error(node, f"the shape of {label} is no list", "write it as [1, 3, 224, 224]")
    return tuple([_read_extent(reader, item, label) for item in node.items])


def _read_scalar(reader: ConfigReader, node: YamlNode, label: str) -> int | bool:
    text = reader.word(node, label).lower()
    if text in ("true", "false"):
        return text == "true"
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise reader.error(node, f"the value of {label} is {text!r}", "give a whole number, true or false")
    return int(text)


_VALUE_READERS: dict[Kind, Callable[[ConfigReader, YamlNode, str], Any]] = {
    "params": _read_param,
    "dims": _read_extent,
    "shapes": _read_shape,
    "values": _read_scalar,
}
"""How a value behind a name is read."""
