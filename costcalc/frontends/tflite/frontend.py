"""A `.tflite` source (file or bytes) -> Loaded. A file is mapped into memory: constants are not read."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from costcalc.core.errors import CostcalcError, LoadError
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.source import Source
from costcalc.frontends.tflite.model import TfliteModel, read_model
from costcalc.frontends.tflite.reader import load_model
from costcalc.frontends.tflite.signatures import signature_parameters


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it is damaged. UnknownNameError for options.values, and for an input or a signature
    that it does not have."""
    options.refuse("values", "--value is for ONNX models", "a .tflite file has its values in it; use --shape")
    with open_model(source) as model:
        return Loaded(load_model(model, Path(source.name).stem, source.file, options))


def parameters(source: Source) -> Mapping[str, Any]:
    """The model's parameters: the signature that is read. LoadError where it is damaged."""
    with open_model(source) as model:
        return signature_parameters(model)


@contextmanager
def open_model(source: Source) -> Iterator[TfliteModel]:
    """A source -> its tables, while its file is mapped. An error within gets the file's name."""
    try:
        if source.path is None:
            yield read_model(source.content())
            return
        with source.open() as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield read_model(mapped)
    except CostcalcError as error:
        raise error.at(source.file) from error
    except OSError as error:
        fact = f"{source.file} cannot be read: {error.strerror}"
        raise LoadError(fact, "check the path and its permissions") from error
