"""Where a config is: costcalc.yaml, costcalc.yml, or [tool.costcalc] in pyproject.toml, here or further up.

[tool.costcalc] of a TOML file → the tree of nodes that a YAML config gives, each with the line of its key.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from costcalc.core.errors import ConfigError, CostcalcError, SpecError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode, parse_document, parse_partial_document
from costcalc.studies.batch import CONFIG_FILES
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config import read_config


def parse_toml(content: bytes, file: str) -> YamlNode:
    """The table's tree. ConfigError where the file is no TOML or has no such table."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = content.decode("utf-8")
        document = tomllib.loads(text, parse_float=str)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not TOML: {error}", "mend the syntax there", file) from error
    tool = document.get("tool")
    table = tool.get("costcalc") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        raise ConfigError("there is no table [tool.costcalc]", "write one, or a costcalc.yaml", file)
    lines = TomlLines(text)
    return _toml_node(table, lines, *lines.find_key("tool.costcalc", (1, 1)))


class TomlLines:
    """Finds the line of a key in a TOML file, whose parser tells none: the next place below its parent's where the key
    stands before `=`, or in the brackets of a table."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def find_key(self, key: str, parent: tuple[int, int]) -> tuple[int, int]:
        """(line, column), those of the parent where the key is not found."""
        name = rf"""["']?{re.escape(key)}["']?"""
        pattern = re.compile(rf"(?:^|[{{,.\s]){name}(?=\s*[=.])|^\s*\[+(?:[^#]*\.)?\s*{name}(?=\s*[.\]])")
        for number, line in enumerate(self.lines[parent[0] - 1 :], parent[0]):
            match = pattern.search(line, parent[1] - 1 if number == parent[0] else 0)
            if match:
                start = line.index(key, match.start())
                return number, start + 1
        return parent


def _toml_node(value: Any, lines: TomlLines, line: int, column: int) -> YamlNode:
    if isinstance(value, dict):
        mapping = Map(line, column)
        for key, inner in value.items():
            key_place = lines.find_key(key, (line, column))
            mapping.keys[key] = Scalar(key, True, *key_place)
            mapping.values[key] = _toml_node(inner, lines, *key_place)
        return mapping
    if isinstance(value, list):
        items = Seq(line, column)
        for inner in value:
            key_place = (
                lines.find_key(next(iter(inner)), (line, column))
                if isinstance(inner, dict) and inner
                else (line, column)
            )
            items.items.append(_toml_node(inner, lines, *key_place))
            line, column = (key_place[0], key_place[1] + 1) if key_place != (line, column) else (line, column)
        return items
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(text, not isinstance(value, str), line, column)


NAMES = CONFIG_FILES

TABLE = b"tool.costcalc"

MAX_FILE_BYTES = 1 << 22


def read_config_file(path: str | os.PathLike[str]) -> Config:
    """The config in a file; its paths are relative to the file's folder. ConfigError where it breaks the form."""
    file = Path(path)
    label = os.fspath(path)
    return parse_config(_read_content(file, label), label, file.parent)


def parse_config(content: bytes, label: str, folder: Path) -> Config:
    """The config in a file's content, that of an empty one without a model; label is what messages call the file.
    ConfigError where it breaks the form."""
    if label.endswith(".toml"):
        return read_config(parse_toml(content, label), label, folder)
    if all(line.lstrip()[:1] in (b"", b"#") for line in content.splitlines()):
        return Config(label, folder, ())
    try:
        return read_config(parse_document(content, label).root, label, folder)
    except SpecError as error:
        raise ConfigError(error.fact, "mend it there", error.place) from error


def diagnose_config(content: bytes, label: str, folder: Path) -> tuple[Config | None, tuple[CostcalcError, ...]]:
    """The content of a config -> what of it is right, None where nothing is, and all its errors with their places."""
    errors: list[CostcalcError] = []
    try:
        if label.endswith(".toml"):
            return read_config(parse_toml(content, label), label, folder, errors), tuple(errors)
        partial = parse_partial_document(content.decode("utf-8", "replace"), label)
        errors = partial.errors
        if partial.document is None:
            return None, tuple(errors)
        if partial.last_line is not None:  # what stands behind the error may change what is above it
            return None, tuple(errors)
        return read_config(partial.document.root, label, folder, errors), tuple(errors)
    except CostcalcError as error:
        return None, (*errors, error)


def find_config_file(start: str | os.PathLike[str] = ".") -> Path | None:
    """The nearest config, from a folder upward to the root of its repository; None where there is none. It is told
    relative to the folder where that is the working directory."""
    folder = Path(start).resolve()
    for level, directory in enumerate((folder, *folder.parents)):
        for name in NAMES:
            file = directory / name
            if file.is_file() and (file.suffix != ".toml" or TABLE in _read_content(file, str(file))):
                return Path(start, *[".."] * level, name)
        if (directory / ".git").exists():
            break
    return None


def nearest_config(path: str | os.PathLike[str] | None = None) -> Config:
    """The config in a file, or the nearest one from the working directory upward. ConfigError where there is none."""
    file = find_config_file() if path is None else path
    if file is None:
        raise ConfigError("there is no costcalc.yaml here or further up", "write one with `costcalc check --init`")
    return read_config_file(file)


def _read_content(file: Path, label: str) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError("the file is too large for a config", "name another with --config", label)
        return file.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such config", "write one with `costcalc check --init`", label) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", "name another with --config", label) from error
