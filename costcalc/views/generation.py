"""Generation, and its speed on devices -> their tables (passes, devices) and their entries of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.analysis.experts import routings
from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.core.dim import pretty_text
from costcalc.core.ir import ContextLimit
from costcalc.core.units import format_count, format_short, format_si, share
from costcalc.studies.generation.generation import Generation, Pass, masked_attentions
from costcalc.studies.generation.speed import GenerationSpeed
from costcalc.views.columns import quantity_column
from costcalc.views.figures import tokens_text
from costcalc.views.roofline import fit_document, fit_notes
from costcalc.views.table import Column, Note, Table, Total, make_table


class PassRow(NamedTuple):
    """A row of the table of passes: one pass, or all steps together. tokens are those that it reads, of all texts."""

    name: str
    tokens: int
    context: int
    macs: int
    traffic: int
    cache: int


PASS_COLUMNS = (
    Column("pass", "Pass", "name", 100, lambda row: row.name),
    Column("tokens", "Tokens", "number", 60, lambda row: row.tokens),
    Column("context", "Context", "number", 70, lambda row: row.context),
    quantity_column("macs", 90, lambda row: row.macs),
    quantity_column("traffic_bytes", 85, lambda row: row.traffic),
    Column("cache_bytes", "Cache read", "bytes", 65, lambda row: row.cache),
    Column("intensity", "MAC/byte", "decimal", 50, lambda row: share(row.macs, row.traffic)),
)

SPEED_COLUMNS = (
    Column("device", "Device", "name", 100, lambda speed: speed.profile.id),
    Column("prefill", "Prompt ≥", "text", 80, lambda speed: _time_text(speed, speed.prefill)),
    Column("first", "First ≥", "text", 60, lambda speed: _time_text(speed, speed.first)),
    Column("last", "Last ≥", "text", 70, lambda speed: _time_text(speed, speed.last)),
    Column("bound", "Bound by", "text", 65, lambda speed: (speed.last or speed.prefill).bound_by),
    Column("total", "All ≥", "text", 75, lambda speed: seconds_text(speed, speed.total_seconds)),
    Column("tokens_per_s", "Tokens/s ≤", "text", 90, lambda speed: rate_text(speed, speed.tokens_per_s)),
)


def passes_table(generation: Generation) -> Table:
    """A row for the prompt's pass, for the first and the last step, and for all steps; the memory below."""
    texts = "1 text" if generation.batch == 1 else f"{generation.batch:,} texts"
    return make_table(
        generation.name,
        PASS_COLUMNS,
        _pass_rows(generation),
        f"{texts}, each of {generation.prompt:,} + {generation.generate:,} tokens",
        totals=tuple(_totals(generation)),
        notes=tuple(_notes(generation)),
    )


def _pass_rows(generation: Generation) -> Iterator[PassRow]:
    def row(name: str, phase: Pass) -> PassRow:
        return PassRow(
            name, phase.new * generation.batch, phase.context, phase.macs, phase.traffic_bytes, phase.cache_bytes
        )

    yield row(f"prompt of {generation.prompt:,}", generation.prefill)
    if generation.first and generation.last:
        yield row("first step", generation.first)
        if generation.steps > 1:
            yield row("last step", generation.last)
        tokens = generation.steps * generation.batch
        sums = (generation.step_macs, generation.step_traffic_bytes, generation.step_cache_bytes)
        yield PassRow(f"all {generation.steps:,} steps", tokens, generation.last.context, *sums)


def limit_note(limit: ContextLimit | None, tokens: int) -> tuple[Note, ...]:
    """What a model's file states and the length of a text -> a note where the text is longer."""
    if limit is None or tokens <= limit.tokens:
        return ()
    text = f"the model's file states {limit.tokens:,} tokens a text at most ({limit.origin}), fewer than {tokens:,}"
    return (Note("Context", text, True),)


