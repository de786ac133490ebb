"""FlashUse -> a note of what a model file consists of, and its JSON document."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from costcalc.analysis.folding import measure_folding
from costcalc.analysis.memory.flash import FlashUse, measure_flash
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import live_memory, make_schedule
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim, sum_dims
from costcalc.core.flat_model import FlatModel
from costcalc.core.units import format_bytes, format_count
from costcalc.views.table import Note


def flash_document(flat: FlatModel) -> dict[str, Any]:
    """A model file -> its JSON entry: bytes by what they are; repeated_buffers is null where they were not looked
    for."""
    use = measure_flash(flat)
    return {
        "file_bytes": use.file_bytes,
        "external_bytes": use.external_bytes,
        "constant_bytes": use.constant_bytes,
        "constants": {group.element: {"tensors": group.tensors, "bytes": group.nbytes} for group in use.constants},
        "metadata": dict(use.metadata),
        "scale_bytes": use.scale_bytes,
        "structure_bytes": use.structure_bytes,
        "strippable": use.strippable,
        "stripped_bytes": use.stripped_bytes,
        "repeated_buffers": use.duplicate_bytes,
    }


def file_notes(flat: FlatModel) -> Iterator[Note]:
    """A model file -> notes: its bytes and its constants by type; what it would be without what inference does not
    need."""
    use = measure_flash(flat)
    constants = ", ".join(f"{group.element} {format_count(group.nbytes)}" for group in use.constants)
    scales = f"scales and zero points {format_count(use.scale_bytes)}; " if use.scale_bytes else ""
    rest = f"{scales}tables and padding {format_count(use.structure_bytes)}"
    outside = f" and {format_count(use.external_bytes)} in other files" if use.external_bytes else ""
    yield Note("Flash", f"{format_count(use.file_bytes)} bytes{outside}: constants {constants or 'none'}; {rest}")
    parts = ", ".join(f"{name} {format_count(nbytes)}" for name, nbytes in use.strippable.items())
    if parts:
        rounded = f" ({format_bytes(use.stripped_bytes)})" if use.stripped_bytes >= 1024 else ""
        stripped = f"{format_count(use.stripped_bytes)} bytes{rounded}"
        yield Note("Stripped", f"about {stripped} without {parts}")


def account_notes(names: Sequence[str], reports: Sequence[Report]) -> Iterator[Note]:
    """Models of which some are files and some are not -> why they differ: what folding leaves of the others'
    parameters, and each file's bytes term by term from its weight bytes. None where all are files, or none is."""
    files = [report for report in reports if report.graph.flat is not None]
    if not files or len(files) == len(reports):
        return
    deployed = {report.totals["params"] for report in files}
    for name, report in zip(names, reports, strict=True):
        if report.graph.flat is None:
            yield from _folding_notes(name, report, deployed)
            yield from _fusion_notes(name, report, files)
        else:
            yield from _requantisation_notes(name, report)
            yield Note("Bytes", f"{name}: {_byte_terms(report, measure_flash(report.graph.flat))}")


def _folding_notes(name: str, report: Report, deployed: Collection[Dim]) -> Iterator[Note]:
    folding = measure_folding(report.graph)
    if not folding.normalisations:
        return
    params = folding.folded_params(report.totals["params"])
    same = ", the same as in the file" if params in deployed else ""
    yield Note(
        "Folded",
        f"{name}: a converter folds {folding.normalisations} batch normalisations into the layers before them: "
        f"{format_count(folding.params)} of {format_count(report.totals['params'])} parameters and "
        f"{format_count(folding.buffers)} buffers become {format_count(folding.biases)} biases; "
        f"{format_count(params)} parameters are left{same}",
    )


def _fusion_notes(name: str, report: Report, files: Sequence[Report]) -> Iterator[Note]:
    """A model that is no file -> what it would write, and its peak, with contractions and what follows them as one
    step, as they are in a file. None where sizes are open, or the model is shown so already."""
    if report.execution.fuse or report.execution.fuse_blocks:
        return
    schedule = make_schedule(report.graph, fuse_steps(report.graph))
    written, peak = (sum_dims(b.nbytes for b in schedule.buffers if b.first_step >= 0), live_memory(schedule).peak)
    before = report.totals["activation_bytes"]
    if not all(isinstance(amount, int) for amount in (written, peak, before)) or written == before:
        return
    is_same = (written, peak) in {(f.totals["activation_bytes"], f.totals["peak_activation_bytes"]) for f in files}
    yield Note(
        "Fused",
        f"{name}: contractions with the normalisation and the activation behind them as one step (--fuse) write "
        f"{format_count(written)} of {format_count(before)} activation bytes, {format_count(peak)} at the peak"
        f"{', the same as in the file' if is_same else ''}",
    )


def _requantisation_notes(name: str, report: Report) -> Iterator[Note]:
    """A file -> the FLOPs that bring its quantised outputs to their scale; other models have none."""
    flops, total = report.flops_by_role().get("quantization", 0), report.totals["flops"]
    if flops != 0:
        text = f"{format_count(flops)} of {format_count(total)} FLOPs bring quantised outputs to their scale, a "
        rest = f"; {format_count(total - flops)} are left" if isinstance(total, int) else ""
        yield Note("Requantised", f"{name}: {text}multiplication and an addition each{rest}")


def _byte_terms(report: Report, use: FlashUse) -> str:
    """The bytes of a file as a sum: weight bytes as the report counts them, and what the file has beside."""
    stored = ", ".join(
        f"{format_count(group.nbytes // max(group.element_bytes, 1))} {group.element}" for group in use.constants
    )
    weights = report.totals["weight_bytes"]
    terms = [f"{format_count(weights)} weight bytes"]
    beside = use.constant_bytes - weights
    if beside != 0:
        sign = "-" if isinstance(beside, int) and beside < 0 else ""
        size = format_count(-beside if sign else beside)
        terms.append(f"{sign}{size} for constants as stored ({stored}; shapes and axes among them)")
    terms.append(f"{format_count(use.scale_bytes)} scales and zero points" if use.scale_bytes else "")
    terms += [f"{format_count(nbytes)} {part}" for part, nbytes in use.strippable.items() if part != "repeated buffers"]
    terms.append(f"{format_count(use.structure_bytes)} tables and padding")
    return " + ".join(filter(None, terms)).replace("+ -", "- ") + f" = {format_count(use.flash_bytes)}"
