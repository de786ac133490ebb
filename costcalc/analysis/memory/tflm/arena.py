"""FlatModel and build -> TflmArena: what an interpreter of TensorFlow Lite for Microcontrollers has allocated when it
is ready to run.

The head holds tensors that are computed, inputs and scratch buffers, in one plan. The tail grows down from the end of
the arena: the allocator's own structures, those of tensors and operators, what kernels keep, variables, and the tensors
of inputs and outputs, in the order of MicroInterpreter::AllocateTensors. The end of the arena is taken to be aligned to
16 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.analysis.memory.tflm.build import ALIGNMENT, TflmBuild
from costcalc.analysis.memory.tflm.cmsis_nn import CMSIS_NN
from costcalc.analysis.memory.tflm.kernels import (
    CUSTOM,
    ELEMENT_BYTES,
    OPTIONS,
    REFERENCE,
    KernelCall,
    KernelMemory,
    tensor_bytes,
)
from costcalc.analysis.memory.tflm.planner import HeadPlan, ScratchRequest, plan_head
from costcalc.core.errors import UsageError
from costcalc.core.flat_model import FlatModel, FlatOperator, FlatSubgraph, FlatTensor

REQUESTS_PER_OPERATOR = 12
"""Scratch buffers for which the head is kept free while an operator prepares (kMaxScratchBuffersPerOp)."""


class TailSection(NamedTuple):
    """Bytes of the tail by what they are for, the bytes of padding before them included."""

    name: str
    nbytes: int


class OperatorMemory(NamedTuple):
    """An operator of the file: its subgraph and place there, its name, and what its kernel keeps and needs (None: it
    has no figure)."""

    subgraph: int
    position: int
    name: str
    memory: KernelMemory | None


class TflmArena(NamedTuple):
    """The arena: its build, the plan of the head, the sections of the tail, what each operator allocates, and the bytes
    that the arena must have while the plan is made."""

    build: TflmBuild
    head: HeadPlan
    tail: tuple[TailSection, ...]
    operators: tuple[OperatorMemory, ...]
    planning_bytes: int

    @property
    def head_bytes(self) -> int:
        """Bytes of the head, a multiple of 16."""
        return self.head.nbytes

    @property
    def tail_bytes(self) -> int:
        """Bytes of the tail."""
        return sum(section.nbytes for section in self.tail)

    @property
    def total(self) -> int:
        """Bytes of head and tail: what MicroInterpreter::arena_used_bytes returns."""
        return self.head_bytes + self.tail_bytes

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of operators without a figure: what they allocate comes on top."""
        return tuple(sorted({item.name for item in self.operators if item.memory is None}))


