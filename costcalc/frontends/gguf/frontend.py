"""A GGUF file -> Loaded: the graph of its architecture's family, with the bytes of each tensor as the file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from costcalc.core.budget import spend
from costcalc.core.errors import LoadError
from costcalc.core.ir import Graph, StoredFormat
from costcalc.frontends.checkpoint.storage import ParameterStorage, add_weight, check_values, difference_notes
from costcalc.frontends.checkpoint.tensor import WeightFiles
from costcalc.frontends.checkpoint.weights import StoredWeight
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.gguf.configuration import configuration_fields, stated_context
from costcalc.frontends.gguf.files import SPLIT, GgufModel, read_source
from costcalc.frontends.gguf.names import TABLES, GgufNames
from costcalc.frontends.huggingface.frontend import parameters_of, read_network
from costcalc.frontends.huggingface.weights import remote_folder
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import RemoteModel, Source


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where the header is damaged, or the architecture is not known; UnknownNameError for
    options.values. `--set` replaces parameters of the family."""
    options.refuse("values", "--value is for ONNX models", "use --set for a family's parameters")
    model, fields = _read(source)
    named = replace(source, name=_model_name(source, model))
    try:
        graph = read_network(fields, named, source.name, options)
        graph = graph._replace(context_limit=stated_context(model.metadata))
        return Loaded(apply_tensors(graph, model.checkpoint))
    except LoadError as error:
        raise error.at(source.file) from error


def parameters(source: Source) -> Mapping[str, Any]:
    """The parameters of the file's family, with the values that its metadata give them."""
    return parameters_of(_read(source)[1], source.file)


def _read(source: Source) -> tuple[GgufModel, dict[str, Any]]:
    """A source -> its headers, and the fields of a configuration that they stand for."""
    try:
        if isinstance(source.object, RemoteModel):
            folder = remote_folder(source.object)
            model = folder.gguf(folder.address.file)
        else:
            model = read_source(source)
        return model, configuration_fields(model.metadata, model.checkpoint.tensors)
    except LoadError as error:
        raise error.at(source.file) from error


def _model_name(source: Source, model: GgufModel) -> str:
    """The name in the metadata, else the file's without its ending and number."""
    name = model.metadata.get("general.name")
    return str(name) if name else PurePath(SPLIT.sub("", source.name)).name.removesuffix(".gguf")


def apply_tensors(graph: Graph, files: WeightFiles) -> Graph:
    """The graph with the types and bytes of a GGUF file's tensors. What only one of both has is named in a note.
    LoadError where a tensor has other values than its parameter."""
    names = GgufNames(graph.initializers)
    storage: dict[str, ParameterStorage] = {}
    extra: list[tuple[str, int]] = []
    spend(2 * len(files.tensors))
    for name, tensor in files.tensors.items():
        parameter = names.find(name)
        if parameter:
            add_weight(storage, (parameter,), StoredWeight(name, tensor), None)
        elif not name.startswith(TABLES):
            extra.append((name, tensor.nbytes))
    for name, item in storage.items():
        check_values(graph, name, item)
    missing = [name for name in graph.initializers if name not in storage and name in graph.parameters]
    formats = {name: _format(item) for name, item in storage.items()}
    notes = difference_notes(graph, extra, missing)
    return graph._replace(stored_formats=formats, notes=(*graph.notes, *files.notes, *notes))


def _format(item: ParameterStorage) -> StoredFormat:
    """What a file has of a parameter -> its format. llama.cpp multiplies quantised weights by inputs that it quantises
    to 8 bits (ggml, vec_dot_type and mmq), others in a float type."""
    compute_dtype = "" if set(item.labels) <= {"F64", "F32", "F16", "BF16"} else "int8"
    return StoredFormat("+".join(item.labels), item.nbytes, compute_dtype)
