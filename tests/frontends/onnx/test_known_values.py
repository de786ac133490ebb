"""What a graph says of its extents: equations that determine them, names that read as arithmetic, upper bounds, zeros."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from support import onnx_models

from costcalc import analyze, sweep
from costcalc.core.errors import AssumptionError, CostcalcError, ShapeError, UsageError

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name: str, shape: list[Any], dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def masked_sum(mask: str) -> bytes:
    """x [B, seq] behind past [B, past], to which a mask [B, mask] is added."""
    nodes = [
        helper.make_node("Concat", ["past", "x"], ["all"], axis=1),
        helper.make_node("Neg", ["mask"], ["negative"]),
        helper.make_node("Add", ["all", "negative"], ["y"]),
    ]
    inputs = [info("x", ["B", "seq"]), info("past", ["B", "past"]), info("mask", ["B", mask])]
    return onnx_models.model(nodes, inputs, ["y"])


@pytest.mark.parametrize("mask", ["past + seq", "past + 1", "total", "2*past", "past - seq + 4", "7", "3*3"])
def test_the_graph_says_what_a_name_stands_for(mask: str) -> None:
    data = masked_sum(mask)
    open_report = analyze(data)
    bound = analyze(data, dims={"B": 2, "past": 16, "seq": 8})
    assert bound.flops == 2 * (16 + 8) + 2 * (16 + 8)
    if mask not in ("total", "7", "3*3"):  # these are names alone, which stay symbols
        assert not bound.assumptions
        assert open_report.open_symbols == ("past", "seq")
        assert open_report.bind({"past": 16, "seq": 8}).flops == bound.flops // 2


def test_a_contradiction_is_noted_and_the_truth_is_not() -> None:
    assert any("'past + 1'" in note for note in analyze(masked_sum("past + 1"), dims={"past": 4, "seq": 3}).notes)
    assert not any("declared" in note for note in analyze(masked_sum("past + seq")).notes)
    assert not any("declared" in note for note in analyze(masked_sum("past + 1"), dims={"past": 4, "seq": 1}).notes)


def test_an_arithmetic_name_that_gives_one_hides_nothing() -> None:
    """past + 1 is 1 where there is no past, and would be broadcast; the graph's own extent counts."""
    assert analyze(masked_sum("past + 1"), dims={"past": 0, "seq": 8}).flops == 8 + 8


def relu(*shape: Any) -> bytes:
    return onnx_models.model([helper.make_node("Relu", ["x"], ["y"])], [info("x", list(shape))], ["y"])


def test_a_number_is_a_name_too() -> None:
    report = analyze(relu("B", "2"))
    assert report.open_symbols == ("2",) and str(report.flops) == "`2`"
    assert analyze(relu("B", "2"), dims={"2": 7}).flops == 7
    assert analyze(relu("B", "2"), shapes={"x": [3, 5]}).flops == 3 * 5


def test_arithmetic_that_nothing_contradicts_is_used_unless_it_is_bound() -> None:
    assert str(analyze(relu(3, "2*seq")).flops) == "6*seq"
    assert analyze(relu(3, "2*seq"), dims={"2*seq": 5}).flops == 3 * 5


def test_a_symbol_that_a_shape_names_is_bound_by_dim() -> None:
    assert analyze(relu(1, 3, 224, 224), shapes={"x": [1, 3, "H", "W"]}, dims={"H": 8, "W": 4}).flops == 3 * 8 * 4
    with pytest.raises(UsageError, match="--dim names 'V'"):
        analyze(relu(1, 3, 224, 224), shapes={"x": [1, 3, "H", "W"]}, dims={"V": 4})


def length_mask() -> bytes:
    """x [B, 4, T] times a mask of max(lengths) steps."""
    nodes = [
        helper.make_node("ReduceMax", ["lengths"], ["longest"], keepdims=0),
        helper.make_node("Range", ["zero", "longest", "one"], ["steps"], name="r"),
        helper.make_node("Cast", ["steps"], ["mask"], to=FLOAT),
        helper.make_node("Mul", ["x", "mask"], ["y"]),
    ]
    stored = [helper.make_tensor(name, INT64, [], [value]) for name, value in (("zero", 0), ("one", 1))]
    return onnx_models.model(nodes, [info("x", ["B", 4, "T"]), info("lengths", ["B"], INT64)], ["y"], stored)


def test_an_extent_of_data_that_must_equal_a_known_one_is_that() -> None:
    bound = analyze(length_mask(), dims={"B": 2, "T": 30})
    assert bound.flops == 2 * 4 * 30 + 1  # and the ReduceMax of two lengths
    assert bound.open_symbols == () and [str(a) for a in bound.assumptions] == ["30 = length"]
    assert analyze(length_mask(), dims={"B": 2}).open_symbols == ("T",)


