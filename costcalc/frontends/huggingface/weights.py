"""A configuration's graph and the folder that it lies in -> the graph with its weights as they are stored.

The headers of the folder's safetensors files decide; without files, `quantization_config` of the configuration, or
ModelOpt's hf_quant_config.json beside it, says how the weights are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.core.ir import Graph
from costcalc.frontends.checkpoint.folder import LocalFolder, ModelFolder
from costcalc.frontends.json_document import parse_object
from costcalc.frontends.recognition import CONFIG_NAME
from costcalc.frontends.source import RemoteModel, Source

MODELOPT_NAME = "hf_quant_config.json"


def remote_folder(model: RemoteModel) -> Any:
    """The address of a model -> its RemoteFolder. Its modules are imported for such models alone: threads, hashes and
    temporary files take as long to import as a configuration to read."""
    return import_module("costcalc.frontends.remote.repository").open_folder(model.text)


def model_folder(source: Source) -> ModelFolder | None:
    """A source -> the folder of its files: a directory, that of a file config.json, or a remote one; None of another
    file, and of bytes."""
    if isinstance(source.object, RemoteModel):
        folder: ModelFolder = remote_folder(source.object)
        return folder
    if source.path is None:
        return None
    if source.is_directory:
        return LocalFolder(source.path, source.file)
    return LocalFolder(source.path.parent, str(source.path.parent)) if source.path.name == CONFIG_NAME else None


def store_weights(graph: Graph, fields: Mapping[str, Any], folder: ModelFolder | None) -> Graph:
    """The graph of a configuration with the bytes of its weights as they are stored; as it is where nothing says so.
    LoadError where a file is damaged. What reads quantisations is imported where there is one, or files are."""
    files = None if folder is None else folder.weight_files()
    config = _quantisation_config(fields, folder)
    if files is None and not config:
        return graph
    storage = import_module("costcalc.frontends.checkpoint.storage")
    stored: Graph = storage.apply_storage(graph, fields, config, files)
    return stored


def _quantisation_config(fields: Mapping[str, Any], folder: ModelFolder | None) -> Mapping[str, Any] | None:
    """What says how weights are quantised: a section of the configuration, or of its text model, or ModelOpt's file."""
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
