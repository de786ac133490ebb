"""Blocks that repeat the ones before them are one row where people read, and only what is equal to the last figure."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli import ok

import costcalc
from costcalc.core.dim import sum_dims
from costcalc.render import render_tables
from costcalc.render.terminal import Screen
from costcalc.views.report import TableOptions, report_table
from costcalc.views.table import Table, fold_repeats

BAR = re.compile(r"(\S.*?) +([\d.]+)%  ([█▏▎▍▌▋▊▉]+)$")

GPT2_BLOCK = 12 * 768 * 768
"""MACs of a block's linear layers, for each token."""


def names(table: Table) -> list[str]:
    return [row[0] for row in fold_repeats(table).rows]


def network(kinds: str) -> costcalc.Report:
    """Blocks of three layers, one for each letter: `a` is narrow, `b` wide; they are called block1, block2 …"""
    text = "name: n\ninput: [1, 8]\nblocks:\n  block:\n    args: {units: }\n    layers:\n"
    text += "      - {linear: {units: units}}\n      - relu\n      - {linear: {units: 8}}\nlayers:\n"
    text += "".join(f"  - block: {{units: {4 if kind == 'a' else 16}}}\n" for kind in kinds)
    return costcalc.analyze(f"{text}  - {{linear: {{units: 5}}}}\n".encode())


def test_the_first_block_stands_and_one_row_for_the_others() -> None:
    report = costcalc.analyze("gpt2")
    table = report_table(report)
    shown = names(table)
    assert shown[:4] == ["tokens", "position", "embeddings", "decoder1/residual1/layer_norm"]
    assert shown[18:20] == ["decoder2 … 12 × 11", "layer_norm"]
    assert len(table.rows) == len(report.layers) == 187
    (repeat,) = table.repeats
    first = [row for row in report.layers if row.name.startswith("decoder1/")]
    params = 11 * sum_dims([row.figures["params"] or 0 for row in first])
    assert repeat.row[:6] == ("decoder2 … 12 × 11", "", (), repeat.row[3], params, None)
    assert str(repeat.row[3]) == f"16896*seq**2 + {11 * GPT2_BLOCK}*seq"
    assert fold_repeats(table).total_row == table.total_row
    assert "--all-layers" in fold_repeats(table).notes[0].text
    assert not report_table(report, TableOptions(all_layers=True)).repeats


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ("aaaaaa", ["block1", "block2 … 6 × 5"]),
        ("aaab" * 4, ["block1", "block2", "block3", "block4", "block5 … 16 × 3 (4 blocks each)"]),
        ("baaaaa", ["block1", "block2", "block3 … 6 × 4"]),
        ("aaaaaab" * 2, ["block1", "block2 … 6 × 5", "block7", "block8", "block9 … 13 × 5", "block14"]),
        ("aaaa", ["block1", "block2 … 4 × 3"]),
        ("aaa", ["block1", "block2", "block3"]),  # five rows saved
        ("abbaba", ["block1", "block2", "block3", "block4", "block5", "block6"]),
    ],
)
def test_periods(kinds: str, shown: list[str]) -> None:
    table = report_table(network(kinds))
    assert list(dict.fromkeys(name.split("/")[0] for name in names(table)))[:-1] == shown


@given(st.text("ab", min_size=1, max_size=24))
@settings(deadline=None, max_examples=40)
def test_nothing_is_merged_that_differs(kinds: str) -> None:
    report = network(kinds)
    table = report_table(report)
    figures = [(row.operator, tuple(row.figures.values())) for row in report.layers]
    end = 0
    for start, stop, row, _ in table.repeats:
        times = int(row[0].partition(" × ")[2].split()[0])
        period = (stop - start) // times
        assert period * times == stop - start and start >= max(end, period) and stop - start > 8
        assert figures[start:stop] == figures[start - period : start] * times
        assert row[3] == sum_dims([layer.figures["macs"] or 0 for layer in report.layers[start:stop]])
        end = stop


