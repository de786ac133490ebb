"""If, Loop, Scan, SequenceMap and local functions: how often their bodies' nodes run, and the types that come out."""

from __future__ import annotations

from typing import Any

import pytest
from onnx import GraphProto, NodeProto, TensorProto, parser
from onnx import helper as h
from support.onnx_models import info, model, weight
from support.paths import ONNX_FILES

from costcalc import analyze
from costcalc.analysis.report import Report, analyze_graph, report_certainty
from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def report(nodes: list[NodeProto], inputs: list[Any], outputs: list[str], stored: Any = (), **given: Any) -> Report:
    opsets = {"": 20, **given.pop("domains", {})}
    return analyze_graph(load_onnx(model(nodes, inputs, outputs, stored, opsets=opsets), **given))


def rows(found: Report) -> dict[str, tuple[object, object]]:
    return {row.name: (str(row.count), str(row["macs"])) for row in found.rows}


def linear(name: str, w: str, out: str) -> GraphProto:
    return h.make_graph([h.make_node("MatMul", ["x", w], [out], name=name)], name, [], [info(out)])


BRANCHES = {"then_branch": linear("small", "a", "t"), "else_branch": linear("large", "b", "e")}


def test_an_open_if_counts_its_dearer_branch_and_stores_both() -> None:
    """then: 3·4·2 MACs, else: 3·4·5; the output's last extent is open."""
    node = h.make_node("If", ["c"], ["y"], name="if", **BRANCHES)
    inputs = [info("x", FLOAT, [3, 4]), info("c", BOOL, [])]
    found = report([node], inputs, ["y"], [weight("a", 4, 2), weight("b", 4, 5)])
    assert rows(found) == {"small": ("0", "0"), "large": ("1", "60"), "if": ("1", "0")}
    assert found.macs == 3 * 4 * 5
    assert found.params == 4 * 2 + 4 * 5
    assert found.graph.choices == ("if",)
    assert [str(d) for d in found.graph.types["y"].shape or ()] == ["3", "y_dim1"]


@pytest.mark.parametrize(("value", "macs", "width"), [(True, 24, 2), (False, 60, 5)])
def test_a_decided_if_counts_the_branch_that_it_takes(value: bool, macs: int, width: int) -> None:
    node = h.make_node("If", ["c"], ["y"], name="if", **BRANCHES)
    inputs = [info("x", FLOAT, [3, 4]), info("c", BOOL, [])]
    found = report([node], inputs, ["y"], [weight("a", 4, 2), weight("b", 4, 5)], values={"c": value})
    assert found.macs == macs
    assert found.params == 28
    assert found.graph.choices == ()
    assert found.graph.types["y"].shape == (3, width)


def test_the_branch_that_is_not_taken_need_not_fit() -> None:
    node = h.make_node("If", ["c"], ["y"], name="if", **BRANCHES)
    inputs = [info("x", FLOAT, [3, 4]), info("c", BOOL, [])]
    stored = [weight("a", 4, 2), weight("b", 7, 5)]
    assert report([node], inputs, ["y"], stored, values={"c": True}).macs == 24
    assert report([node], inputs, ["y"], stored).macs == 24
    with pytest.raises(CostcalcError, match="large"):
        report([node], inputs, ["y"], stored, values={"c": False})


def loop(
    body: list[NodeProto], carried: list[str], out: list[str], scans: int = 0, condition: str = "go_in"
) -> NodeProto:
    nodes = [h.make_node("Identity", [condition], ["go_out"], name="keep"), *body]
    inputs = [info("i", INT, []), info("go_in", BOOL, []), *map(info, carried)]
    graph = h.make_graph(nodes, "body", inputs, [info("go_out"), *map(info, out)])
    results = [f"y{k}" for k in range(len(out))]
    assert len(out) == len(carried) + scans
    return h.make_node("Loop", ["n", "", *(f"x{k}" for k in range(len(carried)))], results, name="loop", body=graph)


STEP = h.make_node("MatMul", ["v", "w"], ["v2"], name="step")
LOOP_INPUTS = [info("n", INT, []), info("x0", FLOAT, [3, 4])]


