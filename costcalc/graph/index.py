"""Graph → GraphIndex: the producer and the readers of each value, constant values, and walks along both."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from costcalc.core.dim import Dim
from costcalc.core.ir import UNKNOWN, Graph, Node, TensorType
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import stored_values

_LAYER = r":\d+:\d+$"


def operator_key(node: Node) -> tuple[str, str]:
    """(domain, op_type) of a node."""
    return node.domain, node.op_type


def is_rearrangement(node: Node) -> bool:
    """Whether a node gives the elements of its first input, or some of them, in another shape, order or type."""
    t = traits_of(node)
    return t.view or t.passes_on in ("same", "converted") or t.reads == "part" or t.rearranges


def layer_place(node: Node) -> str:
    """file:line:column of the layer that adds a node; "" where its file has no layers in lines (ONNX)."""
    return node.place if re.search(_LAYER, node.place) else ""


class GraphIndex:
    """A graph by its values; nodes are their indexes in graph.nodes. Each map is built at its first use, in one pass
    over the nodes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def producers(self) -> Mapping[str, int]:
        """The node that computes each value."""
        return {name: i for i, node in enumerate(self.graph.nodes) for name in node.outputs if name}

    @cached_property
    def readers(self) -> Mapping[str, Sequence[int]]:
        """The nodes that read each value, each node once, in execution order."""
        readers: dict[str, list[int]] = {}
        for i, node in enumerate(self.graph.nodes):
            for name in dict.fromkeys(node.inputs):
                if name:
                    readers.setdefault(name, []).append(i)
        return readers

    @cached_property
    def constants(self) -> Collection[str]:
        """The values that no element of a graph input changes: stored tensors, shapes, and values computed from
        them."""
        return self._constants[0]

    @cached_property
    def tables(self) -> Collection[str]:
        """The constants of several decimal numbers that depend on no shape."""
        return self._constants[1]

    @cached_property
    def _constants(self) -> tuple[Collection[str], Collection[str]]:
        graph = self.graph
        computed = {name for node in graph.nodes for name in node.outputs}
        data = computed.union(graph.data_inputs).difference(graph.initializers)
        constants = {name for node in graph.nodes for name in node.inputs if name and name not in data}
        tables = {name for name in constants if _is_table(graph.types[name])}
        shapes: set[str] = set()
        for node in graph.nodes:
            is_random = traits_of(node).random
            shape_only = _reads_shape_only(node) and not is_random
            is_constant = not is_random and all(name in constants for name in node.inputs if name)
            if is_constant or shape_only:
                constants.update(filter(None, node.outputs))
            if shape_only or (is_constant and not shapes.isdisjoint(node.inputs)):
                shapes.update(filter(None, node.outputs))
            elif is_constant:
                tables.update(name for name in node.outputs if name and _is_table(graph.types[name]))
        return constants, tables

    @cached_property
    def _layers(self) -> Mapping[tuple[str, str, str], Sequence[int]]:
        layers: dict[tuple[str, str, str], list[int]] = {}
        for i, node in enumerate(self.graph.nodes):
            layers.setdefault((node.place, *operator_key(node)), []).append(i)
        return layers

    def type(self, value: str) -> TensorType:
        """A value's type; UNKNOWN for "", an input or output that is left out."""
        return self.graph.types[value] if value else UNKNOWN

    def shape(self, value: str) -> tuple[Dim, ...]:
        """A value's shape; () where it is not known, or the value is left out ("")."""
        return self.type(value).shape or ()

    def has_shapes(self, node: Node) -> bool:
        """Whether the shapes of all that a node reads and gives are known."""
        return all(self.graph.types[name].shape is not None for name in (*node.inputs, *node.outputs) if name)

    def elements(self, value: str) -> Dim:
        """The number of elements of a value, whose shape must be known."""
        return self.graph.types[value].elements

    def number(self, value: str) -> float | None:
        """The one number that a value holds; None where it holds several, or none that is known."""
        elements = self.graph.types[value].value if value else None
        return (
            float(elements[0])
            if elements is not None and len(elements) == 1 and not hasattr(elements[0], "terms")
            else None
        )

    def is_number(self, value: str) -> bool:
        """Whether a value is one constant number."""
        t = self.graph.types[value]
        return value in self.constants and t.shape is not None and t.elements == 1

    def producer(self, value: str) -> Node | None:
        """The node that computes a value; None for graph inputs and stored tensors."""
        i = self.producers.get(value)
        return None if i is None else self.graph.nodes[i]

    def only_reader(self, value: str) -> int | None:
        """The one node that reads a value; None where several do, none does, or the graph gives it."""
        readers = self.readers.get(value, ())
        return readers[0] if len(readers) == 1 and value not in self.graph.outputs else None

    def element_readers(self, value: str) -> Sequence[int]:
        """The nodes that read a value's elements, and not its shape alone."""
        nodes = self.graph.nodes
        return [i for i in self.readers.get(value, ()) if not _reads_shape_only(nodes[i])]

    def only_element_reader(self, value: str) -> int | None:
        """The one node that reads a value's elements; None where several do, none does, or the graph gives it."""
        readers = self.element_readers(value)
        return readers[0] if len(readers) == 1 and value not in self.graph.outputs else None

    def data_inputs(self, node: Node) -> tuple[str, ...]:
        """The inputs of a node that are not constant."""
        constants = self.constants
        return tuple([name for name in node.inputs if name and name not in constants])

    def scales(self, node: Node) -> bool:
        """Whether a node scales or shifts one value by a constant number."""
        arithmetic, data = traits_of(node).arithmetic, self.data_inputs(node)
        if not arithmetic or (arithmetic == "divide" and data != node.inputs[:1]):
            return False
        return len(data) == 1 and all(self.is_number(name) for name in node.inputs if name and name != data[0])

    def origin(self, value: str, through: Callable[[Node], bool] = is_rearrangement, scaled: bool = False) -> str:
        """The value that another one is a view of, back through operators of one data input; with scaled, of which it
        is a view times or plus a number."""
        while (node := self.producer(value)) is not None:
            data = self.data_inputs(node)
            if len(data) != 1 or not (through(node) or (scaled and self.scales(node))):
                break
            value = data[0]
        return value

    @cached_property
    def _stored(self) -> Collection[str]:
        return stored_values(self.graph)

    def is_stored(self, value: str) -> bool:
        """Whether a value is a stored tensor, or a view of one: exporters store equal tensors once and give the others
        by Identity."""
        return value in self._stored

    def is_unshared(self, node: Node, position: int) -> bool:
        """Whether an input of a node is a stored tensor that is read there and nowhere else."""
        name = node.inputs[position] if position < len(node.inputs) else ""
        return name in self.graph.initializers and len(self.readers[name]) == 1 == node.inputs.count(name)

    def is_internal(self, nodes: Collection[int], result: str) -> bool:
        """Whether only these nodes read what they compute, apart from their result."""
        inner = [name for i in nodes for name in self.graph.nodes[i].outputs if name and name != result]
        outputs = self.graph.outputs
        return all(name not in outputs and set(self.readers.get(name, ())) <= set(nodes) for name in inner)

    def is_part(self, i: int) -> bool:
        """Whether a layer of a YAML file adds this node among others: the layer's own choice, not the model's."""
        nodes = self.graph.nodes
        neighbours = [nodes[j] for j in (i - 1, i + 1) if 0 <= j < len(nodes)]
        node = nodes[i]
        return bool(layer_place(node)) and any(
            n.place == node.place and operator_key(n) != operator_key(node) for n in neighbours
        )

    def uses(self, i: int) -> Sequence[int]:
        """The nodes that the same layer of a YAML file adds with this operator, itself among them."""
        node = self.graph.nodes[i]
        return self._layers[node.place, node.domain, node.op_type] if layer_place(node) else (i,)


def _reads_shape_only(node: Node) -> bool:
    return traits_of(node).reads == "shape"


def _is_table(t: TensorType) -> bool:
    return t.dtype.is_float and t.shape is not None and t.elements != 1
