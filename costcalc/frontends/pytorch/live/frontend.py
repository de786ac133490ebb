"""A PyTorch module in memory, an ExportedProgram, or the text that names one -> Loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.budget import limited_work
from costcalc.core.elision import list_names
from costcalc.core.errors import CostcalcError, LoadError, UnknownNameError, UsageError
from costcalc.frontends.frontend import Loaded
from costcalc.frontends.module import TorchModule, is_library_network, unwrap_module
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.pytorch.program import ExportedProgram
from costcalc.frontends.pytorch.reader import load_program
from costcalc.frontends.source import Source

try:
    import torch
except ImportError as error:
    fact = "a PyTorch module is read by PyTorch, which is not installed here"
    remedy = "pip install 'costcalc[torch]'; a .pt2 file of torch.export.save is read without it"
    raise UsageError(fact, remedy) from error

from costcalc.frontends.pytorch.live.build import BuiltModule, build_object, find_object, signature_of
from costcalc.frontends.pytorch.live.convert import convert_program
from costcalc.frontends.pytorch.live.export import export_module
from costcalc.frontends.pytorch.live.inputs import bind_arguments
from costcalc.frontends.pytorch.live.libraries import build_network


def read(source: Source, options: ReadOptions) -> Loaded:
    """The model. LoadError where it cannot be built or exported; UnknownNameError for names that it does not have."""
    options.refuse("values", "--value is for ONNX models", "a module takes its values in args or kwargs")
    call = source.object if isinstance(source.object, TorchModule) else TorchModule(source.object, name=source.name)
    try:
        program, options = _export(call, options)
        with limited_work("reading the model", nodes=len(program.graph.calls)):
            return Loaded(load_program(program, source.name, source.file, options))
    except CostcalcError as error:
        raise error.at(source.file) from error


def parameters(source: Source) -> Mapping[str, Any]:
    """The keyword arguments of the class or function that a text names, with their defaults; none of a module."""
    text = source.object.module if isinstance(source.object, TorchModule) else source.object
    if not isinstance(text, str) or is_library_network(text):
        return {}
    found = find_object(text)
    if isinstance(found, (torch.nn.Module, TorchModule)) or not callable(found):
        return {}
    return {p.name: p.default for p in (signature_of(found) or {}).values() if p.default is not p.empty}


def _export(call: TorchModule, options: ReadOptions) -> tuple[ExportedProgram, ReadOptions]:
    """What is read and how -> the program, and what is left of the options for its reader."""
    built = _build(call, options)
    module = unwrap_module(built.module)
    if isinstance(module, TorchModule):
        inner = call.replace_module(module.module) if call.has_inputs else module
        return _export(inner, options._replace(params={}))
    if isinstance(module, torch.export.ExportedProgram):
        if call.has_inputs:
            raise UsageError("an ExportedProgram has its inputs in it", "leave the inputs out; bind extents with dims")
        return convert_program(module, {}, built.notes), options
    if not isinstance(module, torch.nn.Module):
        fact = f"it gives an object of the type {type(module).__name__}, no module of PyTorch"
        raise UsageError(fact, "name an nn.Module, its class, or a function that returns one")
    program = _export_built(module, call, built, options)
    return program, options._replace(shapes={}, params={}, symbolic=False)


def _export_built(module: Any, call: TorchModule, built: BuiltModule, options: ReadOptions) -> ExportedProgram:
    """A module with its inputs -> its program. Where forward fails with decimal numbers for inputs of which only the
    shape is known, they are integers if it works with these: indices, such as an Embedding's."""
    arguments = bind_arguments(module, call, built.defaults, options)
    try:
        return export_module(module, arguments, built.notes)
    except LoadError as error:
        if not arguments.floats:
            raise
        integers = bind_arguments(module, call, built.defaults, options, integers=True)
        note = f"forward takes no decimal numbers: integers are taken for {list_names(arguments.floats)}"
        try:
            return export_module(module, integers, (*built.notes, note))
        except LoadError:
            raise error from error.__cause__


def _build(call: TorchModule, options: ReadOptions) -> BuiltModule:
    text = call.module
    if not isinstance(text, str):
        if callable(text) and not isinstance(text, (torch.nn.Module, torch.export.ExportedProgram)):
            return build_object(text, options.params, call.name)
        for name in options.params:
            fact = f"a module in memory has no parameter {name!r}"
            raise UnknownNameError(fact, "build it with it", argument="params", name=name)
        return BuiltModule(text)
    if is_library_network(text):
        return build_network(text, options.params)
    return build_object(find_object(text), options.params, text)
