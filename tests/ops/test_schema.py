"""The tables of schemas equal what the installed onnx and ONNX Runtime say; nodes are held to them."""

from __future__ import annotations

from typing import Any

import onnx
import onnx.defs
import pytest
from onnx import AttributeProto, TensorProto, helper
from support.operator_rules import I64, cost, ints, run, t
from support.operator_schemas import describe_schema, runtime_lines

from costcalc.core.assumptions import collect_assumptions, simplify_assumptions
from costcalc.core.dim import symbol
from costcalc.core.errors import CostcalcError, ShapeError
from costcalc.core.ir import DType, Graph, SequenceType, TensorType
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.ops.ranks import check_ranks
from costcalc.ops.schema import RUNTIME_TABLE, check_kinds, check_node, find_schema, parse_schema


def test_the_table_of_onnx_is_what_the_installed_onnx_says() -> None:
    """Of each version that it knows; one that is newer than the package may know more."""
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.deprecated:
            continue
        found = find_schema(schema.domain, schema.name, schema.since_version)
        assert found == parse_schema(f"0|{describe_schema(schema)}"), (schema.domain, schema.name, schema.since_version)


def test_the_table_of_onnx_runtime_is_what_the_installed_one_says() -> None:
    pytest.importorskip("onnxruntime")
    known = set(RUNTIME_TABLE.read_text(encoding="utf-8").splitlines())
    operators = {line.rsplit("|", 6)[0] for line in known}
    assert [line for line in runtime_lines() if line not in known and line.rsplit("|", 6)[0] in operators] == []


X = t(1, 3, 8, 8)


@pytest.mark.parametrize(
    ("op_type", "inputs", "how", "says"),
    [
        ("Relu", [X, X], {}, "2 inputs are given, the operator takes 1"),
        ("Add", [X], {}, "1 input is given, the operator needs 2"),
        ("Add", [X, None], {}, "input 2 is left out"),
        ("Relu", [X], {"n": 2}, "2 outputs are given, the operator takes 1"),
        ("Relu", [X], {"n": 0}, "0 outputs are given, the operator needs 1"),
        ("Relu", [X], {"axis": 1}, "there is no attribute 'axis'"),
        ("MaxPool", [X], {}, "the attribute kernel_shape is missing"),
        ("MaxPool", [X], {"kernel_shape": 2}, "the attribute kernel_shape is 2; give a list of whole numbers"),
        ("Softmax", [X], {"axis": 1.0}, "the attribute axis is 1.0; give a whole number"),
        ("LeakyRelu", [X], {"alpha": "a"}, "the attribute alpha is 'a'; give a number"),
        ("Cast", [X], {"to": 0}, "the element type of its output is none of ONNX's"),
        (
            "Relu",
            [SequenceType(DType.FLOAT32, (2,), (X,))],
            {},
            "input 1 is a sequence, where the operator takes a tensor",
        ),
        ("SequenceLength", [X], {}, "input 1 is a tensor, where the operator takes a sequence"),
        ("Tile", [X, ints(1, 1, 1, -10_000_000)], {}, "-80000000"),
        ("ConvTranspose", [X, t(3, 2, 3, 3)], {"output_shape": (-3, -3)}, "-3"),
        ("ConvTranspose", [X, t(3, 2, 3, 3)], {"output_shape": (3,)}, "output_shape has 1 numbers for 2 spatial axes"),
        ("TopK", [X, ints(-4)], {"n": 2}, "-4"),
        ("Pad", [X, ints(0, 0, 0, 0, 0, 0, 0, -9)], {}, "-1"),
        ("LRN", [X], {"size": -5}, "no cost is below 0"),
        ("BlackmanWindow", [t(dtype=I64, value=(-2,))], {}, "-2"),
    ],
)
def test_what_no_node_may_be(op_type: str, inputs: list[Any], how: dict[str, Any], says: str) -> None:
    with pytest.raises(ShapeError) as caught:
        cost(op_type, *inputs, **how)
    assert says in str(caught.value)


def test_an_extent_that_could_be_negative_is_assumed_not_to_be() -> None:
    with collect_assumptions() as assumptions:
        (y,) = run("Pad", t(symbol("n")), ints(0, -9))
    assert y.shape == (symbol("n") - 9,)
    assert [str(a) for a in simplify_assumptions(assumptions)] == ["n >= 9"]


