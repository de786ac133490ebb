"""A config, and the config of a baseline's revision -> a note (CC307) for each limit that was raised or taken away
since, each model that is held no more, each ignore that was added, and each rule that was lowered.

The limits of a model are compared, wherever a config writes them (in an entry, a group, the whole file); the same
change of many models is one note.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.elision import list_first
from costcalc.core.errors import CostcalcError
from costcalc.core.units import format_bytes, format_exact_share, format_short, parse_magnitude
from costcalc.frontends import git as revisions
from costcalc.frontends.table import YAML
from costcalc.studies.check import baseline as lock
from costcalc.studies.check.budget import Budget, Config, ConfigEntry, Increase, LayerLimit, Limit, RuleLevels
from costcalc.studies.check.config_file import read_config_file
from costcalc.studies.check.ignore import Ignore
from costcalc.studies.check.ignore_comment import read_source_ignores
from costcalc.studies.check.rules import CANNOT_TELL, RULES, rule_level
from costcalc.studies.check.targets import Target, find_config_at, holding_entries, list_targets
from costcalc.studies.check.verdict import LOOSENED, RuleNote, SourcePlace, title_of
from costcalc.studies.check.wording import format_figure, quantity_kind

MAX_NAMED = 3
"""Models, or codes, that a note names; more are counted."""

RANKS = ("", "note", "warning", "error")

Key = tuple[str, str]


class Loosening(NamedTuple):
    """What was loosened, in words without the model; subject is the same whatever the figures."""

    fact: str
    subject: str
    place: SourcePlace | None = None


class Former(NamedTuple):
    """The config of a baseline's revision, its folder being that of today's tree, or why there is none to compare with;
    neither where the revision has no config. revision is git's; "" where the config is a file, in `folder`."""

    config: Config | None = None
    problem: str = ""
    revision: str = ""
    folder: Path = Path()


def find_former_config(config: Config, baseline: lock.Baseline) -> Former:
    """The config that a baseline's limits stand in: that of its revision; of a file in another folder, the one beside
    it. The lock file itself has no limits."""
    source = baseline.source
    try:
        if baseline.revision:
            return Former(find_config_at(config, baseline.revision), "", baseline.revision)
        beside = Path(source).parent / Path(config.file).name
        if beside.is_file() and not beside.samefile(config.file):
            return Former(replace(read_config_file(beside), folder=config.folder), "", "", beside.parent)
    except CostcalcError as error:
        return Former(None, f"limits are not compared with those of {source}: {error}")
    remedy = "name a revision with --baseline, or a lock file beside its config"
    return Former(None, f"limits are not compared with {source}, which has none: {remedy}")


def loosened_notes(
    config: Config,
    former: Former,
    targets: Sequence[Target],
    origins: Mapping[Key, lock.LockEntry],
    groups: Collection[str] | None,
) -> Iterator[RuleNote]:
    """A note for each thing that was loosened. targets are the models that are checked, origins what the baseline has
    them as where that has another name; groups are those that are checked, empty for all, None where single models are:
    then nothing is said of a model that is held no more."""
    before = former.config
    if before is None:
        return
    models: dict[Loosening, list[str]] = {}
    for target in targets:
        entry = _find_former_entry(before, target, origins.get((target.name, target.entry.scenario)))
        for item in () if entry is None else _compare_budgets(entry.budget, target.entry):
            models.setdefault(item, []).append(title_of(target.name, target.entry.scenario))
    for item, names in models.items():
        yield _note(item, f" for {list_first(names, MAX_NAMED)}", before.file)
    if groups is not None:
        yield from _unheld_notes(config, before, targets, groups)
    added = [*_added_ignores(before.ignores, [i for i in config.ignores if _is_about(i, targets)])]
    for source in dict.fromkeys(target.source for target in targets if Path(target.source).suffix in YAML.suffixes):
        added += _added_comments(source, former, config)
    yield from (_note(item, "", before.file) for item in (*added, *_lowered_rules(before.levels, config)))


def stricter_level(levels: RuleLevels, former: RuleLevels) -> str:
    """The level of a loosened limit: the stricter one of both configs, so that no change lowers its own."""
    return max(rule_level(LOOSENED, levels), rule_level(LOOSENED, former), key=RANKS.index)


def _note(item: Loosening, models: str, file: str) -> RuleNote:
    return RuleNote(LOOSENED, f"{item.fact}{models}, against {file}", item.place, item.subject)


