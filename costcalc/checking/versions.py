"""A config and a git revision → the models that differ from it, each with its two versions.

Each side is read as its own config says; where that does not name a model, as the other one does. So a model is only
new or gone where its file is. A file that was renamed is followed, and what is the same is not read at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from costcalc import revisions
from costcalc.budget.limits import Config
from costcalc.budget.verdict import titled
from costcalc.checking.figures import Failure, Found, Question
from costcalc.checking.pool import answers
from costcalc.checking.trees import Models, Version, at_revision, config_at, on_disk
from costcalc.diff.change import Diff
from costcalc.errors import UsageError
from costcalc.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Pair:
    """A model in one scenario, before and after; None on the side that lacks it."""

    model: str
    scenario: str
    before: Version | None
    after: Version | None

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return titled(self.model, self.scenario)

    @property
    def same(self) -> bool:
        """Whether nothing that is read differs."""
        a, b = self.before, self.after
        if a is None or b is None or a.settings != b.settings:
            return False
        return a.content == b.content if a.content is not None or b.content is not None else a.source == b.source


def ends(text: str) -> tuple[str, str]:
    """(before, after) of `main`, `main..branch`, `main...branch` or `main...`; after is "" for the working tree. Three
    dots ask for what was done since the two parted: in the branch, or here."""
    before, dots, after = text.partition("...")
    if dots:
        return f"{before or 'HEAD'}...{after or 'HEAD'}", after
    before, dots, after = text.partition("..")
    return (before or "HEAD" if dots else before), (after or "HEAD" if dots else "")


def pairs(config: Config, before: str, after: str = "", only: Collection[str] = ()) -> tuple[Pair, ...]:
    """The config's models in a revision and in another one, or in the working tree; of them only those that are named
    so. UsageError for a name that is none."""
    old_config = config_at(config, before) or config
    new_config = (config_at(config, after) if after else None) or config
    old = at_revision((old_config, new_config), before)
    new = at_revision((new_config, old_config), after) if after else on_disk((new_config, old_config))
    moves = {} if after else _moves(before, old, new)
    found = [Pair(*key, old.get(moves.get(key, key)), version) for key, version in new.items()]
    gone = [Pair(*key, version, None) for key, version in old.items() if key not in new and key not in moves.values()]
    everything = (*found, *gone)
    for name in only:
        if not any(name == pair.model for pair in everything):
            names = ", ".join(dict.fromkeys(pair.model for pair in everything))
            raise UsageError(f"{config.file} has no model {name!r}", f"there are {names[:300]}")
    return tuple([pair for pair in everything if not only or pair.model in only])


def _moves(revision: str, old: Models, new: Models) -> dict[tuple[str, str], tuple[str, str]]:
    """Of models that only one side has: the new one → the old one, where git sees that the file was renamed."""
    lost = {(version.source, key[1]): key for key, version in old.items() if key not in new}
    found = {}
    for key, version in new.items() if lost else ():
        origin = revisions.renamed(revision, version.source) if key not in old and version.content is not None else None
        match = lost.get((f"{revision}:{origin}", key[1]))
        if match is not None:
            found[key] = match
    return found


def diffs(found: Collection[Pair], jobs: int = 1) -> tuple[tuple[Pair, Diff | Failure], ...]:
    """The diff of each pair, or what stands in its way. A model that is new or gone is added or removed whole."""
    from costcalc.diff.differ import diff

    asked = [version for pair in found for version in (pair.before, pair.after) if version is not None]
    given = iter(answers([Question(v.source, v.settings, lenient=True) for v in asked], jobs))
    results: list[tuple[Pair, Diff | Failure]] = []
    for pair in found:
        sides = [None if version is None else next(given) for version in (pair.before, pair.after)]
        failure = next((side for side in sides if isinstance(side, Failure)), None)
        if failure is not None:
            results.append((pair, failure))
            continue
        old, new = (side.snapshot if isinstance(side, Found) else None for side in sides)
        whole = old or new
        assert whole is not None
        before, after = (_titled(pair, side) if side is not None else _nothing(whole) for side in (old, new))
        results.append((pair, diff(before, after)))
    return tuple(results)


def _titled(pair: Pair, snapshot: Snapshot) -> Snapshot:
    """The snapshot under the name that the config gives it, with its scenario."""
    return replace(snapshot, name=pair.title)


def _nothing(other: Snapshot) -> Snapshot:
    """The version that lacks a model."""
    return replace(other, source="", inputs=(), layers=(), totals=dict.fromkeys(other.totals, 0), unknown={},
                   symbols={}, assumptions=())  # fmt: skip
