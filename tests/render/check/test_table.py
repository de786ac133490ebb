"""The table for people: every limit has its line, what is not kept its layer and its line to edit, and no line is cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from support.check_results import BROKEN, EXCEEDED, FINE, FORMATS, KEPT, MIXED, joined, result, shown

from costcalc.render.layout import text_width
from costcalc.rules import symbol

SEQ = 64 * symbol("seq") ** 2
OPEN = replace(
    KEPT,
    code="CC103",
    quantity="macs",
    value=SEQ,
    limit=10,
    outcome="unknown",
    fact="macs: whether 64·seq² is within 10 cannot be told",
    remedy="bind the symbol",
    limit_place=None,
)
MORE = joined(
    replace(MIXED, notes=()),
    result(
        OPEN, replace(OPEN, quantity="flops", fact=OPEN.fact.replace("macs", "flops")), model="text", source="text.yaml"
    ),
)


@pytest.mark.parametrize("width", [60, 100])
def test_the_table(gold: Callable[[str, str], None], width: int) -> None:
    gold(f"check_{width}.txt", shown("table", MORE, width))


def test_the_json(gold: Callable[[str, str], None]) -> None:
    found = json.loads(shown("json", MORE))
    del found["costcalc"]
    gold("check.json", json.dumps(found, indent=1, ensure_ascii=False))
    assert (found["outcome"], found["exit_code"]) == ("unknown", 2)
    assert [v["value"] for v in found["models"][-1]["verdicts"]] == ["64*seq**2"] * 2


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("outcome", [BROKEN, FINE, MORE])
def test_no_line_is_wider_than_the_screen(outcome: Any, width: int) -> None:
    for line in shown("table", outcome, width).splitlines():
        longest = max((len(word) for word in line.split()), default=0)
        assert text_width(line) <= width or longest > width // 3


def test_what_is_said_of_several_limits_in_a_row_is_said_once() -> None:
    text = shown("table", MORE)
    assert text.count("within 10 cannot be told") == text.count("bind the symbol") == 1


def test_a_breach_never_reads_as_equal() -> None:
    for value, limit, kind in (
        (600_000_001, 600_000_000, "count"),
        (2**40 + 1, 2**40, "bytes"),
        (Fraction(1, 10) + Fraction(1, 10**20), Fraction(1, 10), "share"),
        (Fraction(1, 1000) + Fraction(1, 10**25), Fraction(1, 1000), "seconds"),
    ):
        verdict = replace(EXCEEDED, value=value, limit=limit, kind=kind)
        line = shown("table", result(verdict), 200).splitlines()[1]
        figure, _, rest = line.removeprefix("over  macs").strip().partition(" of ")
        assert figure != rest.split("  ")[0]
        assert "exceeded by" in rest and "exceeded by 0 " not in rest


def test_colours_and_plain_letters() -> None:
    coloured = shown("table", MIXED, colours=True)
    assert "\x1b[32mok" in coloured and "\x1b[1;31mover" in coloured
    assert shown("table", MIXED, unicode=False).isascii()


def test_names_of_others_steer_no_terminal() -> None:
    hostile = "\x1b[2Jnet\n::error::"
    verdict = replace(EXCEEDED, layer=hostile, quantity=f"ops {hostile}", layer_growth=None, fact=hostile)
    text = shown("table", result(verdict, KEPT, model=hostile, scenario=hostile, source=hostile, error=hostile), 200)
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_every_format_is_there() -> None:
    assert all(shown(form, FINE) for form in FORMATS)


def test_the_picture_says_what_the_table_says() -> None:
    """In a terminal without Unicode too: a picture has its own letters."""
    from xml.etree import ElementTree

    outcome = result(EXCEEDED, KEPT, scenario="net.yaml")
    root = ElementTree.fromstring(shown("svg", outcome, unicode=False))
    words = " ".join(text for text in root.itertext() if "{" not in text).split()
    assert words == shown("table", outcome).split()
