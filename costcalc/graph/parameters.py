"""Graph -> its stored tensors: which are parameters, which are buffers, which node each is counted for, and which
values are views of them.

What is stored is decided here: `stored_values` holds the tensors and their views, which no run computes or allocates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, Node, StoredFormat, TensorType
from costcalc.core.memo import Memo
from costcalc.core.traits import traits_of

UNSCALED = ("same", "converted")
"""Values of Traits.passes_on whose output is still the weight that its reader multiplies with."""

PASSING = (*UNSCALED, "dequantised")
"""Values of Traits.passes_on through which a stored tensor counts for the layer behind."""

Readers = dict[str, list[tuple[int, int]]]
"""(node index, input position) of every reader of every value."""


class StoredCount(NamedTuple):
    """The stored tensors that a node is the first to read: parameters and buffers in elements, both in bytes."""

    params: Dim = 0
    buffers: Dim = 0
    weight_bytes: Dim = 0


NO_STORAGE = StoredCount()


class StoredTensor(NamedTuple):
    """A stored tensor that a node reads: param, buffer or constant; owner is the index of the first node to read it.
    values is how many numbers it holds, more than its elements where a byte holds several. The type of a sparse one is
    that of its stored values; index_bytes are those of their indices. format is how the file has it, None: in its
    type."""

    name: str
    type: TensorType
    kind: str
    owner: int
    values: Dim
    index_bytes: Dim = 0
    format: StoredFormat | None = None

    @property
    def nbytes(self) -> Dim:
        """Bytes in the file."""
        return self.type.nbytes + self.index_bytes if self.format is None else self.format.nbytes

    @property
    def storage(self) -> str:
        """The name of what it is stored in: its element type, or its format's label."""
        return str(self.type.dtype) if self.format is None else self.format.label


def stored_values(graph: Graph) -> frozenset[str]:
    """Graph -> the names of its stored values: stored tensors, and views of them and of constants whose shapes are
    stored too. What a loop carries into its body is none, though no node computes it."""
    types, stored = graph.types, set(graph.initializers)
    computed: frozenset[str] | None = None
    for node in graph.nodes:
        if not node.inputs:
            continue
        source = node.inputs[0]
        if (source not in stored and source and types[source].value is None) or not traits_of(node).view:
            continue
        read = [name for name in node.inputs if name and name not in stored]
        if all(types[name].value is not None for name in read):
            if read and computed is None:
                computed = frozenset(graph.data_inputs).union(*[n.outputs for n in graph.nodes])
            if computed is None or computed.isdisjoint(read):
                stored.update(read, filter(None, node.outputs))
    return frozenset(stored)


def find_stored_tensors(graph: Graph) -> Iterator[StoredTensor]:
    """A graph -> its stored tensors that nodes read, each with the node that it is counted for: the first that computes
    with it. A shared tensor is counted once."""
    readers = _find_readers(graph)
    nodes, declared_kinds = graph.nodes, _declared_kinds(graph)
    for name, type_ in graph.initializers.items():
        uses = readers[name]
        if uses:
            kind = declared_kinds.get(name) or _classify_tensor(type_, uses, graph, readers)
            index, position = uses[0]
            node = nodes[index]
            owner = index
            operator = traits_of(node)
            if len(uses) > 1 or operator.passes_on:
                owner = min(end for use in uses for end, _ in _final_readers(*use, graph, readers))
            packed = operator.packed
            is_packed = packed is not None and position in packed.inputs
            values = packed.values(type_, node.attributes) if packed is not None and is_packed else type_.elements
            sparse = graph.sparse.get(name)
            if sparse is not None:
                type_, values = TensorType(type_.dtype, (sparse.values,)), sparse.values
            index_bytes = sparse.index_bytes if sparse else 0
            yield StoredTensor(name, type_, kind, owner, values, index_bytes, graph.stored_formats.get(name))
    yield from _find_owned_tensors(graph, readers)


def _declared_kinds(graph: Graph) -> dict[str, str]:
    """The kinds of stored tensors by name as the front end knows them; those that are missing follow from how they are
    read."""
    return {**graph.stored_kinds, **dict.fromkeys(graph.parameters, "param")}


def _find_owned_tensors(graph: Graph, readers: Readers) -> Iterator[StoredTensor]:
    """The stored tensors that no node reads, each for the node that the graph names."""
    if not graph.owners:
        return
    index_of_node = {node.name: i for i, node in enumerate(graph.nodes)}
    declared_kinds = _declared_kinds(graph)
    for name, owner in graph.owners.items():
        type_ = graph.initializers.get(name)
        if type_ is not None and not readers[name] and owner in index_of_node:
            kind = declared_kinds.get(name, "constant")
            form = graph.stored_formats.get(name)
            yield StoredTensor(name, type_, kind, index_of_node[owner], type_.elements, 0, form)


