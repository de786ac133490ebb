"""The pages of a comparison and of a sweep: the report's style, a sentence, the chart, and tables without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, complaints, is_ready, keep, set_screen, texts  # noqa: F401
from support.cli import ok

import costcalc
from costcalc.render.page import ASSETS

SWEEP = ("sweep", "mobilenet", "--set", "alpha=0.25,1", "--set", "resolution=128,224", "--format", "html")


def look(browser: Any, path: Path, text: str, width: int, dark: bool) -> Any:
    path.write_text(text, encoding="utf-8")
    set_screen(browser, width, dark)
    browser.get_log("browser")
    browser.get(path.as_uri())
    assert is_ready(browser) and complaints(browser) == []
    keep(browser, f"{path.stem}_{width}_{'dark' if dark else 'light'}")
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overflow) == 0
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    return browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("plot", [(), ("--plot", "macs,params")], ids=["table", "plot"])
def test_a_sweep_stands(browser: Any, tmp_path: Path, width: int, dark: bool, plot: tuple[str, ...]) -> None:
    page = look(browser, tmp_path / "sweep.html", ok(*SWEEP, *plot), width, dark)
    assert texts(page, ".headline") == [
        "MobileNet v1: 4 combinations; from 13.6 M MACs (alpha=0.25, resolution=128) to 569 M (alpha=1, resolution=224)."
    ]
    assert len(texts(page, "#rows tbody tr")) == 4 and bool(texts(page, ".chart svg")) == bool(plot)
    align = "return getComputedStyle(document.querySelector('#rows tbody td')).textAlign"
    assert page.execute_script(align) == "right"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_comparison_stands_and_names_stay(browser: Any, tmp_path: Path, width: int) -> None:
    text = ok("compare", "lenet5", "vgg16", "mobilenet", "--format", "html")
    page = look(browser, tmp_path / "compare.html", text, width, True)
    assert len(texts(page, ".headline")) == 2 and texts(page, "#comparison .chart svg")
    assert "15,470,264,320" in texts(page, "#comparison td")
    script = """
      const box = document.querySelector("#comparison .wide"), name = box.querySelector("tbody th");
      const before = name.getBoundingClientRect().left;
      box.scrollLeft = 80;
      return [before, name.getBoundingClientRect().left, box.scrollLeft];"""
    before, after, scrolled = page.execute_script(script)
    assert before == after and (scrolled > 0) == (width == 390)


def test_the_tables_stand_without_scripts_in_one_style(tmp_path: Path) -> None:
    pages = [ok(*SWEEP), ok("compare", "lenet5", "vgg16", "--format", "html")]
    for command in ("compare", "sweep"):
        path = tmp_path / f"{command}.html"
        if command == "compare":
            costcalc.compare("lenet5", "vgg16").save(str(path))
        else:
            costcalc.sweep("mobilenet", params={"alpha": [0.25, 1]}).save(str(path))
        pages.append(path.read_text(encoding="utf-8"))
    style = (ASSETS / "page.css").read_text(encoding="utf-8")
    for page in pages:
        assert style in page and page.count("<style>") == 2 and "<tbody><tr>" in page


def test_more_models_than_stand_side_by_side_are_rows() -> None:
    models = ("lenet5", "vgg16", "mobilenet", "alexnet", "resnet18")
    page = ok("compare", *models, "--format", "html")
    assert '<th scope="row" class="l">ResNet-18</th>' in page and "FLOPs by operator" in page


@pytest.mark.parametrize(("width", "columns"), [(1280, 7), (390, 3)])
def test_a_table_shows_names_and_what_they_cost_on_a_phone(
    browser: Any, tmp_path: Path, width: int, columns: int
) -> None:
    path = tmp_path / "analyze.html"
    path.write_text(ok("analyze", "resnet18", "--format", "html"), encoding="utf-8")
    set_screen(browser, width)
    browser.get(path.as_uri())
    script = """
      const box = document.querySelector(".wide");
      const heads = [...box.querySelectorAll("th")].filter((e) => e.offsetWidth);
      return [heads.map((e) => e.textContent), box.scrollWidth - box.clientWidth];"""
    heads, hidden = browser.execute_script(script)
    assert heads[0] == "Layer" and {"MACs", "% MACs"} < set(heads)
    assert len(heads) == columns and hidden == 0
