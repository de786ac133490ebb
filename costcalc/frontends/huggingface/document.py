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
    each path stands for the list of its values, None where an element has none: `block_configs[].attention.no_op`."""
    for name, value in fields.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            rows = [dict(flatten(item)) if isinstance(item, dict) else {} for item in value]
            for key in dict.fromkeys(key for row in rows for key in row):
                yield f"{path}[].{key}", [row.get(key) for row in rows]
        else:
            yield path, value


def is_finite(value: Any) -> bool:
    """Whether no number of a value is infinite or undefined."""
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
