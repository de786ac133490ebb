"""A tree of nodes → Config: `models:` with their settings, scenarios and limits over those of the whole file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from costcalc.core.errors import CostcalcError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.studies.check.budget import LOCK, Config, ConfigEntry, RuleLevels
from costcalc.studies.check.config_limits import LimitSet, read_limits
from costcalc.studies.check.config_reader import ConfigReader, is_null
from costcalc.studies.check.config_settings import make_settings, merge_settings, read_settings, settings_keys
from costcalc.studies.check.ignore import Ignore, parse_until
from costcalc.studies.check.rules import CANNOT_TELL, RULES, require_ignorable

LIMIT_KEYS = ("limits", "min", "max_increase", "min_delta", "layers", "allow")

SCENARIO_KEYS = (*settings_keys(), *LIMIT_KEYS)

MODEL_KEYS = ("path", "name", "scenarios", *SCENARIO_KEYS)

GROUP_KEYS = ("models", *LIMIT_KEYS)

FILE_KEYS = (*GROUP_KEYS, "groups", "select", "ignore", "warn", "error", "exclude", "lock", "remote")

LEVEL_KEYS = ("select", "ignore", "warn", "error")

IGNORE_KEYS = ("code", "model", "scenario", "layer", "quantity", "until", "reason")


def read_config(root: YamlNode, file: str, folder: Path, errors: list[CostcalcError] | None = None) -> Config:
    """The config in a tree. ConfigError with file:line:column where it breaks the form; where errors is a list, all
    such errors are added to it, and what is right is read."""
    reader = ConfigReader(file, errors)
    if not isinstance(root, Map):
        raise reader.error(root, "it is no config", "a config has `models:` and `limits:`")
    for _ in reader.items(root, "", FILE_KEYS):
        pass
    if "models" not in root.values and "groups" not in root.values:
        reader.report(reader.error(root, "`models:` is missing", "list models: `models: [models/*.yaml]`"))
    outer = read_limits(reader, root)
    groups = reader.attempt(lambda: list(reader.items(root.values.get("groups"), "groups"))) or []
    entries = [
        *_read_models(reader, root, outer),
        *(e for key, node in groups for e in reader.attempt(partial(_read_group, reader, key, node, outer)) or ()),
    ]
    levels = RuleLevels(*(reader.attempt(partial(_read_prefixes, reader, root, key)) or () for key in LEVEL_KEYS))
    return Config(
        file,
        folder,
        tuple(entries),
        levels,
        reader.attempt(lambda: reader.word(root.values["lock"], "lock") if "lock" in root.values else LOCK) or LOCK,
        reader.attempt(lambda: "remote" in root.values and reader.truth(root.values["remote"], "remote")) or False,
        reader.attempt(lambda: tuple(_read_ignores(reader, root))) or (),
        reader.attempt(lambda: tuple([p for p, _ in reader.words(root.values.get("exclude"), "exclude")])) or (),
        reader.attempt(lambda: tuple([reader.word(key, "group") for key, _ in groups])) or (),
    )


def _read_models(reader: ConfigReader, node: Map, outer: LimitSet) -> Iterator[ConfigEntry]:
    """The entries of a mapping's `models:`, under the limits around it."""
    models = node.values.get("models")
    items = models.items if isinstance(models, Seq) else [] if models is None or is_null(models) else [models]
    for item in items:
        yield from reader.attempt(partial(_read_entries, reader, item, outer)) or ()


def _read_group(reader: ConfigReader, key: Scalar, node: YamlNode, outer: LimitSet) -> list[ConfigEntry]:
    """The entries of a group; its limits stand over those of the whole file, and its models' over its own."""
    for _ in reader.items(node, key.text, GROUP_KEYS):
        pass
    if not isinstance(node, Map) or "models" not in node.values:
        raise reader.error(key, f"the group {key.text!r} has no models", "list them: `models: [vision/**/*.onnx]`")
    limits = read_limits(reader, node).merge_into(outer)
    name = reader.word(key, "group")
    return [replace(entry, group=name) for entry in _read_models(reader, node, limits)]


