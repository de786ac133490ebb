"""Subgraphs of a `.tflite` file -> nodes in a GraphBuilder, their types held to those in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from costcalc import ops
from costcalc.core import registry
from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, LimitError, LoadError
from costcalc.core.ir import UNKNOWN, DType, Quantisation, TensorType
from costcalc.frontends.tflite.control import CALLEES, add_control
from costcalc.frontends.tflite.declared import DeclaredShapes
from costcalc.frontends.tflite.derived import derive_attributes
from costcalc.frontends.tflite.flatbuffer import REMEDY
from costcalc.frontends.tflite.layer_names import LayerName, layer_names
from costcalc.frontends.tflite.model import OperatorCall, Subgraph, Tensor, TfliteModel
from costcalc.frontends.tflite.names import NodeNames, name_operator, unique_names
from costcalc.frontends.tflite.trips import count_trips, find_invariants
from costcalc.frontends.tflite.variables import HANDLE, find_variable_types, variable_key
from costcalc.graph.builder import GraphBuilder

MAX_DEPTH = 16
"""Subgraphs that call one another in a row."""


class ModelWalker:
    """Adds the operators of a model to a builder. quantised maps the values of an integer type to
    their scales."""

    def __init__(self, builder: GraphBuilder, model: TfliteModel, is_resized: bool) -> None:
        self.builder, self.model, self.is_resized = builder, model, is_resized
        self.declared_shapes = DeclaredShapes(builder, is_resized)
        self.quantised: dict[str, Quantisation] = {}
        self.variable_types = find_variable_types(model)
        self.variables: dict[str, str] = {}
        self.differences: list[str] = []
        self.node_names = NodeNames()
        ops.load_families(ops.TFLITE_FAMILIES)

    def run(self, subgraph: Subgraph, names: list[str], shapes: Mapping[str, Sequence[Dim]]) -> tuple[str, ...]:
        """Adds the inputs, with their new shapes, and the operators of the first subgraph; returns its outputs."""
        for index in dict.fromkeys(subgraph.inputs):
            if index >= 0:
                tensor, name = subgraph.tensors[index], names[index]
                self.builder.add_input(name, tensor.type.dtype, shapes.get(name, tensor.type.shape))
                self.note_quantised(tensor, name)
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

    def add_variable(self, operator: OperatorCall, name: str) -> str:
        """The stored tensor of a VAR_HANDLE's variable, added when it is first named; "" where no type is known."""
        key = variable_key(operator)
        type_ = self.variable_types.get(key)
        if key not in self.variables and type_ is not None and type_.shape is not None:
            value = f"{key or name}/variable"
            while value in self.builder.types:
                value += "_"
            self.variables[key] = self.builder.add_initializer(value, type_.dtype, type_.shape)
        return self.variables.get(key, "")

    def note_quantised(self, tensor: Tensor, name: str) -> None:
        if tensor.quantisation is not None and tensor.type.dtype.is_integer:
            self.quantised[name] = tensor.quantisation

    def add_stored(self, tensor: Tensor, name: str) -> None:
        """A tensor that no operator computes: a constant, a variable, or one without elements. LoadError for another:
        nothing gives it a value."""
        builder, type_ = self.builder, tensor.type
        self.note_quantised(tensor, name)
        if tensor.data is None and not tensor.is_variable:
            if type_.shape is not None and 0 in type_.shape:
                builder.add_constant(name, type_.dtype, type_.shape, ())
                return
            raise LoadError(f"the tensor {name!r} is read, and nothing computes or stores it", REMEDY)
        if type_.shape is None:
            builder.types[name] = UNKNOWN
            return
        builder.add_initializer(name, type_.dtype, type_.shape, self.model.values(tensor))
        if type_.dtype is DType.INT64 and tensor.quantisation is not None:
            builder.parameters.add(name)  # a bias beside activations of 16 bits; without a scale it would be indices
        if tensor.data is None:
            builder.stored_kinds[name] = "buffer"
        if tensor.sparse is not None:
            builder.sparse[name] = tensor.sparse

    def add_node(
        self,
        operator: OperatorCall,
        layer: LayerName,
        inputs: Sequence[str],
        outputs: Sequence[str],
        frame: SubgraphWalker,
    ) -> None:
        """A node of an operator's own rules; of an unknown one where they give other shapes than the file."""
        builder, (name, scope) = self.builder, layer
        domain, op_type = name_operator(operator)
        add = partial(builder.add, name=name, scope=scope, domain=domain)
        if op_type == HANDLE:
            inputs = [value for value in (self.add_variable(operator, name),) if value]
        tensors = frame.subgraph.tensors
        declared = [frame.declared(i) for i in operator.outputs]
        attributes = derive_attributes(self.model, operator, [builder.types.get(value) for value in inputs], declared)
        is_kept = not self.is_resized or frame.has_declared_inputs(operator)
        if (domain, op_type) not in registry.SHAPE_RULES or not outputs or (op_type == HANDLE and not inputs):
            shapes = self.declared_shapes
            types = [
                t._replace(shape=shapes.open_shape(tensors[i], name) if is_kept else None) if i >= 0 else t
                for i, t in zip(operator.outputs, declared, strict=True)
            ] or [UNKNOWN]
            add(op_type, inputs, attributes, outputs=outputs or (name,), types=types)
            return
        known, nodes = len(builder.types), len(builder.nodes)
        try:
            add(op_type, inputs, attributes, outputs=outputs)
            difference = self.declared_shapes.find_difference(operator, name, inputs, outputs, tensors)
        except LimitError:
            raise
        except CostcalcError as error:
            if self.is_resized:
                raise
            difference = error.fact
        if difference:
            if registry.rule_state(domain, op_type) in ("costed", "free"):
                self.differences.append(f"{name}: {difference}")
                op_type += "?"  # it has no rules under this name, so that it counts as unknown
            del builder.nodes[nodes:]
            for value in list(builder.types)[known:]:
                del builder.types[value]
            add(op_type, inputs, attributes, outputs=outputs, types=declared)


