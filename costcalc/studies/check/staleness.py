"""A baseline and what the models are now → what a rewritten lock file would say differently, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.quantity import SIGNS, Figure
from costcalc.core.units import format_count
from costcalc.studies.check.baseline import Baseline, LockEntry
from costcalc.studies.check.lock_writer import format_lock
from costcalc.studies.check.wording import format_figure, quantity_kind

MAX_NAMED_LAYERS = 3
"""Layers that are named of those that differ."""


def describe_differences(
    baseline: Baseline, entries: Iterable[LockEntry], all_models: bool = True, is_written: bool = False
) -> tuple[str, ...]:
    """A sentence for each difference, none where the lock file would stay as it is. all_models: the entries are all
    that there are, so that one which only the baseline has is told too. is_written: the file is written anew with
    them."""
    entry_list = list(entries)
    sentences: list[str] = []
    for entry in entry_list:
        old = baseline.find(entry.model, entry.scenario)
        if old is None:
            sentences.append(f"{entry.title}: it is {'locked for the first time' if is_written else 'not locked yet'}")
        else:
            sentences += _describe_entry(old, entry)
    names = {(entry.model, entry.scenario) for entry in entry_list}
    return (*sentences, *(describe_removed(baseline, names, is_written) if all_models else ()))


def removed_entries(baseline: Baseline, names: Collection[tuple[str, str]]) -> list[LockEntry]:
    """The entries of models that are none of the config's, whose (model, scenario) are the names."""
    return [entry for entry in baseline.entries if (entry.model, entry.scenario) not in names]


def describe_removed(baseline: Baseline, names: Collection[tuple[str, str]], is_written: bool = False) -> list[str]:
    """A sentence for each entry of a model that is none of the config's; is_written: the file is written without it."""
    state = "is locked no more, for it is no longer" if is_written else "is locked, but no longer"
    return [f"{entry.title}: it {state} a model of the config" for entry in removed_entries(baseline, names)]


def _describe_entry(old: LockEntry, new: LockEntry) -> Iterator[str]:
    """What differs of one model: its totals; where they are equal, whatever else the file says of it."""
    if old == new or format_lock(Baseline((old,), "")) == format_lock(Baseline((new,), "")):
        return
    before, after = old.snapshot.totals, new.snapshot.totals
    totals = [
        f"{new.title}: {quantity} {_format_total(before.get(quantity))} → {_format_total(after.get(quantity))}"
        for quantity in dict.fromkeys((*before, *after))
        if before.get(quantity) != after.get(quantity)
    ]
    totals += [
        f"{new.title}: {key} {_format_lock_figure(key, old.figures)} → {_format_lock_figure(key, new.figures)}"
        for key in dict.fromkeys((*old.figures, *new.figures))
        if old.figures.get(key) != new.figures.get(key)
    ]
    yield from totals
    for name, a, b in (
        ("source", old.source, new.source),
        ("settings", _config_settings(old), _config_settings(new)),
        ("bound symbols", dict(old.snapshot.symbols), dict(new.snapshot.symbols)),
        ("operators without a rule", dict(old.snapshot.unknown), dict(new.snapshot.unknown)),
    ):
        if a != b:
            yield f"{new.title}: {name} {_format_setting(a)} → {_format_setting(b)}"
    if not totals:
        yield from _describe_layers(old, new)


def _describe_layers(old: LockEntry, new: LockEntry) -> Iterator[str]:
    """The layers that are written differently although all totals are equal."""
    pairs = zip_longest(old.snapshot.layers, new.snapshot.layers)
    names = [(b or a).name for a, b in pairs if a != b and (b or a)]
    if names:
        more = f" and {len(names) - MAX_NAMED_LAYERS} more" if len(names) > MAX_NAMED_LAYERS else ""
        yield f"{new.title}: with equal totals, other layers: {', '.join(names[:MAX_NAMED_LAYERS])}{more}"
    elif old.snapshot.inputs != new.snapshot.inputs:
        yield f"{new.title}: with equal totals, other inputs"


def _config_settings(entry: LockEntry) -> dict[str, Any]:
    """By the keys of a config, which calls parameters `set:`."""
    return {"set" if key == "params" else key: value for key, value in entry.settings.items()}


def _format_setting(value: Any) -> str:
    """As a config says it: `{dims: {N: 8}}`; none of an empty mapping."""
    if isinstance(value, Mapping):
        items = [f"{key}: {_format_setting(inner)}" for key, inner in value.items()]
        return f"{{{', '.join(items)}}}" if items else "none"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_format_setting, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _format_lock_figure(key: str, figures: Mapping[str, Figure]) -> str:
    if key not in figures:
        return "none"
    value, certainty = figures[key]
    return SIGNS[certainty] + format_figure(value, quantity_kind(key.partition(".")[0]))


def _format_total(value: Dim | None) -> str:
    return "none" if value is None else format_count(value)
