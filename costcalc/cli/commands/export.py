"""The commands that write for other programs: ONNX files, overlays of viewers, JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from costcalc.cli.formats import refuse_ending
from costcalc.cli.output import output_option, write_bytes, write_text
from costcalc.cli.parameters import Model, NameList, Word, debug_option
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from costcalc.studies.options import Settings

OTHER_MODELS = (
    *("yaml", "yml", "md", "txt", "xml", "pt", "pth", "pt2", "h5", "keras", "tflite", "safetensors", "gguf", "npz"),
    *("ort", "onnxtxt", "onnxtext", "textproto", "prototxt", "pbtxt"),
)
"""Endings of other forms of models, ONNX's text forms among them: none is the binary file that `export` writes."""


def layer_quantities() -> Iterable[str]:
    """The names of the quantities that nodes have in an overlay."""
    from costcalc.views.overlay import NODE_QUANTITIES

    return NODE_QUANTITIES


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("devices")
@click.option(
    "--weights",
    type=Word(("zeros", "random", "none")),
    default="zeros",
    show_default=True,
    help="The weights to write; none leaves them out, as external data that does not exist.",
)
@click.option(
    "--overlay",
    type=Word(("netron", "model-explorer")),
    help="Write the costs of the nodes of a .onnx, .tflite or .pt2 file as JSON that this viewer shows over it.",
)
@click.option(
    "--quantity",
    type=NameList(layer_quantities, several=False),
    default="",
    metavar="QUANTITY",
    help="Of an overlay: macs, flops, params, buffers, weight_bytes, activation_bytes, traffic_bytes, or time.DEVICE "
    "with --hardware.  [default: all for netron, macs for model-explorer]",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="The ONNX file, or the overlay, to write; - is standard output.",
)
def export(model: str, weights: str, overlay: str | None, quantity: str, output: str, settings: Settings) -> None:
    """Write a model as an ONNX file that ONNX Runtime runs, or its costs for a viewer of models."""
    if overlay is not None:
        from costcalc.views.overlay import overlay_text

        refuse_ending(output, "JSON", ("json",), (*OTHER_MODELS, "onnx"))
        write_text(overlay_text(model, overlay, settings, quantity), None if output == "-" else output)
        return
    from costcalc.frontends.onnx.writer import export, serialize_graph
    from costcalc.studies.pipeline import load

    for option, value in {
        "--quantity": quantity,
        "--hardware": settings.devices,
        "--dtype": settings.dtype,
        "--act-dtype": settings.act_dtype,
    }.items():
        if value:
            raise UsageError(f"{option} says nothing to an ONNX file", "it is for --overlay")
    refuse_ending(output, "ONNX", ("onnx",), OTHER_MODELS)
    graph = load(model, settings)
    if output == "-":
        write_bytes(serialize_graph(graph, weights))
    else:
        export(graph, output, weights)


def schema_names() -> tuple[str, ...]:
    """The names of the schemas."""
    from costcalc.views.json_schema import NAMES

    return NAMES


@click.command()
@click.argument("name", default="model", type=NameList(schema_names, several=False))
@debug_option
@output_option
def schema(name: str, output: str | None) -> None:
    """Print the JSON Schema of a file that costcalc reads, or of a document that it prints.

    NAME is `model` (the YAML language; the default), `config` (costcalc.yaml), `device` (a profile for --hardware), a
    command whose JSON it describes (analyze, compare, explain, memory, llm, check, diff, sweep, suggest, reconcile),
    `lock` (costcalc.lock.json) or `table` (models, hardware, ops, rule, table). Editors complete and check YAML files
    by the first three.
    """
    import json

    from costcalc.render.terminal import knows_unicode
    from costcalc.views.json_schema import find_schema

    refuse_ending(output, "JSON", ("json",), ("yaml", "yml"))
    write_text(json.dumps(find_schema(name), indent=2, ensure_ascii=not knows_unicode()), output)
