"""Speed of a generation on a device -> its entry of the JSON report."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from costcalc.generation.bounds import Bounds
from costcalc.roofline import Bound


def speed_document(found: Bounds) -> dict[str, Any]:
    """The device's entry of the JSON report."""

    def seconds(value: Fraction | None) -> float | None:
        return None if value is None else float(value)

    def of(bound: Bound | None) -> dict[str, Any] | None:
        return bound and {"time_bound_s": seconds(bound.seconds), "bound_by": bound.by or None}

    return {
        "name": found.profile.id,
        "device": found.profile.name,
        "prefill": of(found.prefill),
        "first_step": of(found.first),
        "last_step": of(found.last),
        "steps_s": seconds(found.steps),
        "total_s": seconds(found.total),
        "tokens_per_s": seconds(found.tokens_per_s),
        "without_peak": list(found.without_peak),
        "fits": [
            {
                "memory": fit.memory,
                "what": fit.what,
                "needed_bytes": fit.needed,
                "capacity_bytes": fit.capacity,
                "fits": fit.fits,
            }
            for fit in found.fits
        ],
    }
