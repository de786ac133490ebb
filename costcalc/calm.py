"""JSON → the same JSON in which nothing steers a terminal or the log of a CI."""

from __future__ import annotations

import json
import re


def calm(document: str) -> str:
    """The same document. JSON's own escapes stand for what is not printable (C1, directions of writing), and for the
    bracket of `##[`, which would begin a command of a CI wherever it stands in a line."""
    if "##" in document:
        document = re.sub(r"(##\w*)\[", r"\1\\u005b", document)
    if document.replace("\n", " ").isprintable():
        return document
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in document)