class SubgraphWalker:
    """A subgraph that is being added: its tensors' values by index. prefix and depth are those of an inner one."""

    def __init__(self, walker: ModelWalker, subgraph: Subgraph, names: list[str], depth: int, prefix: str = "") -> None:
        self.walker, self.subgraph, self.names, self.depth = walker, subgraph, list(names), depth
        self.prefix = prefix

    def add_operators(self) -> None:
        """Adds the operators in order."""
        layers = layer_names(self.subgraph, [name.removeprefix(self.prefix) for name in self.names])
        for operator, layer in zip(self.subgraph.operators, layers, strict=True):
            spend(NODE_STEPS)
            self._add(operator, layer)

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

    def _add(self, operator: OperatorCall, layer: LayerName) -> None:
        inputs = [self.value(i) for i in operator.inputs]
        name = self.walker.node_names.name(operator.name, layer.name and self.prefix + layer.name)
        scope = (*filter(None, self.prefix.split("/")), *layer.scope)
        outputs = [self.names[i] if i >= 0 else "" for i in operator.outputs]
        for index, output in zip(operator.outputs, outputs, strict=True):
            if output:
                self.walker.note_quantised(self.subgraph.tensors[index], output)
        if not CALLEES.isdisjoint(operator.attributes):
            add_control(self.walker.builder, operator, name, inputs, outputs, self._inline, self._analyse_loop, scope)
            self._close_shapes(operator, outputs)
            return
        self.walker.add_node(operator, LayerName(name, scope), inputs, outputs, self)

    def _close_shapes(self, operator: OperatorCall, outputs: Sequence[str]) -> None:
        """Gives what subgraphs leave open the numbers that the file has for the operator's own outputs."""
        types = self.walker.builder.types
        for index, output in zip(operator.outputs, outputs, strict=True):
            shape = types[output].shape if output else None
            if shape is not None and not self.walker.is_resized:
                closed = self.walker.declared_shapes.close_shape(shape, self.subgraph.tensors[index])
                types[output] = types[output]._replace(shape=closed)

    def _analyse_loop(self, operator: OperatorCall, values: Sequence[int | None]) -> tuple[int | None, frozenset[int]]:
        """How often the body of a WHILE runs, None where that depends on data; the positions of what it leaves as it
        is."""
        condition, body = (operator.attributes[f"{key}_subgraph"] for key in ("cond", "body"))
        model = self.walker.model
        return count_trips(model, condition, body, values), find_invariants(model, body)

    def _inline(self, callee: int, inputs: Sequence[str], name: str) -> list[str]:
        """Adds the operators of another subgraph with these inputs; returns the values of its outputs. LoadError where
        there is no such subgraph, or subgraphs call one another without an end."""
        subgraphs = self.walker.model.subgraphs
        if not 0 <= callee < len(subgraphs):
            raise LoadError(f"{name} calls subgraph {callee}, and there are {len(subgraphs)}", REMEDY)
        if self.depth >= MAX_DEPTH:
            raise LoadError(f"subgraphs call one another more than {MAX_DEPTH} times in a row", REMEDY)
        inner = subgraphs[callee]
        spend(len(inner.tensors))
        names = unique_names([tensor.name for tensor in inner.tensors], f"{name}/")
        for index, value in zip(inner.inputs, inputs, strict=False):
            if index >= 0:
                names[index] = value
        frame = SubgraphWalker(self.walker, inner, names, self.depth + 1, f"{name}/")
        frame.add_operators()
        return [frame.value(i) for i in inner.outputs]
