"""Views of stored tensors take no memory and no step, whatever asks; an input that nothing reads lives for one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from support.allocation import peak
from support.cli import call

import costcalc
from costcalc.analysis.memory.footprint import MemoryFootprint, measure_footprint
from costcalc.analysis.options import ExecutionOptions
from costcalc.rules import DType, Graph, GraphBuilder

F32 = DType.FLOAT32
X, Y, W = 2 * 8 * 4, 2 * 8 * 4, 8 * 8 * 4
"""Bytes of the input, of a product, and of its weight."""


def footprint_of(graph: Graph, **execution: Any) -> MemoryFootprint:
    return measure_footprint(graph, ExecutionOptions(**execution))


def product_chain(views: tuple[str, ...]) -> Graph:
    """Two products by one weight [8, 8]; the second reads it behind views of views."""
    b = GraphBuilder("chain", "made", {"": 17})
    x, w = b.add_input("x", F32, (2, 8)), b.add_initializer("w", F32, (8, 8))
    second = w
    for i, kind in enumerate(views):
        (second,) = b.add(kind, [second], name=f"view{i}")
    (y,) = b.add("MatMul", [x, w], name="first")
    (z,) = b.add("MatMul", [y, second], name="second")
    return b.build([z])


@pytest.mark.parametrize("views", [(), ("Identity",), ("Identity", "Flatten", "Identity")])
@pytest.mark.parametrize("execution", [{}, {"in_place": True}, {"fuse": True}, {"reorder": True}, {"align": 16}])
def test_every_execution(views: tuple[str, ...], execution: Any) -> None:
    report = costcalc.analyze(product_chain(views), execution=execution)
    assert report.totals["peak_activation_bytes"] == X + Y
    assert report.totals.get("arena_bytes", X + Y) == X + Y
    footprint = footprint_of(product_chain(views), **execution)
    assert [step.name for step in footprint.schedule.steps] == ["first", "second"]
    assert [buffer.name for buffer in footprint.schedule.buffers] == ["x", "first", "second"]


def test_training_keeps_no_view_of_a_weight() -> None:
    plain, viewed = (costcalc.analyze(product_chain(views), training=True) for views in ((), ("Identity",)))
    assert viewed.totals["kept_activation_bytes"] == plain.totals["kept_activation_bytes"] == X + Y


def test_int8_peak_does_not_depend_on_the_type_of_weights() -> None:
    peaks = {
        costcalc.analyze(product_chain(("Identity",)), dtype=dtype, act_dtype="int8").totals["peak_activation_bytes"]
        for dtype in ("float32", "float16", "int8")
    }
    assert peaks == {(X + Y) // 4}


def test_graph_of_stored_views_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing runs: there are no steps, no peak layer, and no crash in any question about memory."""
    b = GraphBuilder("weights", "made", {"": 17})
    b.add_input("x", F32, (2, 8))
    (y,) = b.add("Identity", [b.add_initializer("w", F32, (8, 8))], name="y")
    graph = b.build([y])
    assert footprint_of(graph, reorder=True, align=16).schedule.steps == ()
    model = tmp_path / "weights.onnx"
    value = helper.make_tensor_value_info
    weight = helper.make_tensor("w", TensorProto.FLOAT, [8, 8], [0.0] * 64)
    made = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])],
        "weights",
        [value("x", TensorProto.FLOAT, [2, 8])],
        [value("y", TensorProto.FLOAT, [8, 8])],
        [weight],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]), str(model))
    for command in (["memory"], ["check", "--max", "peak_activation_bytes=1"], ["analyze", "--fuse"]):
        assert "bug in costcalc" not in call(capsys, command[0], str(model), *command[1:])[2]


def test_unread_input_lives_for_one_step() -> None:
    """x, then y of 64 bytes each at the first step, with an input of 256 that nothing reads; later steps need less."""
    b = GraphBuilder("unread", "made", {"": 17})
    x, _ = b.add_input("x", F32, (2, 8)), b.add_input("unread", F32, (8, 8))
    (y,) = b.add("Relu", [x], name="y")
    (z,) = b.add("Concat", [y, y], {"axis": 1}, name="z")
    (out,) = b.add("Concat", [z, z], {"axis": 1}, name="out")
    graph = b.build([out])
    footprint = footprint_of(graph)
    assert footprint.liveness.live_bytes == (X + W + Y, Y + 2 * Y, 2 * Y + 4 * Y)
    assert footprint.peak == peak(graph) == 6 * Y == X + W + Y
    assert footprint_of(graph, reorder=True, align=1).peak == 6 * Y


def test_peak_of_a_function_is_that_of_its_nodes(tmp_path: Path) -> None:
    """A call is no step: its nodes are. A simulation that takes the call as one step sees 1,536 bytes here, not 4,096
    (x 1,024 with the result 512; inside, the first layer's product and its activation are 2,048 each)."""
    b = GraphBuilder("mlp", "made", {"": 17})
    x = b.add_input("x", F32, (8, 32))
    (t,) = b.add("Gemm", [x, b.add_initializer("w", F32, (64, 32))], {"transB": 1}, name="t")
    (a,) = b.add("Relu", [t], name="a")
    (y,) = b.add("Gemm", [a, b.add_initializer("v", F32, (16, 64))], {"transB": 1}, name="y")
    assert footprint_of(b.build([y])).peak == 2 * (8 * 64 * 4) == 4_096


def test_peak_is_that_of_an_order_that_can_run(tmp_path: Path) -> None:
    """onnxconverter-common appends the Cast that reads the input behind all nodes. Where a file is out of order, its
    nodes are sorted: a simulation in the file's order lets the input live to the end."""
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("Concat", ["a", "a", "a", "a"], ["b"], axis=1),
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
    ]
    made = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [2, 8])], [value("b", TensorProto.FLOAT16, [2, 32])]
    )
    path = tmp_path / "g.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    assert footprint_of(costcalc.load(path)).liveness.live_bytes == (64 + 32, 32 + 32, 32 + 128)
