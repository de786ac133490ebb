"""Report and HardwareProfile -> NpuPlacement: which operators of a `.tflite` model the profile's NPU runs, which are
left to the CPU and why, and what the NPU's compiler is expected to make of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.npu import edge_tpu_rules, ethos_u_rules
from costcalc.analysis.npu.call import NpuCall
from costcalc.analysis.npu.ethos_u_estimate import EthosEstimate, estimate_ethos_u
from costcalc.analysis.report import Report, open_remedy
from costcalc.core.dim import Dim, symbols
from costcalc.core.errors import NoDeviceFigureError, OpenQuantityError, QuantityError
from costcalc.core.ir import Graph, Node, qualified_name
from costcalc.ops.tflite import TFLITE

EDGE_TPU = "edge-tpu"

Target = Literal["npu", "cpu", "none"]
"""Where an operator runs; none is one whose result the compiler knows, such as a shape."""


class NodePlacement(NamedTuple):
    """Where a node runs, and why not on the NPU; general is the reason with the node's tensors by their place (`its
    input`) and not by their names, which makes it the same for all operators that it keeps from the NPU."""

    target: Target
    reason: str = ""
    general: str = ""


class RunBand(NamedTuple):
    """How often a compiler was asked, and the least and the most that its figure was of the estimate."""

    runs: int
    lowest: Fraction
    highest: Fraction


class ParameterCache(NamedTuple):
    """Bytes of the stored tensors of an Edge TPU's operators, and of the memory that can hold them, of which the
    compiled program takes a part."""

    parameters: int
    capacity: int

    @property
    def streamed(self) -> int:
        """Bytes that are read from the host for each inference."""
        return max(0, self.parameters - self.capacity)


class NpuPlacement(NamedTuple):
    """npu and compiler name what decides. nodes are those of the graph, () where it is no `.tflite` model. npu_macs and
    cpu_macs are sums over them, None where one of them is not known; estimate is of an Ethos-U, None where shapes are
    open, nothing runs there or the model is compiled already; cache is of an Edge TPU."""

    npu: str
    compiler: str
    nodes: tuple[NodePlacement, ...]
    npu_macs: Dim | None
    cpu_macs: Dim | None
    estimate: EthosEstimate | None = None
    cache: ParameterCache | None = None

    def count(self, target: Target) -> int:
        """How many operators run there."""
        return sum(node.target == target for node in self.nodes)


def place_operators(report: Report, profile: HardwareProfile) -> NpuPlacement | None:
    """Report and profile -> the placement; None of a profile without an NPU whose rules are known."""
    npu, graph = profile.npu, report.graph
    if not npu:
        return None
    is_edge = npu == EDGE_TPU
    compiler = "Edge TPU compiler" if is_edge else "Vela"
    if TFLITE not in graph.opset:
        return NpuPlacement(npu, compiler, (), 0, 0)
    placements = tuple(_place_on_edge_tpu(graph) if is_edge else _place_on_ethos_u(graph))
    npu_macs, cpu_macs = _sum_macs(report, placements, "npu"), _sum_macs(report, placements, "cpu")
    estimate, cache = None, None
    indexes = [index for index, place in enumerate(placements) if place.target == "npu"]
    if is_edge:
        cache = _measure_cache(graph, indexes, profile)
    elif indexes and isinstance(npu_macs, int) and not any(_is_compiled(graph.nodes[index]) for index in indexes):
        estimate = estimate_ethos_u(graph, indexes, npu, npu_macs)
    return NpuPlacement(npu, compiler, placements, npu_macs, cpu_macs, estimate, cache)


def find_left_to_cpu(report: Report, profile: HardwareProfile, key: str) -> int:
    """Report, profile and `cpu_macs` or `cpu_operators` -> the number. NoDeviceFigureError of a profile without an NPU
    whose rules are known, OpenQuantityError while it depends on symbols, QuantityError where it is not known."""
    placement = place_operators(report, profile)
    if placement is None:
        fact = f"the profile {profile.id} has no NPU whose operators are known"
        raise NoDeviceFigureError(fact, "name an Ethos-U or an Edge TPU, such as ethos-u55-128")
    if not placement.nodes:
        raise QuantityError(f"{placement.compiler} reads .tflite models", "convert this one to int8 first")
    amount = placement.count("cpu") if key == "cpu_operators" else placement.cpu_macs
    if amount is None:
        raise QuantityError("operators without a rule leave it unknown", "register rules for them with --rules")
    if not isinstance(amount, int):
        names = symbols(amount)
        raise OpenQuantityError(f"it depends on {', '.join(names)}", open_remedy(names))
    return amount


def _sum_macs(report: Report, placements: Sequence[NodePlacement], target: Target) -> Dim | None:
    """The MACs of the rows that run there; None where those of one are not known."""
    total: Dim = 0
    for row, place in zip(report.rows, placements, strict=True):
        if place.target == target:
            macs = row.figures["macs"]
            if macs is None:
                return None
            total = total + macs
    return total


def _is_compiled(node: Node) -> bool:
    """Whether a node is a part of a model that an NPU's compiler made of several operators before."""
    return node.domain != TFLITE and node.op_type in COMPILED


COMPILED = frozenset(("ethos-u", "edgetpu-custom-op"))
"""Custom operators that Vela and the Edge TPU compiler put in the place of what they compiled."""


def _reject_nodes(graph: Graph, reject: Callable[[NpuCall], str]) -> Iterator[tuple[Node, str | None]]:
    """Graph and the rules of an NPU's compiler -> each node with the reason why it is left to the CPU, "" where the NPU
    runs it, None where no one does."""
    for node in graph.nodes:
        if _is_folded(graph, node):
            yield node, None
        elif _is_compiled(node):
            yield node, ""
        elif node.domain != TFLITE:
            yield node, f"{qualified_name(node.domain, node.op_type)} is a custom operator"
        else:
            yield node, reject(NpuCall(graph, node))


def _place_on_ethos_u(graph: Graph) -> Iterator[NodePlacement]:
    for node, reason in _reject_nodes(graph, ethos_u_rules.reject_call):
        if reason is None:
            yield NodePlacement("none")
        else:
            yield NodePlacement("cpu" if reason else "npu", reason, _generalise(node, reason))


def _generalise(node: Node, reason: str) -> str:
    """A node and a reason -> the reason with the tensor that it names by its place in the node: `its input`, `its input
    2`, `its output`."""
    for kind, names in (("output", node.outputs), ("input", node.inputs)):
        for position, name in enumerate(names):
            if name and f" {name} " in f" {reason} ":
                place = f"its {kind}{f' {position + 1}' if position else ''}"
                text = f" {reason} ".replace(f" its parameter {name} ", f" {place} ").replace(f" {name} ", f" {place} ")
                return text.strip()
    return reason


def _is_folded(graph: Graph, node: Node) -> bool:
    """Whether what a node gives is known before the network runs: a shape, and what is computed from shapes."""
    return all(graph.types[name].value is not None for name in node.outputs if name)


def _place_on_edge_tpu(graph: Graph) -> Iterator[NodePlacement]:
    """The compiler makes one partition: what comes behind the first operator that the Edge TPU does not run is left to
    the CPU, whatever it is. Conversions of float inputs stay on the CPU and end nothing."""
    behind = ""
    for node, reason in _reject_nodes(graph, edge_tpu_rules.reject_call):
        if reason is None:
            yield NodePlacement("none")
            continue
        converts = node.op_type in CONVERSIONS and set(node.inputs) <= set(graph.inputs)
        if converts and reason:
            converts_input = "it converts an input of the model"
            yield NodePlacement("cpu", converts_input, converts_input)
        elif reason or behind:
            reason = reason or f"it comes behind {behind}, and only one part is compiled"
            yield NodePlacement("cpu", reason, _generalise(node, reason))
            behind = behind or node.name
        else:
            yield NodePlacement("npu")


CONVERSIONS = frozenset(("QUANTIZE",))


def _measure_cache(graph: Graph, indexes: Sequence[int], profile: HardwareProfile) -> ParameterCache | None:
    capacity = profile.bytes_of("on_chip")
    names = {name for index in indexes for name in graph.nodes[index].inputs if name in graph.initializers}
    sizes = [graph.initializers[name].nbytes for name in names if graph.types[name].value is None]
    if capacity is None:
        return None
    return ParameterCache(sum(size for size in sizes if isinstance(size, int)), capacity)


RUNS_FILE = Path(__file__).parent / "vela_runs.csv"
"""Vela's figures of networks, and the estimates of the same."""


@lru_cache(maxsize=1)
def read_vela_runs() -> tuple[dict[str, str], ...]:
    """The rows of RUNS_FILE: network, configuration, cycles and sram of Vela, estimated_cycles and estimated_sram."""
    lines = [line for line in RUNS_FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    keys = lines[0].split(",")
    return tuple([dict(zip(keys, line.split(","), strict=True)) for line in lines[1:]])


def vela_band(figure: Literal["cycles", "sram"]) -> RunBand:
    """A figure -> what Vela gave over the estimate, in the runs of RUNS_FILE."""
    ratios = [Fraction(int(row[figure]), int(row[f"estimated_{figure}"])) for row in read_vela_runs()]
    return RunBand(len(ratios), min(ratios), max(ratios))
