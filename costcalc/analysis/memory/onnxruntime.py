"""Graph -> OrtPlan: the block of memory that ONNX Runtime lays activations out in on a CPU.

The planner (allocation_planner.cc) gives each value a buffer of its own, that of an input that its kernel may write
over, or the one that was freed last among those of its shape and element size. From the second run with the same shapes
on (`enable_mem_pattern`, on by default) the buffers of a run lie in one block: they are placed as they are allocated,
each in the gap that it leaves the least of, and freed behind their last reader (mem_pattern_planner.h). Graph inputs
are the caller's, and outputs are allocated apart.

Held to onnxruntime 1.32, optimisations of the graph off: the block that its arena is asked for in the second run. Which
kernels work in place was measured there, operator by operator. Not known here: the working memory of kernels, how far
the arena grows beyond what it is asked for, how long it keeps a value that nothing reads, and pairs of Casts to a wider
type and back, which it always removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer
from costcalc.analysis.memory.ordering import check_sizes
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.graph.index import operator_key
from costcalc.ops.tflite import TFLITE

ALIGNMENT = 256
"""Sizes of buffers in the block are multiples of this many bytes (kAllocAlignment)."""

ALIASES = frozenset(("", name) for name in ("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"))
"""Operators whose first output is always their first input's buffer."""

_IN_PLACE = """
Cast Celu Clip Elu HardSigmoid LeakyRelu LogSoftmax Relu ScatterElements Selu Shrink Sigmoid Softmax Softplus Softsign
Tanh ThresholdedRelu Trilu
"""

IN_PLACE = frozenset(("", name) for name in _IN_PLACE.split())
"""Operators that write over their first input where nothing else reads it and the output has its shape and width."""

CONTROL = frozenset(("", name) for name in ("If", "Loop", "Scan"))
"""Operators that run graphs of their own, which have plans of their own."""


class OrtBuffer(NamedTuple):
    """A buffer of the block: its values, the first of which it was allocated for; its bytes, rounded up; the first and
    the last step that it lives through, by the order of ONNX Runtime; its offset."""

    values: tuple[str, ...]
    nbytes: int
    first: int
    last: int
    offset: int


@dataclass(frozen=True, slots=True)
class OrtPlan:
    """The buffers of the block, the nodes in the order in which ONNX Runtime runs them, the bytes of the block, those
    of the graph's outputs, and values that nothing reads: how long the runtime keeps those is not known."""

    buffers: tuple[OrtBuffer, ...]
    order: tuple[int, ...]
    nbytes: int
    output_bytes: int
    unread: tuple[str, ...]

    def live_bytes(self) -> list[int]:
        """Bytes of the buffers that live at each step."""
        changes = [0] * (len(self.order) + 1)
        for buffer in self.buffers:
            changes[buffer.first] += buffer.nbytes
            changes[buffer.last + 1] -= buffer.nbytes
        return list(accumulate(changes))[:-1]


def plan_onnxruntime(graph: Graph) -> OrtPlan:
    """Graph -> the plan. UndecidedError while sizes are open, UsageError for control flow and for unknown shapes."""
    if TFLITE in graph.opset:
        raise UsageError(f"ONNX Runtime runs no .tflite files such as {graph.name}", "give --runtime tflm")
    for node in graph.nodes:
        if operator_key(node) in CONTROL or node.count != 1:
            raise UsageError(f"{node.name} runs a graph of its own", "the plan of onnxruntime is known without such")
    order = execution_order(graph)
    planner = _BufferPlanner(graph)
    for step, index in enumerate(order):
        planner.run(step, graph.nodes[index])
    sizes = {root: _padded_bytes(graph.types[root], root) for root in planner.spans}
    offsets, block = place_best_fit(planner.spans, sizes)
    buffers = tuple(
        [
            OrtBuffer(tuple(planner.values[root]), sizes[root], first, last, offsets[root])
            for root, (first, last) in planner.spans.items()
        ]
    )
    outputs = sum(_padded_bytes(graph.types[v], v) for v in graph.outputs if v in planner.outputs)
    unread = tuple([v for node in graph.nodes for v in node.outputs if v and not planner.is_read(v)])
    return OrtPlan(buffers, tuple(order), block, outputs, unread)


