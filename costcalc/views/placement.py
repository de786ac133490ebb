"""NpuPlacement -> the columns of a table of layers (where each runs, and why not on the NPU), the notes below it, and
the entry of the JSON report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.npu.placement import NpuPlacement, place_operators, vela_band
from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.core.dim import Dim
from costcalc.core.ir import qualified_name
from costcalc.core.units import format_bytes, format_percent, format_si
from costcalc.views.columns import COLUMNS
from costcalc.views.table import Column, Note

if TYPE_CHECKING:
    from costcalc.analysis.npu.placement import RunBand
    from costcalc.analysis.roofline.roofline import Roofline
    from costcalc.views.columns import Item

TARGETS = {"npu": "NPU", "cpu": "CPU", "none": "-"}

MAX_REASONS = 8
"""Kinds of operators that are left to the CPU which the notes tell one by one."""


def placement_columns(roofline: Roofline) -> dict[str, Column]:
    """Roofline → the column of where each layer runs, and that of the reasons where some run on the CPU; none where the
    device has no NPU whose rules are known, or the model is none of TensorFlow Lite."""
    placement = place_operators(roofline.report, roofline.profile)
    if placement is None or not placement.nodes:
        return {}
    nodes = {id(row): node for row, node in zip(roofline.report.rows, placement.nodes, strict=True)}

    def read(text: Callable[[Any], str]) -> Callable[[Item], str]:
        def cell(item: Item) -> str:
            rows = item.rows if isinstance(item, LayerGroup) else (item,)
            texts = list(dict.fromkeys(filter(None, (text(nodes[id(row)]) for row in rows if id(row) in nodes))))
            return " and ".join(texts) if len(texts) < 3 else ""

        return cell

    columns = {"runs_on": COLUMNS["runs_on"]._replace(value=read(lambda node: TARGETS[node.target]))}
    if placement.count("cpu"):
        columns["why"] = COLUMNS["why"]._replace(value=read(lambda node: node.general))
    return columns


def placed_bounds(roofline: Roofline) -> tuple[TimeBound, ...]:
    """Roofline → the bounds of its layers; none of those that an NPU leaves to the CPU, for the profile's peaks are the
    NPU's."""
    placement = place_operators(roofline.report, roofline.profile)
    if placement is None or not placement.nodes:
        return roofline.layers
    pairs = zip(roofline.layers, placement.nodes, strict=True)
    return tuple([TimeBound(None, None) if place.target == "cpu" else bound for bound, place in pairs])


def placement_notes(roofline: Roofline) -> Iterator[Note]:
    """Roofline → what its NPU runs, what is left to the CPU and why, and the estimates with their measured error."""
    placement = place_operators(roofline.report, roofline.profile)
    if placement is None:
        return
    if not placement.nodes:
        text = f"not known: {placement.compiler} reads .tflite models; convert this one to int8 first"
        yield Note("  Placement", text, True)
        return
    yield Note("  Placement", _placement_text(placement), bool(placement.count("cpu")))
    reasons = Counter(
        (qualified_name("", row.op_type), node.general)
        for row, node in zip(roofline.report.rows, placement.nodes, strict=True)
        if node.target == "cpu"
    )
    for (operator, reason), count in reasons.most_common(MAX_REASONS):
        yield Note("", f"{operator} × {count:,} on the CPU: {reason}", True)
    if len(reasons) > MAX_REASONS:
        yield Note("", f"and {len(reasons) - MAX_REASONS:,} more, in the column Why", True)
    yield from _estimate_notes(placement, roofline)


def _placement_text(placement: NpuPlacement) -> str:
    """`30 of 31 operators and 100% of the MACs on the NPU, by the rules that Vela publishes`."""
    on_npu, on_cpu = placement.count("npu"), placement.count("cpu")
    operators = f"{on_npu:,} of {on_npu + on_cpu:,} operators"
    npu_macs, cpu_macs = placement.npu_macs, placement.cpu_macs
    if isinstance(npu_macs, int) and isinstance(cpu_macs, int) and npu_macs + cpu_macs:
        operators += f" and {format_percent(Fraction(npu_macs, npu_macs + cpu_macs))} of the MACs"
    source = "the table of operators that Coral publishes" if placement.cache or placement.npu == "edge-tpu" else ""
    return f"{operators} run on the NPU, by {source or 'the constraints that Vela publishes'}"


