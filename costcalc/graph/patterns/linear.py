"""GraphIndex to its linear layers (a Gemm, or a MatMul with a constant matrix and the addition of its bias) and to
its convolutions, as plain data.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator_key


def is_product(node: Node) -> bool:
    """Whether a node multiplies its first two inputs as matrices of decimal numbers."""
    t = traits_of(node)
    return t.kind == "product" and t.factors == (0, 1) and t.packed is None and not t.straight_through


class LinearLayer(NamedTuple):
    """x [..., features] · weight + bias → y [..., units]. nodes are the product and, where one adds the bias behind it,
    the addition; bias is "" where there is none."""

    nodes: tuple[int, ...]
    x: str
    y: str
    weight: str
    bias: str
    features: Dim
    units: Dim


def find_linear_layer(index: GraphIndex, i: int) -> LinearLayer | None:
    """The linear layer whose product a node is; None where it is none: data is multiplied with a constant matrix, or a
    table is, by a layer with a bias or behind one."""
    node = index.graph.nodes[i]
    if not is_product(node):
        return None
    x, weight = node.inputs[:2]
    if weight not in index.constants or len(index.shape(weight)) != 2:
        return None
    layer = _match_layer(index, i)
    if x not in index.constants:
        return layer
    is_layer = x in index.producers or bool(layer.bias)
    return layer if x in index.tables and weight not in index.producers and is_layer else None


def _match_layer(index: GraphIndex, i: int) -> LinearLayer:
    node = index.graph.nodes[i]
    x, weight = node.inputs[:2]
    weight_shape = index.shape(weight)
    features, units = weight_shape[::-1] if node.attributes.get("transB", 0) else weight_shape
    position = traits_of(node).bias
    bias = node.inputs[position] if position is not None and position < len(node.inputs) else ""
    layer = LinearLayer((i,), x, node.outputs[0], weight, bias, features, units)
    after = index.only_element_reader(layer.y) if position is None else None
    if after is None or traits_of(index.graph.nodes[after]).arithmetic != "add":
        return layer
    add = index.graph.nodes[after]
    for name in add.inputs:
        shape = index.shape(name)
        if name in index.constants and name != layer.y and shape[-1:] == (units,) and index.elements(name) == units:
            return layer._replace(nodes=(i, after), y=add.outputs[0], bias=name)
    return layer


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


def find_convolution(index: GraphIndex, i: int) -> Convolution | None:
    """The index of a node -> its Convolution; None where it is none, its weights are shared or computed, or an extent
    is open."""
    node = index.graph.nodes[i]
    if operator_key(node) != ("", "Conv") or not index.is_unshared(node, 1):
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


def find_standard_convolutions(index: GraphIndex) -> list[Convolution]:
    """Every standard convolution of a kernel above 1: neither grouped nor depthwise nor pointwise."""
    convolutions = [find_convolution(index, i) for i in range(len(index.graph.nodes))]
    return [c for c in convolutions if c is not None and c.group == 1 and c.positions > 1]


def reads_image(index: GraphIndex, c: Convolution) -> bool:
    """Whether a convolution reads an input of the network of few channels: all of them matter."""
    return c.channels <= IMAGE_CHANNELS and c.node.inputs[0] in index.graph.inputs
