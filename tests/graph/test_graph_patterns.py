"""Linear layers, activations and attention that a graph writes in several nodes."""

from __future__ import annotations

from typing import Any

import pytest
from support.small_graphs import Builder

from costcalc.core.traits import TRAITS, Traits
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.activation import ActivationPattern, find_activation
from costcalc.graph.patterns.attention import (
    AttentionPattern,
    count_window_merges,
    find_attentions,
    find_output_projection,
    find_projection,
    is_view_of_projection,
)
from costcalc.graph.patterns.convolution import find_convolution, find_standard_convolutions
from costcalc.graph.patterns.linear import find_linear_layer


@pytest.mark.parametrize(("bias", "nodes"), [((5,), (0, 1)), ((1, 1, 5), (0, 1)), ((4, 5), (0,)), ((1,), (0,))])
def test_a_matmul_takes_in_the_addition_of_one_number_a_unit(bias: tuple[int, ...], nodes: tuple[int, ...]) -> None:
    b = Builder()
    y = b.op("Add", b.op("MatMul", b.data("x", 2, 4, 3), b.weight("w", 3, 5)), b.weight("b", *bias))
    layer = find_linear_layer(GraphIndex(b.build([y])), 0)
    assert layer is not None
    assert (layer.x, layer.weight, layer.features, layer.units) == ("x", "w", 3, 5)
    assert layer.nodes == nodes and layer.bias == ("b" if len(nodes) == 2 else "")


def test_a_gemm_has_its_bias_and_a_foreign_one_is_no_layer() -> None:
    b = Builder()
    x, w, c = b.data("x", 4, 3), b.weight("w", 5, 3), b.weight("c", 5)
    y = b.op("Gemm", x, w, c, transB=1)
    index = GraphIndex(b.build([y, b.op("Gemm", x, w, c, domain="acme")]))
    layer = find_linear_layer(index, 0)
    assert layer is not None and (layer.features, layer.units, layer.bias) == (3, 5, "c")
    assert find_linear_layer(index, 1) is None


def test_two_computed_matrices_are_no_layer() -> None:
    b = Builder()
    x = b.data("x", 3, 3)
    assert find_linear_layer(GraphIndex(b.build([b.op("MatMul", x, b.op("Relu", x))])), 1) is None


def only_activation(b: Builder, y: str) -> ActivationPattern | None:
    """The activation of several nodes of a graph, where there is one."""
    index = GraphIndex(b.build([y]))
    patterns = [find_activation(index, i) for i in range(len(index.graph.nodes))]
    several = [pattern for pattern in patterns if pattern is not None and len(pattern.nodes) > 1]
    assert len(several) < 2
    return several[0] if several else None


@pytest.mark.parametrize(
    ("gate", "attributes", "kind", "operator"),
    [
        (["Sigmoid"], {}, "silu", "Swish"),
        (["Softplus", "Tanh"], {}, "mish", "Mish"),
        (["HardSigmoid"], {"alpha": 1 / 6}, "hard_swish", "HardSwish"),
        (["HardSigmoid"], {"alpha": 0.2}, "hard_swish", ""),
    ],
)
def test_a_product_with_a_gate(gate: list[str], attributes: dict[str, Any], kind: str, operator: str) -> None:
    b = Builder()
    x = value = b.data("x", 2, 3)
    for op_type in gate:
        value = b.op(op_type, value, **attributes)
    pattern = only_activation(b, b.op("Mul", value, x))
    assert pattern == ActivationPattern(kind, tuple(range(len(gate) + 1)), "x", f"Mul{len(gate)}", operator)


def test_a_scaled_gate_is_a_silu_but_no_swish() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    gate = b.op("Sigmoid", b.op("Mul", x, b.number(1.702)))
    pattern = only_activation(b, b.op("Mul", x, gate))
    assert pattern is not None and (pattern.kind, pattern.operator) == ("silu", "")


@pytest.mark.parametrize("half", ["on x", "on the gate", "behind", "nowhere"])
def test_gelu_has_its_half_in_one_of_three_places(half: str) -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    gate = b.op("Add", b.op("Erf", b.op("Div", x, b.number(2**0.5))), b.number(1.0))
    if half == "on the gate":
        gate = b.op("Mul", gate, b.number(0.5))
    factor = b.op("Mul", x, b.number(0.5)) if half == "on x" else x
    y = b.op("Mul", factor, gate)
    if half == "behind":
        y = b.op("Mul", y, b.number(0.5))
    pattern = only_activation(b, y)
    assert pattern is not None and (pattern.kind, pattern.x, pattern.y) == ("gelu", "x", y)
    assert pattern.operator == ("" if half == "nowhere" else "Gelu")
    assert len(pattern.nodes) == (4 if half == "nowhere" else 5)