def _estimate_notes(placement: NpuPlacement, roofline: Roofline) -> Iterator[Note]:
    estimate, cache = placement.estimate, placement.cache
    if estimate is not None:
        cycles, sram = vela_band("cycles"), vela_band("sram")
        seconds = placement_seconds(placement, roofline)
        time = "" if seconds is None else f" = {format_si(seconds, 's')}"
        time += " without the CPU's part" if placement.count("cpu") else ""
        column = "; times of single layers are those of peak and bandwidth alone"
        yield Note("  NPU cycles", f"≈ {estimate.cycles:,}{time}; {_band_text('cycles', cycles)}{column}")
        yield Note("  NPU SRAM", f"≈ {format_bytes(estimate.sram)}; {_band_text('SRAM', sram)}")
        own = estimate.macs - estimate.pool_macs - estimate.softmax_macs - estimate.upsampled_macs
        parts = [
            f" + {n:,} {what}"
            for n, what in (
                (estimate.pool_macs, "under windows of pools and means"),
                (estimate.softmax_macs, "of softmax"),
                (estimate.upsampled_macs, "with zeros between the inputs of transposed convolutions"),
            )
            if n
        ]
        yield Note("  MACs by Vela", f"{estimate.macs:,} = {own:,}{''.join(parts)}")
    if cache is not None:
        size, capacity = format_bytes(cache.parameters), format_bytes(cache.capacity)
        left = "all fit" if not cache.streamed else f"{format_bytes(cache.streamed)} are streamed for each inference"
        text = f"{size} of the NPU's operators, {capacity} of cache less the compiled program: {left}"
        yield Note("  Parameters", text, bool(cache.streamed))


def _band_text(what: str, band: RunBand) -> str:
    """`Vela's cycles were 0.43 to 1.24 times this, n = 72`."""
    verb = "was" if what == "SRAM" else "were"
    return f"Vela's {what} {verb} {float(band.lowest):.2f} to {float(band.highest):.2f} times this, n = {band.runs}"


def placement_seconds(placement: NpuPlacement, roofline: Roofline) -> Fraction | None:
    """Placement and roofline → the seconds of the estimated cycles at the profile's clock; None without both."""
    clock = roofline.profile.clock
    return None if placement.estimate is None or clock is None else placement.estimate.cycles / clock.value


def placement_document(roofline: Roofline) -> dict[str, Any] | None:
    """The placement as an entry of the JSON report; None of a device without an NPU whose rules are known."""
    placement = place_operators(roofline.report, roofline.profile)
    if placement is None:
        return None
    estimate, cache, seconds = placement.estimate, placement.cache, placement_seconds(placement, roofline)
    document: dict[str, Any] = {
        "npu": placement.npu,
        "compiler": placement.compiler,
        "npu_operators": placement.count("npu"),
        "cpu_operators": placement.count("cpu"),
        "npu_macs": _plain(placement.npu_macs),
        "cpu_macs": _plain(placement.cpu_macs),
        "operators": [
            {"name": row.name, "op_type": row.op_type, "runs_on": node.target, "reason": node.reason or None}
            for row, node in zip(roofline.report.rows, placement.nodes, strict=bool(placement.nodes))
        ],
    }
    if estimate is not None:
        document["estimate"] = {
            "cycles": estimate.cycles,
            "time_s": None if seconds is None else float(seconds),
            "sram_bytes": estimate.sram,
            "macs_by_vela": estimate.macs,
            "pool_macs": estimate.pool_macs,
            "softmax_macs": estimate.softmax_macs,
            "upsampled_macs": estimate.upsampled_macs,
            "vela_over_estimate": {"cycles": _band(vela_band("cycles")), "sram": _band(vela_band("sram"))},
        }
    if cache is not None:
        document["parameters"] = {
            "bytes": cache.parameters,
            "cache_bytes": cache.capacity,
            "streamed_bytes": cache.streamed,
        }
    return document


def _band(band: RunBand) -> dict[str, Any]:
    return {"runs": band.runs, "lowest": float(band.lowest), "highest": float(band.highest)}


def _plain(amount: Dim | None) -> int | str | None:
    return amount if amount is None or isinstance(amount, int) else str(amount)
