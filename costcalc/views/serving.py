"""A generation over several devices, its speed, the largest that fits and every way to split a model -> their tables
and their entries of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.experts import routings
from costcalc.core.units import format_bytes, format_count
from costcalc.studies.generation.largest import Largest
from costcalc.studies.generation.layouts import Layout
from costcalc.studies.generation.serving import SentBytes, Serving, StageMemory
from costcalc.studies.generation.speed import GenerationSpeed
from costcalc.views.generation import limit_document, limit_note, peak_notes, rate_text, seconds_text
from costcalc.views.roofline import fit_notes
from costcalc.views.table import Column, FigureCell, Note, Table, Total, make_table


class StageRow(NamedTuple):
    """A pipeline stage: its number, how many devices it has, and what each of them holds."""

    number: int
    devices: int
    memory: StageMemory
    cache_bytes: int
    peak_bytes: int


TEXT_LENGTH = "tokens a text"
"""What the longest context counts."""

STAGE_COLUMNS = (
    Column("stage", "Stage", "name", 100, lambda row: f"stage {row.number}"),
    Column("devices", "Devices", "number", 60, lambda row: row.devices),
    Column("weight_bytes", "Weights", "bytes", 90, lambda row: row.memory.weight_bytes),
    Column("kv_cache_bytes", "KV cache", "bytes", 80, lambda row: row.cache_bytes),
    Column("peak_activation_bytes", "Peak activations", "bytes", 70, lambda row: row.peak_bytes),
    Column(
        "memory_bytes", "Memory", "bytes", 95, lambda row: row.memory.weight_bytes + row.cache_bytes + row.peak_bytes
    ),
)

SENT_COLUMNS = (
    Column("pass", "Pass", "name", 100, lambda row: row[0]),
    Column("all_reduce", "All-reduce", "bytes", 80, lambda row: int(row[1].all_reduce)),
    Column("all_gather", "All-gather", "bytes", 70, lambda row: int(row[1].all_gather)),
    Column("all_to_all", "All-to-all", "bytes", 75, lambda row: int(row[1].all_to_all)),
    Column("stage", "Next stage", "bytes", 65, lambda row: int(row[1].stage)),
    Column("total", "Sent", "bytes", 90, lambda row: int(row[1].total)),
)

SPEED_COLUMNS = (
    Column("device", "Device", "name", 100, lambda row: row[1].profile.id),
    Column("first_token", "First token ≥", "text", 80, lambda row: seconds_text(row[1], row[1].prefill.seconds)),
    Column("token", "Per token ≥", "text", 85, lambda row: seconds_text(row[1], row[1].seconds_per_token)),
    Column("bound", "Bound by", "text", 65, lambda row: (row[1].last or row[1].prefill).bound_by),
    Column("tokens_per_s", "Tokens/s ≤", "text", 95, lambda row: rate_text(row[1], row[1].tokens_per_s)),
    Column("each", "A device ≤", "text", 75, lambda row: _rate_each(*row)),
)

LAYOUT_COLUMNS = (
    Column("tp", "tp", "number", 99, lambda row: row.options.tp),
    Column("pp", "pp", "number", 99, lambda row: row.options.pp),
    Column("ep", "ep", "number", 98, lambda row: row.options.ep),
    Column("dp", "dp", "number", 99, lambda row: row.options.replicas),
    Column("weight_bytes", "Weights", "bytes", 80, lambda row: row.serving and row.serving.weight_bytes),
    Column("kv_cache_bytes", "KV cache", "bytes", 70, lambda row: row.serving and row.serving.cache_bytes),
    Column("memory_bytes", "Memory", "bytes", 90, lambda row: row.serving and row.serving.memory_bytes),
    Column("sent_bytes", "Sent a step", "bytes", 60, lambda row: _step_bytes(row.serving)),
    Column(
        "first_token",
        "First token ≥",
        "text",
        75,
        lambda row: row.speed and seconds_text(row.speed, row.speed.prefill.seconds),
    ),
    Column(
        "token",
        "Per token ≥",
        "text",
        78,
        lambda row: row.speed and seconds_text(row.speed, row.speed.seconds_per_token),
    ),
    Column(
        "tokens_per_s", "Tokens/s ≤", "text", 85, lambda row: row.speed and rate_text(row.speed, row.speed.tokens_per_s)
    ),
    Column("fits", "Fits", "text", 88, lambda row: {None: "", True: "yes", False: "no"}[_layout_fit(row)]),
)


def stages_table(serving: Serving) -> Table:
    """A row for each pipeline stage: what a device of it holds."""
    options, peak = serving.options, serving.device.peak_bytes
    rows = [
        StageRow(
            number,
            options.tp * options.replicas,
            memory,
            memory.cache.nbytes(serving.tokens) + serving.device.cross_cache_bytes,
            peak,
        )
        for number, memory in enumerate(serving.stages, 1)
    ]
    totals = (Total("Memory a device", serving.memory_bytes, "bytes"),)
    notes = tuple(_split_notes(serving))
    return make_table("A device", STAGE_COLUMNS, rows, _title(serving), totals=totals, notes=notes)


def _title(serving: Serving) -> str:
    options, texts = serving.options, serving.device.batch
    words = f"tp {options.tp} × pp {options.pp} × dp {options.replicas} = {options.total:,} devices"
    experts = f", experts over {options.ep}" if options.ep > 1 else ""
    return f"{words}{experts}; {texts:,} {'text' if texts == 1 else 'texts'} a replica"


def _split_notes(serving: Serving) -> Iterator[Note]:
    options = serving.options
    if options.tp > 1:
        yield Note(
            "Split",
            "heads, features and vocabulary over tp; key and value heads are copied where there are fewer, "
            "normalisations, routers and latents are on every device",
        )
    if serving.split.copied_layers and options.tp > 1:
        names = serving.split.copied_layers
        yield Note("Copied", f"{len(names):,} layers with weights are whole on every device: {names[0]} …")
    if options.ep > 1:
        yield from _expert_notes(serving)
    if serving.generation_options.page > 1:
        yield Note("Pages", f"the cache of a text fills whole pages of {serving.generation_options.page:,} tokens")
    if serving.generation_options.draft_tokens:
        steps = f"{float(serving.tokens_per_step):.3g} tokens a step"
        count, probability = serving.generation_options.draft_tokens, serving.generation_options.acceptance
        guesses = "1 guess," if count == 1 else f"{count:,} guesses, each"
        yield Note("Guesses", f"{guesses} right with probability {probability}: {steps}; guessing takes no time here")


def _expert_notes(serving: Serving) -> Iterator[Note]:
    tokens = serving.texts * (1 + (serving.generation_options.draft_tokens or 0))
    for routing in routings(serving.device.prefill.report.graph):
        each, ep = routing.experts // serving.options.ep, serving.options.ep
        yield Note(
            "Experts",
            f"{each:,} of {routing.experts:,} a device; a step of {tokens:,} tokens reads "
            f"{routing.expected(tokens) / ep:,.1f} of them in a layer on average where all experts are equally likely, "
            f"0 to {min(each, routing.most(tokens)):,} on one device; the bound takes the fewest of all, "
            f"{routing.fewest(tokens):,}",
        )


def sent_table(serving: Serving) -> Table:
    """A row for the prompt's pass and for a step: bytes that a device sends."""
    device = serving.device
    rows: list[tuple[str, SentBytes]] = [(f"prompt of {device.prompt:,}", serving.sent_bytes(device.prefill))]
    if device.first:
        rows.append(("a step", serving.sent_bytes(device.first)))
    notes = (
        Note("All-reduce", "2 · (p - 1) / p of the bytes, a ring; the bound takes them once, as a switch may add"),
        *(
            (Note("All-to-all", "expected where all experts are equally likely; the bound takes 0"),)
            if serving.options.ep > serving.options.tp
            else ()
        ),
    )
    return make_table("Sent by a device", SENT_COLUMNS, rows, "in a pass, by kind", notes=notes)


