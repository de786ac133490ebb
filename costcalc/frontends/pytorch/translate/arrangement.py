"""Views, permutations, repetitions and flips: ATen's calls -> ONNX nodes.

What keeps the order of its elements is a Reshape, Flatten, Squeeze or Unsqueeze, which are views. The shape that such a
call gives stands in the program.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_own

END_OF_AXIS = 2**63 - 1
"""The end of a Slice that goes to the end of its axis."""

START_OF_AXIS = -(2**63) + 1
"""The end of a Slice with a negative step that takes the first element, too."""


def emit_reshape(call: CallSite, value: str, shape: Sequence[Dim], suffix: str = "") -> str:
    """A value under another shape of as many elements; the same where it has that shape. Extents that stay and depend
    on a symbol are written as 0, another one as -1, so that the shape is a constant."""
    target = tuple(shape)
    if target == call.shape(value):
        if not suffix:
            call.alias(value)
        return value
    if 0 in target:
        shape_input = call.constant(target, f"{suffix}shape")
        return call.emit("Reshape", [value, shape_input], {"allowzero": 1}, suffix=suffix)
    old = call.shape(value)
    is_copied = [isinstance(n, Poly) and i < len(old) and n == old[i] for i, n in enumerate(target)]
    open_axes = [i for i, n in enumerate(target) if isinstance(n, Poly) and not is_copied[i]]
    if len(open_axes) <= 1:
        target = tuple([0 if is_copied[i] else -1 if i in open_axes else n for i, n in enumerate(target)])
    return call.emit("Reshape", [value, call.constant(target, f"{suffix}shape")], suffix=suffix)


def emit_transpose(call: CallSite, value: str, perm: Sequence[int], suffix: str = "") -> str:
    """A value with its axes in another order; the same where the order stays."""
    if tuple(perm) == tuple(range(len(perm))):
        if not suffix:
            call.alias(value)
        return value
    return call.emit("Transpose", [value], {"perm": tuple(perm)}, suffix=suffix)


def emit_expand(call: CallSite, value: str, shape: Sequence[Dim], suffix: str = "") -> str:
    """A value repeated along its axes of extent 1, and along new ones, up to the shape. What stays is
    written as 1, so that the shape is a constant where only that depends on a symbol."""
    old = call.shape(value)
    if tuple(shape) == old:
        if not suffix:
            call.alias(value)
        return value
    old = (1,) * (len(shape) - len(old)) + old
    target = tuple([1 if n == before else n for n, before in call.pairs(shape, old, "an output and an input")])
    return call.emit("Expand", [value, call.constant(target, f"{suffix}shape")], suffix=suffix)


def emit_slice(call: CallSite, value: str, axis: int, bounds: tuple[Dim, Dim], suffix: str = "", step: Dim = 1) -> str:
    """The range [start, end) of an axis, every step-th. Where a bound is a symbol the extent is that of the program."""
    start, end = bounds
    names = [f"{suffix}{word}" for word in ("start", "end", "axis", "step")]
    inputs = [value, *(call.constant((n,), name) for n, name in zip((start, end, axis), names, strict=False))]
    if step != 1:
        inputs.append(call.constant((step,), names[3]))
    numbers = (start, end, step, call.extent(value, axis))
    is_open = not suffix and any(isinstance(n, Poly) for n in numbers)
    return call.emit("Slice", inputs, suffix=suffix, types=[call.out_type()] if is_open else None)


def find_axes(call: CallSite, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from 0; a scalar has one. LoadError for an axis that is not there, or named twice."""
    rank = max(rank, 1)
    found = tuple([axis % rank for axis in axes if -rank <= axis < rank])
    if len(set(found)) != len(axes):
        raise LoadError(f"the axes of {call.target} are {list(axes)}, the tensor has {rank}", REMEDY)
    return found


@translates(
    "view",
    "view_copy",
    "_unsafe_view",
    "view_as",
    "reshape",
    "reshape_as",
    "_reshape_alias",
    "_reshape_copy",
    "_reshape_alias_copy",
    "unflatten",
    "ravel",
    "atleast_1d.default",
    "atleast_2d.default",
    "atleast_3d.default",
)
def reshape(call: CallSite) -> None:
    """The same elements under the shape that the program says."""
    emit_reshape(call, call.tensor("self"), call.out_shape())


