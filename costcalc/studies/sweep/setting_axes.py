"""Settings that a sweep varies -> axes, and the settings of a combination.

`dtype=int8,float16`, `fuse=true,false`, `align=null,16`: any setting of `costcalc.studies.options` that is a flag, a
number, a choice, an element type or words; `null` is its default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.settings import MAPPING_KINDS, Setting, check_value
from costcalc.graph.convert import parse_dtype
from costcalc.studies.options import GROUPS, Settings, all_settings
from costcalc.studies.sweep.axes import SweepAxis, Value, listed_values

VARIABLE: dict[str, tuple[str, Setting]] = {
    one.name: (group, one)
    for group, settings in all_settings().items()
    for one in settings
    if one.kind not in MAPPING_KINDS
}
"""The settings that can be varied, by name, with their group ("" for those of a model's reading)."""


def setting_axes(given: Mapping[str, Any]) -> Iterator[SweepAxis]:
    """An axis for each setting. UsageError, with the nearest name, where there is no such setting, and for a value that
    it cannot have."""
    for key, values in given.items():
        name = key.replace("-", "_")
        if name not in VARIABLE:
            remedy = did_you_mean(name, VARIABLE) or "there are " + ", ".join(VARIABLE)
            raise UsageError(f"there is no setting {key!r} to vary", remedy)
        setting = VARIABLE[name][1]
        found = tuple([_setting_value(setting, value) for value in listed_values(name, values)])
        yield SweepAxis(name, name, found, setting=True)


def _setting_value(setting: Setting, value: Value) -> Value:
    """The value of an axis as its setting has it; None for the default of a setting that has none of its own."""
    if isinstance(value, str) and value.lower() in ("null", "none"):
        value = None
    checked = check_value(setting, value)
    if setting.kind == "precision":
        parse_dtype(checked)
    return list(checked) if isinstance(checked, tuple) else checked


def with_settings(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """The settings with these of them changed; an option of training or of generation asks for its group."""
    changes: dict[str, Any] = {}
    for name, value in values.items():
        group = VARIABLE[name][0]
        value = tuple(value) if isinstance(value, list) else value
        if group:
            before = changes.get(group) or getattr(settings, group) or GROUPS[group]()
            changes[group] = replace(before, **{name: value})
        else:
            changes[name] = value
    return replace(settings, **changes)


def all_setting_values(axes: Sequence[SweepAxis]) -> Iterator[dict[str, Value]]:
    """The values of each setting that varies, one at a time."""
    for axis in axes:
        if axis.setting:
            for value in axis.values:
                yield {axis.name: value}
