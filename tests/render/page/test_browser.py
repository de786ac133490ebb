"""The page in a real browser: nothing complains, tables sort and search, maps zoom, at both widths, light and dark."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.browser import chromium, click, complaints, shown, texts  # noqa: F401
from support.paths import ONNX_FILES

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.core.units import format_bytes, format_short
from costcalc.rules import DType, GraphBuilder

Open = Callable[..., Any]


def number(row: Any, key: str) -> int:
    value = row[key]
    assert isinstance(value, int)
    return value


def requests(page: Any) -> list[str]:
    """Every address that was asked for, but for the browser's own first page."""
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("chrome:", "chrome-untrusted:"))]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_stands(show: Open, width: int, dark: bool) -> None:
    """No error, no request but for the page itself, no sideways scrolling, and every chart is drawn."""
    page = show(costcalc.analyze("resnet50"), width=width, dark=dark)
    assert complaints(page) == []
    assert [url.split(":")[0] for url in requests(page) if not url.startswith("data:")] == ["file"]
    assert (
        page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    )
    assert texts(page, "main > section > h2") == [
        "Summary",
        "Where the cost is",
        "Memory over time",
        "Roofline",
        "Network",
        "Layers",
    ]
    drawn = "return [...document.querySelectorAll('.chart')].map((e) => e.querySelectorAll('svg path').length)"
    assert all(paths > 5 for paths in page.execute_script(drawn))
    assert texts(page, "#summary [data-key=macs] .exact") == ["4,089,184,256"]
    background = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_the_table_sorts_and_says_so(show: Open) -> None:
    report = costcalc.analyze("resnet50")
    page = show(report)
    names = [row.name for row in report.layers]
    assert texts(page, "#layers tbody th") == names
    click(page, "#layers th[data-key=params] button")
    params = [number(row, "params") for row in report.layers]
    most = sorted(range(len(names)), key=lambda i: (-params[i], i))
    assert texts(page, "#layers tbody th") == [names[i] for i in most]
    assert page.execute_script("return document.querySelector('#layers th[data-key=params]').ariaSort") == "descending"
    click(page, "#layers th[data-key=params] button")
    assert texts(page, "#layers tbody th") == [names[i] for i in sorted(range(len(names)), key=params.__getitem__)]
    for key in (
        "#",
        "name",
        "op",
        "output",
        "macs",
        "flops",
        "weight_bytes",
        "activation_bytes",
        "traffic_bytes",
        "intensity",
        "share",
    ):
        click(page, f"#layers th[data-key='{key}'] button")
        assert len(texts(page, "#layers tbody th")) == len(names)
        sorts = page.execute_script("return [...document.querySelectorAll('#layers thead th')].map((e) => e.ariaSort)")
        assert len([s for s in sorts if s != "none"]) == 1


def test_the_search_counts_and_sums_what_it_finds(show: Open) -> None:
    report = costcalc.analyze("resnet50")
    page = show(report)
    field = page.find_element("id", "search")
    field.send_keys("CONV4_x norm")
    found = [row for row in report.layers if row.name.startswith("conv4_x") and row.op_type == "BatchNormalization"]
    assert texts(page, "#layers tbody th") == [row.name for row in found]
    assert texts(page, "#layers output") == [f"{len(found)} of 176 layers"]
    assert f"{sum(number(row, 'params') for row in found):,}" in texts(page, "#layers tfoot td")
    field.send_keys(" nothing-like-it")
    assert texts(page, "#layers tbody th") == []
    assert texts(page, "#layers output") == ["0 of 176 layers"]


def test_516_rows_sort_quickly(show: Open) -> None:
    page = show(costcalc.analyze("resnet152"))
    took = page.execute_script(
        "const at = performance.now(); document.querySelector('#layers th[data-key=macs] button').click();"
        "document.body.offsetHeight; return performance.now() - at"
    )
    assert len(texts(page, "#layers tbody th")) == len(costcalc.analyze("resnet152").layers) and took < 1000


