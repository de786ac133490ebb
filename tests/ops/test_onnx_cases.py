"""ONNX's own one-operator test cases for these families: shapes, element types, and values where a rule gives them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from costcalc import ops
from costcalc.core import registry
from costcalc.core.ir import DTYPE_OF_CODE, TensorType
from costcalc.graph.builder import GraphBuilder

FAMILIES = (
    "activation",
    "elementwise",
    "norm",
    "pool",
    "reduce",
    "softmax",
    "unary",
)
ops.load_families()
MODULES = {f"costcalc.ops.{family}" for family in FAMILIES}
OPS = {key[1] for key, rule in registry.SHAPE_RULES.items() if rule.function.__module__ in MODULES and not key[0]}


def cases() -> Iterator[Any]:
    """(model, inputs, outputs) of every case with one node of these families and plain tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        collected: list[Any] = load_model_tests(kind="node")
    for case in collected:
        graph = case.model.graph
        if len(graph.node) == 1 and graph.node[0].op_type in OPS and not graph.node[0].domain:
            inputs, outputs = case.data_sets[0]
            if all(isinstance(x, (np.ndarray, np.generic, onnx.TensorProto)) for x in (*inputs, *outputs)):
                yield case.name, case.model, inputs, outputs


def as_type(tensor: Any) -> TensorType:
    """The type of a tensor, its value included."""
    proto = tensor if isinstance(tensor, onnx.TensorProto) else numpy_helper.from_array(np.asarray(tensor))
    array = numpy_helper.to_array(proto)
    value = None if array.size > 4096 or proto.data_type == 8 else tuple(array.reshape(-1).tolist())
    return TensorType(DTYPE_OF_CODE[proto.data_type], tuple(array.shape), value)


def plain(attribute: onnx.AttributeProto) -> Any:
    """An attribute as the rules take it."""
    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value if isinstance(value, (int, float)) else tuple(value)


def test_cases() -> None:
    wrong: list[str] = []
    shapes, values = 0, 0
    for name, model, inputs, outputs in cases():
        node = model.graph.node[0]
        builder = GraphBuilder(name, "", {o.domain: o.version for o in model.opset_import})
        for info, tensor in zip(model.graph.input, inputs, strict=True):
            builder.types[info.name] = as_type(tensor)
        attributes = {a.name: plain(a) for a in node.attribute}
        builder.add(node.op_type, list(node.input), attributes, name="n", outputs=list(node.output))
        for info, tensor in zip(model.graph.output, outputs, strict=True):
            expected, found = as_type(tensor), builder.types[info.name]
            shapes += 1
            if found[:2] != expected[:2]:
                wrong.append(f"{name}: {found[:2]} instead of {expected[:2]}")
        found, expected = builder.types[node.output[0]], as_type(outputs[0])
        if ("", node.op_type) in registry.VALUE_RULES and found.value is not None:
            values += 1
            pairs = zip(found.value, expected.value or (), strict=True)
            wrong += [f"{name}: {x} instead of {y}" for x, y in pairs if not math.isclose(x, y, rel_tol=1e-6)][:1]
    assert not wrong
    assert shapes > 600
    assert values > 250


# Operators whose schema asks for inputs of a kind that this table does not make.
OTHER = {"BatchNormalization", "GroupNormalization", "InstanceNormalization", "MaxUnpool", "NegativeLogLikelihoodLoss"}
OTHER |= {"SoftmaxCrossEntropyLoss", "LRN", "CumSum", "CumProd", "Identity", "Dropout", "BitShift"}
BOOLEAN = {"And", "Or", "Xor", "Not"}
VARIADIC = {"Min", "Max", "Sum", "Mean"}


@pytest.mark.parametrize("op_type", sorted(OPS - OTHER))
def test_every_opset(op_type: str) -> None:
    """From 7 to the newest, each version of the operator gives what ONNX's inference gives."""
    versions = {s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.name == op_type and not s.domain}
    newest = onnx.defs.onnx_opset_version()
    for opset in sorted({max(v, 7) for v in versions} | {newest}):
        schema = onnx.defs.get_schema(op_type, opset, "")
        floats = any("tensor(float)" in c.allowed_type_strs for c in schema.type_constraints)
        code = 9 if op_type in BOOLEAN else 1 if floats and not op_type.startswith("Bitwise") else 7
        required = [i for i in schema.inputs if i.option != onnx.defs.OpSchema.FormalParameterOption.Optional]
        inputs: list[tuple[int, tuple[int, ...]]]
        inputs = [(9 if op_type == "Where" and i == 0 else code, (2, 4, 6)) for i in range(len(required))]
        if op_type in VARIADIC:
            inputs *= 3
        if op_type in ("LayerNormalization", "RMSNormalization"):
            inputs[1] = (code, (6,))
        how: dict[str, Any] = {"kernel_shape": (2,)} if "kernel_shape" in schema.attributes else {}
        if "to" in schema.attributes:
            how["to"] = code
        if op_type == "MeanVarianceNormalization":
            how["axes"] = (0, 2)
        names = [f"i{i}" for i in range(len(inputs))]
        node = helper.make_node(op_type, names, ["o"], **how)
        protos = {n: helper.make_tensor_type_proto(c, s) for n, (c, s) in zip(names, inputs, strict=True)}
        imports = [helper.make_opsetid("", opset)]
        expected = onnx.shape_inference.infer_node_outputs(schema, node, protos, opset_imports=imports)["o"].tensor_type
        builder = GraphBuilder("test", "", {"": opset})
        for name, (c, s) in zip(names, inputs, strict=True):
            builder.types[name] = TensorType(DTYPE_OF_CODE[c], s)
        builder.add(op_type, names, how, name="n", outputs=["o"])
        found = builder.types["o"]
        assert found.dtype.code == expected.elem_type, opset
        if expected.HasField("shape"):
            assert found.shape == tuple(d.dim_value for d in expected.shape.dim), opset
