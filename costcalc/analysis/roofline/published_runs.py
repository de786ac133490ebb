"""Published measurements of time and energy -> the bands in which they lay around costcalc's estimates, by device and
by kind of device.

published_runs.csv holds them with their sources: a model that is built in (with parameters and extents), or a network
in tests/data/npu/vela by its name, on a device and in a precision. bound_ms and estimate_ms are costcalc's lower bound
and its estimate layer by layer, unfused; cells_uj is the energy of arithmetic and memory cells alone, macs are those of
the definition. A test computes these four again.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from costcalc.analysis.hardware.catalogue import builtin_profiles
from costcalc.analysis.hardware.profile import HardwareProfile

RUNS_FILE = Path(__file__).parent / "published_runs.csv"

LEAST_RUNS = 5
"""Runs on a device from which on it has a band of its own."""


MAX_SPREAD = 25
"""How many times the lowest the highest of a band may be: a wider one says nothing of another run."""


class PublishedRun(NamedTuple):
    """One row: what ran where, the milliseconds and, where they were measured too, the microjoules of an inference,
    and what costcalc says of it."""

    device: str
    model: str
    precision: str
    params: str
    dims: str
    milliseconds: Fraction
    microjoules: Fraction | None
    bound_ms: Fraction
    estimate_ms: Fraction
    cells_uj: Fraction
    macs: int
    source: str


class PublishedBand(NamedTuple):
    """How many published runs there are, on which devices (a profile's id, or a kind), and the least and the most that
    they took over the estimate."""

    devices: str
    runs: int
    lowest: Fraction
    highest: Fraction


@lru_cache(maxsize=1)
def read_published_runs() -> tuple[PublishedRun, ...]:
    """The rows of RUNS_FILE."""
    lines = RUNS_FILE.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",", len(PublishedRun._fields) - 1) for line in lines if not line.startswith("#")][1:]
    return tuple([_make_run(*row) for row in rows])


def _make_run(device: str, model: str, precision: str, params: str, dims: str, *rest: str) -> PublishedRun:
    milliseconds, microjoules, bound, estimate, cells, macs, source = rest
    energy = Fraction(microjoules) if microjoules else None
    figures = Fraction(bound), Fraction(estimate), Fraction(cells), int(macs)
    return PublishedRun(device, model, precision, params, dims, Fraction(milliseconds), energy, *figures, source)


def find_time_band(profile: HardwareProfile) -> PublishedBand | None:
    """Profile -> what published times were over the estimate layer by layer, unfused: on this device where there are
    enough of them, or where it multiplies far more in a cycle than the others of its kind: its kernels feed it less
    well, so theirs say nothing of it, nor its own of them. Else on devices of its kind; None where there are none, or
    they differ too much."""
    runs = [(run, run.milliseconds / run.estimate_ms) for run in read_published_runs()]
    if _is_wider(profile):
        own = [ratio for run, ratio in runs if run.device == profile.id]
        band = PublishedBand(profile.id, len(own), min(own), max(own)) if own else None
    else:
        wider = {other.id for other in builtin_profiles() if _is_wider(other)}
        band = _find_band(profile, [(run, ratio) for run, ratio in runs if run.device not in wider])
    return band if band is not None and band.highest <= MAX_SPREAD * band.lowest else None


MAX_WIDTH = 2
"""How many times the multiplications in a cycle of measured devices a device may have for their band to be its own: two
cores instead of one."""


def _is_wider(profile: HardwareProfile) -> bool:
    """Profile -> whether it has too few runs of its own, and more than MAX_WIDTH times the int8 operations in a cycle
    of every device of its kind that has enough; False where a clock is not known."""
    counts = Counter(run.device for run in read_published_runs())
    own = int8_per_cycle(profile)
    kind = [p for p in builtin_profiles() if p.kind == profile.kind and counts[p.id] >= LEAST_RUNS]
    widths = [width for width in map(int8_per_cycle, kind) if width is not None]
    return counts[profile.id] < LEAST_RUNS and own is not None and bool(widths) and own > MAX_WIDTH * max(widths)


def int8_per_cycle(profile: HardwareProfile) -> Fraction | None:
    """Profile -> int8 operations in a cycle at its peak; None where its peak or its clock is not known."""
    peak = profile.find_peak("int8")
    return None if peak is None or profile.clock is None else peak[1].value / profile.clock.value


def find_energy_band(profile: HardwareProfile) -> PublishedBand | None:
    """Profile -> what published energies were over those of arithmetic and memory cells, as find_time_band."""
    runs = [(run, run.microjoules / run.cells_uj) for run in read_published_runs() if run.microjoules is not None]
    return _find_band(profile, runs)


def find_measured_energy_band(profile: HardwareProfile) -> PublishedBand | None:
    """Profile with measured energies -> what published energies of the device were over its MACs times that of one;
    None where there are no runs of it: another supply voltage, and other kernels, draw another energy."""
    energies = profile.energy.measured if profile.energy is not None else {}
    runs = [
        (run, run.microjoules * 10**6 / (run.macs * energies[run.precision].value))
        for run in read_published_runs()
        if run.microjoules is not None and run.device == profile.id and run.precision in energies
    ]
    return _find_band(profile, runs) if len(runs) >= LEAST_RUNS else None


def _find_band(profile: HardwareProfile, runs: list[tuple[PublishedRun, Fraction]]) -> PublishedBand | None:
    own = [ratio for run, ratio in runs if run.device == profile.id]
    if len(own) >= LEAST_RUNS:
        return PublishedBand(profile.id, len(own), min(own), max(own))
    kinds = {other.id: other.kind for other in builtin_profiles()}
    ratios = [ratio for run, ratio in runs if kinds.get(run.device) == profile.kind]
    return PublishedBand(profile.kind, len(ratios), min(ratios), max(ratios)) if ratios else None
