"""A class whose fields are settings -> their descriptions (kind, option, help), checked values, and words.

A NamedTuple of settings describes each of them once, as `field: Annotated[type, Setting(...)] = default`. The options
of the command line, the reader of configs, the lock file and the checks of what Python callers pass are made from these
descriptions: a new setting is one field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

from costcalc.core.arguments import check_mapping
from costcalc.core.errors import UsageError, did_you_mean

T = TypeVar("T")

Kind = Literal["dims", "shapes", "params", "values", "flag", "count", "choice", "texts", "precision", "ratio"]
"""The kinds of values: four kinds of mappings by name; a flag; a whole number of at least 1; one of some words; words;
the name of an element type; a number from 0 to 1."""

MAPPING_KINDS = ("dims", "shapes", "params", "values")
"""The kinds that are values by name."""


class Setting(NamedTuple):
    """A setting: its kind, its help, its option (`--` and the field's name unless it is named), how its value is called
    there, the words that it may be, another name of its option; and, from its field, its name (its key in Python, in
    configs and in locks) and its default."""

    kind: Kind
    help: str
    option: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    alias: str = ""
    name: str = ""
    default: Any = None


def settings_of(cls: type) -> tuple[Setting, ...]:
    """A NamedTuple -> its settings, in the order of its fields."""
    return _settings_of(cls)


@cache  # a sweep asks twice for each of its points; apart, for a type checker takes cache's arguments to be Hashable
def _settings_of(cls: Any) -> tuple[Setting, ...]:
    settings = []
    for name, annotation in cls.__annotations__.items():
        for description in getattr(annotation, "__metadata__", ()):
            option = description.option or f"--{name.replace('_', '-')}"
            settings.append(description._replace(name=name, option=option, default=cls._field_defaults[name]))
    return tuple(settings)


def check_value(setting: Setting, value: Any) -> Any:
    """A setting and a value -> the value as the field holds it: lists as tuples; None is the default. UsageError where
    it does not fit the kind."""
    is_default = value is None and setting.kind not in MAPPING_KINDS
    return setting.default if is_default else _CHECKS[setting.kind](setting, value)


def build_settings(cls: type[T], values: Mapping[str, Any], owner: str) -> T:
    """Values by the names of settings, as Python callers, configs and locks write them -> the tuple. owner is its
    name in errors: UsageError for a name that is no setting and for a value that does not fit."""
    settings = {setting.name: setting for setting in settings_of(cls)}
    for name in values:
        if name not in settings:
            raise UsageError(
                f"{owner} has no setting {name!r}", did_you_mean(name, settings) or f"it has {', '.join(settings)}"
            )
    return cls(**{name: check_value(settings[name], value) for name, value in values.items()})


def non_defaults(item: Any) -> dict[str, Any]:
    """A NamedTuple of settings -> those that are not their defaults, by name; `build` reads them back."""
    values = {setting.name: (getattr(item, setting.name), setting.default) for setting in settings_of(type(item))}
    return {name: value for name, (value, default) in values.items() if value != default}


def join_group(whole: Any, named: Mapping[str, Any]) -> Any:
    """A group of settings as it was given, and those of it that were given by name -> both; the ones by name win."""
    if not named:
        return whole
    return {
        **(whole if isinstance(whole, Mapping) else non_defaults(whole) if isinstance(whole, tuple) else {}),
        **named,
    }


def option_words(item: Any) -> tuple[str, ...]:
    """A NamedTuple of settings -> those that are not their defaults as words of the command line: `fuse`,
    `optimizer sgd`, `dim seq=128`."""
    changes, words = non_defaults(item), []
    for setting in settings_of(type(item)):
        option = setting.option.removeprefix("--")
        value = changes.get(setting.name)
        if value is None:
            continue
        if setting.kind == "flag":
            words.append(option)
        elif setting.kind in MAPPING_KINDS:
            words += [f"{option} {name}={_value_text(inner)}" for name, inner in value.items()]
        else:
            words.append(f"{option} {_value_text(value)}")
    return tuple(words)


def _value_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _check_mapping(setting: Setting, value: Any) -> Mapping[str, Any]:
    return check_mapping(setting.name, value)


def _check_flag(setting: Setting, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{setting.name} is {value!r:.60}", "give True or False")
    return value


def _check_count(setting: Setting, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{setting.name} is {value!r:.60}", "give a whole number of at least 1")
    return value


def _check_choice(setting: Setting, value: Any) -> str:
    if value not in setting.choices:
        raise UsageError(f"{setting.name} is {value!r:.60}", f"use one of {', '.join(setting.choices)}")
    return str(value)


def _check_texts(setting: Setting, value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(text, str) and text for text in texts):
        raise UsageError(f"{setting.name} is {value!r:.60}", f"give a list of names: {setting.name}=[…]")
    return tuple(dict.fromkeys(texts))


def _check_precision(setting: Setting, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{setting.name} is {value!r:.60}", 'give the name of an element type: "int8"')
    return value


def _check_ratio(setting: Setting, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UsageError(f"{setting.name} is {value!r:.60}", "give a number from 0 to 1")
    return float(value)


_CHECKS: dict[str, Callable[[Setting, Any], Any]] = {
    **dict.fromkeys(MAPPING_KINDS, _check_mapping),
    "flag": _check_flag,
    "count": _check_count,
    "choice": _check_choice,
    "texts": _check_texts,
    "precision": _check_precision,
    "ratio": _check_ratio,
}