def serving_speeds_table(serving: Serving, speeds: Sequence[GenerationSpeed]) -> Table:
    """A row for each device; below, whether it fits, its link, and what has no peak."""
    notes: list[Note] = []
    for speed in speeds:
        name, link = speed.profile.id, speed.profile.fastest_link
        notes += (*peak_notes(speed), *fit_notes(name, speed.fits))
        if link is not None and serving.options.total > 1:
            notes.append(Note(name, f"link: {link[0]}, {float(link[1].value / 10**9):,.4g} GB/s one way"))
        elif serving.options.total > 1:
            notes.append(Note(name, "the profile has no link: what is sent takes no time here", True))
    rest = "the most of compute, memory and link at their peaks, all overlapped; no launch, no scheduling, no sampling"
    notes.append(Note("Bounds", rest))
    subtitle = "lower bounds of time, upper bounds of speed"
    rows = [(serving, speed) for speed in speeds]
    return make_table("On devices", SPEED_COLUMNS, rows, subtitle, notes=tuple(notes), kind="table")


def layouts_table(name: str, layouts: Sequence[Layout]) -> Table:
    """A row for each way to split the model over the devices; below, why others cannot be."""
    rows = [layout for layout in layouts if layout.serving is not None]
    refusals: dict[str, list[str]] = {}
    for layout in layouts:
        if layout.serving is None:
            refusals.setdefault(layout.refusal, []).append(_layout_words(layout))
    notes = (
        *_misfit_note(rows),
        *(note for layout in rows[:1] for note in _layout_notes(layout)),
        *[Note("Not possible", f"{', '.join(words)}: {text}") for text, words in refusals.items()],
    )
    count = layouts[0].options.total if layouts else 0
    return make_table(name, LAYOUT_COLUMNS, rows, f"every split over {count:,} devices; bytes a device", notes=notes)


