"""GraphIndex: producers, readers, constants, and walks."""

from __future__ import annotations

import pytest
from support.small_graphs import Builder

from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.traits import TRAITS, Traits
from costcalc.graph.index import GraphIndex, is_rearrangement


def test_a_node_reads_a_value_once_and_an_output_has_no_only_reader() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    square = b.op("Mul", x, x)
    root = b.op("Sqrt", square)
    index = GraphIndex(b.build([root, square]))
    assert index.readers == {"x": [0], square: [1]}
    assert index.producers == {square: 0, root: 1}
    assert index.only_reader("x") == 0
    assert index.only_reader(square) is None
    assert index.only_reader(root) is None


def test_who_reads_the_shape_reads_no_elements() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    shape = b.op("Shape", x)
    y = b.op("Relu", x)
    index = GraphIndex(b.build([b.op("Reshape", y, shape)]))
    assert index.only_reader("x") is None
    assert index.only_element_reader("x") == 1
    assert shape in index.constants


def test_constants_are_what_no_input_changes_and_tables_depend_on_no_shape() -> None:
    b = Builder()
    x, w, half = b.data("x", 4, 3), b.weight("w", 3, 5), b.number(0.5)
    scaled = b.op("Mul", w, half)
    length = b.op("Cast", b.op("Shape", x), to=int(DType.FLOAT32.code))
    y = b.op("MatMul", x, scaled)
    index = GraphIndex(b.build([y, length]))
    assert {w, half, scaled, length} <= set(index.constants)
    assert not {x, y} & set(index.constants)
    assert set(index.tables) == {w, scaled}
    assert index.data_inputs(index.graph.nodes[index.producers[y]]) == (x,)
    assert index.is_number(half) and not index.is_number(w)


def test_origin_goes_through_views_and_only_if_asked_through_scales() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    turned = b.op("Transpose", x, perm=(1, 0))
    scaled = b.op("Mul", turned, b.number(2.0))
    flat = b.op("Flatten", scaled)
    foreign = b.op("Transpose", x, domain="acme")
    index = GraphIndex(b.build([flat, foreign]))
    assert index.origin(flat) == scaled
    assert index.origin(flat, scaled=True) == x
    assert index.origin(foreign) == foreign


def test_a_tensor_under_another_name_is_stored_and_one_read_twice_is_not_owned() -> None:
    b = Builder()
    x = b.data("x", 3, 3)
    own, shared = b.weight("own", 3, 3), b.weight("shared", 3, 3)
    copy = b.op("Identity", shared)
    one = b.op("MatMul", x, own)
    two = b.op("MatMul", one, copy)
    last = b.op("MatMul", shared, shared)
    index = GraphIndex(b.build([two, last]))
    nodes = {node.outputs[0]: node for node in index.graph.nodes}
    assert index.is_stored(copy) and index.is_stored(own) and not index.is_stored(one)
    assert index.is_unshared(nodes[one], 1)
    assert not index.is_unshared(nodes[two], 1)
    assert not index.is_unshared(nodes[last], 1)


def test_a_map_is_built_when_it_is_first_asked_for() -> None:
    t = TensorType(DType.FLOAT32, (1,))
    nodes = tuple(Node(f"n{i}", "Relu", (f"v{i}",), (f"v{i + 1}",), {}) for i in range(3))
    index = GraphIndex(Graph("net", "made", ("v0",), ("v3",), {}, nodes, dict.fromkeys(["v0", "v1", "v2", "v3"], t)))
    assert set(vars(index)) == {"graph"}
    assert index.producers == {"v1": 0, "v2": 1, "v3": 2}
    assert set(vars(index)) == {"graph", "producers"}


def test_nodes_are_internal_where_nobody_else_reads_between_them() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    gate = b.op("Sigmoid", x)
    product = b.op("Mul", x, gate)
    alone = GraphIndex(b.build([product]))
    assert alone.is_internal((0, 1), product)
    b.op("Relu", gate)
    assert not GraphIndex(b.build([product])).is_internal((0, 1), product)
    assert not GraphIndex(b.build([product, gate])).is_internal((0, 1), product)


def test_what_is_drawn_at_random_is_no_constant_even_of_a_custom_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAITS, ("", "Neg"), Traits(random=True))
    b = Builder()
    w = b.weight("w", 3)
    random, constant = b.op("Neg", w), b.op("Abs", w)
    index = GraphIndex(b.build([b.op("RandomNormalLike", w), b.op("Bernoulli", w), random, constant]))
    computed = {name for node in index.graph.nodes for name in node.outputs}
    assert computed & set(index.constants) == {constant}


def test_a_rearrangement_is_one_by_the_traits_of_its_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    rearranging = {key for key, operator in TRAITS.items() if operator.rearranges}
    assert rearranging - {("tflite", "BROADCAST_TO")} == {("", "Split"), ("", "Expand")}
    b = Builder()
    nodes = b.build([b.op("Neg", b.op("Identity", b.weight("w", 3)))]).nodes
    assert [is_rearrangement(node) for node in nodes] == [True, False]
    monkeypatch.setitem(TRAITS, ("", "Neg"), Traits(rearranges=True))
    assert is_rearrangement(nodes[1])


def test_a_view_of_a_stored_tensor_is_stored() -> None:
    """Views of views too; not what is computed from one, nor a view whose shape is computed."""
    b = Builder()
    x, w = b.data("x", 2, 3), b.weight("w", 6)
    view = b.op("Reshape", b.op("Identity", w), b.extents(2, 3))
    y = b.op("Add", x, view)
    moved = b.op("Reshape", w, b.op("Shape", x))
    index = GraphIndex(b.build([y, b.op("Relu", view), moved]))
    stored = {name for node in index.graph.nodes for name in (*node.inputs, *node.outputs) if index.is_stored(name)}
    assert {w, view} < stored and stored.isdisjoint((x, y, moved, index.graph.outputs[1]))
