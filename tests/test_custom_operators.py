"""A custom operator with traits is fused, trained, compared and explained like the built-in one that it stands for; one
without traits is taken for no operator of ONNX, whatever its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto
from onnx import helper as h

from costcalc import ops
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.receptive_field import receptive_fields
from costcalc.analysis.report import analyze_graph
from costcalc.analysis.roofline.multiplications import fewest_multiplications
from costcalc.analysis.training.step import cost_training
from costcalc.cli.app import run
from costcalc.core import registry
from costcalc.core.ir import Graph
from costcalc.core.traits import TRAITS
from costcalc.frontends import load
from costcalc.ops import plugins
from costcalc.studies.diff.definition import definition
from costcalc.studies.diff.snapshot import snapshot

ONNX_NAMES = {
    "Filter": "Conv",
    "Scale": "BatchNormalization",
    "Squash": "Relu",
    "Gate": "Mul",
    "Fold": "Reshape",
    "Dense": "MatMul",
    "Attend": "Attention",
}
Names = dict[str, tuple[str, str]]
CUSTOM: Names = {role: ("x.y", role) for role in ONNX_NAMES}
BUILT_IN: Names = {role: ("", name) for role, name in ONNX_NAMES.items()}
BARE: Names = {role: ("x.y", name) for role, name in ONNX_NAMES.items()}
"""ONNX's names in another domain."""

FIGURES = """
from costcalc.ops.attention import attention_cost, attention_shape
from costcalc.ops.activation import activation_shape, piecewise_cost
from costcalc.ops.conv import conv_cost, conv_shape
from costcalc.ops.matmul import matmul_cost, matmul_shape
from costcalc.ops.norm import batch_norm_cost, batch_norm_shape
from costcalc.ops.reshape import reshape_shape
from costcalc.rules import Cost, elementwise_work
from costcalc.rules import cost_rule, describe, free, operands, shape_rule

for op, shape, cost in (
    ("Filter", conv_shape, conv_cost),
    ("Scale", batch_norm_shape, batch_norm_cost),
    ("Squash", activation_shape, piecewise_cost),
    ("Dense", matmul_shape, matmul_cost),
    ("Attend", attention_shape, attention_cost),
):
    shape_rule(op, domain="x.y")(shape)
    cost_rule(op, domain="x.y")(cost)
shape_rule("Fold", domain="x.y")(reshape_shape)
free("Fold", domain="x.y")
operands("Filter", "Dense", domain="x.y", weights=(1, 2))
operands("Scale", domain="x.y", weights=(1, 2), buffers=(3, 4))


@shape_rule("Gate", domain="x.y")
def gate_shape(a, b):
    return a


@cost_rule("Gate", domain="x.y")
def gate_cost(a, b, *, out):
    return Cost(work=elementwise_work("multiply", "elementwise", out.elements))
"""

DECLARED = """
from costcalc.core.traits import PRODUCT_GRADIENT, contraction_gradient, traits

traits("Filter", domain="x.y", kind="convolution", bias=2, gradient=PRODUCT_GRADIENT)
traits("Scale", domain="x.y", kind="normalisation", layout="channels_first", in_place=True, fusion="joins",
       statistics=lambda x, attributes: 2 * x.shape[1])
traits("Squash", domain="x.y", kind="activation", in_place=True, keeps="output")
traits("Gate", domain="x.y", arithmetic="multiply", in_place=True)
traits("Fold", domain="x.y", view=True, passes_on="same", positions="lost")
traits("Dense", domain="x.y", kind="product", gradient=PRODUCT_GRADIENT)
traits("Attend", domain="x.y", kind="attention", causal=lambda attributes: bool(attributes.get("is_causal", 0)),
       gradient=contraction_gradient(((0,), (1, 4)), ((0, 1, 3, 4), (2, 5))))
describe("Squashes each element.", "Squash", domain="x.y")
"""


ops.load_families()


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """What a test registers is gone after it."""
    tables: tuple[dict[Any, Any], ...] = (registry.SHAPE_RULES, registry.COST_RULES, TRAITS)
    kept, free = [dict(table) for table in tables], set(registry.FREE_OPS)
    yield
    for table, before in zip(tables, kept, strict=True):
        table.clear()
        table.update(before)
    registry.FREE_OPS.intersection_update(free)


def rules(tmp_path: Path, *parts: str) -> Path:
    path = tmp_path / "rules.py"
    path.write_text("".join(parts))
    return path


def model(path: Path, names: Names, filters: int = 6) -> Path:
    """[1, 4, 8, 8] -> 3 × 3 filters, normalisation, activation, gate, folded, a product, a causal attention."""

    def node(op: str, *inputs: str, **attributes: Any) -> Any:
        domain, op_type = names[op]
        return h.make_node(op_type, inputs, [op.lower()], name=op.lower(), domain=domain, **attributes)

    def weight(name: str, *shape: int) -> TensorProto:
        size = 4
        for extent in shape:
            size *= extent
        return TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, raw_data=bytes(size))

    channels = [weight(name, filters) for name in ("scale_by", "shift", "mean", "variance")]
    nodes = [
        node("Filter", "x", "w", kernel_shape=[3, 3]),
        node("Scale", "filter", "scale_by", "shift", "mean", "variance"),
        node("Squash", "scale"),
        node("Gate", "squash", "scale"),
        node("Fold", "gate", "shape"),
        node("Dense", "fold", "v"),
        node("Attend", "dense", "dense", "dense", q_num_heads=2, kv_num_heads=2, is_causal=1),
    ]
    shape = h.make_tensor("shape", TensorProto.INT64, [3], [1, filters, 36])
    inputs = [h.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])]
    outputs = [h.make_tensor_value_info("attend", TensorProto.FLOAT, None)]
    stored = [weight("w", filters, 4, 3, 3), *channels, weight("v", 36, 16), shape]
    graph = h.make_graph(nodes, "custom", inputs, outputs, stored)
    imports = [h.make_opsetid("", 23), h.make_opsetid("x.y", 1)]
    path.write_bytes(h.make_model(graph, opset_imports=imports).SerializeToString())
    return path


