"""Subgraphs of a `.tflite` file -> nodes in a GraphBuilder, their types held to those in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc import ops
from costcalc.core import registry
from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, LimitError, LoadError
from costcalc.core.ir import UNKNOWN, Quantisation, TensorType
from costcalc.frontends.tflite.control import CALLEES, add_control
from costcalc.frontends.tflite.flatbuffer import REMEDY
from costcalc.frontends.tflite.model import OperatorCall, Subgraph, Tensor, TfliteModel
from costcalc.frontends.tflite.names import NodeNames, unique_names
from costcalc.graph.builder import GraphBuilder

DOMAIN, CUSTOM_DOMAIN = "tflite", "tflite.custom"
"""The domains of builtin operators, and of custom ones by their own names."""

MAX_DEPTH = 16
"""Subgraphs that call one another in a row."""


class ModelWalker:
    """Adds the operators of a model to a builder. quantised maps the values of an integer type to
    their scales."""

    def __init__(self, builder: GraphBuilder, model: TfliteModel, is_resized: bool) -> None:
        self.builder, self.model, self.is_resized = builder, model, is_resized
        self.quantised: dict[str, Quantisation] = {}
        self.differences: list[str] = []
        self.node_names = NodeNames()
        ops.load_families()

    def run(self, subgraph: Subgraph, names: list[str], shapes: Mapping[str, Sequence[Dim]]) -> tuple[str, ...]:
        """Adds the inputs, with their new shapes, and the operators of the first subgraph; returns its outputs."""
        for index in dict.fromkeys(subgraph.inputs):
            if index >= 0:
                tensor, name = subgraph.tensors[index], names[index]
                self.builder.add_input(name, tensor.type.dtype, shapes.get(name, tensor.type.shape))
                self._note_quantised(tensor, name)
        frame = SubgraphWalker(self, subgraph, names, 0)
        frame.add_operators()
        return tuple(dict.fromkeys(frame.value(i) for i in subgraph.outputs if i >= 0))

    def notes(self) -> list[str]:
        """A line on operators whose shapes differ from those in the file."""
        if not self.differences:
            return []
        few = ", ".join(self.differences[:3]) + (" …" if len(self.differences) > 3 else "")
        count = len(self.differences)
        return [
            f"{count} operator{'s have' if count > 1 else ' has'} other shapes by costcalc's rules than in the file, "
            f"and count{'' if count > 1 else 's'} as unknown ({few}): the file is damaged, or please report it"
        ]

    def _note_quantised(self, tensor: Tensor, name: str) -> None:
        if tensor.quantisation is not None and tensor.type.dtype.is_integer:
            self.quantised[name] = tensor.quantisation

    def add_stored(self, tensor: Tensor, name: str) -> None:
        """A tensor that no operator computes: a constant, a variable, or one without elements. LoadError for another:
        nothing gives it a value."""
        builder, type_ = self.builder, tensor.type
        self._note_quantised(tensor, name)
        if tensor.data is None and not tensor.is_variable:
            if type_.shape is not None and 0 in type_.shape:
                builder.add_constant(name, type_.dtype, type_.shape, ())
                return
            raise LoadError(f"the tensor {name!r} is read, and nothing computes or stores it", REMEDY)
        if type_.shape is None:
            builder.types[name] = UNKNOWN
            return
        builder.add_initializer(name, type_.dtype, type_.shape, self.model.values(tensor))
        if tensor.data is None:
            builder.stored_kinds[name] = "buffer"
        if tensor.sparse is not None:
            builder.sparse[name] = tensor.sparse

    def add_node(
        self, operator: OperatorCall, name: str, inputs: Sequence[str], outputs: Sequence[str], frame: SubgraphWalker
    ) -> None:
        """A node of an operator's own rules; of an unknown one where they give other shapes than the file."""
        builder = self.builder
        domain = CUSTOM_DOMAIN if operator.is_custom else DOMAIN
        attributes = derive_attributes(operator, [builder.types.get(value) for value in inputs])
        declared = [frame.declared(i) for i in operator.outputs]
        is_kept = not self.is_resized or frame.has_declared_inputs(operator)
        if (domain, operator.name) not in registry.SHAPE_RULES or not outputs:
            types = [t if is_kept else t._replace(shape=None) for t in declared] if outputs else [UNKNOWN]
            builder.add(
                operator.name, inputs, attributes, name=name, outputs=outputs or (name,), domain=domain, types=types
            )
            return
        known, nodes = len(builder.types), len(builder.nodes)
        try:
            builder.add(operator.name, inputs, attributes, name=name, outputs=outputs, domain=domain)
            difference = self._find_difference(operator, outputs, frame)
        except LimitError:
            raise
        except CostcalcError as error:
            if self.is_resized:
                raise
            difference = error.fact
        if difference:
            self.differences.append(f"{name}: {difference}")
            del builder.nodes[nodes:]
            for value in list(builder.types)[known:]:
                del builder.types[value]
            builder.add(
                f"{operator.name}?", inputs, attributes, name=name, outputs=outputs, domain=domain, types=declared
            )

    def _find_difference(self, operator: OperatorCall, outputs: Sequence[str], frame: SubgraphWalker) -> str:
        """What differs between the inferred shapes and those in the file; "" where they agree, or inputs are resized.
        The file's element types are taken, and its shapes where none is inferred."""
        types = self.builder.types
        for index, output in zip(operator.outputs, outputs, strict=True):
            if not output:
                continue
            tensor, inferred = frame.subgraph.tensors[index], types[output]
            shape = inferred.shape
            if shape is None and not self.is_resized:
                types[output] = tensor.type
                continue
            types[output] = inferred._replace(dtype=tensor.type.dtype)
            if shape is not None and not self.is_resized and _differ(shape, tensor):
                return f"{list(map(str, shape))} for {list(map(str, tensor.type.shape or ()))}"
        return ""


