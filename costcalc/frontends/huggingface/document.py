"""Bytes of a config.json -> its fields, bounded in size and depth; a directory -> its config.json."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.frontends.checkpoint.folder import ModelFolder
from costcalc.frontends.json_document import parse_object
from costcalc.frontends.recognition import CONFIG_NAME
from costcalc.frontends.source import RemoteModel, Source

MAX_BYTES = 8 << 20
"""The largest configuration: the published ones have at most some hundred kilobytes."""

MAX_DEPTH = 16

MAX_FIELDS = 100_000

LAYERS_FIELD = "per_layer_config"
"""The end of a field's name that holds, by the numbers of layers, what a layer has else than the others. transformers
writes it (integrations/heterogeneity) and reads its keys by int()."""

MAX_LAYERS = 10_000
"""The largest number of a layer with fields of its own."""

MAX_NUMBER = 1 << 62
"""The largest whole number of a field: no extent is as large."""


def config_source(source: Source, folder: ModelFolder | None = None) -> Source:
    """A directory of a downloaded model, or a remote folder -> its config.json; a file as it is. LoadError where a
    remote folder has none."""
    if isinstance(source.object, RemoteModel) and folder is not None:
        content, file = folder.content(CONFIG_NAME), f"{source.file.removesuffix('/' + CONFIG_NAME)}/{CONFIG_NAME}"
        if content is None:
            remedy = "name a folder with one, or a GGUF file: hf:ORG/NAME/FILE.gguf"
            raise LoadError(f"there is no {CONFIG_NAME}", remedy, source.file)
        return replace(source, object=None, data=content, kind=".json", file=file)
    if not source.is_directory or source.path is None:
        return source
    path = source.path / CONFIG_NAME
    return replace(source, path=path, kind=path.suffix, file=str(path))


def read_fields(source: Source) -> dict[str, Any]:
    """A configuration -> its fields by name. LoadError where it is no JSON object, gives a field twice, or is larger,
    deeper or holds larger numbers than any network needs."""
    if source.size > MAX_BYTES:
        raise LoadError(f"it has {source.size:,} bytes", f"a configuration has at most {MAX_BYTES:,}", source.file)
    try:
        fields = parse_object(source.content())
        _check(fields)
    except LoadError as error:
        raise error.at(source.file) from error
    return fields


def _check(fields: Mapping[str, Any]) -> None:
    """LoadError for what is deeper, longer or larger than the limits."""
    pending: list[tuple[Any, int]] = [(fields, 1)]
    count = 0
    while pending:
        value, depth = pending.pop()
        count += 1
        if count > MAX_FIELDS:
            raise LoadError(f"it has more than {MAX_FIELDS:,} values", "give the configuration of one model")
        if isinstance(value, (dict, list)):
            if depth > MAX_DEPTH:
                raise LoadError(f"more than {MAX_DEPTH} levels are nested", "give the configuration of one model")
            pending += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]
        elif isinstance(value, int) and abs(value) > MAX_NUMBER:
            raise LoadError(f"it holds the number {value:.3g}", "no extent is as large")


def flatten(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Fields -> (path, value) of all that hold no fields themselves: `rope_parameters.rope_theta`. Of a list of objects
    each path stands for the list of its values, None where an element has none: `block_configs[].attention.no_op`.
    `per_layer_config` is such a list, and `per_layer_config[]` lists the layers that it names."""
    for name, value in fields.items():
        path = f"{prefix}{name}"
        layers = _own_layers(value) if name.endswith(LAYERS_FIELD) else None
        if layers is not None:
            yield from _flatten_rows([layers.get(i) for i in range(max(layers, default=-1) + 1)], path)
            yield f"{path}[]", list(layers)
        elif isinstance(value, dict) and value:
            yield from flatten(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield from _flatten_rows(value, path)
        else:
            yield path, value


def _flatten_rows(rows: list[Any], path: str) -> Iterator[tuple[str, list[Any]]]:
    values = [dict(flatten(item)) if isinstance(item, dict) else {} for item in rows]
    for key in dict.fromkeys(key for row in values for key in row):
        yield f"{path}[].{key}", [row.get(key) for row in values]


def _own_layers(value: Any) -> dict[int, dict[str, Any]] | None:
    """An object by numbers of layers -> the fields of each; None where it is another object."""
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        return None
    if not all(key.isascii() and key.isdecimal() and len(key) < 19 and int(key) < MAX_LAYERS for key in value):
        return None
    return {int(key): item for key, item in value.items()}


def is_finite(value: Any) -> bool:
    """Whether no number of a value is infinite or undefined."""
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
