"""Short names of symbols: each stands for one symbol, and the legend says what it is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.analysis.drawing_point import drawing_point
from costcalc.analysis.report import analyze_graph
from costcalc.rules import DType, GraphBuilder, symbol
from costcalc.views.symbol_names import short_names, shorten_symbols, symbol_rows


def test_long_names_have_initials_and_their_number() -> None:
    names = ["past_sequence_length", "nonzero103", "seq", "batchSize", "encoder_sequence_length_2", "no word"]
    assert short_names(names) == {
        "past_sequence_length": "psl",
        "nonzero103": "n103",
        "batchSize": "bs",
        "encoder_sequence_length_2": "esl2",
    }
    assert short_names(["height", "width"]) == {}


@given(st.lists(st.from_regex(r"[a-z_]{1,12}[0-9]{0,3}", fullmatch=True), max_size=30))
def test_no_two_symbols_are_written_alike(names: list[str]) -> None:
    short = short_names(names)
    shown = [short.get(name, name) for name in dict.fromkeys(names)]
    assert len(set(shown)) == len(shown)


def test_only_whole_names_are_replaced() -> None:
    short = {"nonzero1": "n1", "nonzero": "n"}
    assert shorten_symbols("40·nonzero1 + min(300, nonzero) + nonzero12", short) == "40·n1 + min(300, n) + nonzero12"


def test_the_legend_gathers_what_is_alike() -> None:
    b = GraphBuilder("found", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (symbol("rows_of_the_table"), 8))
    fixed = b.add_input("fixed", DType.FLOAT32, (4, 8))
    outputs = [b.add("NonZero", [fixed], name=f"places{i}")[0] for i in range(9)]
    (y,) = b.add("Relu", [x], name="relu")
    report: costcalc.Report = analyze_graph(b.build([y, *outputs]))
    point = drawing_point(report)
    rows = symbol_rows(report, point, short_names(report.open_symbols))
    meanings = [row.meaning for row in rows]
    assert "axis 0 of x" in meanings and "9 extents that NonZero operators find in the data" in meanings
    (many,) = [row for row in rows if row.meaning.startswith("9 ")]
    assert many.limit == many.drawn == 32 and re.fullmatch(r"\S+ … \S+", many.short)
