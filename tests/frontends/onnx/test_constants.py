"""What an ONNX file stores counts once: however often a body runs or a function is called, in a branch taken or not."""

from __future__ import annotations

from typing import Any

import pytest
from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto
from onnx import helper as h
from support.onnx_models import info, model, weight

from costcalc.analysis.report import Report, analyze_graph
from costcalc.frontends.onnx.reader import load_onnx

FLOAT, INT, BOOL, INT8, UINT8 = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.BOOL,
    TensorProto.INT8,
    TensorProto.UINT8,
)


TRUE = h.make_tensor("c", BOOL, (), [True])


def report(
    nodes: list[NodeProto],
    inputs: list[Any],
    stored: Any = (),
    functions: list[FunctionProto] | None = None,
    **given: Any,
) -> Report:
    data = model(nodes, inputs, ["y"], stored, functions or (), {"f": 1})
    return analyze_graph(load_onnx(data, **given))


def function(nodes: list[NodeProto]) -> FunctionProto:
    return h.make_function("f", "fc", ["a"], ["r"], nodes, [h.make_opsetid("", 17)])


def totals(found: Report, *names: str) -> tuple[Any, ...]:
    return tuple(found.totals[name] for name in names)


def stored_as(kind: str, w: TensorProto) -> tuple[list[TensorProto], list[NodeProto]]:
    """A tensor as an initializer or as a Constant node."""
    return ([w], []) if kind == "initializer" else ([], [h.make_node("Constant", [], [w.name], value=w)])


@pytest.mark.parametrize("kind", ["initializer", "constant"])
@pytest.mark.parametrize(("trips", "macs"), [(0, 0), (1, 2 * 64), (3, (2 + 4 + 8) * 64)])
def test_unrolled_loop(kind: str, trips: int, macs: int) -> None:
    inits, constants = stored_as(kind, weight("w", 8, 8))
    nodes = [
        *constants,
        h.make_node("MatMul", ["c", "w"], ["m"]),
        h.make_node("Concat", ["c", "m"], ["d"], axis=0),
        h.make_node("Identity", ["go"], ["on"]),
    ]
    takes, gives = [info("i", INT, ()), info("go", BOOL, ()), info("c")], [info("on", BOOL, ()), info("d")]
    loop = h.make_node("Loop", ["n", "", "x"], ["y"], body=h.make_graph(nodes, "b", takes, gives, inits))
    found = report([loop], [info("x", FLOAT, (2, 8)), info("n", INT, ())], values={"n": trips})
    assert totals(found, "params", "macs") == (64, macs)


def test_sequence_map_over_items_of_different_types() -> None:
    body = h.make_graph([h.make_node("MatMul", ["i", "w"], ["o"])], "b", [info("i")], [info("o")], [weight("w", 8, 4)])
    nodes = [
        h.make_node("SequenceConstruct", ["x", "z"], ["s"]),
        h.make_node("SequenceMap", ["s"], ["t"], body=body),
        h.make_node("ConcatFromSequence", ["t"], ["y"], axis=0),
    ]
    found = report(nodes, [info("x", FLOAT, (2, 8)), info("z", FLOAT, (3, 8))])
    assert totals(found, "params", "macs") == (32, (2 + 3) * 32)


CALLS = [h.make_node("fc", ["x"], ["m"], domain="f"), h.make_node("fc", ["m"], ["y"], domain="f")]


def test_function_called_twice() -> None:
    w = h.make_node("Constant", [], ["w"], value=weight("w", 8, 8))
    fc = function([w, h.make_node("MatMul", ["a", "w"], ["r"])])
    assert totals(report(CALLS, [info("x", FLOAT, (2, 8))], functions=[fc]), "params", "macs") == (64, 2 * 2 * 64)


