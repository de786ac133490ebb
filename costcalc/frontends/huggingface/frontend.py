"""A Hugging Face configuration -> Loaded: the graph of its family's YAML model with its numbers; of a network of parts
(text_config, vision_config) the graphs of the parts, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from costcalc.core.errors import CostcalcError, LoadError
from costcalc.core.ir import Graph
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.huggingface.context import context_limit
from costcalc.frontends.huggingface.document import config_source, read_fields
from costcalc.frontends.huggingface.family import Family, find_family, unknown_remedy
from costcalc.frontends.huggingface.mapping import find_parameters, weight_type
from costcalc.frontends.huggingface.parts import part_parameters, read_parts
from costcalc.frontends.huggingface.weights import model_folder, store_weights
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.recognition import CONFIG_NAME
from costcalc.frontends.source import Source
from costcalc.frontends.yaml.expression import evaluate
from costcalc.frontends.yaml.layers.base import ParameterStyle
from costcalc.frontends.yaml.reader import load_spec, read_parameters


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where the configuration is broken, of a type that is not known, or has a field that is not
    understood; UnknownNameError for options.values. `--set` replaces fields by the names of the family's parameters, of
    a part's as `vision_config.depth`."""
    options.refuse("values", "--value is for ONNX models", "use --set for a configuration's fields")
    folder = model_folder(source)
    config = config_source(source, folder)
    fields = read_fields(config)
    named = replace(source, name=model_name(source), file=config.file)
    graph = read_network(fields, named, source.name, options)._replace(context_limit=context_limit(fields))
    return Loaded(store_weights(_note_prediction(graph, fields), fields, folder))


def read_network(
    fields: Mapping[str, Any], source: Source, origin: str, options: ReadOptions, whole: Mapping[str, Any] | None = None
) -> Graph:
    """Fields of a configuration or of a part's, its name and file in errors, where it comes from, and whole: values
    of a part's parameters that stand in the whole configuration -> its graph."""
    family, model_type = family_of(fields, source.file)
    if family.parts:
        return read_parts(fields, family, source, origin, options, read_network)
    values = {**find_parameters(fields, family, source.file), **(whole or {}), **options.params}
    try:
        _check_requirements(family, values, model_type)
        return load_spec(
            family.text,
            family.file,
            origin,
            params=values,
            dims=options.dims,
            shapes=options.shapes,
            symbolic=options.symbolic,
            upper=options.upper,
            name=source.name,
            model_type=model_type,
            style=ParameterStyle(weight_type(fields, source.file), "."),
        )
    except CostcalcError as error:
        raise error.in_file(source.file) from error


def _check_requirements(family: Family, values: Mapping[str, Any], model_type: str) -> None:
    """LoadError where the values of parameters break a condition of the family."""
    if family.requires:
        names = read_parameters(family.text, family.file, values, model_type)
        for condition, fact in family.requires.items():
            if not evaluate(condition, names):
                raise LoadError(fact.format_map(names), f"the family {family.file} has no such network")


def parameters(source: Source) -> Mapping[str, Any]:
    """The parameters of the configuration's family, with the values that the configuration gives them; of a network of
    parts those of each, as `text_config.hidden_size`."""
    config = config_source(source, model_folder(source))
    return parameters_of(read_fields(config), config.file)


def parameters_of(fields: Mapping[str, Any], file: str) -> dict[str, Any]:
    family, model_type = family_of(fields, file)
    if family.parts:
        return part_parameters(fields, family, file, parameters_of)
    return read_parameters(family.text, family.file, find_parameters(fields, family, file), model_type)


def family_of(fields: Mapping[str, Any], file: str) -> tuple[Family, str]:
    """Fields of a configuration -> its family and model type. LoadError where it names none that is known."""
    model_type = fields.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        classes = fields.get("architectures")
        fact = f"it has no model_type, only architectures: {classes}" if classes else "it has no model_type"
        raise LoadError(fact, unknown_remedy("") if classes else "a configuration names its family there", file)
    return find_family(model_type, file), model_type


def model_name(source: Source) -> str:
    """A configuration's source -> the model's name in reports: that of its directory, else of its file."""
    path = PurePath(source.name)
    name = path.parent.name if path.name == CONFIG_NAME else path.name.removesuffix(".json")
    if not name and source.path is not None:
        folder = source.path if source.is_directory else source.path.parent
        name = folder.resolve().name
    return name or source.name


PREDICTION_FIELDS = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers")
"""Fields with the number of layers that predict tokens behind the next one."""


def _note_prediction(graph: Graph, fields: Mapping[str, Any]) -> Graph:
    """The graph with a note where the checkpoint has layers that predict tokens behind the next one."""
    text_fields = fields.get("text_config")
    for part in (fields, text_fields if isinstance(text_fields, dict) else {}):
        for name in PREDICTION_FIELDS:
            count = part.get(name)
            if type(count) is int and count > 0:
                text = f"{name} is {count}: what predicts tokens behind the next one is left out, as transformers does"
                return graph._replace(notes=(*graph.notes, text))
    return graph
