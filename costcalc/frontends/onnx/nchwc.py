"""Graph with operators of com.microsoft.nchwc -> its tensors' channels without those that fill a block; a block's size.

ONNX Runtime pads the filters of a convolution to a multiple of 8 or 16, and with them every tensor behind it. How many
channels the model has is told by other nodes and names: where blocks end (ReorderOutput) and begin (ReorderInput), what
the file declares of the tensor that a node gave before (the node is called by it), and biases that were not padded (the
optimizer calls those that it pads `reorder…`). It follows through depthwise convolutions, pools, sums and elementwise
operators. A Concat is only moved into blocks where no input is padded, a grouped convolution where no group is.
"""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.core.ir import Graph, Node, TensorType
from costcalc.frontends.onnx.messages import GraphProto, parse_value_info
from costcalc.frontends.onnx.parse import Cache, parse_nodes
from costcalc.frontends.onnx.scopes import Frame
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.common.channels import BLOCK, LARGEST_BLOCK, NCHWC

OPERATORS = frozenset(
    (
        *("Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"),
        *("Upsample", "ReorderInput", "ReorderOutput"),
    )
)
"""The operators of the domain."""

SUFFIX = "_nchwc"
"""Behind the name of a tensor, the name of the node that gives it in blocks."""

PADDED_NAME = "reorder"
"""How the names of the weights and biases begin that the optimizer wrote."""


PADDING_NOTE = (
    "com.microsoft.nchwc does not tell of every convolution how many filters only fill a block of 8 or 16; all count in"
)


def find_block(graph: GraphProto, cache: Cache) -> int:
    """A graph of a file -> the channels of a block: 8 where the filters or the input channels of a stored weight, of it
    or of the bodies of its nodes, are no multiple of 16."""
    stored = {t.name: t.dims for t in graph.initializer}
    for node in parse_nodes(graph.buf, graph.node, cache):
        if node.domain == NCHWC and node.op_type == "Conv" and len(node.input) > 1:
            filters, inputs, *_ = (*stored.get(node.input[1], ()), 0, 0)
            if filters % LARGEST_BLOCK or (inputs > LARGEST_BLOCK and inputs % LARGEST_BLOCK):
                return BLOCK
        bodies = [attribute.value for attribute in node.attribute if isinstance(attribute.value, GraphProto)]
        if any(find_block(body, cache) == BLOCK for body in bodies):
            return BLOCK
    return LARGEST_BLOCK


def find_logical_channels(builder: GraphBuilder, first: int, frame: Frame, graph: GraphProto, cache: Cache) -> None:
    """The nodes that a (sub)graph added to a builder, from `first` on, and its message in the file -> its convolutions,
    pools and Upsample of com.microsoft.nchwc have the attributes `logical_channels`, where that is known of a
    convolution or fewer than are stored, and `logical_input_channels` where these are fewer. Blocks end where a graph
    ends."""
    protos = tuple(parse_nodes(graph.buf, graph.node, cache))
    names = {frame.find(name): name for node in protos for name in (*node.input, *node.output) if name}
    node_names = {frame.find(node.output[0]): node.name for node in protos if node.output and node.output[0]}
    infos = (*(parse_value_info(graph.buf, a, b) for a, b in graph.value_info), *graph.output)
    declared = {info.name: info.type.dims[1] for info in infos if info.type.dims and len(info.type.dims) > 2}
    channels = _Channels(builder.types, names)
    blocked: set[str] = set()
    own = [
        (i, node)
        for i, node in enumerate(builder.nodes[first:], first)
        if node.outputs[0:1] and node.outputs[0] in names
    ]
    for _, node in own:
        if _is_blocked(node):
            name = node_names.get(node.outputs[0], node.name)
            _learn_from(node, channels, blocked, declared.get(name.removesuffix(SUFFIX)))
        elif not blocked.isdisjoint(node.inputs):
            _follow(node, channels, blocked)
    for index, node in own:
        if _is_blocked(node) and not node.op_type.startswith("Reorder"):
            is_conv = node.op_type == "Conv"
            added = {"logical_channels": (channels.of if is_conv else channels.fewer)(node.outputs[0])}
            if is_conv and node.inputs[0] in blocked and node.attributes.get("group", 1) == 1:
                added["logical_input_channels"] = channels.fewer(node.inputs[0])
            attributes = {**node.attributes, **{k: v for k, v in added.items() if v is not None}}
            builder.nodes[index] = node._replace(attributes=attributes)


