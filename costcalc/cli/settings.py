"""The settings of `costcalc.studies.options` as options of a command: each field makes one option."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import wraps
from typing import Any

import click

from costcalc.cli.parameters import (
    DeviceNames,
    ElementType,
    NameValue,
    debug_option,
    parse_binding,
    parse_parameter,
    parse_scalar,
    parse_shape,
    rules_option,
)
from costcalc.core.errors import UsageError
from costcalc.core.settings import MAPPING_KINDS, Kind, Setting
from costcalc.studies.options import Settings, all_settings

GROUPS = ("execution", "training", "devices", "generation")
"""What a command can take beside how a model is read."""

_BY_NAME: dict[Kind, tuple[Callable[[str], Any], str]] = {
    "dims": (parse_binding, "N=8"),
    "shapes": (parse_shape, "x=1,3,224,224"),
    "params": (parse_parameter, "alpha=0.5"),
    "values": (parse_scalar, "n=7"),
}
"""How the value behind `NAME=` is read, and an example."""


def settings_options(
    *groups: str, omit: Collection[str] = (), runs_code: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the command takes --dim, --shape, --set, --value, --symbolic, --dtype, --act-dtype, --rules, --debug
    and the options of the groups (all of GROUPS where none is named; "" for none), and is called with `settings`.
    omit names settings of reading that the command does not take, or has options of its own for; without runs_code it
    takes no --rules and no --debug. UsageError for an option of training without --training."""
    chosen = tuple(filter(None, groups or GROUPS))

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(*args: Any, **options: Any) -> Any:
            settings = take_settings(options, chosen, omit)
            return command(*args, settings=settings, **options)

        decorated: Callable[..., Any] = called
        for option in reversed(list(_options(chosen, omit, runs_code))):
            decorated = option(decorated)
        return decorated

    return decorate


def click_option(one: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A setting as an option of a command."""
    if one.kind == "flag":
        return click.option(one.option, one.name, is_flag=True, help=one.help)
    if one.kind in MAPPING_KINDS:
        read, example = _BY_NAME[one.kind]
        return click.option(one.option, one.name, multiple=True, type=NameValue(read, example), help=one.help)
    if one.kind == "texts":
        return click.option(one.option, one.name, multiple=True, metavar=one.metavar, help=one.help)
    types: dict[str, Any] = {
        "count": click.IntRange(1),
        "precision": ElementType(),
        "choice": click.Choice(one.choices),
    }
    return click.option(one.option, one.name, type=types[one.kind], metavar=one.metavar or None, help=one.help)


def take_settings(options: dict[str, Any], groups: tuple[str, ...] = GROUPS, omit: Collection[str] = ()) -> Settings:
    """Takes the options of settings out of a command's and makes Settings of them. The same name twice: the last one
    counts. UsageError for an option of training without --training."""
    made: dict[str, Any] = {}
    for one in all_settings()[""]:
        if one.name in omit:
            continue
        value = options.pop(one.name)
        made[one.name] = dict(value) if one.kind in MAPPING_KINDS else value
    for group in groups:
        if group == "devices":
            made["devices"] = options.pop("hardware")
            continue
        values = {one.name: options.pop(one.name) for one in all_settings()[group]}
        given = {name: value for name, value in values.items() if value not in (None, False, ())}
        if group == "training":
            asked = options.pop("training")
            for name in () if asked else given:
                raise UsageError(f"--{name.replace('_', '-')} says how a model is trained", "add --training")
            made["training"] = given if asked else None
        elif given or group == "execution":
            made[group] = given
    return Settings.of(**made)


def _options(
    groups: tuple[str, ...], omit: Collection[str], runs_code: bool
) -> Iterator[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    every = all_settings()
    reading = [one for one in every[""] if one.name not in omit]
    yield from (click_option(one) for one in reading if one.kind != "precision")
    if runs_code:
        yield rules_option
        yield debug_option
    yield from (click_option(one) for one in reading if one.kind == "precision")
    for group in groups:
        if group == "training":
            words = "Add what a training step costs: backward MACs and memory."
            yield click.option("--training", is_flag=True, help=words)
        if group == "devices":
            words = "Bounds of time and energy on a device, and whether the model fits"
            words += " (see `costcalc hardware`; your own is a .yaml file)."
            yield click.option("--hardware", multiple=True, type=DeviceNames(), help=words)
        else:
            yield from map(click_option, every[group])
