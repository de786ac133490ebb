"""`costcalc badge`: a total of a model, or the verdict of a config, as a badge for a README."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from costcalc.cli.output import write_text
from costcalc.cli.parameters import Count, Model, NameList, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.studies.options import Settings
    from costcalc.views.badge import Badge


def known_quantities() -> Iterable[str]:
    """The keys of the catalogue."""
    from costcalc.core.quantities import CATALOGUE

    return CATALOGUE


@click.command(cls=SettingsCommand)
@click.argument("model", required=False, type=Model())
@click.option(
    "--quantity",
    type=NameList(known_quantities, several=False),
    metavar="QUANTITY",
    help="What of the MODEL: macs, params, weight_bytes, arena_bytes, time.t4, fits.stm32h743 …  [default: macs]",
)
@click.option("--label", default="", metavar="TEXT", help="The text on the left.  [default: the quantity, or costcalc]")
@click.option("--config", metavar="FILE", type=click.Path(dir_okay=False), help="The config, without MODEL.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Only the models of a group of the config.")
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Read the config's models in N processes.")
@settings_options()
@output_options("svg", "json")
def badge(
    model: str | None,
    quantity: str | None,
    label: str,
    config: str | None,
    groups: tuple[str, ...],
    jobs: int,
    settings: Settings,
    form: str,
    output: str | None,
) -> None:
    """Write a badge: a total of MODEL, or without MODEL whether the config's models keep to their limits.

    SVG is a picture to commit or to publish, JSON what shields.io's endpoint badge reads. The verdict is in the badge:
    the exit code is 0 where it could be made.
    """
    from costcalc.render import badge as renderer

    if model is not None and (config is not None or groups):
        raise UsageError("a badge is of a MODEL or of a config", "leave one out")
    made = (
        _verdict(config, groups, quantity, label, settings, jobs)
        if model is None
        else _total(model, quantity, label, settings)
    )
    write_text(renderer.svg(made) if form == "svg" else renderer.endpoint(made), output)


def _total(model: str, quantity: str | None, label: str, settings: Settings) -> Badge:
    """A figure of a model. UsageError for what is no quantity, or is of several devices; the model's own error where it
    cannot be read, or does not have the quantity."""
    from costcalc.core.quantities import parse_quantities
    from costcalc.studies.measurement import measure
    from costcalc.views.badge import figure_badge

    ref, *others = parse_quantities(quantity or "macs", settings.devices)
    if others:
        raise UsageError(f"a badge has one figure, and {quantity} is of several devices", f"write {ref.key}")
    measurement = measure(model, settings.extend_for([ref]))
    for further in settings.quantities():  # refused where the model does not have what the settings ask for
        measurement.figure(further)
    return figure_badge(ref, measurement.figure(ref), label)


def _verdict(
    config: str | None, groups: tuple[str, ...], quantity: str | None, label: str, settings: Settings, jobs: int
) -> Badge:
    """The verdict of a config. UsageError for options that are a MODEL's."""
    from costcalc.cli.commands.check_config import options_of, refuse
    from costcalc.studies.check.config_file import nearest_config
    from costcalc.studies.check.run import run
    from costcalc.views.badge import verdict_badge

    refuse("a badge of the config", {"--quantity": quantity, **options_of(settings)}, "name a MODEL")
    return verdict_badge(
        run(nearest_config(config), groups=groups, jobs=jobs, raise_crashes="--debug" in sys.argv), label
    )
