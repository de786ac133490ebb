"""A text and a random generator -> the text after an edit as a person, or a cat, makes it."""

from __future__ import annotations

import random

WORDS = (
    "conv",
    "relu",
    "residual",
    "blocks:",
    "layers:",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "'",
    '"',
    "&a ",
    "*a",
    "<<: ",
    "\t",
    "\n",
    "\n\n  ",
    "# ",
    "!!int ",
    "999999999999",
    "-1",
    "0",
    "filters",
    "repeat: {times: 3, layers: [relu]}",
    "from: ",
    "as: x",
    "when: ",
    "é😀",
    "\u2028",
    "|\n",
    ">",
    "%",
    "@",
    "null",
    "~",
    "1e3",
    "N * 2",
    "---\n",
)


def edit(text: str, draw: random.Random) -> str:
    """Inserts, deletes, doubles or moves a piece of the text."""
    start = draw.randrange(len(text) + 1)
    end = min(len(text), start + draw.choice((1, 1, 2, 3, 8, 40)))
    kind = draw.randrange(6)
    if kind == 0:
        return text[:start] + text[end:]
    if kind == 1:
        return text[:start] + draw.choice(WORDS) + text[start:]
    if kind == 2:
        return text[:start] + draw.choice(WORDS) + text[end:]
    lines = text.split("\n")
    line = draw.randrange(len(lines))
    if kind == 3:
        lines.insert(line, lines[draw.randrange(len(lines))])
    elif kind == 4:
        del lines[line]
    else:
        lines[line] = (" " * draw.randrange(5)) + lines[line].lstrip(" ")
    return "\n".join(lines)