@pytest.mark.parametrize(("root", "one", "half"), [(1.4142, 1.5, 0.5), (2.0, 1.0, 0.5), (1.4142, 1.0, 1.0)])
def test_other_numbers_are_no_gelu_of_onnx(root: float, one: float, half: float) -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    gate = b.op("Add", b.op("Erf", b.op("Div", x, b.number(root))), b.number(one))
    pattern = only_activation(b, b.op("Mul", b.op("Mul", x, gate), b.number(half)))
    assert pattern is not None and (pattern.kind, pattern.operator) == ("gelu", "")


@pytest.mark.parametrize("factor", [0.044715, 0.05])
def test_gelu_by_tanh(factor: float) -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    total = b.op("Add", x, b.op("Mul", b.op("Pow", x, b.number(3.0)), b.number(factor)))
    gate = b.op("Add", b.op("Tanh", b.op("Mul", total, b.number(0.7978846))), b.number(1.0))
    pattern = only_activation(b, b.op("Mul", b.op("Mul", x, gate), b.number(0.5)))
    expected = ActivationPattern("gelu", tuple(range(8)), "x", "Mul7", "Gelu", "tanh")
    assert pattern == (expected if factor == 0.044715 else None)


def test_a_number_divided_by_data_is_no_scale() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    index = GraphIndex(b.build([b.op("Div", b.number(2.0), x), b.op("Div", x, b.number(2.0))]))
    assert [index.scales(node) for node in index.graph.nodes] == [False, True]


def test_an_operator_of_ones_own_with_traits_is_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAITS, ("acme", "Dense"), Traits(kind="product", bias=2))
    b = Builder()
    b.data("x", 4, 3)
    y = b.op("Dense", "x", b.weight("w", 3, 5), b.weight("c", 5), domain="acme")
    layer = find_linear_layer(GraphIndex(b.build([y])), 0)
    assert layer is not None and (layer.features, layer.units, layer.bias) == (3, 5, "c")


def test_two_gates_are_no_activation() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    assert only_activation(b, b.op("Mul", b.op("Sigmoid", x), b.op("Tanh", x))) is None


HEADS = (1, 2, 6, 4)
"""Queries, keys or values [batch, heads, tokens, features]."""


def projected(b: Builder, name: str) -> str:
    """x · W [1, 6, 8] → [batch, heads, tokens, features]."""
    product = b.op("MatMul", "x", b.weight(f"w{name}", 8, 8))
    return b.op("Transpose", b.op("Reshape", product, b.extents(1, 6, 2, 4)), perm=(0, 2, 1, 3))


def scored(b: Builder) -> str:
    """The scaled scores [1, 2, 6, 6] of two projections of x."""
    b.data("x", 1, 6, 8)
    key = b.op("Transpose", projected(b, "k"), perm=(0, 1, 3, 2))
    return b.op("Mul", b.op("MatMul", projected(b, "q"), key), b.number(0.5))


def attentions_of(b: Builder, *outputs: str) -> tuple[GraphIndex, list[AttentionPattern]]:
    """A graph's index and the attentions in it."""
    index = GraphIndex(b.build(list(outputs)))
    return index, list(find_attentions(index))


@pytest.mark.parametrize("mask", ["none", "added", "chosen", "safe", "given"])
def test_attention_in_several_nodes(mask: str) -> None:
    b = Builder()
    scores = scored(b)
    if mask == "added":
        scores = b.op("Add", b.op("Relu", b.data("mask", 1, 2, 6, 6)), scores)
    elif mask == "chosen":
        scores = b.op("Where", b.op("Greater", b.data("mask", 6, 6), b.number(0.0)), scores, b.number(-1e9))
    weights = b.op("Softmax", scores, axis=-1)
    if mask == "safe":
        weights = b.op("Where", b.op("IsNaN", weights), b.number(0.0), weights)
    out = b.op("MatMul", weights, projected(b, "v"))
    y = b.op(
        "MatMul", b.op("Reshape", b.op("Transpose", out, perm=(0, 2, 1, 3)), b.extents(1, 6, 8)), b.weight("wo", 8, 8)
    )
    index, patterns = attentions_of(b, y, *([weights] if mask == "given" else []))
    (pattern,) = patterns
    assert pattern.output == out and len(pattern.products) == 2 and not pattern.einsum
    layers = [find_projection(index, value) for value in (pattern.query, pattern.key, pattern.value)]
    assert [layer.weight for layer in layers if layer is not None] == ["wq", "wk", "wv"]
    assert layers[0] is not None and is_view_of_projection(index, layers[0], pattern.query)
    output = find_output_projection(index, pattern.output)
    assert output is not None and output.weight == "wo"
    extra = {"none": 0, "added": 1, "chosen": 1, "safe": 1, "given": 0}[mask]
    assert len(pattern.nodes) == 4 + extra  # product, scale, softmax, product