@translates("flatten")
def flatten(call: CallSite) -> None:
    """The axes start_dim … end_dim as one; a Flatten where all but the first axis, or but the last, become one."""
    x = call.tensor("self")
    rank = len(call.shape(x))
    start, end = call.axis("start_dim", x, 0), call.axis("end_dim", x, -1)
    if rank > 2 and (start, end) in ((1, rank - 1), (0, rank - 2)):
        call.emit("Flatten", [x], {"axis": start or end + 1})
    else:
        reshape(call)


@translates("view.dtype", "view_copy.dtype")
def view_dtype(call: CallSite) -> None:
    """The same bytes as elements of another type."""
    emit_own(call, "view_dtype", call.tensor("self"))


@translates("squeeze", "squeeze_copy")
def squeeze(call: CallSite) -> None:
    """Axes of extent 1 vanish: all, or those that are named; a named one of another extent stays."""
    x = call.tensor("self")
    shape = call.shape(x)
    named = find_axes(call, call.ints("dim"), len(shape)) if call.get("dim") is not None else range(len(shape))
    axes = tuple(sorted([axis for axis in named if axis < len(shape) and shape[axis] == 1]))
    out = call.out_shape()
    if len(axes) != len(shape) - len(out):  # a symbol that is bound to 1
        emit_reshape(call, x, out)
    elif axes:
        call.emit("Squeeze", [x, call.constant(axes, "axes")])
    else:
        call.alias(x)


@translates("unsqueeze", "unsqueeze_copy")
def unsqueeze(call: CallSite) -> None:
    """A new axis of extent 1; dim counts the axes of the output."""
    x = call.tensor("self")
    (axis,) = find_axes(call, (call.integer("dim"),), len(call.shape(x)) + 1)
    call.emit("Unsqueeze", [x, call.constant((axis,), "axes")])


@translates("expand", "expand_copy", "expand_as", "broadcast_to")
def expand(call: CallSite) -> None:
    """Axes of extent 1 are repeated, and new axes are put before them."""
    emit_expand(call, call.tensor("self"), call.out_shape())


@translates("permute", "permute_copy")
def permute(call: CallSite) -> None:
    """The axes in the order that is given."""
    x = call.tensor("self")
    rank = len(call.shape(x))
    emit_transpose(call, x, find_axes(call, call.ints("dims"), rank) if rank else ())


@translates("transpose", "transpose_copy", "swapdims", "swapaxes")
def transpose(call: CallSite) -> None:
    """Two axes change places."""
    x = call.tensor("self")
    first, second = ("axis0", "axis1") if "axis0" in call.arguments else ("dim0", "dim1")
    _swap(call, x, call.axis(first, x), call.axis(second, x))


@translates("t", "t_copy", "mT", "mH", "adjoint", "matrix_H")
def transpose_matrix(call: CallSite) -> None:
    """The last two axes change places (t takes a vector, too, which stays). The conjugate of a complex number costs
    nothing: it is taken when the number is read."""
    x = call.tensor("self")
    rank = len(call.shape(x))
    _swap(call, x, max(rank - 2, 0), max(rank - 1, 0))


def _swap(call: CallSite, x: str, first: int, second: int) -> None:
    perm = list(range(len(call.shape(x))))
    if perm:
        perm[first], perm[second] = second, first
    emit_transpose(call, x, perm)


@translates("numpy_T")
def reverse_axes(call: CallSite) -> None:
    """The axes in reverse order."""
    x = call.tensor("self")
    emit_transpose(call, x, range(len(call.shape(x)))[::-1])


@translates("movedim", "moveaxis")
def move_axes(call: CallSite) -> None:
    """Axes move to other places; the others keep their order."""
    x = call.tensor("self")
    rank = len(call.shape(x))
    source = find_axes(call, call.ints("source"), rank)
    destination = find_axes(call, call.ints("destination"), rank)
    rest = iter([axis for axis in range(rank) if axis not in source])
    places = dict(call.pairs(destination, source, "destinations and sources"))
    emit_transpose(call, x, [places[i] if i in places else next(rest) for i in range(rank)])


@translates("repeat", "tile")
def repeat(call: CallSite) -> None:
    """The tensor is repeated along its axes; axes that it lacks stand in front. tile may give fewer numbers."""
    x = call.tensor("self")
    shape = call.shape(x)
    times: tuple[Dim, ...] = call.dims("repeats" if "repeats" in call.arguments else "dims")
    times = (1,) * (len(shape) - len(times)) + times
    if all(n == 1 for n in times):
        emit_reshape(call, x, call.out_shape())
        return
    x = emit_reshape(call, x, (1,) * (len(times) - len(shape)) + shape, "reshape")
    call.emit("Tile", [x, call.constant(times, "repeats")])


