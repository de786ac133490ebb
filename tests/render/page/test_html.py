"""The file itself: it fetches nothing, runs only its own scripts, and no name gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.browser import chromium, shown  # noqa: F401
from support.pages import page_text
from support.paths import ROOT

import costcalc
from costcalc.core.sanitize import escape_html
from costcalc.render.page import ASSETS, SCRIPTS, VENDORED, embed_json, render
from costcalc.render.page.charts import SCRIPTS as CHARTS
from costcalc.render.page.diff import SCRIPTS as DIFF
from costcalc.render.page.sheets import COMPARISON_SCRIPTS, TABLE_SCRIPTS
from costcalc.rules import DType, GraphBuilder

PINNED = "6ec25f63eedd47c34b1f5842b030355c0a15f28a70229bdf42712434d600a478"
"""SHA-256 of charts.min.js as `make vendor` builds it."""
VERSIONS = {"echarts": "6.1.0", "zrender": "6.1.0", "@dagrejs/dagre": "3.1.3"}
HOSTILE = (
    "<img src=x onerror=window.hurt=1>",
    "</script><script>window.hurt=1</script>",
    "<!--<script>",
    "]]>",
    "\u2028window.hurt=1",
    "{a|b} {b}",
    "'\"`${window.hurt=1}`",
    "javascript:window.hurt=1",
    "&lt;b&gt;",
    "__proto__",
    "a//b/",
)


def hostile() -> costcalc.Report:
    """A model whose every name wants to be code."""
    b = GraphBuilder(HOSTILE[1], HOSTILE[0], {"": 17})
    x = b.add_input(HOSTILE[0], DType.FLOAT32, (1, 4, 8, 8))
    for name in HOSTILE:
        w = b.add_initializer(f"{name} w", DType.FLOAT32, (4, 4, 3, 3))
        (x,) = b.add("Conv", [x, w], {"pads": (1, 1, 1, 1)}, name=f"{name}/{name}", scope=(name, name))
        (x,) = b.add("Mystery", [x], name=f"odd {name}", domain=name) if name.startswith("{") else (x,)
    return costcalc.analyze(b.build([x]))


class Scripts(HTMLParser):
    """The scripts of a page as a parser sees them, and every address in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str | None] = []
        self.bodies: list[str] = []
        self.addresses: list[str] = []
        self.policy = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script":
            self.inside = True
            self.kinds.append(given.get("type"))
            self.bodies.append("")
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        self.addresses += [given[key] or "" for key in ("src", "href") if key in given]

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.bodies[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"


def parsed(text: str) -> Scripts:
    found = Scripts()
    found.feed(text)
    return found


def test_a_resnet50_stays_below_2_mb_and_fetches_nothing() -> None:
    text = page_text(costcalc.analyze("resnet50"))
    assert len(text.encode()) < 2_000_000
    found = parsed(text)
    assert found.addresses == ["data:,", "#layers"]
    assert (
        "default-src 'none'" in found.policy
        and "unsafe-inline" not in found.policy.split("script-src")[1].split(";")[0]
    )
    hashes = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in found.bodies[1:]]
    assert found.kinds == ["application/json", None, None]
    assert re.findall(r"'sha256-([^']+)'", found.policy) == hashes


def test_our_own_files_name_no_address_and_write_no_markup() -> None:
    for path in [ASSETS / "page.html", ASSETS / "page.css", *ASSETS.glob("*.js")]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//\w+\.|@import|url\((?!#)", text), path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), path
    assert {path.stem for path in ASSETS.glob("*.js")} == {
        *SCRIPTS,
        *CHARTS,
        *DIFF,
        *COMPARISON_SCRIPTS,
        *TABLE_SCRIPTS,
    }


@given(st.text(), st.text(alphabet="<>&/!-\u2028\u2029script"))
def test_embedded_data_never_ends_its_element(name: str, other: str) -> None:
    text = embed_json({name: other})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {name: other}


def test_hostile_names_stay_data() -> None:
    found = parsed(page_text(hostile()))
    assert found.kinds == ["application/json", None, None]
    said = json.loads(found.bodies[0])["models"][0]
    assert said["name"] == HOSTILE[1] and said["layers"]["name"][0] == f"{HOSTILE[0]}/{HOSTILE[0]}"


@pytest.mark.parametrize("width", [1280, 390])
def test_hostile_names_run_nothing(show: Callable[..., Any], width: int) -> None:
    """Drawn, listed, opened, searched and pointed at, no name runs or becomes an element."""
    browser = show(hostile(), hostile(), width=width)
    browser.execute_script(
        "for (const e of document.querySelectorAll('#cost .parts button, .node, .toggle button, th button'))"
        " if (e.isConnected) e.dispatchEvent(new MouseEvent('click', {bubbles: true}));"
    )
    from selenium.webdriver import ActionChains

    for chart in browser.find_elements("css selector", ".chart"):
        if chart.is_displayed():
            ActionChains(browser).move_to_element(chart).perform()
    browser.find_element("id", "search").send_keys("<img")
    count = browser.execute_script("return document.querySelectorAll('#layers tbody tr').length")
    assert count == 1
    assert browser.execute_script("return window.hurt") is None
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []


def test_the_vendored_library_is_what_was_built() -> None:
    assert hashlib.sha256(VENDORED.read_bytes()).hexdigest() == PINNED
    assert b"</script" not in VENDORED.read_bytes().lower()
    licences = (VENDORED.parent / "LICENCES.txt").read_text(encoding="utf-8")
    for name, version in VERSIONS.items():
        assert f"= {name} {version} =" in licences
    folder = ROOT / "vendor"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert wanted == {name: VERSIONS[name] for name in wanted}
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in VERSIONS.items())
    assert all("resolved" not in package for package in locked.values())


def test_a_title_is_printable() -> None:
    """It is escaped as all other texts are: no control sign, no turned direction."""
    text = render({"models": []}, (), "net\x1b[2J\u202e<b>@team", main="")
    title = text.split("<title>")[1].split("</title>")[0]
    assert escape_html("net\x1b[2J\u202e<b>@team") in title and "&lt;b&gt;" in title
    assert not re.search("[\x1b\u202e]|@team", title)