def test_a_figure_that_is_not_shown_keeps_blocks_apart() -> None:
    def pools(kernels: str) -> Table:
        head = "name: n\ninput: [1, 8, 16, 16]\nblocks:\n  block:\n    args: {k: }\n    layers:\n"
        head += "      - avg_pool: {kernel: k, stride: 1, pad: k // 2}\n      - relu\nlayers:\n"
        return report_table(costcalc.analyze((head + "".join(f"  - block: {{k: {k}}}\n" for k in kernels)).encode()))

    assert names(pools("33333353"))[2:] == ["block2 … 6 × 5", *names(pools("33333353"))[3:]]
    assert pools("3333335").rows[0][2:5] == pools("3333335").rows[-2][2:5]  # output, MACs, parameters


def test_programs_read_every_row() -> None:
    table = report_table(costcalc.analyze("gpt2"))
    rows = list(csv.reader(io.StringIO(render_tables("csv", [table], Screen()))))
    assert len(rows) == 188 and not any("×" in cell and "…" in cell for row in rows for cell in row)
    assert len(costcalc.analyze("gpt2").tables()[0].rows) == 187


def test_bars_are_as_long_as_the_shares_of_their_rows() -> None:
    text = ok("analyze", "gpt2", "--dim", "seq=64", "--columns", "name,share,bar")
    rows = {
        match[1]: (float(match[2]), match[3].count("█")) for line in text.splitlines() if (match := BAR.match(line))
    }
    assert rows["decoder2 … 12 × 11"] == (63.3, 16) and len(rows) == 7
    assert all(full == int(share / 63.3 * 16) for share, full in rows.values())
    markup = render_tables("html", [report_table(costcalc.analyze("gpt2", dims={"seq": 64}))], Screen())
    widths = list(map(int, re.findall(r"<i style=\"width:(\d+)px", markup)))
    assert [width for width in widths if width > 20] == [120, round(120 * 30.9 / 63.3)]


@pytest.mark.parametrize("form", ["table", "markdown", "html", "svg"])
def test_formats_for_people(form: str) -> None:
    text = render_tables(form, [report_table(costcalc.analyze("gpt2"))], Screen())
    assert "decoder2 … 12 × 11" in text and "decoder2/residual1" not in text


def test_trees_devices_and_sorted_tables() -> None:
    by_block = ok("analyze", "gpt2", "--by", "block", "--depth", "2")
    assert "\ndecoder2 … 12 × 11 " in by_block and by_block.count("  residual1") == 1
    every = ok("analyze", "gpt2", "--by", "block", "--depth", "2", "--all-layers")
    assert every.count("  residual1") == 12 and "×  " not in every
    for options in (["--all-layers"], ["--sort", "macs"], ["--top", "100"], ["--columns", "macs,params"]):
        assert "… 12 ×" not in ok("analyze", "gpt2", "--dim", "seq=128", *options)
    timed = ok("analyze", "gpt2", "--dim", "seq=128", "--hardware", "t4", "--training")
    line = next(line for line in timed.splitlines() if line.startswith("decoder2 … 12 × 11"))
    assert "10,242,490,368" in line and "ms" in line


def test_layers_that_cost_next_to_nothing_have_rows_of_their_own_on_request() -> None:
    tree = ok("analyze", "swin_t", "--by", "block", "--depth", "4")
    assert "other layers)" in tree
    assert "other layers)" not in ok("analyze", "swin_t", "--by", "block", "--depth", "4", "--all-layers")


def test_numbers_that_no_table_expects() -> None:
    long = "9" * 6000
    layers = "".join(f"  - {{linear: {{units: 8}}, as: x{long}_{i}}}\n" for i in range(12))
    table = report_table(costcalc.analyze(f"name: n\ninput: [1, 8]\nlayers:\n{layers}".encode()))
    assert names(table) == [f"x{long}_0", f"x{long}_1 … 11 × 11"]
