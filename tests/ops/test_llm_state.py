"""Linear attention in groups and causal convolutions that keep a window: MACs, states and least work against their
definitions, counted token by token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.roofline.least_work import least_macs
from costcalc.core.dim import symbol
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import DType, TensorType
from costcalc.core.traits import TRAITS
from costcalc.frontends import load
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.llm import LLM

BATCH, GROUPS, HEADS, SIZE, V_SIZE = 2, 2, 6, 8, 5


def scan(tokens: int, past: bool, outputs: tuple[str, ...] = ("y", "s"), **attributes: Any) -> Report:
    """One node over so many tokens, behind a state or not."""
    builder = GraphBuilder("one", "one", {"": 23})
    shapes = {"q": GROUPS * SIZE, "k": GROUPS * SIZE, "v": HEADS * V_SIZE, "decay": HEADS, "beta": HEADS}
    q, k, v, decay, beta = [builder.add_input(n, DType.FLOAT32, (BATCH, tokens, size)) for n, size in shapes.items()]
    state = builder.add_input("past", DType.FLOAT32, (BATCH, HEADS, SIZE, V_SIZE)) if past else ""
    settings = {"q_num_heads": GROUPS, "kv_num_heads": HEADS, **attributes}
    builder.add(
        "GroupedLinearAttention", [q, k, v, state, decay, beta], settings, name="y", outputs=("y", "s"), domain=LLM
    )
    return analyze_graph(builder.build(list(outputs)))


@pytest.mark.parametrize(("rule", "products"), [("linear", 2), ("gated", 2), ("delta", 3), ("gated_delta", 3)])
def test_a_token_costs_the_products_with_each_state(rule: str, products: int) -> None:
    found = scan(7, past=False, update_rule=rule)
    assert found.macs == products * BATCH * 7 * HEADS * SIZE * V_SIZE
    assert not found.unknown


@given(st.integers(1, 12), st.booleans())
def test_least_work_is_the_cheaper_form_of_each_token(tokens: int, past: bool) -> None:
    states, pair = HEADS * SIZE * V_SIZE, GROUPS * SIZE + HEADS * V_SIZE
    outputs = sum(states if past else min(states, t * pair) for t in range(1, tokens + 1))
    found = scan(tokens, past, update_rule="gated")
    assert least_macs(found.graph, found.rows[0], found.graph.nodes[0]) == BATCH * (outputs + tokens * states)


def slots(op_type: str, types: list[TensorType], **attributes: Any) -> list[tuple[int, str, TensorType, int | None]]:
    rule = TRAITS[LLM, op_type].caches
    assert rule is not None
    return [(slot.position, slot.name, slot.type, slot.present) for slot in rule(types, attributes, symbol("tokens"))]


def test_a_state_has_one_size_and_a_type_of_its_own() -> None:
    """Mamba-2 2.7B: 80 heads of 64 features, states of 128 numbers each (arXiv:2405.21060)."""
    types = [TensorType(DType.BFLOAT16, (1, 5, n)) for n in (128, 128, 80 * 64)]
    attributes = {"q_num_heads": 1, "kv_num_heads": 80, "state_type": "float32"}
    expected = TensorType(DType.FLOAT32, (1, 80, 128, 64))
    assert slots("GroupedLinearAttention", types, **attributes) == [(3, "past_state", expected, 1)]


def test_a_convolution_keeps_as_many_positions_as_its_kernel_has() -> None:
    types = [TensorType(DType.BFLOAT16, (1, 5, 96)), TensorType(DType.BFLOAT16, (96, 1, 4))]
    assert slots("CausalConvolution", types) == [(3, "past_state", TensorType(DType.BFLOAT16, (1, 96, 4)), 1)]


@pytest.mark.parametrize("past", [False, True])
def test_a_diagonal_recurrence_is_work_element_by_element(past: bool) -> None:
    """h = a · h + x of each token and channel: a multiplication and an addition, no product of matrices."""
    builder = GraphBuilder("one", "one", {"": 23})
    x, decay = (builder.add_input(name, DType.BFLOAT16, (BATCH, 7, 12)) for name in ("x", "a"))
    inputs = [x, decay, *([builder.add_input("past", DType.FLOAT32, (BATCH, 12))] if past else [])]
    builder.add("DiagonalRecurrence", inputs, {"state_type": "float32"}, name="y", outputs=("y", "s"), domain=LLM)
    found = analyze_graph(builder.build(["y", "s"]))
    assert (found.macs, found.flops, found.unknown) == (0, 2 * BATCH * 7 * 12, ())
    assert found.graph.types["s"] == TensorType(DType.FLOAT32, (BATCH, 12))


def test_a_diagonal_recurrence_keeps_a_number_a_channel() -> None:
    types = [TensorType(DType.BFLOAT16, (1, 5, 2560))] * 2
    expected = TensorType(DType.FLOAT32, (1, 2560))
    assert slots("DiagonalRecurrence", types, state_type="float32") == [(2, "past_state", expected, 1)]


@given(st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_taps_before_the_first_position_are_no_work(tokens: int, kernel: int, past: bool) -> None:
    builder = GraphBuilder("one", "one", {"": 23})
    x = builder.add_input("x", DType.FLOAT32, (BATCH, tokens, 3))
    weight = builder.add_initializer("w", DType.FLOAT32, (3, 1, kernel))
    inputs = [x, weight, "", builder.add_input("past", DType.FLOAT32, (BATCH, 3, kernel))] if past else [x, weight]
    builder.add("CausalConvolution", inputs, {}, name="y", outputs=("y", "s"), domain=LLM)
    found = analyze_graph(builder.build(["y"]))
    assert found.macs == BATCH * tokens * 3 * kernel
    taps = sum(kernel if past else min(kernel, t + 1) for t in range(tokens))
    assert least_macs(found.graph, found.rows[0], found.graph.nodes[0]) == BATCH * 3 * taps


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("linear_attention: {heads: 4, from: [x, x, x]}", "it reads 3 values; give `from: .query, key, value, decay"),
        ("linear_attention: {heads: 4, update: delta, from: [x, x]}", "it reads 2 values.*value, beta"),
        ("linear_attention: {heads: 3, key_heads: 2, update: linear, from: [x, x, x]}", "3 states|for 3 heads"),
        ("diagonal_recurrence: {from: [x]}", "it reads 1 values; give `from: .value, decay"),
        ("linear_attention: {heads: 4, update: wild, from: [x, x, x]}", "update is 'wild'"),
    ],
)
def test_layers_say_what_they_read(layer: str, says: str) -> None:
    with pytest.raises(CostcalcError, match=says):
        load(f"input: {{x: [N, 5, 16]}}\nlayers:\n  - {layer}\n".encode())


def test_an_open_extent_of_two_inputs_may_be_0() -> None:
    """A network of parts is asked for its text alone with `--dim images=0`."""
    text = b"input: {a: [images, rows, 4], b: [images, rows, 4]}\nlayers:\n  - add: {from: [a, b]}\n  - linear: {units: 3}\n"
    assert load(text, dims={"images": 0}).types["a"].shape is not None