def _read_ignores(reader: ConfigReader, root: Map) -> Iterator[Ignore]:
    """The mappings in `ignore:`; its words are prefixes of codes that are left out whole."""
    for node in _list_items(root.values.get("ignore")):
        if not isinstance(node, Map):
            continue
        for _ in reader.items(node, "an ignore", IGNORE_KEYS):
            pass
        texts = {
            key.text: reader.word(value, key.text)
            for key, value in reader.items(node, "an ignore")
            if key.text != "code"
        }
        codes = reader.words(node.values.get("code"), "code")
        if not codes:
            raise reader.error(node, "`code:` is missing", "name the code that is ignored: `code: CC001`")
        until = texts.get("until")
        yield Ignore(
            tuple([reader.with_place(inner, partial(require_ignorable, code)) for code, inner in codes]),
            reader.place(node),
            model=texts.get("model", ""),
            scenario=texts.get("scenario", ""),
            layer=texts.get("layer", ""),
            quantity=texts.get("quantity", ""),
            until=None if until is None else reader.with_place(node.values["until"], partial(parse_until, until)),
            reason=texts.get("reason", ""),
        )


def _list_items(node: YamlNode | None) -> list[YamlNode]:
    """The items of a list; a value that is none is a list of one, nothing one of none."""
    if node is None or is_null(node):
        return []
    return node.items if isinstance(node, Seq) else [node]


def _read_entries(reader: ConfigReader, node: YamlNode, outer_limits: LimitSet) -> list[ConfigEntry]:
    return list(_iterate_entries(reader, node, outer_limits))


def _iterate_entries(reader: ConfigReader, node: YamlNode, outer_limits: LimitSet) -> Iterator[ConfigEntry]:
    if isinstance(node, Scalar):
        yield ConfigEntry(reader.word(node, "path"), budget=outer_limits.budget(), place=reader.place(node))
        return
    if not isinstance(node, Map):
        raise reader.error(node, "a list stands where a model is expected", "write `- path: models/net.yaml`")
    for _ in reader.items(node, "a model", MODEL_KEYS):
        pass
    if "path" not in node.values:
        raise reader.error(node, "`path:` is missing", "name a file, a glob or a built-in model")
    path = reader.word(node.values["path"], "path")
    name = reader.word(node.values["name"], "name") if "name" in node.values else ""
    if name and is_glob(path):
        raise reader.error(node.values["name"], "a glob has one `name:` for all its models", "leave it out")
    values, limits = read_settings(reader, node), read_limits(reader, node).merge_into(outer_limits)
    settings = make_settings(reader, node, values)
    entry = ConfigEntry(path, name, "", settings, limits.budget(), reader.place(node))
    scenarios = list(reader.items(node.values.get("scenarios"), "scenarios"))
    if not scenarios:
        yield entry
    for key, inner in scenarios:
        body = Map(key.line, key.column) if is_null(inner) else inner
        for _ in reader.items(body, key.text, SCENARIO_KEYS):
            pass
        assert isinstance(body, Map)
        budget = read_limits(reader, body).merge_into(limits).budget()
        settings = make_settings(reader, body, merge_settings(values, read_settings(reader, body)))
        yield replace(
            entry, scenario=reader.word(key, "scenario"), settings=settings, budget=budget, place=reader.place(key)
        )


def is_glob(path: str) -> bool:
    """Whether a path is a pattern."""
    return any(sign in path for sign in "*?[")


def _read_prefixes(reader: ConfigReader, root: Map, key: str) -> tuple[str, ...]:
    """The prefixes of codes in one of LEVEL_KEYS. What cannot be told is neither left out nor lowered."""
    nodes = [node for node in _list_items(root.values.get(key)) if key != "ignore" or not isinstance(node, Map)]
    prefixes = [(reader.word(node, key), node) for node in nodes]
    for prefix, node in prefixes:
        if not any(code.startswith(prefix) for code in RULES):
            raise reader.unknown(node, f"{key}: no code begins with", prefix, tuple(RULES))
        if key in ("ignore", "warn") and (prefix.startswith(CANNOT_TELL) or CANNOT_TELL.startswith(prefix)):
            effect = "left out" if key == "ignore" else "lowered to a warning"
            raise reader.error(
                node,
                f"{key}: {prefix} covers codes of what cannot be told ({CANNOT_TELL}…), which are never {effect}",
                "name the others (CC0, CC2), and take operators without a rule as free with `allow: [domain:Op]`",
            )
    return tuple([prefix for prefix, _ in prefixes])
