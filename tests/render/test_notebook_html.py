"""The HTML of results inside the style sheets of notebooks, measured in a browser; and in a page that nbconvert made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.browser import chromium, set_screen  # noqa: F401
from support.paths import DATA

import costcalc

SHEETS = DATA / "notebooks"

HOSTS = {
    "lab": 'class="jp-OutputArea-output"><div class="jp-RenderedHTMLCommon jp-RenderedHTML cell"',
    "classic": 'class="output_subarea"><div class="output_html rendered_html cell"',
    "vscode": 'class="output"><div class="cell"',
    "strict": 'class="output"><div class="cell"',
}
"""Host -> the elements around an output."""

RESULTS: dict[str, Callable[[], Any]] = {
    "report": lambda: costcalc.analyze("mobilenet_v2", devices=["t4", "a100"]),
    "comparison": lambda: costcalc.compare("lenet5", "alexnet", "vgg16"),
    "memory": lambda: costcalc.memory("mobilenet_v2"),
    "explanation": lambda: costcalc.explain("lenet5"),
    "diff": lambda: costcalc.diff("resnet18", "resnet34"),
}

ROOT = "const root = document.querySelector('.costcalc'), cell = document.querySelector('.cell')"

MEASURE = (
    f"{ROOT}\n"
    + """
const box = node => { const r = document.createRange(); r.selectNodeContents(node); return r.getBoundingClientRect() }
const tables = [...root.querySelectorAll('table')].map(table => {
  const rows = [...table.querySelectorAll('tr')].map(row => [...row.children])
  return rows[0].map((_, i) => ({
    left: rows[0][i].classList.contains('l'),
    cells: rows.map(row => row[i]).filter(td => td.textContent).map(td => {
      const text = box(td), own = td.getBoundingClientRect()
      return {left: text.left - own.left, right: own.right - text.right, lines: text.height / parseFloat(getComputedStyle(td).fontSize)}
    }),
    bars: rows.map(row => row[i].querySelector('i')).filter(Boolean).map(bar => {
      const own = bar.getBoundingClientRect()
      return {left: own.left - bar.parentNode.getBoundingClientRect().left, width: own.width, height: own.height}
    }),
  }))
})
const words = []
for (const dt of root.querySelectorAll('dt')) {
  const node = dt.firstChild
  for (const match of (node ? node.data : '').matchAll(/\\S+/g)) {
    const range = document.createRange(); range.setStart(node, match.index); range.setEnd(node, match.index + match[0].length)
    words.push([match[0], new Set([...range.getClientRects()].map(r => Math.round(r.top))).size])
  }
}
const pairs = [...root.querySelectorAll('dt')].map(dt => [dt.getBoundingClientRect().top, dt.nextElementSibling.getBoundingClientRect().top])
const probe = document.createElement('td'); const digits = {}
for (const d of '0123456789') {
  const span = document.createElement('span'); span.textContent = d.repeat(10); root.querySelector('dd, pre').append(span)
  digits[d] = span.getBoundingClientRect().width; span.remove()
}
const colour = getComputedStyle(root.querySelector('td, pre')).color
return {tables, words, pairs, digits: Object.values(digits), colour, host: getComputedStyle(cell).color,
  wide: [cell.scrollWidth - cell.clientWidth, root.getBoundingClientRect().right - cell.getBoundingClientRect().right]}
"""
)


class View(NamedTuple):
    """Where a result is shown: the host's sheet, the width of its cell, dark or light."""

    host: str
    width: int
    dark: bool


VIEWS = [View(host, width, dark) for host in HOSTS for width in (1100, 340) for dark in (False, True)]


@pytest.fixture(scope="module")
def fragments() -> dict[str, str]:
    return {name: make()._repr_html_() for name, make in RESULTS.items()}


