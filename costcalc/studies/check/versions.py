"""Two sources, each a model, a report or an entry of a lock file -> the diff of one version to the other.

It stands here because lock files do: `costcalc.studies.diff` compares snapshots, wherever they come from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from costcalc.analysis.report import Report
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import parse_quantities
from costcalc.frontends.source import ModelSource, hold_source
from costcalc.studies.check.lock_file import read_entry
from costcalc.studies.diff.diff import Diff, diff
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.studies.diff.version import measure_version, restrict_version
from costcalc.studies.options import Settings, drop_unknown_names, refuse_unknown_names


def diff_versions(
    sources: Sequence[ModelSource | Report],
    settings: Settings,
    quantities: Sequence[str] = (),
    strict: bool = False,
) -> Diff:
    """The version before and the one after -> what changed, with further quantities by their keys.

    The settings of a locked entry hold for the other side too, where the caller's do not differ. A name that one model
    lacks is left out for it; UnknownNameError where both lack it, QuantityError where neither generates and generation
    is asked for. A quantity of a device that names none is of each of the settings' devices.
    """
    refs = tuple([ref for name in quantities for ref in parse_quantities(name, settings.devices)])
    entries = [read_entry(os.fspath(s)) if isinstance(s, (str, os.PathLike)) else None for s in sources]
    locked = next((item.settings for item in entries if item is not None), None)
    settings = Settings.of(**{**(locked or {}), **settings.to_dict()})

    def version(source: Any, **reading: Any) -> Snapshot:
        return measure_version(source, settings._replace(**reading), refs, strict)

    versions, lacks = [], []
    for source, item in zip(sources, entries, strict=True):
        if item is not None:
            held = replace(item.snapshot, source=os.fspath(source), figures=item.figures)  # type: ignore[arg-type]
            versions.append(restrict_version(held, Settings.of(**item.settings), settings))
        elif isinstance(source, Report):
            versions.append(version(source))
        else:
            snapshot, missing = drop_unknown_names(partial(version, hold_source(source)), settings.load_arguments())
            versions.append(snapshot)
            lacks.append(missing)
    if locked is None:
        refuse_unknown_names(lacks)
    if settings.generation is not None:
        _require_generation(*versions)
    return diff(*versions)


def _require_generation(before: Snapshot, after: Snapshot) -> None:
    """Raises the refusal of generation where neither version generates."""
    caches = [version.figures.get("kv_cache_bytes") for version in (before, after)]
    refusals = [cache for cache in caches if isinstance(cache, QuantityError)]
    if len(refusals) == 2:
        raise QuantityError(refusals[0].fact.removeprefix("kv_cache_bytes: "), refusals[0].remedy)
