"""Open models on the page in a browser: the worst case, a legend of short names, folded layers, single children; and
large graphs, narrow screens, and a browser without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from support.browser import chromium, click, complaints, is_ready, shown, texts  # noqa: F401
from support.pages import page_text

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.render.page import ASSETS
from costcalc.rules import DType, GraphBuilder

Open = Callable[..., Any]


def detector(found: int = 3) -> costcalc.Report:
    """A product of a fixed size, and products of as many rows as elements are found; its names are those of an exporter,
    and nodes beside its one block compute shapes."""
    b = GraphBuilder("detector", "", {"": 17})
    x = b.add_input("image", DType.FLOAT32, (4, 8))
    outputs: list[str] = []
    for i in range(2):
        w = b.add_initializer(f"w{i}", DType.FLOAT32, (8, 8))
        (x,) = b.add("MatMul", [x, w], name=f"m/m.body/m.body.{i}/MatMul", scope=("m", "m.body", f"m.body.{i}"))
        (x,) = b.add("Relu", [x], name=f"m/m.body/m.body.{i}/Relu", scope=("m", "m.body", f"m.body.{i}"))
    for i in range(found):
        (places,) = b.add("NonZero", [x], name=f"NonZero_{i}")
        (numbers,) = b.add("Cast", [places], {"to": 1}, name=f"Cast_{i}")
        (rows,) = b.add("Transpose", [numbers], {"perm": (1, 0)}, name=f"Transpose_{i}")
        w = b.add_initializer(f"head{i}", DType.FLOAT32, (2, 5))
        outputs += b.add("MatMul", [rows, w], name=f"MatMul_{i}")
    return analyze_graph(b.build(outputs))


def test_a_detector_is_drawn_in_its_worst_case(show: Open) -> None:
    report = detector()
    page = show(report)
    macs = 2 * 4 * 8 * 8 + 3 * 32 * 2 * 5
    assert complaints(page) == [] and report.total_limits["macs"] == macs
    assert texts(page, "#summary [data-key=macs] .value") == [f"≤ {macs / 1000:.2f} k"]
    assert texts(page, "#summary [data-key=macs] .where") == ["in the worst case"]
    assert texts(page, ".headline")[0].startswith(
        "detector with the 3 extents that depend on data at their upper bounds: ≤ "
    )
    assert [text for text in texts(page, ".symbols tbody td") if text == "32"] == ["32"] * 6
    assert "n2" in texts(page, ".symbols tbody th") and "10·n2" in texts(page, "#summary [data-key=macs] .formula")[0]
    assert texts(page, "#layers tfoot td")[3] == f"{macs:,}"
    titles = page.execute_script("return [...document.querySelectorAll('#layers td[title]')].map((e) => e.title)")
    assert "10·nonzero" in titles or "10·n" in titles
    drawn = "return [...document.querySelectorAll('.chart')].map((e) => e.querySelectorAll('svg path').length)"
    assert len(page.execute_script(drawn)) == 3 and all(paths > 3 for paths in page.execute_script(drawn))


def test_a_block_with_a_single_child_is_opened_with_it(show: Open) -> None:
    """`m` holds `m.body` alone, beside layers that cost nothing here: the list starts with what stands in it, and labels
    do not say the block around them again."""
    page = show(detector(found=0))
    assert texts(page, "#cost .parts .name") == ["m.body.0", "m.body.1"]
    assert texts(page, "#cost .crumbs b") == ["detector"] and complaints(page) == []


def test_layers_without_arithmetic_are_one_row_that_opens(show: Open) -> None:
    b = GraphBuilder("shapes", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(2):
        (x,) = b.add("Relu", [x], name=f"relu{i}")
        for j in range(3):
            (x,) = b.add("Identity", [x], name=f"identity{i}{j}")
    page = show(costcalc.analyze(b.build([x])))
    assert texts(page, "#layers tbody th") == ["relu0", "3 layers without arithmetic"] + [
        "relu1",
        "3 layers without arithmetic",
    ]
    click(page, "#layers .fold button")
    assert texts(page, "#layers tbody th")[:4] == ["relu0", "identity00", "identity01", "identity02"]
    click(page, "#layers .controls .open")
    assert len(texts(page, "#layers tbody th")) == 8
    page.find_element("id", "search").send_keys("identity1")
    assert texts(page, "#layers tbody th") == ["identity10", "identity11", "identity12"] and complaints(page) == []


def visible_columns(page: Any, selector: str) -> list[str]:
    script = (
        "const box = document.querySelector(arguments[0]); const right = box.getBoundingClientRect().right;"
        "return [...box.querySelectorAll('thead th')].filter((e) => e.offsetWidth && e.getBoundingClientRect().right <= right + 1)"
        ".map((e) => e.dataset.title ?? e.textContent)"
    )
    found: list[str] = page.execute_script(script, selector)
    return found


def test_parameters_show_without_scrolling(show: Open) -> None:
    page = show(costcalc.analyze("resnet50"))
    assert visible_columns(page, "#layers .wide")[:7] == [
        "#",
        "Layer",
        "Operator",
        "Output",
        "MACs",
        "% MACs",
        "Params",
    ]
    page = show(costcalc.analyze("resnet50"), width=390)
    assert visible_columns(page, "#layers .wide") == ["Layer", "MACs", "% MACs", "Params"]
    assert visible_columns(page, "#memory .wide") == ["Tensor", "Size", "Of live"]
    click(page, "#layers .toggle button", 1)
    assert page.execute_script("return document.querySelector('#layers [data-key=flops]').offsetWidth") > 0


def test_names_are_whole_in_the_page_and_cut_on_the_screen(show: Open) -> None:
    """No two names look alike: they are cut as tables of the terminal cut them."""
    page = show(costcalc.analyze("resnet50"))
    script = (
        "return [...document.querySelectorAll('#layers tbody .path')].map((e) => [...e.children]"
        ".map((part) => (part.dataset.first ?? '') + (getComputedStyle(part).fontSize === '0px' ? '' : part.textContent)).join(''))"
    )
    seen = page.execute_script(script)
    names = [row.name for row in costcalc.analyze("resnet50").layers]
    assert texts(page, "#layers tbody th") == names
    assert len(set(seen)) == len(names) and max(map(len, seen)) <= 42 and any("…" in text for text in seen)


@pytest.fixture(name="without_scripts")
def disabled(browser: Any, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    def opened(text: str) -> Any:
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(path.as_uri())
        return browser

    yield opened
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_essential_figures_stand_without_javascript(without_scripts: Callable[[str], Any]) -> None:
    page = without_scripts(page_text(costcalc.analyze("resnet18"), costcalc.analyze("gpt2")))
    text = page.find_element("id", "main").text
    for figure in (
        "1,814,073,344",
        "11.7 M",
        "ResNet-18: 1.81 GMACs",
        "≤ 146 G",
        "18,432·seq² + 123,532,032·seq",
        "conv2_x",
    ):
        assert figure in text, figure
    assert "1,024" in text and "JavaScript is switched off" in text


def test_tables_of_the_page_have_scopes_and_names() -> None:
    text = page_text(costcalc.analyze("resnet18"), costcalc.analyze("gpt2"))
    static = text[text.index("<main") : text.index("</main>")]
    tables = re.findall(r"<table.*?</table>", static, re.S)
    assert len(tables) == 5 and all(
        "<caption" in table and 'scope="col"' in table and 'scope="row"' in table for table in tables
    )
    assert not re.search(r"<th(?![^>]*scope=)(?=[ >])", static)
    assert re.findall(r"<h([1-6])", static) == ["1", "2", "2", "2", "3", "2", "2", "3"]


def chain(layers: int) -> costcalc.Report:
    b = GraphBuilder("large", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(layers):
        (x,) = b.add("Relu", [x], name=f"a_name_as_exporters_write_them_{i}")
    return costcalc.analyze(b.build([x]))


def test_ten_thousand_layers_stay_small_and_open_soon(show: Open) -> None:
    """The time is held to that of a page of ten layers on the same machine: 3 s where that takes a fifth of a second."""
    text = page_text(chain(10_000))
    assert len(text.encode()) < 4_000_000
    times = []
    for report in (chain(10), chain(10_000)):
        text = page_text(report)
        start = perf_counter()
        page = show(report)
        times.append(perf_counter() - start)
        assert complaints(page) == [] and text
    assert len(texts(page, "#layers tbody th")) == 1000 and is_ready(page)
    assert len(texts(page, "#cost .parts .name")) == 150
    took = page.execute_script("return performance.now()")
    assert took < 20_000 and times[1] < 15 * times[0] + 10


def test_the_page_of_a_usual_model_is_below_a_megabyte() -> None:
    assert len(page_text(costcalc.analyze("resnet50")).encode()) < 1_000_000


def test_words_and_marks_have_contrast_enough() -> None:
    """WCAG AA: 4.5 to 1 for text on each ground, in both colour schemes; 3 to 1 for marks."""
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)[:2]
    assert len(blocks) == 2
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for ground in ("paper", "raised"):
            for name in ("ink", "faint", "accent", "warning"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for i in range(8):
            assert (
                contrast(colours["ink"], colours[f"fill{i}"]) >= 4.5
                and contrast(colours[f"mark{i}"], colours["paper"]) >= 3
            )


def contrast(one: str, other: str) -> float:
    """Two colours `#rrggbb` → the ratio of their luminances as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