def counted_loop(condition: bool = True) -> bytes:
    """At most 100 products of [3, 8] and [8, 8], while a condition holds."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["s", "w"], ["s2"]),
            helper.make_node("Less", ["i", "limit"], ["go"]),
        ],
        "body",
        [info("i", [], INT64), info("c", [], BOOL), info("s", [3, 8])],
        [info("go", [], BOOL), info("s2", [3, 8])],
    )
    stored = [
        helper.make_tensor("m", INT64, [], [100]),
        helper.make_tensor("limit", INT64, [], [4]),
        helper.make_tensor("c0", BOOL, [], [condition]),
        helper.make_tensor("w", FLOAT, [8, 8], [0.0] * 64),
    ]
    node = helper.make_node("Loop", ["m", "c0", "x"], ["y"], name="y", body=body)
    return onnx_models.model([node], [info("x", [3, 8])], ["y"], stored)


def test_a_loop_has_an_upper_bound() -> None:
    report = analyze(counted_loop())
    assert not report.lower_bound
    assert report.symbol_limits == {"trips": 100}
    assert report.total_limits["macs"] == 100 * 3 * 8 * 8
    assert "≤ 19.2 k, at most 100 trips" in str(report)
    assert report.to_dict()["total_limits"]["macs"] == 100 * 3 * 8 * 8
    upper = analyze(counted_loop(), upper=True)
    assert upper.macs == 100 * 3 * 8 * 8
    assert "taken at their upper bounds: trips = 100" in upper.notes
    assert analyze(counted_loop(), upper=True, dims={"trips": 7}).macs == 7 * 3 * 8 * 8


def test_a_value_beyond_the_upper_bound_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"trips is bound to 200; it is 100 at most"):
        analyze(counted_loop(), dims={"trips": 200})
    with pytest.raises(AssumptionError, match="100 at most"):
        analyze(counted_loop()).bind({"trips": 200})
    assert analyze(counted_loop()).bind({"trips": 100}).macs == 100 * 3 * 8 * 8


def test_an_upper_bound_that_depends_on_data_itself() -> None:
    """Of the values that are not 0, at most 12, the largest k are taken: k is 12 at most, too."""
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Cast", ["places"], ["numbers"], to=FLOAT),
        helper.make_node("NonZero", ["numbers"], ["more"], name="again"),
    ]
    model = onnx_models.model(nodes, [info("x", [3, 4])], ["more"], [])
    report = analyze(model)
    assert report.symbol_limits == {"nonzero": 12, "nonzero2": 24}
    with pytest.raises(ShapeError, match=r"nonzero2 is bound to 25; it is 24 at most"):
        analyze(model, dims={"nonzero2": 25})
    with pytest.raises(AssumptionError, match="24 at most"):
        analyze(model).bind({"nonzero2": 25})
    assert analyze(model, dims={"nonzero2": 24}).graph.symbols["nonzero2"] == 24


def selection(op_type: str, inputs: list[str], stored: list[onnx.TensorProto], **attributes: Any) -> bytes:
    """An operator with an extent that depends on data, and a Relu of what it gives, as floats."""
    nodes = [
        helper.make_node(op_type, inputs, ["s", "i"] if op_type == "TopK" else ["s"], name="n", **attributes),
        helper.make_node("Cast", ["s"], ["f"], to=FLOAT),
        helper.make_node("Relu", ["f"], ["y"]),
    ]
    names = [
        info("x", [6, 50]),
        info("boxes", [2, 50, 4]),
        info("scores", [2, 3, 50]),
        info("k", [1], INT64),
        info("c", [6], BOOL),
    ]
    return onnx_models.model(nodes, [i for i in names if i.name in inputs], ["y"], stored)


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "symbol", "limit"),
    [
        ("NonMaxSuppression", ["boxes", "scores", "ten"], {}, "boxes", 2 * 3 * 10),
        ("NonMaxSuppression", ["boxes", "scores", "many"], {}, "boxes", 2 * 3 * 50),
        ("TopK", ["x", "k"], {}, "k", 50),
        ("TopK", ["x", "k"], {"axis": 0}, "k", 6),
        ("NonZero", ["x"], {}, "nonzero", 6 * 50),
        ("Unique", ["x"], {}, "unique", 6 * 50),
        ("Unique", ["x"], {"axis": 1}, "unique", 50),
        ("Compress", ["x", "c"], {"axis": 0}, "selected", 6),
    ],
)
def test_upper_bounds_of_operators(
    op_type: str, inputs: list[str], attributes: dict[str, Any], symbol: str, limit: int
) -> None:
    stored = [helper.make_tensor(n, INT64, [], [v]) for n, v in (("ten", 10), ("many", 10**6)) if n in inputs]
    data = selection(op_type, inputs, stored, **attributes)
    report = analyze(data)
    assert report.symbol_limits == {symbol: limit}
    assert report.total_limits["flops"] == analyze(data, dims={symbol: limit}).flops == analyze(data, upper=True).flops
    with pytest.raises(CostcalcError, match="at most"):
        analyze(data, dims={symbol: limit + 1})


def test_an_upper_bound_that_another_tightens() -> None:
    """torchvision asks for 2^63 - 1 boxes of those that are above a score: a Compress of 50."""
    nodes = [
        helper.make_node("Compress", ["boxes", "c"], ["some_boxes"], name="above", axis=1),
        helper.make_node("Transpose", ["some_boxes"], ["rows"], perm=[0, 2, 1]),
        helper.make_node("Split", ["rows"], ["scores", "rest"], axis=1),
        helper.make_node("NonMaxSuppression", ["some_boxes", "scores", "all"], ["y"], name="n"),
    ]
    stored = [helper.make_tensor("all", INT64, [1], [2**63 - 1])]
    report = analyze(onnx_models.model(nodes, [info("boxes", [1, 50, 4]), info("c", [50], BOOL)], ["y"], stored))
    assert sorted(report.symbol_limits.values()) == [50, 2 * 50]


def test_a_value_given_beyond_the_axis_is_refused() -> None:
    data = selection("TopK", ["x", "k"], [])
    assert analyze(data, values={"k": 50}).open_symbols == ()
    with pytest.raises(ShapeError, match="use a smaller k"):
        analyze(data, values={"k": 51})


def reshape_of(declared: list[Any], target: list[int], allowzero: int) -> bytes:
    nodes = [
        helper.make_node("Reshape", ["x", "s"], ["r"], name="r", allowzero=allowzero),
        helper.make_node("Relu", ["r"], ["y"]),
    ]
    return onnx_models.model(
        nodes, [info("x", declared)], ["y"], [helper.make_tensor("s", INT64, [len(target)], target)]
    )


def test_a_declared_zero_is_open_unless_the_graph_needs_it() -> None:
    empty = analyze(reshape_of([0, 3, 4], [3, 4, 0], 1))
    assert empty.graph.types["y"].shape == (3, 4, 0)
    assert empty.flops == 0 and any("x_dim0 = 0, as declared" in note for note in empty.notes)
    assert analyze(reshape_of([0, 3, 4], [0, 12], 0)).graph.types["y"].shape == (1, 12)
    assert analyze(reshape_of([0, 3, 4], [0, 12], 0), shapes={"x": [0, 3, 4]}).graph.types["y"].shape == (0, 12)
    assert analyze(reshape_of([0, 3, 4], [0, 12], 0), dims={"x_dim0": 0}).flops == 0


def test_an_extent_of_zero_costs_the_same_before_and_after_binding() -> None:
    """A sum over an axis of n elements takes n - 1 additions, and none where n is 0."""
    nodes = [helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0), helper.make_node("Relu", ["x"], ["y"])]
    data = onnx_models.model(nodes, [info("x", [3, "n"])], ["s", "y"])
    report = analyze(data)
    assert str(report.flops) == "6*n - 1"
    for n, flops in ((0, 0), (1, 3 - 1 + 3), (5, 15 - 1 + 15)):
        assert report.bind({"n": n}).flops == analyze(data, dims={"n": n}).flops == flops
    assert [row["flops"] for row in sweep(data, dims={"n": [0, 5, 6]})] == [0, 15 - 1 + 15, 18 - 1 + 18]


def test_det_of_no_rows_costs_nothing() -> None:
    data = onnx_models.model([helper.make_node("Det", ["x"], ["y"])], [info("x", [3, "m", "m"])], ["y"])
    assert analyze(data, dims={"m": 0}).flops == 0


def test_an_empty_tensor_meets_an_extent_that_depends_on_data() -> None:
    nodes = [
        helper.make_node("Compress", ["x", "c"], ["s"], name="c", axis=0),
        helper.make_node("Add", ["s", "none"], ["y"]),
    ]
    inputs = [info("x", [6]), info("c", [6], BOOL), info("none", [0])]
    report = analyze(onnx_models.model(nodes, inputs, ["y"]), shapes={"none": [0]})
    assert report.graph.types["y"].shape == (0,)