def test_the_map_opens_what_is_clicked(show: Open) -> None:
    """A click on an area, or on its name in the list, opens the block; the crumbs lead back."""
    page = show(costcalc.analyze("resnet50"))
    assert texts(page, "#cost .parts .name") == ["conv4_x", "conv3_x", "conv5_x", "conv2_x", "conv1", "fc"]
    from selenium.webdriver import ActionChains

    box = page.find_element("css selector", "#cost .map")
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", box)
    size = box.size
    ActionChains(page).move_to_element_with_offset(
        box, 60 - size["width"] // 2, 60 - size["height"] // 2
    ).click().perform()
    assert texts(page, "#cost .crumbs b") == ["conv4_x"]
    assert sorted(texts(page, "#cost .parts .name")) == [f"bottleneck{i}" for i in range(1, 7)]
    click(page, "#cost .parts button")
    assert texts(page, "#cost .crumbs b") == ["bottleneck1"]
    click(page, "#cost .crumbs button", 0)
    assert texts(page, "#cost .crumbs b") == ["ResNet-50"]
    click(page, "#cost .toggle button", 1)
    page.execute_script(
        "const s = document.querySelector('#cost select'); s.value = 'params'; s.dispatchEvent(new Event('change'))"
    )
    assert texts(page, "#cost .parts .name")[0] == "conv5_x" and complaints(page) == []


def test_the_slider_moves_through_the_steps(show: Open) -> None:
    report = costcalc.analyze("resnet50")
    page = show(report)
    assert "9.19 MiB at step 14 of 176, the peak" in texts(page, "#memory .status")[0]
    page.execute_script(
        "const s = document.querySelector('#memory input'); s.value = 0; s.dispatchEvent(new Event('input'))"
    )
    live = 4 * (3 * 224 * 224 + 64 * 112 * 112)
    assert texts(page, "#memory .status b") == [format_bytes(live)]
    assert texts(page, "#memory tbody th") == ["conv1/conv", "input"]


def test_a_sum_without_what_is_unknown_is_at_least_that(show: Open) -> None:
    """On the map, in its list and below the table; a block without unknown layers is exact."""
    b = GraphBuilder("half known", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 3, 6, 6))
    for block in ("a", "b"):
        w = b.add_initializer(f"{block}.w", DType.FLOAT32, (3, 3, 1, 1))
        (x,) = b.add("Conv", [x, w], name=f"{block}/conv1", scope=(block,))
        (x,) = b.add("Conv", [x, w], name=f"{block}/conv2", scope=(block,))
    (x,) = b.add("Mystery", [x], name="b/odd", scope=("b",), domain="com.acme")
    page = show(costcalc.analyze(b.build([x])))
    macs = 2 * 3 * 3 * 6 * 6
    assert texts(page, "#cost .status") == [f"≥ {format_short(2 * macs)} MACs, in 5 layers."]
    assert sorted(texts(page, "#cost .parts .amount")) == [format_short(macs), f"≥ {format_short(macs)}"]
    assert any("≥" in text for text in texts(page, "#cost .map svg text"))
    assert "1 layer bound by" not in texts(page, "#roofline .status")[0] and complaints(page) == []


