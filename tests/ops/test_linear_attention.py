"""LinearAttention, CausalConvWithState, FlexAttention, and the training optimisers."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import I64, cost, onnx_shapes, run, t

from costcalc.analysis.report import analyze_graph
from costcalc.frontends.onnx.messages import GraphProto
from costcalc.graph.builder import GraphBuilder

QKV = [t(2, 5, 12), t(2, 5, 6), t(2, 5, 8)]


@pytest.mark.parametrize(
    ("rule", "reads"), [("linear", 2 + 4), ("gated", 2 + 4), ("delta", 2 + 4 + 2), ("gated_delta", 2 + 4 + 2)]
)
def test_linear_attention(rule: str, reads: int) -> None:
    inputs = [*QKV, None, t(2, 5, 2), t(2, 5, 2)]
    outs = run("LinearAttention", *inputs, n=2, opset=27, q_num_heads=4, kv_num_heads=2, update_rule=rule)
    assert [o.shape for o in outs] == [(2, 5, 16), (2, 2, 3, 4)]
    found = cost("LinearAttention", *inputs, n=2, opset=27, q_num_heads=4, kv_num_heads=2, update_rule=rule)
    assert found.macs.value == 2 * 5 * (3 * 4) * reads


def test_causal_conv() -> None:
    inputs = [t(2, 6, 10), t(6, 1, 4), t(6)]
    outs = run("CausalConvWithState", *inputs, n=2, opset=27)
    assert [o.shape for o in outs] == onnx_shapes("CausalConvWithState", *inputs, n=2, opset=27)
    found = cost("CausalConvWithState", *inputs, n=2, opset=27, activation="silu")
    assert (found.macs.value, found.flops) == (2 * 6 * 10 * 4, 2 * 480 + 120 + 120)


def test_flex_attention() -> None:
    inputs = [t(2, 4, 5, 8), t(2, 2, 7, 8), t(2, 2, 7, 6)]
    domain = "ai.onnx.preview"
    assert run("FlexAttention", *inputs, domain=domain, opset=1)[0].shape == (2, 4, 5, 6)
    assert cost("FlexAttention", *inputs, domain=domain, opset=1).macs.value == 2 * 4 * 5 * 7 * (8 + 6)


ATTRIBUTES = {"Momentum": {"alpha": 0.9, "beta": 1.0, "mode": "standard", "norm_coefficient": 0.0}}


@pytest.mark.parametrize(("op_type", "groups", "each"), [("Adam", 4, 15), ("Adagrad", 3, 9), ("Momentum", 3, 7)])
def test_optimisers(op_type: str, groups: int, each: int) -> None:
    inputs = [t(), t(dtype=I64), *[t(2, 3), t(4)] * groups]
    how: Any = {"n": 2 * (groups - 1), "domain": "ai.onnx.preview.training", "opset": 1} | ATTRIBUTES.get(op_type, {})
    assert [o.shape for o in run(op_type, *inputs, **how)] == [(2, 3), (4,)] * (groups - 1)
    assert cost(op_type, *inputs, **how).flops == each * (6 + 4)


def test_flex_attention_with_modifiers_left_in_it_is_unknown() -> None:
    """A rule that gives None says that the cost cannot be told: the row has `?`, the totals are lower bounds."""
    empty = GraphProto("", (), (), (), (), (), (), b"")
    builder = GraphBuilder("flex", "", {"ai.onnx.preview": 1})
    for name, type_ in zip("qkv", (t(2, 4, 5, 8), t(2, 2, 7, 8), t(2, 2, 7, 6)), strict=True):
        builder.add_input(name, type_.dtype, type_.shape)
    builder.add("FlexAttention", "qkv", {"score_mod": empty}, name="flex", domain="ai.onnx.preview")
    report = analyze_graph(builder.build(["flex"]))
    assert report.lower_bound
    assert [u.op_type for u in report.unknown] == ["FlexAttention"]
    assert report.rows[0]["macs"] is None
