"""Shapes and values that a user gives -> the arguments of a module's forward, as torch.export takes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import UnknownNameError, UsageError, did_you_mean
from costcalc.frontends.module import TorchModule
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.symbols import parse_dim_param, symbol_name, symbolic_shape

INTEGERS = (
    "ids",
    "idx",
    "indices",
    "tokens",
    "input_ids",
    "token_type_ids",
    "position_ids",
    "decoder_input_ids",
    "labels",
)
"""Parameters of forward whose tensors are integers."""

SIZE, LENGTH, BATCH = 224, 64, 2
"""Extents of pictures, of sequences and of batches that an open extent is traced with where nothing says one."""


class Shape(NamedTuple):
    """The shape of an input that is still to be made; dtype None is the module's own."""

    extents: tuple[Dim, ...]
    dtype: Any = None


class CallArguments(NamedTuple):
    """What forward is called with. open_names says of each open axis (number of the leaf, axis) its symbol; axes that
    --symbolic left open may be fixed by the module, others may not. floats are the inputs that are decimal numbers
    since nothing says their element type."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    dynamic_shapes: Any
    open_names: Mapping[tuple[int, int], str]
    is_symbolic: bool = False
    floats: tuple[str, ...] = ()


def bind_arguments(
    module: Any, call: TorchModule, defaults: Mapping[str, Any], options: ReadOptions, integers: bool = False
) -> CallArguments:
    """A module, what the user gives for it, and the inputs that its library knows -> the arguments of forward.

    integers makes all tensors that have only a shape integer ones. UsageError where an input is missing,
    UnknownNameError for a name that is no parameter of forward.
    """
    if call.args is not None or call.kwargs:
        for name in options.shapes:
            fact = f"--shape {name} stands beside args and kwargs"
            raise UnknownNameError(fact, "give the tensor of that shape there", argument="shapes", name=name)
        return CallArguments(call.args or (), call.kwargs, call.dynamic_shapes, _named_dims(module, call))
    parameters = _parameters(module)
    values = _name_inputs(call.inputs, parameters)
    for name in options.shapes:
        if name not in parameters.names:
            listed = ", ".join(parameters.names) or "none by name"
            remedy = did_you_mean(name, parameters.names) or f"forward takes {listed}"
            raise UnknownNameError(f"the module has no input {name!r}", remedy, argument="shapes", name=name)
    types = {name: usual.dtype for name, usual in defaults.items() if isinstance(usual, Shape)}
    given = {name: Shape(tuple(shape), types.get(name)) for name, shape in options.shapes.items()}
    values = {**defaults, **values, **given}
    missing = [name for name in parameters.required if name not in values]
    if missing or (parameters.takes_more and not values):
        names, first = ", ".join(missing) or "inputs", (missing or ["x"])[0]
        fact = f"forward needs {names}, and nothing says of what shape"
        raise UsageError(fact, f"give --shape {first}=1,3,{SIZE},{SIZE}")
    return _make_arguments(module, values, parameters, defaults, options, integers)


def _named_dims(module: Any, call: TorchModule) -> dict[tuple[int, int], str]:
    """The names of torch.export.Dim in dynamic_shapes, by (number of the leaf, axis), of arguments that are tensors."""
    values, specs = [*(call.args or ()), *call.kwargs.values()], call.dynamic_shapes
    if isinstance(specs, Mapping):
        names = [*_parameters(module).positional[: len(call.args or ())], *call.kwargs]
        specs = [specs.get(name) for name in names]
    named: dict[tuple[int, int], str] = {}
    leaves = 0
    for value, spec in zip(values, specs or (), strict=False):
        axes = spec.items() if isinstance(spec, Mapping) else enumerate(spec) if isinstance(spec, (tuple, list)) else ()
        if isinstance(value, torch.Tensor):
            named |= {(leaves, axis): d.__name__ for axis, d in axes if isinstance(d, torch.export.Dim)}
        leaves += len(torch.utils._pytree.tree_leaves(value))
    return named


class _Parameters(NamedTuple):
    """Names of forward's parameters: all, those that can be given by position, those without a default; and whether it
    takes more by position."""

    names: list[str]
    positional: list[str]
    required: list[str]
    takes_more: bool


def _parameters(module: Any) -> _Parameters:
    parameters = inspect.signature(module.forward).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return _Parameters(
        [p.name for p in named],
        [p.name for p in named if p.kind is not p.KEYWORD_ONLY],
        [p.name for p in named if p.default is p.empty],
        any(p.kind is p.VAR_POSITIONAL for p in parameters),
    )


def _name_inputs(inputs: Sequence[Any], parameters: _Parameters) -> dict[str, Any]:
    """Inputs in their order -> by the names of forward's parameters; by number behind those."""
    known = parameters.positional
    if len(inputs) > len(known) and not parameters.takes_more:
        fact = f"{len(inputs)} inputs are given, forward takes {len(known)}: {', '.join(known)}"
        raise UsageError(fact, "give one shape for each")
    names = [*known, *map(str, range(len(inputs)))]
    return {name: _read_input(value, name) for name, value in zip(names, inputs, strict=False)}


