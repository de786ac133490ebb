"""Every format's text, against gold files; and what a table promises at any width."""

from __future__ import annotations

import csv as csv_reader
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from support.cli import environment
from support.graphs import attention_scores, blocks, long_names, separable, unknown
from support.paths import ROOT

import costcalc
from costcalc.core.dim import symbol
from costcalc.render import cells, html, layout, markdown, render_tables, table
from costcalc.render import json as render_json
from costcalc.render.layout import text_width
from costcalc.render.terminal import Screen, palette, screen
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.views.report import TableOptions, report_table
from costcalc.views.table import Column, Table, Total

MODELS = {"blocks": blocks, "unknown": unknown, "scores": attention_scores}
Gold = Callable[[str, str], None]


def tables(result: Any) -> tuple[Any, ...]:
    return result.tables()  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("form", "ending"), [("table", "txt"), ("csv", "csv"), ("markdown", "md"), ("html", "html")])
def test_gold(model: str, form: str, ending: str, gold: Gold) -> None:
    gold(f"{model}.{ending}", render_tables(form, [report_table(costcalc.analyze(MODELS[model]()))], Screen()))


@pytest.mark.parametrize("by", ["op", "block"])
def test_gold_of_groups(by: str, gold: Gold) -> None:
    gold(
        f"blocks_by_{by}.txt",
        render_tables("table", [report_table(costcalc.analyze(blocks()), TableOptions(by))], Screen(80)),
    )


@pytest.mark.parametrize("width", [40, 60, 80])
def test_gold_of_narrow_tables(width: int, gold: Gold) -> None:
    gold(
        f"blocks_{width}.txt", render_tables("table", [report_table(costcalc.analyze(blocks(stages=3)))], Screen(width))
    )


@pytest.mark.parametrize(("form", "ending"), [("table", "txt"), ("csv", "csv"), ("markdown", "md")])
def test_gold_of_a_comparison(form: str, ending: str, gold: Gold) -> None:
    comparison = costcalc.compare(separable(), blocks(), unknown())
    gold(f"comparison.{ending}", render_tables(form, tables(comparison), Screen()))


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120])
def test_a_comparison_never_drops_a_model(width: int) -> None:
    """Whatever the width, every model's name and figures stand there, each with its ratio after it."""
    made = {"separable": separable, "blocks": blocks, "unknown": unknown, "scores": attention_scores, "more": blocks}
    reports = [replace(costcalc.analyze(make()), name=name) for name, make in made.items()]
    for one in tables(costcalc.compare(*reports)):
        bare = one._replace(notes=(), subtitle="")
        lines = render_tables("table", [bare], Screen(width)).splitlines()
        assert all(text_width(line) <= max(width, 27) for line in lines)
        words = " ".join(line for line in lines if line.startswith("  ")).split()
        assert words == [word for name in made for word in (name, "ratio")][:1] + [
            word for name in list(made)[1:] for word in (name, "ratio")
        ]
    shown = tables(costcalc.compare(*reports))[0]
    macs = [
        line for line in render_tables("table", [shown], Screen(width)).splitlines() if line.startswith(("MACs", "M…"))
    ]
    assert re.search(r"672 .*1(,705,984|.71 M)  2,539×.*≥ 2(,160|.16 k) +–.*1(,705,984|.71 M)  2,539×", " ".join(macs))


def test_a_comparison_is_exact_unless_rounding_saves_a_table() -> None:
    reports = [replace(costcalc.analyze(blocks()), name=name) for name in "abcd"]
    shown = tables(costcalc.compare(*reports))[0]
    wide, rounded, split = (render_tables("table", [shown], Screen(width)) for width in (100, 80, 50))
    assert wide.count("1,705,984") == 4 and wide.count("MACs") == 1
    assert rounded.count("1.71 M") == 4 and rounded.count("MACs") == 1
    assert split.count("1,705,984") == 4 and split.count("MACs") == 3


