"""Where a config is: costcalc.yaml, costcalc.yml, or [tool.costcalc] in pyproject.toml, here or further up.

[tool.costcalc] of a TOML file → the tree of nodes that a YAML config gives, each with the line of its key.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from costcalc.core.errors import ConfigError, SpecError
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode, parse_document
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
        whole = tomllib.loads(text, parse_float=str)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not TOML: {error}", "mend the syntax there", file) from error
    tool = whole.get("tool")
    table = tool.get("costcalc") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        raise ConfigError("there is no table [tool.costcalc]", "write one, or a costcalc.yaml", file)
    lines = Lines(text)
    return _node(table, lines, *lines.at("tool.costcalc", (1, 1)))


class Lines:
    """Finds the line of a key in a TOML file, whose parser tells none: the next place below its parent's where the key
    stands before `=`, or in the brackets of a table."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def at(self, key: str, after: tuple[int, int]) -> tuple[int, int]:
        """(line, column), those of the parent where the key is not found."""
        name = rf"""["']?{re.escape(key)}["']?"""
        pattern = re.compile(rf"(?:^|[{{,.\s]){name}(?=\s*[=.])|^\s*\[+(?:[^#]*\.)?\s*{name}(?=\s*[.\]])")
        for number, line in enumerate(self.lines[after[0] - 1 :], after[0]):
            found = pattern.search(line, after[1] - 1 if number == after[0] else 0)
            if found:
                start = line.index(key, found.start())
                return number, start + 1
        return after


def _node(value: Any, lines: Lines, line: int, column: int) -> YamlNode:
    if isinstance(value, dict):
        made = Map(line, column)
        for key, inner in value.items():
            at = lines.at(key, (line, column))
            made.keys[key] = Scalar(key, True, *at)
            made.values[key] = _node(inner, lines, *at)
        return made
    if isinstance(value, list):
        items = Seq(line, column)
        for inner in value:
            at = lines.at(next(iter(inner)), (line, column)) if isinstance(inner, dict) and inner else (line, column)
            items.items.append(_node(inner, lines, *at))
            line, column = (at[0], at[1] + 1) if at != (line, column) else (line, column)
        return items
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(text, not isinstance(value, str), line, column)


NAMES = ("costcalc.yaml", "costcalc.yml", "pyproject.toml")

TABLE = b"tool.costcalc"

MAX_FILE_BYTES = 1 << 22


def read(path: str | os.PathLike[str]) -> Config:
    """The config in a file; its paths are relative to the file's folder. ConfigError where it breaks the form."""
    file = Path(path)
    shown = os.fspath(path)
    return parse_config(_content(file, shown), shown, file.parent)


def parse_config(content: bytes, shown: str, folder: Path) -> Config:
    """The config in a file's content; shown is what messages call the file. ConfigError where it breaks the form."""
    if shown.endswith(".toml"):
        return read_config(parse_toml(content, shown), shown, folder)
    if all(line.lstrip()[:1] in (b"", b"#") for line in content.splitlines()):
        raise ConfigError("the file is empty", "write `models:` and `limits:`, or `costcalc check --init`", shown)
    try:
        return read_config(parse_document(content, shown).root, shown, folder)
    except SpecError as error:
        raise ConfigError(error.fact, "mend it there", error.place) from error


def find(start: str | os.PathLike[str] = ".") -> Path | None:
    """The nearest config, from a folder upward to the root of its repository; None where there is none. It is told
    relative to the folder where that is the working directory."""
    folder = Path(start).resolve()
    for level, here in enumerate((folder, *folder.parents)):
        for name in NAMES:
            file = here / name
            if file.is_file() and (file.suffix != ".toml" or TABLE in _content(file, str(file))):
                return Path(start, *[".."] * level, name)
        if (here / ".git").exists():
            break
    return None


def nearest_config(path: str | os.PathLike[str] | None = None) -> Config:
    """The config in a file, or the nearest one from the working directory upward. ConfigError where there is none."""
    file = find() if path is None else path
    if file is None:
        raise ConfigError("there is no costcalc.yaml here or further up", "write one with `costcalc check --init`")
    return read(file)


def _content(file: Path, shown: str) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError("the file is too large for a config", "name another with --config", shown)
        return file.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such config", "write one with `costcalc check --init`", shown) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", "name another with --config", shown) from error