def _layout_words(layout: Layout) -> str:
    options = layout.options
    return f"tp {options.tp} pp {options.pp} ep {options.ep} dp {options.replicas}"


def _misfit_note(layouts: Sequence[Layout]) -> Iterator[Note]:
    """Layouts -> a note where none fits: the one that needs the least, and how many bytes that is too many."""
    fits = [(fit.nbytes, fit, layout) for layout in layouts if layout.speed for fit in layout.speed.fits]
    if not fits or any(fit.fits for _, fit, _ in fits):
        return
    nbytes, fit, nearest = min(fits, key=lambda row: row[0])
    needs = f"{format_bytes(nbytes)} of {format_bytes(fit.capacity)} a device"
    text = f"none of the {len(fits):,} ways; the nearest, {_layout_words(nearest)}, takes {needs}"
    yield Note("Does not fit", f"{text}, {format_bytes(nbytes - fit.capacity)} too many", True)


def _layout_notes(layout: Layout) -> Iterator[Note]:
    """A layout -> notes that hold for all: figures without a peak, texts longer than the model's file states."""
    if layout.speed is not None:
        yield from peak_notes(layout.speed)
    if layout.serving is not None:
        yield from limit_note(layout.serving.device.context_limit, layout.serving.tokens)


def largest_note(name: str, found: Largest, what: str) -> str:
    """The largest that fits -> a sentence: the number, what it needs, and what one more would need."""
    more = "the model allows no more" if found.next_nbytes is None else f"one more {found.next_nbytes:,}"
    return (
        f"{format_count(found.number)} {what} fit {name}: {found.nbytes:,} of {found.capacity:,} bytes a device, {more}"
    )


