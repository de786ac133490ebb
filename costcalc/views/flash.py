"""FlashUse -> a note of what a model file consists of, and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.analysis.memory.flash import FlashUse, measure_flash
from costcalc.core.ir import Graph
from costcalc.core.units import format_bytes, format_count
from costcalc.views.table import Note


def flash_document(use: FlashUse) -> dict[str, Any]:
    """The JSON entry: bytes of the file by what they are; repeated_buffers is null where they were not looked for."""
    return {
        "file_bytes": use.file_bytes,
        "constant_bytes": use.constant_bytes,
        "constants": {group.element: {"tensors": group.tensors, "bytes": group.nbytes} for group in use.constants},
        "metadata": dict(use.metadata),
        "scale_bytes": use.scale_bytes,
        "structure_bytes": use.structure_bytes,
        "strippable": use.strippable,
        "stripped_bytes": use.stripped_bytes,
        "repeated_buffers": use.duplicate_bytes,
    }


def file_notes(graph: Graph) -> Iterator[Note]:
    """A graph -> the notes of its file, of formats that are kept in flash as they are; none of any other."""
    if graph.flat is not None:
        yield from flash_notes(measure_flash(graph.flat))


def flash_notes(use: FlashUse) -> Iterator[Note]:
    """The file and its constants by type; what it would be without what inference does not need."""
    constants = ", ".join(f"{group.element} {format_count(group.nbytes)}" for group in use.constants)
    scales = f"scales and zero points {format_count(use.scale_bytes)}; " if use.scale_bytes else ""
    rest = f"{scales}tables and padding {format_count(use.structure_bytes)}"
    yield Note("Flash", f"{format_count(use.file_bytes)} bytes: constants {constants or 'none'}; {rest}")
    parts = ", ".join(f"{name} {format_count(nbytes)}" for name, nbytes in use.strippable.items())
    if parts:
        stripped = f"{format_count(use.stripped_bytes)} bytes ({format_bytes(use.stripped_bytes)})"
        yield Note("Stripped", f"about {stripped} without {parts}")
