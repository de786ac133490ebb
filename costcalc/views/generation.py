"""Generation, and its speed on devices -> their tables (passes, devices) and their entries of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.core.units import format_count, format_short, format_si, share
from costcalc.studies.generation.generation import Generation, Pass
from costcalc.studies.generation.speed import GenerationSpeed
from costcalc.views.columns import quantity_column
from costcalc.views.figures import tokens_text
from costcalc.views.roofline import fit_text
from costcalc.views.table import Column, Note, Table, Total, make_table


class PassRow(NamedTuple):
    """A row of the table of passes: one pass, or all steps together. tokens are those that it reads, of all texts."""

    name: str
    tokens: int
    context: int
    macs: int
    traffic: int
    cache: int


PASSES = (
    Column("pass", "Pass", "name", 100, lambda row: row.name),
    Column("tokens", "Tokens", "number", 60, lambda row: row.tokens),
    Column("context", "Context", "number", 70, lambda row: row.context),
    quantity_column("macs", 90, lambda row: row.macs),
    quantity_column("traffic_bytes", 85, lambda row: row.traffic),
    Column("cache_bytes", "Cache read", "bytes", 65, lambda row: row.cache),
    Column("intensity", "MAC/byte", "decimal", 50, lambda row: share(row.macs, row.traffic)),
)

DEVICES = (
    Column("device", "Device", "name", 100, lambda speed: speed.profile.id),
    Column("prefill", "Prompt ≥", "text", 80, lambda speed: _time(speed.prefill)),
    Column("first", "First ≥", "text", 60, lambda speed: _time(speed.first)),
    Column("last", "Last ≥", "text", 70, lambda speed: _time(speed.last)),
    Column("bound", "Bound by", "text", 65, lambda speed: (speed.last or speed.prefill).bound_by),
    Column("total", "All ≥", "text", 75, lambda speed: _seconds(speed.total)),
    Column("tokens_per_s", "Tokens/s ≤", "text", 90, lambda speed: _tokens(speed.tokens_per_s)),
)


def passes_table(given: Generation) -> Table:
    """A row for the prompt's pass, for the first and the last step, and for all steps; the memory below."""
    texts = "1 text" if given.batch == 1 else f"{given.batch:,} texts"
    return make_table(
        given.name,
        PASSES,
        _pass_rows(given),
        f"{texts}, each of {given.prompt:,} + {given.generate:,} tokens",
        facts=tuple(_facts(given)),
        remarks=tuple(_remarks(given)),
    )


def _pass_rows(given: Generation) -> Iterator[PassRow]:
    def row(name: str, phase: Pass) -> PassRow:
        return PassRow(name, phase.new * given.batch, phase.context, phase.macs, phase.traffic, phase.cache)

    yield row(f"prompt of {given.prompt:,}", given.prefill)
    if given.first and given.last:
        yield row("first step", given.first)
        if given.steps > 1:
            yield row("last step", given.last)
        tokens = given.steps * given.batch
        sums = (given.step_macs, given.step_traffic, given.step_cache)
        yield PassRow(f"all {given.steps:,} steps", tokens, given.last.context, *sums)


def _facts(given: Generation) -> Iterator[Total]:
    yield Total("Params", given.prefill.report.params, "number")
    yield Total("Weight bytes", given.weight_bytes, "bytes")
    yield Total("KV cache a token", (given.cache_elements * given.cache_bits + 7) // 8, "bytes")
    yield Total("KV cache", given.cache_bytes(given.prompt + given.generate), "bytes")
    yield Total("Peak activation bytes", given.peak_bytes, "bytes")
    yield Total("Memory", given.memory, "bytes")


def least_macs(given: Generation) -> int:
    """MACs of the prompt's pass that no implementation can leave out."""
    return sum(row.figures["macs"] for row in given.prefill.least.rows if isinstance(row.figures["macs"], int))


def _remarks(given: Generation) -> Iterator[Note]:
    yield Note(
        "KV cache",
        f"{format_count(given.cache_elements)} numbers a token of a text, in {given.cache_dtype}; of "
        f"{given.prompt + given.generate:,} tokens × {given.batch:,}",
    )
    yield Note(
        "Traffic",
        "the least: weights once a pass, the cache read once and the new tokens' part written, "
        "inputs and the outputs of one position",
    )
    yield Note(
        "Prompt",
        f"every position and every masked score counts; {format_short(least_macs(given))} MACs without "
        "masked scores, and with one position behind the last keys and values",
    )
    yield Note("Peak", "of the prompt's pass with fused steps, and with one position behind the last keys and values")
    yield Note("Steps", "the prompt's pass gives the first token, step k attends to prompt + k tokens")
    for assumption in given.prefill.report.assumptions:
        yield Note("Assumed", assumption.shown())
    for note in given.notes:
        yield Note("Note", note)


def speeds_table(given: Sequence[GenerationSpeed]) -> Table:
    """A row for each device; below, whether it fits, and what has no peak."""
    remarks: list[Note] = []
    for found in given:
        name = found.profile.id
        for fit in found.fits:
            fits = "fits" if fit.fits else "does not fit"
            remarks.append(Note(name, f"{fits}: {fit_text(fit)}", not fit.fits))
        for precision in found.without_peak:
            remarks.append(Note(name, f"no peak for {precision}: its MACs take no time here (--dtype)", True))
    words = "lower bounds of time, upper bounds of speed"
    return make_table("On devices", DEVICES, given, words, remarks=tuple(remarks), kind="table")


def _time(bound: TimeBound | None) -> str:
    return _seconds(None if bound is None else bound.seconds)


def _seconds(seconds: Fraction | None) -> str:
    return "–" if seconds is None else format_si(seconds, "s")


def _tokens(rate: Fraction | None) -> str:
    return "–" if rate is None else tokens_text(rate)


def generation_document(given: Generation) -> dict[str, Any]:
    """The model's entry of the JSON report."""

    def phase(found: Pass | None) -> dict[str, Any] | None:
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


def speed_document(found: GenerationSpeed) -> dict[str, Any]:
    """The device's entry of the JSON report."""

    def seconds(value: Fraction | None) -> float | None:
        return None if value is None else float(value)

    def of(bound: TimeBound | None) -> dict[str, Any] | None:
        return bound and {"time_bound_s": seconds(bound.seconds), "bound_by": bound.bound_by or None}

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
                "what": fit.contents,
                "needed_bytes": fit.nbytes,
                "capacity_bytes": fit.capacity,
                "fits": fit.fits,
            }
            for fit in found.fits
        ],
    }
