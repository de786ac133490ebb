"""Grouping, sorting, choosing columns: a report's neutral table."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import attention_scores, blocks, unknown

import costcalc
from costcalc import analyze
from costcalc.core.amount import LowerBound
from costcalc.rules import DType, GraphBuilder, UsageError, symbol
from costcalc.views.report import TableOptions, report_table
from costcalc.views.summary import accounting_text

CONV0 = 3 * 9 * 32 * 32 * 8
CONV1 = 8 * 9 * 32 * 32 * 8
CONV2 = 8 * 9 * 16 * 16 * 16
CONV3 = 16 * 9 * 16 * 16 * 16
FC = 16 * 8 * 8 * 10
REPORT = analyze(blocks())


def column(view: TableOptions, key: str) -> list[object]:
    shown = report_table(REPORT, view)
    index = [c.key for c in shown.columns].index(key)
    return [row[index] for row in shown.rows]


def test_a_row_per_layer_in_execution_order() -> None:
    assert column(TableOptions(), "name")[:3] == ["stage0/conv0/Conv", "stage0/conv0/Relu", "stage0/conv1/Conv"]
    assert column(TableOptions(), "macs") == [CONV0, 0, CONV1, 0, 0, CONV2, 0, CONV3, 0, 0, 0, FC]


def test_a_row_per_operator_dearest_first() -> None:
    assert column(TableOptions("op"), "op")[:2] == ["Conv", "Gemm"]
    assert column(TableOptions("op"), "macs")[:2] == [CONV0 + CONV1 + CONV2 + CONV3, FC]
    assert column(TableOptions("op"), "layers")[:2] == [4, 1]


def test_blocks_hold_what_is_in_them() -> None:
    shown = report_table(REPORT, TableOptions("block", depth=2))
    assert shown.tree == (
        (0, "stage0"),
        (1, "conv0"),
        (1, "conv1"),
        (1, "MaxPool"),
        (0, "stage1"),
        (1, "conv0"),
        (1, "conv1"),
        (1, "MaxPool"),
        (0, "Flatten"),
        (0, "fc"),
    )
    assert column(TableOptions("block", depth=1), "macs") == [CONV0 + CONV1, CONV2 + CONV3, 0, FC]
    assert [depth for depth, _ in report_table(REPORT, TableOptions("block", depth=9)).tree].count(2) == 8


def test_sorted_blocks_are_flat_and_add_up() -> None:
    shown = report_table(REPORT, TableOptions("block", depth=2, sort="macs", top=2))
    assert [row[0] for row in shown.rows] == ["stage0/conv1", "stage1/conv1"]
    assert shown.tree == ()
    assert shown.remainder_row is not None and shown.remainder_row[0] == "(6 more)"
    assert CONV1 + CONV3 + shown.remainder_row[3] == REPORT.macs


def test_the_rest_of_operators_has_a_name() -> None:
    by_operator = report_table(REPORT, TableOptions("op", top=1))
    assert by_operator.remainder_row is not None
    names = dict(zip([c.key for c in by_operator.columns], by_operator.remainder_row, strict=True))
    assert names["op"] == f"({len(report_table(REPORT, TableOptions('op')).rows) - 1} more)"
    both = report_table(REPORT, TableOptions(columns=("name", "op"), top=1)).remainder_row
    assert both is not None and both[1] == ""


def test_sort_and_top() -> None:
    assert column(TableOptions(sort="macs", top=2), "macs") == [CONV1, CONV3]
    assert report_table(REPORT, TableOptions(sort="params")).columns[5].title == "% Params"


def test_columns_by_kind_and_role() -> None:
    chosen = TableOptions("op", columns=("op", "add", "compare", "bias", "weight_bytes"))
    conv = report_table(REPORT, chosen).rows[0]
    outputs = 2 * 8 * 32 * 32 + 2 * 16 * 16 * 16
    assert conv[:4] == ("Conv", outputs, 0, outputs)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'params'"):
        report_table(REPORT, TableOptions(columns=("prams",)))
    with pytest.raises(UsageError):
        report_table(REPORT, TableOptions(sort="size"))


def test_nothing_unknown_is_counted_as_zero() -> None:
    report = analyze(unknown())
    shown = report_table(report)
    assert shown.rows[1][3] is None
    assert shown.total_row is not None and shown.total_row[3] == shown.totals[0].value == LowerBound(27 * 16 * 5)
    by_op = {row[0]: row[2] for row in report_table(report, TableOptions("op")).rows}
    assert by_op["com.acme:Mystery"] is None


def test_shares_of_formulas() -> None:
    shown = report_table(analyze(attention_scores()))
    assert [row[5] for row in shown.rows] == [None, 0.0, None]


def test_shares_of_open_batch_are_numbers() -> None:
    open_batch = report_table(analyze(blocks(symbol("N"))))
    assert [row[5] for row in open_batch.rows] == [row[5] for row in report_table(REPORT).rows]


def test_views_of_stored_tensors_are_constants_and_no_layers() -> None:
    """Identity of a weight, and a reshape of that; the weight's parameters are the layer's that computes with it."""
    b = GraphBuilder("shared", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 4))
    w = b.add_initializer("w", DType.FLOAT32, (4, 4))
    (again,) = b.add("Identity", [w], name="again")
    (flat,) = b.add("Flatten", [again], name="flat")
    (moved,) = b.add("Transpose", [w], {"perm": (1, 0)}, name="moved")
    (y,) = b.add("MatMul", [x, flat], name="first")
    (y,) = b.add("MatMul", [y, moved], name="second")
    (y,) = b.add("Identity", [y], name="last")
    report = analyze(b.build([y]))
    assert [row.state for row in report.rows] == ["constant", "constant", "free", "costed", "costed", "free"]
    assert [row.name for row in report.layers] == ["moved", "first", "second", "last"]
    assert report.count_states() == {"costed": 2, "free": 2, "constant": 2, "unknown": 0}
    said = (
        "4 layers: 2 by rule, 2 free (Transpose × 1, Identity × 1), 0 unknown; 2 constant (Identity × 1, Flatten × 1)"
    )
    assert accounting_text(report) == said
    for by, names in (("layer", ["moved", "first", "second", "last"]), ("op", ["", "", ""])):
        shown = report_table(report, TableOptions(by, columns=("name", "layers", "params")))
        assert shown.total_row is not None and shown.total_row[1:] == (4, 16)
        assert sum(row[1] for row in shown.rows) == 4 and sum(row[2] for row in shown.rows) == 16
        assert by == "op" or [row[0] for row in shown.rows] == names
    assert [layer["name"] for layer in report.to_dict()["layers"]][:2] == ["again", "flat"]


def test_the_arena_of_a_board_is_said_to_be_of_fused_steps() -> None:
    """MobileNet at 192 peaks in 288 KiB one layer at a time, and in 216 KiB with normalisations and activations fused."""
    settings: dict[str, Any] = {"params": {"alpha": 0.25, "resolution": 192}, "dtype": "int8", "act_dtype": "int8"}
    words = "of fused steps, as a runtime of small devices executes them"
    unfused = " ".join(str(costcalc.analyze("mobilenet", **settings, devices="nrf52840")).split())
    assert "arena 216 KiB of 256 KiB SRAM" in unfused and words in unfused
    fused = str(costcalc.analyze("mobilenet", **settings, devices="nrf52840", execution={"fuse": True}))
    assert "arena 216 KiB of 256 KiB SRAM" in fused and words not in fused
