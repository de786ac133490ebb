"""Words, lists and mappings → their texts in a config, YAML or TOML: as they are, in quotes where they must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_][\w./+-]*", re.A)

_RESERVED = frozenset(("null", "none", "true", "false", "yes", "no", "on", "off"))
"""Words that are no text in YAML."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote(text: str) -> str:
    """A text in double quotes, which YAML and TOML read alike: letters of all languages as they are, what is not
    printable escaped."""
    return f'"{"".join(map(_escape, text))}"'


def _escape(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES or character.isprintable():
        return _ESCAPES.get(character, character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def format_scalar(text: str) -> str:
    """A word of YAML: plain where it is surely only that."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED else quote(text)


def format_flow(value: Any) -> str:
    """A word, number, list or mapping of YAML on one line: `{N: 8, names: [a, "b c"]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{format_scalar(str(key))}: {format_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(format_flow, value))}]"
    return str(value).lower() if isinstance(value, (bool, int, float)) else format_scalar(str(value))


def format_toml(value: str | list[str]) -> str:
    """A text, or a list of texts, of TOML."""
    return quote(value) if isinstance(value, str) else f"[{', '.join(map(quote, value))}]"
