"""Graph inputs of an ONNX file and --dim, --shape, --value -> the inputs' shapes and elements, and the symbols' values.

- An extent without a name (absent, `?`, 0 or -1) is the symbol INPUT_dimI, I its axis.
- dims binds a name everywhere. shapes binds the extents of an input, and with them, everywhere, the names that it
  declares. A shape may differ from fixed extents: the graph is then costed as if the exporter had left them open, and
  a note says so.
- An unbound first extent of an input is 1 if its name says batch, is N, B or bs, or if it has none. With `symbolic` it
  is left open, and so are the extents of an image that the file fixes (see symbols.symbolic_shape).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, Poly, substitute, symbol, symbols
from costcalc.core.errors import UnknownNameError, UsageError, near_names
from costcalc.core.ir import DType, Value
from costcalc.frontends.onnx.messages import ValueInfoProto
from costcalc.frontends.symbols import declared_dim, is_batch_name, symbol_name, symbolic_shape


class InputBinding(NamedTuple):
    """The inputs' shapes (None: not even the rank is known), what the symbols are bound to, the names that the file
    and the bound shapes use, what was decided by default, whether a shape overrides what the file declares, and what
    declared names stand for."""

    shapes: Mapping[str, tuple[Dim, ...] | None]
    symbols: Mapping[str, Dim]
    declared: frozenset[str]
    notes: tuple[str, ...]
    overridden: bool
    dim_params: Mapping[str, Dim]


def bind_inputs(
    inputs: Sequence[ValueInfoProto],
    dims: Mapping[str, Dim],
    shapes: Mapping[str, Sequence[Dim]],
    symbolic: bool = False,
    dim_params: Mapping[str, Dim] | None = None,
) -> InputBinding:
    """Shapes of the graph inputs under what the user binds; dim_params says what declared names stand for. UsageError
    for an unknown input, a rank that differs, two values for one name, or an extent below 0."""
    dim_params = dim_params or {}
    declared = {i.name: _declared_shape(i, dim_params) for i in inputs}
    if symbolic:
        declared = {name: shape and tuple(symbolic_shape(shape, {})) for name, shape in declared.items()}
    _check_shapes(shapes, declared)
    names = frozenset(symbols(*(d for shape in (*declared.values(), *shapes.values()) for d in shape or ())))
    shapes = {name: [substitute(d, dims) for d in shape] for name, shape in shapes.items()}
    bound: dict[str, Dim] = dict(dims)
    overrides: dict[tuple[str, int], Dim] = {}
    notes: list[str] = []
    bound_extents = [(name, axis, extent) for name, shape in shapes.items() for axis, extent in enumerate(shape)]
    for name, axis, extent in bound_extents:
        _bind_name(declared[name], name, axis, extent, bound)
    for name, axis, extent in bound_extents:
        declared_shape = declared[name]
        if declared_shape is None:
            continue
        declared_extent = _solve(substitute(declared_shape[axis], bound), extent, bound)
        if declared_extent != extent:
            overrides[name, axis] = extent
    if not symbolic:
        notes += _batch_defaults(declared, overrides, bound, frozenset((*dims, *dim_params)))
    for name, value in bound.items():
        if isinstance(value, int) and value < 0:
            raise UsageError(f"{name} = {value}", "an extent is at least 0")
    bound_shapes: dict[str, tuple[Dim, ...] | None] = {}
    for name, declared_shape in declared.items():
        if declared_shape is None:
            bound_shapes[name] = tuple(shapes[name]) if name in shapes else None
            continue
        bound_shapes[name] = tuple(overrides.get((name, i), substitute(d, bound)) for i, d in enumerate(declared_shape))
        if any(key[0] == name for key in overrides):
            texts = _shape_text(declared_shape), _shape_text(bound_shapes[name] or ())
            notes.append(f"{name} is declared as {texts[0]} and costed as {texts[1]}")
    return InputBinding(bound_shapes, bound, names, tuple(notes), bool(overrides), dim_params)


def _check_shapes(shapes: Mapping[str, Sequence[Dim]], declared: Mapping[str, Sequence[Dim] | None]) -> None:
    """Raises UnknownNameError for a shape of no input, UsageError for one of another rank than declared."""
    for name, shape in shapes.items():
        if name not in declared:
            fact = f"--shape names {name!r}, which is no input"
            raise UnknownNameError(fact, suggest_names(name, declared), argument="shapes", name=name)
        declared_shape = declared[name]
        if declared_shape is not None and len(declared_shape) != len(shape):
            raise UsageError(
                f"--shape gives {name!r} {len(shape)} extents, it has {_shape_text(declared_shape)}",
                f"give {len(declared_shape)}",
            )


def bind_value(name: str, dtype: DType, shape: tuple[Dim, ...] | None, value: int | bool | float) -> Value:
    """The elements of an input that --value binds: one integer, bool or float, all elements alike."""
    if shape is None or any(isinstance(d, Poly) for d in shape) or (size := _size(shape)) > 64:
        raise UsageError(f"--value binds {name!r}, which is no small tensor", "bind a scalar input")
    if dtype is DType.BOOL and value not in (0, 1):
        raise UsageError(f"{name!r} is true or false, and {value} is neither", f"write --value {name}=0 or {name}=1")
    if dtype.is_integer and value != int(value):
        raise UsageError(f"{name!r} holds whole numbers, and {value} is none", f"write --value {name}={int(value)}")
    if dtype is DType.BOOL:
        return (bool(value),) * size
    return (float(value) if dtype.is_float else int(value),) * size


def suggest_names(name: str, choices: Iterable[str]) -> str:
    """A remedy that names the nearest choices, or all of a few."""
    names = list(choices)
    matches = near_names(name, names, 3)
    if matches:
        return "did you mean " + " or ".join(matches) + "?"
    return f"choose from: {', '.join(names[:20])}" if names else "there are none"


def _size(shape: tuple[Dim, ...]) -> int:
    size = 1
    for d in shape:
        size *= int(d)
    return size


def _declared_shape(info: ValueInfoProto, dim_params: Mapping[str, Dim]) -> tuple[Dim, ...] | None:
    if info.type.dims is None:
        return None
    return tuple(declared_dim(d, f"{info.name}_dim{i}", dim_params) for i, d in enumerate(info.type.dims))


def zero_dims(inputs: Iterable[ValueInfoProto]) -> tuple[str, ...]:
    """Inputs -> the symbols of the extents that are declared as 0, which stands for an open extent, or for none."""
    return tuple([f"{info.name}_dim{i}" for info in inputs for i, d in enumerate(info.type.dims or ()) if d == 0])


def _shape_text(shape: Sequence[Dim]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _bind_name(
    declared_shape: tuple[Dim, ...] | None, name: str, axis: int, extent: Dim, bound: dict[str, Dim]
) -> None:
    """Binds the name that an input declares for an axis to the extent of its bound shape."""
    if isinstance(extent, int) and extent < 0:
        raise UsageError(f"--shape gives axis {axis} of {name!r} the extent {extent}", "an extent is at least 0")
    declared = symbol_name(declared_shape[axis]) if declared_shape is not None else None
    if declared is None or symbol_name(extent) == declared:
        return
    value = bound.get(declared, extent)
    if isinstance(value, int) and isinstance(extent, int) and value != extent:
        raise UsageError(f"{declared} is {value} and, by axis {axis} of {name!r}, {extent}", "give it one value")
    bound[declared] = extent


def _solve(declared: Dim, extent: Dim, bound: dict[str, Dim]) -> Dim:
    """Binds the one open name of a declared a·name + b so that it equals the bound extent; returns the declared extent
    then."""
    open_names = symbols(declared)
    if len(open_names) != 1 or not isinstance(extent, int):
        return declared
    (name,) = open_names
    at_0, at_1 = substitute(declared, {name: 0}), substitute(declared, {name: 1})
    slope = at_1 - at_0
    if not isinstance(at_0, int) or slope * symbol(name) + at_0 != declared or (extent - at_0) % slope:
        return declared
    value = (extent - at_0) // slope
    if value < 0:
        return declared
    bound[name] = value
    return extent


def _batch_defaults(
    declared: Mapping[str, tuple[Dim, ...] | None],
    overrides: Mapping[tuple[str, int], Dim],
    bound: dict[str, Dim],
    names_in_use: frozenset[str],
) -> list[str]:
    notes: list[str] = []
    for name, shape in declared.items():
        if not shape or (name, 0) in overrides:
            continue
        batch = symbol_name(substitute(shape[0], bound))
        if batch is not None and batch not in names_in_use and (is_batch_name(batch) or batch == f"{name}_dim0"):
            bound[batch] = 1
            notes.append(f"{batch} = 1 (default)")
    return notes
