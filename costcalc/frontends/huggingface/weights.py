"""A configuration's graph and the folder that it lies in -> the graph with its weights as they are stored.

The headers of the folder's safetensors files decide; without files, `quantization_config` of the configuration, or
ModelOpt's hf_quant_config.json beside it, says how the weights are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, Graph, WarningNote
from costcalc.frontends.checkpoint.folder import LocalFolder, ModelFolder
from costcalc.frontends.checkpoint.quantisation import QuantisationScheme, parse_quantisation
from costcalc.frontends.checkpoint.storage import apply_files, apply_scheme
from costcalc.frontends.json_document import parse_object
from costcalc.frontends.recognition import CONFIG_NAME
from costcalc.frontends.remote.address import parse_address
from costcalc.frontends.remote.repository import RemoteFolder
from costcalc.frontends.source import RemoteModel, Source

MODELOPT_NAME = "hf_quant_config.json"

SCALE_ENCODINGS = {DType.FLOAT16: "F16", DType.FLOAT32: "F32"}
"""The element type of weights -> that of scales that a tool stores in the model's own; BF16 of all others."""


def model_folder(source: Source) -> ModelFolder | None:
    """A source -> the folder of its files: a directory, that of a file config.json, or a remote one; None of another
    file, and of bytes."""
    if isinstance(source.object, RemoteModel):
        return RemoteFolder(parse_address(source.object.text))
    if source.path is None:
        return None
    if source.is_directory:
        return LocalFolder(source.path, source.file)
    return LocalFolder(source.path.parent, str(source.path.parent)) if source.path.name == CONFIG_NAME else None


def store_weights(graph: Graph, fields: Mapping[str, Any], folder: ModelFolder | None) -> Graph:
    """The graph of a configuration with the bytes of its weights as they are stored; as it is where nothing says so. A
    quantisation that is not known is named in a note where no files are there. LoadError where a file is damaged."""
    files = None if folder is None else folder.weight_files()
    dtype = next((t.dtype for t in graph.initializers.values() if t.dtype.is_float), DType.BFLOAT16)
    scheme: QuantisationScheme | None = None
    notes: tuple[str, ...] = ()
    config = _quantisation_config(fields, folder)
    if config:
        try:
            scheme = parse_quantisation(config, fields, SCALE_ENCODINGS.get(dtype, "BF16"))
        except LoadError as error:
            notes = (WarningNote(f"{error.fact}; the weights' bytes are told as if they were {dtype}"),)
    if files is not None:
        return apply_files(graph, files, scheme)
    graph = replace(graph, notes=(*graph.notes, *notes))
    return graph if scheme is None else apply_scheme(graph, scheme)


def _quantisation_config(fields: Mapping[str, Any], folder: ModelFolder | None) -> Mapping[str, Any] | None:
    """What says how weights are quantised: a section of the configuration or of its text model's, or ModelOpt's file."""
    text = fields.get("text_config")
    for section in (fields, text if isinstance(text, dict) else {}):
        config = section.get("quantization_config")
        if isinstance(config, dict) and config:
            return config
    content = None if folder is None else folder.content(MODELOPT_NAME)
    if content is None or folder is None:
        return None
    try:
        return parse_object(content)
    except LoadError as error:
        raise error.at(f"{folder.label}/{MODELOPT_NAME}") from error
