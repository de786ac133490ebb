"""Report × HardwareProfile -> how long a model takes at least, and how long each layer takes at the device's peaks.

Two figures, and what each rests on:

- The lower bound of a model is max(compute, memory). compute is 2 × multiplications over the peak of the precision that
  they are done in: nothing but the contractions', for everything else can be folded into them or run beside them; of
  those the fewest that implementations in use need (multiplications: Winograd and FFT, no padding, no masked
  scores), of nodes that an output needs and an input reaches. memory is the compulsory traffic over the bandwidth: the
  weights of contractions, the rows that are looked up, the inputs and the outputs, each once, less what the last-level
  cache can keep from one inference to the next. Intermediate activations are taken to stay on the chip. It holds for
  any schedule and any fusion; sparse kernels and a clock above the profile's can beat it. It does not see what a later
  node cuts away of an output, nor a mask that is added to the scores of a plain product.
- Layer by layer, every layer runs on its own and reads and writes every operand through memory: the sum over layers of
  max(FLOPs / peak, traffic / bandwidth) + overhead. It is an estimate of unfused execution on a cold cache, no bound: a
  cache or fusion beats it. With fused steps, what is computed inside a step is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.layers import Row
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import ScheduleStep
from costcalc.analysis.operand_types import SHORT_NAMES, OperandPrecisions
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.multiplications import constant_nodes, fewest_multiplications, reachable_nodes
from costcalc.analysis.roofline.roofline import ZERO, Bound, Roofline
from costcalc.analysis.roofline.traffic import minimum_traffic, value_bytes
from costcalc.core.dim import symbols
from costcalc.core.ir import Graph

__all__ = ["Bound", "Roofline", "multiplied_in", "open_symbols", "roofline"]

LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}

UNKNOWN_OR_ZERO = (None, 0)  # a formula is neither, even if it is 0 for some values


def roofline(report: Report, profile: HardwareProfile) -> Roofline:
    """The bounds of a report on a device."""
    graph, rows = report.graph, report.rows
    names = open_symbols(report)
    elements = multiplied_in(graph, rows)
    layers = tuple([_layer_bound(row, element, profile) for row, element in zip(rows, elements, strict=True)])
    if names or report.upper_bound:
        nothing = Bound(None, None)
        return Roofline(report, profile, layers, nothing, None, None, None, 0, (), {}, (), names)
    macs: dict[str, int] = {}
    fewest: dict[str, Fraction] = {}
    counts = [
        used and not constant for used, constant in zip(reachable_nodes(graph), constant_nodes(graph), strict=True)
    ]
    for row, node, element, used in zip(rows, graph.nodes, elements, counts, strict=True):
        amount = row.amounts["macs"]
        if not isinstance(amount, int) or not amount:
            continue
        macs[element] = macs.get(element, 0) + amount
        fewest[element] = fewest.get(element, ZERO) + (fewest_multiplications(graph, row, node) if used else ZERO)
    rates = {element: profile.rate(element) for element in macs}
    without = tuple(element for element, rate in rates.items() if rate is None)
    timed = [2 * fewest[element] / rate[1].value for element, rate in rates.items() if rate]
    compute = sum(timed, ZERO) if timed or not macs else None
    moved = minimum_traffic(graph, rows)
    kept = min(moved, profile.bytes_of("on_chip") or 0)
    memory = None if profile.bandwidth is None else (moved - kept) / profile.bandwidth.value
    overhead = profile.overhead.value if profile.overhead else ZERO
    return Roofline(
        report,
        profile,
        layers,
        Bound(compute, memory, overhead),
        None if without else _sum_known(bound.seconds for bound in layers),
        None if without else _fused_seconds(report, layers, profile),
        moved,
        kept,
        tuple(macs.items()),
        fewest,
        without,
        (),
    )


def open_symbols(report: Report) -> tuple[str, ...]:
    """The symbols that MACs, traffic or weights still hold."""
    held = [row.amounts[key] for row in report.rows for key in ("macs", "flops", "traffic_bytes")]
    return symbols(*[d for d in held if d is not None], report.totals["weight_bytes"])


def multiplied_in(graph: Graph, rows: Iterable[Row]) -> list[str]:
    """The element type that decides each row's peak: of two operands the wider one, elsewhere the output's."""
    precisions = OperandPrecisions(graph)
    found = []
    for row, node in zip(rows, graph.nodes, strict=True):
        if row.amounts["macs"] not in UNKNOWN_OR_ZERO:
            operands = [LONG_NAMES.get(name, name) for name in precisions.of(node).split("×")]
            found.append(max(operands, key=_precision_rank))
        else:
            found.append(str(row.outputs[0].type.dtype) if row.outputs else "float32")
    return found


def _precision_rank(element: str) -> tuple[int, bool]:
    bits = "".join(c for c in element.split("e")[0] if c.isdigit())
    return int(bits or 0), element.startswith(("float", "bfloat"))


def _layer_bound(row: Row, element: str, profile: HardwareProfile) -> Bound:
    """A layer that runs on its own. Arithmetic without a peak counts as nothing, unless it is a contraction's."""
    flops, traffic = row.amounts["flops"], row.amounts["traffic_bytes"]
    rate = profile.rate(element)
    compute: Fraction | None = None
    if isinstance(flops, int):
        compute = flops / rate[1].value if rate else None if row.amounts["macs"] not in UNKNOWN_OR_ZERO else ZERO
    memory = traffic / profile.bandwidth.value if isinstance(traffic, int) and profile.bandwidth else None
    runs = (
        row.count
        if isinstance(row.count, int) and (flops not in UNKNOWN_OR_ZERO or traffic not in UNKNOWN_OR_ZERO)
        else 0
    )
    return Bound(compute, memory, profile.overhead.value * runs if profile.overhead else ZERO)


def _sum_known(times: Iterable[Fraction | None]) -> Fraction | None:
    """The sum of what is known; None where nothing is."""
    known = [t for t in times if t is not None]
    return sum(known, ZERO) if known else None


def _fused_seconds(report: Report, layers: Sequence[Bound], profile: HardwareProfile) -> Fraction | None:
    """The sum over fused steps: all their arithmetic, and of their traffic what goes in and what comes out."""
    graph = report.graph
    if profile.bandwidth is None:
        return None
    total = ZERO
    for step in fuse_steps(graph):
        members = [report.rows[i] for i in step.nodes]
        bounds = [layers[i] for i in step.nodes]
        if len(members) == 1:
            total += bounds[0].seconds or ZERO
            continue
        bound = Bound(
            sum((b.compute or ZERO for b in bounds), ZERO),
            _fused_traffic(graph, step, members) / profile.bandwidth.value,
            max(b.overhead for b in bounds),
        )
        total += bound.seconds or ZERO
    return total


def _fused_traffic(graph: Graph, step: ScheduleStep, members: list[Row]) -> int:
    """Bytes that a fused step reads and writes: its members' traffic, less what one writes and another reads."""
    inside = {v for i in step.nodes for v in graph.nodes[i].outputs} - set(step.writes)
    moved = [row.amounts["traffic_bytes"] for row in members]
    hidden = sum(value_bytes(graph, v) * (1 + sum(v in graph.nodes[i].inputs for i in step.nodes)) for v in inside)
    runs = members[0].count if isinstance(members[0].count, int) else 1
    return max(0, sum(d for d in moved if isinstance(d, int)) - hidden * runs)


def rooflines(report: Report, profiles: Sequence[HardwareProfile]) -> tuple[Roofline, ...]:
    """A report on each device."""
    return tuple(roofline(report, profile) for profile in profiles)
