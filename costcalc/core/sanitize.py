"""Text from model files -> text without control sequences, Markdown, HTML, formulas or CI commands, per output format.

Likewise JSON: nothing in it steers a terminal or the log of a CI.
"""

from __future__ import annotations

import re

_CI_COMMAND = r"(?:^|(?<=\s)):(?=:)|##\w*\["
"""Where the log of a CI begins to listen: a word that starts with `::` (GitHub), `##[` and `##vso[` anywhere."""

_SIGNS = r"(?i)[\\`*_|\[\]~&<>#$]|@(?=\w)|!(?=\d)|:(?=//)|\bwww\.|\bgh-(?=\d)"

_AS_HTML = {"<": "&lt;", ">": "&gt;", "$": "<span>$</span>"}

BREAK = "&#8203;"
"""A space without width: what it parts is no name, number or address for those who look for them."""

_FORMULA = tuple("=+-@＝＋－＠")


def printable(text: str) -> str:
    """Text -> one line without characters that steer a terminal (escapes, C1, directions of writing) or break a line:
    they are written as escapes, `\\x1b`. So is the first sign of what a CI's log would take for a command."""
    if text.isprintable() and "::" not in text and "##" not in text:
        return text
    return re.sub(_CI_COMMAND, _escape_last, "".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def printable_lines(text: str) -> str:
    """A message of several lines around names of a model -> the same with each line printable; its line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


def _escape_last(match: re.Match[str]) -> str:
    return f"{match[0][:-1]}\\x{ord(match[0][-1]):02x}"


def escape_markdown(text: str) -> str:
    """Text -> printable text with every sign of Markdown's own escaped, for the inside of a line. What GitHub turns
    into a link or a notification (@name, #1, GH-1, addresses) stays words: an escaped @ would still notify."""
    return re.sub(_SIGNS, _escape_sign, printable(text))


def _escape_sign(match: re.Match[str]) -> str:
    sign = match[0]
    if sign in _AS_HTML:
        return _AS_HTML[sign]
    if sign == "#":
        return f"\\#{BREAK if match.string[match.end() : match.end() + 1].isdigit() else ''}"
    return f"{sign}{BREAK}" if sign in "@!:" or len(sign) > 1 else f"\\{sign}"


def escape_markdown_line(text: str) -> str:
    """Text -> Markdown for the beginning of a line, a heading or an item: no list, no rule, no code block."""
    escaped = escape_markdown(printable(text).strip(" "))
    if re.match(r"[-+=]", escaped):
        return f"\\{escaped}"
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)


def escape_html(text: str) -> str:
    """Printable text -> HTML, in which no @name notifies anybody."""
    from html import escape  # here, for its table of entities takes a millisecond that plain text does without

    return re.sub(r"@(?=\w)", f"@{BREAK}", escape(printable(text)))


def escape_spreadsheet(text: str) -> str:
    """Text -> printable text that no spreadsheet takes for a formula: such text gets an apostrophe before it, as OWASP
    advises."""
    text = printable(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def escape_controls(document: str) -> str:
    """A JSON document -> the same document with JSON's own escapes for what is not printable (C1, directions of
    writing), and for the bracket of `##[`, which would begin a command of a CI wherever it stands in a line."""
    if "##" in document:
        document = re.sub(r"(##\w*)\[", r"\1\\u005b", document)
    if document.replace("\n", " ").isprintable():
        return document
    import json  # here, for tables in text do without it

    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in document)
