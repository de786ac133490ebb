"""Docstrings of the rules of least work -> the table of docs/explanation/bounds.md.

    python docs/write_bounds.py

writes it between two comments (`<!-- least work -->` and `<!-- /least work -->`).
"""

from __future__ import annotations

from inspect import getdoc
from pathlib import Path

from costcalc import ops
from costcalc.core.ir import qualified_name
from costcalc.core.traits import TRAITS

PAGE = Path(__file__).resolve().parent / "explanation" / "bounds.md"


def write_table() -> str:
    """The table: operators with the same rule share a row."""
    ops.load_families()
    names: dict[str, list[str]] = {}
    for (domain, op_type), traits in TRAITS.items():
        if traits.least_work is not None and domain in ("", "com.microsoft"):
            sentence = " ".join((getdoc(traits.least_work) or "").split())
            names.setdefault(sentence, []).append(f"`{qualified_name(domain, op_type)}`")
    rows = sorted((", ".join(sorted(operators)), sentence) for sentence, operators in names.items())
    header = ("Operator", "What an implementation may skip"), (":--", ":--")
    return "\n".join(f"| {operators} | {sentence} |" for operators, sentence in (*header, *rows))


def write_page(page: str) -> str:
    """Page -> the page with the table of now."""
    begin, end = "<!-- least work -->\n", "<!-- /least work -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{write_table()}\n\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
