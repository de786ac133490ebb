"""A path, a built-in name or a Graph -> Graph: chooses the reader."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from costcalc.dim import Dim, Poly
from costcalc.errors import CostcalcError, LoadError, UnknownNameError, UsageError
from costcalc.ir import Graph
from costcalc.load.builtin import builtin_models, find, names
from costcalc.load.onnx_symbols import dim_of

Binding = Mapping[str, "Dim | str"]

YAML_SUFFIXES = (".yaml", ".yml")
ONNX_SUFFIXES = (".onnx", ".onnxtxt", ".zip", ".ort", ".pb")


def load(
    source: str | os.PathLike[str] | Graph,
    *,
    dims: Binding | None = None,
    params: Mapping[str, Any] | None = None,
    shapes: Mapping[str, Sequence[Dim | str]] | None = None,
    values: Mapping[str, int | bool] | None = None,
    symbolic: bool = False,
    spec: Callable[..., Graph] | None = None,
) -> Graph:
    """The graph of a YAML file, an ONNX file (`-`: either on standard input), a built-in model, or a file of a git
    revision (`main:models/net.yaml`).

    dims binds symbols, params replaces a YAML model's parameters, shapes replaces whole input shapes (extents are
    numbers or symbols' names), values binds small integer or boolean inputs of an ONNX model; symbolic leaves batch
    and spatial extents open. spec reads the content of a YAML file (costcalc.load.spec.load_spec unless given).
    LoadError, SpecError, ShapeError and UsageError say what is wrong.
    """
    if isinstance(source, Graph):
        from costcalc.given import read_already

        read_already(dims=dims, params=params, shapes=shapes, values=values, symbolic=symbolic)
        return source
    text = os.fspath(source)
    if dims or params or shapes or values:
        from costcalc.given import mapping

        dims, params = mapping("dims", dims), mapping("params", params)
        shapes, values = mapping("shapes", shapes), mapping("values", values)
    bound = {name: _dim(value, name, 1) for name, value in (dims or {}).items()}
    given = {name: _extents(shape, name) for name, shape in (shapes or {}).items()}
    path, own = Path(text), text
    data: bytes | None = None
    if text == "-":
        from costcalc.load import standard_input

        data = standard_input.content()
        path = path.with_suffix(standard_input.kind(data))
    elif not path.is_file():
        builtin = find(text)
        revision = _revision(text)
        if builtin is not None:
            path, text, own = builtin, builtin.name, builtin.stem
        elif revision is not None:
            path, data = Path(revision[1]), _at_revision(text, *revision)
        else:
            raise _no_file(path)
    if path.suffix in YAML_SUFFIXES or (path.suffix not in ONNX_SUFFIXES and _is_yaml(path, data)):
        if values:
            fact, remedy = "--value is for ONNX models", "use --set for a YAML model's parameters"
            raise UnknownNameError(fact, remedy, argument="values", name=next(iter(values)))
        from costcalc.load.spec import load_spec

        content = _read(path) if data is None else data
        return (spec or load_spec)(content, text, own, params=params, dims=bound, shapes=given, symbolic=symbolic)
    if params:
        fact, remedy = "--set is for YAML models", "an ONNX file has no parameters; use --dim or --shape"
        raise UnknownNameError(fact, remedy, argument="params", name=next(iter(params)))
    from costcalc.load.onnx_graph import load_onnx

    if data is None:
        return load_onnx(text, bound, given, values or {}, symbolic=symbolic)
    if path.suffix == ".onnxtxt":
        from costcalc.load.onnx_source import parsed

        data = parsed(data, text)
    return load_onnx(data, bound, given, values or {}, name=text, symbolic=symbolic)


def _revision(text: str) -> tuple[str, str] | None:
    """(REV, path) of `REV:path`."""
    if ":" not in text:
        return None
    from costcalc.revisions import parts

    return parts(text)


def _at_revision(text: str, revision: str, path: str) -> bytes:
    from costcalc.revisions import content

    try:
        return content(revision, path)
    except CostcalcError as error:
        raise error.at(text) from error


def _dim(value: Dim | str, name: str, least: int) -> Dim:
    """An extent from the command line or from Python: a number, or a symbol's name."""
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if re.fullmatch(r"-?[0-9]{1,999}", text) else dim_of(text)
    if isinstance(value, bool) or not isinstance(value, (int, Poly)) or (isinstance(value, int) and value < least):
        raise UsageError(
            f"{name} is bound to {value!r}", f"give a whole number of at least {least}, or a symbol's name"
        )
    return value


def _extents(shape: Sequence[Dim | str], name: str) -> list[Dim]:
    """The extents of an input from the command line or from Python."""
    if isinstance(shape, str) or not isinstance(shape, Iterable):
        raise UsageError(f"{name} is given the shape {shape!r}", f'list its extents: {{"{name}": [1, 3, 224, 224]}}')
    return [_dim(d, name, 0) for d in shape]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error


def _is_yaml(path: Path, data: bytes | None) -> bool:
    """Whether a file of another name begins as a YAML model does: text with one of its keys at the start of a line."""
    if data is not None:
        head = data[:4096]
    else:
        try:
            with path.open("rb") as file:
                head = file.read(4096)
        except OSError:
            return False
    return b"\0" not in head and re.search(rb"^(name|source|params|input|blocks|layers):", head, re.M) is not None


def _no_file(path: Path) -> LoadError:
    if path.exists():
        return LoadError(f"{path} is no file", "name a YAML file, an ONNX file or a built-in model")
    import difflib

    text = str(path)
    near = difflib.get_close_matches(text, names(), n=1, cutoff=0.6)
    remedy = f"did you mean {near[0]!r}?" if near else "see `costcalc models` for the built-in ones"
    return LoadError(f"there is no file and no built-in model {text!r}", remedy)


class _Package(ModuleType):
    """This package can be called, for the API's function costcalc.load has its name."""

    def __call__(self, source: str | os.PathLike[str] | Graph, **options: Any) -> Graph:
        from costcalc.api import load as of_the_api

        return of_the_api(source, **options)


sys.modules[__name__].__class__ = _Package

__all__ = ["builtin_models", "load", "names"]