def test_a_loop_runs_its_trip_count() -> None:
    found = report([loop([STEP], ["v"], ["v2"])], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], values={"n": 7})
    assert found.macs == 7 * 3 * 4 * 4
    assert rows(found)["step"] == ("7", str(7 * 48))
    assert found.params == 16
    assert found.graph.types["y0"].shape == (3, 4)


def test_an_open_trip_count_is_a_symbol_that_dim_binds() -> None:
    node = loop([STEP], ["v"], ["v2"])
    assert str(report([node], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)]).macs) == "48*trips"
    bound = report([node], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], dims={"trips": 5})
    assert bound.macs == 5 * 48


def test_a_condition_from_data_leaves_the_trip_count_open() -> None:
    stop = [h.make_node("ReduceMax", ["v2"], ["m"], keepdims=0), h.make_node("Greater", ["m", "m"], ["more"])]
    node = loop([STEP], ["v"], ["v2"])
    body = next(a.g for a in node.attribute if a.name == "body")
    body.node.extend(stop)
    body.output[0].name = "more"
    found = report([node], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], values={"n": 7})
    assert str(found.macs) == "48*trips"


def test_scan_outputs_of_a_loop_are_stacked() -> None:
    node = loop([STEP], ["v"], ["v2", "v2"], scans=1)
    found = report([node], LOOP_INPUTS, ["y0", "y1"], [weight("w", 4, 4)], values={"n": 6})
    assert found.graph.types["y1"].shape == (6, 3, 4)


def test_a_loop_that_grows_is_unrolled() -> None:
    """v: [k·3, 4] for k = 1, 2, 3: (3 + 6 + 12)·4·4 MACs."""
    body = [STEP, h.make_node("Concat", ["v2", "v"], ["v3"], axis=0, name="join")]
    found = report([loop(body, ["v"], ["v3"])], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], values={"n": 3})
    assert found.macs == (3 + 6 + 12) * 4 * 4
    assert found.graph.types["y0"].shape == (24, 4)


def test_a_loop_that_grows_without_known_end_has_symbols() -> None:
    body = [STEP, h.make_node("Concat", ["v2", "v"], ["v3"], axis=0, name="join")]
    found = report([loop(body, ["v"], ["v3"])], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)])
    assert str(found.macs) == "16*trips*v_dim0"


@pytest.mark.parametrize("n", [0, -1, -5])
def test_no_trips(n: int) -> None:
    assert report([loop([STEP], ["v"], ["v2"])], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], values={"n": n}).macs == 0


def test_the_trip_count_of_a_loop_that_grows_can_be_bound() -> None:
    """Few trips are unrolled, (3 + 6 + 12)·4·4 MACs; many take one extent for all, and a note says so."""
    body = [h.make_node("Concat", ["v2", "v"], ["v3"], axis=0, name="join")]
    given = ([loop([STEP, *body], ["v"], ["v3"])], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)])
    few = report(*given, dims={"trips": 3})
    assert few.macs == (3 + 6 + 12) * 4 * 4
    assert not few.graph.notes
    many = report(*given, dims={"trips": 100})
    assert str(many.macs) == "1600*v_dim0"
    assert "loop changes the shape of v from trip to trip" in " ".join(many.graph.notes)


def test_nested_loops_multiply() -> None:
    inner = loop([STEP], ["v"], ["v2"])
    inner.name, inner.input[2], inner.output[0] = "inner", "v_outer", "v_new"
    outer = loop([inner], ["v_outer"], ["v_new"])
    found = report([outer], LOOP_INPUTS, ["y0"], [weight("w", 4, 4)], values={"n": 3})
    assert found.macs == 3 * 3 * 48


@pytest.mark.parametrize("axis", [0, 1])
def test_scan(axis: int) -> None:
    """A state [3, 4] and ten slices [4]: 10·3·4·4 MACs, results stacked along the axis."""
    nodes = [h.make_node("MatMul", ["s", "w"], ["s2"], name="step"), h.make_node("Add", ["s2", "e"], ["s3"])]
    nodes.append(h.make_node("Identity", ["s3"], ["row"]))
    body = h.make_graph(nodes, "body", [info("s"), info("e")], [info("s3"), info("row")])
    shape = [10, 4] if axis == 0 else [4, 10]
    node = h.make_node(
        "Scan",
        ["s0", "xs"],
        ["last", "all"],
        name="scan",
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_output_axes=[axis],
    )
    inputs = [info("s0", FLOAT, [3, 4]), info("xs", FLOAT, shape)]
    found = report([node], inputs, ["last", "all"], [weight("w", 4, 4)])
    assert found.macs == 10 * 3 * 4 * 4
    assert found.graph.types["all"].shape == ((10, 3, 4) if axis == 0 else (3, 10, 4))