def test_function_whose_output_is_a_constant() -> None:
    fc = function([h.make_node("Constant", [], ["r"], value=weight("w", 8, 8))])
    nodes = [
        h.make_node("fc", ["x"], ["p"], domain="f"),
        h.make_node("fc", ["x"], ["q"], domain="f"),
        h.make_node("MatMul", ["x", "p"], ["m"]),
        h.make_node("MatMul", ["m", "q"], ["y"]),
    ]
    assert totals(report(nodes, [info("x", FLOAT, (2, 8))], functions=[fc]), "params", "macs") == (64, 2 * 2 * 64)


def test_tensor_given_by_each_call_counts_for_each() -> None:
    w = h.make_node("Constant", [], ["w"])
    w.attribute.add(name="value", type=AttributeProto.TENSOR, ref_attr_name="weight")
    fc = function([w, h.make_node("MatMul", ["a", "w"], ["r"])])
    fc.attribute.append("weight")
    nodes = [
        h.make_node("fc", ["x"], ["m"], domain="f", weight=weight("w", 8, 8)),
        h.make_node("fc", ["m"], ["y"], domain="f", weight=weight("w", 8, 4)),
    ]
    assert totals(report(nodes, [info("x", FLOAT, (2, 8))], functions=[fc]), "params", "macs") == (96, 2 * 96)


@pytest.mark.parametrize("first", [True, False])
def test_a_function_s_value_has_another_s_name(first: bool) -> None:
    fc = function([h.make_node("Relu", ["a"], ["v"]), h.make_node("Relu", ["v"], ["r"])])
    call, relu = h.make_node("fc", ["x"], ["m"], domain="f", name="blk"), h.make_node("Relu", ["x"], ["blk/v"])
    nodes = [call, relu] if first else [relu, call]
    found = report([*nodes, h.make_node("Add", ["m", "blk/v"], ["y"])], [info("x", FLOAT, (2,))], functions=[fc])
    assert len(found.rows) == 4


def test_names_that_differ_in_a_slash() -> None:
    fc = function([h.make_node(*n) for n in (("Relu", ["a"], ["/v"]), ("Tanh", ["/v"], ["v"]), ("Exp", ["v"], ["r"]))])
    assert len(report(CALLS, [info("x", FLOAT, (2,))], functions=[fc]).rows) == 6


def branch(out: str, op: str, w: TensorProto) -> Any:
    return h.make_graph([h.make_node(op, ["x", w.name], [out])], out, [], [info(out)], [w])


@pytest.mark.parametrize("is_open", [True, False])
def test_quantised_weights_of_a_branch_that_is_not_taken(is_open: bool) -> None:
    then = branch("t", "MatMulInteger", weight("a", 8, 4, kind=INT8))
    other = branch("e", "MatMulInteger", weight("b", 8, 6, kind=INT8))
    node = h.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    inputs = [info("x", UINT8, (2, 8))]
    found = report([node], inputs + [info("c", BOOL, ())] * is_open, [] if is_open else [TRUE])
    assert totals(found, "params") == (32 + 48,)


@pytest.mark.parametrize("is_open", [True, False])
def test_weights_of_a_branch_that_does_not_fit(is_open: bool) -> None:
    then, other = branch("t", "MatMul", weight("a", 8, 4)), branch("e", "MatMul", weight("b", 9, 5))
    node = h.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    found = report([node], [info("x", FLOAT, (2, 8))] + [info("c", BOOL, ())] * is_open, [] if is_open else [TRUE])
    assert totals(found, "params", "macs") == (32 + 45, 2 * 32)
    assert any("else_branch do not fit" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["initializer", "constant"])
def test_scales(kind: str) -> None:
    w, s = stored_as(kind, weight("w", 4, 8, kind=INT8)), stored_as(kind, weight("s", 4))
    nodes = [
        *w[1],
        *s[1],
        h.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=0),
        h.make_node("Transpose", ["d"], ["t"]),
        h.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    found = report(nodes, [info("x", FLOAT, (2, 8))], [*w[0], *s[0]])
    assert totals(found, "params", "buffers", "weight_bytes") == (32, 4, 32 + 16)
