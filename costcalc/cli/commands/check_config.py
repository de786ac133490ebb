"""The command line of `check` → the config that is run: a file's, or one made of --max and its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from costcalc.cli.commands.analyze import model_paths
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import TOTALS
from costcalc.core.units import parse_percent, parse_seconds
from costcalc.studies.check.budget import LIMITS, USUAL, Config, Entry, Increase, Limit
from costcalc.studies.check.config_limits import Asked, amount, check_limit, parser
from costcalc.studies.options import Settings


def refuse(command: str, given: Mapping[str, Any], remedy: str = "") -> None:
    """UsageError for the first option that is given and does not go with a command."""
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} does not go with {command}", remedy or "leave it out")


def chosen(
    models: Sequence[str],
    file: str | None,
    most: Sequence[str],
    increases: Sequence[str],
    deltas: Sequence[str],
    allow: tuple[str, ...],
    options: Mapping[str, Any],
) -> tuple[Config, tuple[str, ...]]:
    """The config to run, and which of its models. Limits on the command line stand for a config: none is read then."""
    from costcalc.studies.check.config_file import find, read

    if not (most or increases):
        found = file or find()
        if found is None:
            raise UsageError(
                "there is no costcalc.yaml here or further up",
                "give a limit (costcalc check MODEL --max macs=600M), or write a config with `costcalc check --init`",
            )
        names = {"--min-delta": deltas, **{_OPTIONS[key]: value for key, value in options.items()}}
        refuse(f"the config {found}", names, "write it there")
        config = read(found)
        if allow:
            entries = [replace(e, budget=replace(e.budget, allow=(*e.budget.allow, *allow))) for e in config.entries]
            config = replace(config, entries=tuple(entries))
        return config, tuple(models)
    if file is not None:
        refuse(f"--config {file}", {"--max": most, "--max-increase": increases}, "write the limits there")
    if not models:
        raise UsageError("--max is for models that are named", "name them: costcalc check MODEL --max macs=600M")
    asked = Asked(
        {(limit.quantity, limit.of): limit for limit in map(limit, most)},
        {(increase.quantity,): increase for text in increases for increase in _increases(text)},
        dict(map(_delta, deltas)),
        {},
        allow,
    )
    settings = Settings(**options)
    paths = dict.fromkeys(model_paths(models))
    return Config("", Path(), tuple([Entry(p, "", "", settings, asked.budget()) for p in paths])), ()


_OPTIONS = {
    "params": "--set",
    "dims": "--dim",
    "shapes": "--shape",
    "values": "--value",
    "symbolic": "--symbolic",
    "dtype": "--dtype",
    "act_dtype": "--act-dtype",
}


def limit(text: str) -> Limit:
    """macs=600M, time.t4=2.1ms, ops.Gelu=0. UsageError where it is none."""
    name, value = _pair(text, "--max", "macs=600M")
    quantity, dot, of = name.partition(".")
    if quantity not in LIMITS:
        raise _unknown("--max", quantity, LIMITS)
    if (quantity in ("time", "ops")) != bool(dot and of):
        example = {"time": "time.t4=2.1ms", "ops": "ops.Gelu=0"}.get(quantity, f"{quantity}=…")
        raise UsageError(f"--max {text} is not understood", f"write it as {example}")
    made = Limit(quantity, parse_seconds(value) if quantity == "time" else parser(quantity)(value), of)
    check_limit(made)
    return made


def _increases(text: str) -> list[Increase]:
    if "=" not in text and text.endswith("%"):
        share = parse_percent(text)
        return [Increase(quantity, share) for quantity in USUAL]
    quantity, value = _pair(text, "--max-increase", "macs=2%")
    if quantity not in TOTALS:
        raise _unknown("--max-increase", quantity, TOTALS)
    return [Increase(quantity, *amount(quantity)(value))]


def _delta(text: str) -> tuple[tuple[str], int]:
    quantity, value = _pair(text, "--min-delta", "macs=1M")
    if quantity not in TOTALS:
        raise _unknown("--min-delta", quantity, TOTALS)
    return (quantity,), parser(quantity)(value)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"{option} {text!r} is not understood", f"write it as {option} {example}")
    return name.strip(), value.strip()


def _unknown(option: str, word: str, words: Sequence[str]) -> UsageError:
    return UsageError(
        f"{option}: there is no quantity {word!r}", did_you_mean(word, words) or "use one of " + ", ".join(words)
    )


def written(
    models: Sequence[str], file: str | None, slack: str | None, force: bool, options: Mapping[str, Any], jobs: int
) -> int:
    """Writes a config from what the models cost now; 2 where one of them cannot be read."""
    import click

    from costcalc.cli.output import complain, emit
    from costcalc.studies.check.init import initial, models_in

    target = Path(file or "costcalc.yaml")
    if target.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{target} is no name of a config", "name a .yaml file; its content fits [tool.costcalc] too")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", "overwrite it with --force, or name another with --config")
    share = parse_percent(slack or "10%")
    named = model_paths(models) if models else models_in(target.parent)
    if not named:
        raise UsageError("there is no .onnx or .yaml model here", "name models: costcalc check --init MODEL …")
    made = initial(named, target, share, Settings(**options), jobs)
    emit(made.text, str(target))
    for line in made.unread:
        complain(f"costcalc: {line}")
    count = f"{made.models:,} {'model' if made.models == 1 else 'models'}"
    click.echo(f"{target}: limits of {count}; hold them with `costcalc check`, lock the figures with `costcalc lock`")
    return 2 if made.unread else 0
