"""Escaping neither loses nor adds: what is read back is the printable text, whatever the text was."""

from __future__ import annotations

import html as pages
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from costcalc.core.sanitize import (
    escape_controls,
    escape_html,
    escape_markdown,
    escape_markdown_line,
    escape_spreadsheet,
    printable,
    printable_lines,
)

SIGNS = st.text(alphabet="\\`*_{}[]()<>#+-.!|~&$@:/ =1ab'\"\n\t;^wwgh-", max_size=40)
ANY = st.one_of(SIGNS, st.text(max_size=40))
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BREAK = "\u200b"


def words(markdown: str) -> str:
    """The text that a reader sees: what is left of the page without its tags."""
    page = PARSER.render(markdown)
    return pages.unescape(
        re.sub(r"</?(?:span|p|h3|li|ul|table|thead|tbody|tr|th|td)(?: style=\"[^\"]*\")?>", "", page)
    ).replace(BREAK, "")


def squeezed(text: str) -> str:
    """Blanks at the ends of a line are nothing in Markdown."""
    return printable(text).strip(" ")


@given(ANY)
def test_markdown_shows_the_text(text: str) -> None:
    for shown in (escape_markdown_line(text), f"### {escape_markdown_line(text)}", f"- {escape_markdown_line(text)}"):
        assert words(shown).strip() == squeezed(text)


@given(st.lists(ANY, min_size=2, max_size=3))
def test_a_row_has_its_cells(texts: list[str]) -> None:
    cells = [escape_markdown(text) for text in texts]
    row = "| " + " | ".join(cells) + " |"
    page = PARSER.render(f"|{' a |' * len(cells)}\n|{' - |' * len(cells)}\n{row}")
    found = [words_of(cell) for cell in re.findall(r"<td>(.*?)</td>", page, re.S)]
    assert found == [squeezed(text) for text in texts]


def words_of(cell: str) -> str:
    return pages.unescape(re.sub(r"</?span>", "", cell)).replace(BREAK, "")


@given(ANY)
def test_html_shows_the_text(text: str) -> None:
    assert pages.unescape(escape_html(text)).replace(BREAK, "") == printable(text)
    assert "<" not in escape_html(text) and not re.search(r"@\w", escape_html(text))


@given(st.text())
def test_printable_is_one_line_that_steers_nothing(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert not shown.lstrip().startswith("::") and not re.search(r"##\w*\[", shown)
    assert printable_lines(text).count("\n") == text.count("\n")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=":#")))
def test_plain_text_stays(text: str) -> None:
    assert printable(text) == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_calm_json_is_the_same_json(value: object) -> None:
    for text in (json.dumps(value, ensure_ascii=False), json.dumps(value, ensure_ascii=False, indent=1)):
        shown = escape_controls(text)
        assert json.loads(shown) == value
        assert shown.replace("\n", "").isprintable() and not re.search(r"##\w*\[", shown)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", " =1", "＝1"])
def test_a_spreadsheets_formula_gets_an_apostrophe(text: str) -> None:
    assert escape_spreadsheet(text) == f"'{text}"


@pytest.mark.parametrize("text", ["conv1", "1", "a=b", "/layer/conv", "(x)", ""])
def test_what_is_no_formula_stays(text: str) -> None:
    assert escape_spreadsheet(text) == text
