"""A custom operator with traits is fused, trained, compared and explained like the built-in one that it stands for; one
without traits is taken for no operator of ONNX, whatever its name."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto
from onnx import helper as h
from onnx import load as load_proto
from support.distributions import install
from support.paths import ONNX_FILES

from costcalc import analyze, ops
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.receptive_field import receptive_fields
from costcalc.analysis.report import analyze_graph
from costcalc.analysis.roofline.multiplications import fewest_multiplications
from costcalc.analysis.training.step import cost_training
from costcalc.cli.app import run
from costcalc.core import registry
from costcalc.core.quantities import CATALOGUE
from costcalc.core.traits import TRAITS
from costcalc.frontends import load
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import find_convolution
from costcalc.ops import plugins
from costcalc.rules import Graph
from costcalc.studies.diff.definition import define_layer, operator_traits
from costcalc.studies.diff.keys import operator_family
from costcalc.studies.diff.snapshot import snapshot
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings

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
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule

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
    tables: tuple[dict[Any, Any], ...] = (registry.SHAPE_RULES, registry.COST_RULES, registry.VALUE_RULES, TRAITS)
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


def test_its_cheaper_form_is_suggested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Traits call the filters a convolution, and they have Conv's attributes and extents."""
    rules(tmp_path, FIGURES, DECLARED)
    found = []
    for name, names in (("custom", CUSTOM), ("plain", BUILT_IN)):
        path = model(tmp_path / f"{name}.onnx", names)
        document = json.loads(said(capsys, "suggest", str(path), "--rule", "separable", "--format", "json"))
        (one,) = document["suggestions"]["suggestions"]
        found.append((one["layers"], one["saves"]["macs"], one["ratios"][0]["working"]))
    assert found[0] == found[1] == (["filter"], 6 * 36 * 36 - 4 * 36 * 9 - 6 * 4 * 36, "1/6 + 1/9")


@pytest.mark.parametrize("more", [{"activation": "Relu"}, {"strides": [2, 2]}, {}])
def test_what_may_compute_another_thing_is_no_convolution_to_rewrite(more: dict[str, Any], tmp_path: Path) -> None:
    """An attribute of its own, extents that Conv would not have, traits that say integers."""
    plugins.load_rules(str(rules(tmp_path, FIGURES, DECLARED)))
    graph = load(model(tmp_path / "custom.onnx", CUSTOM))
    assert find_convolution(GraphIndex(graph), 0) is not None
    if not more:
        TRAITS["x.y", "Filter"] = TRAITS["x.y", "Filter"]._replace(straight_through=True)
    first = graph.nodes[0]._replace(attributes={**graph.nodes[0].attributes, **more})
    assert find_convolution(GraphIndex(graph._replace(nodes=(first, *graph.nodes[1:]))), 0) is None


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


def bare_rules(tmp_path: Path) -> Path:
    """Rules for operators with ONNX's names in another domain, without traits."""
    named = FIGURES
    for role, name in ONNX_NAMES.items():
        named = named.replace(f'"{role}"', f'"{name}"')
    return rules(tmp_path, named)


def test_without_traits_a_name_says_nothing(tmp_path: Path) -> None:
    """x.y:Conv and x.y:Mul have figures of their own, and nothing of ONNX's Conv and Mul."""
    plugins.load_rules(str(bare_rules(tmp_path)))
    graph = load(model(tmp_path / "bare.onnx", BARE))
    report = analyze_graph(graph)
    assert report.totals["macs"] == 6 * 36 * 36 + 6 * 36 * 16 + 2 * 6 * 6 * 16, "the rules are asked"
    assert [step.nodes for step in fuse_steps(graph)] == [(i,) for i in range(7)], "nothing is fused"
    training = cost_training(report).step
    assert training.without_rule == ("filter", "dense", "attend")
    assert receptive_fields(graph)["gate"].size == (1, 1), "no window is known"
    counts = [fewest_multiplications(graph, row, node) for row, node in zip(report.rows, graph.nodes, strict=True)]
    assert counts == [row.figures["macs"] for row in report.rows], "no multiplication can be left out"
    assert define_layer(next(iter(snapshot(report).layers))).width == ()


