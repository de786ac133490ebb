"""Variables of a `.tflite` file -> stored tensors: their types, and whether they are weights or states.

A variable is named by VAR_HANDLE; its type is that of the values which READ_VARIABLE gives or ASSIGN_VARIABLE takes.
One that a product takes as its weights is a parameter (a network that is trained on the device), another is a state.
"""

from __future__ import annotations

from collections.abc import Iterable

from costcalc.core.ir import TensorType
from costcalc.core.traits import traits_of
from costcalc.frontends.tflite.model import OperatorCall, Subgraph, TfliteModel
from costcalc.graph.builder import GraphBuilder

HANDLE, READ, ASSIGN = "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"


def variable_key(operator: OperatorCall) -> str:
    """A VAR_HANDLE -> the name of its variable: container and shared name."""
    names = (operator.attributes.get("container", ""), operator.attributes.get("shared_name", ""))
    return "/".join(filter(None, names))


def find_variable_types(model: TfliteModel) -> dict[str, TensorType]:
    """A model -> the types of its variables by name, as far as a subgraph reads or writes one that it names itself."""
    types: dict[str, TensorType] = {}
    for subgraph in model.subgraphs:
        handles: dict[int, str] = {}
        for operator in subgraph.operators:
            if operator.name == HANDLE:
                handles.update(dict.fromkeys(operator.outputs, variable_key(operator)))
            elif operator.name in (READ, ASSIGN) and operator.inputs and operator.inputs[0] in handles:
                _add_type(types, handles[operator.inputs[0]], operator, subgraph)
    return types


def _add_type(types: dict[str, TensorType], key: str, operator: OperatorCall, subgraph: Subgraph) -> None:
    """Takes the type of the value that an operator writes or reads; of several the one with most axes, for a converter
    leaves out a shape that it does not know."""
    values = operator.inputs[1:2] if operator.name == ASSIGN else operator.outputs[:1]
    for index in values:
        if index >= 0:
            type_ = subgraph.tensors[index].type
            if type_.shape is not None and (key not in types or len(type_.shape) > len(types[key].shape or ())):
                types[key] = type_


def mark_states(builder: GraphBuilder, names: Iterable[str]) -> None:
    """Declares the variables among the stored tensors that no operator takes as weights as buffers."""
    origins = {name: name for name in names}
    weights: set[str] = set()
    for node in builder.nodes:
        traits = traits_of(node)
        for position, value in enumerate(node.inputs):
            origin = origins.get(value)
            if origin is None:
                continue
            if position == 0 and traits.passes_on:
                origins.update(dict.fromkeys(node.outputs, origin))
            elif position in traits.weights:
                weights.add(origin)
    builder.stored_kinds.update({name: "buffer" for name in origins.values() if name not in weights})