def read(*nodes: onnx.NodeProto, stored: Any = (), dtype: int = TensorProto.FLOAT) -> Graph:
    """The graph of nodes on x [1, 3, 8, 8] that give y."""
    x = helper.make_tensor_value_info("x", dtype, [1, 3, 8, 8])
    graph = helper.make_graph(list(nodes), "g", [x], [helper.make_empty_tensor_value_info("y")], list(stored))
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("x.y", 1)]
    return load_onnx(helper.make_model(graph, opset_imports=imports).SerializeToString())


def test_outputs_that_are_computed_in_any_case_have_a_name() -> None:
    """A Split computes each of its parts, an operator without a schema gives one value at least; an LSTM may leave out
    its first output."""
    split = helper.make_node("Split", ["x"], ["", "y"], name="s", num_outputs=2)
    assert read(split).nodes[0].outputs == ("s.output0", "y")
    silent = helper.make_node("Print", ["x"], [], name="p", domain="x.y")
    assert read(silent, helper.make_node("Relu", ["x"], ["y"])).nodes[0].outputs == ("p.output0",)


def test_a_reference_outside_of_a_function_is_no_attribute() -> None:
    node = helper.make_node("Softmax", ["x"], ["y"])
    node.attribute.append(AttributeProto(name="axis", ref_attr_name="outer", type=AttributeProto.INT))
    assert dict(read(node).nodes[0].attributes) == {}


@pytest.mark.parametrize("code", [0, 77])
def test_element_types_that_do_not_exist(code: int) -> None:
    weight = TensorProto(name="w", dims=[1], data_type=code, raw_data=bytes(4))
    with pytest.raises(CostcalcError, match=f"the tensor 'w' has the element type {code}"):
        read(helper.make_node("Add", ["x", "w"], ["y"]), stored=[weight])
    with pytest.raises(CostcalcError, match=f"the input 'x' has the element type {code}"):
        read(helper.make_node("Relu", ["x"], ["y"]), dtype=code)


@pytest.mark.parametrize(
    ("shapes", "fact"),
    [(((), (2, 3)), "input 1 has 0 axes, the operator takes 2"), (((2, 3), (2, 3, 1)), "input 2 has 3")],
)
def test_inputs_of_another_rank(shapes: tuple[tuple[int, ...], ...], fact: str) -> None:
    with pytest.raises(ShapeError, match=fact):
        check_ranks("com.microsoft", "CDist", [TensorType(DType.FLOAT32, shape) for shape in shapes])


def test_ranks_between_and_from() -> None:
    query = [TensorType(DType.FLOAT32, (1,) * 6)]
    with pytest.raises(ShapeError, match="takes 3 to 5"):
        check_ranks("com.microsoft", "MultiHeadAttention", query)
    with pytest.raises(ShapeError, match="takes 3 or more"):
        check_ranks("", "GridSample", [TensorType(DType.FLOAT32, (1, 1))])
    check_ranks("", "GridSample", [TensorType(DType.FLOAT32, None), None])


def test_known_decimal_numbers_where_whole_ones_are_taken() -> None:
    slice_schema = find_schema("", "Slice", 13)
    assert slice_schema is not None
    x, starts = TensorType(DType.FLOAT32, (4,)), TensorType(DType.FLOAT32, (1,), (1.0,))
    with pytest.raises(ShapeError, match="the elements of input 2 are float32, where the operator takes whole numbers"):
        check_kinds(slice_schema, [x, starts, starts])
    check_kinds(slice_schema, [x, starts._replace(dtype=DType.INT64, value=(1,))])


def test_a_count_of_none() -> None:
    schema = find_schema("com.microsoft", "MultiHeadAttention", 1)
    assert schema is not None
    with pytest.raises(ShapeError, match="the attribute num_heads is 0"):
        check_node(schema, ["q"], ["y"], {"num_heads": 0})


def test_an_operator_of_the_runtime_in_the_other_domain() -> None:
    """Some exporters write SimplifiedLayerNormalization into com.microsoft, the runtime has it in ONNX's domain."""
    own, other = (find_schema(domain, "SimplifiedLayerNormalization", 1) for domain in ("", "com.microsoft"))
    assert own is not None and own == other
