"""The settings of `costcalc.studies.options` as options of a command: each field makes one option."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial, wraps
from typing import Any

import click
from click.core import ParameterSource

from costcalc.cli.parameters import (
    Count,
    DeviceNames,
    ElementType,
    NameValue,
    Ratio,
    Word,
    debug_option,
    offline_option,
    parse_binding,
    parse_parameter,
    parse_scalar,
    parse_shape,
    rules_option,
)
from costcalc.core.errors import UsageError
from costcalc.core.settings import MAPPING_KINDS, Kind, Setting
from costcalc.studies.options import Settings, all_settings

GROUPS = ("execution", "training", "devices", "parallel", "generation")
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
    "parallel": "Several devices",
    "generation": "Generation",
}
"""Group of settings -> its title on the page of help."""

LAST = ("offline", "debug", "help")
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
        """Arguments -> those that are left, as click's own. BadParameter for an empty text."""
        remaining = super().parse_args(ctx, list(_join_counts(args)))
        parameters = [
            parameter
            for parameter in self.params
            if ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
            and not isinstance(parameter.type, DeviceNames)  # which tells an empty name itself
        ]
        for parameter in parameters:
            value = ctx.params.get(parameter.name or "")
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and not text.strip():
                    raise click.BadParameter("it is empty; write it, or leave it out", ctx, parameter)
        return remaining

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One list for the command's own options and one for each group of settings."""
        lists: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *SECTIONS.values())}
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        for option in sorted(options, key=lambda o: LAST.index(o.name) if o.name in LAST else -1):
            record = option.get_help_record(ctx)
            if record is not None:
                lists[SECTIONS[option.group] if isinstance(option, SettingOption) else "Options"].append(record)
        for title, records in filter(lambda section: section[1], lists.items()):
            with formatter.section(title):
                formatter.write_dl(records)


def _join_counts(args: list[str]) -> Iterator[str]:
    """Arguments -> the same with `×8` behind a device's name in one: --device h100-sxm ×8."""
    for index, arg in enumerate(args):
        if re.fullmatch(r"[x×][1-9]\d*", arg) and index > 1 and args[index - 2] in ("--device", "--hardware"):
            continue
        following = args[index + 1] if index + 1 < len(args) else ""
        is_device = index > 0 and args[index - 1] in ("--device", "--hardware")
        yield f"{arg} {following}" if is_device and re.fullmatch(r"[x×][1-9]\d*", following) else arg


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
        def with_settings(*args: Any, **options: Any) -> Any:
            settings = take_settings(options, chosen, omit)
            return command(*args, settings=settings, **options)

        decorated: Callable[..., Any] = with_settings
        for option in reversed(list(_click_options(chosen, omit, runs_code))):
            decorated = option(decorated)
        return decorated

    return decorate


def click_option(setting: Setting, group: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A setting as an option of a command, on the page of help under the title of its group."""
    names = filter(None, (setting.option, setting.alias, setting.name))
    option = partial(click.option, *names, cls=SettingOption, group=group, help=setting.help)
    if setting.kind == "flag":
        return option(is_flag=True)
    if setting.kind in MAPPING_KINDS:
        read, example = _BY_NAME[setting.kind]
        return option(multiple=True, type=NameValue(read, example))
    if setting.kind == "texts":
        return option(multiple=True, metavar=setting.metavar)
    types: dict[str, Any] = {
        "count": Count(),
        "precision": ElementType(),
        "choice": Word(setting.choices),
        "ratio": Ratio(),
    }
    return option(type=types[setting.kind], metavar=setting.metavar or ("N" if setting.kind == "count" else None))


def take_settings(options: dict[str, Any], groups: tuple[str, ...] = GROUPS, omit: Collection[str] = ()) -> Settings:
    """Takes the options of settings out of a command's and makes Settings of them. The same name twice: the last one
    counts. UsageError for an option of training without --training."""
    fields: dict[str, Any] = {}
    for setting in all_settings()[""]:
        if setting.name in omit:
            continue
        value = options.pop(setting.name)
        fields[setting.name] = dict(value) if setting.kind in MAPPING_KINDS else value
    for group in groups:
        if group == "devices":
            fields["devices"] = options.pop("hardware")
            continue
        values = {setting.name: options.pop(setting.name) for setting in all_settings()[group]}
        overrides = {
            name: value for name, value in values.items() if value is not None and value is not False and value != ()
        }
        if group == "training":
            training = options.pop("training")
            for name in () if training else overrides:
                raise UsageError(f"--{name.replace('_', '-')} says how a model is trained", "add --training")
            fields["training"] = overrides if training else None
        elif overrides or group == "execution":
            fields[group] = overrides
    return Settings.of(**fields)


def _click_options(
    groups: tuple[str, ...], omit: Collection[str], runs_code: bool
) -> Iterator[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    settings_by_group = all_settings()
    reading = [setting for setting in settings_by_group[""] if setting.name not in omit]
    yield from (click_option(setting, "") for setting in reading if setting.kind != "precision")
    if runs_code:
        yield partial(rules_option, cls=SettingOption, group="")
        yield debug_option
    yield offline_option
    yield from (click_option(setting, "") for setting in reading if setting.kind == "precision")
    for group in groups:
        if group == "training":
            help_text = "Add what a training step costs: backward MACs and memory."
            yield click.option("--training", is_flag=True, cls=SettingOption, group=group, help=help_text)
        if group == "devices":
            help_text = "Bounds of time and energy on a device, and whether the model fits"
            help_text += " (see `costcalc hardware`; your own is a .yaml file)."
            yield click.option(
                "--hardware",
                "--device",
                "hardware",
                multiple=True,
                type=DeviceNames(),
                cls=SettingOption,
                group=group,
                help=help_text,
            )
        else:
            yield from (click_option(setting, group) for setting in settings_by_group[group])