def _relative(source: str, folder: Path) -> str:
    return os.path.relpath(source, folder).replace(os.sep, "/") if Path(source).is_file() else source


def _find_former_entry(former: Config, target: Target, origin: lock.LockEntry | None) -> ConfigEntry | None:
    """The entry that held a model before, by its path now or by what the baseline has it as; None where none did."""
    names = [_relative(target.source, former.folder)]
    names += [origin.source, origin.model] if origin is not None else []
    for name in names:
        entries = [entry for _, entry, _ in holding_entries(former, name)]
        entries += [entry for entry in former.entries if entry.name == name]
        fitting = [entry for entry in entries if entry.scenario == target.entry.scenario]
        if fitting:
            return min(fitting, key=lambda entry: entry.name != target.entry.name)
    return None


def _compare_budgets(before: Budget, entry: ConfigEntry) -> Iterator[Loosening]:
    """What of a model's limits was raised or taken away."""
    now = entry.budget
    limits = {(limit.quantity, limit.subject): limit for limit in now.limits}
    for limit in before.limits:
        yield from _compare_limits(limit, limits.get((limit.quantity, limit.subject)), entry.place)
    increases = {increase.ref.key: increase for increase in now.increases}
    for increase in before.increases:
        yield from _compare_increases(increase, increases.get(increase.ref.key), entry.place)
    layers = {(limit.pattern, limit.quantity, limit.share): limit for limit in now.layers}
    for of_layers in before.layers:
        key = of_layers.pattern, of_layers.quantity, of_layers.share
        yield from _compare_layers(of_layers, layers.get(key), entry.place)
    for operator in now.allow:
        if operator not in before.allow:
            yield Loosening(f"the operator {operator} is taken as free", f"allow {operator}", entry.place)


def _compare_limits(before: Limit, now: Limit | None, place: SourcePlace | None) -> Iterator[Loosening]:
    name, kind = f"{before.quantity} {before.subject}".strip(), quantity_kind(before.quantity)
    is_least = before.minimum and not isinstance(before.value, bool)
    subject, what = f"limit of {name}", f"the {'least' if is_least else 'limit'} of {name}"
    if now is None:
        amount = "" if isinstance(before.value, bool) else f" ({_format_amount(before.value, kind)})"
        yield Loosening(f"{what}{amount} was taken away", subject, place)
    elif now.value < before.value if before.minimum else now.value > before.value:
        texts = _format_change(before.value, now.value, kind)
        yield Loosening(f"{what} {'fell' if before.minimum else 'rose'} {texts}", subject, now.place)


def _compare_increases(before: Increase, now: Increase | None, place: SourcePlace | None) -> Iterator[Loosening]:
    name, kind = f"{before.quantity} {before.device}".strip(), quantity_kind(before.quantity)
    subject = f"growth of {name}"

    def text(increase: Increase) -> str:
        share = increase.share
        return _format_amount(increase.amount, kind) if share is None else f"+{format_exact_share(share)}"

    if now is None:
        yield Loosening(f"the limit of the {subject} ({text(before)}) was taken away", subject, place)
        return
    is_comparable = (before.share is None) == (now.share is None)
    if not is_comparable or (before.share or before.amount) < (now.share or now.amount):
        verb = "rose" if is_comparable else "was changed"
        yield Loosening(f"the limit of the {subject} {verb} from {text(before)} to {text(now)}", subject, now.place)
    if now.delta > before.delta:
        change = _format_change(before.delta, now.delta, kind)
        yield Loosening(f"the min_delta of {name} rose {change}", f"min_delta of {name}", now.place)


def _compare_layers(before: LayerLimit, now: LayerLimit | None, place: SourcePlace | None) -> Iterator[Loosening]:
    name = f"{'max_share of ' if before.share else ''}{before.quantity}"
    kind = "share" if before.share else quantity_kind(before.quantity)
    subject = f"limit of {name} of layers {before.pattern}"
    if now is None:
        yield Loosening(f"the {subject} ({_format_amount(before.value, kind)}) was taken away", subject, place)
    elif now.value > before.value:
        yield Loosening(f"the {subject} rose {_format_change(before.value, now.value, kind)}", subject, now.place)
    elif now.each and not before.each:
        fact = f"the {subject} holds each of them, and held all of them together"
        yield Loosening(fact, subject, now.place)


def _format_change(before: Any, now: Any, kind: str) -> str:
    return f"from {_format_amount(before, kind)} to {_format_amount(now, kind)}"