def both(tmp_path: Path) -> tuple[Graph, Graph]:
    """The model of custom operators, and the same of ONNX's."""
    plugins.load_rules(str(rules(tmp_path, FIGURES, DECLARED)))
    return load(model(tmp_path / "custom.onnx", CUSTOM)), load(model(tmp_path / "plain.onnx", BUILT_IN))


def test_it_is_fused(tmp_path: Path) -> None:
    """The filters take in the normalisation, the activation and the gate; the folded tensor is a view, the attention
    and the product stand alone."""
    custom, plain = both(tmp_path)
    steps = [step.nodes for step in fuse_steps(custom)]
    assert steps == [(0, 1, 2, 3), (4,), (5,), (6,)] == [step.nodes for step in fuse_steps(plain)]


def test_it_is_trained(tmp_path: Path) -> None:
    custom, plain = (cost_training(analyze_graph(graph)).step for graph in both(tmp_path))
    assert custom.without_rule == ()
    filters, product, scores = 6 * 36 * 36, 6 * 36 * 16, 6 * 6 * 16
    assert custom.macs["forward"] == filters + product + 2 * scores
    assert custom.macs["weight_gradient"] == filters + product, "x itself has no gradient"
    assert custom.macs["input_gradient"] == product + 4 * scores
    assert (custom.macs, custom.params, custom.nbytes) == (plain.macs, plain.params, plain.nbytes)


def test_its_least_multiplications(tmp_path: Path) -> None:
    """6 × 6 outputs of 3 × 3 taps by Winograd's F(6 × 6, 3 × 3): 64 / 324 of the MACs; 21 of 36 scores."""
    found = []
    for graph in both(tmp_path):
        report = analyze_graph(graph)
        found.append(
            [fewest_multiplications(graph, row, node) for row, node in zip(report.rows, graph.nodes, strict=True)]
        )
    assert found[0] == found[1]
    assert found[0][0] == Fraction(6 * 36 * 36 * 64, 324) and found[0][6] == 2 * 21 * 16


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints, with ONNX's names for the custom ones."""
    assert run([*arguments, "--rules", str(Path(arguments[1]).parent / "rules.py")]) in (0, 1)
    text = capsys.readouterr().out
    for role, name in ONNX_NAMES.items():
        text = re.sub(rf"\b(x\.y:)?{role}\b", name, text)
    return text


def test_its_versions_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The filters are the convolution's own, what follows them is no change; every cause has the same part."""
    rules(tmp_path, FIGURES, DECLARED)
    found = []
    for name, names in (("custom", CUSTOM), ("plain", BUILT_IN)):
        old, new = model(tmp_path / f"{name}.onnx", names), model(tmp_path / f"{name}8.onnx", names, 8)
        document = json.loads(said(capsys, "diff", str(old), str(new), "--format", "json"))
        found.append([{**layer, "place": ""} for layer in document["diffs"][0]["layers"]])
    assert found[0] == found[1]
    assert [layer["status"] for layer in found[0][:4]] == ["changed", "follows", "follows", "follows"]
    assert found[0][0]["change"] == "filters 6 → 8"


def test_it_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules(tmp_path, FIGURES, DECLARED)
    custom, plain = model(tmp_path / "custom.onnx", CUSTOM), model(tmp_path / "plain.onnx", BUILT_IN)
    for layer in ("filter", "gate", "dense"):
        texts = [said(capsys, "explain", str(path), layer) for path in (custom, plain)]
        windows = [[line for line in text.splitlines() if re.search("Receptive|⌊", line)] for text in texts]
        assert windows[0] == windows[1]
    assert "3×3 of the input" in said(capsys, "explain", str(custom), "gate")
    assert "Squashes each element." in said(capsys, "explain", str(custom), "squash")


def test_memory_of_fused_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules(tmp_path, FIGURES, DECLARED)
    paths = model(tmp_path / "custom.onnx", CUSTOM), model(tmp_path / "plain.onnx", BUILT_IN)
    found = [json.loads(said(capsys, "memory", str(path), "--fuse", "--format", "json")) for path in paths]
    for document in found:
        del document["memory"]["name"], document["memory"]["source"]
    assert found[0] == found[1]


def test_without_traits_a_name_says_nothing(tmp_path: Path) -> None:
    """x.y:Conv and x.y:Mul have figures of their own, and nothing of ONNX's Conv and Mul."""
    named = FIGURES
    for role, name in ONNX_NAMES.items():
        named = named.replace(f'"{role}"', f'"{name}"')
    plugins.load_rules(str(rules(tmp_path, named)))
    graph = load(model(tmp_path / "bare.onnx", BARE))
    report = analyze_graph(graph)
    assert report.totals["macs"] == 6 * 36 * 36 + 6 * 36 * 16 + 2 * 6 * 6 * 16, "the rules are asked"
    assert [step.nodes for step in fuse_steps(graph)] == [(i,) for i in range(7)], "nothing is fused"
    training = cost_training(report).step
    assert training.without_rule == ("filter", "dense", "attend")
    assert receptive_fields(graph)["gate"].size == (1, 1), "no window is known"
    counts = [fewest_multiplications(graph, row, node) for row, node in zip(report.rows, graph.nodes, strict=True)]
    assert counts == [row.amounts["macs"] for row in report.rows], "no multiplication can be left out"
    assert definition(next(iter(snapshot(report).layers))).width == ()
