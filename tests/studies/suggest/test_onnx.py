"""Suggestions for ONNX files: the same as for the YAML that they were written from; rewritten graphs run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cli import ok
from support.graph_execution import result
from support.networks import layers, made

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.core.errors import LimitError
from costcalc.frontends.onnx.writer import export
from costcalc.rules import DType, GraphBuilder, UsageError

TEXT = layers(
    "conv: {filters: 16, kernel: 5, pad: 2, as: c1}",
    "batch_norm",
    "relu",
    "relu",
    "max_pool: {kernel: 2}",
    "conv: {filters: 32, kernel: 3, stride: 2, pad: 1, as: c2}",
    "relu",
    "max_pool: {kernel: 2}",
    "transpose: {perm: [0, 1, 3, 2]}",
    "transpose: {perm: [0, 1, 3, 2]}",
    "tanh",
    "conv: {filters: 32, kernel: 3, pad: same, as: c3}",
    "silu: {as: s}",
    "hard_sigmoid: {alpha: 1 / 6, as: h}",
    "mul: {from: [s, h]}",
    "flatten",
    "linear: {units: 20}",
    "relu",
    "linear: {units: 5}",
)
EXACT = ("redundant", "pool_first", "fused")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ok("export", str(made(tmp_path, TEXT)), "-o", str(tmp_path / "net.onnx"), "--weights", "random")
    return tmp_path / "net.onnx"


def test_the_same_as_for_the_yaml(file: Path, tmp_path: Path) -> None:
    for rule in ("separable", "stack", "factor", "bottleneck", "gap", "folded", "redundant", "pool_first"):
        one, other = costcalc.suggest(file, rules=[rule]), costcalc.suggest(made(tmp_path, TEXT), rules=[rule])
        savings = [
            Counter(tuple(sorted(x.before[k] - x.after[k] for k in x.after)) for x in f.ranked) for f in (one, other)
        ]
        assert savings[0] == savings[1], rule
        assert one.ranked and not one[0].writable


def test_every_rewritten_graph_runs_and_costs_what_was_promised(file: Path, tmp_path: Path) -> None:
    found = costcalc.suggest(file)
    now = result(found.source.graph, tmp_path)
    assert sum(one.rule.id == "fused" for one in found.ranked) == 2
    for one in found.ranked:
        assert costcalc.analyze(one.graph).totals == dict(one.after)
        if "Swish" in one.matches[0].remark:
            continue  # of opset 24, which ONNX Runtime does not have yet
        new = result(one.graph, tmp_path)
        assert new.shape == now.shape
        if one.rule.id in EXACT:
            np.testing.assert_allclose(new, now, rtol=1e-5)


def test_gelu_of_five_operators(tmp_path: Path) -> None:
    for order in ((0, 1), (1, 0)):
        b = GraphBuilder("gelu", "made", {"": 20})
        b.add_input("input", DType.FLOAT32, (1, 16, 16, 16))
        number = {n: b.add_constant(f"c{i}", DType.FLOAT32, (), (n,)) for i, n in enumerate((2**0.5, 1.0, 0.5))}
        b.add("Div", ["input", number[2**0.5]], name="scaled")
        b.add("Erf", ["scaled"], name="erf")
        b.add("Add", ["erf", number[1.0]], name="sum")
        last = "sum"
        for i in order:
            last = b.add("Mul", [last, ("input", number[0.5])[i]], name=f"product{i}")[0]
        graph = b.build([last])
        (one,) = costcalc.suggest(graph).ranked
        assert [node.op_type for node in one.graph.nodes] == ["Gelu"]
        assert one.saves("activation_bytes") == 4 * 16**3 * 4
        np.testing.assert_allclose(result(one.graph, tmp_path), result(graph, tmp_path), rtol=1e-4, atol=1e-6)


def test_nothing_is_written_as_yaml(file: Path) -> None:
    with pytest.raises(UsageError, match=r"name a \.onnx file"):
        costcalc.suggest(file).apply(1)


def test_how_onnx_is_written_is_told(file: Path, tmp_path: Path) -> None:
    found = costcalc.suggest(file)
    assert "--apply 1 -o NEW.onnx writes the model with it" in " ".join(str(found).split())
    assert "--apply 1 -o NEW.onnx writes ONNX" in " ".join(ok("suggest", str(file), "1").split())
    written = costcalc.suggest(made(tmp_path, TEXT), rules=["separable"])
    assert "--apply 1 writes the model with it" in " ".join(str(written).split())


def test_an_operator_newer_than_the_opset_of_the_file(tmp_path: Path) -> None:
    b = GraphBuilder("silu", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 16))
    (gate,) = b.add("Sigmoid", [x], name="gate")
    (one,) = costcalc.suggest(b.build(b.add("Mul", [x, gate], name="product"))).ranked
    assert [node.op_type for node in one.graph.nodes] == ["Swish"]
    with pytest.raises(UsageError, match=r"opset 17, the model's, has no Swish yet.*opset 24 or later"):
        export(one.graph, tmp_path / "new.onnx")


def test_the_whole_is_at_least_what_is_known_of_it() -> None:
    b = GraphBuilder("odd", "made", {"": 17, "com.acme": 1})
    w = b.add_initializer("w", DType.FLOAT32, (32, 16, 3, 3))
    (y,) = b.add("Conv", [b.add_input("x", DType.FLOAT32, (1, 16, 6, 6)), w], name="conv")
    graph = b.build(b.add("Mystery", [y], name="mystery", domain="com.acme"))
    assert f"of the whole model: ≥ {32 * 16 * 16 * 9:,} MACs" in " ".join(str(costcalc.suggest(graph)).split())


def test_a_graph_and_a_report(file: Path) -> None:
    graph = costcalc.load(file)
    for model in (graph, costcalc.analyze(graph)):
        assert [one.after for one in costcalc.suggest(model).ranked] == [
            one.after for one in costcalc.suggest(file).ranked
        ]


def test_weights_that_two_layers_share_are_left_alone(tmp_path: Path) -> None:
    text = layers("conv: {filters: 16, kernel: 3, pad: 1, as: a}", "conv: {filters: 16, kernel: 3, pad: 1, weights: a}")
    assert not costcalc.suggest(made(tmp_path, text)).ranked


@pytest.mark.parametrize(("options", "width"), [({"dtype": "int8"}, 1), ({"dtype": "float16"}, 2), ({}, 4)])
def test_weights_in_another_type(tmp_path: Path, options: dict[str, Any], width: int) -> None:
    path = made(tmp_path, layers("conv: {filters: 32, kernel: 3, pad: 1, bias: false}"))
    one = costcalc.suggest(path, rules=["separable"], **options)[0]
    assert one.saves("weight_bytes") == width * (9 * 16 * 32 - 9 * 16 - 16 * 32)


def test_a_graph_that_is_too_large_to_rewrite_is_told_why() -> None:
    b = GraphBuilder("chain", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(5001):
        (x,) = b.add("Relu", [x], name=f"relu{i}")
    with pytest.raises(
        LimitError, match="the limit is 5,000; each suggestion is a graph of its own that is costed anew"
    ):
        costcalc.suggest(analyze_graph(b.build([x])))
