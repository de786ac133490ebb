"""Graph and number of devices to TensorSplit: which axis of which tensor is split between the devices of a
tensor-parallel group, and which values they must exchange.

The split is that of Megatron-LM (arXiv:1909.08053) and of vLLM's layers. A product whose result reaches an attention,
or another product, through operators that work element by element or head by head has its columns split; the product
behind has its rows split, and its result is summed over the devices (an all-reduce). Heads are whole; key and value
heads are copied where there are more devices than heads. The rows of the token embedding and the columns of the head
are split by vocabulary; the logits are gathered. Everything else (normalisations, routers, projections to latents) is
on every device. A normalisation across split features needs the sum of squares of all devices, one number a position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import Literal, NamedTuple

from costcalc.analysis.parallel.axes import follow_axis, weight_axes
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.parameters import StoredTensor


class AxisShare(NamedTuple):
    """The axis along which a tensor is split, and the part of it that one device holds."""

    axis: int
    share: Fraction


class Exchange(NamedTuple):
    """A value that the devices of a group sum (all-reduce) or put together (all-gather), and the node that gives it;
    statistics says that only one float32 a position is summed."""

    kind: Literal["all-reduce", "all-gather"]
    value: str
    node: int
    statistics: bool = False


class TensorSplit(NamedTuple):
    """Values, stored tensors and caches that are split, by name; what is exchanged; whole values that split layers
    read, with the node that is the first to do so (their gradients are summed); and the layers whose weights every
    device holds whole."""

    shares: Mapping[str, AxisShare]
    exchanges: tuple[Exchange, ...]
    column_inputs: tuple[tuple[str, int], ...]
    copied_layers: tuple[str, ...]


def split_tensors(graph: Graph, tensor: int, expert: int) -> TensorSplit:
    """Graph of a pass, devices of a tensor-parallel group and of an expert-parallel one -> TensorSplit. UsageError
    where heads, features or experts cannot be split over so many."""
    return _Splitter(graph, tensor, expert).run()


class _Splitter:
    """One walk over a graph in execution order; `demand` looks ahead to what reads a value."""

    def __init__(self, graph: Graph, tensor: int, expert: int) -> None:
        self.graph, self.tensor, self.expert = graph, tensor, expert
        self.index = GraphIndex(graph)
        self.shares: dict[str, AxisShare] = {}
        self.partial: dict[str, int] = {}
        self.exchanges: list[Exchange] = []
        self.copied: list[str] = []
        self.column_inputs: dict[str, int] = {}
        self.demands: dict[tuple[str, int, bool], Fraction | None] = {}
        shapes = [graph.types[name].shape for name in graph.outputs]
        self.vocabularies = {shape[-1] for shape in shapes if shape}

    def run(self) -> TensorSplit:
        for index, node in enumerate(self.graph.nodes):
            operator = traits_of(node)
            if operator.kind == "experts":
                self._split_experts(index, node)
            elif operator.kind == "product" and self._root(node.inputs[operator.factors[1]])[0]:
                self._split_product(index, node)
            elif self.tensor == 1:
                continue
            elif operator.kind == "lookup" and self._root(node.inputs[0])[0]:
                self._split_table(index, node)
            elif operator.heads is not None:
                self._split_heads(index, node)
            elif operator.arithmetic == "add" and self._is_sum_of_partial(node):
                self.partial = {k: v for k, v in self.partial.items() if k not in node.inputs}
                self.partial[node.outputs[0]] = index
            else:
                self._pass_on(index, node)
        sums = [Exchange("all-reduce", name, index) for name, index in self.partial.items()]
        exchanges = sorted((*self.exchanges, *sums), key=lambda exchange: exchange.node)
        return TensorSplit(self.shares, tuple(exchanges), tuple(self.column_inputs.items()), tuple(self.copied))

    def demand(self, name: str, axis: int, is_mixed: bool = False) -> Fraction | None:
        """Value and axis -> the part that one device needs where the value is split along it; None where it must be
        whole, as one of unknown shape, or of no axes, must. is_mixed: a normalisation across the axis stands before,
        which only heads may follow."""
        if not self._rank(name):
            return None
        key = (name, axis, is_mixed)
        if key not in self.demands:
            self.demands[key] = None
            readers = sorted(self.index.readers.get(name, ()), key=lambda i: traits_of(self.graph.nodes[i]).kind == "")
            parts: set[Fraction | None] = set()
            if name in self.graph.outputs:
                parts.add(self._vocabulary_share(self._extent(name, axis)) if not readers and not is_mixed else None)
            for reader in readers:
                parts.add(self._demand_of(self.graph.nodes[reader], name, axis, is_mixed))
                if None in parts:
                    break
            self.demands[key] = parts.pop() if len(parts) == 1 else None
        return self.demands[key]

    def _demand_of(self, node: Node, name: str, axis: int, is_mixed: bool) -> Fraction | None:
        operator, position = traits_of(node), node.inputs.index(name)
        if operator.kind == "experts":
            return None
        if operator.heads is not None:
            is_split = position in operator.heads.query or position in operator.heads.kv
            return self._head_share(node, position) if is_split else None
        is_last = axis == len(self.graph.types[name].shape or ()) - 1
        if operator.kind == "product" and self._root(node.inputs[operator.factors[1]])[0]:
            return Fraction(1, self.tensor) if position == operator.factors[0] and is_last and not is_mixed else None
        if operator.kind == "normalisation" and axis >= _normalised_axis(node, self.graph):
            is_mixed = True
        if operator.cuts_axis is not None and operator.cuts_axis(node.attributes) % self._rank(name) == axis:
            return self._demand_of_parts(node, name, axis, is_mixed)
        parts = set()
        for output in [o for o in node.outputs if o in self.index.readers or o in self.graph.outputs]:
            at = follow_axis(node, self.graph.types[name], self.graph.types[output], axis)
            parts.add(None if at is None else self.demand(output, at, is_mixed))
        return parts.pop() if len(parts) == 1 else None

    def _demand_of_parts(self, node: Node, name: str, axis: int, is_mixed: bool) -> Fraction | None:
        """A node that cuts a value along the axis -> the part of the whole that its outputs need."""
        total = Fraction(0)
        for output in node.outputs:
            share = self.demand(output, axis, is_mixed)
            if share is None:
                return None
            total += share * self._extent(output, axis)
        return total / max(1, self._extent(name, axis))

    def _split_product(self, index: int, node: Node) -> None:
        data, weight = (node.inputs[i] for i in traits_of(node).factors)
        root, is_swapped = self._root(weight)
        k_axis, n_axis = weight_axes(node, self.graph.types[root], is_swapped)
        output = node.outputs[0]
        last = self._rank(output) - 1
        state = self.shares.get(data)
        if self.tensor == 1:
            return
        if state is not None and state.axis == self._rank(data) - 1:
            self._store(root, k_axis, state.share)
            self.partial[output] = index
            return
        share = self.demand(output, last) if self._rank(root) > 1 else None
        if share is None or self._extent(output, last) < self.tensor:
            self.copied.append(node.name)
            return
        if self._extent(output, last) in self.vocabularies:
            self.exchanges.append(Exchange("all-gather", output, index))
        elif (self._extent(output, last) * share).denominator != 1:
            fact = f"{node.name}: {self._extent(output, last):,} features cannot be split over {self.tensor:,} devices"
            raise UsageError(fact, "use a --tp that divides them")
        self.column_inputs.setdefault(data, index)
        self._store(root, n_axis, share)
        for position, name in enumerate(node.inputs):
            if name in self.graph.initializers and name != root and position not in traits_of(node).factors:
                self._store(name, self._rank(name) - 1 if position == traits_of(node).bias else n_axis, share)
        self.shares[output] = AxisShare(last, share)

    def _split_table(self, index: int, node: Node) -> None:
        root, _ = self._root(node.inputs[0])
        shape = self.graph.types[root].shape or ()
        if len(shape) == 2 and shape[0] in self.vocabularies and shape[0] >= self.tensor:
            self._store(root, 0, self._vocabulary_share(shape[0]))
            self.partial[node.outputs[0]] = index

    def _split_heads(self, index: int, node: Node) -> None:
        heads = traits_of(node).heads
        assert heads is not None
        is_split = any(name in self.shares for i, name in enumerate(node.inputs) if i in heads.query and i < 3)
        if not is_split:
            return
        for position, name in enumerate(node.inputs):
            axis = heads.query.get(position, heads.kv.get(position))
            if name and axis is not None and self._rank(name) and name not in self.shares:
                self._store(name, axis % self._rank(name), self._head_share(node, position))
        for name in node.inputs[:3]:
            if name not in self.shares:
                self.column_inputs.setdefault(name, index)  # common to all heads: the latents of an attention
        share = min(
            self._head_share(node, position) for position, name in enumerate(node.inputs[:3]) if name in self.shares
        )
        if self._rank(node.outputs[0]):
            self.shares[node.outputs[0]] = AxisShare(self._rank(node.outputs[0]) - 1, share)

    def _head_share(self, node: Node, position: int) -> Fraction:
        """The part of the heads of an attention's input that one device computes: at least one head."""
        heads = traits_of(node).heads
        assert heads is not None
        is_query = position in heads.query
        count = int(node.attributes.get(heads.query_attribute if is_query else heads.kv_attribute, 0))
        divides = count % self.tensor == 0 or (not is_query and self.tensor % max(count, 1) == 0)
        if not count or not divides:
            kind = "heads" if is_query else "key and value heads"
            fact = f"{node.name}: {count:,} {kind} cannot be split over {self.tensor:,} devices"
            raise UsageError(fact, f"use a --tp that divides {count:,}")
        return Fraction(max(1, count // self.tensor), count)

    def _split_experts(self, index: int, node: Node) -> None:
        routed = traits_of(node).routed
        assert routed is not None
        within = max(1, self.tensor // self.expert)
        names = [(i, node.inputs[i]) for i in sorted(routed[0]) if i < len(node.inputs) and node.inputs[i]]
        experts = self._extent(names[0][1], 0) if names else 1
        if experts % self.expert:
            fact = f"{node.name}: {experts:,} experts cannot be spread evenly over {self.expert:,} devices"
            raise UsageError(fact, f"use an --ep that divides {experts:,}")
        hidden = self.graph.types[node.inputs[0]].shape
        for _, name in names:
            shape = self.graph.types[name].shape or ()
            inner = [axis for axis, extent in enumerate(shape) if axis and (hidden is None or extent != hidden[-1])]
            axis = inner[0] if inner else len(shape) - 1
            is_bias_of_output = len(shape) < 3 and not inner
            share = Fraction(1, self.expert if is_bias_of_output else self.expert * within)
            if share != 1:
                self.shares[name] = AxisShare(0 if is_bias_of_output else axis, share)
        if self.tensor > 1:
            self.partial[node.outputs[0]] = index
            self.column_inputs.setdefault(node.inputs[0], index)

    def _is_sum_of_partial(self, node: Node) -> bool:
        names = [name for name in node.inputs if name]
        return len(names) == 2 and all(
            name in self.partial and len(self.index.readers.get(name, ())) == 1 for name in names
        )

    def _pass_on(self, index: int, node: Node) -> None:
        """A node that works along the split axis, or cuts or moves it: its outputs are split as its input is."""
        source = next((name for name in node.inputs if name in self.shares and name not in self.graph.initializers), "")
        if not source:
            return
        axis, share = self.shares[source]
        operator = traits_of(node)
        cuts = operator.cuts_axis is not None and operator.cuts_axis(node.attributes) % self._rank(source) == axis
        for output in filter(None, node.outputs):
            at = axis if cuts else follow_axis(node, self.graph.types[source], self.graph.types[output], axis)
            part = self.demand(output, axis) if cuts else share
            if at is not None and part is not None:
                self.shares[output] = AxisShare(at, part)
        if operator.kind == "normalisation" and axis >= _normalised_axis(node, self.graph):
            self.exchanges.append(Exchange("all-reduce", node.outputs[0], index, statistics=True))
        for name in node.inputs:
            self._split_operand(name, node, source, axis, share)

    def _split_operand(self, name: str, node: Node, source: str, axis: int, share: Fraction) -> None:
        """A stored operand beside a split value, or a cache that is joined to it: split along the same extent."""
        if not name or name in self.shares or name == source:
            return
        shape, extent = self.graph.types[name].shape or (), self._extent(source, axis)
        is_convolution = traits_of(node).kind == "causal_convolution"
        at = 0 if is_convolution and name in self.graph.initializers else axis - self._rank(source) + len(shape)
        given = name in self.graph.initializers or name in self.graph.data_inputs
        if given and 0 <= at < len(shape) and shape[at] == extent and extent != 1:
            self.shares[name] = AxisShare(at, share)

    def _root(self, name: str) -> tuple[str, bool]:
        """A weight as it is read -> the stored tensor behind it ("" where there is none), and whether it is
        transposed."""
        is_swapped = False
        while name not in self.graph.initializers:
            producer = self.index.producers.get(name)
            node = None if producer is None else self.graph.nodes[producer]
            if node is None or not traits_of(node).passes_on or not node.inputs:
                return "", False
            is_swapped ^= traits_of(node).kind == "transpose"
            name = node.inputs[0]
        return name, is_swapped

    def _store(self, name: str, axis: int, share: Fraction) -> None:
        if share != 1:
            self.shares[name] = AxisShare(axis, share)

    def _vocabulary_share(self, extent: Dim) -> Fraction:
        """Rows of a table -> the part of them that the device with the most holds; the whole of an empty one."""
        assert isinstance(extent, int)
        return Fraction(-(-extent // self.tensor), extent) if extent else Fraction(1)

    def _extent(self, name: str, axis: int) -> int:
        """The extent of an axis of a value of known shape; 1 where it is open."""
        shape = self.graph.types[name].shape
        assert shape is not None
        extent = shape[axis]
        return extent if isinstance(extent, int) else 1

    def _rank(self, name: str) -> int:
        return len(self.graph.types[name].shape or ())


def _normalised_axis(node: Node, graph: Graph) -> int:
    """A normalisation -> the first of the axes that it normalises over."""
    rank = len(graph.types[node.inputs[0]].shape or ())
    return int(node.attributes.get("axis", -1)) % max(rank, 1)


def local_type(type_: TensorType, share: AxisShare | None) -> TensorType:
    """Type of a whole tensor -> that of the part that the device with the most of it holds; the values of a small one
    are dropped."""
    if share is None or type_.shape is None or share.axis >= len(type_.shape):
        return type_
    extent = type_.shape[share.axis]
    local = extent * share.share.numerator // share.share.denominator
    if isinstance(extent, int):
        exact = extent * share.share
        local = int(exact) if exact >= 1 else 1
    shape = tuple([local if i == share.axis else other for i, other in enumerate(type_.shape)])
    return type_._replace(shape=shape, value=None)


def local_bytes(item: StoredTensor, share: AxisShare | None) -> int:
    """Stored tensor -> its bytes in the file of the part that the device with the most of it holds: of whole elements,
    or of a quantised one that share of its bytes with scales."""
    elements, nbytes = item.type.elements, item.nbytes
    assert isinstance(elements, int) and isinstance(nbytes, int), "extents of stored tensors are numbers"
    if share is None:
        return nbytes
    if item.format is not None:
        return ceil(nbytes * share.share)
    return (ceil(elements * share.share) * item.type.dtype.bits + 7) // 8


HEAD_COUNTS = ("num_heads", "q_num_heads", "kv_num_heads")
"""Attributes that count heads."""


def local_graph(graph: Graph, split: TensorSplit) -> Graph:
    """Graph of a pass -> that of the device with the most to do: its parts of the tensors, and its heads."""
    types = {name: local_type(type_, split.shares.get(name)) for name, type_ in graph.types.items()}
    nodes = tuple([_local_node(node, split) for node in graph.nodes])
    initializers = {name: types[name] for name in graph.initializers}
    formats = dict(graph.stored_formats)
    for name in formats.keys() & split.shares.keys():
        formats[name] = formats[name]._replace(nbytes=ceil(formats[name].nbytes * split.shares[name].share))
    return graph._replace(types=types, nodes=nodes, initializers=initializers, stored_formats=formats)


def _local_node(node: Node, split: TensorSplit) -> Node:
    if not any(name in node.attributes for name in HEAD_COUNTS) or node.outputs[0] not in split.shares:
        return node
    return node._replace(attributes={**node.attributes, **dict(_local_heads(node, split))})


def _local_heads(node: Node, split: TensorSplit) -> Iterator[tuple[str, int]]:
    heads = traits_of(node).heads
    for name in HEAD_COUNTS:
        if name not in node.attributes:
            continue
        position = 1 if heads is not None and name == heads.kv_attribute != heads.query_attribute else 0
        split_input = split.shares.get(node.inputs[position]) or split.shares[node.outputs[0]]
        yield name, max(1, int(node.attributes[name] * split_input.share))
