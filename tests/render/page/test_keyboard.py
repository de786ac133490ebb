"""The page under a keyboard, on paper, and with networks at the ends: one layer, or thousands in no block."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from support.browser import chromium, complaints, shown, texts  # noqa: F401

import costcalc
from costcalc.rules import DType, GraphBuilder, symbol

Open = Callable[..., Any]


def chain(layers: int, blocks: int = 0) -> costcalc.Report:
    """Layers in a row, of which the first are each in a block of their own."""
    b = GraphBuilder("chain", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(layers):
        scope = (f"block{i}",) if i < blocks else ()
        (x,) = b.add("Relu", [x], name="/".join((*scope, f"relu{i}")), scope=scope)
    return costcalc.analyze(b.build([x]))


def pressed(page: Any, selector: str, *keys: str) -> str:
    """Presses keys on an element, and tells what has the focus then."""
    page.execute_script("document.querySelector(arguments[0]).focus()", selector)
    page.switch_to.active_element.send_keys(*keys)
    text: str = page.execute_script(
        "const e = document.activeElement; return (e.querySelector('.name') ?? e).textContent"
    )
    return text


def test_the_keyboard_keeps_its_place_where_a_block_opens(show: Open) -> None:
    """The list and the diagram are drawn anew; the next press of a key must go on from there."""
    from selenium.webdriver.common.keys import Keys

    page = show(costcalc.analyze("resnet50"))
    assert pressed(page, "#cost .parts button", Keys.ENTER) == "bottleneck1"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert texts(page, "#cost .crumbs b") == ["bottleneck1"]
    pressed(page, "#network .node.block", Keys.ENTER, Keys.ENTER)
    assert texts(page, "#network .crumbs b") == ["bottleneck1"]
    assert page.execute_script("return document.activeElement === document.querySelector('#network .node')")


def test_paper_is_light_and_every_page_has_the_heads(show: Open) -> None:
    """In a dark room too. A head with buttons in it would not be repeated on each page."""
    page = show(costcalc.analyze("resnet50"), dark=True)
    inks = "return [...document.querySelectorAll('#memory .chart text')].map((e) => e.getAttribute('fill'))"
    assert "#e7eaee" in page.execute_script(inks)
    page.execute_script(
        "window.seen = []; addEventListener('beforeprint', () => { seen = (() => { " + inks + " })(); })"
    )
    printed = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    seen = page.execute_script("return window.seen")
    assert printed.startswith(b"%PDF") and seen and "#e7eaee" not in seen
    assert "#e7eaee" in page.execute_script(inks) and complaints(page) == []
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    heads = (
        "return [...document.querySelectorAll('#layers thead th')].filter((e) => e.clientWidth)"
        ".map((e) => [getComputedStyle(e, '::before').content, e.firstChild.clientHeight])"
    )
    found = page.execute_script(heads)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert ['"MACs"', 0] in found and all(height == 0 for _, height in found)


@pytest.mark.parametrize("report", [chain(1), chain(0)], ids=["one layer", "no layer"])
def test_a_network_of_next_to_nothing_stands(show: Open, report: costcalc.Report) -> None:
    """The line of live bytes spans the whole of a single step."""
    page = show(report)
    assert complaints(page) == [] and len(texts(page, "#network .node")) == len(report.layers)
    if report.layers:
        assert texts(page, "#network .node .name") == ["relu0"]
        wide = (
            "const box = document.querySelector('#memory .chart');"
            "return Math.max(...[...box.querySelectorAll('path')].filter((e) => e.getAttribute('fill') === '#8db9e0')"
            ".map((e) => e.getBoundingClientRect().width)) / box.clientWidth"
        )
        assert page.execute_script(wide) > 0.8


def test_layers_in_no_block_stand_beside_the_blocks(show: Open) -> None:
    page = show(chain(500, blocks=3))
    page.execute_script(
        "const s = document.querySelector('#network select'); s.value = '1'; s.dispatchEvent(new Event('change'))"
    )
    assert texts(page, "#network .node .name") == ["block0", "block1", "block2", "497 layers in no block"]
    assert texts(page, "#network .node .what") == ["1 layer", "1 layer", "1 layer", "497 layers"]


@pytest.mark.parametrize("width", [1280, 390])
def test_names_fit_their_areas(show: Open, width: int) -> None:
    """Every word on the map lies within an area of it that is not the whole."""
    page = show(costcalc.analyze("resnet50"), width=width)
    outside = page.execute_script(
        "const map = document.querySelector('#cost .map'); const most = map.clientWidth * map.clientHeight / 2;"
        "const boxes = [...document.querySelectorAll('#cost .map path')].map((e) => e.getBoundingClientRect());"
        "return [...document.querySelectorAll('#cost .map text')].filter((e) => { const t = e.getBoundingClientRect();"
        " return !boxes.some((b) => b.left <= t.left + 1 && b.right >= t.right - 1 && b.top <= t.top + 2"
        " && b.bottom >= t.bottom - 2 && b.width * b.height < most); }).map((e) => e.textContent)"
    )
    assert outside == []
    assert "conv4_x  1.46 G" in texts(page, "#cost .map text")


def test_names_without_end_are_shortened_at_once(show: Open) -> None:
    """Their letters are not tried one by one."""
    b = GraphBuilder("long", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 4, 8, 8))
    w = b.add_initializer("w", DType.FLOAT32, (4, 4, 3, 3))
    for i in range(12):
        (x,) = b.add("Conv", [x, w], {"pads": (1, 1, 1, 1)}, name="n" * 10_000 + str(i))
    page = show(costcalc.analyze(b.build([x])))
    assert page.execute_script("return performance.getEntriesByType('navigation')[0].domInteractive") < 15_000
    assert all(name.endswith(f"n{i}") for i, name in enumerate(texts(page, "#network .node .name")))


def test_formulas_without_end_are_opened_by_who_wants_them(show: Open) -> None:
    """A detector's totals have a symbol for each tensor whose extent the data decide."""
    b = GraphBuilder("detector", "made", {"": 17})
    inputs = [b.add_input(f"x{i}", DType.FLOAT32, (1, symbol(f"boxes_of_level_{i}"))) for i in range(90)]
    found = [b.add("Sigmoid", [x], name=f"sigmoid{i}")[0] for i, x in enumerate(inputs)]
    (whole,) = b.add("Concat", found, {"axis": 1}, name="concat")
    page = show(costcalc.analyze(b.build([whole])))
    summaries = texts(page, "#summary .tile summary")
    assert summaries and all(len(text) <= 122 and text.endswith(" …") for text in summaries)
    tall = "return document.querySelector('#summary .tiles').clientHeight"
    assert page.execute_script(tall) < 400
    assert max(map(len, texts(page, "#layers td"))) <= 62 and complaints(page) == []


def test_sums_keep_every_digit(show: Open) -> None:
    """Of a block and of what a search finds, beyond what a number of JavaScript holds."""
    report = costcalc.analyze("resnet50", dims={"N": 30_000_001})
    page = show(report)
    inside = [int(row["macs"] or 0) for row in report.layers if row.name.startswith("conv4_x/")]
    page.execute_script(
        "const s = document.getElementById('search'); s.value = 'conv4_x/'; s.dispatchEvent(new Event('input'))"
    )
    assert f"{sum(inside):,}" in texts(page, "#layers tfoot td") and sum(inside) > 2**53


@pytest.mark.parametrize("width", [1280, 390])
def test_names_on_the_map_are_cut_once(show: Open, width: int) -> None:
    """By the page, in the middle; not again at the end by the chart."""
    words = texts(show(costcalc.analyze("gpt2"), width=width), "#cost .map text")
    assert words and [word for word in words if "..." in word or word.count("…") > 1] == []
