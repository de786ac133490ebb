"""A baseline of another revision and the models now → under which name it has a model, and what else is to be said:
models that are new, renamed or gone, or that are read otherwise."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from costcalc import revisions
from costcalc.budget import lock
from costcalc.budget.limits import Config
from costcalc.budget.lock_stale import gone
from costcalc.budget.verdict import titled
from costcalc.checking.figures import Failure, Found
from costcalc.checking.targets import Target
from costcalc.dim import Dim
from costcalc.studies.check import lock_file
from costcalc.units import exact

Answer = tuple[Target, "Found | Failure"]
Key = tuple[str, str]


def key(target: Target) -> Key:
    """(model, scenario), as a baseline names it."""
    return target.name, target.entry.scenario


def renamed(
    config: Config, baseline: lock.Baseline, found: Sequence[Answer], names: Collection[Key]
) -> dict[Key, lock.Entry]:
    """The entries of models that the baseline has under another name: their file was renamed, as git sees it, or a
    model that is gone is the same to the last layer. names are those of all models of the config."""
    left = gone(baseline, names)
    moved: dict[Key, lock.Entry] = {}
    for target, answer in found:
        if not isinstance(answer, Found) or not left or baseline.find(*key(target)):
            continue
        entry = lock.entry(*key(target), answer.snapshot, target.entry.settings.reading(), config.folder)
        alike = [old for old in left if old.scenario == entry.scenario]
        origin = _origin(config, baseline, target, alike) or next((o for o in alike if _same(o, entry)), None)
        if origin is not None:
            moved[key(target)] = origin
            left.remove(origin)
    return moved


def _origin(config: Config, baseline: lock.Baseline, target: Target, old: Sequence[lock.Entry]) -> lock.Entry | None:
    """The entry of the file that a model's file was at the baseline's revision; None where it is of no revision."""
    at = None if Path(baseline.source).is_file() else revisions.parts(baseline.source)
    if at is None or not old or not Path(target.source).is_file():
        return None
    before = revisions.renamed(at[0], os.path.relpath(target.source))
    return next((o for o in old if before and revisions.tracked(config.folder / o.source) == before), None)


def _same(one: lock.Entry, other: lock.Entry) -> bool:
    texts = [
        lock_file.text(
            lock.Baseline((replace(e, model="", source="", snapshot=replace(e.snapshot, name="", source="")),), "")
        )
        for e in (one, other)
    ]
    return texts[0] == texts[1]


def notes(
    baseline: lock.Baseline, found: Sequence[Answer], moved: Mapping[Key, lock.Entry], names: Collection[Key] | None
) -> tuple[str, ...]:
    """A sentence for each kind of difference that no limit tells. names are those of all models of the config, None
    where nothing is to be said of what is gone."""
    told = [(key(t), t, a) for t, a in found if isinstance(a, Found)]
    pairs = [(name, t, moved.get(name) or baseline.find(*name)) for name, t, _ in told]
    fresh = [(name, t, a) for name, t, a in told if name not in moved and baseline.find(*name) is None]
    held = ", so no increase is held" if any(t.entry.budget.increases for _, t, _ in fresh) else ""
    lost = [] if names is None else [e for e in gone(baseline, names) if e not in moved.values()]
    said = {
        f"new since {{}}{held}": [f"{titled(*name)} ({_cost(a.snapshot.totals)})" for name, _, a in fresh],
        "renamed since {}": [f"{e.title} → {titled(*name)}" for name, e in moved.items()],
        "no longer a model since {}": [f"{e.title} ({_cost(e.snapshot.totals)})" for e in lost],
        "read with other settings than in {}": [
            f"{titled(*name)}: {_settings(e.settings)} → {_settings(now)}" for name, t, e in pairs
            if e is not None and (now := lock.given(t.entry.settings.reading())) != e.settings],
    }  # fmt: skip
    return tuple([f"{what.format(baseline.source)}: {', '.join(of)}" for what, of in said.items() if of])


def _cost(totals: Mapping[str, Dim]) -> str:
    """248,320 MACs, 8,898 params."""
    return f"{exact(totals['macs'])} MACs, {exact(totals['params'])} params"


def _settings(given: Mapping[str, object]) -> str:
    """dims N=8, dtype=int8."""
    parts = [
        f"{name} {' '.join(f'{k}={v}' for k, v in value.items())}" if isinstance(value, Mapping) else f"{name}={value}"
        for name, value in given.items()
    ]
    return ", ".join(parts) or "none"
