"""What stands for itself in a YAML model: digits, true and false, and the words of a choice."""

from __future__ import annotations

from costcalc.load.layers.base import Key
from costcalc.load.yaml_nodes import Scalar, YamlNode

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")

RESERVED = frozenset(("", "~", "null", "true", "false"))
"""Words, in lower case, that mean something of their own where they are not in quotes."""

PLAIN = frozenset(("extent", "extents", "int", "pad"))
"""Kinds of keys at which digits are just that number: most values of most files."""


def digits(key: Key, text: str) -> bool:
    """Whether the text is a number of at least 1, at a key that takes digits for that number."""
    return key.kind in PLAIN and text.isdigit() and text.isascii() and len(text) < 19 and bool(text.strip("0"))


def always(key: Key, node: YamlNode) -> bool:
    """Whether what stands at a key means the same whatever the file's names stand for."""
    if not isinstance(node, Scalar):
        return False
    if key.kind == "bool":
        return node.text.lower() in TRUE + FALSE
    return digits(key, node.text) or (key.kind == "word" and node.text in key.choices)
