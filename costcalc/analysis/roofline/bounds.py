"""Report and HardwareProfile to Roofline: least seconds of the model, and seconds of each layer at the device's peaks.

- The lower bound of a model is max(compute, memory). compute is 2 × multiplications over the peak of the precision that
  they are done in: only those of contractions, for everything else can be folded into them or run beside them; the
  fewest that implementations in use need (module multiplications: Winograd and FFT, no padding, nothing that the rules
  of least work let them skip: docs/explanation/bounds.md), of nodes that an output needs and an input reaches. memory
  is the compulsory traffic over the bandwidth: the weights of contractions, the rows that are looked up, the inputs and
  the outputs, each once and without what may be skipped, less what the last-level cache can hold from one inference to
  the next. Intermediate activations are taken to stay on the chip. The bound holds for any schedule and any fusion;
  sparse kernels and a clock above the profile's can beat it. It does not account for what a later node cuts away of an
  output, nor for a mask that is added to the scores of a plain product.
- Layer by layer, every layer runs on its own and reads and writes every operand through memory: the sum over layers of
  max(FLOPs / peak, traffic / bandwidth) + overhead. It is an estimate of unfused execution on a cold cache, no bound: a
  cache or fusion beats it. With fused steps, what is computed inside a step is not written.

The roofline model is that of Williams, Waterman and Patterson (doi:10.1145/1498765.1498785).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import ScheduleStep
from costcalc.analysis.operand_types import SHORT_NAMES, OperandPrecisions
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.least_work import needed_by_outputs
from costcalc.analysis.roofline.multiplications import constant_nodes, fewest_multiplications
from costcalc.analysis.roofline.roofline import ZERO, Roofline, TimeBound
from costcalc.analysis.roofline.traffic import minimum_traffic, value_bytes
from costcalc.core.dim import symbols
from costcalc.core.ir import Graph

__all__ = ["Roofline", "TimeBound", "compute_roofline", "multiplied_types", "open_symbols"]

LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}

UNKNOWN_OR_ZERO = (None, 0)
"""A figure without work. A formula is neither, even if it is 0 for some values."""


class Workload(NamedTuple):
    """What a report asks of any device, computed once for all of them.

    element_types are those of the rows (multiplied_types); macs and multiplications map the types of contractions to
    the definition's MACs and to the fewest multiplications; traffic are the compulsory bytes, None of an open model;
    open_symbols names those that must be bound first. steps are the fused steps with the bytes that each moves.
    """

    element_types: tuple[str, ...]
    macs: Mapping[str, int]
    multiplications: Mapping[str, Fraction]
    traffic: int | None
    steps: tuple[tuple[ScheduleStep, int], ...]
    open_symbols: tuple[str, ...]


def measure_workload(report: Report) -> Workload:
    """Report -> its workload. Of an open model (open extents, an open If) there are only element_types and
    open_symbols."""
    graph, rows = report.graph, report.rows
    names, elements = open_symbols(report), tuple(multiplied_types(graph, rows))
    if names or report.upper_bound:
        return Workload(elements, {}, {}, None, (), names)
    macs: dict[str, int] = {}
    multiplications: dict[str, Fraction] = {}
    needed = needed_by_outputs(graph)
    for row, node, element, is_constant in zip(rows, graph.nodes, elements, constant_nodes(graph), strict=True):
        amount = row.figures["macs"]
        if not isinstance(amount, int) or not amount:
            continue
        macs[element] = macs.get(element, 0) + amount
        is_needed = not is_constant and (needed is None or not needed.isdisjoint(node.outputs))
        multiplications[element] = multiplications.get(element, ZERO) + (
            fewest_multiplications(graph, row, node, needed) if is_needed else ZERO
        )
    steps = [(step, _step_traffic(graph, step, [rows[i] for i in step.nodes])) for step in fuse_steps(graph)]
    return Workload(elements, macs, multiplications, minimum_traffic(graph, rows), tuple(steps), ())


def compute_roofline(report: Report, profile: HardwareProfile, workload: Workload | None = None) -> Roofline:
    """Report and profile -> the model's and the layers' bounds; of an open model only those of closed layers. workload
    is the report's, where it was measured before."""
    work = measure_workload(report) if workload is None else workload
    layers = tuple(
        [_layer_bound(row, element, profile) for row, element in zip(report.rows, work.element_types, strict=True)]
    )
    if work.traffic is None:
        unknown = TimeBound(None, None)
        return Roofline(report, profile, layers, unknown, None, None, None, 0, (), {}, (), work.open_symbols)
    rates = {element: profile.find_peak(element) for element in work.macs}
    without_peak = tuple(element for element, rate in rates.items() if rate is None)
    seconds = [2 * work.multiplications[element] / rate[1].value for element, rate in rates.items() if rate]
    compute = sum(seconds, ZERO) if seconds or not work.macs else None
    cached = min(work.traffic, profile.bytes_of("on_chip") or 0)
    memory = None if profile.bandwidth is None else (work.traffic - cached) / profile.bandwidth.value
    overhead = profile.overhead.value if profile.overhead else ZERO
    return Roofline(
        report,
        profile,
        layers,
        TimeBound(compute, memory, overhead),
        None if without_peak else _sum_known(bound.seconds for bound in layers),
        None if without_peak else _fused_seconds(work, layers, profile),
        work.traffic,
        cached,
        tuple(work.macs.items()),
        work.multiplications,
        without_peak,
        (),
    )


