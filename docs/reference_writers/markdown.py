"""Texts and rows -> Markdown that MkDocs and a repository's page show alike: escaped prose, tables, anchors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

SPECIAL = re.compile(r"([*_\[\]])")

ASSIGNMENT = r"[a-zA-Z][\w*]*(?:\.[\w-]+)*=[\w.,:%*|/+-]*[\w%*]"

FILE = r"(?:[\w./:@*-]*\w)?\.(?:yaml|yml|toml|json|onnx|tflite|md|py|svg|png|html|sarif)(?:\#[\w@]+)?\b"

WORD_OF_CODE = re.compile(
    rf"""(
        (?<![\w`/.'"-]) (?:
            --?[a-zA-Z][\w-]*(?:\ {ASSIGNMENT}|\ '[^']*'|\ \d+)?
            | {ASSIGNMENT}
            | {FILE}
            | \$?[a-zA-Z]\w*_\w*[a-zA-Z0-9](?:\.[\w-]+)?
            | (?:time|energy|fits)\.\w[\w-]*
        )
        | (?<=[\s(])'[^']+'(?=[\s,;.)]|$)
    )""",
    re.X,
)
"""A word within a sentence that is code: an option, perhaps with a value (`--fuse`, `--dim N=8`), an assignment
(`macs=2%`), a file (`costcalc.yaml`), a name (`weight_bytes`, `time.t4`), or what stands in quotes."""

CODE = re.compile(r"(`+[^`]+`+)")
"""What stands between backquotes."""


def prose(text: str) -> str:
    """Plain text, perhaps with code between backticks -> Markdown on one line; options and names with an underscore
    become code."""
    parts = CODE.split(" ".join(text.split()))
    return "".join(part if i % 2 else _escape_prose(part) for i, part in enumerate(parts))


def _escape_prose(text: str) -> str:
    parts = WORD_OF_CODE.split(text)
    return "".join(code(part) if i % 2 else _escape_signs(part) for i, part in enumerate(parts))


def _escape_signs(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text.replace("<", "&lt;"))


def code(text: object) -> str:
    """A text -> inline code; nothing for an empty one."""
    fence = "``" if "`" in str(text) else "`"
    return f"{fence}{text}{fence}" if str(text) else ""


def anchor(name: str) -> str:
    """A name -> an element that links reach as `#name`."""
    return f'<a id="{name}"></a>'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Headings and rows of Markdown cells -> a table; the columns at the positions of right hold figures. A column
    that is empty in every row is left out."""
    cells = [[_escape_pipes(" ".join(cell.split())) for cell in row] for row in rows]
    shown = [i for i in range(len(headings)) if any(row[i] for row in cells)]
    lines = [
        [headings[i] for i in shown],
        ["--:" if i in right else ":--" for i in shown],
        *([row[i] for i in shown] for row in cells),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape_pipes(cell: str) -> str:
    """A cell -> the same with `|` as an entity. Code is then written as HTML: in Markdown's it would stand as it is."""
    if "|" not in cell:
        return cell
    parts = CODE.split(cell)
    return "".join(_code_element(part) if i % 2 and "|" in part else part for i, part in enumerate(parts)).replace(
        "|", "&#124;"
    )


def _code_element(span: str) -> str:
    return f"<code>{escape(span.strip('`'), quote=False)}</code>"


def block(language: str, text: str) -> str:
    """A text -> a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def make_page(title: str, *parts: str) -> str:
    """A title and blocks of Markdown -> the text of a page. Empty blocks are left out."""
    notice = "<!-- Made by `make docs` from the code: change it there. -->"
    return "\n\n".join([notice, f"# {title}", *(part.strip("\n") for part in parts if part.strip())]) + "\n"
