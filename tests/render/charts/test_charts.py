"""Charts in every format: text by gold files, pictures that are the same each time, pages in a browser."""

from __future__ import annotations

import builtins
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from support.browser import chromium  # noqa: F401

import costcalc
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.cli.group import cli
from costcalc.render.charts import matplotlib as picture
from costcalc.render.charts import text
from costcalc.render.layout import text_width
from costcalc.render.page import charts as page
from costcalc.render.terminal import Screen
from costcalc.rules import UsageError
from costcalc.studies.compare import measure_models
from costcalc.studies.options import Settings
from costcalc.views.charts import (
    Bar,
    BarChart,
    Chart,
    MemoryChart,
    ParetoChart,
    Point,
    RooflineChart,
    RooflinePoint,
    bar_chart,
    memory_chart,
    roofline_chart,
)
from costcalc.views.pareto import pareto_chart, report_records

MODELS = ("mobilenet", "mobilenet_v2", "squeezenet1_1", "resnet18", "resnet50", "vgg16")
HOSTILE = "$\\frac{1}{0}$ <img src=x onerror=window.hurt=1> </script> 名前"


@lru_cache(maxsize=1)
def charts() -> dict[str, Chart]:
    reports = [costcalc.analyze(name) for name in MODELS]
    devices = [find_profile("raspberry-pi-5"), find_profile("rtx4090"), find_profile("a100-sxm-80gb")]
    return {
        "bars": bar_chart(reports[0], "macs", "layer", None, 6),
        "memory": memory_chart(reports[1]),
        "roofline": roofline_chart(reports[4:5], devices),
        "models": roofline_chart(reports, devices),
        "pareto": pareto_chart(report_records(measure_models(reports, Settings())), "macs", "params", (), ""),
    }


def hostile() -> list[Chart]:
    """A name that would be mathematics, markup or an unknown script, wherever a chart has a name."""
    device = roofline_chart([costcalc.analyze("lenet5")], [find_profile("t4")]).devices[0]
    return [
        BarChart(HOSTILE, "MACs by layer", "number", (Bar(HOSTILE, 2, HOSTILE), Bar("b", 1, "k")), (1, 1), 4),
        MemoryChart(HOSTILE, (1, 3, 2), (HOSTILE,) * 3, 1),
        RooflineChart(HOSTILE, (device._replace(name=HOSTILE),), (RooflinePoint(HOSTILE, HOSTILE, 3.0, 1.0),), True),
        pareto_chart([{"name": HOSTILE, "a": 1, "b": 2}, {"name": "b", "a": 2, "b": 1}], "a", "b", (), HOSTILE),
    ]


@pytest.mark.parametrize("name", charts())
@pytest.mark.parametrize("width", [60, 88])
def test_gold_of_text(name: str, width: int, gold: Callable[[str, str], None]) -> None:
    said = text.render([charts()[name]], Screen(width))
    gold(f"plot_{name}_{width}.txt", said)
    assert all(text_width(line) <= width for line in said.split("\n")[1:])


def test_text_without_unicode_or_with_hostile_names() -> None:
    said = text.render([*charts().values(), *hostile()], Screen(70, False))
    assert said.isascii() and "\x1b" not in said


@pytest.mark.parametrize("name", charts())
def test_svg_is_the_same_each_time_and_fetches_nothing(name: str) -> None:
    pytest.importorskip("matplotlib")
    chart = charts()[name]
    made = picture.render([chart], "svg")
    assert made == picture.render([chart], "svg")
    ElementTree.fromstring(made)
    rest = re.sub(rb"http://(www\.w3\.org|purl\.org|creativecommons\.org)/[\w./#-]*", b"", made)
    assert b"http" not in rest and b"<dc:date>" not in rest


def test_png_has_the_height_of_all_charts() -> None:
    pytest.importorskip("matplotlib")
    one, two = (picture.render([charts()["memory"]] * n, "png") for n in (1, 2))
    assert one.startswith(b"\x89PNG")
    (_, height), (width, both) = (struct.unpack(">II", made[16:24]) for made in (one, two))
    assert both == 2 * height and width == pytest.approx(picture.WIDTH * 192, abs=1)