def largest_table(rows: Sequence[tuple[str, str, Largest]]) -> Table:
    """(device, what is counted, the largest) -> a row for each."""
    columns: tuple[Column, ...] = (
        Column("device", "Device", "name", 100, lambda row: row[0]),
        Column("what", "What", "text", 90, lambda row: row[1]),
        Column("largest", "Largest", "number", 95, lambda row: row[2].number),
        Column("memory_bytes", "Memory", "bytes", 80, lambda row: row[2].nbytes),
        Column("capacity", "Of", "bytes", 70, lambda row: row[2].capacity),
    )
    if any(_stated_tokens(row).text for row in rows):
        stated = Column("limit", "File states", "figure", 92, _stated_tokens)
        columns = (*columns[:3], stated, *columns[3:])
    notes = tuple([Note(what, largest_note(name, found, what)) for name, what, found in rows])
    notes += tuple(dict.fromkeys([note for *_, found in rows for note in limit_note(found.limit, found.tokens)]))
    return make_table("The largest that fits", columns, rows, "the next one does not", notes=notes)


def _stated_tokens(row: tuple[str, str, Largest]) -> FigureCell:
    """A row of the largest -> the most tokens that the model's file states, where tokens are counted."""
    _, what, found = row
    if found.limit is None or what != TEXT_LENGTH:
        return FigureCell("", None)
    return FigureCell(format_count(found.limit.tokens), found.limit.tokens)


def serving_document(serving: Serving) -> dict[str, Any]:
    """The entry of the JSON report of a generation over several devices; bytes are those of a device."""
    options, device = serving.options, serving.device
    passes = {"prefill": device.prefill, "step": device.first}
    return {
        "devices": options.total,
        "tp": options.tp,
        "pp": options.pp,
        "ep": options.ep,
        "dp": options.replicas,
        "texts": serving.texts,
        "texts_per_replica": device.batch,
        "tokens_per_step": float(serving.tokens_per_step),
        "weight_bytes": serving.weight_bytes,
        "kv_cache_bytes": serving.cache_bytes,
        "peak_activation_bytes": device.peak_bytes,
        "memory_bytes": serving.memory_bytes,
        "stages": [
            {"weight_bytes": stage.weight_bytes, "kv_cache_bytes": stage.cache.nbytes(serving.tokens)}
            for stage in serving.stages
        ],
        "sent_bytes": {
            name: {key: float(value) for key, value in {**sent._asdict(), "total": sent.total}.items()}
            for name, phase in passes.items()
            if phase is not None and (sent := serving.sent_bytes(phase))
        },
    }


def layout_document(layout: Layout) -> dict[str, Any]:
    """A way to split a model -> its entry of the JSON report."""
    options, speed = layout.options, layout.speed
    split = {"tp": options.tp, "pp": options.pp, "ep": options.ep, "dp": options.replicas}
    if layout.serving is None:
        return {**split, "refused": layout.refusal}
    rate = None if speed is None or speed.tokens_per_s is None else float(speed.tokens_per_s)
    return {**serving_document(layout.serving), "tokens_per_s": rate, "fits": _layout_fit(layout)}


def largest_document(found: Largest) -> dict[str, Any]:
    """The largest that fits -> its entry of the JSON report."""
    return {
        "largest": found.number,
        "memory_bytes": found.nbytes,
        "next_memory_bytes": found.next_nbytes,
        "capacity_bytes": found.capacity,
        "context_limit": limit_document(found.limit),
    }


def _step_bytes(serving: Serving | None) -> int | None:
    return (
        None if serving is None or serving.device.first is None else int(serving.sent_bytes(serving.device.first).total)
    )


def _layout_fit(layout: Layout) -> bool | None:
    """Whether the parts of a layout fit their devices; None without a device."""
    fits = layout.speed.fits if layout.speed is not None else ()
    return all(fit.fits for fit in fits) if fits else None


def _rate_each(serving: Serving, speed: GenerationSpeed) -> str:
    """Tokens a second of one of the devices."""
    rate = speed.tokens_per_s
    return rate_text(speed, None if rate is None else rate / serving.options.total)