def _format_amount(value: Any, kind: str) -> str:
    """An amount as a person writes it (500 M, 20 MiB) where that is exact, else in full."""
    if isinstance(value, int) and kind in ("count", "bytes"):
        short = (format_bytes if kind == "bytes" else format_short)(value).replace(".00 ", " ").replace(".0 ", " ")
        return short if parse_magnitude(short.replace(" ", "")) == value else format_figure(value, kind)
    return format_figure(Fraction(value), kind)


def _unheld_notes(
    config: Config, former: Config, targets: Sequence[Target], groups: Collection[str]
) -> Iterator[RuleNote]:
    """A note on each model that the former config would hold and that is none of the targets."""
    held = {(os.path.realpath(target.source), target.entry.scenario) for target in targets}
    unheld: list[str] = []
    for target in list_targets(former):
        is_checked = not groups or target.entry.group in groups
        if target.error or target.entry.budget.is_empty or not is_checked or not Path(target.source).is_file():
            continue
        if (os.path.realpath(target.source), target.entry.scenario) not in held:
            unheld.append(title_of(target.name, target.entry.scenario))
    for title in dict.fromkeys(unheld):
        item = Loosening(f"{title} is held to no limit any more", f"entry of {title}", SourcePlace(config.file))
        yield _note(item, "", former.file)


def _is_about(ignore: Ignore, targets: Sequence[Target]) -> bool:
    return any(ignore.fits_name(target.name, target.entry.scenario) for target in targets)


def _added_ignores(before: Iterable[Ignore], now: Iterable[Ignore]) -> Iterator[Loosening]:
    """The ignores that were not there before, and those that hold longer; two of the same subject are two."""
    unmatched = list(before)
    for ignore in now:
        same = [old for old in unmatched if old.subject == ignore.subject]
        longest = max(same, key=lambda old: (old.until is None, old.until), default=None)
        until = f" until {ignore.until}" if ignore.until else ""
        reason = f" ({ignore.reason})" if ignore.reason else ""
        if longest is None:
            yield Loosening(f"an {ignore.subject}{until} was added{reason}", ignore.subject, ignore.place)
            continue
        unmatched.remove(longest)
        if longest.until is not None and (ignore.until is None or ignore.until > longest.until):
            was = f"the {ignore.subject} until {longest.until}"
            yield Loosening(f"{was} holds{until or ' for ever'} now{reason}", ignore.subject, ignore.place)


def _added_comments(source: str, former: Former, config: Config) -> list[Loosening]:
    """The comments of a YAML model that ignore a finding, and that its file did not have before."""
    file = Path(source)
    if not file.is_file():
        return []
    now = read_source_ignores(file.read_bytes(), source).ignores
    if not now:
        return []
    before = read_source_ignores(_former_content(source, former, config), source).ignores
    return list(_added_ignores(before, now))


def _former_content(source: str, former: Former, config: Config) -> bytes:
    """The content of a model's file before; nothing where it was not there."""
    if not former.revision:
        beside = former.folder / os.path.relpath(source, config.folder)
        return beside.read_bytes() if beside.is_file() else b""
    try:
        path = revisions.find_old_path(former.revision, os.path.relpath(source)) or f"./{os.path.relpath(source)}"
        return revisions.read_file(former.revision, path)
    except CostcalcError:
        return b""


def _lowered_rules(before: RuleLevels, config: Config) -> Iterator[Loosening]:
    """The codes that were errors or warnings, and count as less now."""
    changes: dict[tuple[str, str], list[str]] = {}
    for code in RULES:
        old, new = rule_level(code, before), rule_level(code, config.levels)
        if old in ("warning", "error") and RANKS.index(new) < RANKS.index(old):
            changes.setdefault((old, new), []).append(code)
    words = {"": "left out", "note": "information", "warning": "a warning", "error": "an error"}
    for (old, new), codes in changes.items():
        names = list_first(_join_codes(codes), MAX_NAMED)
        place = SourcePlace(config.file)
        yield Loosening(f"{names}: {words[new]} now, {words[old]} before", f"level of {names}", place)


def _join_codes(codes: Sequence[str]) -> list[str]:
    """Codes -> the shortest beginnings that stand for them and for no other code."""
    joined: dict[str, None] = {}
    for code in codes:
        beginnings = (code[:n] for n in range(2, len(code) + 1))
        fits = (b for b in beginnings if all(c in codes for c in RULES if c.startswith(b) and c[:3] != CANNOT_TELL))
        joined[next(fits)] = None
    return list(joined)