def test_a_comparison_repeats_what_its_figures_rest_on() -> None:
    """Once where it holds for all, with the model's name where it does not."""
    first, second = costcalc.analyze(attention_scores()), costcalc.analyze(unknown())
    notes = [replace(report, notes=("batch = 1 (default)", note)) for report, note in ((first, "a"), (second, "b"))]
    texts = [(note.label, note.text) for one in tables(costcalc.compare(*notes)) for note in one.notes]
    assert ("Note", "batch = 1 (default)") in texts
    assert ("Note", f"{first.name}: a") in texts and ("Note", f"{second.name}: b") in texts
    assert any(label == "Open" and text.startswith(f"{first.name}: seq") for label, text in texts)
    assert any(label == "Unknown" and text.startswith(f"{second.name}: com.acme:Mystery") for label, text in texts)
    assert len(texts) == len(set(texts))


def test_gold_of_json(gold: Gold) -> None:
    reports = [costcalc.analyze(separable()), costcalc.analyze(unknown())]
    entries = [render_json.with_groups(r.to_dict(), "op", report_table(r, TableOptions("op"))) for r in reports]
    text = render_json.dump({"models": entries})
    gold("report.json", json.dumps(json.loads(text), indent=1, ensure_ascii=False))


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("graph", [blocks, unknown, long_names, attention_scores])
def test_no_line_of_a_table_is_wider_than_the_screen(width: int, graph: Callable[[], Graph]) -> None:
    for view in (TableOptions(), TableOptions("op"), TableOptions("block")):
        lines = list(table.body_lines(report_table(costcalc.analyze(graph()), view), Screen(width)))
        assert max(map(text_width, lines)) <= width


def test_eighty_columns_hold_everything_that_matters() -> None:
    header = next(table.body_lines(report_table(costcalc.analyze(long_names())), Screen(80)))
    assert header.split() == ["Layer", "Operator", "Output", "MACs", "Params", "%", "FLOPs"]


def test_names_are_shortened_in_the_middle() -> None:
    assert layout.shorten_middle("stage_of_many_layers", 15) == "stage…ny_layers"
    assert layout.shorten_middle("  stage_of_many_layers", 12) == "  sta…layers"
    assert all(text_width(layout.shorten_middle("層" * 30, w)) <= w for w in range(1, 40))


def test_a_formula_wraps_inside_max_and_long_names_break() -> None:
    formula = "max(4·/roi_heads/NonZero.nonzero + 1,204, 9·/rpn/NonZero_1.nonzero + 7) + 12"
    lines = layout.wrap_formula(formula, 40, 10)
    assert max(map(text_width, lines)) <= 40
    assert "".join("".join(lines).split()) == "".join(formula.split())
    assert all(text_width(line) <= 30 for line in layout.wrap("see " + "a" * 90, 30, 4))


def test_a_pipe_is_as_wide_as_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    report = costcalc.analyze(long_names())
    text = render_tables("table", [report_table(report)], screen(to_file=True))
    assert "…" not in text.split("\n\n")[1]
    assert all(row.name in text for row in report.layers)
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(text_width, str(report).splitlines())) <= 60


def test_a_bar_is_wide_enough_to_be_one() -> None:
    shown = report_table(costcalc.analyze(blocks(stages=3)))
    for width in range(60, 120):
        rows = list(table.body_lines(shown, Screen(width)))
        drawn = [len(line) - len(line.rstrip("█")) for line in rows]
        assert max(drawn) == 0 or max(drawn) >= 5, width


def test_a_figure_is_never_cut() -> None:
    for width in range(20, 100):
        lines = list(table.body_lines(report_table(costcalc.analyze(blocks())), Screen(width)))
        assert lines[-1].split()[3:4] == ["1,705,984"] or "MACs" not in lines[0]


