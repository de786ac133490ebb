"""Tables as pictures: what the terminal shows, drawn; nothing is fetched, and no name leaves its place."""

from __future__ import annotations

import builtins
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import ok
from support.graphs import blocks, unknown

from costcalc import analyze, footprint
from costcalc.render import render_png, render_tables, svg
from costcalc.render.terminal import Screen
from costcalc.rules import UsageError
from costcalc.views.table import Table

SVG = "{http://www.w3.org/2000/svg}"


def shown(result: Any) -> Any:
    """The table of a result."""
    return result.tables()[0]


def drawn(given: Table, width: int = 88) -> ElementTree.Element:
    return ElementTree.fromstring(svg.render([given], width))


def lines(root: ElementTree.Element) -> list[str]:
    """The picture's words, put back into lines of characters."""
    found: dict[int, list[tuple[int, str]]] = {}
    for text in root.iter(f"{SVG}text"):
        line = round((float(text.attrib["y"]) - svg.MARGIN - svg.TEXT_BASELINE) / svg.LINE)
        column = round((float(text.attrib["x"]) - svg.MARGIN) / svg.CELL)
        found.setdefault(line, []).append((column, text.text or ""))
    whole_lines = []
    for line in range(max(found) + 1):
        whole = ""
        for column, word in sorted(found.get(line, [])):
            whole = whole.ljust(column) + word
        whole_lines.append(whole)
    return whole_lines


def bare(line: str) -> str:
    return re.sub("[▏▎▍▌▋▊▉█▁▂▃▄▅▆▇─│┤└]", " ", line).rstrip()


@pytest.mark.parametrize(
    "make",
    [
        lambda: shown(analyze(blocks())),
        lambda: shown(analyze(unknown())),
        lambda: shown(footprint(blocks())),
    ],
    ids=["blocks", "unknown", "memory"],
)
@pytest.mark.parametrize("width", [60, 88])
def test_a_picture_holds_every_word_where_the_table_has_it(make: Callable[[], Table], width: int) -> None:
    given = make()
    assert lines(drawn(given, width)) == [
        bare(line) for line in render_tables("table", [given], Screen(width)).split("\n")
    ]


def test_bars_are_as_long_as_shares() -> None:
    """fc has 10 × 1,024 of the MACs; a bar is drawn to an eighth of a cell."""
    report = analyze(blocks())
    bars = [
        float(r.attrib["width"]) for r in drawn(shown(report), 120).iter(f"{SVG}rect") if r.attrib.get("class") == "bar"
    ]
    macs = [row["macs"] for row in report.layers if row["macs"]]
    for bar, amount in zip(bars, macs, strict=True):
        assert isinstance(amount, int)
        assert abs(bar / max(bars) - amount / max(m for m in macs if isinstance(m, int))) < svg.CELL / 8 / max(bars)


def test_nothing_is_fetched_and_both_schemes_are_there() -> None:
    text = svg.render([shown(analyze(blocks()))], 88).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text and "url(" not in text and "@import" not in text and "@font-face" not in text
    assert "prefers-color-scheme:dark" in text
    assert text == svg.render([shown(analyze(blocks()))], 88).replace("http://www.w3.org/2000/svg", "")


@given(st.text(max_size=40))
def test_any_name_is_only_words(name: str) -> None:
    given = Table(f"<script>{name}", name, (), ())
    root = drawn(given)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "style", "rect", "text", "path"}
    assert not any(key.startswith("on") for e in root.iter() for key in e.attrib)


def test_a_png_is_twice_as_large() -> None:
    pytest.importorskip("resvg_py")
    given = [shown(analyze(blocks()))]
    content = render_png(given, Screen(88))
    root = ElementTree.fromstring(svg.render(given, 88))
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))


def test_what_cannot_be_drawn_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py")
    with pytest.raises(UsageError, match="21,000 pixels high; show fewer rows"):
        svg.rasterize('<svg height="10500">')
    monkeypatch.setattr(svg, "_has_font", lambda: False)
    with pytest.raises(UsageError, match="no font to draw letters with; install one"):
        svg.rasterize('<svg height="10">')
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "resvg_py":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'costcalc\[pictures\]', or take --format svg"):
        svg.rasterize('<svg height="10">')


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", "lenet5"],
        ["compare", "lenet5", "nin"],
        ["memory", "lenet5"],
        ["hardware"],
        ["hardware", "t4"],
        ["models"],
        ["ops"],
    ],
    ids=" ".join,
)
def test_every_table_is_a_picture(command: list[str]) -> None:
    ElementTree.fromstring(ok(*command, "--format", "svg"))


@pytest.mark.parametrize(
    "command",
    [
        ("analyze", "lenet5"),
        ("compare", "lenet5", "alexnet"),
        ("diff", "plain34", "resnet34"),
        ("memory", "lenet5"),
        ("suggest", "resnet18"),
        ("suggest", "resnet18", "1"),
        ("sweep", "lenet5", "--dim", "N=1,2"),
        ("models",),
        ("reconcile", "lenet5"),
        ("llm", "llama_7b"),
        ("hardware",),
        ("rule",),
    ],
    ids=" ".join,
)
def test_every_table_is_a_picture_where_it_is_asked_for(command: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    for form, start in (("png", b"\x89PNG"), ("svg", b"<svg"), ("html", b"<!doctype html>")):
        path = tmp_path / f"table.{form}"
        ok(*command, "--format", form, "-o", str(path))
        assert path.read_bytes().startswith(start)


def test_a_format_that_is_no_text_is_none() -> None:
    with pytest.raises(ValueError, match="png is no format of text"):
        render_tables("png", [], Screen(80))
