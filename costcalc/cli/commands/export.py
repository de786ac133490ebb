"""The commands that write for other programs: ONNX files, JSON Schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.formats import refuse_ending
from costcalc.cli.output import output_option, write_bytes, write_text
from costcalc.cli.parameters import Model, NameList, Word, debug_option
from costcalc.cli.settings import SettingsCommand, settings_options

if TYPE_CHECKING:
    from costcalc.studies.options import Settings

OTHER_MODELS = (
    *("yaml", "yml", "md", "txt", "xml", "pt", "pth", "pt2", "h5", "keras", "tflite", "safetensors", "gguf", "npz"),
    *("ort", "onnxtxt", "onnxtext", "textproto", "prototxt", "pbtxt"),
)
"""Endings of other forms of models, ONNX's text forms among them: none is the binary file that `export` writes."""


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("", omit=("dtype", "act_dtype"))
@click.option(
    "--weights",
    type=Word(("zeros", "random", "none")),
    default="zeros",
    show_default=True,
    help="The weights to write; none leaves them out, as external data that does not exist.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="The ONNX file to write; - is standard output.",
)
def export(model: str, weights: str, output: str, settings: Settings) -> None:
    """Write a model as an ONNX file that ONNX Runtime runs."""
    from costcalc.frontends.onnx.writer import export, serialize_graph
    from costcalc.studies.pipeline import load

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
