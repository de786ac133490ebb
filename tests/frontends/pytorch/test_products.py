"""Linear layers, products, higher-order operators and kernels without a rule, as the graph has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.operator_rules import F32, I64, t

import costcalc
from costcalc.core.errors import UnknownNameError
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.frontends.pytorch.program import (
    Call,
    ExportedProgram,
    InputSpec,
    ProgramGraph,
    SubgraphArgument,
    ValueName,
)
from costcalc.frontends.pytorch.walker import ProgramWalker
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.linear import find_linear_layer

PROGRAMS = Path(__file__).parents[2] / "data" / "pt2"

V = ValueName


def walk(calls: list[Call], types: dict[str, TensorType], stored: tuple[str, ...] = ()) -> Graph:
    """Calls over values of these types, those that none gives being inputs or stored tensors -> the graph. The last
    call's outputs are the program's."""
    given = {name for call in calls for name in call.outputs}
    sources = [name for name in types if name not in given]
    graph = ProgramGraph(tuple(map(V, sources)), tuple(map(V, calls[-1].outputs)), tuple(calls), types, frozenset())
    specs = tuple([InputSpec("parameter" if name in stored else "input", name, name) for name in sources])
    builder = GraphBuilder("test", "", {"": 23})
    walker = ProgramWalker(builder, ExportedProgram(graph, specs, {}, "2.14"), {})
    outputs = walker.run()
    assert not walker.differences
    return builder.build(outputs)


def call(target: str, *outputs: str, **arguments: Any) -> Call:
    """A call; arguments of a higher-order operator are named _0, _1 …"""
    named = {name.removeprefix("_"): value for name, value in arguments.items()}
    return Call(outputs[0] if outputs else "effect", target, named, outputs, {})


def operators(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]


def only(graph: Graph, op_type: str) -> Node:
    (node,) = [node for node in graph.nodes if node.op_type == op_type]
    return node


LINEAR = {"x": t(2, 3, 8), "m": t(5, 8), "w": t(12, 8), "b": t(12), "y": t(2, 3, 12), "z": t(5, 12)}


def test_a_linear_layer_multiplies_with_its_matrix_stored_transposed() -> None:
    graph = walk(
        [call("aten.linear.default", "y", input=V("x"), weight=V("w"), bias=V("b"))],
        {k: LINEAR[k] for k in "xwby"},
        ("w", "b"),
    )
    assert operators(graph) == ["MatMul", "Add"]
    assert graph.initializers["w"].shape == (8, 12)
    layer = find_linear_layer(GraphIndex(graph), 0)
    assert layer is not None and (layer.weight, layer.bias, layer.features, layer.units) == ("w", "b", 8, 12)


def test_a_linear_layer_of_rows_with_a_bias_is_a_gemm() -> None:
    graph = walk(
        [call("aten.linear.default", "z", input=V("m"), weight=V("w"), bias=V("b"))],
        {k: LINEAR[k] for k in "mwbz"},
        ("w", "b"),
    )
    assert operators(graph) == ["Gemm"] and graph.initializers["w"].shape == (12, 8)


def test_a_matrix_that_others_read_too_is_read_as_it_is_stored() -> None:
    types = LINEAR | {"i": t(4, dtype=I64), "e": t(4, 8)}
    embedding = call("aten.embedding.default", "e", weight=V("w"), indices=V("i"))
    linear = call("aten.linear.default", "y", input=V("x"), weight=V("w"))
    graph = walk([embedding, linear], {k: types[k] for k in "xiwey"}, ("w",))
    assert operators(graph) == ["Gather", "FusedMatMul"] and graph.initializers["w"].shape == (12, 8)
    layer = find_linear_layer(GraphIndex(graph), 1)
    assert layer is not None and (layer.features, layer.units) == (8, 12)


def test_a_parameter_that_every_call_transposes_is_stored_so() -> None:
    """Experts are stored [groups, out, in] and read [groups, in, out]: no copy is made."""
    types = {"x": t(4, 6, 8), "w": t(4, 12, 8), "wt": t(4, 8, 12), "y": t(4, 6, 12)}
    transpose = call("aten.transpose.int", "wt", self=V("w"), dim0=-2, dim1=-1)
    product = call("aten.bmm.default", "y", self=V("x"), mat2=V("wt"))
    graph = walk([transpose, product], types, ("w",))
    assert operators(graph) == ["MatMul"] and graph.initializers["w"].shape == (4, 8, 12)


@pytest.mark.parametrize(
    ("path", "macs"),
    [((), 2 * 3 * 4 + 2 * 4 * 50), ((0, 1, 0, 1), 2 * 3 * 4 + 2 * 4 * 50), ((1, 2, 0, 1), 3 * 4 * 50 + 2 * 3 * 50)],
)
def test_an_einsum_contracts_in_the_order_of_its_path(path: tuple[int, ...], macs: int) -> None:
    types = {"a": t(2, 3), "b": t(3, 4), "c": t(4, 50), "y": t(2, 50)}
    tensors = (V("a"), V("b"), V("c"))
    graph = walk([call("aten.einsum.default", "y", equation="ij,jk,kl->il", tensors=tensors, path=path)], types)
    assert costcalc.analyze(graph).macs == macs


def test_an_index_of_one_operand_alone_is_summed_before_the_product() -> None:
    types = {"a": t(5, 3), "b": t(3, 4), "y": t(4)}
    tensors = (V("a"), V("b"))
    graph = walk([call("aten.einsum.default", "y", equation="ij,jk->k", tensors=tensors)], types)
    assert operators(graph) == ["ReduceSum", "Einsum"]
    assert costcalc.analyze(graph).macs == 3 * 4


def test_the_dearer_branch_of_a_condition_counts() -> None:
    report = costcalc.analyze(PROGRAMS / "control_conditions.pt2")
    assert report.macs == 3 * 4 * 4
    assert any("the true graph 108 FLOPs, the false one 12" in note for note in report.notes)


def test_a_while_loop_runs_as_often_as_a_symbol_says() -> None:
    path = PROGRAMS / "control_repetition.pt2"
    assert str(costcalc.analyze(path).macs) == "48*trips"
    assert costcalc.analyze(path, dims={"trips": 3}).macs == 3 * (3 * 4 * 4)
    with pytest.raises(UnknownNameError, match="trip"):
        costcalc.analyze(path, dims={"trip": 3})


def test_kernels_that_write_into_their_inputs_are_unknown_and_named() -> None:
    types = {"x": t(2, 3), "y": t(2, 3), "out": t(2, 3)}
    custom = call("mylib.inc.default", x=V("x"))
    triton = call("higher_order.triton_kernel_wrapper_mutation", kwargs=V("x"), _0=1)
    functional = call("higher_order.auto_functionalized_v2", "", "y", _0="torch.ops.mylib.scale.default", x=V("x"))
    relu = call("aten.relu.default", "out", self=V("y"))
    report = costcalc.analyze(walk([custom, triton, functional, relu], types))
    names = {f"{u.domain}:{u.op_type}" for u in report.unknown}
    assert names == {"mylib:inc", "higher_order:triton_kernel_wrapper_mutation", "mylib:scale"}


def test_a_region_is_part_of_the_graph_around_it() -> None:
    """The values of a region have names of their own, also those that cost nothing."""
    inner = ProgramGraph(
        (V("a"),),
        (V("c"),),
        (
            call("aten.detach.default", "b", self=V("a")),
            call("aten.relu.default", "c", self=V("b")),
        ),
        {"a": t(2, 3), "b": t(2, 3), "c": t(2, 3)},
        frozenset(),
    )
    region = SubgraphArgument("submod", inner)
    calls = [
        call("higher_order.wrap_with_set_grad_enabled", f"y{i}", _0=False, _1=region, _2=V(f"y{i - 1}")) for i in (1, 2)
    ]
    graph = walk(calls, {f"y{i}": t(2, 3) for i in range(3)})
    assert operators(graph) == ["Relu", "Relu"] and len(graph.outputs) == 1


def test_the_scores_of_flex_attention_are_changed_one_by_one() -> None:
    names = ("score", "b", "h", "i", "j")
    mod = ProgramGraph(
        tuple(map(V, names)),
        (V("r"),),
        (call("aten.mul.Tensor", "r", self=V("score"), other=0.5),),
        {name: t() for name in (*names, "r")},
        frozenset(),
    )
    types = {name: t(2, 4, 6, 8) for name in "qkv"} | {"y": t(2, 4, 6, 8), "l": t(2, 4, 6)}
    arguments = {f"_{i}": value for i, value in enumerate((V("q"), V("k"), V("v"), SubgraphArgument("mod", mod)))}
    graph = walk([call("higher_order.flex_attention", "y", "l", **arguments)], types)
    report = costcalc.analyze(graph)
    assert report.macs == 2 * (2 * 4 * 6 * 6 * 8)
    assert only(graph, "Mul").count == 2 * 4 * 6 * 6


def test_a_packed_text_has_its_own_steps() -> None:
    """lstm.data: the steps of all texts stand behind one another."""
    types = {
        "x": t(9, 8),
        "sizes": t(4, dtype=I64),
        "h": t(1, 3, 6),
        "w": t(24, 8),
        "r": t(24, 6),
        "y": t(9, 6),
        "hn": t(1, 3, 6),
        "cn": t(1, 3, 6),
    }
    lstm = call(
        "aten.lstm.data",
        *("y", "hn", "cn"),
        data=V("x"),
        batch_sizes=V("sizes"),
        hx=(V("h"), V("h")),
        params=(V("w"), V("r")),
        has_biases=False,
        num_layers=1,
        dropout=0.0,
        train=False,
        bidirectional=False,
    )
    assert costcalc.analyze(walk([lstm], types, ("w", "r"))).macs == 9 * (24 * 8 + 24 * 6)


def test_weights_of_four_bits_are_packed() -> None:
    """x [M, K] · weight [N, K], eight numbers in an int32."""
    x, scales = TensorType(F32, (3, 64)), TensorType(F32, (2, 16, 2))
    types = {"x": x, "w": t(2, 1, 32, 4, dtype=I64), "s": scales, "y": TensorType(F32, (3, 16))}
    arguments = {"self": V("x"), "mat2": V("w"), "qGroupSize": 32, "qScaleAndZeros": V("s")}
    graph = walk([Call("y", "aten._weight_int4pack_mm.default", arguments, ("y",), {})], types, ("w", "s"))
    assert operators(graph) == ["MatMulNBits"]
    assert costcalc.analyze(graph).macs == 3 * 16 * 64