def _totals(generation: Generation) -> Iterator[Total]:
    yield Total("Params", generation.prefill.report.params, "number")
    if "active_params" in generation.prefill.report.totals:
        yield Total("Active params", generation.prefill.report.totals["active_params"], "number")
    yield Total("Weight bytes", generation.weight_bytes, "bytes")
    yield Total("KV cache a token", generation.token_bytes, "bytes")
    yield Total("KV cache", generation.cache_bytes(generation.prompt + generation.generate), "bytes")
    if generation.cross_cache_bytes:
        yield Total("Cross-attention cache", generation.cross_cache_bytes, "bytes")
    yield Total("Peak activation bytes", generation.peak_bytes, "bytes")
    yield Total("Memory", generation.memory_bytes, "bytes")


def least_macs(generation: Generation) -> int:
    """Generation → the MACs of the prompt's pass that no implementation can leave out."""
    return sum(
        row.figures["macs"] for row in generation.prefill.necessary_report.rows if isinstance(row.figures["macs"], int)
    )


def _notes(generation: Generation) -> Iterator[Note]:
    yield from limit_note(generation.context_limit, generation.prompt + generation.generate)
    yield Note(
        "KV cache",
        f"{format_count(generation.cache_elements)} numbers a token of a text, in {generation.cache_dtype}; of "
        f"{generation.prompt + generation.generate:,} tokens × {generation.batch:,}",
    )
    if not generation.cache.is_proportional:
        formula = pretty_text(generation.cache.formula())
        yield Note("Cache bytes", f"{formula} by the number of tokens of each text: windows and states do not grow")
    yield Note(
        "Traffic",
        "the least: weights once a pass, the cache read once and the new tokens' part written, "
        "inputs and the outputs of one position",
    )
    yield from _expert_notes(generation)
    yield Note("Prompt", _prompt_text(generation))
    yield Note("Peak", "of the prompt's pass with fused steps, and with one position behind the last keys and values")
    yield Note("Steps", "the prompt's pass gives the first token, step k attends to prompt + k tokens")
    for assumption in generation.prefill.report.assumptions:
        yield Note("Assumed", assumption.format())
    for note in generation.notes:
        yield Note("Note", note)


def _expert_notes(generation: Generation) -> Iterator[Note]:
    """Generation → of each kind of mixture of experts, how many experts of a layer a step reads."""
    texts = generation.batch
    for routing in routings(generation.prefill.report.graph):
        few, many = routing.fewest(texts), routing.most(texts)
        counts = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        mean = "" if few == many else f", {routing.expected(texts):,.1f} on average where all are equally likely"
        yield Note(
            "Experts", f"a step reads {counts} of {routing.experts:,} in a layer{mean}; the traffic counts the fewest"
        )


def _prompt_text(generation: Generation) -> str:
    """Generation → what of the prompt's pass counts, and what it takes without what can be left out."""
    without, counted = masked_attentions(generation.prefill.report)
    last = "with one position behind the last keys and values"
    least = f"{format_short(least_macs(generation))} MACs"
    if not without:
        return f"every position and every score counts; {least} {last}"
    of = f"the masked scores of {', '.join(without)}" if counted else "masked scores"
    rest = f" (those of {', '.join(counted)} count)" if counted else ""
    return f"every position and every masked score counts; {least} without {of}{rest}, and {last}"


def speeds_table(speeds: Sequence[GenerationSpeed]) -> Table:
    """A row for each device; below, whether it fits, and what has no peak."""
    notes: list[Note] = []
    for speed in speeds:
        notes += (*peak_notes(speed), *fit_notes(speed.profile.id, speed.fits))
    subtitle = "lower bounds of time, upper bounds of speed"
    return make_table("On devices", SPEED_COLUMNS, speeds, subtitle, notes=tuple(notes), kind="table")


def _time_text(speed: GenerationSpeed, bound: TimeBound | None) -> str:
    return seconds_text(speed, None if bound is None else bound.seconds)


