"""Settings as fields: a field of a dataclass with its kind, its option on the command line and its words of help.

A dataclass of settings describes each of them once, as `field = setting(...)`. The options of the command line, the
reader of configs, the lock file and the checks of what Python callers pass are made from these descriptions: a new
setting is one field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

from costcalc.core.errors import UsageError, did_you_mean

T = TypeVar("T")

Kind = Literal["dims", "shapes", "params", "values", "flag", "count", "choice", "texts", "precision"]
"""How a value is written: four kinds of values by name; yes or no; a whole number of at least 1; one of some words;
words; the name of an element type."""

BY_NAME = ("dims", "shapes", "params", "values")
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
    """A dataclass field that is a setting. The option is `--` and the field's name unless it is told; the default is
    that of the kind: nothing by name, no, no words, else None."""
    if default is None:
        default = {"flag": False, "texts": ()}.get(kind)
    metadata = {"setting": Setting("", kind, option, help, metavar, tuple(choices), default)}
    if kind in BY_NAME:
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def settings_of(cls: type) -> tuple[Setting, ...]:
    """The settings among a dataclass's fields, in their order."""
    return _settings_of(cls)


@cache  # a sweep asks twice for each of its points
def _settings_of(cls: type) -> tuple[Setting, ...]:
    made = []
    for item in fields(cls):
        if "setting" in item.metadata:
            one: Setting = item.metadata["setting"]
            made.append(one._replace(name=item.name, option=one.option or f"--{item.name.replace('_', '-')}"))
    return tuple(made)


def check_value(one: Setting, value: Any) -> Any:
    """A setting's value as its field holds it: hashable lists, numbers and words that the kind allows. None is the
    default. UsageError where it does not fit the kind."""
    return one.default if value is None and one.kind not in BY_NAME else _CHECKS[one.kind](one, value)


def build(cls: type[T], values: Mapping[str, Any], what: str) -> T:
    """A dataclass of settings from values by their names, as Python callers, configs and locks give them. UsageError
    for a name that is none of its settings and for a value that does not fit."""
    known = {one.name: one for one in settings_of(cls)}
    for name in values:
        if name not in known:
            raise UsageError(
                f"{what} has no setting {name!r}", did_you_mean(name, known) or f"it has {', '.join(known)}"
            )
    return cls(**{name: check_value(known[name], value) for name, value in values.items()})


def non_defaults(item: Any) -> dict[str, Any]:
    """The settings of a dataclass that are not their defaults, by name: what `build` takes back."""
    values = {one.name: (getattr(item, one.name), one.default) for one in settings_of(type(item))}
    return {name: value for name, (value, default) in values.items() if value != default and value != {}}


def option_words(item: Any) -> tuple[str, ...]:
    """The settings that are not their defaults as words of the command line: `fuse`, `optimizer sgd`, `dim seq=128`."""
    given, parts = non_defaults(item), []
    for one in settings_of(type(item)):
        word = one.option.removeprefix("--")
        value = given.get(one.name)
        if value is None:
            continue
        if one.kind == "flag":
            parts.append(word)
        elif one.kind in BY_NAME:
            parts += [f"{word} {name}={_text(inner)}" for name, inner in value.items()]
        else:
            parts.append(f"{word} {_text(value)}")
    return tuple(parts)


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _by_name(one: Setting, value: Any) -> Mapping[str, Any]:
    from costcalc.core.arguments import mapping

    return mapping(one.name, value)


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
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(text, str) and text for text in found):
        raise UsageError(f"{one.name} is {value!r:.60}", f"give a list of names: {one.name}=[…]")
    return tuple(dict.fromkeys(found))


def _precision(one: Setting, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{one.name} is {value!r:.60}", 'give the name of an element type: "int8"')
    return value


_CHECKS: dict[str, Callable[[Setting, Any], Any]] = {
    **dict.fromkeys(BY_NAME, _by_name),
    "flag": _flag,
    "count": _count,
    "choice": _choice,
    "texts": _texts,
    "precision": _precision,
}