def _read_input(value: Any, name: str) -> Any:
    """A shape -> Shape; any other value as it is."""
    if not isinstance(value, (tuple, list)) or not all(isinstance(d, (int, str, Poly)) for d in value):
        return value
    extents = [parse_dim_param(d) if isinstance(d, str) else d for d in value]
    if any(isinstance(d, int) and (d < 0 or isinstance(d, bool)) for d in extents):
        raise UsageError(f"the shape of {name} is {value!r:.60}", "give whole numbers of at least 0, or symbols' names")
    return Shape(tuple(extents))


def _make_arguments(
    module: Any,
    values: dict[str, Any],
    parameters: _Parameters,
    defaults: Mapping[str, Any],
    options: ReadOptions,
    integers: bool,
) -> CallArguments:
    """The tensors, by position as far as no parameter is left out, then by name."""
    open_names: dict[tuple[int, int], str] = {}
    dynamic: dict[str, Any] = {}
    tensors: dict[str, Any] = {}
    floats: list[str] = []
    leaves = 0
    order = [name for name in (*parameters.names, *values) if name in values]
    for name in dict.fromkeys(order):
        value = values[name]
        dynamic[name] = None
        if isinstance(value, Shape):
            sizes, symbols = _choose_sizes(name, value, defaults.get(name), options)
            is_float = value.dtype is None and not (integers or name in INTEGERS or name.endswith("_ids"))
            floats.extend([name] * is_float)
            value = _make_tensor(module, sizes, value.dtype or (None if is_float else torch.int64))
            dynamic[name] = dict.fromkeys(symbols, torch.export.Dim.AUTO) or None
            open_names |= {(leaves, axis): symbol for axis, symbol in symbols.items()}
        tensors[name] = value
        leaves += len(torch.utils._pytree.tree_leaves(value))
    positional = [name for name in tensors if name.isdigit() or name in parameters.positional]
    count = next((i for i, name in enumerate(parameters.positional) if name not in tensors), len(positional))
    args = tuple([tensors[name] for name in positional[:count]])
    kwargs = {name: tensors[name] for name in tensors if name not in positional[:count]}
    dynamic_shapes = _dynamic_shapes(dynamic, parameters.names, positional) if open_names else None
    return CallArguments(args, kwargs, dynamic_shapes, open_names, options.symbolic, tuple(floats))


def _choose_sizes(name: str, shape: Shape, usual: Any, options: ReadOptions) -> tuple[list[int], dict[int, str]]:
    """A shape -> the sizes that it is traced with, and the symbols of its open axes."""
    extents = symbolic_shape(shape.extents, {}) if options.symbolic else shape.extents
    sizes: list[int] = []
    symbols: dict[int, str] = {}
    for axis, extent in enumerate(extents):
        if isinstance(extent, int):
            sizes.append(extent)
            continue
        symbols[axis] = _name_of(extent, name)
        bound = options.dims.get(symbols[axis])
        sizes.append(_sample(axis, len(extents), bound, usual, shape.extents[axis]))
    return sizes, symbols


def _dynamic_shapes(dynamic: dict[str, Any], parameters: Sequence[str], positional: Sequence[str]) -> Any:
    """The open axes by parameter; by position where forward takes more than it names."""
    by_position = any(name not in parameters for name in positional)
    return tuple(dynamic[name] for name in positional) if by_position else dynamic


def _name_of(extent: Dim, name: str) -> str:
    symbol = symbol_name(extent)
    if symbol is None:
        raise UsageError(f"the shape of {name} has the extent {extent}", "give numbers and symbols' names, no formulas")
    return symbol


def _sample(axis: int, rank: int, bound: Any, usual: Any, given: Dim) -> int:
    """The size that an open extent is traced with: what it is bound to, what stands in its place where --symbolic opens
    it, what the library knows, or a usual one; never 0 or 1, for torch takes these as fixed."""
    known = usual.extents[axis] if isinstance(usual, Shape) and len(usual.extents) == rank else None
    for size in (bound, given, known):
        if isinstance(size, int) and size > 1:
            return size
    if axis == 0:
        return BATCH
    return SIZE if rank >= 4 else LENGTH


def _make_tensor(module: Any, sizes: Sequence[int], dtype: Any) -> Any:
    """A tensor of a shape, on the module's device, that nobody reads: its memory is not touched. Without an element
    type it has that of the module's decimal numbers."""
    first = next(_tensors_of(module), None)
    device = torch.device("cpu") if first is None else first.device
    if dtype is None:
        floats = (t.dtype for t in _tensors_of(module) if t.dtype.is_floating_point)
        dtype = next(floats, torch.get_default_dtype())
    return torch.empty(tuple(sizes), dtype=dtype, device=device)


def _tensors_of(module: Any) -> Iterator[Any]:
    yield from module.parameters()
    yield from module.buffers()