class SubgraphWalker:
    """A subgraph that is being added: its tensors' values by index. prefix and depth are those of an inner one."""

    def __init__(self, walker: ModelWalker, subgraph: Subgraph, names: list[str], depth: int) -> None:
        self.walker, self.subgraph, self.names, self.depth = walker, subgraph, list(names), depth

    def add_operators(self) -> None:
        """Adds the operators in order."""
        for operator in self.subgraph.operators:
            spend(NODE_STEPS)
            self._add(operator)

    def value(self, index: int) -> str:
        """The value of a tensor, "" of an absent one; a stored tensor is added when it is first read."""
        if index < 0:
            return ""
        name = self.names[index]
        if name not in self.walker.builder.types:
            self.walker.add_stored(self.subgraph.tensors[index], name)
        return name

    def declared(self, index: int) -> TensorType:
        """A tensor's type in the file."""
        return self.subgraph.tensors[index].type if index >= 0 else UNKNOWN

    def has_declared_inputs(self, operator: OperatorCall) -> bool:
        """Whether the shapes of all inputs are those in the file."""
        types = self.walker.builder.types
        return all(types[self.names[i]].shape == self.declared(i).shape for i in operator.inputs if i >= 0)

    def _add(self, operator: OperatorCall) -> None:
        inputs = [self.value(i) for i in operator.inputs]
        first = next((i for i in operator.outputs if i >= 0), -1)
        name = self.walker.node_names.name(operator.name, self.names[first] if first >= 0 else "")
        if not CALLEES.isdisjoint(operator.attributes):
            results = add_control(self.walker.builder, operator, name, inputs, self._inline)
            for index, value in zip(operator.outputs, results, strict=True):
                if index >= 0:
                    self.names[index] = value
            return
        outputs = [self.names[i] if i >= 0 else "" for i in operator.outputs]
        for index, output in zip(operator.outputs, outputs, strict=True):
            if output:
                self.walker._note_quantised(self.subgraph.tensors[index], output)
        self.walker.add_node(operator, name, inputs, outputs, self)

    def _inline(self, callee: int, inputs: Sequence[str], name: str) -> list[str]:
        """Adds the operators of another subgraph with these inputs; returns the values of its outputs. LoadError where
        there is no such subgraph, or subgraphs call one another without an end."""
        subgraphs = self.walker.model.subgraphs
        if not 0 <= callee < len(subgraphs):
            raise LoadError(f"{name} calls subgraph {callee}, and there are {len(subgraphs)}", REMEDY)
        if self.depth >= MAX_DEPTH:
            raise LoadError(f"subgraphs call one another more than {MAX_DEPTH} times in a row", REMEDY)
        inner = subgraphs[callee]
        names = unique_names([tensor.name for tensor in inner.tensors], f"{name}/")
        for index, value in zip(inner.inputs, inputs, strict=False):
            if index >= 0:
                names[index] = value
        frame = SubgraphWalker(self.walker, inner, names, self.depth + 1)
        frame.add_operators()
        return [frame.value(i) for i in inner.outputs]


def _differ(shape: Sequence[Dim], tensor: Tensor) -> bool:
    """Whether an inferred shape is none that the file allows: its own, or any where its signature leaves extents or the
    rank open."""
    if not tensor.has_rank:
        return False
    declared = tensor.type.shape or ()
    if len(declared) != len(shape):
        return True
    return any(a != b and s != -1 for a, b, s in zip(shape, declared, tensor.signature, strict=True))


def derive_attributes(operator: OperatorCall, types: Sequence[TensorType | None]) -> dict[str, Any]:
    """An operator and its inputs' types -> its attributes with those that follow from shapes: the groups of a
    convolution, and that the weights of a product have a row for each output."""
    attributes = dict(operator.attributes)
    shapes = [t.shape if t is not None else None for t in types]
    if operator.name == "FULLY_CONNECTED":
        attributes["transB"] = 1
    elif operator.name in GROUPED and len(shapes) > 1 and shapes[0] and shapes[1]:
        channels, per_group = shapes[0][-1], 1 if operator.name == "DEPTHWISE_CONV_2D" else shapes[1][-1]
        if isinstance(channels, int) and isinstance(per_group, int) and per_group and channels != per_group:
            attributes["group"] = channels // per_group
    return attributes


GROUPED = ("CONV_2D", "DEPTHWISE_CONV_2D")
