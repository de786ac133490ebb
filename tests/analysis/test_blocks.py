"""The tree of blocks begins where a model branches, and layers beside blocks that cost nothing are one row."""

from __future__ import annotations

import costcalc
from costcalc.analysis.grouping import block_tree, expand_tree
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.views.report import TableOptions, report_table


def exported() -> Graph:
    """/model/backbone/{stem, head} as exporters write it, with shape arithmetic beside."""
    b = GraphBuilder("Net", "net.onnx", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    b.add("Shape", [x], name="/Shape")
    b.add("Shape", [x], name="/Shape_1")
    for block in ("stem", "head"):
        w = b.add_initializer(f"{block}.w", DType.FLOAT32, (8, 8))
        scope = ("model", "backbone", block)
        for part in ("first", "second"):
            (x,) = b.add("MatMul", [x, w], name="/".join(("", *scope, part, "MatMul")), scope=(*scope, part))
    return b.build([x])


def test_blocks_begin_where_the_model_branches() -> None:
    report = costcalc.analyze(exported())
    groups = expand_tree(block_tree(report.layers), 1)
    assert [group.label for group in groups] == ["stem", "head", "(2 other layers)"]
    assert [group.name for group in groups][:2] == ["model/backbone/stem", "model/backbone/head"]
    assert sum(len(group.rows) for group in groups) == len(report.layers)


def test_a_model_that_is_one_block_is_shown_by_its_layers() -> None:
    report = costcalc.analyze(exported())
    inner = tuple(row for row in report.layers if "stem" in row.scope)
    assert [group.label for group in expand_tree(block_tree(inner), 1)] == ["first", "second"]


def test_a_block_with_nearly_all_macs_is_opened() -> None:
    """Layers beside blocks are many, and the blocks stand one level deeper, as in exported encoders."""
    b = GraphBuilder("Net", "net.onnx", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (4, 8))
    for i in range(12):
        (x,) = b.add("Relu", [x], name=f"relu{i}")
    (x,) = b.add(
        "Add", [x, b.add_initializer("positions", DType.FLOAT32, (8,))], name="encoder/Add", scope=("encoder",)
    )
    for i in range(12):
        scope = ("encoder", f"layer.{i}")
        for part in ("query", "key"):
            w = b.add_initializer(f"{part}{i}", DType.FLOAT32, (8, 8))
            (x,) = b.add("MatMul", [x, w], name=f"encoder/layer.{i}/{part}", scope=scope)
    (x,) = b.add("Add", [x, b.add_initializer("b", DType.FLOAT32, (8,))], name="head/Add", scope=("head",))
    report = costcalc.analyze(b.build([x]))
    table = report_table(report, TableOptions(by="block"))
    assert [label for depth, label in table.tree if depth == 1][1:] == [f"layer.{i}" for i in range(12)]
    assert max(depth for depth, _ in table.tree) == 1
