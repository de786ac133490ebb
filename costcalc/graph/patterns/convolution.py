"""Graph to its convolutions: which are depthwise or pointwise, which two are a depthwise-separable one, and what a
convolution with weights of its own computes, as plain data.

A convolution is what its operator's traits call one. Its filters are [F, C/group, *kernel].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.ops.conv import conv_shape


def is_convolution(node: Node) -> bool:
    """Whether a node's operator is a convolution: neither a transposed nor a deformable one."""
    return traits_of(node).kind == "convolution"


def filter_shape(graph: Graph, node: Node) -> tuple[Dim, ...]:
    """Convolution -> [F, C/group, *kernel]; () for other nodes and unknown shapes."""
    position = traits_of(node).factors[1]
    if not is_convolution(node) or len(node.inputs) <= position:
        return ()
    shape = traits_of(node).filter_shape(graph.types[node.inputs[position]].shape or ())
    return shape if len(shape) > 2 else ()


def reads_one_channel(filters: Sequence[object], group: object) -> bool:
    """Shape of filters and their groups -> whether each filter of several groups reads one channel: a depthwise
    convolution."""
    return len(filters) > 1 and group != 1 and filters[1] == 1


def is_depthwise(graph: Graph, node: Node) -> bool:
    """Whether a node is a convolution of several groups whose filters read one channel each."""
    return reads_one_channel(filter_shape(graph, node), node.attributes.get("group", 1))


def has_kernel_of_one(graph: Graph, node: Node) -> bool:
    """Whether a node is a convolution with a 1 × … × 1 kernel, of any groups."""
    shape = filter_shape(graph, node)
    return bool(shape) and all(k == 1 for k in shape[2:])


def is_pointwise(graph: Graph, node: Node) -> bool:
    """Whether a node is a convolution with a 1 × … × 1 kernel over all channels."""
    return has_kernel_of_one(graph, node) and node.attributes.get("group", 1) == 1


def find_separable(index: GraphIndex) -> Iterator[tuple[int, int]]:
    """GraphIndex -> each depthwise convolution of a kernel above 1 and the pointwise one at the same positions behind
    it, both channels first: between the two stands only what works on each value by itself."""
    graph, nodes = index.graph, index.graph.nodes
    for i, node in enumerate(nodes):
        if not is_pointwise(graph, node) or not _is_channels_first(index, node):
            continue
        if index.shape(node.inputs[0])[2:] != index.shape(node.outputs[0])[2:]:
            continue
        producer = index.producers.get(node.inputs[0])
        while (
            producer is not None
            and works_per_value(nodes[producer])
            and index.shape(nodes[producer].inputs[0]) == index.shape(nodes[producer].outputs[0])
        ):
            producer = index.producers.get(nodes[producer].inputs[0])
        if (
            producer is None
            or not _is_channels_first(index, nodes[producer])
            or not is_depthwise(graph, nodes[producer])
        ):
            continue
        filters, _, *kernel = filter_shape(graph, nodes[producer])
        if filters == nodes[producer].attributes["group"] and prod(kernel) != 1:
            yield producer, i


def _is_channels_first(index: GraphIndex, node: Node) -> bool:
    """Whether a node has known shapes, channels first."""
    known = bool(index.shape(node.inputs[0]) and index.shape(node.outputs[0]))
    return known and traits_of(node).layout_of(node.attributes) != "channels_last"


def works_per_value(node: Node) -> bool:
    """Whether a node maps each value by itself: a scale, an activation, a view."""
    operator = traits_of(node)
    alone = operator.fusion == "joins" and (operator.in_place or operator.view)
    return alone or operator.kind == "activation" or operator.arithmetic == "multiply"


SAME = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}

IMAGE_CHANNELS = 4
"""Channels of an image at most: RGB, and one more."""


class Convolution(NamedTuple):
    """A convolution [N, C_in, …] → [N, C_out, …] with weights of its own; node_index is its node. pads is `same`,
    `same_lower`, or all begins and then all ends."""

    node_index: int
    node: Node
    channels: int
    filters: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: str | tuple[int, ...]
    group: int
    bias: bool

    @property
    def positions(self) -> int:
        """∏kernel."""
        size = prod(self.kernel)
        assert isinstance(size, int)
        return size

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.kernel)

    def pad(self, axis: int) -> tuple[int, int]:
        """Begin and end of an axis, where pads are numbers."""
        assert not isinstance(self.pads, str)
        return self.pads[axis], self.pads[axis + self.rank]


CONVOLUTION_ATTRIBUTES = frozenset(("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"))
"""ONNX's attributes of Conv: an operator with another one does something beside."""


def find_convolution(index: GraphIndex, i: int) -> Convolution | None:
    """The node as a convolution; None where it is none, its weights are shared or computed, or an extent is open."""
    node = index.graph.nodes[i]
    if not _computes_conv(index, node) or not index.is_unshared(node, 1):
        return None
    bias = len(node.inputs) > 2 and bool(node.inputs[2])
    weight = index.shape(node.inputs[1])
    if (bias and not index.is_stored(node.inputs[2])) or not index.shape(node.inputs[0]):
        return None
    if not index.shape(node.outputs[0]) or len(weight) < 3 or not all(isinstance(d, int) for d in weight):
        return None
    filters, per_group, *kernel = (int(d) for d in weight)
    rank, a = len(kernel), node.attributes
    group = a.get("group", 1)
    mode = a.get("auto_pad", "NOTSET")
    pads = SAME.get(mode) or ((0,) * 2 * rank if mode == "VALID" else tuple(a.get("pads", (0,) * 2 * rank)))
    ones = (1,) * rank
    strides, dilations = tuple(a.get("strides", ones)), tuple(a.get("dilations", ones))
    return Convolution(i, node, per_group * group, filters, tuple(kernel), strides, dilations, pads, group, bias)


def _computes_conv(index: GraphIndex, node: Node) -> bool:
    """Whether a node computes what ONNX's Conv does: Conv itself, or an operator whose traits call it a convolution of
    decimal numbers, with Conv's inputs and attributes, and with the output that Conv has for them."""
    if operator_key(node) == ("", "Conv"):
        return True
    t, names = traits_of(node), [name for name in node.inputs if name]
    if not is_convolution(node) or t.factors != (0, 1) or t.straight_through or t.packed is not None:
        return False
    if t.layout != "channels_first" or not CONVOLUTION_ATTRIBUTES.issuperset(node.attributes):
        return False
    if not 2 <= len(names) <= (2 if t.bias is None else 3) or (len(names) == 3 and t.bias != 2):
        return False
    types = [index.type(name) for name in names]
    if any(type_.shape is None for type_ in types):
        return False
    try:
        with collect_assumptions():
            made = conv_shape(*types, **node.attributes)
    except (CostcalcError, TypeError):  # its extents follow another rule than Conv's
        return False
    return made == index.type(node.outputs[0])


def find_standard_convolutions(index: GraphIndex) -> list[Convolution]:
    """Every standard convolution of a kernel above 1: neither grouped nor depthwise nor pointwise."""
    convolutions = [find_convolution(index, i) for i in range(len(index.graph.nodes))]
    return [c for c in convolutions if c is not None and c.group == 1 and c.positions > 1]


def reads_image(index: GraphIndex, c: Convolution) -> bool:
    """Whether a convolution reads an input of the network of few channels: all of them matter."""
    return c.channels <= IMAGE_CHANNELS and c.node.inputs[0] in index.graph.inputs