def test_names_are_words_in_pictures(recwarn: pytest.WarningsRecorder) -> None:
    """Mathematics would raise, and a missing letter would warn on the user's terminal."""
    pytest.importorskip("matplotlib")
    for chart in hostile():
        ElementTree.fromstring(picture.render([chart], "svg"))
    assert [str(w.message) for w in recwarn if "Glyph" in str(w.message)] == []


def test_words_of_a_front_do_not_meet() -> None:
    """Boxes of the words that are shown, measured by matplotlib itself."""
    figure_module = pytest.importorskip("matplotlib.figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from costcalc.render.charts import figures as fronts

    figure = figure_module.Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = tuple(Point(f"model {i}", 100 + i * 7 % 50, 100 + i * 11 % 60, i % 7 == 0) for i in range(25))
    pareto = charts()["pareto"]
    assert isinstance(pareto, ParetoChart)
    fronts.draw_pareto(ParetoChart("t", pareto.x, pareto.y, points), axes)
    boxes = [word.get_window_extent() for word in axes.texts if word.get_text().startswith("model")]
    assert len(boxes) > 10
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_without_matplotlib_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'costcalc\[pictures\]', or take --format text or html"):
        picture.render([charts()["memory"]], "svg")


@pytest.mark.parametrize("width", [1000, 390])
def test_a_page_of_charts_stands_and_runs_nothing_of_a_name(browser: Any, width: int, tmp_path: Path) -> None:
    path = tmp_path / "charts.html"
    path.write_text(page.render([*charts().values(), *hostile()]), encoding="utf-8")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("browser")
    browser.get(path.as_uri())
    assert browser.execute_script("return document.documentElement.dataset.ready") == "true"
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.chart')].map((e) => e.querySelectorAll('path').length)"
    )
    assert len(drawn) == 9 and all(drawn)
    assert browser.execute_script("return [window.hurt ?? null, document.querySelectorAll('img').length]") == [None, 0]
    assert (
        browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        == 0
    )


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["plot", *args])


def test_the_format_follows_the_file(tmp_path: Path) -> None:
    for ending, start in (("html", b"<!doctype html>"), ("txt", b"LeNet-5"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        if ending in ("svg", "png"):
            pytest.importorskip("matplotlib")
        path = tmp_path / f"chart.{ending}"
        assert run("lenet5", "-o", str(path)).exit_code == 0
        assert path.read_bytes().startswith(start)
    assert run("lenet5", "--format", "html").output.startswith("<!doctype html>")
    assert isinstance(run("lenet5", "--kind", "pareto").exception, UsageError)


def test_an_ending_that_charts_have_not_is_refused(tmp_path: Path) -> None:
    """Text in a file called .pdf would open nowhere."""
    path = tmp_path / "chart.pdf"
    with pytest.raises(UsageError, match=r"would be PDF, which is not written here; name a file that ends in \.svg"):
        raise run("lenet5", "-o", str(path)).exception or AssertionError
    assert not path.exists()
    assert run("lenet5", "--format", "text", "-o", str(path)).exit_code == 0


def test_the_ends_of_pictures() -> None:
    """A single step has a whole number; bars that are named by their kinds have no legend; nothing is said."""
    figure_module = pytest.importorskip("matplotlib.figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from costcalc.render.charts import figures as bars_of
    from costcalc.render.charts import figures as lives

    figure = figure_module.Figure()
    FigureCanvasAgg(figure)
    one, kinds, none = figure.subplots(3)
    lives.draw_memory(MemoryChart("t", (48,), ("linear",), 0), one)
    bars_of.draw_bars(BarChart("t", "MACs", "number", (Bar("Conv", 2, "Conv"), Bar("Add", 1, "Add")), (0, 0), 3), kinds)
    bars_of.draw_bars(BarChart("t", "MACs", "number", (), (0, 0), 0), none)
    figure.canvas.draw()
    assert [place for place in one.get_xticks() if 0.5 <= place <= 1.5] == [1]
    assert kinds.get_legend() is None and "nothing" in [word.get_text() for word in none.texts]