def test_shares_that_are_no_numbers_take_no_room() -> None:
    """Of a quadratic and a linear formula neither is a share of their sum; asked for, the column stays."""
    report = costcalc.analyze("gpt2")
    assert "%" not in next(table.body_lines(report_table(report), Screen(80)))
    assert "%" in next(
        table.body_lines(report_table(report, TableOptions(columns=("name", "share"))), Screen(80), keep_all=True)
    )
    assert "% MACs" in next(table.body_lines(report_table(report.bind({"seq": 128})), Screen(80)))


@pytest.mark.parametrize("width", [30, 40, 60])
def test_totals_fit_the_line(width: int) -> None:
    lines = list(table.total_lines(report_table(costcalc.analyze("resnet18")).totals, width, palette(colours=False)))
    assert all(len(line) <= max(width, 36) for line in lines)
    assert ("44.6 MiB" in " ".join(lines)) == (width == 60)


def test_the_number_that_a_long_formula_does_not_exceed_stands_below_it() -> None:
    boxes = symbol("boxes")
    long_total = Total(
        "FLOPs", 123_456_789 * boxes * boxes + 987_654_321 * boxes + 1, "number", 5_890_000_000, "at most 9 boxes"
    )
    for width, last in ((40, "       ≤ 5.89 G, at most 9 boxes"), (25, "       ≤ 5.89 G")):
        assert list(table.total_lines([long_total], width, palette(colours=False)))[-1] == last


def test_a_long_formula_breaks_between_its_terms() -> None:
    text = "3·((height + 1)//2)·((width + 1)//2) + 5·((height + 3)//4) - 7"
    assert layout.wrap_formula(text, 40, 2) == ["3·((height + 1)//2)·((width + 1)//2)", "  + 5·((height + 3)//4) - 7"]


@pytest.mark.parametrize(
    ("formula", "width", "short"),
    [
        ("18,432·seq² + 123,532,032·seq", 20, "18,432·seq² + …"),
        ("18,432·seq² + 123,532,032·seq", 14, "18,432·… + …"),
        ("18,432·seq² + 123,532,032·seq", 11, "… + …"),
        ("18,432·seq² - 123,532,032·seq", 14, "18,432·… - …"),
        ("18,432·seq² + 123,532,032·seq", 4, "…"),
        ("18,432·seq² + 123,532,032·seq", 29, "18,432·seq² + 123,532,032·seq"),
        ("123,532,032·sequence", 16, "123,532,032·…"),
        ("9·(seq + 1)·(seq + 2)·width", 14, "9·(seq + 1)·(…"),
        ("9·(seq + 1)·(seq + 2) + width", 20, "9·(seq + 1)·(… + …"),
        ("9·(seq + 1)·(seq + 2) + width + 3", 32, "9·(seq + 1)·(seq + 2) + …"),
        ("49,152 × 64 + 49,152 × 64", 20, "49,152 × 64 + …"),
        ("seq × 2,304 × 768", 16, "seq × 2,304 × …"),
    ],
)
def test_a_sum_that_is_cut_ends_with_its_sign(formula: str, width: int, short: str) -> None:
    assert layout.shorten_formula(formula, width) == short


@pytest.mark.parametrize("width", range(34, 70, 3))
def test_no_sum_in_a_row_looks_like_a_product(width: int) -> None:
    columns = ("name", "macs", "params")
    sheet = report_table(costcalc.analyze("gpt2"), TableOptions("block", columns=columns, all_layers=True))
    lines = list(table.body_lines(sheet, Screen(width), keep_all=True))[1:]
    sums = [line for line, row in zip(lines, sheet.rows, strict=False) if " + " in cells.amount(row[1])]
    assert len(sums) == 12 and all(" + " in line for line in sums)


def test_columns_that_were_asked_for_stay() -> None:
    chosen = TableOptions(columns=("name", "op", "output", "macs", "flops", "params", "share", "weight_bytes"))
    header = next(table.body_lines(report_table(costcalc.analyze(blocks()), chosen), Screen(40), keep_all=True))
    assert "Weights" in header and "FLOPs" in header


