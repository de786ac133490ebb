"""Reports that tests make -> what `costcalc report` writes of models: the page, and the data in it."""

from __future__ import annotations

from typing import Any

from costcalc import Report
from costcalc.render.page import render
from costcalc.studies.compare import measure_models
from costcalc.studies.options import Settings
from costcalc.views.page import page_content


def page_data(*reports: Report, devices: tuple[str, ...] = ("t4",)) -> dict[str, Any]:
    """What the page says of reports, on devices."""
    return page_content(measure_models(reports, Settings()), devices)


def page_text(*reports: Report, devices: tuple[str, ...] = ("t4",)) -> str:
    """The HTML of the page of reports."""
    return render(page_data(*reports, devices=devices))
