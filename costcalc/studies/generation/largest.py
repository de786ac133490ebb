"""Model, settings and a device's memory to the longest text, or the most texts, that fit: n fits and n + 1 does not.

What a device holds (weights, cache of the whole texts, peak activations) is counted exactly at each number that is
tried. It grows with the number, so that a search between one that fits and one that does not ends at the largest.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.options import GenerationOptions
from costcalc.core.errors import AssumptionError, UsageError
from costcalc.core.ir import ContextLimit
from costcalc.frontends.source import ModelSource
from costcalc.studies.generation.serving import DeviceDecoder, make_device_decoder
from costcalc.studies.options import Settings

MAX_COUNT = 1 << 40
"""The largest number that is tried."""


class Largest(NamedTuple):
    """The largest number that fits a memory of `capacity` bytes, what it needs, and what the next one would need (None
    where the model itself allows no more). tokens is the length of a text, limit the most that the model's file states
    of it."""

    number: int
    nbytes: int
    next_nbytes: int | None
    capacity: int
    tokens: int = 0
    limit: ContextLimit | None = None


def longest_context(source: ModelSource, settings: Settings, profile: HardwareProfile) -> Largest:
    """Model and settings -> the most tokens of a text, prompt and generated ones, of all texts at once. UsageError
    where not even a prompt of one token fits."""
    options, capacity = settings.generation or GenerationOptions(), device_capacity(profile)
    model = make_device_decoder(source, settings)

    def held(tokens: int) -> int | None:
        return _held_bytes(model, max(1, tokens - options.generate), tokens, options.prefill_chunk)

    smaller = partial(_smaller_text, model, options, 1, capacity)
    found = find_largest(held, capacity, options.generate + 1, "a prompt of one token", smaller)
    return found._replace(tokens=found.number, limit=model.decoder.open_graph.context_limit)


def largest_batch(source: ModelSource, settings: Settings, profile: HardwareProfile) -> Largest:
    """Model and settings -> the most texts at once, of all replicas, each with its prompt and generated tokens.
    UsageError where not even one a replica fits."""
    options, capacity = settings.generation or GenerationOptions(), device_capacity(profile)
    replicas = settings.parallel.replicas

    def of_texts(texts: int) -> tuple[DeviceDecoder, int]:
        changed = settings._replace(generation=options._replace(batch=texts * replicas))
        model = make_device_decoder(source, changed)
        return model, model.decoder.prompt_length(options.prompt)

    def held(texts: int) -> int | None:
        model, prompt = of_texts(texts)
        return model.memory_bytes(prompt, prompt + options.generate, options.prefill_chunk)

    def smaller() -> str:
        model, prompt = of_texts(1)
        return _smaller_text(model, options, prompt, capacity)

    found = find_largest(held, capacity, 1, "one text a replica", smaller)
    model, prompt = of_texts(1)
    limit = model.decoder.open_graph.context_limit
    return found._replace(number=found.number * replicas, tokens=prompt + options.generate, limit=limit)


def _held_bytes(model: DeviceDecoder, prompt: int, tokens: int, chunk: int | None) -> int | None:
    """Length of the prompt and of the whole text -> bytes that a device holds; None where the model allows no such
    text."""
    try:
        model.decoder.check_length(tokens)
    except AssumptionError:
        return None
    return model.memory_bytes(prompt, tokens, chunk)


def _fits(amount: int | None, capacity: int) -> bool:
    return amount is not None and amount <= capacity


def _smaller_text(model: DeviceDecoder, options: GenerationOptions, prompt: int, capacity: int) -> str:
    """A device's decoder and a text that does not fit -> the options of the longest that does: with a shorter prompt,
    else with fewer generated tokens too; "" where not even the shortest text fits."""

    def with_prompt(tokens: int) -> int | None:
        return _held_bytes(model, tokens, tokens + options.generate, options.prefill_chunk)

    def with_text(tokens: int) -> int | None:
        return _held_bytes(model, min(prompt, tokens - 1), tokens, options.prefill_chunk)

    if _fits(with_prompt(1), capacity):
        longest = find_largest(with_prompt, capacity, 1, "a prompt of one token").number
        return f"--prompt {longest} --generate {options.generate}"
    if not _fits(with_text(2), capacity):
        return ""
    tokens = find_largest(with_text, capacity, 2, "a text of two tokens").number
    shorter = min(prompt, tokens - 1)
    return f"--prompt {shorter} --generate {tokens - shorter}"


def _refuse(amount: int | None, capacity: int, name: str, smaller: str) -> UsageError:
    """What the least takes (None where the model does not allow it), and the options of what fits -> the refusal."""
    if amount is None:
        reason = "the model allows no such text"
    else:
        reason = f"it takes {amount:,} of {capacity:,} bytes, {amount - capacity:,} too many"
    remedy = "more devices, or narrower types"
    fact = f"{name} does not fit: {reason}"
    return UsageError(fact, f"{smaller} fits; or use {remedy}" if smaller else f"use {remedy}")


def device_capacity(profile: HardwareProfile) -> int:
    """Profile -> bytes of the device's memory. UsageError where it does not state them."""
    capacity = profile.bytes_of("device")
    if capacity is None:
        raise UsageError(f"the profile {profile.id} has no size of the device's memory", "name another device")
    return capacity


def find_largest(
    held: Callable[[int], int | None],
    capacity: int,
    least: int,
    name: str,
    smaller: Callable[[], str] = lambda: "",
) -> Largest:
    """held(n), which grows with n and is None where n is not allowed -> the largest n with held(n) <= capacity.
    UsageError where the least does not fit, and where no number is too large; name is what the least is, smaller() the
    options of what would fit in its place."""
    needs: dict[int, int | None] = {}

    def need(n: int) -> int | None:
        if n not in needs:
            needs[n] = held(n)
        return needs[n]

    def fits(n: int) -> bool:
        return _fits(need(n), capacity)

    if not fits(least):
        raise _refuse(need(least), capacity, name, smaller())
    low, high = least, least + 1
    while fits(high):
        if high > MAX_COUNT:
            raise UsageError(f"{name}: memory does not grow with their number", "it has no largest value")
        low, high = high, _next_guess(low, high, need, capacity)
    while high - low > 1:
        middle = _guess_between(low, high, need, capacity)
        if fits(middle):
            low = middle
        else:
            high = middle
    amount = need(low)
    assert amount is not None
    return Largest(low, amount, need(low + 1), capacity)


def _next_guess(low: int, high: int, need: Callable[[int], int | None], capacity: int) -> int:
    """Two numbers that fit -> a larger one: where the line through them meets the capacity, or twice as large."""
    below, above = need(low), need(high)
    if below is None or above is None or above <= below:
        return 2 * high
    slope = Fraction(above - below, high - low)
    return max(high + 1, min(1024 * high, high + int((capacity - above) / slope) + 1))


def _guess_between(low: int, high: int, need: Callable[[int], int | None], capacity: int) -> int:
    """A number that fits and one that does not -> one between them: where the line through both meets the capacity,
    no nearer than a 64th of the distance to an end, but for neighbours."""
    below, above = need(low), need(high)
    if below is None or above is None or above <= below:
        return (low + high) // 2
    at = low + (high - low) * (capacity - below) // (above - below)
    margin = (high - low) // 64
    return max(low + max(1, margin), min(high - max(1, margin), at))
