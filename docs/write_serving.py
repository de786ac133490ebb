"""Published measurements of serving and their bounds -> the table of docs/explanation/serving.md.

    PYTHONPATH=tests python docs/write_serving.py

writes it between two comments (`<!-- measured -->` and `<!-- /measured -->`).
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

from support.serving import Measurement, bound, measurements

PAGE = Path(__file__).resolve().parent / "explanation" / "serving.md"


def number(value: Fraction) -> str:
    """A figure with three digits, or as a whole number."""
    return f"{float(value):,.0f}" if value >= 1000 else f"{float(value):.3g}"


def table_row(item: Measurement, limit: Fraction) -> str:
    """A measurement and its bound -> its row: both in the measurement's unit, and the one over the other."""
    split = " ".join(f"{name} {count}" for name, count in (("tp", item.tp), ("pp", item.pp)) if count > 1) or "1 device"
    ratio = item.value / limit if item.is_time else limit / item.value
    sign = "≥" if item.is_time else "≤"
    cells = (
        item.device,
        item.model,
        item.dtype,
        split,
        f"{item.batch:,}",
        f"{item.prompt:,} + {item.generate:,}",
        item.kind,
        number(item.value),
        f"{sign} {number(limit)}",
        f"{float(ratio):.2f}",
        item.source,
    )
    return f"| {' | '.join(cells)} |"


def write_table() -> str:
    """The table, a row for each measurement."""
    header = [
        "Device",
        "Model",
        "Type",
        "Split",
        "Texts",
        "Tokens",
        "What",
        "Measured",
        "Bound",
        "Bound over measured",
        "Source",
    ]
    lines = [f"| {' | '.join(header)} |", "|" + " :-- |" * 6 + " :-- |" + " --: |" * 3 + " :-- |"]
    with tempfile.TemporaryDirectory() as folder:
        lines += [table_row(item, bound(item, Path(folder))) for item in measurements()]
    return "\n".join(lines)


def write_page(page: str) -> str:
    """Page -> the page with the table of now."""
    begin, end = "<!-- measured -->\n", "<!-- /measured -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{write_table()}\n\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
