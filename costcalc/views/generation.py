"""Generation → sheets: the passes, and what devices make of them; and the entry of the JSON report.

Speed of a generation on a device -> its entry of the JSON report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.analysis.roofline.roofline import Bound
from costcalc.core.units import exact, scaled, share, short
from costcalc.studies.generation.generation import Generation, Phase
from costcalc.studies.generation.speed import Bounds
from costcalc.views.figures import tokens_text
from costcalc.views.roofline import fit_text
from costcalc.views.table import Column, Fact, Remark, Sheet

PASSES = (
    Column("pass", "Pass", "name", 100),
    Column("tokens", "Tokens", "number", 60),
    Column("context", "Context", "number", 70),
    Column("macs", "MACs", "number", 90),
    Column("traffic_bytes", "Traffic", "bytes", 85),
    Column("cache_bytes", "Cache read", "bytes", 65),
    Column("intensity", "MAC/byte", "decimal", 50),
)

DEVICES = (
    Column("device", "Device", "name", 100),
    Column("prefill", "Prompt ≥", "text", 80),
    Column("first", "First ≥", "text", 60),
    Column("last", "Last ≥", "text", 70),
    Column("bound", "Bound by", "text", 65),
    Column("total", "All ≥", "text", 75),
    Column("tokens_per_s", "Tokens/s ≤", "text", 90),
)


def passes(given: Generation) -> Sheet:
    """A row for the prompt's pass, for the first and the last step, and for all steps; the memory below."""
    rows = [_row(f"prompt of {given.prompt:,}", given.prefill, given.batch)]
    if given.first and given.last:
        rows.append(_row("first step", given.first, given.batch))
        if given.steps > 1:
            rows.append(_row("last step", given.last, given.batch))
        macs, traffic = given.step_macs, given.step_traffic
        rows.append(
            (
                f"all {given.steps:,} steps",
                given.steps * given.batch,
                given.last.context,
                macs,
                traffic,
                given.step_cache,
                share(macs, traffic),
            )
        )
    texts = "1 text" if given.batch == 1 else f"{given.batch:,} texts"
    return Sheet(
        given.name,
        f"{texts}, each of {given.prompt:,} + {given.generate:,} tokens",
        PASSES,
        tuple(rows),
        facts=tuple(_facts(given)),
        remarks=tuple(_remarks(given)),
    )


def _row(name: str, phase: Phase, batch: int) -> tuple[Any, ...]:
    return (
        name,
        phase.new * batch,
        phase.context,
        phase.macs,
        phase.traffic,
        phase.cache,
        share(phase.macs, phase.traffic),
    )


def _facts(given: Generation) -> Iterator[Fact]:
    yield Fact("Params", given.prefill.report.params, "number")
    yield Fact("Weight bytes", given.weight_bytes, "bytes")
    yield Fact("KV cache a token", (given.cache_elements * given.cache_bits + 7) // 8, "bytes")
    yield Fact("KV cache", given.cache_bytes(given.prompt + given.generate), "bytes")
    yield Fact("Peak activation bytes", given.peak_bytes, "bytes")
    yield Fact("Memory", given.memory, "bytes")


def least_macs(given: Generation) -> int:
    """MACs of the prompt's pass that no implementation can leave out."""
    return sum(row.amounts["macs"] for row in given.prefill.least.rows if isinstance(row.amounts["macs"], int))


def _remarks(given: Generation) -> Iterator[Remark]:
    yield Remark(
        "KV cache",
        f"{exact(given.cache_elements)} numbers a token of a text, in {given.cache_dtype}; of "
        f"{given.prompt + given.generate:,} tokens × {given.batch:,}",
    )
    yield Remark(
        "Traffic",
        "the least: weights once a pass, the cache read once and the new tokens' part written, "
        "inputs and the outputs of one position",
    )
    yield Remark(
        "Prompt",
        f"every position and every masked score counts; {short(least_macs(given))} MACs without "
        "masked scores, and with one position behind the last keys and values",
    )
    yield Remark("Peak", "of the prompt's pass with fused steps, and with one position behind the last keys and values")
    yield Remark("Steps", "the prompt's pass gives the first token, step k attends to prompt + k tokens")
    for assumption in given.prefill.report.assumptions:
        yield Remark("Assumed", assumption.shown())
    for note in given.notes:
        yield Remark("Note", note)


def devices(given: Sequence[Any]) -> Sheet:
    """A row for each device."""
    rows, remarks = [], []
    for found in given:
        name, step = found.profile.id, found.last or found.prefill
        times = [found.prefill.seconds, found.first and found.first.seconds, found.last and found.last.seconds]
        rate = "–" if found.tokens_per_s is None else tokens_text(found.tokens_per_s)
        rows.append((name, *map(_time, times), step.by, _time(found.total), rate))
        for fit in found.fits:
            remarks.append(_fit(name, fit))
        for precision in found.without_peak:
            remarks.append(Remark(name, f"no peak for {precision}: its MACs take no time here (--dtype)", True))
    return Sheet(
        "On devices",
        "lower bounds of time, upper bounds of speed",
        DEVICES,
        tuple(rows),
        remarks=tuple(remarks),
        kind="table",
    )


def _fit(name: str, fit: Any) -> Remark:
    return Remark(name, f"{'fits' if fit.fits else 'does not fit'}: {fit_text(fit)}", not fit.fits)


def _time(seconds: Fraction | None) -> str:
    return "–" if seconds is None else scaled(seconds, "s")


def to_dict(given: Generation) -> dict[str, Any]:
    """The model's entry of the JSON report."""

    def phase(found: Phase | None) -> dict[str, Any] | None:
        return found and {
            "new_tokens": found.new,
            "past_tokens": found.past,
            "macs": found.macs,
            "flops": found.flops,
            "traffic_bytes": found.traffic,
            "cache_bytes": found.cache,
        }

    return {
        "name": given.name,
        "source": given.source,
        "batch": given.batch,
        "prompt": given.prompt,
        "generate": given.generate,
        "params": given.prefill.report.params,
        "weight_bytes": given.weight_bytes,
        "cache": {
            "dtype": given.cache_dtype,
            "elements_per_token": given.cache_elements,
            "bytes": given.cache_bytes(given.prompt + given.generate),
        },
        "peak_activation_bytes": given.peak_bytes,
        "memory_bytes": given.memory,
        "prefill": {**(phase(given.prefill) or {}), "least_macs": least_macs(given)},
        "first_step": phase(given.first),
        "last_step": phase(given.last),
        "steps": {
            "count": given.steps,
            "macs": given.step_macs,
            "traffic_bytes": given.step_traffic,
            "cache_bytes": given.step_cache,
        },
        "assumptions": [str(a) for a in given.prefill.report.assumptions],
        "notes": list(given.notes),
    }


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
