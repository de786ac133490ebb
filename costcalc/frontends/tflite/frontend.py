"""A `.tflite` source (file or bytes) -> Loaded. A file is mapped into memory: constants are not read."""

from __future__ import annotations

import mmap
from pathlib import Path

from costcalc.core.errors import CostcalcError, LoadError
from costcalc.core.ir import Graph
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.frontends.tflite.flatbuffer import Buffer
from costcalc.frontends.tflite.model import read_model
from costcalc.frontends.tflite.reader import load_model


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it is damaged. UnknownNameError for options.params and options.values, and for an
    input that it does not have."""
    options.refuse("params", "--set is for YAML models and modules", "a .tflite file has no parameters; use --shape")
    options.refuse("values", "--value is for ONNX models", "a .tflite file has its values in it; use --shape")
    try:
        if source.path is None:
            return Loaded(_load(source.content(), source, options))
        with source.open() as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return Loaded(_load(mapped, source, options))
    except CostcalcError as error:
        raise error.at(source.file) from error
    except OSError as error:
        fact = f"{source.file} cannot be read: {error.strerror}"
        raise LoadError(fact, "check the path and its permissions") from error


def _load(buffer: Buffer, source: Source, options: ReadOptions) -> Graph:
    return load_model(read_model(buffer), Path(source.name).stem, source.file, options)
