"""A graph with its producers and readers, and convolutions read into plain data: what the rules look at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from costcalc.dim import Dim, prod
from costcalc.ir import Graph, Node
from costcalc.suggest.pieces import Copied

SAME = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


@dataclass(frozen=True, slots=True)
class View:
    """producers gives the node (index) that computes a value, readers those that read it, once for each input; alike
    the nodes that one place of a file adds."""

    graph: Graph
    producers: Mapping[str, int]
    readers: Mapping[str, Sequence[int]]
    alike: Mapping[str, Sequence[int]]

    def shape(self, value: str) -> tuple[Dim, ...]:
        """A value's shape; () where it is not known."""
        return self.graph.types[value].shape or ()

    def only_reader(self, value: str) -> int | None:
        """The node that alone reads a value; None where several do, or the graph gives it."""
        found = self.readers.get(value, ())
        return found[0] if len(found) == 1 and value not in self.graph.outputs else None

    def stored(self, node: Node, position: int) -> bool:
        """Whether an input is a stored tensor, or one under another name: exporters store equal tensors once and give
        the others by Identity."""
        name = node.inputs[position] if position < len(node.inputs) else ""
        while name in self.producers and self.graph.nodes[self.producers[name]].op_type == "Identity":
            name = self.graph.nodes[self.producers[name]].inputs[0]
        return name in self.graph.initializers

    def owned(self, node: Node, position: int) -> bool:
        """Whether an input is a stored tensor of its own that no other node reads."""
        name = node.inputs[position] if position < len(node.inputs) else ""
        return name in self.graph.initializers and len(self.readers[name]) == 1

    def is_part(self, index: int) -> bool:
        """Whether a layer of the file adds this node among others: its own choice, not the model's."""
        nodes = self.graph.nodes
        around = [nodes[i] for i in (index - 1, index + 1) if 0 <= i < len(nodes)]
        here = nodes[index]
        return bool(line(here)) and any(n.place == here.place and n.op_type != here.op_type for n in around)

    def uses(self, index: int) -> Sequence[int]:
        """The nodes that the same layer of the file adds with this operator, itself among them."""
        node = self.graph.nodes[index]
        return self.alike[f"{node.place} {node.op_type}"] if line(node) else (index,)


def line(node: Node) -> str:
    """file:line:column of a node's layer; "" where its file has no layers in lines (ONNX)."""
    return node.place if re.search(r":\d+:\d+$", node.place) else ""


def view(graph: Graph) -> View:
    """The graph as rules see it."""
    producers: dict[str, int] = {}
    readers: dict[str, list[int]] = {}
    alike: dict[str, list[int]] = {}
    for i, node in enumerate(graph.nodes):
        alike.setdefault(f"{node.place} {node.op_type}", []).append(i)
        producers.update({name: i for name in node.outputs if name})
        for name in node.inputs:
            if name:
                readers.setdefault(name, []).append(i)
    return View(graph, producers, readers, alike)


class Conv(NamedTuple):
    """A convolution [N, C_in, …] → [N, C_out, …] with weights of its own. pads is `same`, `same_lower`, or all begins
    and then all ends."""

    at: int
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
        return len(self.kernel)

    def pad(self, axis: int) -> tuple[int, int]:
        """Begin and end of an axis, where pads are numbers."""
        assert not isinstance(self.pads, str)
        return self.pads[axis], self.pads[axis + self.rank]

    def copied(self, *keys: str) -> dict[str, Copied]:
        """Options of this convolution, as its layer in the file has them."""
        all_of_them = {
            "filters": self.filters,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "dilation": list(self.dilation),
            "pad": self.pads if isinstance(self.pads, str) else list(self.pads),
            "bias": self.bias,
        }
        return {key: Copied(all_of_them[key], f"${key}") for key in keys}


def conv(seen: View, index: int) -> Conv | None:
    """The node as a convolution; None where it is none, its weights are shared or computed, or an extent is open."""
    node = seen.graph.nodes[index]
    if node.op_type != "Conv" or node.domain or not seen.owned(node, 1):
        return None
    bias = len(node.inputs) > 2 and bool(node.inputs[2])
    weight, given = seen.shape(node.inputs[1]), seen.shape(node.inputs[0])
    if (bias and not seen.stored(node, 2)) or not given or not seen.shape(node.outputs[0]):
        return None
    if not all(isinstance(d, int) for d in weight) or len(weight) < 3:
        return None
    filters, per_group, *kernel = (int(d) for d in weight)
    rank, a = len(kernel), node.attributes
    group = a.get("group", 1)
    mode = a.get("auto_pad", "NOTSET")
    pads = SAME.get(mode) or ((0,) * 2 * rank if mode == "VALID" else tuple(a.get("pads", (0,) * 2 * rank)))
    ones = (1,) * rank
    return Conv(index, node, per_group * group, filters, tuple(kernel), tuple(a.get("strides", ones)),
                tuple(a.get("dilations", ones)), pads, group, bias)  # fmt: skip


def standard(seen: View) -> list[Conv]:
    """Every standard convolution of a kernel above 1: neither grouped nor depthwise nor pointwise."""
    found = [conv(seen, i) for i, node in enumerate(seen.graph.nodes) if node.op_type == "Conv"]
    return [c for c in found if c is not None and c.group == 1 and c.positions > 1]


FEW = 4
"""Channels of an image: RGB, and one more."""


def of_image(seen: View, c: Conv) -> bool:
    """Whether a convolution reads an input of the network of few channels: all of them matter."""
    return c.channels <= FEW and c.node.inputs[0] in seen.graph.inputs