def test_names_cannot_write_to_the_terminal() -> None:
    b = GraphBuilder("evil\x1b[2J", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 4))
    report = costcalc.analyze(b.build(b.add("Relu", [x], name="a\x1b[31m\nb<script>|")))
    text = render_tables("table", [report_table(report)], Screen())
    assert "\x1b" not in text and "a\\x1b[31m\\nb<script>|" in text
    assert "<script>" not in render_tables("html", [report_table(report)], Screen())
    assert "b&lt;script&gt;\\|" in render_tables("markdown", [report_table(report)], Screen())


def test_ascii_screens_get_ascii() -> None:
    for graph in (blocks, unknown, attention_scores):
        for width in (60, 100):
            text = render_tables("table", [report_table(costcalc.analyze(graph()))], Screen(width, unicode=False))
            assert text.isascii(), {c for c in text if not c.isascii()}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_names_of_other_scripts_stand_in_columns_on_any_screen(encoding: str) -> None:
    b = GraphBuilder("畳み込み", "made", {"": 17})
    x = b.add_input("入力", DType.FLOAT32, (1, 4))
    for name in ("層/活性", "layer/é", "plain"):
        (x,) = b.add("Relu", [x], name=name)
    text = render_tables(
        "table", [report_table(costcalc.analyze(b.build([x])))], Screen(60, unicode=False, encoding=encoding)
    )
    shown = [line for line in text.encode(encoding).decode(encoding).splitlines() if " Relu " in line]
    assert len(shown) == 3
    assert len({text_width(line.partition(" Relu ")[0]) for line in shown}) == 1


def test_every_format_spells_signs_out_where_they_cannot_be_shown() -> None:
    shown = [report_table(costcalc.analyze(blocks()))]
    screen = Screen(100, unicode=False)
    assert all(render_tables(form, shown, screen).isascii() for form in ("table", "csv", "markdown", "html"))
    assert "1x8x32x32" in render_tables("markdown", shown, screen)
    assert "1&#215;8&#215;32&#215;32" in render_tables("html", shown, screen)


def test_colours_change_no_letter() -> None:
    from rich.text import Text

    shown = report_table(costcalc.analyze(unknown()))
    coloured = table.table_text(shown, Screen(100, True, palette(colours=True)))
    assert "\x1b[" in coloured
    assert Text.from_ansi(coloured).plain == table.table_text(shown, Screen())


def test_a_report_prints_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    report = costcalc.analyze(blocks())
    assert str(report) == render_tables("table", [report_table(report)], Screen())
    from rich.console import Console

    console = Console(width=80, file=io.StringIO())
    console.print(report)
    assert isinstance(console.file, io.StringIO)
    written = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert written == table.table_text(report_table(report), Screen(80)).splitlines()
    assert report._repr_html_().startswith('<div class="costcalc">')


def test_csv_is_read_back() -> None:
    report = costcalc.analyze(blocks())
    rows = list(csv_reader.DictReader(io.StringIO(render_tables("csv", [report_table(report)], Screen()))))
    assert sum(int(row["macs"]) for row in rows) == report.macs
    assert rows[0]["output"] == "1x8x32x32"


def test_csv_of_several_models_says_which() -> None:
    shown = [report_table(costcalc.analyze(blocks())), report_table(costcalc.analyze(separable()))]
    rows = list(csv_reader.DictReader(io.StringIO(render_tables("csv", shown, Screen()))))
    assert {row["model"] for row in rows} == {"blocks", "depthwise_separable"}


def test_html_is_well_formed() -> None:
    text = html.fragment([report_table(costcalc.analyze(unknown()), TableOptions("block"))]).replace("&emsp;", " ")
    assert ElementTree.fromstring(text).tag == "div"
    HTMLParser().feed(html.render([report_table(costcalc.analyze(blocks()))]))


def test_markdown_rows_have_equal_cells() -> None:
    lines = [
        line
        for line in markdown.render([report_table(costcalc.analyze(blocks()))]).splitlines()
        if line.startswith("|")
    ]
    assert len({line.count("|") for line in lines}) == 1