def _padded_bytes(type_: TensorType, name: str) -> int:
    """A value's bytes, rounded up to ALIGNMENT. UsageError where its shape is unknown, UndecidedError where open."""
    if type_.shape is None:
        raise UsageError(f"the shape of {name} is not known", "register a rule for its operator with --rules")
    check_sizes((Buffer(name, type_.nbytes, 0, 0),), "a place in the block")
    return -(-int(type_.nbytes) // ALIGNMENT) * ALIGNMENT


def execution_order(graph: Graph) -> list[int]:
    """Graph -> indexes of its nodes in ONNX Runtime's default order: depth first from the nodes whose outputs no node
    reads, the last of them first, and of a node's producers the last first."""
    producers = {value: i for i, node in enumerate(graph.nodes) for value in node.outputs if value}
    inputs = [sorted({producers[v] for v in node.inputs if v in producers}) for node in graph.nodes]
    read = {i for sources in inputs for i in sources}
    stack = [(i, False) for i in range(len(graph.nodes)) if i not in read]
    order: list[int] = []
    visited: set[int] = set()
    while stack:
        i, is_left = stack.pop()
        if is_left:
            order.append(i)
        elif i not in visited:
            visited.add(i)
            stack.append((i, True))
            stack += [(source, False) for source in inputs[i] if source not in visited]
    return order


class _BufferPlanner:
    """Which buffer each value has. buffer_of maps values to the value that theirs was allocated for; spans holds the
    first and the last step of each buffer of the block, in the order of allocation; values those that share it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs = {v for v in graph.outputs if v not in graph.inputs and v not in graph.initializers}
        self.uses: dict[str, int] = {}
        for node in graph.nodes:
            for value in filter(None, node.inputs):
                self.uses[value] = self.uses.get(value, 0) + 1
        for value in (*graph.inputs, *graph.initializers, *graph.outputs):
            self.uses[value] = self.uses.get(value, 0) + 1
        read = {value for node in graph.nodes for value in node.inputs}
        self.is_read = (read | self.outputs).__contains__
        self.buffer_of: dict[str, str] = {}
        self.free: list[str] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.values: dict[str, list[str]] = {}

    def root(self, value: str) -> str:
        """The value whose buffer a value has."""
        return self.buffer_of.get(value, value)

    def run(self, step: int, node: Node) -> None:
        """A node: buffers for its outputs, then those are free that nothing reads later."""
        for position, value in enumerate(node.outputs):
            if value and value not in self.outputs:
                self._give_buffer(step, node, position, value)
        for value in filter(None, node.inputs):
            root = self.root(value)
            self._live_until(root, step)
            self.uses[root] -= 1
            if not self.uses[root]:
                self.free.insert(0, root)
        for value in filter(None, node.outputs):
            self._live_until(self.root(value), step)
            if not self.uses.get(self.root(value), 0):
                self.free.insert(0, self.root(value))

    def _live_until(self, root: str, step: int) -> None:
        if root in self.spans:
            self.spans[root] = (self.spans[root][0], step)

    def _give_buffer(self, step: int, node: Node, position: int, value: str) -> None:
        source = self._find_input(node, value) if position == 0 else ""
        if not source:
            source = next((v for v in self.free if self.graph.types[value].shape and self._is_alike(v, value)), "")
            if source:
                self.free.remove(source)
        if source:
            root = self.root(source)
            self.buffer_of[value] = root
            self.uses[root] = self.uses.get(root, 0) + self.uses.get(value, 0)
            self.values.setdefault(root, [root]).append(value)
        else:
            self.spans[value] = (step, step)
            self.values[value] = [value]

    def _find_input(self, node: Node, value: str) -> str:
        """The input whose buffer a node's first output has; "" of a new one."""
        if not node.inputs or not node.inputs[0]:
            return ""
        first = node.inputs[0]
        if operator_key(node) in ALIASES:
            return first
        may_overwrite = operator_key(node) in IN_PLACE and self.uses[self.root(first)] == 1
        return first if may_overwrite and self._is_alike(first, value) else ""

    def _is_alike(self, a: str, b: str) -> bool:
        """Whether two values have the same shape and width of elements."""
        left, right = self.graph.types[a], self.graph.types[b]
        return left.shape is not None and left.shape == right.shape and left.dtype.bits == right.dtype.bits


def place_best_fit(spans: dict[str, tuple[int, int]], sizes: dict[str, int]) -> tuple[dict[str, int], int]:
    """Buffers in the order of allocation, with first and last steps, and their bytes -> (the offset of each, the bytes
    of all): each in the gap that it leaves the least of, else behind the last one."""
    offsets: dict[str, int] = {}
    placed: list[str] = []
    total = 0
    for name, (first, _) in spans.items():
        placed = [other for other in placed if spans[other][1] >= first]
        offset, slot = _best_gap(placed, offsets, sizes, sizes[name])
        offsets[name] = offset
        if sizes[name]:
            placed.insert(slot, name)
        total = max(total, offset + sizes[name])
    return offsets, total


def _best_gap(placed: Sequence[str], offsets: dict[str, int], sizes: dict[str, int], size: int) -> tuple[int, int]:
    """Placed buffers by offset, and the bytes of another -> (its offset, its place among them)."""
    low, waste, best = 0, -1, None
    for slot, other in enumerate(placed):
        gap = offsets[other] - low
        if gap >= size and (best is None or gap - size < waste):
            best, waste = (low, slot), gap - size
        low = offsets[other] + sizes[other]
    return best or (low, len(placed))