def _find_readers(graph: Graph) -> Readers:
    """The readers of stored tensors, and of what passes one on."""
    readers: Readers = {name: [] for name in graph.initializers}
    for index, node in enumerate(graph.nodes):
        if readers.keys().isdisjoint(node.inputs):
            continue
        for position, name in enumerate(node.inputs):
            if name in readers:
                readers[name].append((index, position))
                if position == 0 and traits_of(node).passes_on:
                    readers.setdefault(node.outputs[0], [])
    return readers


def parameters_by_node(graph: Graph) -> dict[int, StoredCount]:
    """A graph -> by node index, the parameters and buffers that the node is the first to read."""
    has_own_storage = graph.sparse or graph.owners or graph.stored_formats
    counts = None if has_own_storage else _count_unshared(graph)
    return _count_shared(graph) if counts is None else counts


def _count_unshared(graph: Graph) -> dict[int, StoredCount] | None:
    """parameters_by_node where each stored tensor is read once, by the node that computes with it: it follows from the
    node's own types. None where that is not so."""
    initializers, declared_kinds = graph.initializers, _declared_kinds(graph)
    counts: dict[int, StoredCount] = {}
    names_before: set[str] = set()
    stored = initializers.keys()
    for index, node in enumerate(graph.nodes):
        if stored.isdisjoint(node.inputs):
            continue
        names = [name for name in node.inputs if name in initializers]
        operator = traits_of(node)
        if operator.passes_on or operator.packed or not names_before.isdisjoint(names) or len(set(names)) < len(names):
            return None
        names_before.update(names)
        tensors = tuple(
            [
                (position, initializers[name], declared_kinds.get(name, ""))
                for position, name in enumerate(node.inputs)
                if name in initializers
            ]
        )
        key = (operator.buffers, operator.weights, tensors)
        storage = STORED_COUNTS.get(key)
        if storage is None:
            storage = STORED_COUNTS[key] = _count_node(node, tensors)
        if storage is not NO_STORAGE:
            counts[index] = storage
    return counts


STORED_COUNTS: Memo[object, StoredCount] = Memo("stored counts", 1 << 12)
"""Counts of nodes by the stored tensors that they read and the traits of their operators: they hold for every graph."""


def _count_node(node: Node, tensors: Iterable[tuple[int, TensorType, str]]) -> StoredCount:
    total = NO_STORAGE
    for position, type_, declared_kind in tensors:
        kind = declared_kind or _kind_of_roles(type_, {_role(node, position)})
        if kind != "constant":
            total = _add_tensor(total, kind, type_.nbytes, type_.elements)
    return total


def _add_tensor(count: StoredCount, kind: str, nbytes: Dim, values: Dim) -> StoredCount:
    """The counts of a node with one more tensor."""
    params, buffers, size = count
    if kind == "param":
        params = params + values
    else:
        buffers = buffers + values
    return StoredCount(params, buffers, size + nbytes)


def _count_shared(graph: Graph) -> dict[int, StoredCount]:
    counts: dict[int, StoredCount] = {}
    for item in find_stored_tensors(graph):
        if item.kind != "constant":
            count = counts.get(item.owner, NO_STORAGE)
            counts[item.owner] = _add_tensor(count, item.kind, item.nbytes, item.values)
    return counts


def _classify_tensor(type_: TensorType, uses: Sequence[tuple[int, int]], graph: Graph, readers: Readers) -> str:
    """param, buffer or constant. A float tensor is a parameter unless every reader takes it as a buffer; an integer
    tensor, or one element, only where a reader takes it as a weight (int64 never: it steers shapes and indices)."""
    return _kind_of_roles(type_, {role for use in uses for role in _roles(*use, graph, readers)})


def _kind_of_roles(type_: TensorType, roles: set[str]) -> str:
    """The kind of a tensor that is read in these roles."""
    if roles == {"buffer"}:
        return "buffer"
    if "weight" in roles and type_.dtype.bits < 64 + type_.dtype.is_float:
        return "param"
    return "param" if type_.dtype.is_float and type_.elements != 1 else "constant"


def _roles(index: int, position: int, graph: Graph, readers: Readers) -> Iterable[str]:
    if traits_of(graph.nodes[index]).passes_on not in UNSCALED:
        return (_role(graph.nodes[index], position),)
    return [
        _role(graph.nodes[end], end_position)
        for end, end_position in _final_readers(index, position, graph, readers, UNSCALED)
    ]


def _role(node: Node, position: int) -> str:
    operator = traits_of(node)
    if position in operator.buffers:
        return "buffer"
    return "weight" if position in operator.weights else "other"


def _final_readers(
    index: int, position: int, graph: Graph, readers: Readers, through: Sequence[str] = PASSING, depth: int = 0
) -> Iterator[tuple[int, int]]:
    """The readers (node index, input position) of a stored tensor behind the nodes that only pass it on."""
    node = graph.nodes[index]
    passes = position == 0 and depth < 4 and traits_of(node).passes_on in through
    next_readers = readers.get(node.outputs[0], ()) if passes else ()
    if not next_readers:
        yield index, position
    for reader, next_position in next_readers:
        yield from _final_readers(reader, next_position, graph, readers, through, depth + 1)
