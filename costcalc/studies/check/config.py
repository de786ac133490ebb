"""A tree of nodes → Config: `models:` with their settings, scenarios and limits over those of the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.graph.convert import PRECISIONS, spelt_out
from costcalc.studies.check.budget import LOCK, Config, Entry, Levels
from costcalc.studies.check.config_limits import Asked, Source, asked, is_null
from costcalc.studies.check.rules import CANNOT_TELL, RULES
from costcalc.studies.options import Settings

SETTINGS = ("set", "dims", "shapes", "values", "dtype", "act_dtype", "symbolic")

LIMITING = ("limits", "max_increase", "min_delta", "layers", "allow")

SCENARIO = (*SETTINGS, *LIMITING)

MODEL = ("path", "name", "scenarios", *SCENARIO)

TOP = ("models", *LIMITING, "select", "ignore", "warn", "lock")


def config(root: YamlNode, file: str, folder: Path) -> Config:
    """The config in a tree. ConfigError with file:line:column where it breaks the form."""
    source = Source(file)
    if not isinstance(root, Map):
        raise source.error(root, "it is no config", "a config has `models:` and `limits:`")
    for _ in source.items(root, "", TOP):
        pass
    if "models" not in root.values:
        raise source.error(root, "`models:` is missing", "list models: `models: [models/*.yaml]`")
    outer = asked(source, root)
    models = root.values["models"]
    nodes = models.items if isinstance(models, Seq) else [] if is_null(models) else [models]
    entries = tuple([entry for node in nodes for entry in _entries(source, node, outer)])
    if not entries:
        raise source.error(models, "`models:` is empty", "list models: `models: [models/*.yaml]`")
    lock = root.values.get("lock")
    levels = Levels(*(_prefixes(source, root, key) for key in ("select", "ignore", "warn")))
    return Config(file, folder, entries, levels, source.word(lock, "lock") if lock else LOCK)


def _entries(source: Source, node: YamlNode, outer: Asked) -> Iterator[Entry]:
    if isinstance(node, Scalar):
        yield Entry(source.word(node, "path"), budget=outer.budget(), place=source.place(node))
        return
    if not isinstance(node, Map):
        raise source.error(node, "a list stands where a model is expected", "write `- path: models/net.yaml`")
    for _ in source.items(node, "a model", MODEL):
        pass
    if "path" not in node.values:
        raise source.error(node, "`path:` is missing", "name a file, a glob or a built-in model")
    path = source.word(node.values["path"], "path")
    name = source.word(node.values["name"], "name") if "name" in node.values else ""
    if name and is_glob(path):
        raise source.error(node.values["name"], "a glob has one `name:` for all its models", "leave it out")
    settings, own = _settings(source, node), asked(source, node).within(outer)
    entry = Entry(path, name, "", settings, own.budget(), source.place(node))
    scenarios = list(source.items(node.values.get("scenarios"), "scenarios"))
    if not scenarios:
        yield entry
    for key, inner in scenarios:
        body = Map(key.line, key.column) if is_null(inner) else inner
        for _ in source.items(body, key.text, SCENARIO):
            pass
        assert isinstance(body, Map)
        budget = asked(source, body).within(own).budget()
        bound = _over(settings, _settings(source, body), "symbolic" in body.values)
        yield replace(
            entry, scenario=source.word(key, "scenario"), settings=bound, budget=budget, place=source.place(key)
        )


def is_glob(path: str) -> bool:
    """Whether a path is a pattern."""
    return any(sign in path for sign in "*?[")


def _over(outer: Settings, inner: Settings, symbolic: bool) -> Settings:
    """A scenario's settings over its model's; symbolic tells whether the scenario says that word."""
    return Settings(
        params={**outer.params, **inner.params},
        dims={**outer.dims, **inner.dims},
        shapes={**outer.shapes, **inner.shapes},
        values={**outer.values, **inner.values},
        symbolic=inner.symbolic if symbolic else outer.symbolic,
        dtype=inner.dtype or outer.dtype,
        act_dtype=inner.act_dtype or outer.act_dtype,
    )


def _settings(source: Source, node: Map) -> Settings:
    values = node.values
    return Settings(
        params={key.text: _value(source, value, key.text) for key, value in source.items(values.get("set"), "set")},
        dims={key.text: _extent(source, value, key.text) for key, value in source.items(values.get("dims"), "dims")},
        shapes={
            key.text: _shape(source, value, key.text) for key, value in source.items(values.get("shapes"), "shapes")
        },
        values={
            key.text: _scalar(source, value, key.text) for key, value in source.items(values.get("values"), "values")
        },
        symbolic=source.truth(values["symbolic"], "symbolic") if "symbolic" in values else False,
        dtype=_precision(source, values, "dtype"),
        act_dtype=_precision(source, values, "act_dtype"),
    )


def _value(source: Source, node: YamlNode, what: str) -> Any:
    """A parameter of a YAML model: a number, an expression or a word as it stands, or a list of those."""
    if isinstance(node, Seq):
        return [_value(source, item, what) for item in node.items]
    text = source.word(node, what)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _extent(source: Source, node: YamlNode, what: str) -> int | str:
    text = source.word(node, what)
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    if text[0].isdigit() or not text[0].isidentifier():
        raise source.error(node, f"{what} is {text!r}", "give a whole number, or a symbol's name")
    return text


def _shape(source: Source, node: YamlNode, what: str) -> tuple[int | str, ...]:
    if not isinstance(node, Seq):
        raise source.error(node, f"the shape of {what} is no list", "write it as [1, 3, 224, 224]")
    return tuple([_extent(source, item, what) for item in node.items])


def _scalar(source: Source, node: YamlNode, what: str) -> int | bool:
    text = source.word(node, what).lower()
    if text in ("true", "false"):
        return text == "true"
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise source.error(node, f"the value of {what} is {text!r}", "give a whole number, true or false")
    return int(text)


def _precision(source: Source, values: Mapping[str, YamlNode], key: str) -> str | None:
    if key not in values:
        return None
    word = source.word(values[key], key)
    if spelt_out(word) not in PRECISIONS:
        raise source.unknown(values[key], f"{key}: there is no element type", word, PRECISIONS)
    return spelt_out(word)


def _prefixes(source: Source, root: Map, key: str) -> tuple[str, ...]:
    """The prefixes of codes in select, ignore or warn. What cannot be told is neither left out nor lowered."""
    found = source.words(root.values.get(key), key)
    for prefix, node in found:
        if not any(code.startswith(prefix) for code in RULES):
            raise source.unknown(node, f"{key}: no code begins with", prefix, tuple(RULES))
        if key != "select" and (prefix.startswith(CANNOT_TELL) or CANNOT_TELL.startswith(prefix)):
            what = "left out" if key == "ignore" else "lowered to a warning"
            raise source.error(
                node,
                f"{key}: {prefix} covers codes of what cannot be told ({CANNOT_TELL}…), which are never {what}",
                "name the others (CC0, CC2), and take operators without a rule as free with `allow: [domain:Op]`",
            )
    return tuple([prefix for prefix, _ in found])
