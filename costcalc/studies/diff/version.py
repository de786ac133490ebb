"""A model under settings -> its Snapshot with the further quantities that a diff compares; of a version out of a
lock file, what can be compared under settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from costcalc.analysis.report import Report
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.quantity import QuantityRef
from costcalc.frontends.source import ModelSource
from costcalc.studies.diff.snapshot import Snapshot, snapshot
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings

SETTING_QUANTITIES = {
    "execution": ("peak_activation_bytes", "arena_bytes"),
    **{
        group: tuple([key for key, quantity in CATALOGUE.items() if group in quantity.needs])
        for group in ("training", "generation")
    },
}
"""The quantities that rest on a group of settings."""


def measure_version(
    source: ModelSource | Report, settings: Settings, quantities: Iterable[QuantityRef] = (), strict: bool = False
) -> Snapshot:
    """A model -> its snapshot under settings, with the quantities that they and the caller ask for beside the totals of
    every report; a quantity that the model does not have is there with the reason. HardwareError where there is no such
    device. A Report is measured with the settings of its own reading."""
    if isinstance(source, Report):
        settings = settings._replace(**Settings().load_arguments())
    measurement = measure(source, settings.extend_for(quantities), strict)
    effective = measurement.settings if settings == Settings() and isinstance(source, Report) else settings
    refs = dict.fromkeys((*effective.quantities(), *quantities))
    version = snapshot(measurement.base, {ref.key: measurement.attempt(ref) for ref in refs if ref.key not in TOTALS})
    return replace(version, settings={**effective.to_dict(), **version.settings})


def restrict_version(version: Snapshot, old_settings: Settings, settings: Settings) -> Snapshot:
    """A version that was measured under its own settings -> the one to compare with a version under other settings:
    what rests on a group of them that differs is refused, for it cannot be measured again."""
    refused = {}
    for group, keys in SETTING_QUANTITIES.items():
        group_settings = getattr(old_settings, group)
        if group_settings is None or group_settings == getattr(settings, group):
            continue
        description = (
            Settings()._replace(**{group: group_settings}).describe() or "every layer by itself, in the given order"
        )
        for key in (*version.totals, *version.figures):
            if key.partition(".")[0] in keys:
                refused[key] = QuantityError(
                    f"{key}: it is locked under other settings: {description}", "leave yours out"
                )
    if not refused:
        return version
    totals = {key: value for key, value in version.totals.items() if key not in refused}
    return replace(version, totals=totals, figures={**version.figures, **refused})
