"""A dataclass whose fields are settings -> their descriptions (kind, option, help), checked values, and words.

A dataclass of settings describes each of them once, as `field = setting(...)`. The options of the command line, the
reader of configs, the lock file and the checks of what Python callers pass are made from these descriptions: a new
setting is one field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

from costcalc.core.arguments import check_mapping
from costcalc.core.errors import UsageError, did_you_mean

T = TypeVar("T")

Kind = Literal["dims", "shapes", "params", "values", "flag", "count", "choice", "texts", "precision"]
"""The kinds of values: four kinds of mappings by name; a flag; a whole number of at least 1; one of some words; words;
the name of an element type."""

MAPPING_KINDS = ("dims", "shapes", "params", "values")
"""The kinds that are values by name."""


class Setting(NamedTuple):
    """A setting: the name of its field (its key in Python, in configs and in locks), its kind, its option, its help,
    how its value is called there, and the words that it may be."""

    name: str
    kind: Kind
    option: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    default: Any = None


def setting(
    kind: Kind, help: str, *, option: str = "", metavar: str = "", choices: Sequence[str] = (), default: Any = None
) -> Any:
    """A setting's description -> a dataclass field. The option is `--` and the field's name unless it is named; the
    default is that of the kind: an empty mapping, False, (), else None."""
    if default is None:
        default = {"flag": False, "texts": ()}.get(kind)
    metadata = {"setting": Setting("", kind, option, help, metavar, tuple(choices), default)}
    if kind in MAPPING_KINDS:
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_of(cls: type) -> tuple[Setting, ...]:
    """A dataclass -> its settings, in the order of its fields."""
    return _settings_of(cls)


@cache  # a sweep asks twice for each of its points; apart, for a type checker takes cache's arguments to be Hashable
def _settings_of(cls: type) -> tuple[Setting, ...]:
    settings = []
    for item in fields(cls):
        if "setting" in item.metadata:
            one: Setting = item.metadata["setting"]
            settings.append(one._replace(name=item.name, option=one.option or f"--{item.name.replace('_', '-')}"))
    return tuple(settings)


def check_value(one: Setting, value: Any) -> Any:
    """A setting and a value -> the value as the field holds it: lists as tuples; None is the default. UsageError where
    it does not fit the kind."""
    return one.default if value is None and one.kind not in MAPPING_KINDS else _CHECKS[one.kind](one, value)


def build_settings(cls: type[T], values: Mapping[str, Any], what: str) -> T:
    """Values by the names of settings, as Python callers, configs and locks write them -> the dataclass. what names it
    in errors: UsageError for a name that is no setting and for a value that does not fit."""
    settings = {one.name: one for one in settings_of(cls)}
    for name in values:
        if name not in settings:
            raise UsageError(
                f"{what} has no setting {name!r}", did_you_mean(name, settings) or f"it has {', '.join(settings)}"
            )
    return cls(**{name: check_value(settings[name], value) for name, value in values.items()})


def non_defaults(item: Any) -> dict[str, Any]:
    """A dataclass of settings -> those that are not their defaults, by name; `build` reads them back."""
    values = {one.name: (getattr(item, one.name), one.default) for one in settings_of(type(item))}
    return {name: value for name, (value, default) in values.items() if value != default and value != {}}


def option_words(item: Any) -> tuple[str, ...]:
    """A dataclass of settings -> those that are not their defaults as words of the command line: `fuse`,
    `optimizer sgd`, `dim seq=128`."""
    changes, parts = non_defaults(item), []
    for one in settings_of(type(item)):
        word = one.option.removeprefix("--")
        value = changes.get(one.name)
        if value is None:
            continue
        if one.kind == "flag":
            parts.append(word)
        elif one.kind in MAPPING_KINDS:
            parts += [f"{word} {name}={_text(inner)}" for name, inner in value.items()]
        else:
            parts.append(f"{word} {_text(value)}")
    return tuple(parts)


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _by_name(one: Setting, value: Any) -> Mapping[str, Any]:
    return check_mapping(one.name, value)


def _flag(one: Setting, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{one.name} is {value!r:.60}", "give True or False")
    return value


def _count(one: Setting, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{one.name} is {value!r:.60}", "give a whole number of at least 1")
    return value


def _choice(one: Setting, value: Any) -> str:
    if value not in one.choices:
        raise UsageError(f"{one.name} is {value!r:.60}", f"use one of {', '.join(one.choices)}")
    return str(value)


def _texts(one: Setting, value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(text, str) and text for text in texts):
        raise UsageError(f"{one.name} is {value!r:.60}", f"give a list of names: {one.name}=[…]")
    return tuple(dict.fromkeys(texts))


def _precision(one: Setting, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{one.name} is {value!r:.60}", 'give the name of an element type: "int8"')
    return value


_CHECKS: dict[str, Callable[[Setting, Any], Any]] = {
    **dict.fromkeys(MAPPING_KINDS, _by_name),
    "flag": _flag,
    "count": _count,
    "choice": _choice,
    "texts": _texts,
    "precision": _precision,
}