def padding_notes(graph: Graph) -> tuple[str, ...]:
    """A graph → a note where convolutions of com.microsoft.nchwc do not tell how many of their filters are padding."""
    known = [
        "logical_channels" in node.attributes for node in graph.nodes if node.op_type == "Conv" and _is_blocked(node)
    ]
    return () if all(known) else (f"{PADDING_NOTE} {known.count(False)} of {len(known)}",)


def _is_blocked(node: Node) -> bool:
    """Whether a node is an operator of the domain with the inputs that it needs."""
    if node.domain != NCHWC or node.op_type not in OPERATORS or not node.outputs or not node.outputs[0]:
        return False
    needed = node.inputs[: 2 if node.op_type == "Conv" else 1]
    return len(needed) == (2 if node.op_type == "Conv" else 1) and "" not in needed


def _learn_from(node: Node, channels: _Channels, blocked: set[str], declared: object) -> None:
    """Adds what a node of the domain says of the channels of its input and its output; declared are those that the file
    states of what it gave before."""
    x, out = node.inputs[0], node.outputs[0]
    if node.op_type == "ReorderOutput":
        channels.learn(x, node.attributes.get("channels"))
        return
    blocked.add(out)
    channels.learn(out, declared)
    if node.op_type == "ReorderInput":
        shape = channels.types[x].shape
        channels.learn(out, shape and shape[-1 if node.attributes.get("channels_last") else 1])
    elif node.op_type != "Conv":
        channels.unite(x, out)
    else:
        _learn_from_convolution(node, channels)


def _learn_from_convolution(node: Node, channels: _Channels) -> None:
    x, weight, out = node.inputs[0], channels.types[node.inputs[1]].shape, node.outputs[0]
    bias, addend = (*node.inputs[2:4], "", "")[:2]
    group = node.attributes.get("group", 1)
    if isinstance(group, int) and group > 1 and weight is not None:
        if weight[:2] == (group, 1):
            channels.unite(x, out)
        else:
            channels.learn(x, channels.stored(x))
            channels.learn(out, channels.stored(out))
    if addend:
        channels.unite(addend, out)
    if bias and not channels.names.get(bias, bias).startswith(PADDED_NAME):
        channels.learn(out, channels.stored(out))


def _follow(node: Node, channels: _Channels, blocked: set[str]) -> None:
    """Adds what another node between blocked tensors says: its output has the channels of its inputs, a Concat's those
    that are stored."""
    out = node.outputs[0] if node.outputs else ""
    if channels.stored(out) is None:
        return
    blocked.add(out)
    for name in blocked.intersection(node.inputs):
        if node.op_type == "Concat":
            channels.learn(name, channels.stored(name))
            channels.learn(out, channels.stored(out))
        elif channels.stored(name) == channels.stored(out):
            channels.unite(name, out)


class _Channels:
    """Values of a graph in groups of equal channels, and the number of each group where it is known; names are those
    that the file has for them."""

    def __init__(self, types: Mapping[str, TensorType], names: Mapping[str, str]) -> None:
        self.types, self.names = types, names
        self.parents: dict[str, str] = {}
        self.known: dict[str, int] = {}

    def root(self, name: str) -> str:
        while (parent := self.parents.get(name, name)) != name:
            name = parent
        return name

    def unite(self, a: str, b: str) -> None:
        a, b = self.root(a), self.root(b)
        if a != b:
            self.parents[b] = a
            if b in self.known:
                self.known.setdefault(a, self.known[b])

    def stored(self, name: str) -> int | None:
        """The channels of a value in blocks with those that are padding."""
        shape = self.types[name].shape if name in self.types else None
        return shape[1] if shape is not None and len(shape) > 2 and isinstance(shape[1], int) else None

    def learn(self, name: str, channels: object) -> None:
        stored = self.stored(name)
        if isinstance(channels, int) and stored is not None and stored - LARGEST_BLOCK < channels <= stored:
            self.known.setdefault(self.root(name), channels)

    def of(self, name: str) -> int | None:
        """The channels of a value without padding; None where nothing tells."""
        return self.known.get(self.root(name))

    def fewer(self, name: str) -> int | None:
        """The channels of a value where they are known and fewer than are stored."""
        channels = self.of(name)
        return channels if channels != self.stored(name) else None
