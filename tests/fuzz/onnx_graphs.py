"""A random generator -> an ONNX model whose nodes follow the operators' schemas, with values at their borders."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper
from onnx.defs import OpSchema

from costcalc.core.registry import SHAPE_RULES
from costcalc.ops import load_families

from . import values
from .operands import WEIGHTS, shape_elements

OPSET = 21
KINDS = AttributeProto.AttributeType
DEEPEST = 2
LIKELY = [
    "Conv",
    "MatMul",
    "Gemm",
    "Relu",
    "Add",
    "Mul",
    "Reshape",
    "Transpose",
    "Concat",
    "Slice",
    "Shape",
    "Gather",
    "Unsqueeze",
    "Squeeze",
    "Expand",
    "Tile",
    "Range",
    "ConstantOfShape",
    "MaxPool",
    "AveragePool",
    "BatchNormalization",
    "LayerNormalization",
    "Softmax",
    "ReduceMean",
    "ReduceSum",
    "Split",
    "Pad",
    "Resize",
    "TopK",
    "NonZero",
    "Where",
    "Cast",
    "Einsum",
    "LSTM",
    "GRU",
    "Loop",
    "If",
    "Scan",
    "Attention",
    "ConvTranspose",
    "Flatten",
    "Identity",
    "Constant",
    "Div",
    "Sub",
    "Mod",
    "Floor",
    "Ceil",
    "Min",
    "Max",
    "Size",
    "OneHot",
    "ScatterND",
    "GatherND",
    "Trilu",
    "CumSum",
    "SequenceConstruct",
    "SequenceAt",
    "SplitToSequence",
]


@cache
def schemas() -> dict[str, OpSchema]:
    """The operators of the default domain, by name."""
    names = sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain == ""})
    return {name: onnx.defs.get_schema(name, OPSET) for name in names if onnx.defs.has(name, OPSET, "")}


@cache
def contributed() -> list[tuple[str, str, int]]:
    """Operators of other domains that have rules: domain, name, and how many inputs the shape rule names."""
    load_families()
    return [(domain, name, max(rule.arity, 1)) for (domain, name), rule in sorted(SHAPE_RULES.items()) if domain]


class Generator:
    """A graph that grows: the values that later nodes may read, and the constants that they bring."""

    def __init__(self, r: random.Random, depth: int = 0, outer: tuple[str, ...] = (), prefix: str = "") -> None:
        self.r, self.depth, self.prefix = r, depth, prefix
        self.floats: list[str] = list(outer)
        self.integers: list[str] = []
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.types: dict[str, onnx.TypeProto] = {}

    def name(self) -> str:
        return f"{self.prefix}v{len(self.nodes)}_{len(self.initializers)}_{len(self.inputs)}"

    def add_input(self) -> None:
        name, code = self.name(), self.r.choice((1, 1, 1, 1, 7, 9, 10))
        dims = None if self.r.random() < 0.03 else values.shape(self.r)
        if self.r.random() < 0.03:
            inner = helper.make_tensor_type_proto(1, dims)
            kind = self.r.choice((helper.make_sequence_type_proto, helper.make_optional_type_proto))(inner)
            self.inputs.append(helper.make_value_info(name, kind))
        else:
            dims = None if dims is None else [_wrap(d) for d in dims]
            self.inputs.append(helper.make_tensor_value_info(name, code, dims))
        self.types[name] = self.inputs[-1].type
        (self.integers if code == 7 else self.floats).append(name)

    def add_integers(self, elements: list[int]) -> str:
        """A stored tensor of integers, with its elements."""
        name = self.name()
        dims = [] if len(elements) == 1 and self.r.random() < 0.3 else [len(elements)]
        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, dims, [_wrap(e) for e in elements]))
        self.types[name] = helper.make_tensor_type_proto(TensorProto.INT64, dims)
        self.integers.append(name)
        return name

    def add_weight(self, dims: list[int]) -> str:
        """A stored tensor without its elements."""
        name, code = self.name(), self.r.choice((1, 1, 1, 1, 1, 1, 10, 3))
        tensor = TensorProto(name=name, data_type=code, data_location=TensorProto.EXTERNAL)
        tensor.dims.extend(dims)
        self.initializers.append(tensor)
        self.types[name] = helper.make_tensor_type_proto(code, dims)
        self.floats.append(name)
        return name

    def add_constant(self, integral: bool) -> str:
        if integral:
            return self.add_integers(values.integers(self.r, 5))
        return self.add_weight(
            [self.r.choice((1, 2, 3, 4, 8, 8, 16)) for _ in range(self.r.choice((0, 1, 1, 2, 3, 4, 4)))]
        )

    def shape_of(self, name: str) -> tuple[int | str | None, ...]:
        """What is known of a value's extents."""
        dims = self.types[name].tensor_type.shape.dim if name in self.types else ()
        return tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in dims)

    def pick(self, integral: bool) -> str:
        known = self.integers if integral else self.floats
        if not known or self.r.random() < (0.6 if integral else 0.25):
            return self.add_constant(integral)
        return self.r.choice(known[-4:] if self.r.random() < 0.7 else known)

    def add_node(self) -> None:
        """Adds a node; one that ONNX's own inference refuses is made anew some times."""
        attempts = self.r.choice((1, 8, 8, 8))
        kept = len(self.initializers)
        for attempt in range(attempts):
            node = self._contributed() if self.r.random() < 0.12 else self._standard()
            types = self._infer(node)
            if types is not None or attempt == attempts - 1:
                break
            gone = {t.name for t in self.initializers[kept:]}
            del self.initializers[kept:]
            self.floats = [v for v in self.floats if v not in gone]
            self.integers = [v for v in self.integers if v not in gone]
        if self.r.random() < 0.3:
            node.name = self.r.choice(
                (f"block{self.r.randint(0, 3)}/{node.op_type}", values.text(self.r).replace("\x00", ""))
            )
        self.nodes.append(node)
        for name in node.output:
            kind = (types or {}).get(name)
            if kind is not None:
                self.types[name] = kind
            integral = kind is not None and kind.tensor_type.elem_type == TensorProto.INT64
            if name:
                (self.integers if integral else self.floats).append(name)

    def _infer(self, node: NodeProto) -> dict[str, onnx.TypeProto] | None:
        """The types of a node's outputs by ONNX's inference; None where it refuses the node."""
        if node.domain:
            return {}
        try:
            known = {name: self.types[name] for name in node.input if name in self.types}
            data = {t.name: t for t in self.initializers if t.name in node.input and t.int64_data}
            return dict(onnx.shape_inference.infer_node_outputs(schemas()[node.op_type], node, known, data))
        except Exception:  # inference refuses a node in many ways, std::bad_alloc among them
            return None

    def _contributed(self) -> NodeProto:
        domain, op_type, count = self.r.choice(contributed())
        inputs = [self.pick(False) for _ in range(min(count, self.r.randint(1, 8)))]
        node = helper.make_node(op_type, inputs, [self.name()], domain=domain)
        for word in self.r.sample(("num_heads", "axis", "kv_num_heads", "epsilon", "group"), self.r.randint(0, 2)):
            node.attribute.append(helper.make_attribute(word, self.r.choice((1, 2, 8, 0.5, "x"))))
        return node

    def _standard(self) -> NodeProto:
        known = schemas()
        op_type = self.r.choice(LIKELY) if self.r.random() < 0.7 else self.r.choice(list(known))
        schema = known.get(op_type, known["Relu"])
        count = max(schema.min_output, min(schema.max_output, self.r.choice((1, 1, 1, 2, 3))))
        outputs = [f"{self.name()}_{i}" if self.r.random() > 0.01 else "" for i in range(count)]
        node = helper.make_node(schema.name, self._fitting(schema) or self._operands(schema), outputs)
        node.attribute.extend(self._attributes(schema))
        return node

    def _fitting(self, schema: OpSchema) -> list[str]:
        """Inputs with weights, or with a shape, that fit the first; [] where there is no table for the operator."""
        if self.r.random() < 0.15 or not self.floats:
            return []
        x = self.r.choice(self.floats[-3:])
        if schema.name in WEIGHTS:
            return [x, *(self.add_weight(dims) for dims in WEIGHTS[schema.name](self.r, self.shape_of(x)))]
        required = [p for p in schema.inputs if p.option == OpSchema.FormalParameterOption.Single]
        if len(required) >= 2 and required[1].type_str in ("tensor(int64)", "Tind", "T1"):
            elements = shape_elements(self.r, schema.name, self.shape_of(x))
            more = [self.add_integers([r + 1 for r in elements]) for _ in required[2:]]
            return [x, self.add_integers(elements), *more]
        return []

    def _operands(self, schema: OpSchema) -> list[str]:
        names: list[str] = []
        for parameter in schema.inputs:
            many = parameter.option == OpSchema.FormalParameterOption.Variadic
            if parameter.option == OpSchema.FormalParameterOption.Optional and self.r.random() < 0.5:
                names.append("")
                continue
            for _ in range(self.r.randint(1, 3) if many else 1):
                names.append(self.pick("int64" in str(parameter.type_str) or parameter.type_str in ("Tind", "I")))
        while names and not names[-1]:
            names.pop()
        return names

    def _attributes(self, schema: OpSchema) -> list[AttributeProto]:
        made = []
        for name, attribute in sorted(schema.attributes.items()):
            if attribute.required or self.r.random() < 0.2:
                made.append(self.attribute(name, int(attribute.type.value)))  # type: ignore[attr-defined]
        return made

    def attribute(self, name: str, kind: int) -> AttributeProto:
        """An attribute of a kind, with a value at its borders."""
        r = self.r
        made = AttributeProto(name=name)
        made.type = kind  # type: ignore[assignment]
        if kind == KINDS.INT:
            made.i = values.integer(r)
        elif kind == KINDS.INTS:
            made.ints.extend(r.choice(([1, 1], [2, 2], [3, 3], [0, 1], [1, 1, 1, 1], values.integers(r))))
        elif kind == KINDS.FLOAT:
            made.f = r.choice(values.FLOATS)
        elif kind == KINDS.FLOATS:
            made.floats.extend(r.choice(values.FLOATS) for _ in range(r.randint(0, 4)))
        elif kind == KINDS.STRING:
            made.s = values.text(r).encode()
        elif kind == KINDS.STRINGS:
            made.strings.extend(values.text(r).encode() for _ in range(r.randint(0, 4)))
        elif kind == KINDS.TENSOR:
            made.t.CopyFrom(helper.make_tensor("t", TensorProto.INT64, [2], [values.integer(r), 1]))
        elif kind == KINDS.GRAPH:
            made.g.CopyFrom(
                generate_graph(r, self.depth + 1, tuple(self.floats[-3:]), f"{self.prefix}{name}{len(self.nodes)}_")
            )
        return made