def test_a_row_is_cheap() -> None:
    """Ten thousand rows are laid out without rich, and without importing it."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "from support.graphs import long_names\n"
        "from costcalc import analyze\nfrom costcalc.views.report import report_table\n"
        "from costcalc.render import render_tables\nfrom costcalc.render.terminal import screen\n"
        "before = 'rich' in sys.modules\n"
        "render_tables('table', [report_table(analyze(long_names()))], screen())\n"
        "assert before == ('rich' in sys.modules)"
    )
    variables = {k: v for k, v in environment().items() if k != "FORCE_COLOR"}
    subprocess.run([sys.executable, "-c", code], check=True, env=variables, stdout=subprocess.DEVNULL)


def test_prose_is_told_whole_in_a_narrow_line() -> None:
    columns = (Column("name", "Layer", "name", 100), Column("change", "What changed", "prose", 85))
    rows = (("conv", "filters 64 → 96, input 64×64×64 → 96×64×64, was stem"), ("relu", "input 64 → 96"))
    text = render_tables("table", [Table("Net", "", columns, rows, total_row=("Total of 2", ""))], Screen(42))
    assert text.splitlines()[2:6] == [
        "Layer       What changed",
        "conv        filters 64 → 96, input",
        "            64×64×64 → 96×64×64, was stem",
        "relu        input 64 → 96",
    ]


def test_an_empty_sheet() -> None:
    assert render_tables("table", [Table("nothing", "", (), ())], Screen())


def test_a_total_of_very_many_terms_is_cut() -> None:
    b = GraphBuilder("Net", "net.onnx", {"": 17})
    x = [b.add_input(f"x{i}", DType.FLOAT32, (symbol(f"extent_of_input{i}"), 8)) for i in range(150)]
    report = costcalc.analyze(b.build([b.add("Relu", [value], name=f"relu_{value}")[0] for value in x]))
    text = render_tables("table", [report_table(report)], Screen(80)).split("% ")[-1]
    totals = text[text.index("FLOPs ") :]
    assert "more lines (--format json has them)" in totals and len(totals.splitlines()) < 70
    assert max(map(text_width, totals.splitlines())) <= 80
    assert "and 145 more" in totals and "x2," in totals.replace("extent_of_input", "x")


def many_terms() -> Graph:
    text = "name: n\ninput: [1, 3, h, w]\nlayers:\n" + "  - conv: {filters: 8, kernel: 3, stride: 2, pad: 1}\n" * 4
    return costcalc.load(text.encode())


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_a_formula_of_many_terms_stands_whole_below_the_rows_alone(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # a file is as wide as its content needs
    report = costcalc.analyze(many_terms())
    shown = report_table(report)
    total = cells.amount(report.totals["macs"])
    assert len(total) > 48
    text = render_tables(form, [shown], screen(to_file=True))
    row = next(line for line in text.splitlines() if "Total of 4" in line)
    assert total in text.replace("\\", "") and total not in row and " + …" in row
    assert total in render_tables(form, [shown._replace(totals=())], screen(to_file=True)).replace("\\", "")


@pytest.mark.parametrize("width", [56, 68, 80])
def test_a_formula_keeps_a_factor_beside_long_names(width: int) -> None:
    names = [
        f"/m/backbone/backbone.{i}/block/block.{j}/block.{j}.{k}/Conv" for i in range(9) for j in "01" for k in "02"
    ]
    columns = [Column("name", "Layer", "name", 100), Column("op", "Operator", "text", 70)]
    columns += [Column("output", "Output", "text", 60), Column("macs", "MACs", "number", 90)]
    macs = 327_680 * symbol("height") * symbol("width")
    rows = tuple((name, "Conv", "1x16x56x56", macs, 1_234_567) for name in names)
    sheet = Table("n", "", (*columns, Column("params", "Params", "number", 65)), rows)
    assert all("327,680·height" in line for line in list(table.body_lines(sheet, Screen(width)))[1:])