@translates("repeat_interleave.self_int")
def repeat_interleave(call: CallSite) -> None:
    """Each element along an axis (of the flat tensor where none is named) is repeated in its place."""
    x = call.tensor("self")
    if call.get("dim") is None:
        x = emit_reshape(call, x, (call.elements(x),), "flat")
    axis = call.axis("dim", x, 0)
    shape = call.shape(x) or (1,)
    column = call.emit("Unsqueeze", [x, call.constant((axis + 1,) if call.shape(x) else (0, 1), "axes")], suffix="u")
    wide = emit_expand(call, column, (*shape[: axis + 1], call.dim("repeats"), *shape[axis + 1 :]), "expand")
    emit_reshape(call, wide, call.out_shape())


@translates("repeat_interleave.self_Tensor", "repeat_interleave.Tensor")
def repeat_by_counts(call: CallSite) -> None:
    """Each element is repeated as often as a tensor says: how many there are depends on data."""
    emit_own(call, "repeat_interleave", *call.tensor_inputs())


def emit_flip(call: CallSite, x: str, axes: Sequence[int], suffix: str = "") -> str:
    """The elements of some axes in reverse order."""
    if not axes or not call.shape(x):
        if not suffix:
            call.alias(x)
        return x
    n = len(axes)
    numbers = {"starts": (-1,) * n, "ends": (START_OF_AXIS,) * n, "axes": axes, "steps": (-1,) * n}
    constants = [call.constant(tuple(values), f"{suffix}{key}") for key, values in numbers.items()]
    return call.emit("Slice", [x, *constants], suffix=suffix)


@translates("flip", "flipud", "fliplr")
def flip(call: CallSite) -> None:
    """The elements of some axes in reverse order."""
    x = call.tensor("self")
    default = {"flipud": (0,), "fliplr": (1,)}.get(call.operator, ())
    emit_flip(call, x, find_axes(call, call.ints("dims", default), len(call.shape(x))))


@translates("rot90")
def rotate(call: CallSite) -> None:
    """The plane of two axes turned by k right angles: a flip, a transposition and both."""
    x = call.tensor("self")
    axes = find_axes(call, call.ints("dims", (0, 1)), len(call.shape(x)))
    turns = call.integer("k", 1) % 4
    flipped = {0: (), 1: axes[1:], 2: axes, 3: axes[:1]}[turns]
    x = emit_flip(call, x, flipped, "flip" if turns % 2 else "")
    if turns % 2:
        _swap(call, x, *axes)


def emit_roll(call: CallSite, x: str, shifts: Sequence[int], axes: Sequence[int], suffix: str = "") -> str:
    """Elements that leave an axis at its end enter at its start: two slices and a Concat for each axis, as exporters
    write it. The last one gives the call's output, or, with a suffix, an intermediate value."""
    shape = call.shape(x)
    moves = [(n, axis) for n, axis in call.pairs(shifts, axes, "shifts and dims") if n and shape and shape[axis] != 0]
    for i, (n, axis) in enumerate(moves):
        extent = shape[axis]
        cut = -n % extent if isinstance(extent, int) else -n
        name = suffix if i + 1 == len(moves) else f"{suffix}axis{axis}"
        ranges = ((cut, END_OF_AXIS), (0, cut))
        parts = [emit_slice(call, x, axis, bounds, f"part{axis}.{j}") for j, bounds in enumerate(ranges)]
        x = call.emit("Concat", parts, {"axis": axis}, suffix=name)
    if not moves and not suffix:
        call.alias(x)
    return x


@translates("roll")
def roll(call: CallSite) -> None:
    """Elements that leave an axis at its end enter at its start; without axes, those of the flat tensor. Shifts that
    are open are one node."""
    x = call.tensor("self")
    shifts, shape = call.dims("shifts"), call.shape(x)
    if any(isinstance(n, Poly) for n in shifts):
        emit_own(call, "roll", x)
    elif call.get("dims", ()):
        emit_roll(call, x, call.ints("shifts"), find_axes(call, call.ints("dims"), len(shape)))
    else:
        flat = emit_reshape(call, x, (call.elements(x),), "flat")
        emit_reshape(call, emit_roll(call, flat, call.ints("shifts"), (0,), "roll"), shape)
