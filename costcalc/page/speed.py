"""Reports on devices -> the roofline of the page: what a device can do, and each layer's time at its peaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.fits import fits
from costcalc.render.untrusted import printable
from costcalc.roofline import Roofline, multiplied_in
from costcalc.timing import bound_text, fit_text, layers_text, number, rate, speed

USUAL = ("raspberry-pi-5", "rtx4090", "a100-sxm-80gb")
"""The devices of a report that names none: a board, a desktop's and a server's accelerator."""


def devices(found: Sequence[Roofline]) -> list[dict[str, Any]]:
    """One entry a device; element is what most of the model's multiplications are done in."""
    return [_device(one, _element(one)) for one in found]


def _element(one: Roofline) -> str:
    if one.elements:
        return max(one.elements, key=lambda pair: pair[1])[0]
    return next(iter(multiplied_in(one.report.graph, one.report.rows)), "float32")


def _device(one: Roofline, element: str) -> dict[str, Any]:
    profile, peak = one.profile, one.profile.rate(element)
    kept = [bound for row, bound in zip(one.report.rows, one.layers, strict=True) if row.state != "constant"]
    decided = not one.open and not one.report.upper_bound
    return {
        "id": printable(profile.id),
        "name": printable(profile.name),
        "variant": printable(profile.variant),
        "precision": peak[0] if peak else element,
        "peak": float(peak[1].value) if peak else None,
        "peak_text": rate(peak[1].value, peak[0]) if peak else "",
        "bandwidth": float(profile.bandwidth.value) if profile.bandwidth else None,
        "bandwidth_text": speed(profile.bandwidth.value) if profile.bandwidth else "",
        "lower_bound": bound_text(one) if decided and one.model.seconds is not None else "",
        "seconds": number(one.model.seconds) if decided else None,
        "layer_by_layer": layers_text(one) if decided and one.unfused is not None else "",
        "open": list(one.open),
        "without_peak": list(one.without_peak),
        "fits": [[fit_text(fit), fit.fits] for fit in fits(one.report, profile)],
        "times": [number(bound.seconds) for bound in kept],
        "bound_by": [bound.by for bound in kept],
    }
