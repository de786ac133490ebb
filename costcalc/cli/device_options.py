"""`--hardware`: how devices are named on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.parameters import Names
from costcalc.studies.options import device_names

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from costcalc.analysis.report import Report
    from costcalc.analysis.roofline.roofline import Roofline


def profiles() -> tuple[str, ...]:
    """The names of the profiles that come with costcalc."""
    from costcalc.analysis.hardware.catalogue import ids

    return ids()


class Devices(Names):
    """NAME[,NAME]: a profile's name or alias, or the path of a profile; the shell completes the names."""

    def __init__(self) -> None:
        super().__init__(profiles)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return super().shell_complete(ctx, param, incomplete) or [CompletionItem(incomplete, type="file")]


def hardware_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--hardware, as often as wanted."""
    words = "Bounds of time and energy on a device, and whether the model fits (see `costcalc hardware`; your own is a "
    return click.option("--hardware", multiple=True, type=Devices(), help=f"{words}.yaml file).")(command)


def names(given: Sequence[str]) -> tuple[str, ...]:
    """The devices asked for, each once. UsageError where a name is empty."""
    return device_names(given)


def on_devices(report: Report, given: Sequence[str]) -> tuple[Roofline, ...]:
    """The report on each device that is asked for."""
    if not given:
        return ()
    from costcalc.analysis.hardware.catalogue import find
    from costcalc.analysis.roofline.bounds import rooflines

    profiles = {profile.id: profile for profile in map(find, names(given))}
    return rooflines(report, tuple(profiles.values()))
