"""What models are held to, as plain data: limits, increases over a baseline, limits of layers, a whole config."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from costcalc.core.quantities import LAYER_TOTALS, TOTALS
from costcalc.studies.check.verdict import Place
from costcalc.studies.options import Settings

USUAL = ("macs", "flops", "params", "weight_bytes", "peak_activation_bytes", "traffic_bytes")
"""What `max_increase: 5%` without a quantity holds for."""

PARTS = LAYER_TOTALS
"""The totals that layers have parts of."""

LIMITS = (*TOTALS, "time", "ops", "unknown_ops")
"""The keys of `limits:`. time holds devices, ops operators; of unknown_ops only 0 can be asked."""

LOCK = "costcalc.lock.json"
"""The baseline's file, beside the config, unless `lock:` names another."""


class Limit(NamedTuple):
    """The most that a quantity of LIMITS may be: of is the device of a time (most is in seconds) or the operator that
    is counted."""

    quantity: str
    most: int | Fraction
    of: str = ""
    place: Place | None = None


class Increase(NamedTuple):
    """The most that a total may grow over the baseline: share of the baseline's figure, or most where that is given.
    Growth of at most `delta` is always allowed."""

    quantity: str
    share: Fraction | None = None
    most: int = 0
    delta: int = 0
    place: Place | None = None


class LayerLimit(NamedTuple):
    """The most that the layers of a glob may take of a total: together, or each of them on its own. share says that
    most is a share of the model's total and no amount."""

    pattern: str
    quantity: str
    most: int | Fraction
    share: bool = False
    each: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """All that one model is held to; allow names operators without a rule that are taken as free."""

    limits: tuple[Limit, ...] = ()
    increases: tuple[Increase, ...] = ()
    layers: tuple[LayerLimit, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `models:` in one scenario ("" where it has none). path is a file or a glob, relative to the config's
    folder, or a built-in name; name is "" where it is the path that names the model."""

    path: str
    name: str = ""
    scenario: str = ""
    settings: Settings = field(default_factory=Settings)
    budget: Budget = field(default_factory=Budget)
    place: Place | None = None


class Levels(NamedTuple):
    """Prefixes of codes: those that are held to (all, where none is selected), left out, and only warned of."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()


ALL = Levels()
"""Every rule, and each breach an error."""


@dataclass(frozen=True, slots=True)
class Config:
    """A config as it is checked. file is what messages call it ("" for the command line), folder what its paths are
    relative to, lock the baseline's file in it."""

    file: str
    folder: Path
    entries: tuple[Entry, ...]
    levels: Levels = ALL
    lock: str = LOCK
