"""Nodes of every operator that has a rule: valid ones, found by trial, and what goes wrong with them one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from costcalc.analysis.cost import cost_graph
from costcalc.core import registry
from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx
from costcalc.ops import load_families
from costcalc.ops.schema import Schema, find_schema

OPSETS = {"": 27, "ai.onnx.ml": 5, "com.microsoft": 1, "ai.onnx.preview": 1, "ai.onnx.preview.training": 1}

SHAPES: tuple[tuple[int, ...], ...] = ((2, 4, 8, 8), (4, 4), (4,), (2, 4, 4), (), (1,), (4, 2, 3, 3))

NUMBERS = (1, 2, 4, 0, 3)

STRINGS = ("mean", "constant", "ij,jk->ik", "DCR", "NOTSET", "linear", "forward", "LEFT", "silu", "BRANCH_EQ")

GRAPHS = ("If", "Loop", "Scan", "SequenceMap", "TreeEnsemble")
"""Operators whose attributes are graphs, or trees: they have tests of their own."""

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64

Value = tuple[int, tuple[int, ...], bool]
"""An input's element type, its shape, and whether its elements are known."""


def operators() -> list[tuple[str, str]]:
    """(domain, operator) of each rule of the package whose schema is known."""
    load_families()
    keys = {*registry.SHAPE_RULES, *registry.COST_RULES}
    known = [key for key in sorted(keys) if find_schema(*key, OPSETS.get(key[0], 1)) and key[1] not in GRAPHS]
    return [key for key in known if key[0] in OPSETS]


def make_attributes(schema: Schema, r: random.Random) -> dict[str, Any]:
    """The attributes that must be given, and some that may be."""
    names = [name for name in schema.attributes if name in schema.required or r.random() < 0.15]
    made: dict[str, Any] = {}
    for name in names:
        code, number = schema.attributes[name], r.choice(NUMBERS)
        values: dict[str, Any] = {"i": number, "f": 0.5, "s": r.choice(STRINGS), "F": [0.5, 0.5], "S": ["a"]}
        values["I"] = [r.choice(NUMBERS)] * r.choice((1, 2, 2, 4))
        values["t"] = helper.make_tensor("t", FLOAT, [2], [0.5, 0.5])
        if code in values:
            made[name] = values[code]
    return made


def make_value(r: random.Random) -> Value:
    """An input: a float tensor, or a small integer tensor of known elements."""
    kind = r.choice((FLOAT, FLOAT, FLOAT, FLOAT, INT, INT, TensorProto.UINT8, TensorProto.INT32, TensorProto.BOOL))
    is_known = kind == INT and r.random() < 0.8
    return kind, (r.choice((1, 2, 4)),) if is_known else r.choice(SHAPES), is_known


def make_model(node: NodeProto, values: list[Value], elements: int = 1, opset: int = 0) -> ModelProto:
    """A model of a Relu on x, the node, and a Relu on the first output that has a name."""
    inputs, stored = [helper.make_tensor_value_info("x", FLOAT, [2, 4, 8, 8])], []
    for i, (kind, shape, is_known) in enumerate(values):
        if is_known:
            stored.append(helper.make_tensor(f"i{i}", kind, shape, [elements] * (shape[0] if shape else 1)))
        else:
            inputs.append(helper.make_tensor_value_info(f"i{i}", kind, shape))
    before = helper.make_node("Relu", ["x"], ["relu"])
    outputs = [name for name in node.output if name] or ["relu"]
    after = helper.make_node("Identity", outputs[:1], ["last"])
    infos = [helper.make_empty_tensor_value_info("last")]
    graph = helper.make_graph([before, node, after], "mutated", inputs, infos, stored)
    imports = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    if opset:
        imports[0].version = opset
    return helper.make_model(graph, opset_imports=imports)


def is_read(model: ModelProto) -> bool:
    """Whether costcalc reads and costs a model, and knows the type of its output."""
    try:
        graph = load_onnx(model.SerializeToString())
        cost_graph(graph)
    except CostcalcError:
        return False
    return graph.types["last"].shape is not None


INPUTS: dict[tuple[str, str], tuple[dict[str, Any], tuple[tuple[int, ...], ...]]] = {
    ("", "CausalConvWithState"): ({}, ((2, 4, 8), (4, 1, 3))),
    ("", "DeformConv"): ({}, ((2, 4, 8, 8), (4, 4, 3, 3), (2, 18, 6, 6))),
    ("", "GRU"): ({"hidden_size": 4}, ((5, 2, 3), (1, 12, 3), (1, 12, 4))),
    ("", "GridSample"): ({}, ((2, 4, 8, 8), (2, 5, 5, 2))),
    ("", "LSTM"): ({"hidden_size": 4}, ((5, 2, 3), (1, 16, 3), (1, 16, 4))),
    ("", "RNN"): ({"hidden_size": 4}, ((5, 2, 3), (1, 4, 3), (1, 4, 4))),
    ("com.microsoft", "Attention"): ({"num_heads": 2}, ((2, 5, 8), (8, 24), (24,))),
    ("com.microsoft", "EngramGate"): ({}, ((2, 5, 3, 4), (2, 5, 3, 4), (2, 5, 4), (3, 4), (3, 4), (3, 4))),
    ("com.microsoft", "GatedRelativePositionBias"): (
        {"num_heads": 2},
        ((2, 5, 8), (8,), (1, 2, 5, 5), (4, 6), (6,), (1, 2, 1, 1)),
    ),
    ("com.microsoft", "GridSample"): ({}, ((2, 4, 8, 8), (2, 5, 5, 2))),
    ("com.microsoft", "HyperConnectionLowRankMix"): ({"num_branches": 2}, ((2, 5, 8), (8,), (8, 3), (3, 8), (8, 2))),
}
"""Attributes and input shapes of operators for which trial finds none."""