def test_the_names_of_a_wide_table_keep_their_head_beside_them(show: Open) -> None:
    """Scrolled sideways on a phone, the column of names, its head and the word Total stay at the left."""
    page = show(costcalc.analyze("resnet50"), width=390)
    left = page.execute_script(
        "const table = document.querySelector('#layers table'); table.parentElement.scrollLeft = 200;"
        "return ['thead [data-key=name]', 'tbody th', 'tfoot th'].map((s) => table.querySelector(s).getBoundingClientRect().left)"
    )
    assert len(set(left)) == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_an_open_if_and_a_product_among_many_operators(show: Open, width: int) -> None:
    """The cards of an open If have ≤, and no bound without a reason; a small convolution has a colour of its own among
    nine kinds of dearer operators, and no header of the map is wider than its area."""
    b = GraphBuilder("many", "", {"": 18})
    x = b.add_input("x", DType.FLOAT32, (1, 4, 64, 64))
    y = x
    for op in ("Exp", "Tanh", "Erf", "Sin", "Cos", "Sqrt", "Abs", "Neg", "Sigmoid"):
        (y,) = b.add(op, [y], name=f"a_block_with_a_long_name/{op}", scope=("a_block_with_a_long_name",))
    (z,) = b.add("GlobalAveragePool", [y], name="pool")
    (z,) = b.add("Conv", [z, b.add_initializer("w", DType.FLOAT32, (2, 4, 1, 1))], name="conv")
    page = show(analyze_graph(b.build([z])), width=width)
    assert complaints(page) == []
    assert any(text == "Conv 1×1" for text in texts(page, "#cost .legend li"))
    page = show(costcalc.analyze(ONNX_FILES / "toy_if__ts.onnx"), width=width)
    assert complaints(page) == []
    assert texts(page, "[data-key=flops] .value") == ["≤ 16.8 k"]
    assert texts(page, "[data-key=params] .value") == ["3.73 k"], "both branches are stored"
    cells = texts(page, "#roofline table td")
    assert "?" not in cells and any(text == "? (an If is open)" for text in cells)


def test_models_are_compared_and_switched(show: Open) -> None:
    page = show(costcalc.analyze("resnet18"), costcalc.analyze("mobilenet"))
    assert "3.16×" not in texts(page, "#comparison td") and "568,740,352" in texts(page, "#comparison td")
    page.execute_script(
        "const s = document.querySelector('#models select'); s.value = '1'; s.dispatchEvent(new Event('change'))"
    )
    assert texts(page, ".model") == ["MobileNet v1"] and texts(page, "#layers output") == ["85 layers"]
    assert complaints(page) == []


def test_formulas_stand_where_symbols_are_open(show: Open) -> None:
    page = show(costcalc.analyze("gpt2"))
    assert texts(page, "#summary [data-key=macs] .formula") == ["18,432·seq² + 123,532,032·seq"]
    assert texts(page, "#summary [data-key=macs] .value") == ["≤ 146 G"] and complaints(page) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10**18))
@example(1255)
@example(1005)
def test_the_page_rounds_as_costcalc_does(browser: Any, n: int) -> None:
    """The page's own script, asked for the short forms of a number."""
    from costcalc.render.page import ASSETS
    from costcalc.views.page import amount_data

    script = (ASSETS / "figures.js").read_text(encoding="utf-8")
    said = browser.execute_script(
        f"{script}; return [exact(arguments[0]), short(arguments[0]), bytes(arguments[0])]", amount_data(n)
    )
    assert said == [f"{n:,}", format_short(n), format_bytes(n)]


def test_layers_without_macs_and_parameters_beside_blocks_are_one_part(show: Open) -> None:
    """The diagram has each of them in its place."""
    b = GraphBuilder("m", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(2):
        w = b.add_initializer(f"w{i}", DType.FLOAT32, (8, 8))
        (x,) = b.add("MatMul", [x, w], name=f"block{i}/product", scope=(f"block{i}",))
        (x,) = b.add("Neg", [x], name=f"block{i}/neg", scope=(f"block{i}",))
        (x,) = b.add("Relu", [x], name=f"relu{i}")
    page = show(costcalc.analyze(b.build([x])))
    page.execute_script(
        "const s = document.querySelector('#cost select'); s.value = 'flops'; s.dispatchEvent(new Event('change'))"
    )
    assert texts(page, "#cost .parts .name") == ["block0", "block1", "(2 other layers)"]
    click(page, "#cost .parts button", 2)
    assert texts(page, "#cost .parts .name") == ["relu0", "relu1"]
    assert "(2 other layers)" not in texts(page, "#network .node .name") and complaints(page) == []
