"""[tool.costcalc] of a TOML file → the tree of nodes that a YAML config gives, each with the line of its key."""

from __future__ import annotations

import re
import sys
from typing import Any

from costcalc.errors import ConfigError
from costcalc.load.yaml_nodes import Map, Scalar, Seq, YamlNode


def root(content: bytes, file: str) -> YamlNode:
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
