"""Formulas in documents that programs read are read back exactly, whatever the symbols are called."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from support.graphs import blocks

from costcalc import compare, footprint
from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.training.step import cost_training
from costcalc.core.amount import json_amount
from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim, parse_formula, symbol
from costcalc.render import json as report_json
from costcalc.render import render_tables
from costcalc.render.terminal import Screen
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.diff.diff import diff
from costcalc.studies.diff.snapshot import snapshot
from costcalc.studies.options import Settings
from costcalc.views.report import TableOptions, report_table

BATCH, SEQ = symbol("batch-size"), symbol("seq")


@pytest.fixture
def report() -> Report:
    """A network whose batch is the symbol `batch-size`, which without quotes reads as a difference."""
    return analyze_graph(blocks(BATCH))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (3 * BATCH + SEQ, "3*`batch-size` + seq"),
        (12 * SEQ**2 + SEQ, "12*seq**2 + seq"),
        (BATCH // 2, "(`batch-size`)//(2)"),
        (672, 672),
        (None, None),
    ],
)
def test_an_amount_is_written_for_programs(amount: Dim | None, text: int | str | None) -> None:
    assert json_amount(amount) == text
    if isinstance(text, str):
        assert parse_formula(text) == amount


def test_json_documents_write_formulas_that_are_read_back(report: Report) -> None:
    content = report.to_dict()
    assert "`batch-size`" in content["totals"]["macs"]
    assert {key: _read(value) for key, value in content["totals"].items() if not isinstance(value, dict)} == dict(
        report.totals
    )
    assert [_read(layer["macs"]) for layer in content["layers"]] == [row.figures["macs"] for row in report.rows]
    assert _read(content["layers"][0]["outputs"][0]["shape"][0]) == BATCH
    comparison = compare(report, report).to_dict()
    assert _read(comparison["totals"]["flops"][1]["value"]) == report.flops
    changes = diff(snapshot(analyze_graph(blocks(BATCH, stages=1))), snapshot(report)).to_dict()
    assert _read(changes["totals"]["macs"]["after"]) == report.macs
    trained = cost_training(report).to_dict()["training"]
    assert _read(trained["macs"]["forward"]) == report.macs
    assert _read(footprint(report).to_dict()["totals"]["all_tensors_bytes"]) == footprint(report).total


def test_groups_in_json_write_them_so_too(report: Report) -> None:
    (row,) = report_json.row_objects(report_table(report, TableOptions(by="block", depth=1, columns=("macs",), top=1)))
    assert "`batch-size`" in row["macs"]


def test_csv_and_the_lock_file_write_the_same(report: Report) -> None:
    text = render_tables("csv", [report_table(report, TableOptions(columns=("output", "macs")))], Screen())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [parse_formula(row["macs"]) for row in rows] == [row.figures["macs"] for row in report.layers]
    assert rows[0]["output"] == "`batch-size`x8x32x32"
    locked = json.loads(
        lock_file.format_lock(lock_file.make_baseline([lock.make_entry("net", "", snapshot(report), Settings(), ".")]))
    )
    assert locked["models"]["net"][""]["totals"]["macs"] == report.to_dict()["totals"]["macs"]


def test_an_assumption_writes_names_so_too() -> None:
    assert str(Assumption(BATCH, ">=", 4)) == "`batch-size` >= 4"
    assert Assumption(BATCH, ">=", 4).format() == "batch-size >= 4"


def _read(value: Any) -> Dim:
    return parse_formula(value) if isinstance(value, str) else value