def test_sequence_map_runs_once_per_item() -> None:
    """Items [3, 4], [5, 4] times [4, 2]: (3 + 5)·4·2."""
    split = h.make_node("SequenceConstruct", ["p", "q"], ["items"], name="pack")
    body = h.make_graph([h.make_node("MatMul", ["v", "w"], ["r"], name="step")], "b", [info("v")], [info("r")])
    node = h.make_node("SequenceMap", ["items"], ["out"], name="map", body=body)
    pick = h.make_node("SequenceAt", ["out", "at"], ["y"], name="pick")
    inputs = [info("p", FLOAT, [3, 4]), info("q", FLOAT, [5, 4])]
    at = h.make_tensor("at", INT, [], [1])
    found = report([split, node, pick], inputs, ["y"], [weight("w", 4, 2), at])
    assert found.macs == (3 + 5) * 4 * 2
    assert found.graph.types["y"].shape == (5, 2)


def test_nodes_that_stand_before_what_they_read() -> None:
    nodes = [
        h.make_node("Relu", ["b"], ["c"], name="last"),
        h.make_node("Relu", ["a"], ["b"], name="middle"),
        h.make_node("Relu", ["x"], ["a"], name="first"),
    ]
    found = report(nodes, [info("x", FLOAT, [2, 3])], ["c"])
    assert [row.name for row in found.rows] == ["first", "middle", "last"]


def test_a_cycle_is_refused() -> None:
    nodes = [h.make_node("Relu", ["b"], ["a"], name="p"), h.make_node("Relu", ["a"], ["b"], name="q")]
    with pytest.raises(CostcalcError, match="p \\(Relu\\): it reads 'b', which no node computes"):
        report(nodes, [], ["b"])


FUNCTIONS = """
<ir_version: 8, opset_import: ["": 17, "local": 1]>
g (float[8, 32] x, float[32, 16] w) => (float[8, 16] z, float[8, 16] same) {
  [one] y = local.block <scale: int = 1> (x, w)
  [two] z, same = local.tail (y)
}
<domain: "local", opset_import: ["": 17]>
block <scale> (a, b, c) => (r) { t = Flatten <axis: int = @scale> (a) [mm] u = MatMul (t, b) r = Relu (u) }
<domain: "local", opset_import: ["": 17]>
tail (a) => (r, a) { r = Neg (a) }
"""


def test_local_functions_are_inlined_with_their_scope() -> None:
    model = parser.parse_model(FUNCTIONS)
    found = analyze_graph(load_onnx(model.SerializeToString()))
    assert [(row.name, row.scope) for row in found.rows] == [
        ("one/Flatten_0", ("one",)),
        ("one/mm", ("one",)),
        ("one/Relu_2", ("one",)),
        ("two/Neg_0", ("two",)),
        ("two/a", ("two",)),
    ]
    assert found.macs == 8 * 32 * 16
    assert found.graph.types["same"].shape == (8, 16)


def test_constants_that_are_weights_are_parameters() -> None:
    """A MatMul's weight behind a Transpose and a ConstantOfShape are parameters; an axis and a scalar are none."""
    nodes = [
        h.make_node("Constant", [], ["w"], name="w", value=weight("", 2, 4)),
        h.make_node("Constant", [], ["half"], name="half", value=h.make_tensor("", FLOAT, [], [0.5])),
        h.make_node("Transpose", ["w"], ["wt"], name="t", perm=[1, 0]),
        h.make_node("MatMul", ["x", "wt"], ["a"], name="m"),
        h.make_node("ConstantOfShape", ["shape"], ["v"], name="v"),
        h.make_node("MatMul", ["a", "v"], ["b"], name="m2"),
        h.make_node("Mul", ["b", "half"], ["c"], name="scale"),
    ]
    shape = h.make_tensor("shape", INT, [2], [2, 7])
    found = report(nodes, [info("x", FLOAT, [3, 4])], ["c"], [shape])
    assert found.params == 2 * 4 + 2 * 7
    assert [row.name for row in found.rows] == ["t", "m", "m2", "scale"]


