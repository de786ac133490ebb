"""The settings of `costcalc.studies.options` as options of a command: each field makes one option."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial, wraps
from typing import Any

import click
from click.core import ParameterSource

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

SECTIONS = {
    "": "The model",
    "execution": "Execution",
    "training": "Training",
    "devices": "Devices",
    "generation": "Generation",
}
"""Group of settings -> its title on the page of help."""

LAST = ("debug", "help")
"""The options that every command has, below its own."""


class SettingOption(click.Option):
    """An option that stands on the page of help under the title of its group of settings."""

    def __init__(self, *args: Any, group: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.group = group


class SettingsCommand(click.Command):
    """A command whose page of help has its own options first, then those of settings, group by group.
    A model or an option that is an empty text, as an unset variable of the shell makes it, is refused."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does. BadParameter for an empty text."""
        rest = super().parse_args(ctx, args)
        given = [
            one
            for one in self.params
            if ctx.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
            and not isinstance(one.type, DeviceNames)  # which tells an empty name itself
        ]
        for one in given:
            value = ctx.params.get(one.name or "")
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and not text.strip():
                    raise click.BadParameter("it is empty; write it, or leave it out", ctx, one)
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One list for the command's own options and one for each group of settings."""
        lists: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *SECTIONS.values())}
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        for option in sorted(options, key=lambda one: LAST.index(one.name) if one.name in LAST else -1):
            record = option.get_help_record(ctx)
            if record is not None:
                lists[SECTIONS[option.group] if isinstance(option, SettingOption) else "Options"].append(record)
        for title, records in filter(lambda one: one[1], lists.items()):
            with formatter.section(title):
                formatter.write_dl(records)


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


def click_option(one: Setting, group: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A setting as an option of a command, on the page of help under the title of its group."""
    option = partial(click.option, one.option, one.name, cls=SettingOption, group=group, help=one.help)
    if one.kind == "flag":
        return option(is_flag=True)
    if one.kind in MAPPING_KINDS:
        read, example = _BY_NAME[one.kind]
        return option(multiple=True, type=NameValue(read, example))
    if one.kind == "texts":
        return option(multiple=True, metavar=one.metavar)
    types: dict[str, Any] = {
        "count": click.IntRange(1),
        "precision": ElementType(),
        "choice": click.Choice(one.choices),
    }
    return option(type=types[one.kind], metavar=one.metavar or ("N" if one.kind == "count" else None))


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
    yield from (click_option(one, "") for one in reading if one.kind != "precision")
    if runs_code:
        yield partial(rules_option, cls=SettingOption, group="")
        yield debug_option
    yield from (click_option(one, "") for one in reading if one.kind == "precision")
    for group in groups:
        if group == "training":
            words = "Add what a training step costs: backward MACs and memory."
            yield click.option("--training", is_flag=True, cls=SettingOption, group=group, help=words)
        if group == "devices":
            words = "Bounds of time and energy on a device, and whether the model fits"
            words += " (see `costcalc hardware`; your own is a .yaml file)."
            yield click.option(
                "--hardware", multiple=True, type=DeviceNames(), cls=SettingOption, group=group, help=words
            )
        else:
            yield from (click_option(one, group) for one in every[group])
