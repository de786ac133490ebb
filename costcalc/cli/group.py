"""The command group: `costcalc --version`, and the page of help that lists the commands."""

from __future__ import annotations

import click

from costcalc.cli.examples import Sections
from costcalc.core.version import __version__

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Sections, context_settings=CONTEXT)
@click.version_option(__version__, message="costcalc %(version)s")
def cli() -> None:
    """What a neural network costs before anyone runs it: MACs, FLOPs, parameters and memory, layer by layer.

    MODEL is a YAML file, an ONNX file or a built-in name (see `costcalc models`); - reads standard input. Begin with
    `costcalc analyze MODEL`; `costcalc COMMAND --help` ends with examples.
    """