def test_modifiers_of_flex_attention_are_counted_on_its_scores() -> None:
    """2·4·5·7 scores: tanh is 1 each, the doubling of the probabilities 1 each."""
    scores = [2, 4, 5, 7]
    mods = {
        "score_mod": h.make_graph(
            [h.make_node("Tanh", ["s"], ["t"], name="cap")], "m", [info("s", FLOAT, scores)], [info("t", FLOAT)]
        ),
        "prob_mod": h.make_graph(
            [h.make_node("Add", ["p", "p"], ["r"], name="twice")], "m", [info("p", FLOAT, scores)], [info("r", FLOAT)]
        ),
    }
    node = h.make_node("FlexAttention", ["q", "k", "v"], ["y"], name="flex", domain="ai.onnx.preview", **mods)
    inputs = [info("q", FLOAT, [2, 4, 5, 8]), info("k", FLOAT, [2, 2, 7, 8]), info("v", FLOAT, [2, 2, 7, 6])]
    found = report([node], inputs, ["y"], [], domains={"ai.onnx.preview": 1})
    flops = {row.name: row["flops"] for row in found.rows}
    n = 2 * 4 * 5 * 7
    assert (flops["cap"], flops["twice"]) == (n, n)
    assert found.macs == n * (8 + 6)
    assert not found.lower_bound


def test_an_open_if_makes_the_totals_upper_bounds() -> None:
    node = h.make_node("If", ["c"], ["y"], name="if", **BRANCHES)
    inputs = [info("x", FLOAT, [3, 4]), info("c", BOOL, [])]
    stored = [weight("a", 4, 2), weight("b", 4, 5)]
    found = report([node], inputs, ["y"], stored)
    assert found.upper_bound and found.to_dict()["upper_bound"]
    assert "if: then_branch 48 FLOPs, else_branch 120: the dearer one counts" in found.notes
    assert "totals are upper bounds: which branch is taken is open (if)" in " ".join(str(found).split())
    decided = report([node], inputs, ["y"], stored, values={"c": True})
    assert not decided.upper_bound


def test_branches_that_a_symbol_decides_between_both_count() -> None:
    """then: seq·4·5 MACs, else: 4·4·7: which is more depends on seq."""
    then = linear("by_seq", "b", "t")
    other = h.make_graph([h.make_node("MatMul", ["fixed", "d"], ["e"], name="by_4")], "e", [], [info("e")])
    node = h.make_node("If", ["c"], ["y"], name="if", then_branch=then, else_branch=other)
    inputs = [info("x", FLOAT, ["seq", 4]), info("fixed", FLOAT, [4, 4]), info("c", BOOL, [])]
    stored = [weight("b", 4, 5), weight("d", 4, 7)]
    found = report([node], inputs, ["y"], stored)
    assert str(found.macs) == "20*seq + 112"
    assert found.upper_bound
    assert report([node], inputs, ["y"], stored, dims={"seq": 9}).macs == 9 * 4 * 5


@pytest.mark.parametrize(("fill", "length"), [(1, "seq"), (0, "0")])
def test_arange_of_the_older_exporter(fill: int, length: str) -> None:
    """NonZero of n ones finds n; of zeros none."""
    nodes = [
        h.make_node("Shape", ["x"], ["n"]),
        h.make_node("ConstantOfShape", ["n"], ["filled"], value=h.make_tensor("v", INT, [1], [fill])),
        h.make_node("NonZero", ["filled"], ["y"], name="find"),
    ]
    found = report(nodes, [info("x", FLOAT, ["seq"])], ["y"])
    assert [str(d) for d in found.graph.types["y"].shape or ()] == ["1", length]


def test_what_a_file_stores_is_exact_whichever_branch_is_taken() -> None:
    report = analyze(ONNX_FILES / "toy_if__ts.onnx")
    assert report.upper_bound
    certainties = {key: report_certainty(report, key) for key in ("macs", "params", "buffers", "weight_bytes")}
    assert certainties == {"macs": "upper", "params": "exact", "buffers": "exact", "weight_bytes": "exact"}
