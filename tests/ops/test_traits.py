"""Traits of operators: how they are declared and found, and that they are true of the operators themselves, by ONNX's
schemas and its reference implementation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx import helper as h
from onnx.reference import ReferenceEvaluator

from costcalc import ops
from costcalc.analysis.receptive_field import extent_formulas, window_of
from costcalc.core import registry
from costcalc.core.ir import DType, Node, TensorType
from costcalc.core.traits import TRAITS, UNKNOWN_TRAITS, Traits, traits, traits_of

ops.load_families()
MS = "com.microsoft"


def of(name: str, domain: str = "") -> Traits:
    return traits_of(Node("n", name, (), (), {}, domain))


def default_domain(chosen: Any) -> list[str]:
    """The operators of ONNX's own domain whose traits are chosen, and that ONNX has a schema of."""
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    return sorted(name for (domain, name), one in TRAITS.items() if not domain and name in known and chosen(one))


@pytest.fixture
def unchanged() -> Iterator[None]:
    before = dict(TRAITS)
    yield
    TRAITS.clear()
    TRAITS.update(before)


def test_an_operator_is_its_domain_and_its_name() -> None:
    assert of("Mul").arithmetic == "multiply"
    assert of("Mul", "acme") is UNKNOWN_TRAITS
    assert of("Conv", "x.y") is UNKNOWN_TRAITS
    assert of("Attention").causal is not of("Attention", MS).causal


def test_declarations_add_up(unchanged: None) -> None:
    traits("Blend", "Other", domain="acme", kind="product", positions="kept")
    traits("Blend", domain="acme", bias=2)
    assert of("Blend", "acme") == Traits(kind="product", positions="kept", fusion="begins", bias=2)
    assert of("Other", "acme") == Traits(kind="product", positions="kept", fusion="begins"), "a product begins a step"
    traits("Other", domain="acme", view=True)
    assert of("Other", "acme").keeps == "nothing", "a view keeps nothing for the backward pass"
    with pytest.raises(TypeError, match="unexpected keyword"):
        traits("Blend", domain="acme", colour="red")


def test_only_operators_with_rules_have_traits() -> None:
    assert set(TRAITS) <= {*registry.SHAPE_RULES, *registry.COST_RULES, *registry.FREE_OPS}