def test_without_traits_no_command_takes_it_for_onnxs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is suggested; other counters know nothing of it; in a diff it is of no family."""
    path, chosen = model(tmp_path / "bare.onnx", BARE), ["--rules", str(bare_rules(tmp_path)), "--format", "json"]
    assert run(["suggest", str(path), *chosen]) == 0
    assert json.loads(capsys.readouterr().out)["suggestions"]["suggestions"] == []
    assert run(["reconcile", str(path), *chosen]) == 0
    counters = {one["name"]: one for one in json.loads(capsys.readouterr().out)["reconciliation"]["counters"]}
    assert (counters["onnx_tool"]["figure"], counters["thop"]["figure"]) == (0, 0)
    version = snapshot(analyze_graph(load(path)))
    assert [operator_family(layer) for layer in version.layers] == [""] * 7


@pytest.mark.parametrize("op, size", [("MaxPool", {"kernel_shape": [2, 2]}), ("LayerNormalization", {}), ("Sum", {})])
def test_onnxs_name_in_another_domain_is_reconciled(
    op: str, size: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.SHAPE_RULES["x.y", op] = registry.SHAPE_RULES["", "Relu"]
    registry.COST_RULES["x.y", op] = registry.COST_RULES["", "Relu"]
    x, y = (
        h.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [1, 4, 8, 8]), ("y", None))
    )
    graph = h.make_graph([h.make_node(op, ["x"], ["y"], name="one", domain="x.y")], "one", [x], [y])
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("x.y", 1)])
    (tmp_path / "one.onnx").write_bytes(made.SerializeToString())
    assert run(["reconcile", str(tmp_path / "one.onnx")]) == 0
    assert "onnx_tool" in capsys.readouterr().out


def test_in_a_diff_it_is_of_the_family_of_its_kind(tmp_path: Path) -> None:
    """As its built-in counterpart."""
    custom, plain = (snapshot(analyze_graph(graph)) for graph in both(tmp_path))
    families = [operator_family(layer) for layer in custom.layers]
    assert families == [operator_family(layer) for layer in plain.layers]
    assert families == ["contraction", "normalisation", "activation", "arithmetic", "", "contraction", ""]


def test_a_package_with_traits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its operators are fused and trained; of versions from a lock file they are known too."""
    install(tmp_path, "acme_traits", FIGURES + DECLARED, "costcalc.rules", "acme_traits")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_traits", raising=False)
    plugins.load_installed_rules.cache_clear()
    assert operator_traits(("x.y", "Filter")).kind == "convolution", "no graph of this process has had it"
    paths = model(tmp_path / "custom.onnx", CUSTOM), model(tmp_path / "plain.onnx", BUILT_IN)
    found = []
    for path in paths:
        report = analyze(
            str(path), execution={"fuse": True, "in_place": True, "align": 16}, training=True, devices="t4"
        )
        found.append(report.to_dict()["totals"])
    plugins.load_installed_rules.cache_clear()
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["toy_lstm__ts", "toy_unet_convt__ts_dynhw", "toy_gru__ts_dynamic", "resnet18__ts"])
def test_a_whole_model_of_custom_operators_has_the_figures_of_onnxs(name: str, tmp_path: Path) -> None:
    """Every operator under another name in another domain, with the same rules and traits."""
    tables: tuple[dict[Any, Any], ...] = (registry.SHAPE_RULES, registry.COST_RULES, registry.VALUE_RULES, TRAITS)
    for table in tables:
        table.update({("x.y", f"Own{op}"): held for (domain, op), held in list(table.items()) if not domain})
    registry.FREE_OPS.update([("x.y", f"Own{op}") for domain, op in registry.FREE_OPS if not domain])
    proto = load_proto(ONNX_FILES / f"{name}.onnx", load_external_data=False)
    for node in proto.graph.node:
        if node.op_type != "Constant":
            node.op_type, node.domain = f"Own{node.op_type}", "x.y"
    proto.opset_import.add(domain="x.y", version=next(one.version for one in proto.opset_import if not one.domain))
    path = tmp_path / "own.onnx"
    path.write_bytes(proto.SerializeToString())
    settings = Settings.of(execution={"fuse_blocks": True, "in_place": True, "align": 16}, training=True, devices="t4")
    own, plain = (measure(str(one), settings) for one in (path, ONNX_FILES / f"{name}.onnx"))
    assert {row.domain for row in own.base.layers} == {"x.y"}
    for key, quantity in CATALOGUE.items():
        ref = f"{key}.t4" if quantity.per_device else key
        assert str(own.attempt(ref)) == str(plain.attempt(ref)), ref
    fields = [receptive_fields(one.base.graph) for one in (own, plain)]
    assert {k: str(v) for k, v in fields[0].items()} == {k: str(v) for k, v in fields[1].items()}
