"""Graph to its compulsory traffic: the bytes that any execution moves between memory and the chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.roofline.least_work import find_least_work, needed_by_outputs
from costcalc.analysis.roofline.multiplications import constant_nodes
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, TensorType
from costcalc.core.traits import LeastWork, traits_of
from costcalc.graph.parameters import find_stored_tensors


class Reads:
    """The bytes that the needed nodes of a graph must read of its values, each once, and write of its outputs."""

    def __init__(self, graph: Graph, rows: Sequence[LayerCost]) -> None:
        needed = needed_by_outputs(graph)
        self.graph, self._needed = graph, needed
        self.needed_nodes = set[int]()
        self.readers: dict[str, list[int]] = {}
        self.work: dict[int, LeastWork] = {}
        self._writes: dict[str, int] = {}
        for index, (node, row) in enumerate(zip(graph.nodes, rows, strict=True)):
            if needed is not None and needed.isdisjoint(node.outputs):
                continue
            self.needed_nodes.add(index)
            for name in node.inputs if len(node.inputs) < 2 else dict.fromkeys(node.inputs):
                if name:
                    self.readers.setdefault(name, []).append(index)
            if traits_of(node).least_work is not None and row.cost is not None:
                work = self.work[index] = find_least_work(graph, node, row.cost.macs, needed)
                self._writes |= {node.outputs[i]: self._bytes_of(node.outputs[i], n) for i, n in work.writes.items()}

    def read_bytes(self, name: str, depth: int = 4) -> int:
        """Value -> the fewest bytes that are read of it: what the one of its readers takes that takes the most, for
        another may take the same, or what slices along an axis take together. Up to `depth` nodes that only pass it
        on are looked through."""
        readers = self.readers.get(name, ())
        each = max([self._bytes_of_reader(name, index, depth) for index in readers], default=0)
        together = self._bytes_of(name, self._count_union(name, readers))
        return max(each, min(together, stored_bytes(self.graph, name)))

    def _count_union(self, name: str, readers: Sequence[int]) -> int:
        """Readers that cut a value along one axis, the same one -> the elements that they read together; 0 where there
        are no such readers."""
        nodes = [self.graph.nodes[index] for index in readers]
        regions = []
        for node in nodes:
            rule = traits_of(node).region
            types = [self.graph.types[read] if read else None for read in node.inputs]
            region = rule(types, node.attributes) if rule is not None and node.inputs[0] == name else None
            regions += [region] if region else []
        shape = self.graph.types[name].shape or ()
        axes = {axis for region in regions for axis, cut in enumerate(region) if len(cut) != shape[axis]}
        if len(axes) != 1 or len(regions) < 2:
            return 0
        (axis,) = axes
        cuts_of_axis = [region[axis] for region in regions]
        cuts = sorted((min(cut[0], cut[-1]), max(cut[0], cut[-1]) + 1, abs(cut.step)) for cut in cuts_of_axis if cut)
        rows = end = 0
        for first, stop, step in cuts:
            if step == 1:
                rows, end = rows + max(0, stop - max(first, end)), max(end, stop)
        return rows * prod(len(cut) for i, cut in enumerate(regions[0]) if i != axis)

    def written_bytes(self, name: str) -> int:
        """Output of the graph -> the fewest bytes that are written of it."""
        size = value_bytes(self.graph, name)
        return min(size, self._writes.get(name, size))

    def is_looked_up(self, name: str) -> bool:
        """Whether nodes only look up rows of a value, cut it or read its shape."""
        return all(self._reads_part(index, name) for index in self.readers.get(name, ()))

    def _reads_part(self, index: int, name: str) -> bool:
        node, work = self.graph.nodes[index], self.work.get(index)
        if work is not None:
            return all(i in work.reads for i, read in enumerate(node.inputs) if read == name)
        return traits_of(node).reads != "all" and node.inputs[0] == name and name not in node.inputs[1:]

    def _bytes_of_reader(self, name: str, index: int, depth: int) -> int:
        node, work, size = self.graph.nodes[index], self.work.get(index), stored_bytes(self.graph, name)
        positions = [i for i, read in enumerate(node.inputs) if read == name]
        if work is not None:
            elements = [work.reads.get(i) for i in positions if i not in work.unused]
            known = [self._bytes_of(name, d) if d is not None else size for d in elements]
            return min(size, max(known, default=0))
        operator = traits_of(node)
        reads, output = operator.reads, node.outputs[0] if node.outputs else ""
        if reads == "all" or positions != [0]:
            is_output = not output or output in self.graph.outputs
            is_passed_on = positions == [0] and operator.passes_on == "same" and not is_output
            return min(size, self.read_bytes(output, depth - 1)) if is_passed_on and depth else size
        needed = [output for output in node.outputs if output and self._is_needed(output)]
        outputs = sum(self._bytes_as(name, output) for output in needed)
        runs = node.count if isinstance(node.count, int) else 1
        return min(size, outputs * runs) if reads == "part" else 0

    def _is_needed(self, name: str) -> bool:
        return self._needed is None or name in self._needed

    def _bytes_as(self, name: str, output: str) -> int:
        """A value and one that rows of it are copied to -> the bytes of these rows where they are read."""
        if name not in self.graph.stored_formats:
            return value_bytes(self.graph, output)
        tensor_type = self.graph.types[output]
        return 0 if tensor_type.shape is None else self._bytes_of(name, tensor_type.elements)

    def _bytes_of(self, name: str, elements: Dim) -> int:
        """Elements of a value -> their bytes; of one in a format of its own, their share of its bytes."""
        if not isinstance(elements, int):
            return 0
        form, tensor_type = self.graph.stored_formats.get(name), self.graph.types[name]
        if form is not None and isinstance(tensor_type.elements, int):
            return elements * form.nbytes // max(1, tensor_type.elements)
        return elements * tensor_type.dtype.bits // 8


def minimum_traffic(graph: Graph, rows: Sequence[LayerCost]) -> int:
    """Graph and its rows -> bytes that any execution moves, whatever its schedule and its fusion: weights that
    contractions read, rows that look-ups give, inputs and outputs, each once, without what an operator's rule of least
    work lets an implementation skip.

    A tensor that is only looked up or cut counts as much as a result at most. Nodes that no output needs read
    nothing, and contractions of stored tensors only are computed before any inference.
    """
    reads = Reads(graph, rows)
    multiplying = [
        bool(row.figures["macs"]) and i in reads.needed_nodes and not is_constant
        for i, (row, is_constant) in enumerate(zip(rows, constant_nodes(graph), strict=True))
    ]
    weights = [
        item.name
        for item in find_stored_tensors(graph)
        if item.kind != "constant"
        and (
            multiplying[item.owner]
            or reads.is_looked_up(item.name)
            or _feeds_contraction(graph, item.name, reads.readers, multiplying)
        )
    ]
    total = sum(reads.read_bytes(name) for name in (*weights, *graph.data_inputs))
    return total + sum(reads.written_bytes(name) for name in graph.outputs if name not in graph.inputs)


def _feeds_contraction(
    graph: Graph, name: str, readers: Mapping[str, list[int]], multiplying: Sequence[bool], depth: int = 4
) -> bool:
    """Whether a contraction reads a stored tensor, directly or behind operators that only pass it on: an embedding
    table that is tied to the head."""
    for index in readers.get(name, ()):
        node = graph.nodes[index]
        if multiplying[index]:
            return True
        if (
            traits_of(node).passes_on
            and depth
            and _feeds_contraction(graph, node.outputs[0], readers, multiplying, depth - 1)
        ):
            return True
    return False


def stored_bytes(graph: Graph, name: str) -> int:
    """Graph and the name of a value -> its bytes; of a stored tensor in a format of its own those of the file, of a
    sparse one those of its stored values and their indices, where they are fewer."""
    form = graph.stored_formats.get(name)
    if form is not None:
        return form.nbytes
    size, sparse = value_bytes(graph, name), graph.sparse.get(name)
    if sparse is None:
        return size
    values = TensorType(graph.types[name].dtype, (sparse.values,)).nbytes
    return min(size, sparse.index_bytes + (values if isinstance(values, int) else 0))


def value_bytes(graph: Graph, name: str) -> int:
    """Name of a value -> its bytes; 0 where its size is not a number."""
    tensor_type = graph.types[name]
    size: Dim = 0 if tensor_type.shape is None else tensor_type.nbytes
    return size if isinstance(size, int) else 0
