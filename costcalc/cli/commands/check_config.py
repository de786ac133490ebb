"""The command line of `check` → the config that is run: a file's, or one made of --max and its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.cli.commands.analyze import model_paths
from costcalc.cli.output import print_error, write_text
from costcalc.core.errors import UsageError
from costcalc.core.sanitize import printable_lines
from costcalc.core.units import parse_percent
from costcalc.frontends.module import NamedModel
from costcalc.frontends.table import YAML
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import find_config_file, nearest_config, read_config_file
from costcalc.studies.check.config_limits import LimitSet, make_limit_set
from costcalc.studies.check.limits import parse_delta, parse_limits, read_increases
from costcalc.studies.check.locking import make_lock_config
from costcalc.studies.check.rules import require_known
from costcalc.studies.check.run import make_config
from costcalc.studies.options import GROUPS, Settings, all_settings


def refuse(command: str, options: Mapping[str, Any], remedy: str = "") -> None:
    """UsageError for the first option that is given and does not go with a command."""
    for option, value in options.items():
        if value:
            raise UsageError(f"{option} does not go with {command}", remedy or "leave it out")


def refuse_code(models: Sequence[str], allow_code: bool, init: bool) -> None:
    """UsageError for a model that is code to import, unless that is allowed; and where a config would name it."""
    for model in models:
        if isinstance(model, NamedModel) and init:
            raise UsageError(
                f"{model} is Python code, which no config names", "export it: torch.export.save writes a .pt2"
            )
        if isinstance(model, NamedModel) and not allow_code:
            raise UsageError(f"{model} is Python code, and importing code runs it", "allow it with --allow-code")


class CommandLimits(NamedTuple):
    """The limits of the command line, as texts."""

    maxima: Sequence[str] = ()
    minima: Sequence[str] = ()
    requirements: Sequence[str] = ()
    increases: Sequence[str] = ()
    deltas: Sequence[str] = ()
    allow: tuple[str, ...] = ()

    def by_option(self) -> dict[str, Sequence[str]]:
        """The texts by their options: --max, --min …"""
        options = ("--max", "--min", "--require", "--max-increase", "--min-delta", "--allow")
        return dict(zip(options, self, strict=True))

    def limit_set(self, devices: Sequence[str]) -> LimitSet:
        """Names of devices -> the limits; one of a device that names none is of each of them. UsageError where a text
        is no limit, and where two are on the same quantity."""
        texts_by_option = {"--max": self.maxima, "--min": self.minima, "--require": self.requirements}
        limits = [
            limit
            for option, texts in texts_by_option.items()
            for text in texts
            for limit in parse_limits(text, option, devices)
        ]
        return make_limit_set(
            limits, read_increases(self.increases, devices), map(parse_delta, self.deltas), self.allow
        )


def choose_config(
    models: Sequence[str], file: str | None, limits: CommandLimits, settings: Settings
) -> tuple[Config, tuple[str, ...]]:
    """The config to run, and which of its models. Limits on the command line stand for a config: none is read then.
    Without either nothing is held."""
    texts_by_option = limits.by_option()
    deltas, allow = texts_by_option.pop("--min-delta"), limits.allow
    del texts_by_option["--allow"]
    if any(texts_by_option.values()):
        if file is not None:
            refuse(f"--config {file}", texts_by_option, "write the limits there")
        if not models:
            option = next(option for option, texts in texts_by_option.items() if texts)
            raise UsageError(
                f"{option} is for models that are named", "name them: costcalc check MODEL --max macs=600M"
            )
        return make_config(model_paths(models), limits.limit_set(settings.devices), settings), ()
    path = file or find_config_file()
    if path is None:
        return make_config(model_paths(models), limits.limit_set(settings.devices), settings), ()
    refuse(f"the config {path}", {"--min-delta": deltas, **options_of(settings)}, "write it there")
    config = read_config_file(path)
    if allow:
        entries = [replace(e, budget=replace(e.budget, allow=(*e.budget.allow, *allow))) for e in config.entries]
        config = replace(config, entries=tuple(entries))
    return config, tuple(models)


def enforce(config: Config, codes: Sequence[str]) -> Config:
    """A config, and codes or their beginnings -> the config in which they are errors. UsageError for one that is
    none."""
    levels = config.levels._replace(enforced=tuple([require_known(code.upper()) for code in codes]))
    return replace(config, levels=levels) if codes else config


def lock_config(models: Sequence[str], file: str | None, settings: Settings) -> Config:
    """The config to lock: a file's; where there is none, the named models under the settings of the command line, with
    every amount that these ask for. UsageError for settings beside a file's."""
    path = file or find_config_file()
    if path is None and models:
        return make_lock_config(model_paths(models), settings)
    config = nearest_config(path)
    refuse(f"the config {path}", options_of(settings), "write it there")
    if not config.entries:
        raise UsageError(f"{config.file} names no model", "list models there: `models: [models/*.yaml]`")
    return config


def options_of(settings: Settings) -> dict[str, Any]:
    """The options of the settings that are not their defaults."""
    settings_by_group, fields = all_settings(), settings.to_dict()
    values_by_option = {setting.option: fields.get(setting.name) for setting in settings_by_group[""]}
    for group in GROUPS:
        options = fields.get(group)
        if options is not None:
            values = options if isinstance(options, Mapping) else {}
            values_by_option |= {setting.option: values.get(setting.name) for setting in settings_by_group[group]}
            values_by_option |= {"--training": True} if group == "training" else {}
            values_by_option |= {"--prompt": True} if group == "generation" and not values else {}
    return {**values_by_option, "--hardware": fields.get("devices")}


def write_config(
    models: Sequence[str], file: str | None, slack: str | None, force: bool, settings: Settings, jobs: int
) -> int:
    """Writes a config from what the models cost now; 2 where one of them cannot be read."""
    from costcalc.studies.check.init import make_initial_config
    from costcalc.studies.check.model_files import find_models

    target = Path(file or "costcalc.yaml")
    if target.suffix not in YAML.suffixes:
        raise UsageError(f"{target} is no name of a config", "name a .yaml file; its content fits [tool.costcalc] too")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", "overwrite it with --force, or name another with --config")
    share = parse_percent(slack or "10%")
    paths = model_paths(models) if models else find_models(target.parent)
    if not paths:
        raise UsageError("there is no .onnx or .yaml model here", "name models: costcalc check --init MODEL …")
    initial = make_initial_config(paths, target, share, settings, jobs)
    write_text(initial.text, str(target))
    for line in initial.unreadable:
        print_error(f"costcalc: {line}")
    count = f"{initial.models:,} {'model' if initial.models == 1 else 'models'}"
    count = count if initial.limited == initial.models else f"{initial.limited:,} of {count}"
    text = f"{target}: limits of {count}; hold them with `costcalc check`, lock the figures with `costcalc lock`"
    text = text if initial.limited else f"{target} is written, and no model has limits in it yet"
    write_text(printable_lines("\n".join([text, *(f"  {gap}" for gap in initial.gaps)])), None)
    return 2 if initial.unreadable else 0