def seconds_text(speed: GenerationSpeed, seconds: Fraction | None) -> str:
    """Seconds of a speed -> `47.3 ms`, with the mark of peak_notes where MACs without a peak count nothing in it."""
    return "–" if seconds is None else format_si(seconds, "s") + _mark(speed)


def rate_text(speed: GenerationSpeed, rate: Fraction | None) -> str:
    """Tokens a second of a speed -> `1.18 k`, with the mark of peak_notes as above."""
    return "–" if rate is None else tokens_text(rate) + _mark(speed)


def _mark(speed: GenerationSpeed) -> str:
    return " *" if speed.without_peak else ""


def peak_notes(speed: GenerationSpeed) -> Iterator[Note]:
    """A speed -> a note where the profile has no peak for its MACs, which is what a mark at a figure says."""
    if speed.without_peak:
        types = ", ".join(speed.without_peak)
        text = f"{speed.profile.id} has no peak for {types}: MACs in it take no time here, only the rest does (--dtype)"
        yield Note("*", text, True)


def limit_document(limit: ContextLimit | None) -> dict[str, Any] | None:
    """The most tokens of a text that a model's file states -> its entry of the JSON report."""
    return limit and {"tokens": limit.tokens, "origin": limit.origin}


def generation_document(generation: Generation) -> dict[str, Any]:
    """The model's entry of the JSON report."""

    def pass_document(phase: Pass | None) -> dict[str, Any] | None:
        return phase and {
            "new_tokens": phase.new,
            "past_tokens": phase.past,
            "macs": phase.macs,
            "flops": phase.flops,
            "traffic_bytes": phase.traffic_bytes,
            "cache_bytes": phase.cache_bytes,
        }

    return {
        "name": generation.name,
        "source": generation.source,
        "batch": generation.batch,
        "prompt": generation.prompt,
        "generate": generation.generate,
        "context_limit": limit_document(generation.context_limit),
        "params": generation.prefill.report.params,
        "active_params": generation.prefill.report.totals.get("active_params", generation.prefill.report.params),
        "weight_bytes": generation.weight_bytes,
        "cache": {
            "dtype": generation.cache_dtype,
            "elements_per_token": generation.cache_elements,
            "state_elements": generation.state_elements,
            "bytes_by_tokens": str(generation.cache.formula()),
            "bytes": generation.cache_bytes(generation.prompt + generation.generate),
            "cross_attention_bytes": generation.cross_cache_bytes,
        },
        "peak_activation_bytes": generation.peak_bytes,
        "memory_bytes": generation.memory_bytes,
        "prefill": {**(pass_document(generation.prefill) or {}), "least_macs": least_macs(generation)},
        "first_step": pass_document(generation.first),
        "last_step": pass_document(generation.last),
        "steps": {
            "count": generation.steps,
            "macs": generation.step_macs,
            "traffic_bytes": generation.step_traffic_bytes,
            "cache_bytes": generation.step_cache_bytes,
        },
        "assumptions": [str(a) for a in generation.prefill.report.assumptions],
        "notes": list(generation.notes),
    }


def speed_document(speed: GenerationSpeed) -> dict[str, Any]:
    """The device's entry of the JSON report."""

    def seconds(value: Fraction | None) -> float | None:
        return None if value is None else float(value)

    def bound_document(bound: TimeBound | None) -> dict[str, Any] | None:
        return bound and {"time_bound_s": seconds(bound.seconds), "bound_by": bound.bound_by or None}

    return {
        "name": speed.profile.id,
        "device": speed.profile.name,
        "prefill": bound_document(speed.prefill),
        "first_step": bound_document(speed.first),
        "last_step": bound_document(speed.last),
        "steps_s": seconds(speed.steps_seconds),
        "total_s": seconds(speed.total_seconds),
        "tokens_per_s": seconds(speed.tokens_per_s),
        "without_peak": list(speed.without_peak),
        "fits": [fit_document(fit) for fit in speed.fits],
    }
