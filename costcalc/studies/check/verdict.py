"""What a check finds, as plain data: a verdict for each limit, told the same way by every output format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.quantity import Certainty
from costcalc.core.result import Result, short_repr
from costcalc.core.units import parse_digits
from costcalc.studies.diff.snapshot import Snapshot

Amount = Dim | Fraction | bool | None
"""A value or a limit: a count, bytes, seconds, joules, a share, a rate, yes or no; None where it is not known."""

CheckOutcome = Literal["kept", "exceeded", "unknown", "empty"]

EXIT_CODES: dict[CheckOutcome, int] = {"kept": 0, "exceeded": 1, "unknown": 2, "empty": 3}
"""What a check as a whole found -> the exit code."""


UNREADABLE = "CC102"
"""The code of a model that cannot be read."""


LOOSENED = "CC307"
"""The code of a limit that was loosened since the baseline."""


class SourcePlace(NamedTuple):
    """Where to look, or to edit: a file as it was named, with a line and column from 1 (0: the file has no lines)."""

    file: str
    line: int = 0
    column: int = 0


def parse_place(text: str) -> SourcePlace | None:
    """file:line:column -> the place; None for any other text."""
    file, *numbers = text.rsplit(":", 2)
    line, column = map(parse_digits, numbers) if len(numbers) == 2 else (None, None)
    return None if line is None or column is None else SourcePlace(file, line, column)


def title_of(model: str, scenario: str) -> str:
    """model, or model (scenario)."""
    return f"{model} ({scenario})" if scenario else model


class LayerGrowth(NamedTuple):
    """How a layer's figure differs from the baseline's. follower is a layer that is defined as before and grew even
    more, by follower_growth, for what it reads has changed; "" where there is none."""

    layer: str
    before: Dim
    after: Dim
    follower: str = ""
    follower_growth: Dim = 0


class Suppression(NamedTuple):
    """Why an exceeded limit does not count: where that is written, the last day that it holds, the reason; in_source
    says that it stands in the model's file."""

    place: SourcePlace
    until: date | None = None
    reason: str = ""
    in_source: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one limit is kept.

    code names the rule (CC001); level is what a breach counts as: "error" or "warning". quantity is what is limited,
    as the config writes it: `macs`, `time t4`, `ops Gelu`, `layers head/* max_share`, `macs increase`. kind tells how
    value and limit are printed: count, bytes, share or another unit of the catalogue. outcome is "kept", "exceeded", or
    "unknown" where it cannot be told (the check then exits 2). fact says by how much in one sentence, remedy what to
    do. baseline is the value that it was: of a relative limit, value is the figure now and limit the baseline's with
    what it may grow. layer is the one to look at, share its part of the value, layer_growth how it differs from
    the baseline's, other_layers how many more layers break a limit that each of them has; place is that layer's line,
    limit_place the line of the config that sets the limit. lower_bound says that an exceeded value is only known from
    below.
    growth is what an increase may be, in words (`+2.0%`), where the baseline is a formula, of which that is no figure:
    limit is then None. minimum says that the limit is the least that the value may be; certainty is what is certain of
    the value. suppression says why an exceeded limit does not count, remark what was held to what and what it leaves
    out, where a figure needs it; it is part of fact.
    """

    code: str
    level: str
    quantity: str
    kind: str
    value: Amount
    limit: Amount
    outcome: str
    fact: str
    remedy: str = ""
    baseline: Amount = None
    layer: str = ""
    share: Fraction | None = None
    layer_growth: LayerGrowth | None = None
    place: SourcePlace | None = None
    limit_place: SourcePlace | None = None
    other_layers: int = 0
    lower_bound: bool = False
    growth: str = ""
    minimum: bool = False
    certainty: Certainty = "exact"
    suppression: Suppression | None = None
    remark: str = ""
    layer_count: int = 0

    @property
    def is_suppressed(self) -> bool:
        """Whether it is exceeded and does not count."""
        return self.suppression is not None

    @property
    def is_failure(self) -> bool:
        """Whether it is exceeded and counts: not suppressed, and no mere warning."""
        return self.outcome == "exceeded" and self.level == "error" and not self.is_suppressed

    @property
    def is_unheld(self) -> bool:
        """Whether it is the increase of a model that the baseline does not have: there is nothing that it grew from."""
        return self.outcome == "kept" and self.limit is None and self.baseline is None and not self.growth

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Verdict", f"{self.code} {self.outcome}", self.fact)

    @property
    def headroom(self) -> Amount:
        """What is left to the limit; negative where it is exceeded, None where it is no number."""
        if self.value is None or self.limit is None or self.kind == "boolean":
            return None
        gap: Dim | Fraction = self.limit - self.value  # type: ignore[operator]
        return -gap if self.minimum else gap


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """One model in one scenario ("" where it has none). snapshot is its figures, None where the model cannot be read:
    then error says why. baseline is the baseline's, None where there is none. group is that of its entry, "" for none;
    settings are those of the config or the command line under which it was read, without defaults; has_limits says
    whether its entry sets any."""

    model: str
    scenario: str
    source: str
    verdicts: tuple[Verdict, ...]
    snapshot: Snapshot | None = None
    baseline: Snapshot | None = None
    error: str = ""
    place: SourcePlace | None = None
    group: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    has_limits: bool = True

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("ModelCheck", self.title, self.error or f"{len(self.verdicts)} limits")

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return title_of(self.model, self.scenario)

    @property
    def label(self) -> str:
        """The title with the group, where there is one: `net.yaml (batch8) [vision]`."""
        return f"{self.title} [{self.group}]" if self.group else self.title


class ModelLineage(NamedTuple):
    """What became of models since a baseline of another revision: (title, MACs) of those that it does not have and of
    those that only it has, (title before, title now) of those that it has under another name."""

    new: tuple[tuple[str, Dim], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, Dim], ...] = ()


NO_LINEAGE = ModelLineage()


class RuleNote(NamedTuple):
    """What a rule finds that is about no single limit: an ignore, a lock file, an entry that lacks, a limit that was
    loosened. subject is what it is about, the same in every run; level is "note" (information), "warning" or "error",
    "" where the config decides."""

    code: str
    fact: str
    place: SourcePlace | None = None
    subject: str = ""
    level: str = ""
    remedy: str = ""

    @property
    def text(self) -> str:
        """The code, the fact and the remedy."""
        return f"{self.code}: {self.fact}{f': {self.remedy}' if self.remedy else ''}"


class CodeCount(NamedTuple):
    """How many findings have a code: exceeded limits that are errors, those that are warnings, limits that cannot be
    told, and exceeded limits that are suppressed."""

    errors: int = 0
    warnings: int = 0
    unknown: int = 0
    suppressed: int = 0

    @property
    def severity(self) -> int:
        """0 where a finding is an error, else 1 where one cannot be told, 2 where one is a warning, 3 of suppressed
        ones alone."""
        return [bool(n) for n in (self.errors, self.unknown, self.warnings, True)].index(True)


@dataclass(frozen=True, slots=True)
class CheckResult(Result):
    """All models that were checked, and notes on the check as a whole (a stale baseline). is_empty says that
    no limit is held, for there is none or its rule is left out; a caller that accepts that sets it False. lineage says
    which models are new, renamed or gone. broken_rules are findings that are about no single limit, at the level of a
    warning or an error; those of the level note are notes."""

    models: tuple[ModelCheck, ...]
    notes: tuple[str, ...] = ()
    is_empty: bool = False
    lineage: ModelLineage = NO_LINEAGE
    broken_rules: tuple[RuleNote, ...] = ()

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        models = f"{len(self.models)} {'model' if len(self.models) == 1 else 'models'}"
        exceeded = sum(v.is_failure for v in self.verdicts)
        unknown = sum(v.outcome == "unknown" for v in self.verdicts)
        broken = sum(rule.level == "error" for rule in self.broken_rules)
        facts = f"{exceeded} of {len(self.verdicts)} limits exceeded" + (f", {unknown} unknown" if unknown else "")
        facts += f", {broken} {'rule' if broken == 1 else 'rules'} broken" if broken else ""
        return short_repr("CheckResult of", models, f"{facts}, exit code {self.exit_code}")

    def __bool__(self) -> bool:
        """The same as ok, so that `assert costcalc.check(...)` fails where a limit is exceeded."""
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether all limits are kept: False where one is exceeded, where one or a model is unknown, and where there
        is none."""
        return self.outcome == "kept"

    @property
    def outcome(self) -> CheckOutcome:
        """unknown where a model cannot be read or a limit cannot be told, else empty where there is no limit, else
        exceeded where one is or a rule is broken, else kept. What is only a warning, or suppressed, changes nothing."""
        if any(c.error for c in self.models) or any(v.outcome == "unknown" for v in self.verdicts):
            return "unknown"
        if self.is_empty:
            return "empty"
        is_broken = any(rule.level == "error" for rule in self.broken_rules)
        return "exceeded" if is_broken or any(v.is_failure for v in self.verdicts) else "kept"

    @property
    def exit_code(self) -> int:
        """0 where it is kept, 1 exceeded, 2 unknown, 3 empty."""
        return EXIT_CODES[self.outcome]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all models."""
        return tuple([v for c in self.models for v in c.verdicts])

    @property
    def suppressed(self) -> tuple[tuple[ModelCheck, Verdict], ...]:
        """The exceeded limits that do not count, each with its model."""
        return tuple([(c, v) for c in self.models for v in c.verdicts if v.is_suppressed])

    @property
    def statistics(self) -> dict[str, CodeCount]:
        """The number of findings by their codes: those with exceeded limits first, then what cannot be told, warnings
        and what is suppressed, of each the most frequent first. A model that cannot be read is one."""
        counts: dict[str, Counter[str]] = {}
        for verdict in self.verdicts:
            if verdict.outcome != "kept":
                kind = "warnings" if verdict.level == "warning" else "errors"
                kind = "unknown" if verdict.outcome == "unknown" else "suppressed" if verdict.is_suppressed else kind
                counts.setdefault(verdict.code, Counter())[kind] += 1
        for rule in self.broken_rules:
            counts.setdefault(rule.code, Counter())["errors" if rule.level == "error" else "warnings"] += 1
        unreadable = sum(bool(c.error) for c in self.models)
        if unreadable:
            counts.setdefault(UNREADABLE, Counter())["unknown"] += unreadable
        code_counts = {code: CodeCount(**count) for code, count in counts.items()}
        return dict(sorted(code_counts.items(), key=lambda item: (item[1].severity, -sum(item[1]), item[0])))
