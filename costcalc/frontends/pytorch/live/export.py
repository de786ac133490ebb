"""A module and its arguments -> the program that torch.export traces under fake tensors; the module stays as it was."""

from __future__ import annotations

import functools
import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

import torch

from costcalc.core.errors import LoadError, UsageError
from costcalc.frontends.pytorch.live.convert import convert_program
from costcalc.frontends.pytorch.live.errors import code_at, first_line, is_data_dependent, user_place
from costcalc.frontends.pytorch.live.inputs import CallArguments
from costcalc.frontends.pytorch.program import ExportedProgram


def export_module(module: Any, arguments: CallArguments, notes: tuple[str, ...] = ()) -> ExportedProgram:
    """A module -> its program in evaluation mode, with the user's names of open extents. LoadError where forward fails,
    or decides by the values of a tensor."""
    with _unchanged(module), _quiet():
        module.eval()
        try:
            program = _export(module, arguments)
        except Exception as error:
            if "register a pytree" not in str(error) or "output" not in str(error):
                raise refuse_export(error, arguments) from error
            module.forward = _plain_outputs(module.forward)
            program = _export(module, arguments)
            notes = (*notes, "forward's output has a type that torch.export does not know: the tensors in it are taken")
        renames, fixed = _rename_symbols(program, arguments)
    if fixed:
        if not arguments.is_symbolic:
            listed = ", ".join(f"{one.symbol} (axis {one.axis} of {one.name})" for one in fixed)
            shapes = " ".join(dict.fromkeys(f"--shape {one.name}={one.shape}" for one in fixed))
            fact = f"the module is exported for one size of what is left open: {listed}"
            raise UsageError(fact, f"give a number for it, e.g. {shapes}")
        listed = ", ".join(f"axis {one.axis} of {one.name} is {one.size}" for one in fixed)
        notes = (*notes, f"the module leaves no other size: {listed}")
    return convert_program(program, renames, notes)


def _export(module: Any, arguments: CallArguments) -> Any:
    return torch.export.export(
        module, arguments.args, arguments.kwargs, dynamic_shapes=arguments.dynamic_shapes, strict=False
    )


class FixedAxis(NamedTuple):
    """An axis of an input that is open for the user, by a symbol, and fixed for torch; shape is the input's as the user
    would write it, with the sizes that torch takes."""

    name: str
    axis: int
    size: int
    symbol: str
    shape: str


def _rename_symbols(program: Any, arguments: CallArguments) -> tuple[dict[str, str], list[FixedAxis]]:
    """({torch's name of a symbol: the user's}, the axes that torch fixes)."""
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    renames: dict[str, str] = {}
    fixed = []
    for (leaf, axis), symbol in arguments.open_names.items():
        size = values[names[leaf]].shape[axis]
        if _is_number(size):
            extents = [
                str(d) if _is_number(d) else arguments.open_names.get((leaf, i), "N")
                for i, d in enumerate(values[names[leaf]].shape)
            ]
            fixed.append(FixedAxis(names[leaf], axis, int(size), symbol, ",".join(extents)))
        elif size.node.expr.is_Symbol:
            renames[str(size.node.expr)] = symbol
    return renames, fixed


def _is_number(size: Any) -> bool:
    return isinstance(size, int) or bool(size.node.expr.is_number)


def _plain_outputs(forward: Any) -> Any:
    """forward -> one with the same parameters that gives the tensors of its output as a list."""

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> list[Any]:
        return list(_tensors_in(forward(*args, **kwargs), 0))

    return call


def _tensors_in(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield value
    elif depth < 8:
        items = value.values() if isinstance(value, Mapping) else value
        items = items if isinstance(value, (Mapping, list, tuple, set)) else getattr(value, "__dict__", {}).values()
        for item in items:
            yield from _tensors_in(item, depth + 1)


def refuse_export(error: Exception, arguments: CallArguments) -> LoadError:
    """What torch raises while it traces forward -> the refusal, with the line of the user's source."""
    place = user_place(error)
    if is_data_dependent(error):
        code = code_at(place)
        fact = "forward decides by values of a tensor, which are not known before it runs" + (
            f": `{code}`" if code else ""
        )
        remedy = "decide outside of forward, use torch.where or torch.cond there, or give a module of one branch"
        return LoadError(fact, remedy, place)
    shapes = [
        tuple(leaf.shape)
        for leaf in torch.utils._pytree.tree_leaves((arguments.args, arguments.kwargs))
        if isinstance(leaf, torch.Tensor)
    ]
    listed = ", ".join(str(list(shape)) for shape in shapes[:4]) or "no tensor"
    fact = f"forward fails with {listed}: {type(error).__name__}: {first_line(error)}"
    return LoadError(fact, _failure_remedy(error), place)


_UNINITIALISED = "run the module once, or name the sizes of its layers (nn.Linear for nn.LazyLinear)"

_INPUTS = "give inputs that the module takes: --shape NAME=1,3,224,224, in Python args=…"


def _failure_remedy(error: Exception) -> str:
    """What forward raised -> what to do: errors of the code are not those of its inputs."""
    if "uninitialized parameter" in str(error):
        return _UNINITIALISED
    is_code = isinstance(error, (NameError, AttributeError, ImportError, SyntaxError, KeyError))
    return "correct the code, or give what it needs with --set" if is_code else _INPUTS


@contextmanager
def _unchanged(module: Any) -> Iterator[None]:
    """Whatever is done inside, the module is as before behind it: mode, attributes, parameters, buffers, hooks."""
    saved = [(part, dict(vars(part)), _copy_containers(vars(part))) for part in module.modules()]
    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)
        for part, attributes, contents in saved:
            own = vars(part)
            own.clear()
            own.update(attributes)
            for name, content in contents.items():
                _refill(own[name], content)


_CONTAINERS = (dict, OrderedDict, list, set)


def _copy_containers(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.copy() for name, value in attributes.items() if type(value) in _CONTAINERS}


def _refill(container: Any, content: Any) -> None:
    """Puts the saved content back into a dict, list or set that was changed."""
    if len(container) == len(content) and all(a is b for a, b in zip(_items(container), _items(content), strict=True)):
        return
    container.clear()
    container.extend(content) if isinstance(container, list) else container.update(content)


def _items(container: Any) -> list[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


@contextmanager
def _quiet() -> Iterator[None]:
    """What torch and forward print does not go into the answer; torch prints the graph up to what it refuses, and
    warns."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
