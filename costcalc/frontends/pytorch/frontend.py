"""A `.pt2` source (file or bytes) -> Loaded."""

from __future__ import annotations

from pathlib import Path

from costcalc.core.errors import CostcalcError
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.options import NO_PARAMETERS, ReadOptions
from costcalc.frontends.pytorch.reader import load_program, read_program
from costcalc.frontends.source import Source


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it is damaged. UnknownNameError for options.params and options.values."""
    options.refuse("params", NO_PARAMETERS, "a .pt2 file has no parameters; --dim binds its symbols")
    options.refuse("values", "--value is for ONNX models", "a .pt2 file has its values in it; use --dim")
    try:
        with source.open() as file:
            program = read_program(file, source.members)
        return Loaded(load_program(program, Path(source.name).stem, source.file, options))
    except CostcalcError as error:
        raise error.at(source.file) from error
