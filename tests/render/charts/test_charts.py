"""Charts in every format: text by gold files, pictures that are the same each time, pages in a browser."""

from __future__ import annotations

import builtins
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from onnx import helper
from support.browser import chromium, is_ready, set_screen  # noqa: F401
from support.cli import call, environment, ok
from support.onnx_models import info, model, weight

import costcalc
from costcalc.core.elision import match_elided
from costcalc.render.charts import figures
from costcalc.rules import UsageError
from costcalc.views.charts import Bar, BarChart, MemoryChart, ParetoChart, Point, bar_chart, quantity_axis

MODELS = ("mobilenet", "mobilenet_v2", "squeezenet1_1", "resnet18", "resnet50", "vgg16")
DEVICES = "--hardware=raspberry-pi-5,rtx4090,a100-sxm-80gb"
PLOTS = {
    "bars": ("mobilenet", "--top=6"),
    "memory": ("mobilenet_v2", "--kind=memory"),
    "roofline": ("resnet50", "--kind=roofline", DEVICES),
    "models": (*MODELS, "--kind=roofline", DEVICES),
    "pareto": (*MODELS, "--kind=pareto"),
}
HOSTILE = "$\\frac{1}{0}$ <img src=x onerror=window.hurt=1> </script> 名前"


@pytest.fixture
def hostile(tmp_path: Path) -> list[tuple[str, ...]]:
    """Plots of a name that would be mathematics, markup or an unknown script, wherever a chart has a name."""
    net, spec, rows = (tmp_path / name for name in ("net.onnx", "net.yaml", "rows.json"))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], name=HOSTILE),
        helper.make_node("Relu", ["y"], ["z"], name=f"{HOSTILE}/b"),
    ]
    net.write_bytes(model(nodes, [info("x", shape=[1, 3, 6, 6])], ["z"], [weight("w", 5, 3, 3, 3)], name=HOSTILE))
    spec.write_text(f"name: {json.dumps(HOSTILE)}\ninput: [1, 8]\nlayers: [{{linear: {{units: 4}}}}]\n")
    rows.write_text(json.dumps([{"name": HOSTILE, "a": 1, "b": 2}, {"name": "b", "a": 2, "b": 1}]))
    kinds = ("--kind=bars", "--kind=memory", "--kind=roofline")
    plots = [(str(net), "--kind=bars"), (str(rows), "--kind=pareto", "--x=a", "--y=b")]
    return [*plots, *((str(spec), kind) for kind in kinds), (str(spec), "lenet5", "--kind=roofline")]


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("width", [60, 88])
def test_gold_of_text(name: str, width: int, gold: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    gold(f"plot_{name}_{width}.txt", ok("plot", *PLOTS[name]).rstrip("\n"))


def test_hostile_names_in_text(hostile: list[tuple[str, ...]]) -> None:
    for words in hostile:
        text = ok("plot", *words)
        assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("kind", ["bars", "memory"])
def test_text_on_a_screen_without_unicode(kind: str) -> None:
    command = [sys.executable, "-m", "costcalc", "plot", "lenet5", "--kind", kind]
    done = subprocess.run(command, capture_output=True, check=True, env=environment(PYTHONIOENCODING="ascii"))
    assert done.stdout.startswith(b"LeNet-5") and done.stdout.isascii() and b"\\u" not in done.stdout


@pytest.mark.parametrize("name", PLOTS)
def test_svg_is_the_same_each_time_and_fetches_nothing(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path, again = tmp_path / "chart.svg", tmp_path / "again.svg"
    for file in (path, again):
        ok("plot", *PLOTS[name], "-o", str(file))
    made = path.read_bytes()
    assert made == again.read_bytes()
    ElementTree.fromstring(made)
    rest = re.sub(rb"http://(www\.w3\.org|purl\.org|creativecommons\.org)/[\w./#-]*", b"", made)
    assert b"http" not in rest and b"<dc:date>" not in rest


def test_png_has_the_height_of_all_charts(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    sizes = []
    for n in (1, 2):
        path = tmp_path / f"{n}.png"
        ok("plot", *["lenet5"] * n, "--kind=memory", "-o", str(path))
        assert path.read_bytes().startswith(b"\x89PNG")
        sizes.append(struct.unpack(">II", path.read_bytes()[16:24]))
    (width, height), (same, both) = sizes
    assert both == 2 * height and same == width


def test_names_are_words_in_pictures(
    hostile: list[tuple[str, ...]], tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """Mathematics would raise, and a missing letter would warn on the user's terminal."""
    pytest.importorskip("matplotlib")
    for words in hostile:
        ok("plot", *words, "-o", str(tmp_path / "chart.svg"))
        ElementTree.fromstring((tmp_path / "chart.svg").read_bytes())
    assert [str(w.message) for w in recwarn if "Glyph" in str(w.message)] == []


def test_words_of_a_front_do_not_meet() -> None:
    """Boxes of the words that are shown, measured by matplotlib itself."""
    figure_module = pytest.importorskip("matplotlib.figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = figure_module.Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = tuple(Point(f"model {i}", 100 + i * 7 % 50, 100 + i * 11 % 60, i % 7 == 0) for i in range(25))
    figures.draw_pareto(ParetoChart("t", quantity_axis("macs", False), quantity_axis("params", False), points), axes)
    boxes = [word.get_window_extent() for word in axes.texts if word.get_text().startswith("model")]
    assert len(boxes) > 10
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_without_matplotlib_the_remedy_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    code, _, err = call(capsys, "plot", "lenet5", "-o", str(tmp_path / "chart.svg"))
    assert code == 2 and "pip install 'costcalc[pictures]', or take --format text or html" in err


@pytest.mark.parametrize("width", [1000, 390])
def test_a_page_of_charts_stands_and_runs_nothing_of_a_name(
    browser: Any, width: int, hostile: list[tuple[str, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "charts.html"
    set_screen(browser, width)
    browser.get_log("browser")
    for words in (*PLOTS.values(), *hostile):
        ok("plot", *words, "-o", str(path))
        browser.get(path.as_uri())
        ask = browser.execute_script
        assert is_ready(browser)
        assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
        drawn = ask("return [...document.querySelectorAll('.chart')].map((e) => e.querySelectorAll('path').length)")
        assert len(drawn) == 1 and all(drawn)
        assert ask("return [window.hurt ?? null, document.querySelectorAll('img').length]") == [None, 0]
        assert ask("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_the_format_follows_the_file(tmp_path: Path) -> None:
    for ending, start in (("html", b"<!doctype html>"), ("txt", b"LeNet-5"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        if ending in ("svg", "png"):
            pytest.importorskip("matplotlib")
        path = tmp_path / f"chart.{ending}"
        ok("plot", "lenet5", "-o", str(path))
        assert path.read_bytes().startswith(start)
    assert ok("plot", "lenet5", "--format", "html").startswith("<!doctype html>")
    with pytest.raises(UsageError, match="nothing to compare with"):
        ok("plot", "lenet5", "--kind", "pareto")


def test_an_ending_that_charts_have_not_is_refused(tmp_path: Path) -> None:
    """Text in a file called .pdf would open nowhere."""
    path = tmp_path / "chart.pdf"
    with pytest.raises(UsageError, match=r"would be PDF, which is not written here; name a file that ends in \.svg"):
        ok("plot", "lenet5", "-o", str(path))
    assert not path.exists()
    ok("plot", "lenet5", "--format", "text", "-o", str(path))


def test_the_ends_of_pictures() -> None:
    """A single step has a whole number; bars that are named by their kinds have no legend; nothing is said."""
    figure_module = pytest.importorskip("matplotlib.figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = figure_module.Figure()
    FigureCanvasAgg(figure)
    one, kinds, none = figure.subplots(3)
    figures.draw_memory(MemoryChart("t", (48,), ("linear",), 0), one)
    figures.draw_bars(BarChart("t", "MACs", "number", (Bar("Conv", 2, "Conv"), Bar("Add", 1, "Add")), (0, 0), 3), kinds)
    figures.draw_bars(BarChart("t", "MACs", "number", (), (0, 0), 0), none)
    figure.canvas.draw()
    assert [place for place in one.get_xticks() if 0.5 <= place <= 1.5] == [1]
    assert kinds.get_legend() is None and "nothing" in [word.get_text() for word in none.texts]


@pytest.mark.parametrize("width", ["60", "80", "100"])
def test_a_name_beside_a_bar_is_that_of_one_layer_only(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that is not drawn, too: what is printed can be given to `explain`."""
    monkeypatch.setenv("COLUMNS", width)
    names = [layer.name for layer in costcalc.analyze("resnet50").layers]
    bars = [
        line.split("  ")[0]
        for line in ok("plot", "resnet50", "--by=layer", "--quantity=params", "--top=4").splitlines()[2:6]
    ]
    assert any("…" in bar for bar in bars)
    assert all(len(match_elided(bar, names) or [bar]) == 1 for bar in bars)


def test_a_name_in_a_picture_is_that_of_one_layer_only() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    report = costcalc.analyze("resnet50")
    axes = Figure().subplots()
    figures.draw_bars(bar_chart(report, "params", "layer", None, 4), axes)
    labels = [label.get_text() for label in axes.get_yticklabels()][:4]
    assert any("…" in label for label in labels)
    assert all(len(match_elided(label, [row.name for row in report.layers]) or [label]) == 1 for label in labels)
