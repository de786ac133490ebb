"""A YAML source -> Loaded, with the map of its layers where the options ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.frontends.frontend import Loaded
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.frontends.yaml.reader import load_spec, read_parameters
from costcalc.frontends.yaml.source_map import source_map


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. SpecError and ShapeError carry file:line:column. UnknownNameError for options.values."""
    options.refuse("values", "--value is for ONNX models", "use --set for a YAML model's parameters")
    arguments: dict[str, Any] = {
        "params": options.params,
        "dims": options.dims,
        "shapes": options.shapes,
        "symbolic": options.symbolic,
        "upper": options.upper,
    }
    content = source.content()
    if options.source_map:
        mapped = source_map(content, source.file, source.name, **arguments)
        if mapped is not None:
            return Loaded(mapped.trace.graph, mapped)
    return Loaded(load_spec(content, source.file, source.name, **arguments))


def parameters(source: Source) -> Mapping[str, Any]:
    """The parameters that the model names, with their defaults."""
    return read_parameters(source.content(), source.file, {})