def _wrap(dim: Any) -> Any:
    """A number as the file can hold it; anything else as it is."""
    return max(min(dim, 2**63 - 1), -(2**63)) if isinstance(dim, int) else dim


def generate_graph(r: random.Random, depth: int = 0, outer: tuple[str, ...] = (), prefix: str = "") -> GraphProto:
    """A graph; deep ones are small. outer: values of the graph around it, prefix: of its own names."""
    made = Generator(r, depth, outer, prefix)
    for _ in range(r.choice((1, 1, 2, 3)) if depth == 0 else r.randint(0, 3)):
        made.add_input()
    if not made.floats:
        made.add_constant(False)
    for _ in range(r.choice((1, 2, 4, 8, 20)) if depth == 0 else r.randint(0, 3) if depth < DEEPEST else 0):
        made.add_node()
    known = [*made.floats, *made.integers]
    names = r.sample(known, min(len(known), r.randint(1, 3)))
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in dict.fromkeys(names)]
    return helper.make_graph(made.nodes, "g", made.inputs, outputs, made.initializers)


def generate_model(r: random.Random) -> ModelProto:
    """A model of one graph, with the domains that its nodes need."""
    domains = ("com.microsoft", "ai.onnx.ml", "com.microsoft.nchwc")
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(generate_graph(r), opset_imports=opsets)
