"""Rooflines -> one entry for each device: its peak, the bounds on it, what fits, the time of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.roofline.bounds import multiplied_types
from costcalc.analysis.roofline.energy import memory_fits
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.sanitize import printable
from costcalc.views.placement import placement_notes
from costcalc.views.roofline import (
    bandwidth_text,
    bound_text,
    fit_text,
    layers_text,
    rate_text,
    shows_layers,
    to_float,
)

DEFAULT_DEVICES = ("raspberry-pi-5", "rtx4090", "a100-sxm-80gb")
"""The devices of a report that names none: a board, a desktop's and a server's accelerator."""


def device_data(rooflines: Sequence[Roofline]) -> list[dict[str, Any]]:
    """Rooflines → one entry a device; element is what most of the model's multiplications are done in."""
    return [_device_entry(roofline, _main_element_type(roofline)) for roofline in rooflines]


def _main_element_type(roofline: Roofline) -> str:
    if roofline.macs_by_type:
        return max(roofline.macs_by_type, key=lambda pair: pair[1])[0]
    return next(iter(multiplied_types(roofline.report.graph, roofline.report.rows)), "float32")


def _device_entry(roofline: Roofline, element: str) -> dict[str, Any]:
    profile, peak = roofline.profile, roofline.profile.find_peak(element)
    bounds = [
        bound for row, bound in zip(roofline.report.rows, roofline.layers, strict=True) if row.state != "constant"
    ]
    decided = not roofline.open_symbols and not roofline.report.upper_bound
    return {
        "id": printable(profile.id),
        "name": printable(profile.name),
        "variant": printable(profile.variant),
        "precision": peak[0] if peak else element,
        "peak": float(peak[1].value) if peak else None,
        "peak_text": rate_text(peak[1].value, peak[0]) if peak else "",
        "bandwidth": float(profile.bandwidth.value) if profile.bandwidth else None,
        "bandwidth_text": bandwidth_text(profile.bandwidth.value) if profile.bandwidth else "",
        "lower_bound": bound_text(roofline) if decided and roofline.model.seconds is not None else "",
        "seconds": to_float(roofline.model.seconds) if decided else None,
        "layer_by_layer": layers_text(roofline) if decided and shows_layers(roofline) else "",
        "open": list(roofline.open_symbols),
        "without_peak": list(roofline.without_peak),
        "fits": [[text, fits] for text, fits in _fits(roofline)],
        "placement": [[note.label.strip(), printable(note.text)] for note in placement_notes(roofline)],
        "times": [_rounded(to_float(bound.seconds)) for bound in bounds],
        "bound_by": [bound.bound_by for bound in bounds],
    }


def _rounded(seconds: float | None) -> float | None:
    """Seconds of a layer with four digits, which the page draws and rounds to three."""
    return None if seconds is None else float(f"{seconds:.4g}")


def _fits(roofline: Roofline) -> Iterator[tuple[str, bool]]:
    """Roofline -> a sentence for each memory, and whether it holds what it must; behind it what its bytes leave out."""
    for fit in memory_fits(roofline.report, roofline.profile):
        yield fit_text(fit), fit.fits
        if fit.remark:
            yield fit.remark, True
