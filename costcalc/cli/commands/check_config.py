"""The command line of `check` → the config that is run: a file's, or one made of --max and its like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from costcalc.cli.commands.analyze import model_paths
from costcalc.cli.output import print_error, write_text
from costcalc.core.errors import UsageError
from costcalc.core.units import parse_percent
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import find_config_file, nearest_config, read_config_file
from costcalc.studies.check.config_limits import LimitSet, make_limit_set
from costcalc.studies.check.limits import parse_delta, parse_increases, parse_limits
from costcalc.studies.check.run import make_config
from costcalc.studies.options import GROUPS, Settings, all_settings


def refuse(command: str, given: Mapping[str, Any], remedy: str = "") -> None:
    """UsageError for the first option that is given and does not go with a command."""
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} does not go with {command}", remedy or "leave it out")


class CommandLimits(NamedTuple):
    """The limits of the command line, as texts."""

    most: Sequence[str] = ()
    least: Sequence[str] = ()
    required: Sequence[str] = ()
    increases: Sequence[str] = ()
    deltas: Sequence[str] = ()
    allow: tuple[str, ...] = ()

    def by_option(self) -> dict[str, Sequence[str]]:
        """Each with its option."""
        options = ("--max", "--min", "--require", "--max-increase", "--min-delta", "--allow")
        return dict(zip(options, self, strict=True))

    def make_limit_set(self, devices: Sequence[str]) -> LimitSet:
        """The limits; those of a device that name none are of each of some devices. UsageError where a text is none,
        and where two are on the same."""
        sides = {"--max": self.most, "--min": self.least, "--require": self.required}
        limits = [
            one for option, texts in sides.items() for text in texts for one in parse_limits(text, option, devices)
        ]
        twice = [key for key, count in Counter((one.quantity, one.subject) for one in limits).items() if count > 1]
        if twice:
            name = ".".join(filter(None, twice[0]))
            raise UsageError(f"{name} has two limits on the command line", "leave one of them out")
        increases = [increase for text in self.increases for increase in parse_increases(text)]
        return make_limit_set(limits, increases, map(parse_delta, self.deltas), self.allow)


def choose_config(
    models: Sequence[str], file: str | None, limits: CommandLimits, settings: Settings
) -> tuple[Config, tuple[str, ...]]:
    """The config to run, and which of its models. Limits on the command line stand for a config: none is read then."""
    given = limits.by_option()
    deltas, allow = given.pop("--min-delta"), limits.allow
    del given["--allow"]
    if any(given.values()):
        if file is not None:
            refuse(f"--config {file}", given, "write the limits there")
        if not models:
            option = next(option for option, texts in given.items() if texts)
            raise UsageError(
                f"{option} is for models that are named", "name them: costcalc check MODEL --max macs=600M"
            )
        return make_config(model_paths(models), limits.make_limit_set(settings.devices), settings), ()
    found = file or find_config_file()
    if found is None:
        raise UsageError(
            "there is no costcalc.yaml here or further up",
            "give a limit (costcalc check MODEL --max macs=600M), or write a config with `costcalc check --init`",
        )
    refuse(f"the config {found}", {"--min-delta": deltas, **options_of(settings)}, "write it there")
    config = read_config_file(found)
    if allow:
        entries = [replace(e, budget=replace(e.budget, allow=(*e.budget.allow, *allow))) for e in config.entries]
        config = replace(config, entries=tuple(entries))
    return config, tuple(models)


def lock_config(models: Sequence[str], file: str | None, settings: Settings) -> Config:
    """The config to lock: a file's; where there is none, the named models under the settings of the command line, with
    every amount that these ask for. UsageError for settings beside a file's."""
    path = file or find_config_file()
    if path is None and models:
        asked = [ref for ref in settings.quantities() if ref.quantity.unit != "boolean"]
        increases = [increase for ref in asked for increase in parse_increases(f"{ref.key}=0")]
        return make_config(model_paths(models), make_limit_set((), increases, (), ()), settings)
    found = nearest_config(path)
    refuse(f"the config {path}", options_of(settings), "write it there")
    return found


def options_of(settings: Settings) -> dict[str, Any]:
    """The options of the settings that are not their defaults."""
    every, given = all_settings(), settings.to_dict()
    found = {one.option: given.get(one.name) for one in every[""]}
    for group in GROUPS:
        options = given.get(group)
        if options is not None:
            values = options if isinstance(options, Mapping) else {}
            found |= {one.option: values.get(one.name) for one in every[group]}
            found |= {"--training": True} if group == "training" else {}
            found |= {"--prompt": True} if group == "generation" and not values else {}
    return {**found, "--hardware": given.get("devices")}


def write_config(
    models: Sequence[str], file: str | None, slack: str | None, force: bool, settings: Settings, jobs: int
) -> int:
    """Writes a config from what the models cost now; 2 where one of them cannot be read."""
    from costcalc.studies.check.init import find_models, make_initial_config

    target = Path(file or "costcalc.yaml")
    if target.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{target} is no name of a config", "name a .yaml file; its content fits [tool.costcalc] too")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", "overwrite it with --force, or name another with --config")
    share = parse_percent(slack or "10%")
    named = model_paths(models) if models else find_models(target.parent)
    if not named:
        raise UsageError("there is no .onnx or .yaml model here", "name models: costcalc check --init MODEL …")
    made = make_initial_config(named, target, share, settings, jobs)
    write_text(made.text, str(target))
    for line in made.unreadable:
        print_error(f"costcalc: {line}")
    count = f"{made.models:,} {'model' if made.models == 1 else 'models'}"
    click.echo(f"{target}: limits of {count}; hold them with `costcalc check`, lock the figures with `costcalc lock`")
    return 2 if made.unreadable else 0
