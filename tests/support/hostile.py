"""Models whose names try to be more than names, and what each format must have made of them."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import onnx
from markdown_it import MarkdownIt
from onnx import TensorProto, helper

from costcalc.render.page import VENDORED

NAMES = (
    "::set-output name=x::y",
    "::add-mask::x",
    "  ::stop-commands::x",
    "##[add-mask]x",
    "##vso[task.setvariable]x",
    "a\n::error file=x::b",
    "a\r::notice::b",
    "a\u2028::debug::b",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://e\x07x",
    "\x9b31m",
    "\u202eevil",
    "a\u200bb",
    "[bold red]x[/]",
    "[link=http://evil.example]x[/link]",
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "＝1",
    "a|b",
    "`code`",
    "**bold** _it_",
    "</details><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- costcalc -->",
    "-->",
    "@org/team",
    "x @someone",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "http://evil.example/x",
    "www.evil.example",
    "<http://evil.example>",
    "]]>",
    "&lt;b&gt;",
    "| a | b |\n| - | - |",
    "~~x~~",
    "$x^2$",
    "#12",
    "org/repo#12",
    "GH-12",
    "!12",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "```",
    "a\\",
    "%0A::error::x",
    "{0} [1](2)",
    "' \" ;",
    "\x00\x7f",
    "\ufeff\ufffe",
)
TITLE = "::add-mask::@org/team <b>*x*</b>\x1b[2J\n=1|`"
FILE = "=1|`@org <b>[x](y)\x1b[2J\n::error::z.onnx"
"""A model that says no name is called as its file."""
SYMBOL = "=s\x1b[1m|<b>`::x`@org/team"
OPERATOR = "Relu\x1b[31m|<script>`@org/team"


def write(path: Path, extra: int = 0) -> None:
    """An ONNX file with a layer of each name, an operator that nobody knows, an open symbol, convolutions of 4 + extra
    filters under a hostile name."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="=conv|<b>@org/team\n::error::x")]
    last = "c"
    for i, name in enumerate(NAMES):
        nodes.append(helper.make_node("Relu", [last], [f"{name}{i}"], name=name))
        last = f"{name}{i}"
    nodes.append(helper.make_node(OPERATOR, [last], ["y"], name="::unknown::", domain="evil\x1b[31m|<b>@org/team"))
    graph = helper.make_graph(
        nodes,
        TITLE,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SYMBOL, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("w", TensorProto.FLOAT, [4 + extra, 3, 1, 1], bytes(4 * 3 * (4 + extra)), raw=True)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("evil\x1b[31m|<b>@org/team", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)


def write_yaml(path: Path, filters: int = 4) -> None:
    """A YAML file with hostile names where the language takes any: the title, the source, a symbol, layers."""
    layers = "".join(
        f"  - conv: {{filters: {filters}, kernel: 1}}\n    as: {json.dumps(name)}\n" for name in YAML_NAMES
    )
    path.write_text(
        f"name: {json.dumps(TITLE)}\nsource: {json.dumps(TITLE)}\ninput: [N, 3, 8, 8]\nlayers:\n{layers}",
        encoding="utf-8",
    )


YAML_NAMES: tuple[str, ...] = ("-a", "www.evil.example", "GH-12", "__init__", "_x_")
"""The language takes letters, digits, `_`, `-` and `.` only."""


def neutral(text: str, ours: str = r"(?!)") -> None:
    """Nothing steers a terminal, or the log of a CI. ours: commands that we give."""
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert not line.lstrip().startswith("::") or re.match(ours, line), line
        assert not re.search(r"##\w*\[", line), line


def plain_csv(text: str) -> None:
    neutral(text)
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not re.match(r"\s*[=+@＝＋－＠]|\s*-(?!\d+$)", cell), cell


def plain_markdown(text: str, ours: tuple[str, ...] = ()) -> None:
    """Rendered, it has no HTML but ours, no link, no image, no code, and nobody is mentioned."""
    neutral(text)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    flat: list[Any] = [t for token in tokens for t in [token, *(token.children or [])]]
    for token in flat:
        assert token.type not in (
            "link_open",
            "image",
            "code_inline",
            "code_block",
            "s_open",
            "em_open",
            "ordered_list_open",
            "blockquote_open",
            "hr",
        ), token
        if token.type in ("html_inline", "html_block"):
            rest = re.sub(r"</?span>", "", token.content)
            for one in ours:
                rest = re.sub(one, "", rest)
            assert not re.search(r"[<>]", rest), token.content
            assert not re.search(r"@\w", token.content), token.content
        elif token.type == "text":
            assert not re.search(r"@\w|(?<!\w)#\d|\w#\d|GH-\d|!\d|://|www\.[a-z]", token.content), token.content
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.M)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table.splitlines()}) == 1, table
    assert len(tables) == len([token for token in tokens if token.type == "table_open"])


class _Tags(HTMLParser):
    KNOWN = frozenset(
        [
            "html",
            "head",
            "meta",
            "title",
            "body",
            "div",
            "style",
            "h2",
            "span",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "i",
            "wbr",
            "dl",
            "dt",
            "dd",
            "figure",
            "figcaption",
            "svg",
            "path",
        ]
    )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN, tag
        assert not [key for key, _ in attrs if key.startswith("on") or key in ("href", "src")], attrs

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def plain_html(text: str) -> None:
    neutral(text)
    parser = _Tags()
    parser.feed(text)
    assert "&#8203;" in text or "@" not in text


class _PageTags(HTMLParser):
    """Tags of a page of costcalc: its icon and links within it are all its addresses, and its own two scripts run."""

    KNOWN = frozenset(
        [
            "a",
            "article",
            "b",
            "body",
            "caption",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
            "footer",
            "h1",
            "h2",
            "head",
            "header",
            "html",
            "li",
            "link",
            "main",
            "meta",
            "nav",
            "noscript",
            "p",
            "script",
            "section",
            "style",
            "summary",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "title",
            "tr",
            "ul",
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN, tag
        if tag == "script":
            self.scripts.append(dict(attrs).get("type"))
        for key, value in attrs:
            assert not key.startswith("on") and key != "src", attrs
            assert key != "href" or value in (("data:,",) if tag == "link" else ("#main", "#comparison", "#rows")), (
                attrs
            )

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def plain_page(text: str) -> None:
    """A page that runs its own scripts only: the data, the library for charts where it has some, and one script that
    its policy names."""
    library = VENDORED.read_text(encoding="utf-8")
    parts = text.split(library)
    text = "".join(parts)
    neutral(text)
    parser = _PageTags()
    parser.feed(text)
    assert parser.scripts == ["application/json", *[None] * len(parts)], parser.scripts


def plain_json(text: str) -> Any:
    neutral(text)
    return json.loads(text)


def plain_xml(text: str) -> ElementTree.Element:
    neutral(text)
    return ElementTree.fromstring(text)


CHECKS = {
    "table": neutral,
    "text": neutral,
    "csv": plain_csv,
    "markdown": plain_markdown,
    "html": plain_html,
    "json": plain_json,
    "junit": plain_xml,
    "sarif": plain_json,
    "gitlab": plain_json,
    "svg": plain_xml,
    "azure-comment": plain_markdown,
    "bitbucket": plain_json,
    "bitbucket-comment": plain_markdown,
    "badge": plain_xml,
    "shields": plain_json,
}