def test_traits_come_with_the_rules() -> None:
    """What the common families declare is all there is of their operators when the others are loaded as well."""
    code = (
        "from costcalc import ops\nfrom costcalc.core import registry\nfrom costcalc.core.traits import TRAITS\n"
        "common = {key: TRAITS.get(key) for key in registry.SHAPE_RULES}\n"
        "assert ('', 'Conv') in common and ('', 'Attention') not in TRAITS\n"
        "ops.load_families()\nassert ('', 'Attention') in TRAITS\n"
        "print([key for key, one in common.items() if TRAITS.get(key) != one])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_layers_of_a_file_have_their_traits() -> None:
    """A lock file's layers are compared in a process that has built no graph: their families are loaded then."""
    code = (
        "from costcalc.core.traits import TRAITS\nfrom costcalc.studies.diff.definition import operator_traits\n"
        "key = ('com.microsoft', 'QGemm')\nassert key not in TRAITS\nprint(operator_traits(key).factors)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(0, 3)"


@pytest.mark.parametrize(
    ("name", "domain", "attributes", "masks"),
    [
        ("Attention", "", {"is_causal": 1}, True),
        ("Attention", "", {"is_causal": 0}, False),
        ("Attention", "", {"unidirectional": 1}, False),
        ("Attention", MS, {"unidirectional": 1}, True),
        ("Attention", MS, {"is_causal": 1}, False),
        ("QAttention", MS, {"unidirectional": 1}, True),
        ("MultiHeadAttention", MS, {"unidirectional": 1}, True),
        ("MultiHeadAttention", MS, {}, False),
        ("GroupQueryAttention", MS, {}, True),
        ("GroupQueryAttention", MS, {"causal": 0}, False),
    ],
)
def test_causal_attention(name: str, domain: str, attributes: dict[str, Any], masks: bool) -> None:
    causal = of(name, domain).causal
    assert causal is not None and causal(attributes) is masks


@pytest.mark.parametrize("name", default_domain(lambda one: one.bias is not None))
def test_biases_are_so_called_by_onnx(name: str) -> None:
    bias = of(name).bias
    assert bias is not None and onnx.defs.get_schema(name).inputs[bias].name in ("B", "C")


FILTERS = default_domain(lambda one: "convolution" in one.kind or one.kind == "product")


@pytest.mark.parametrize("name", FILTERS)
def test_factors_are_no_scales(name: str) -> None:
    inputs = [one.name.lower() for one in onnx.defs.get_schema(name).inputs]
    assert [inputs[i] for i in of(name).factors] in (["x", "w"], ["a", "b"], ["input", "weight"])
    assert of(name).factors[1] in of(name).weights


@pytest.mark.parametrize(
    ("name", "stored", "attributes"),
    [
        ("NhwcConv", [TensorType(DType.FLOAT32, (6, 4, 5, 3))], {}),
        ("NhwcMaxPool", [], {"kernel_shape": (5, 3)}),
        ("QLinearAveragePool", [], {"kernel_shape": (5, 3), "channels_last": 1}),
    ],
)
def test_windows_of_channels_last_tensors(name: str, stored: list[TensorType], attributes: dict[str, Any]) -> None:
    """[N, h, w, C]: h = 10 - 5 + 1 = 6 and w = 8 - 3 + 1 = 6."""
    inputs = ("x", "w")[: 1 + len(stored)]
    read = dict(zip(inputs, [TensorType(DType.FLOAT32, (1, 10, 8, 4)), *stored], strict=True))
    node = Node("n", name, inputs, ("y",), attributes, MS)
    found = window_of(node, {**read, "y": TensorType(DType.FLOAT32, (1, 6, 6, 6 if stored else 4))})
    assert found is not None
    assert extent_formulas(found) == ("h: ⌊(10 + 0 + 0 - 5) / 1⌋ + 1 = 6", "w: ⌊(8 + 0 + 0 - 3) / 1⌋ + 1 = 6")


def test_past_keys_and_values() -> None:
    inputs = [one.name for one in onnx.defs.get_schema("Attention").inputs]
    rule = of("Attention").caches
    assert rule is not None
    t = TensorType(DType.FLOAT16, (2, 5, 64))
    slots = rule((t, t, t), {"q_num_heads": 8, "kv_num_heads": 4}, 7)
    assert [(inputs[slot.position], slot.name) for slot in slots] == [("past_key",) * 2, ("past_value",) * 2]
    assert {slot.type for slot in slots} == {TensorType(DType.FLOAT16, (2, 4, 7, 16))}


def result(name: str, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What ONNX's reference implementation gives of an operator with one input and its default attributes."""
    bounds = [np.float32(-1), np.float32(1)] if name == "Clip" else []
    inputs = [h.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("x", "low", "high")[: 1 + len(bounds)]]
    output = h.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = h.make_graph([h.make_node(name, [i.name for i in inputs], ["y"])], "g", inputs, [output])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
    feeds = dict(zip(("x", "low", "high"), (x, *bounds), strict=False))
    (y,) = ReferenceEvaluator(model).run(None, feeds)
    return np.asarray(y)


@pytest.mark.parametrize("name", default_domain(lambda one: one.monotone))
def test_monotone(name: str) -> None:
    assert np.all(np.diff(result(name, np.linspace(-4, 4, 81, dtype=np.float32))) >= 0)


@pytest.mark.parametrize("name", default_domain(lambda one: one.non_negative))
def test_non_negative(name: str) -> None:
    low = 0 if name == "Sqrt" else -4
    assert np.all(result(name, np.linspace(low, 4, 81, dtype=np.float32)) >= 0)


ALONE = [
    name
    for name in default_domain(lambda one: one.in_place and one.kind == "activation")
    if onnx.defs.get_schema(name).min_input == 1 and onnx.defs.get_schema(name).since_version <= 18
]


@pytest.mark.parametrize("name", ALONE)
def test_in_place(name: str) -> None:
    """Each element is a function of the element at its own place."""
    x = np.linspace(-3, 3, 12, dtype=np.float32)
    assert np.array_equal(result(name, x[::-1]), result(name, x)[::-1])


@pytest.mark.parametrize("name", default_domain(lambda one: one.passes_on == "same"))
def test_all_values_are_passed_on(name: str) -> None:
    """As many values come out as go in, and the same ones."""
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    extra = {"Reshape": [3, 2], "Unsqueeze": [0], "Squeeze": [0]}.get(name)
    stored = [h.make_tensor("more", TensorProto.INT64, [len(extra)], extra)] if extra else []
    inputs = [h.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 3])]
    output = h.make_tensor_value_info("y", TensorProto.FLOAT, None)
    node = h.make_node(name, ["x", *(t.name for t in stored)], ["y"])
    graph = h.make_graph([node], "g", inputs, [output], stored)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
    (y,) = ReferenceEvaluator(model).run(None, {"x": x})
    assert sorted(np.asarray(y).ravel()) == sorted(x.ravel())


def test_an_operator_loads_its_own_family_only() -> None:
    """Families of other formats take longer to import than a small model takes to be read."""
    program = (
        "import sys\nfrom costcalc import ops\n"
        "ops.load_operator('com.microsoft', 'MoE')\nops.load_operator('', 'Gather')\n"
        "assert 'costcalc.ops.contrib.moe' in sys.modules and 'costcalc.ops.indexing' in sys.modules\n"
        "assert not {'costcalc.ops.tflite.numeric', 'costcalc.ops.ml.models'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_rules_of_an_operator_stand_in_one_family() -> None:
    """An operator that is met loads the first family with its shape rule alone, so no other may add to it."""
    program = (
        "from importlib import import_module\n"
        "from costcalc import ops\nfrom costcalc.core import registry\nfrom costcalc.core.traits import TRAITS\n"
        "def entries():\n"
        "    tables = (registry.SHAPE_RULES, registry.COST_RULES, registry.VALUE_RULES, TRAITS,\n"
        "        dict.fromkeys(registry.FREE_OPS))\n"
        "    return [dict(table) for table in tables]\n"
        "def new(after, before):\n"
        "    return {k for a, b in zip(after, before) for k in a if k not in b or a[k] != b[k]}\n"
        "before, known = entries(), {key for table in entries() for key in table}\n"
        "for family in ops.OTHER_FAMILIES:\n"
        "    import_module(f'costcalc.ops.{family}')\n"
        "    after = entries()\n"
        "    added = new(after, before)\n"
        "    repeated = {key for key in added & known if family not in ops.TFLITE_FAMILIES}\n"
        "    assert not repeated, (family, repeated)\n"
        "    before, known = after, known | added\n"
        "assert len(known) > 500\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
