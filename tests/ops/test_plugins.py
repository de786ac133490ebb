"""Rules for operators that costcalc does not know: from a file, and from an installed package."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import TensorProto
from onnx import helper as h
from support.distributions import install
from support.onnx_models import info, weight
from support.onnx_models import model as onnx_model
from support.paths import ROOT

from costcalc.cli.app import run
from costcalc.core import registry
from costcalc.core.traits import TRAITS
from costcalc.ops import load_families, plugins

RULES = '''
"""Swish in one operator, and a product with a gate."""

from costcalc.core.formula import Cost, elementwise_work, formula; from costcalc.core.ir import TensorType; from costcalc.core.registry import cost_rule, describe, operands, shape_rule

describe("x · sigmoid(b · x).", "Swish", domain="com.acme")
operands("GatedMatMul", domain="com.acme", weights=(1,))


@shape_rule("Swish", domain="com.acme")
def swish_shape(x):
    return TensorType(x.dtype, x.shape)


@cost_rule("Swish", domain="com.acme")
def swish_cost(x, *, beta=1.0):
    """2 per element: a sigmoid and a multiplication, and one more where beta is not 1."""
    work = elementwise_work("transcendental", "activation", x.elements, 1) + elementwise_work("multiply", "activation", x.elements, 1)
    return Cost(work=work + elementwise_work("multiply", "activation", x.elements, int(beta != 1.0)))


@shape_rule("GatedMatMul", domain="com.acme")
def gated_shape(x, w):
    return TensorType(x.dtype, (*x.shape[:-1], w.shape[1]))


@cost_rule("GatedMatMul", domain="com.acme")
def gated_cost(x, w, *, out):
    """M · K · N."""
    return Cost(formula(("outputs", out.elements), ("K", w.shape[0])))
'''


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules that a test registers are gone after it; those of the families stay."""
    load_families()
    kept = [dict(d) for d in (registry.SHAPE_RULES, registry.COST_RULES, TRAITS)]
    monkeypatch.setattr(plugins, "RULE_FILES", [])
    plugins.load_installed_rules.cache_clear()
    yield
    for d, before in zip((registry.SHAPE_RULES, registry.COST_RULES, TRAITS), kept, strict=True):
        d.clear()  # type: ignore[attr-defined]
        d.update(before)  # type: ignore[attr-defined]
    plugins.load_installed_rules.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A product with 8·5 weights of 3 rows, and a custom activation."""
    nodes = [
        h.make_node("GatedMatMul", ["x", "w"], ["m"], name="product", domain="com.acme"),
        h.make_node("Swish", ["m"], ["y"], name="swish", domain="com.acme", beta=2.0),
    ]
    inputs = [info("x", TensorProto.FLOAT, [3, 8])]
    path = tmp_path / "custom.onnx"
    path.write_bytes(onnx_model(nodes, inputs, ["y"], [weight("w", 8, 5)], opsets={"com.acme": 1}, name="custom"))
    return str(path)


def analysed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["analyze", *arguments, "--format", "json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)["models"][0]
    return found


def test_without_rules_it_is_a_lower_bound(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert analysed(capsys, model)["lower_bound"]


def test_rules_of_a_file(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(RULES)
    found = analysed(capsys, model, "--rules", str(rules))
    assert not found["lower_bound"]
    totals = found["totals"]
    assert isinstance(totals, dict)
    assert totals["macs"] == 3 * 8 * 5
    assert totals["flops"] == 2 * 3 * 8 * 5 + 3 * 3 * 5
    assert totals["params"] == 8 * 5
    assert run(["explain", model, "swish", "--rules", str(rules)]) == 0
    assert "x · sigmoid(b · x)" in capsys.readouterr().out


def test_rules_of_a_file_in_other_processes(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(RULES)
    assert run(["analyze", model, model, "--rules", str(rules), "--jobs", "2", "--format", "json"]) == 0
    assert [m["lower_bound"] for m in json.loads(capsys.readouterr().out)["models"]] == [False, False]


def test_rules_of_an_installed_package(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are asked for where an operator is met that nothing else knows, and only there."""
    install(tmp_path, "acme_costs", RULES, "costcalc.rules", "acme_costs")
    monkeypatch.syspath_prepend(tmp_path)
    plugins.load_installed_rules.cache_clear()
    analysed(capsys, "lenet5")
    assert "acme_costs" not in sys.modules
    assert not analysed(capsys, model)["lower_bound"]
    assert "acme_costs" in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "there is no Python file"), ("1 / 0", "ZeroDivisionError"), ("def", "SyntaxError")],
)
def test_files_that_cannot_be_run(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, said: str
) -> None:
    rules = tmp_path / "rules.py"
    if text is not None:
        rules.write_text(text)
    assert run(["analyze", model, "--rules", str(rules)]) == 2
    assert said in capsys.readouterr().err


def test_a_rule_that_fails_is_named(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(RULES.replace("x.elements, int(beta != 1.0)", "x.size, 1"))
    assert run(["analyze", model, "--rules", str(rules)]) == 2
    said = capsys.readouterr().err
    assert "swish (Swish): its rule swish_cost fails with AttributeError" in said
    assert "bug in costcalc" not in said


def test_the_guides_rules_are_traits_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "how-to" / "custom-operator.md").read_text(encoding="utf-8")
    (block,) = re.findall(r" *<!-- file: rules.py -->\n *```py\n(.*?) *```", page, re.S)
    (tmp_path / "rules.py").write_text(textwrap.dedent(block), encoding="utf-8")
    nodes = [
        h.make_node("GatedMatMul", ["x", "w"], ["m"], name="product", domain="com.acme"),
        h.make_node("Relu", ["m"], ["y"], name="relu"),
    ]
    x, y = (h.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [3, 8]), ("y", None)))
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[8, 5], raw_data=bytes(160))
    graph = h.make_graph(nodes, "gated", [x], [y], [weight])
    imports = [h.make_opsetid("", 17), h.make_opsetid("com.acme", 1)]
    (tmp_path / "gated.onnx").write_bytes(h.make_model(graph, opset_imports=imports).SerializeToString())
    arguments = [str(tmp_path / "gated.onnx"), "--rules", str(tmp_path / "rules.py"), "--format", "json"]
    assert run(["analyze", *arguments, "--training"]) == 0
    totals = json.loads(capsys.readouterr().out)["models"][0]["totals"]
    assert totals["macs"] == 3 * 8 * 5
    assert totals["params"] == 8 * 5
    assert totals["backward_macs"] == 3 * 8 * 5, "the weight's gradient; the input needs none"
    assert run(["memory", *arguments, "--fuse"]) == 0
    memory = json.loads(capsys.readouterr().out)["memory"]
    assert [step["layers"] for step in memory["steps"]] == [["product", "relu"]]
    assert memory["totals"]["peak_activation_bytes"] == 4 * (3 * 8 + 3 * 5)