def test_rotary_queries_come_from_their_projection_but_are_not_as_it_gave_them() -> None:
    b = Builder()
    b.data("x", 1, 6, 8)
    q = projected(b, "q")
    half = b.op("Neg", q)
    turned = b.op("Add", b.op("Mul", q, b.weight("cos", 6, 4)), b.op("Mul", half, b.weight("sin", 6, 4)))
    index = GraphIndex(b.build([turned]))
    layer = find_projection(index, turned)
    assert layer is not None and layer.weight == "wq" and not is_view_of_projection(index, layer, turned)


def test_learned_queries_are_attention() -> None:
    b = Builder()
    b.data("x", 1, 6, 8)
    query = b.op("Add", b.op("MatMul", b.weight("latents", 3, 8), b.weight("wq", 8, 8)), b.weight("bq", 8))
    key = b.op("Transpose", b.op("MatMul", "x", b.weight("wk", 8, 8)), perm=(0, 2, 1))
    weights = b.op("Softmax", b.op("MatMul", query, key), axis=-1)
    index, patterns = attentions_of(b, b.op("MatMul", weights, b.op("MatMul", "x", b.weight("wv", 8, 8))))
    (pattern,) = patterns
    layer = find_projection(index, pattern.query)
    assert layer is not None and (layer.x, layer.bias) == ("latents", "bq")


def test_layers_around_a_softmax_are_no_attention() -> None:
    b = Builder()
    hidden = b.op("MatMul", b.data("x", 2, 6), b.op("Transpose", b.weight("one", 6, 6), perm=(1, 0)))
    _, patterns = attentions_of(b, b.op("MatMul", b.op("Softmax", hidden, axis=-1), b.weight("two", 6, 6)))
    assert patterns == []


def test_scores_of_two_products_are_no_attention() -> None:
    b = Builder()
    one = scored(b)
    scores = b.op(
        "Add", one, b.op("MatMul", projected(b, "r"), b.op("Transpose", projected(b, "s"), perm=(0, 1, 3, 2)))
    )
    _, patterns = attentions_of(b, b.op("MatMul", b.op("Softmax", scores, axis=-1), projected(b, "v")))
    assert patterns == []


def test_a_softmax_of_another_domain_is_no_attention() -> None:
    b = Builder()
    weights = b.op("Softmax", scored(b), domain="acme")
    _, patterns = attentions_of(b, b.op("MatMul", weights, projected(b, "v")))
    assert patterns == []


def test_merging_the_axes_of_windows_takes_products_of_sizes() -> None:
    b = Builder()
    apart = b.op("Reshape", b.data("x", 1, 8, 8, 3), b.extents(1, 2, 4, 2, 4, 3))
    turned = b.op("Transpose", apart, perm=(0, 1, 3, 2, 4, 5))
    windows = b.op("Reshape", turned, b.extents(4, 16, 3))
    index = GraphIndex(b.build([b.op("Relu", windows)]))
    assert count_window_merges(index, windows) == 6 - 3 - 1
    assert count_window_merges(index, turned) == 0


def test_a_convolution_as_plain_data_needs_weights_of_its_own() -> None:
    b = Builder()
    x, w, shared = b.data("x", 1, 4, 8, 8), b.weight("w", 6, 4, 3, 3), b.weight("shared", 4, 4, 3, 3)
    y = b.op("Conv", x, w, strides=(2, 2), pads=(1, 1, 1, 1))
    index = GraphIndex(b.build([y, b.op("Conv", x, shared), b.op("Conv", x, shared)]))
    c = find_convolution(index, 0)
    assert c is not None and find_standard_convolutions(index) == [c]
    assert (c.channels, c.filters, c.kernel, c.stride, c.pads, c.bias) == (4, 6, (3, 3), (2, 2), (1, 1, 1, 1), False)
    assert (c.positions, c.pad(1)) == (9, (1, 1))
