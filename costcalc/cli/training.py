"""The options of `--training`, and the report with what training costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from costcalc.report import Report

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw-8bit")
NAMES = ("optimizer", "freeze", "input_gradient", "checkpoint")


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--training, --optimizer, --freeze, --input-gradient, --checkpoint."""
    options = (
        click.option("--training", is_flag=True, help="Add what a training step costs: backward MACs and memory."),
        click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="Whose state is kept.  [default: adam]"),
        click.option("--freeze", multiple=True, metavar="PATTERN",
                     help="Do not train parameters, layers or blocks of this name: --freeze 'layer1*'."),
        click.option("--input-gradient", is_flag=True, help="Compute the gradient of the float inputs too."),
        click.option("--checkpoint", is_flag=True,
                     help="Keep only the inputs of blocks and compute the rest of them again."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def training_of(options: dict[str, Any]) -> dict[str, Any] | None:
    """Takes the options of training out of a command's; None without --training, UsageError where another is given."""
    training = options.pop("training")
    chosen = {name: value for name in NAMES if (value := options.pop(name))}
    if not training:
        for name in chosen:
            raise UsageError(f"--{name.replace('_', '-')} says how a model is trained", "add --training")
    return chosen if training else None


def trained(report: Report, setup: dict[str, Any] | None) -> Report:
    """The report with what training costs, where that is asked."""
    if setup is None:
        return report
    from costcalc.training.account import Setup, train

    return train(report, Setup(**setup))
