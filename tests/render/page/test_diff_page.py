"""The page of a diff: what stands without scripts, the table that sorts and is searched, and names that want to be code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, click, complaints, is_ready, set_screen, texts  # noqa: F401
from support.cli import call, ok
from support.graphs import blocks, unknown

import costcalc
from costcalc.render.page.diff import render
from costcalc.rules import DType, GraphBuilder
from costcalc.studies.diff.diff import Diff
from costcalc.views.sentence import diff_sentence

Open = Callable[..., Any]


def widened(name: str = "net", filters: int = 8, label: str = "conv") -> Any:
    """Two convolutions, of which the first has so many filters, and one more layer where it has more than eight."""
    b = GraphBuilder(name, "file.onnx", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 4, 8, 8))
    w = b.add_initializer("w", DType.FLOAT32, (filters, 4, 3, 3))
    (x,) = b.add("Conv", [x, w], {"pads": (1, 1, 1, 1)}, name=f"{label}1")
    (x,) = b.add("Relu", [x], name="relu")
    (x,) = b.add("Conv", [x, b.add_initializer("v", DType.FLOAT32, (5, filters, 1, 1))], name=f"{label}2")
    if filters > 8:
        (x,) = b.add("Sigmoid", [x], name="sigmoid")
    return b.build([x])


def the_diff() -> Diff:
    return costcalc.diff(widened(), widened(filters=12))


@pytest.fixture(name="open_diff")
def opened_diff(browser: Any, tmp_path: Path) -> Open:
    def opened(*diffs: Diff, width: int = 1280, dark: bool = False) -> Any:
        path = tmp_path / "diff.html"
        path.write_text(render(diffs), encoding="utf-8")
        set_screen(browser, width, dark)
        browser.get_log("browser")
        browser.get(path.as_uri())
        assert is_ready(browser), complaints(browser)
        return browser

    return opened


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_page_of_a_diff_stands(open_diff: Open, width: int, dark: bool) -> None:
    page = open_diff(costcalc.diff("resnet18", "resnet34"), width=width, dark=dark)
    assert complaints(page) == []
    assert (
        page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    )
    assert texts(page, "h2") == ["Totals", "By cause", "Layers"]
    assert "+1,849,688,064" in texts(page, "#totals-0 td") and texts(page, ".headline")[0].endswith(".")


def test_the_sentence_is_that_of_comments(open_diff: Open) -> None:
    diff = the_diff()
    assert texts(open_diff(diff), ".headline") == [f"{diff_sentence([diff])}."]
    assert f"{diff_sentence([diff])}." == "net: MACs +50.0% (21.0 k → 31.5 k)" + texts_end(diff)


def texts_end(diff: Diff) -> str:
    """What the sentence says behind the first figure."""
    return diff_sentence([diff]).partition(")")[2] + "."


def test_layers_are_sorted_by_their_change_and_searched(open_diff: Open) -> None:
    page = open_diff(the_diff())
    cells = "#layers-0 tbody [class]"
    assert texts(page, "#layers-0 tbody th .path") == ["conv1", "conv2", "relu", "sigmoid"] and cells
    before, after = 64 * 8 * 36, 64 * 12 * 36
    assert texts(page, "#layers-0 tbody tr:first-child td")[3:6] == [
        f"{before:,}",
        f"{after:,}",
        f"+{after - before:,}",
    ]
    assert texts(page, "#layers-0 tbody tr:first-child td")[6:] == ["1×8×8×8", "1×12×8×8"]
    total = 64 * (4 * 36 + 4 * 5)
    assert texts(page, "#layers-0 tfoot td")[5] == f"+{total:,}"
    click(page, "#layers-0 th[data-key='#'] button")
    assert texts(page, "#layers-0 tbody th .path") == ["conv1", "relu", "conv2", "sigmoid"]
    assert page.execute_script("return document.querySelector('#layers-0 th[data-key=\"#\"]').ariaSort") == "ascending"
    page.find_element("css selector", "#layers-0 input").send_keys("ADDED")
    assert texts(page, "#layers-0 tbody th .path") == ["sigmoid"]
    assert texts(page, "#layers-0 output") == ["1 of 4 layers"] and complaints(page) == []


def test_a_quantity_is_chosen_and_layers_that_are_the_same_are_shown(open_diff: Open) -> None:
    page = open_diff(costcalc.diff("resnet18", "resnet34"))
    assert len(texts(page, "#layers-0 tbody tr")) == 56
    click(page, "#layers-0 .toggle button", 1)
    assert len(texts(page, "#layers-0 tbody tr")) == 126
    page.execute_script(
        "const s = document.querySelector('#layers-0 select'); s.value = 'params'; s.dispatchEvent(new Event('change'))"
    )
    assert texts(page, "#layers-0 thead th")[4] == "Params before"
    assert texts(page, "#layers-0 tfoot td")[5] == "+10,108,160"


def test_what_is_not_known_stays_so(open_diff: Open) -> None:
    page = open_diff(costcalc.diff(unknown(), blocks()))
    assert "?" in texts(page, "#layers-0 tbody td") and complaints(page) == []


def test_narrow_screens_show_what_changed_under_the_name(open_diff: Open) -> None:
    page = open_diff(the_diff(), width=390)
    script = "return [...document.querySelectorAll('#layers-0 thead th')].filter((e) => e.offsetWidth).map((e) => e.dataset.title)"
    assert page.execute_script(script) == ["Layer", "MACs after", "Change"]
    assert "Conv: filters 8 → 12" in page.find_element("css selector", "#layers-0 tbody th small").text


def test_figures_stand_without_scripts() -> None:
    text = render([the_diff()])
    static = text[text.index("<main") : text.index("</main>")]
    assert "filters 8 → 12" in static and "+50.0%" in static and 'scope="row"' in static
    assert len(text) < 100_000, "no chart, and so no library of charts"


HOSTILE = "</script><script>window.hurt=1</script><img src=x onerror=window.hurt=1>"


def test_hostile_names_stay_text(open_diff: Open) -> None:
    diff = costcalc.diff(widened(HOSTILE, label=HOSTILE), widened(HOSTILE, 12, HOSTILE))
    page = open_diff(diff, diff)
    assert page.execute_script("return window.hurt") is None
    assert page.execute_script("return document.querySelectorAll('img').length") == 0
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', render([diff]), re.S)
    assert data and json.loads(data[1])["diffs"][0]["title"] == HOSTILE


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "diff.html"
    ok("diff", "lenet5", "alexnet", "-o", str(path))
    text = path.read_text(encoding="utf-8")
    assert "LeNet-5 → AlexNet" in text and 'data-diff="0"' in text
    assert 'data-diff="0"' in ok("diff", "lenet5", "alexnet", "--format", "html")
    code, out, _ = call(capsys, "diff", "lenet5", "alexnet", "--fail-on", "macs>+2%", "--format", "html")
    assert code == 1 and "macs&gt;+2%</b> exceeded" in out
    assert "no total changed" in ok("diff", "lenet5", "lenet5", "--format", "html")
