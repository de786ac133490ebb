"""What pages show of very unequal models and of many devices: every figure is seen, and stays with its unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.browser import chromium, complaints, shown, texts  # noqa: F401

import costcalc
from costcalc.render.cells import prose_markup

Open = Callable[..., Any]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_small_one_of_unequal_models_is_seen(show: Open, width: int) -> None:
    """On the logarithmic scale, which is told, both models have a bar and a figure in each line."""
    page = show(costcalc.analyze("lenet5"), costcalc.analyze("vgg16"), width=width)
    assert any("logarithmic" in text and "LeNet-5" in text for text in texts(page, "#comparison .status"))
    drawn = texts(page, "#comparison .chart text")
    assert "417 k" in drawn and any(text.startswith("15.5 G") for text in drawn)
    bars = page.execute_script(
        'return [...document.querySelectorAll(\'#comparison .chart path[fill^="rgb"], #comparison .chart path[fill^="#"]\')]'
        ".map((e) => e.getBoundingClientRect()).filter((r) => r.height > 8 && r.height < 16).map((r) => r.width)"
    )
    assert len(bars) >= 12 and min(bars) >= 2
    assert complaints(page) == []


def test_models_of_like_size_keep_the_linear_scale(show: Open) -> None:
    page = show(costcalc.analyze("resnet18"), costcalc.analyze("resnet34"))
    assert not any("logarithmic" in text for text in texts(page, "#comparison .status"))


@pytest.mark.parametrize("width", [1280, 390])
def test_labels_of_roofs_do_not_overlap(show: Open, width: int) -> None:
    page = show(costcalc.analyze("lenet5"), width=width)
    script = (
        "return [...document.querySelectorAll('#roofline .chart text')].filter((e) => /^[A-Z]$|FLOP.s$|T4|Pi/.test(e.textContent))"
        ".map((e) => e.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom])"
    )
    boxes = page.execute_script(script)
    assert len(boxes) >= 2
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 2 or b[3] <= a[1] + 2
    names = [text for text in texts(page, "#roofline .roofs li") if text[:1] in "AB"]
    assert len(names) == 2 and names[0].startswith("A")
    displayed = page.execute_script("return getComputedStyle(document.querySelector('#roofline .roofs')).display")
    assert displayed == ("flex" if width == 390 else "none")


def test_a_figure_stays_with_its_unit_where_a_line_ends(show: Open) -> None:
    page = show(costcalc.analyze("resnet50"), width=390)
    script = """
      const split = [], figure = /\\d[\\d.,]* (?:[KMGT]iB|B|[kMGT]|ms|s)(?!\\w)/g;
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode());) {
        if (node.parentElement.closest("script, style")) continue;
        for (const match of node.textContent.matchAll(figure)) {
          const range = document.createRange();
          range.setStart(node, match.index);
          range.setEnd(node, match.index + match[0].length);
          if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) split.push(match[0]);
        }
      }
      return split;"""
    assert page.execute_script(script) == []


def test_only_figures_with_units_are_bound() -> None:
    marked = prose_markup("grew by 4.09 MiB (12 layers) to 3 Blocks & 5 k")
    assert (
        marked
        == 'grew by <span class="whole">4.09 MiB</span> (12 layers) to 3 Blocks &amp; <span class="whole">5 k</span>'
    )
