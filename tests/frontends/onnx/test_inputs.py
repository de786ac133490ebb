"""Names of extents, and what --dim, --shape and --value do to the inputs of an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
import pytest
from onnx import TensorProto
from onnx import helper as h
from support import onnx_models
from support.onnx_models import info

from costcalc.core.dim import Dim, minimum, symbol
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph
from costcalc.frontends.onnx.inputs import bind_value
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.frontends.symbols import parse_dim_param

s0, seq, past, batch = symbol("s0"), symbol("seq"), symbol("past_seq"), symbol("batch")


@pytest.mark.parametrize(
    ("param", "want"),
    [
        ("batch", batch),
        ("unk__0", symbol("unk__0")),
        ("batch-size", symbol("batch-size")),
        ("batch size", symbol("batch size")),
        ("seq-1", symbol("seq-1")),
        ("seq - 1", seq - 1),
        ("past_seq + seq", past + seq),
        ("past_seq+seq", past + seq),
        ("197*batch", 197 * batch),
        ("(((s0 - 1)//16)) + 1", (s0 - 1) // 16 + 1),
        ("Min(512, seq)", minimum(512, seq)),
        ("2*s0**2", 2 * s0 * s0),
        ("floor(s0/2)", s0 // 2),
        ("ceiling(s0/2)", (s0 + 1) // 2),
        ("CeilToInt(IntTrueDiv(s0, 2))", (s0 + 1) // 2),
        ("Mod(s0, 4)", s0 - 4 * (s0 // 4)),
        ("-(-4)", 4),
        ("s0/2", symbol("s0/2")),
        ("f(s0)", symbol("f(s0)")),
        ("s0 // 0", symbol("s0 // 0")),
        ("s0**99999999", symbol("s0**99999999")),
        ("__import__('os')", symbol("__import__('os')")),
        ("(" * 90 + "s0" + ")" * 90, s0),
        ("+".join(["s0"] * 90), symbol("+".join(["s0"] * 90))),
        ("((a+b+c)**8)**8", symbol("((a+b+c)**8)**8")),
        ("(" * 9 + "9" + "**8)" * 9, symbol("(" * 9 + "9" + "**8)" * 9)),
        ("1//0", symbol("1//0")),
        ("5%0", symbol("5%0")),
        ("-5", symbol("-5")),
        ("3 - 5", symbol("3 - 5")),
        ("-batch", symbol("-batch")),
    ],
)
def test_dim_of(param: str, want: Dim) -> None:
    assert parse_dim_param(param) == want


def model(**inputs: Sequence[int | str | None]) -> bytes:
    """A Relu of each input."""
    infos = [info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    nodes = [h.make_node("Relu", [name], [f"{name}_out"], name=f"relu_{name}") for name in inputs]
    return onnx_models.model(nodes, infos, [f"{name}_out" for name in inputs])


def shape(graph: Graph, name: str) -> list[object]:
    return [d if isinstance(d, int) else str(d) for d in graph.types[f"{name}_out"].shape or ()]


def test_the_batch_is_one_by_default() -> None:
    graph = load_onnx(model(x=["batch", 3, "h"], y=["N", "batch"], z=[None, 4], w=["s77", 2]))
    assert shape(graph, "x") == [1, 3, "h"]
    assert shape(graph, "y") == [1, 1]
    assert shape(graph, "z") == [1, 4]
    assert shape(graph, "w") == ["s77", 2]
    assert graph.notes == ("batch = 1 (default)", "N = 1 (default)", "z_dim0 = 1 (default)")
    assert graph.symbols == {"batch": 1, "N": 1, "z_dim0": 1}


def test_unnamed_extents_have_names_of_their_own() -> None:
    graph = load_onnx(model(x=[2, None, "?", -1], y=[1, None]), {"x_dim3": 7})
    assert shape(graph, "x") == [2, "x_dim1", "x_dim2", 7]
    assert shape(graph, "y") == [1, "y_dim1"]


@pytest.mark.parametrize(
    ("dims", "shapes", "want"),
    [
        ({"batch": 8}, {}, {"x": [8, "seq"], "m": [8, "past_seq + seq"]}),
        ({"batch": batch}, {}, {"x": ["batch", "seq"]}),
        ({"past_seq": 5, "seq": 2}, {}, {"x": [1, 2], "m": [1, 7]}),
        ({}, {"x": [4, 16]}, {"x": [4, 16], "m": [4, "past_seq + 16"]}),
        ({}, {"x": [4, seq]}, {"x": [4, "seq"]}),
        ({}, {"x": [1, 3], "m": [1, 10]}, {"x": [1, 3], "m": [1, 10], "p": [1, 7]}),
        ({"seq": symbol("n")}, {}, {"x": [1, "n"], "m": [1, "n + past_seq"]}),
    ],
)
def test_binding(dims: Mapping[str, Dim], shapes: Mapping[str, Sequence[Dim]], want: dict[str, list[object]]) -> None:
    data = model(x=["batch", "seq"], m=["batch", "past_seq + seq"], p=["batch", "past_seq"])
    graph = load_onnx(data, dims, shapes)
    assert {name: shape(graph, name) for name in want} == want


def test_a_shape_overrides_fixed_extents_with_a_note() -> None:
    graph = load_onnx(model(x=[1, 3, 224]), {}, {"x": [2, 3, 64]})
    assert shape(graph, "x") == [2, 3, 64]
    assert graph.notes == ("x is declared as [1, 3, 224] and costed as [2, 3, 64]",)


def test_symbolic_leaves_batch_and_image_open() -> None:
    graph = load_onnx(model(x=[1, 3, 224, 224], y=["batch", 5]), symbolic=True)
    assert shape(graph, "x") == ["N", 3, "H", "W"]
    assert shape(graph, "y") == ["batch", 5]


@pytest.mark.parametrize(
    ("dims", "shapes", "values", "said"),
    [
        ({"sequence": 3}, {}, {}, "--dim names 'sequence'"),
        ({"sek": 3}, {}, {}, "did you mean seq"),
        ({}, {"inputs": [1, 2]}, {}, "did you mean input"),
        ({}, {"input": [1]}, {}, "1 extents"),
        ({}, {"input": [-1, 2]}, {}, "an extent is at least 0"),
        ({"seq": -4}, {}, {}, "seq = -4"),
        ({"seq": 4}, {"input": [1, 5]}, {}, "give it one value"),
        ({}, {}, {"n": 1}, "--value names 'n'"),
        ({}, {}, {"input": 1}, "no small tensor"),
    ],
)
def test_wrong_bindings(
    dims: Mapping[str, Dim], shapes: Mapping[str, Sequence[Dim]], values: Mapping[str, int], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        load_onnx(model(input=["batch", "seq"]), dims, shapes, values)
    assert said in str(error.value)


def test_one_extent_under_two_names() -> None:
    """Two inputs that are added: s86 is s10 everywhere, and the assumption is kept."""
    nodes = [h.make_node("Add", ["a", "b"], ["c"]), h.make_node("Relu", ["b"], ["d"])]
    infos = [info(n, TensorProto.FLOAT, [s, 4]) for n, s in (("a", "s10"), ("b", "s86"))]
    data = onnx_models.model(nodes, infos, ["c", "d"])
    graph = load_onnx(data)
    assert [graph.types[n].shape for n in ("c", "d")] == [(symbol("s10"), 4)] * 2
    assert [str(a) for a in graph.assumptions] == ["s10 = s86"]
    assert load_onnx(data, {"s10": 3, "s86": 3}).types["c"].shape == (3, 4)


def test_initializers_that_are_inputs_are_no_inputs() -> None:
    weight = h.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.0] * 8)
    infos = [info("x", TensorProto.FLOAT, [3, 4]), info("w", TensorProto.FLOAT, [4, 2])]
    graph = load_onnx(onnx_models.model([h.make_node("MatMul", ["x", "w"], ["y"])], infos, ["y"], [weight]))
    assert graph.inputs == ("x",)
    assert list(graph.initializers) == ["w"]


def test_external_data_is_never_opened() -> None:
    weight = h.make_tensor("w", TensorProto.INT64, [2], [0, 0])
    weight.ClearField("int64_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/nonexistent/weights.bin")
    nodes = [h.make_node("Add", ["x", "w"], ["y"])]
    data = onnx_models.model(nodes, [info("x", TensorProto.INT64, [2])], ["y"], [weight])
    assert load_onnx(data).types["w"].value is None


def test_small_tensors_are_decoded_however_they_are_stored() -> None:
    names = "INT32 INT64 UINT8 BOOL FLOAT DOUBLE FLOAT16 BFLOAT16 UINT64 INT8"
    kinds = [TensorProto.DataType.Value(name) for name in names.split()]
    stored = [h.make_tensor(f"t{k}", k, [3], [0, 1, 1]) for k in kinds]
    raw = [onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t), f"r{t.name}") for t in stored]
    graph = load_onnx(onnx_models.model([], [], ["rt7"], [*stored, *raw]))
    assert {name: tuple(map(float, t.value or ())) for name, t in graph.initializers.items()} == {
        t.name: (0.0, 1.0, 1.0) for t in [*stored, *raw]
    }


@pytest.mark.parametrize(
    ("dtype", "value", "fact"),
    [
        (DType.BOOL, 2, "'flag' is true or false, and 2 is neither"),
        (DType.BOOL, 0.5, "'flag' is true or false, and 0.5 is neither"),
        (DType.INT64, 1.5, "'flag' holds whole numbers, and 1.5 is none"),
    ],
)
def test_a_value_that_an_input_cannot_hold_is_refused(dtype: DType, value: float, fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        bind_value("flag", dtype, (1,), value)
    assert bind_value("flag", DType.BOOL, (1,), 1) == (True,)
    assert bind_value("flag", DType.INT64, (2,), 2.0) == (2, 2)
