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
from costcalc.studies.check.rules import CANNOT_TELL, RULES

LIMIT_KEYS = ("limits", "min", "max_increase", "min_delta", "layers", "allow")

SCENARIO_KEYS = (*settings_keys(), *LIMIT_KEYS)

MODEL_KEYS = ("path", "name", "scenarios", *SCENARIO_KEYS)

FILE_KEYS = ("models", *LIMIT_KEYS, "select", "ignore", "warn", "lock", "remote")


def read_config(root: YamlNode, file: str, folder: Path, errors: list[CostcalcError] | None = None) -> Config:
    """The config in a tree. ConfigError with file:line:column where it breaks the form; where errors is a list, all
    such errors are added to it, and what is right is read."""
    reader = ConfigReader(file, errors)
    if not isinstance(root, Map):
        raise reader.error(root, "it is no config", "a config has `models:` and `limits:`")
    for _ in reader.items(root, "", FILE_KEYS):
        pass
    if "models" not in root.values:
        reader.report(reader.error(root, "`models:` is missing", "list models: `models: [models/*.yaml]`"))
    outer = read_limits(reader, root)
    models = root.values.get("models", Scalar("", True, root.line, root.column))
    nodes = models.items if isinstance(models, Seq) else [] if is_null(models) else [models]
    entries = [entry for node in nodes for entry in reader.attempt(partial(_read_entries, reader, node, outer)) or ()]
    levels = RuleLevels(
        *(reader.attempt(partial(_read_prefixes, reader, root, key)) or () for key in ("select", "ignore", "warn"))
    )
    remote = reader.attempt(lambda: "remote" in root.values and reader.truth(root.values["remote"], "remote"))
    lock = reader.attempt(lambda: reader.word(root.values["lock"], "lock") if "lock" in root.values else LOCK)
    return Config(file, folder, tuple(entries), levels, lock or LOCK, remote or False)


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
    """The prefixes of codes in select, ignore or warn. What cannot be told is neither left out nor lowered."""
    prefixes = reader.words(root.values.get(key), key)
    for prefix, node in prefixes:
        if not any(code.startswith(prefix) for code in RULES):
            raise reader.unknown(node, f"{key}: no code begins with", prefix, tuple(RULES))
        if key != "select" and (prefix.startswith(CANNOT_TELL) or CANNOT_TELL.startswith(prefix)):
            effect = "left out" if key == "ignore" else "lowered to a warning"
            raise reader.error(
                node,
                f"{key}: {prefix} covers codes of what cannot be told ({CANNOT_TELL}…), which are never {effect}",
                "name the others (CC0, CC2), and take operators without a rule as free with `allow: [domain:Op]`",
            )
    return tuple([prefix for prefix, _ in prefixes])
