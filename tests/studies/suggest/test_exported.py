"""Suggestions where a graph spells out what a short name says: exported attention, activations, equal tensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.graph_execution import result

import costcalc
from costcalc.rules import DType, Graph, GraphBuilder

D, HEADS, TOKENS = 32, 8, 10


def op(
    b: GraphBuilder,
    op_type: str,
    inputs: Sequence[str],
    name: str = "",
    outputs: Sequence[str] | None = None,
    **attributes: object,
) -> tuple[str, ...]:
    """A node called after its operator unless named."""
    return tuple(b.add(op_type, inputs, attributes, name=name or f"{op_type}{len(b.nodes)}", outputs=outputs))


def ints(b: GraphBuilder, *values: int) -> str:
    return b.add_constant(f"i{len(b.types)}", DType.INT64, (len(values),), values)


def heads(b: GraphBuilder, value: str, perm: Sequence[int]) -> str:
    (apart,) = op(b, "Reshape", [value, ints(b, 1, TOKENS, HEADS, D // HEADS)])
    return op(b, "Transpose", [apart], perm=tuple(perm))[0]


def attention(parts: str) -> Graph:
    """Attention as exporters write it: parts is `apart` (three projections) or `joint` (one and a Split)."""
    b = GraphBuilder("attention", "made", {"": 18})
    b.add_input("x", DType.FLOAT32, (1, TOKENS, D))
    values = []
    if parts == "joint":
        b.add_initializer("w", DType.FLOAT32, (D, 3 * D))
        b.add_initializer("c", DType.FLOAT32, (3 * D,))
        (y,) = op(b, "Add", [op(b, "MatMul", ["x", "w"], name="qkv")[0], "c"])
        values = list(op(b, "Split", [y, ints(b, D, D, D)], outputs=["q", "k", "v"], axis=2))
    else:
        for name in "qkv":
            b.add_initializer(f"w{name}", DType.FLOAT32, (D, D))
            values += op(b, "MatMul", ["x", f"w{name}"], name=name)
    query, key = heads(b, values[0], (0, 2, 1, 3)), heads(b, values[1], (0, 2, 3, 1))
    (scores,) = op(b, "MatMul", [query, key])
    (scaled,) = op(b, "Mul", [scores, b.add_constant("scale", DType.FLOAT32, (), (0.5,))])
    (weights,) = op(b, "Softmax", [scaled], axis=-1)
    (out,) = op(b, "MatMul", [weights, heads(b, values[2], (0, 2, 1, 3))])
    return b.build([out])


@pytest.mark.parametrize(("parts", "bias"), [("apart", 0), ("joint", 1)])
def test_attention_of_an_exported_graph_has_fewer_key_and_value_heads(parts: str, bias: int, tmp_path: Path) -> None:
    graph = attention(parts)
    (one,) = costcalc.suggest(graph, rules=["gqa"], group=4).ranked
    fewer = 2 * (D - D // 4)
    assert one.saves("macs") == TOKENS * D * fewer
    assert one.saves("params") == D * fewer + bias * fewer
    assert one.matches[0].remark.startswith("2 key and value heads for 8 query heads")
    assert costcalc.analyze(one.graph).totals == dict(one.after)
    assert result(one.graph, tmp_path).shape == result(graph, tmp_path).shape == (1, HEADS, TOKENS, D // HEADS)


def test_grouped_or_indivisible_heads_are_left_alone() -> None:
    grouped = costcalc.suggest(attention("apart"), rules=["gqa"], group=4)[0].graph
    assert not costcalc.suggest(grouped, rules=["gqa"], group=2).ranked
    assert not costcalc.suggest(attention("joint"), rules=["gqa"], group=3).ranked


def test_keys_before_queries_of_one_head_are_no_thirds() -> None:
    """[heads, 3, size] in the place of [3, heads, size]: a narrower projection could not keep the order."""
    b = GraphBuilder("interleaved", "made", {"": 18})
    b.add_input("x", DType.FLOAT32, (1, TOKENS, D))
    b.add_initializer("w", DType.FLOAT32, (D, 3 * D))
    (apart,) = op(b, "Reshape", [op(b, "MatMul", ["x", "w"])[0], ints(b, 1, TOKENS, HEADS, 3 * D // HEADS)])
    (turned,) = op(b, "Transpose", [apart], perm=(0, 2, 1, 3))
    query, key, value = op(b, "Split", [turned, ints(b, 4, 4, 4)], outputs=["q", "k", "v"], axis=3)
    (scores,) = op(b, "MatMul", [query, op(b, "Transpose", [key], perm=(0, 1, 3, 2))[0]])
    (out,) = op(b, "MatMul", [op(b, "Softmax", [scores], axis=-1)[0], value])
    assert not costcalc.suggest(b.build([out]), rules=["gqa"]).ranked


def test_a_bias_that_is_another_ones_copy(tmp_path: Path) -> None:
    """Exporters store equal tensors once and name the others by Identity."""
    b = GraphBuilder("copied", "made", {"": 18})
    b.add_input("x", DType.FLOAT32, (1, 16, 8, 8))
    b.add_initializer("bias", DType.FLOAT32, (16,))
    op(b, "Identity", ["bias"], outputs=["other"], name="copy")
    last = "x"
    for name, bias in (("first", "bias"), ("second", "other")):
        b.add_initializer(f"{name}.weight", DType.FLOAT32, (16, 16, 3, 3))
        (last,) = op(b, "Conv", [last, f"{name}.weight", bias], name=name, pads=(1, 1, 1, 1))
    found = costcalc.suggest(b.build([last]), rules=["separable"])
    assert {one.name for one in found.ranked} == {"first", "second"}
    for one in found.ranked:
        assert one.saves("macs") == 64 * (9 * 16 * 16 - 9 * 16 - 16 * 16)
        assert costcalc.analyze(one.graph).totals == dict(one.after)
    (second,) = (one for one in found.ranked if one.name == "second")
    assert "copy" not in {node.name for node in second.graph.nodes}
    assert result(second.graph, tmp_path).shape == (1, 16, 8, 8)


@pytest.mark.parametrize("power", [True, False])
@pytest.mark.parametrize("half", ["first", "last"])
def test_gelu_by_tanh(power: bool, half: str, tmp_path: Path) -> None:
    b = GraphBuilder("gelu", "made", {"": 20})
    b.add_input("x", DType.FLOAT32, (1, 8, 16))
    values = {"c": 0.044715, "s": (2 / np.pi) ** 0.5, "one": 1.0, "half": 0.5, "three": 3.0}
    number = {key: b.add_constant(key, DType.FLOAT32, (), (value,)) for key, value in values.items()}
    cube = op(b, "Pow", ["x", number["three"]]) if power else op(b, "Mul", [op(b, "Mul", ["x", "x"])[0], "x"])
    (total,) = op(b, "Add", ["x", op(b, "Mul", [cube[0], number["c"]])[0]])
    (tanh,) = op(b, "Tanh", [op(b, "Mul", [total, number["s"]])[0]])
    (one,) = op(b, "Add", [tanh, number["one"]])
    if half == "first":
        (last,) = op(b, "Mul", [op(b, "Mul", ["x", number["half"]])[0], one])
    else:
        (last,) = op(b, "Mul", [op(b, "Mul", ["x", one])[0], number["half"]])
    graph = b.build([last])
    (found,) = costcalc.suggest(graph).ranked
    assert [node.op_type for node in found.graph.nodes] == ["Gelu"]
    assert found.saves("activation_bytes") == (8 if power else 9) * 4 * 8 * 16 - 4 * 8 * 16
    np.testing.assert_allclose(result(found.graph, tmp_path), result(graph, tmp_path), rtol=1e-4, atol=1e-6)