def measure(browser: Any, folder: Path, fragment: str, view: View) -> dict[str, Any]:
    """The page with a result in a host's cell -> its measures in CSS pixels."""
    sheet = (SHEETS / f"{view.host}.css").read_text()
    page = folder / "cell.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><style>{sheet}</style><body class="{"dark" if view.dark else "light"}">'
        f'<div style="width:{view.width}px"><div {HOSTS[view.host]}>{fragment}</div></div></div>'
    )
    set_screen(browser, 1280)
    browser.get(page.as_uri())
    measures: dict[str, Any] = browser.execute_script(MEASURE)
    return measures


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: f"{view.host}-{view.width}-{'dark' if view.dark else 'light'}")
@pytest.mark.parametrize("name", RESULTS)
def test_a_result_keeps_its_form_in_a_notebook(
    browser: Any, tmp_path: Path, fragments: dict[str, str], name: str, view: View
) -> None:
    measures = measure(browser, tmp_path, fragments[name], view)
    assert max(measures["wide"]) <= 1, "wider than the cell"
    assert [word for word, lines in measures["words"] if lines > 1] == [], "a label is broken within a word"
    assert all(abs(term - text) <= 1 for term, text in measures["pairs"]), "a label stands beside its text"
    assert max(measures["digits"]) - min(measures["digits"]) < 0.1, "digits are of one width"
    assert measures["colour"] == measures["host"], "text has the colour of the host's"
    for column in (column for table in measures["tables"] for column in table):
        side = "left" if column["left"] else "right"
        margins = [cell[side] for cell in column["cells"]]
        assert not margins or max(margins) - min(margins) <= 1, f"a column is aligned to the {side}"
        assert all(5 < margin < 15 for margin in margins), f"cells begin at the {side}"
        assert all(cell["lines"] < 2 for cell in column["cells"]), "a cell has one line"
        bars = column["bars"]
        assert all(bar["height"] > 5 and bar["width"] > 0 for bar in bars)
        assert not bars or max(bar["left"] for bar in bars) - min(bar["left"] for bar in bars) < 0.5


def test_bars_are_as_long_as_their_shares(browser: Any, tmp_path: Path) -> None:
    report = costcalc.analyze("lenet5")
    measures = measure(browser, tmp_path, report._repr_html_(), View("lab", 1100, False))
    widths = [bar["width"] for column in measures["tables"][0] for bar in column["bars"]]
    amounts = [row.figures["macs"] for row in report.layers]
    macs = [amount for amount in amounts if isinstance(amount, int) and amount]
    assert widths == [pytest.approx(max(1, round(amount / max(macs) * 120)), abs=0.6) for amount in macs]


def _code_cell(source: str, result: Any) -> dict[str, Any]:
    """An executed cell of a notebook file, whose output is a result."""
    data = {"text/html": result._repr_html_(), "text/plain": repr(result)}
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": [output]}


@pytest.mark.parametrize(("template", "theme"), [("lab", "light"), ("lab", "dark"), ("classic", "light")])
def test_a_notebook_is_rendered_by_nbconvert(browser: Any, tmp_path: Path, template: str, theme: str) -> None:
    """In the real sheets of Jupyter."""
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    cells = [_code_cell(name, make()) for name, make in RESULTS.items()]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    file = tmp_path / "results.ipynb"
    file.write_text(json.dumps(notebook))
    exporter = nbconvert.HTMLExporter(template_name=template, theme=theme)
    text, _ = exporter.from_filename(str(file))
    page = tmp_path / "results.html"
    page.write_text(text)
    browser.get(page.as_uri())
    script = MEASURE.replace(
        ROOT, "const root = document.querySelectorAll('.costcalc')[arguments[0]], cell = root.parentNode"
    )
    for index, name in enumerate(RESULTS):
        measures = browser.execute_script(script, index)
        assert max(measures["wide"]) <= 1, name
        assert [word for word, lines in measures["words"] if lines > 1] == [], name
        for column in (column for table in measures["tables"] for column in table):
            margins = [cell["left" if column["left"] else "right"] for cell in column["cells"]]
            assert all(5 < margin < 15 for margin in margins), (name, column)
