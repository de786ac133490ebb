"""Graph with its file and runtime -> TflmPlan: the arena, what holds its peak, and what another order of operators
would save."""

from __future__ import annotations

from dataclasses import dataclass

from costcalc.analysis.memory.liveness import node_steps
from costcalc.analysis.memory.ordering import minimise_peak
from costcalc.analysis.memory.tflm.arena import TflmArena, lay_out_arena
from costcalc.analysis.memory.tflm.build import BUILDS
from costcalc.analysis.memory.tflm.patches import PatchPlan, plan_patches
from costcalc.analysis.memory.tflm.planner import PlannedBuffer
from costcalc.analysis.options import TFLM_RUNTIMES, ExecutionOptions
from costcalc.core.errors import UndecidedError, UsageError
from costcalc.core.flat_model import FlatModel
from costcalc.core.ir import Graph


@dataclass(frozen=True, slots=True)
class TflmPlan:
    """The model as its interpreter runs it, the arena, and that of the best order of operators that was found (None
    where none is smaller, or none was tried); patches is what computing its first operators in patches would save
    (None: nothing). stored is the arena in the file's order where the plan is in a better one; fixed says why no other
    order was tried ("": some were)."""

    model: FlatModel
    arena: TflmArena
    reordered: TflmArena | None = None
    patches: PatchPlan | None = None
    stored: TflmArena | None = None
    fixed: str = ""

    @property
    def peak_scope(self) -> int:
        """The first scope in which the most bytes of the head live."""
        live = self.arena.head.live_bytes()
        return live.index(max(live))

    @property
    def peak_bytes(self) -> int:
        """Bytes of the head that live at the peak: no plan in this order is smaller."""
        return max(self.arena.head.live_bytes())

    def peak_buffers(self) -> tuple[PlannedBuffer, ...]:
        """The buffers that live at the peak, the largest first."""
        scope = self.peak_scope
        live = [buffer for buffer in self.arena.head.buffers if is_live(buffer, scope)]
        return tuple(sorted(live, key=lambda buffer: -buffer.nbytes))

    def buffer_name(self, buffer: PlannedBuffer) -> str:
        """The tensor of a buffer, of fused layers called after the first; of a scratch buffer `scratch of` its
        operator."""
        subgraph = self.model.subgraphs[buffer.subgraph]
        if buffer.tensor >= 0:
            return subgraph.tensors[buffer.tensor].name.partition(";")[0] or f"tensor_{buffer.tensor}"
        return f"scratch of {self.operator_name(buffer.subgraph, buffer.operator)}"

    def operator_name(self, subgraph: int, position: int) -> str:
        """An operator (-1: the inputs of its subgraph) -> `CONV_2D 3`, in a further subgraph with that one's name."""
        inner = self.model.subgraphs[subgraph]
        name = f"{inner.operators[position].name} {position + 1}" if position >= 0 else "inputs"
        return name if subgraph == 0 else f"{name} of {inner.name or subgraph}"


def is_live(buffer: PlannedBuffer, scope: int) -> bool:
    """Whether a buffer lives in a scope; one that nothing names lives in none."""
    return buffer.first <= scope <= buffer.last


def plan_tflm(graph: Graph, runtime: str, reorder: bool = False) -> TflmPlan:
    """Graph, runtime and whether its operators are to run in the best order that is found -> the plan. UsageError for a
    graph of another format, and for a file that the interpreter refuses."""
    flat, build = require_file(graph), BUILDS[runtime]
    arena = lay_out_arena(flat, build)
    fixed = fixed_order(graph, flat)
    better = None if fixed else reorder_operators(graph, flat)
    reordered = None if better is None else lay_out_arena(better, build)
    if better is None or reordered is None or reordered.total >= arena.total:
        return TflmPlan(flat, arena, None, plan_patches(flat, arena.head), fixed=fixed)
    if reorder:
        return TflmPlan(better, reordered, None, plan_patches(better, reordered.head), arena)
    return TflmPlan(flat, arena, reordered, plan_patches(flat, arena.head))


def require_file(graph: Graph) -> FlatModel:
    """Graph -> its file as the interpreter runs it. UsageError where it has none."""
    flat = graph.flat
    if flat is not None and not flat.is_as_stored:
        fact = "TensorFlow Lite for Microcontrollers runs the element types that a file has"
        raise UsageError(fact, "leave out --dtype and --act-dtype, or convert the file")
    if flat is None:
        remedy = "give a .tflite file; without --runtime any model has a plan of its own (--arena)"
        raise UsageError("TensorFlow Lite for Microcontrollers runs .tflite files, and the model is none", remedy)
    if flat.without_arena:
        fact = f"the arena of TensorFlow Lite for Microcontrollers is not known: {flat.without_arena}"
        raise UsageError(fact, "leave out --symbolic, --shape and --set signature, or --runtime")
    return flat


def tflm_arena(graph: Graph, execution: ExecutionOptions) -> TflmArena:
    """Graph and execution -> the arena in the build that its runtime names, else of the tflite-micro package."""
    runtime = execution.runtime if execution.runtime in BUILDS else TFLM_RUNTIMES[0]
    if execution.reorder:
        return plan_tflm(graph, runtime, True).arena
    return lay_out_arena(require_file(graph), BUILDS[runtime])


def fixed_order(graph: Graph, flat: FlatModel) -> str:
    """Graph and its file -> why its operators are in no other order tried; "" where others can be."""
    if len(flat.subgraphs) > 1:
        return "the file has several subgraphs"
    if any(offset >= 0 for offset in flat.planned_offsets):
        return "the converter has planned the offsets of tensors"
    return "" if len(graph.nodes) == len(flat.subgraphs[0].operators) else "the graph has other operators than the file"


def reorder_operators(graph: Graph, flat: FlatModel) -> FlatModel | None:
    """Graph and its file of one subgraph -> the file with its operators in an order with a lower peak of live bytes;
    None where no better one is found."""
    subgraph = flat.subgraphs[0]
    steps = node_steps(graph)
    try:
        best, _ = minimise_peak(graph, steps, False)
    except UndecidedError:
        return None
    if best == steps:
        return None
    ranks = {step.nodes[0]: rank for rank, step in enumerate(best)}
    order = sorted(range(len(subgraph.operators)), key=lambda position: (ranks.get(position, -1), position))
    operators = tuple([subgraph.operators[position] for position in order])
    return flat._replace(subgraphs=(subgraph._replace(operators=operators),))