def find_valid(key: tuple[str, str], tries: int = 150) -> tuple[NodeProto, list[Value]] | None:
    """A node of an operator that is read, by trial; None where none was found."""
    schema = find_schema(*key, OPSETS[key[0]])
    assert schema is not None
    r = random.Random(f"{key}")
    if key in INPUTS:
        attributes, shapes = INPUTS[key]
        names, outputs = (
            [f"{word}{i}" for i in range(n)] for word, n in (("i", len(shapes)), ("o", max(schema.min_outputs, 1)))
        )
        node = helper.make_node(key[1], names, outputs, domain=key[0], **attributes)
        return node, [(FLOAT, shape, False) for shape in shapes]
    for _ in range(tries):
        count = max(schema.min_inputs, len(schema.inputs) if r.random() < 0.2 else 0)
        same = make_value(r) if r.random() < 0.4 else None
        values = [same or make_value(r) for _ in range(count)]
        names = [f"i{i}" for i in range(count)]
        if names and values[0][0] == FLOAT and r.random() < 0.5:
            names[0], values[0] = "relu", (FLOAT, SHAPES[0], False)
        outputs = [f"o{i}" for i in range(max(schema.min_outputs, 1))]
        node = helper.make_node(key[1], names, outputs, domain=key[0], **make_attributes(schema, r))
        if is_read(make_model(node, values)):
            return node, values
    return None


def mutants(node: NodeProto, values: list[Value]) -> Iterator[ModelProto]:
    """A valid node -> models in which one thing about it is wrong, or rare."""
    yield make_model(node, values)
    for change in (*_wirings(node), *_attributes(node)):
        yield make_model(change, values)
    for elements in (-1, -10_000_000, 0, 3):
        if any(is_known for *_, is_known in values):
            yield make_model(node, values, elements)
    foreign = _copy(node)
    foreign.domain = "x.y"
    for change in (foreign, *_wirings(foreign)):
        yield make_model(change, values)
    for shape in ((), (0,), (1,)):
        yield make_model(node, [(kind, shape, False) for kind, _, _ in values])
    yield make_model(node, values, opset=9)


def random_nodes(key: tuple[str, str], count: int) -> Iterator[ModelProto]:
    """An operator -> models of a node that its schema allows, with inputs of any rank, some without elements."""
    schema = find_schema(*key, OPSETS[key[0]])
    assert schema is not None
    r = random.Random(f"shapes of {key}")
    for _ in range(count):
        number = r.randint(schema.min_inputs, max(len(schema.inputs), schema.min_inputs))
        values = [_any_value(r) for _ in range(number)]
        if r.random() < 0.3:
            values = values[:1] * number
        names = [f"i{i}" if i < schema.min_inputs or r.random() < 0.8 else "" for i in range(number)]
        outputs = [f"o{i}" for i in range(max(schema.min_outputs, 1))]
        node = helper.make_node(key[1], names, outputs, domain=key[0], **make_attributes(schema, r))
        yield make_model(node, values, r.choice((1, 1, 0, -1, 3)))


def _any_value(r: random.Random) -> Value:
    kind = r.choice((FLOAT, FLOAT, FLOAT, INT, INT, TensorProto.UINT8, TensorProto.INT32, TensorProto.BOOL))
    if kind == INT and r.random() < 0.7:
        return kind, (r.choice((1, 2, 4)),), True
    return kind, tuple(r.choice((0, 1, 2, 3, 4, 8)) for _ in range(r.choice((0, 1, 1, 2, 2, 3, 3, 4, 5)))), False


def _copy(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy


def _wirings(node: NodeProto) -> Iterator[NodeProto]:
    inputs, outputs = list(node.input), list(node.output)
    wirings = [(inputs[:-1], outputs), ([*inputs, "relu"], outputs), ([], outputs), (inputs, outputs[:-1])]
    wirings += [([*inputs[:i], "", *inputs[i + 1 :]], outputs) for i in range(len(inputs))]
    wirings += [(inputs, ["", *outputs[1:]]), (inputs, [*outputs, "more"]), (inputs, ["", "other"])]
    for new_inputs, new_outputs in wirings:
        change = _copy(node)
        del change.input[:], change.output[:]
        change.input.extend(new_inputs)
        change.output.extend(new_outputs)
        yield change


def _attributes(node: NodeProto) -> Iterator[NodeProto]:
    schema = find_schema(node.domain, node.op_type, OPSETS[node.domain])
    assert schema is not None
    for name, code in schema.attributes.items():
        others: tuple[Any, ...] = {
            "i": (-5, 2.5, -(2**40), "a", [1]),
            "I": ([-3, -3], [-1], 2, [0.5], [1, 1, 1, 1, 1, 1, 1]),
            "f": ("a", [0.5], float("nan")),
            "s": (1, "no such word", ["a"]),
        }.get(code, (1,))
        for value in others:
            change = _copy(node)
            kept = [a for a in node.attribute if a.name != name]
            del change.attribute[:]
            change.attribute.extend([*kept, helper.make_attribute(name, value)])
            yield change
        reference = _copy(node)
        del reference.attribute[:]
        kept = [a for a in node.attribute if a.name != name]
        reference.attribute.extend([*kept, AttributeProto(name=name, ref_attr_name="outer", type=AttributeProto.INT)])
        yield reference
