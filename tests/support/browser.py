"""A headless Chromium for the tests of the page; skipped where there is none."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from costcalc import Report

from .pages import page_text

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Open = Callable[..., Any]


def is_ready(browser: Any) -> bool:
    """Whether the page's script came to its end, within 20 s: a page may be there before its script has run."""
    script = "return document.documentElement.dataset.ready === 'true'"
    return bool(wait_for(lambda: browser.execute_script(script), 20))


@pytest.fixture(scope="session", name="browser")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("there is no chromium with its chromedriver on this machine")
    options = selenium.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = selenium.Chrome(options=options, service=Service(driver))
    yield made
    made.quit()


@pytest.fixture(name="show")
def shown(browser: Any, tmp_path: Path) -> Open:
    """Opens the page of reports at a width, light or dark, and waits until it stands."""

    def opened(*reports: Report, width: int = 1280, dark: bool = False) -> Any:
        path = tmp_path / "report.html"
        path.write_text(page_text(*reports, devices=("t4", "raspberry-pi-5")), encoding="utf-8")
        set_screen(browser, width, dark)
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        assert is_ready(browser), complaints(browser)
        keep(browser, f"{reports[0].name}_{width}_{'dark' if dark else 'light'}")
        return browser

    return opened


def set_screen(browser: Any, width: int, dark: bool = False) -> None:
    """The pages that follow are shown at this width, below 600 as on a phone, light or dark, without motion."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    motion = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, motion]})


def keep(browser: Any, name: str) -> None:
    """Keeps a picture of the whole page where COSTCALC_PICTURES names a folder, for someone to look at."""
    if folder := os.environ.get("COSTCALC_PICTURES"):
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def complaints(page: Any) -> list[str]:
    return [entry["message"] for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def wait_for(ask: Callable[[], Any], seconds: float) -> Any:
    """The first answer that is true or not empty, asked for every tenth of a second; after so many seconds the last."""
    for _ in range(round(seconds * 10)):
        answer = ask()
        if answer:
            return answer
        sleep(0.1)
    return answer


def texts(page: Any, selector: str) -> list[str]:
    """The texts of the elements that a selector finds; a chart draws some of them after the page stands, so that none
    are waited for, for two seconds at most."""
    script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
    found: list[str] = wait_for(lambda: page.execute_script(script, selector), 2)
    return found


def click(page: Any, selector: str, at: int = 0) -> None:
    page.execute_script("document.querySelectorAll(arguments[0])[arguments[1]].click()", selector, at)
