"""JSON, the contract for other programs: the design's versioned report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from costcalc import __version__
from costcalc.report import FORMAT_VERSION, Report


def reports(given: Sequence[Report]) -> str:
    """The report of one or more models; every layer is there, in execution order, whatever a table would show."""
    return dump({"models": [report.to_dict() for report in given]})


def dump(content: dict[str, Any]) -> str:
    """The document, with its versions at its head."""
    return json.dumps({"format_version": FORMAT_VERSION, "costcalc": __version__, **content}, ensure_ascii=False)