def open_symbols(report: Report) -> tuple[str, ...]:
    """Report -> the symbols that its MACs, FLOPs, traffic or weight bytes contain."""
    figures = [row.figures[key] for row in report.rows for key in ("macs", "flops", "traffic_bytes")]
    return symbols(*[d for d in figures if d is not None], report.totals["weight_bytes"])


def multiplied_types(graph: Graph, rows: Iterable[LayerCost]) -> list[str]:
    """Graph and its rows -> the element type that decides each row's peak: of a contraction that of the wider operand,
    else that of the output."""
    precisions = OperandPrecisions(graph)
    types = []
    for row, node in zip(rows, graph.nodes, strict=True):
        if row.figures["macs"] not in UNKNOWN_OR_ZERO:
            operands = [LONG_NAMES.get(name, name) for name in precisions.find_precision(node).split("×")]
            types.append(max(operands, key=_precision_rank))
        else:
            types.append(str(row.outputs[0].type.dtype) if row.outputs else "float32")
    return types


def _precision_rank(element: str) -> tuple[int, bool]:
    bits = "".join(c for c in element.split("e")[0] if c.isdigit())
    return int(bits or 0), element.startswith(("float", "bfloat"))


def _layer_bound(row: LayerCost, element: str, profile: HardwareProfile) -> TimeBound:
    """Row and its element type -> the bound of the layer on its own. Arithmetic without a peak takes no time, unless it
    is a contraction's."""
    flops, traffic = row.figures["flops"], row.figures["traffic_bytes"]
    rate = profile.find_peak(element)
    compute: Fraction | None = None
    if isinstance(flops, int):
        compute = flops / rate[1].value if rate else None if row.figures["macs"] not in UNKNOWN_OR_ZERO else ZERO
    memory = traffic / profile.bandwidth.value if isinstance(traffic, int) and profile.bandwidth else None
    runs = (
        row.count
        if isinstance(row.count, int) and (flops not in UNKNOWN_OR_ZERO or traffic not in UNKNOWN_OR_ZERO)
        else 0
    )
    return TimeBound(compute, memory, profile.overhead.value * runs if profile.overhead else ZERO)


def _sum_known(times: Iterable[Fraction | None]) -> Fraction | None:
    """Seconds -> the sum of the known ones; None where none is known."""
    seconds = [t for t in times if t is not None]
    return sum(seconds, ZERO) if seconds else None


def _fused_seconds(work: Workload, layers: Sequence[TimeBound], profile: HardwareProfile) -> Fraction | None:
    """Workload and bounds of the layers -> seconds of all fused steps: the arithmetic of their members, and the bytes
    that a step moves as a whole."""
    if profile.bandwidth is None:
        return None
    total = ZERO
    for step, traffic in work.steps:
        bounds = [layers[i] for i in step.nodes]
        if len(bounds) == 1:
            total += bounds[0].seconds or ZERO
            continue
        compute = sum((b.compute or ZERO for b in bounds), ZERO)
        bound = TimeBound(compute, traffic / profile.bandwidth.value, max(b.overhead for b in bounds))
        total += bound.seconds or ZERO
    return total


def _step_traffic(graph: Graph, step: ScheduleStep, members: list[LayerCost]) -> int:
    """Step and its rows -> bytes that it reads and writes: its members' traffic, less what one member writes and
    another reads."""
    internal_values = {v for i in step.nodes for v in graph.nodes[i].outputs if v} - set(step.writes)
    traffic = [row.figures["traffic_bytes"] for row in members]
    internal_bytes = sum(
        value_bytes(graph, v) * (1 + sum(v in graph.nodes[i].inputs for i in step.nodes)) for v in internal_values
    )
    runs = members[0].count if isinstance(members[0].count, int) else 1
    return max(0, sum(d for d in traffic if isinstance(d, int)) - internal_bytes * runs)
