"""What models are held to, as plain data: limits, increases over a baseline, limits of layers, a whole config."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.quantity import QuantityRef
from costcalc.studies.check.ignore import Ignore
from costcalc.studies.check.verdict import SourcePlace
from costcalc.studies.options import Settings

DEFAULT_INCREASES = ("macs", "flops", "params", "weight_bytes", "peak_activation_bytes", "traffic_bytes")
"""What `max_increase: 5%` without a quantity holds for."""

LIMITS = (*TOTALS, "time", "ops", *(key for key in CATALOGUE if key not in (*TOTALS, "time")), "unknown_ops")
"""What can be limited, in the order of verdicts: the quantities of the catalogue (those of a device hold devices), ops,
which holds operators, and unknown_ops, of which only 0 can be asked."""

COUNTABLE = tuple([key for key, quantity in CATALOGUE.items() if quantity.unit != "boolean"])
"""The quantities that can grow: the keys of `max_increase:` and `min_delta:`."""

LOCK = "costcalc.lock.json"
"""The baseline's file, beside the config, unless `lock:` names another."""


class Limit(NamedTuple):
    """The most that a quantity of LIMITS may be, or with minimum the least: in its unit (seconds, joules, bytes …),
    True where it must hold. subject is the quantity's device, or the operator that is counted."""

    quantity: str
    value: int | Fraction
    subject: str = ""
    place: SourcePlace | None = None
    minimum: bool = False

    @property
    def ref(self) -> QuantityRef:
        """The quantity of the catalogue; a count of operators is none."""
        return QuantityRef(CATALOGUE[self.quantity], self.subject)


class Increase(NamedTuple):
    """The most that a quantity may grow over the baseline: share of the baseline's figure, or amount where there is
    no share. Growth of at most `delta` is always allowed. device is the quantity's."""

    quantity: str
    share: Fraction | None = None
    amount: int | Fraction = 0
    delta: int | Fraction = 0
    place: SourcePlace | None = None
    device: str = ""

    @property
    def ref(self) -> QuantityRef:
        """The quantity of the catalogue."""
        return QuantityRef(CATALOGUE[self.quantity], self.device)


class LayerLimit(NamedTuple):
    """The most that the layers of a glob may take of a total: together, or each of them on its own. share says that
    value is a share of the model's total and no amount."""

    pattern: str
    quantity: str
    value: int | Fraction
    share: bool = False
    each: bool = False
    place: SourcePlace | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """All that one model is held to; allow names operators without a rule that are taken as free."""

    limits: tuple[Limit, ...] = ()
    increases: tuple[Increase, ...] = ()
    layers: tuple[LayerLimit, ...] = ()
    allow: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return not (self.limits or self.increases or self.layers)

    def quantities(self) -> tuple[QuantityRef, ...]:
        """The quantities that are limited, each once, but for the totals that every report has."""
        refs = [limit.ref for limit in self.limits if limit.quantity in CATALOGUE]
        refs += [increase.ref for increase in self.increases]
        return tuple(dict.fromkeys(ref for ref in refs if ref.quantity.key not in TOTALS))


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """An entry of `models:` in one scenario ("" where it has none). path is a file or a glob, relative to the config's
    folder, or a built-in name; name is "" where it is the path that names the model. group is that of `groups:` which
    it stands in, "" for none."""

    path: str
    name: str = ""
    scenario: str = ""
    settings: Settings = field(default_factory=Settings)
    budget: Budget = field(default_factory=Budget)
    place: SourcePlace | None = None
    group: str = ""

    def locked_quantities(self) -> tuple[QuantityRef, ...]:
        """The quantities that a baseline holds beside the totals of every report: those that may only grow so far, and
        those that the settings ask for."""
        refs = (*(increase.ref for increase in self.budget.increases), *self.settings.quantities())
        return tuple(dict.fromkeys(ref for ref in refs if ref.quantity.key not in TOTALS))

    def locked_settings(self) -> Settings:
        """The settings that a baseline's figures rest on."""
        return self.settings.extend_for(self.locked_quantities())


class RuleLevels(NamedTuple):
    """Prefixes of codes: those that are held to (all, where none is selected), left out, only warned of, and taken as
    errors; enforced are those of the command line, which no config lowers."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    enforced: tuple[str, ...] = ()


ALL = RuleLevels()
"""Every rule at its own level."""


@dataclass(frozen=True, slots=True)
class Config:
    """A config as it is checked. file is what messages call it ("" for the command line), folder what its paths are
    relative to, lock the baseline's file in it. remote lets models be read from servers (`hf:ORG/NAME`). ignores are
    the findings that do not count, exclude the globs of files that no glob of an entry finds, groups the names of
    `groups:`."""

    file: str
    folder: Path
    entries: tuple[ConfigEntry, ...]
    levels: RuleLevels = ALL
    lock: str = LOCK
    remote: bool = False
    ignores: tuple[Ignore, ...] = ()
    exclude: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