class Tail:
    """The tail of an arena: bytes from its end, and by section."""

    def __init__(self) -> None:
        self.used = 0
        self.sections: dict[str, int] = {}

    def allocate(self, section: str, nbytes: int, alignment: int = ALIGNMENT) -> None:
        """Takes bytes below what is taken; their address is a multiple of the alignment."""
        before = self.used
        self.used = -(-(before + nbytes) // alignment) * alignment
        self.sections[section] = self.sections.get(section, 0) + self.used - before

    def allocate_structure(self, section: str, build: TflmBuild, structure: str, count: int = 1) -> None:
        """The same of structures."""
        self.allocate(section, build.size_of(structure) * count, build.alignment_of(structure))


def lay_out_arena(model: FlatModel, build: TflmBuild) -> TflmArena:
    """A model and a build -> the arena. UsageError for a model that the interpreter refuses."""
    try:
        return _lay_out(model, build)
    except (IndexError, KeyError, RecursionError, ZeroDivisionError, ValueError) as error:
        fact = f"the tensors of an operator do not fit it ({type(error).__name__}: {error})"
        raise UsageError(fact, "the interpreter of TensorFlow Lite for Microcontrollers refuses such a file") from error


def _lay_out(model: FlatModel, build: TflmBuild) -> TflmArena:
    _check_tensors(model)
    operators = tuple(_find_memory(model, build))
    tail = Tail()
    _allocate_interpreter(tail, model, build)
    _allocate_operators(tail, model, build, operators)
    scratch = [
        ScratchRequest(item.subgraph, item.position, nbytes)
        for item in operators
        if item.memory
        for nbytes in item.memory.scratch
    ]
    if scratch:
        tail.allocate_structure("scratch buffer handles", build, "ScratchBufferHandle", len(scratch))
    head = plan_head(model, scratch)
    _allocate_variables(tail, model)
    planning = _planning_bytes(tail.used, model, build, len(scratch), len(head.buffers))
    first = model.subgraphs[0]
    for indexes in (first.inputs, first.outputs):
        tail.allocate("input and output tensors", build.pointer * len(indexes))
        for index in indexes:
            _allocate_tensor(tail, first.tensors[index], build)
    sections = tuple([TailSection(name, nbytes) for name, nbytes in tail.sections.items()])
    return TflmArena(build, head, sections, operators, max(planning, head.nbytes + tail.used))


def _check_tensors(model: FlatModel) -> None:
    """UsageError for an element type that the interpreter has no bytes for, and for an output without elements."""
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.element not in ELEMENT_BYTES:
                fact = f"the tensor {tensor.name!r} is of {tensor.element}"
                raise UsageError(fact, "the interpreter of TensorFlow Lite for Microcontrollers has no such tensors")
        for operator in subgraph.operators:
            for index in operator.outputs:
                if index >= 0 and 0 in subgraph.tensors[index].shape != (0,):
                    fact = f"the tensor {subgraph.tensors[index].name!r} has no fixed size"
                    raise UsageError(fact, "TensorFlow Lite for Microcontrollers takes no dynamic tensors")


def _find_memory(model: FlatModel, build: TflmBuild) -> Iterator[OperatorMemory]:
    kernels = CMSIS_NN if build.cmsis_nn else REFERENCE
    for number, subgraph in enumerate(model.subgraphs):
        for position, operator in enumerate(subgraph.operators):
            kernel = (CUSTOM if operator.is_custom else kernels).get(operator.name)
            memory = None if kernel is None else kernel(_call(subgraph, operator, build))
            yield OperatorMemory(number, position, operator.name, memory)


def _call(subgraph: FlatSubgraph, operator: FlatOperator, build: TflmBuild) -> KernelCall:
    inputs, outputs = (
        [subgraph.tensors[i] if i >= 0 else None for i in indexes] for indexes in (operator.inputs, operator.outputs)
    )
    return KernelCall(operator, inputs, outputs, build)


def _resources(model: FlatModel) -> set[tuple[str, str]]:
    """The containers and names of resource variables."""
    return {
        (o.attributes.get("container", ""), o.attributes.get("shared_name", ""))
        for subgraph in model.subgraphs
        for o in subgraph.operators
        if o.name == "VAR_HANDLE"
    }


def _allocate_interpreter(tail: Tail, model: FlatModel, build: TflmBuild) -> None:
    """The allocator, the planner, and the structures of all tensors and operators."""
    prefix = "Recording" if build.is_recording else ""
    for structure in (f"{prefix}SingleArenaBufferAllocator", "GreedyMemoryPlanner", f"{prefix}MicroAllocator"):
        tail.allocate_structure("allocator and planner", build, structure)
    resources = len({name for _, name in _resources(model)})
    if resources:
        tail.allocate("resource variables", build.size_of("MicroResourceVariables"))
        tail.allocate("resource variables", build.size_of("MicroResourceVariable") * resources)
    tail.allocate_structure("allocator and planner", build, "MicroBuiltinDataAllocator")
    tail.allocate_structure("allocator and planner", build, "SubgraphAllocations", len(model.subgraphs))
    for subgraph in model.subgraphs:
        tail.allocate_structure("TfLiteEvalTensor", build, "TfLiteEvalTensor", len(subgraph.tensors))
    for subgraph in model.subgraphs:
        tail.allocate_structure("NodeAndRegistration", build, "NodeAndRegistration", len(subgraph.operators))


def _allocate_operators(tail: Tail, model: FlatModel, build: TflmBuild, operators: tuple[OperatorMemory, ...]) -> None:
    """The parsed options of operators, what their kernels keep, and the buffers of resource variables."""
    for item in operators:
        structure = OPTIONS.get(item.name)
        if structure is not None:
            tail.allocate_structure("options of operators", build, structure)
    for item in operators:
        for nbytes in item.memory.persistent if item.memory else ():
            tail.allocate("persistent buffers of kernels", nbytes)
    assigned: set[tuple[str, str]] = set()
    for subgraph in model.subgraphs:
        handles: dict[int, tuple[str, str]] = {}
        for operator in subgraph.operators:
            if operator.name == "VAR_HANDLE":
                key = operator.attributes.get("container", ""), operator.attributes.get("shared_name", "")
                handles[operator.outputs[0]] = key
            elif operator.name == "ASSIGN_VARIABLE" and handles.get(operator.inputs[0]) not in (None, *assigned):
                assigned.add(handles[operator.inputs[0]])
                tail.allocate("resource variables", tensor_bytes(subgraph.tensors[operator.inputs[1]]))


def _allocate_variables(tail: Tail, model: FlatModel) -> None:
    offsets = iter(model.planned_offsets)
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if next(offsets, -1) < 0 and tensor.is_variable:
                tail.allocate("variable tensors", tensor_bytes(tensor))


def _allocate_tensor(tail: Tail, tensor: FlatTensor, build: TflmBuild) -> None:
    """The TfLiteTensor of an input or an output, and its scales and zero points."""
    section = "input and output tensors"
    tail.allocate_structure(section, build, "TfLiteTensor")
    if tensor.scales and tensor.zero_points:
        tail.allocate_structure(section, build, "TfLiteAffineQuantization")
        tail.allocate(section, 4 + 4 * tensor.scales, 4)


def _planning_bytes(tail: int, model: FlatModel, build: TflmBuild, scratch: int, planned: int) -> int:
    """The tail before the plan is made, and what the plan takes in the head meanwhile: requests of scratch buffers, an
    entry for each tensor, and one of the planner for each buffer."""
    tensors = sum(len(subgraph.tensors) for subgraph in model.subgraphs)
    used = build.size_of("ScratchBufferRequest") * (scratch + REQUESTS_PER_OPERATOR)
    used += build.pointer * len(model.subgraphs)
    used += build.size_of("AllocationInfo") * (tensors + scratch)
    used = -(-used // ALIGNMENT) * ALIGNMENT + build.size_of("PlannedBuffer") * planned
    return -(-used // ALIGNMENT) * ALIGNMENT + -(-tail // ALIGNMENT) * ALIGNMENT
