"""All suggestions for a model: ranked, printed, applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costcalc.core.result import Result, ResultTable, presenter
from costcalc.errors import UsageError
from costcalc.report import Report
from costcalc.suggest.apply import applied
from costcalc.suggest.pieces import Knobs
from costcalc.suggest.source import Source
from costcalc.suggest.suggestion import Suggestion


@dataclass(frozen=True, slots=True)
class Suggestions(Result):
    """ranked holds the largest saving of `sort` first; limited tells that not all rewrites were asked for."""

    source: Source
    ranked: tuple[Suggestion, ...]
    sort: str
    knobs: Knobs
    limited: bool = False

    @property
    def report(self) -> Report:
        """What the model costs as it is."""
        return self.source.report

    def __len__(self) -> int:
        return len(self.ranked)

    def __getitem__(self, index: int) -> Suggestion:
        return self.ranked[index]

    def __repr__(self) -> str:
        return f"<Suggestions for {self.report.name}: {len(self.ranked)}>"

    def tables(self, top: int | None = None) -> tuple[ResultTable, ...]:
        """The suggestions, and each rewrite at all its places; with top only the first suggestions."""
        return presenter().tables(self, top=top)

    def named(self, which: str) -> tuple[Suggestion, ...]:
        """The suggestion of a number, or all of a rewrite. UsageError where there is none."""
        if which.isascii() and which.isdigit() and len(which) < 10:
            if not 1 <= int(which) <= len(self.ranked):
                raise UsageError(f"there is no suggestion {which}", f"there are {len(self.ranked)}")
            return (self.ranked[int(which) - 1],)
        found = tuple(one for one in self.ranked if one.rule.id == which)
        if not found:
            ids = dict.fromkeys(one.rule.id for one in self.ranked)
            raise UsageError(f"there is no suggestion {which!r}", f"give a number, or {', '.join(ids) or 'none'}")
        return found

    def apply(self, which: str | int | Sequence[Suggestion]) -> str:
        """The YAML text with one suggestion (its number), all of a rewrite (its id), or these applied. It is read and
        costed again: UsageError where it would not cost what was promised."""
        chosen = self.named(str(which)) if isinstance(which, (str, int)) else tuple(which)
        return applied(self.source, chosen)
