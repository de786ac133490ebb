"""The text that names code, `package.module:name`, and keyword arguments -> a module on the meta device."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import torch

from costcalc.core.errors import CostcalcError, LoadError, UnknownNameError, UsageError, did_you_mean
from costcalc.frontends.module import LIBRARIES, missing_module_remedy
from costcalc.frontends.pytorch.live.errors import first_line, user_place

MISSING = "pip install {}, or check that this Python is the one it is installed for"


class BuiltModule(NamedTuple):
    """A module, and the inputs that its library knows (by parameter of forward), and notes on how it was built."""

    module: Any
    defaults: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()


def find_object(text: str) -> Any:
    """`package.module:name` -> the object, imported with the working directory on the path. LoadError where the import
    fails, or the module has no such name."""
    path, _, name = text.partition(":")
    with user_code(text):
        found = importlib.import_module(path)
    for i, part in enumerate(name.split(".")):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = [n for n in dir(found) if not n.startswith("_")]
            owner = ".".join([path, *name.split(".")[:i]])
            raise LoadError(
                f"{owner} has no {part!r}", did_you_mean(part, names) or "name a module, class or function"
            ) from None
    return found


def build_object(factory: Any, params: Mapping[str, Any], text: str) -> BuiltModule:
    """An object in memory and keyword arguments -> its module: a class or function is called on the meta device, a
    module is taken as it is. UnknownNameError for an argument that it does not take."""
    if isinstance(factory, torch.nn.Module) or not callable(factory):
        for name in params:
            raise UnknownNameError(
                f"it is a module already, for which --set {name} says nothing",
                "name its class or a function",
                argument="params",
                name=name,
            )
        return BuiltModule(factory)
    check_arguments(factory, params, text)
    return call_factory(factory, {name: parse_value(value) for name, value in params.items()}, text)


def call_factory(factory: Callable[..., Any], arguments: Mapping[str, Any], text: str) -> BuiltModule:
    """What a factory gives on the meta device; where it computes with numbers of tensors, which have none there, on the
    CPU, with a note. LoadError where it fails."""
    notes: tuple[str, ...] = ()
    with user_code(text):
        try:
            with torch.device("meta"):
                found = factory(**arguments)
            if isinstance(found, torch.nn.Module):
                found.to("meta")  # torch.Tensor(n) is made on the CPU whatever the device is
            return BuiltModule(found)
        except (RuntimeError, NotImplementedError) as error:
            if "meta" not in str(error).lower():
                raise
            notes = (f"built with its weights in memory, for it reads values of tensors ({first_line(error)})",)
        return BuiltModule(factory(**arguments), notes=notes)


def check_arguments(factory: Any, params: Mapping[str, Any], text: str) -> None:
    """UnknownNameError for a keyword argument that a factory does not take; UsageError for one that it needs."""
    parameters = signature_of(factory)
    if parameters is None:
        return
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for name in params:
            if name not in parameters:
                remedy = did_you_mean(name, parameters) or f"it takes {', '.join(parameters) or 'none'}"
                raise UnknownNameError(f"it takes no argument {name!r}", remedy, argument="params", name=name)
    for p in parameters.values():
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in params:
            raise UsageError(
                f"it needs the argument {p.name!r}", f"give --set {p.name}=…, or name a function without arguments"
            )


def signature_of(factory: Any) -> Mapping[str, inspect.Parameter] | None:
    """A class or function -> its parameters; None where Python does not know them."""
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return None


def parse_value(value: Any) -> Any:
    """The text of an argument -> its value: `true`, `none`, `[1, 2]` and numbers as Python reads them; a word stays."""
    if not isinstance(value, str):
        return value
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


@contextmanager
def user_code(text: str) -> Iterator[None]:
    """Code of the user that runs inside may import from the working directory, and prints to standard error. Its
    exceptions become a LoadError with the line where they arose."""
    folder = str(Path.cwd())
    is_new = folder not in sys.path and "" not in sys.path
    if is_new:
        sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except CostcalcError:
        raise
    except ImportError as error:
        raise LoadError(
            f"it cannot be imported: {first_line(error)}", _import_remedy(error, text), user_place(error)
        ) from error
    except (Exception, SystemExit) as error:
        fact = f"it cannot be built: {type(error).__name__}: {first_line(error)}"
        raise LoadError(fact, "mend it, or give its arguments with --set", user_place(error)) from error
    finally:
        if is_new and folder in sys.path:
            sys.path.remove(folder)


def _import_remedy(error: ImportError, text: str) -> str:
    """An import that failed in the code that a text names -> what to do."""
    library = text.partition(":")[0].partition(".")[0]
    if error.name in (None, *LIBRARIES, library):
        return MISSING.format(error.name or library)
    if not isinstance(error, ModuleNotFoundError):
        return "correct the import, or install a version that has the name"
    return missing_module_remedy(str(error.name)) or "install it"
