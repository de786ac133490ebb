"""Reductions, norms, softmax and running sums: ATen's calls -> ONNX nodes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.call import TRANSLATIONS, CallSite, translates
from costcalc.frontends.pytorch.translate.operand import (
    COMPLEX,
    Expression,
    ExpressionNodes,
    add_scalar,
    cast,
    emit_own,
)

REDUCTIONS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "prod": "ReduceProd",
    "amax": "ReduceMax",
    "amin": "ReduceMin",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "any": "ReduceMax",
    "_is_any_true": "ReduceMax",
    "all": "ReduceMin",
    "_is_all_true": "ReduceMin",
    "logsumexp": "ReduceLogSumExp",
    "special_logsumexp": "ReduceLogSumExp",
}
"""Operator -> ONNX's; of booleans the greatest says whether any holds, the least whether all do."""

COMPLEX_REDUCTIONS = {"ReduceSum": "complex_sum", "ReduceMean": "complex_mean"}


def reduced_axes(call: CallSite, x: str, name: str = "dim") -> tuple[int, ...]:
    """The axes that a call names, counted from 0; () where it names none, which means all. LoadError for one that the
    tensor does not have."""
    rank = len(call.shape(x))
    axes = call.ints(name, ()) if call.get(name) is not None else ()
    for axis in axes:
        if not -max(rank, 1) <= axis < max(rank, 1):
            raise LoadError(f"{name} of {call.target} is {axis}, the tensor has {rank} axes", REMEDY)
    return tuple([axis % rank for axis in axes]) if rank else ()


def emit_reduction(
    call: CallSite, operator: str, x: str, axes: tuple[int, ...], keep: bool, position: int = 0, suffix: str = ""
) -> str:
    """Adds a reduction of a value along axes, of all without any, as an output, or as the intermediate value of a
    suffix."""
    inputs = [x, call.constant(axes, f"{suffix or 'output'}{position}_axes")] if axes else [x]
    outputs = None if suffix else [call.output(position)]
    label = suffix or ("" if position == 0 else operator.lower())
    return call.emit(operator, inputs, {"keepdims": int(keep)}, outputs=outputs, suffix=label)


def _reduce(call: CallSite, operator: str) -> None:
    """A reduction in the element type of its output; any and all look at booleans."""
    x, dtype = call.tensor("self"), call.out_type().dtype
    name = call.operator
    if name in ("any", "all", "_is_any_true", "_is_all_true"):
        reduced = cast(call, x, DType.BOOL)
        axes, keep = reduced_axes(call, x), call.flag("keepdim")
        if dtype is DType.BOOL:
            emit_reduction(call, operator, reduced, axes, keep)
        else:  # of bytes it gives bytes
            value = emit_reduction(call, operator, reduced, axes, keep, suffix="reduced")
            call.emit("Cast", [value], {"to": dtype.code})
        return
    if dtype in COMPLEX:
        if operator not in COMPLEX_REDUCTIONS:
            raise LoadError(f"{call.target} of complex numbers", "the operator has no rule for them")
        emit_own(call, COMPLEX_REDUCTIONS[operator], cast(call, x, dtype))
        return
    emit_reduction(call, operator, cast(call, x, dtype), reduced_axes(call, x), call.flag("keepdim"))


for _name, _operator in REDUCTIONS.items():
    TRANSLATIONS[f"aten.{_name}"] = partial(_reduce, operator=_operator)


@translates("max.dim", "min.dim")
def extreme_along_axis(call: CallSite) -> None:
    """(greatest or least values, their places) along an axis; what nothing reads is not computed."""
    word = call.operator.capitalize()
    _emit_extreme(call, f"Reduce{word}", 0)
    if call.is_read(1):
        _emit_place(call, f"Arg{word}", 1)


def _emit_extreme(call: CallSite, operator: str, position: int) -> None:
    if not call.is_read(position):
        return
    x = call.tensor("self")
    emit_reduction(call, operator, x, reduced_axes(call, x), call.flag("keepdim"), position)


def _emit_place(call: CallSite, operator: str, position: int) -> None:
    """The place of an extreme along an axis, or among all elements."""
    x, keep = call.tensor("self"), int(call.flag("keepdim"))
    suffix = operator.lower() if position else ""
    outputs = [call.output(position)]
    if call.get("dim") is not None and call.shape(x):
        call.emit(operator, [x], {"axis": call.axis("dim", x), "keepdims": keep}, outputs=outputs, suffix=suffix)
        return
    line = call.emit("Reshape", [x, call.constant((-1,), "line_shape")], suffix="line")
    place = call.emit(operator, [line], {"axis": 0, "keepdims": 0}, suffix="place")
    shape = call.constant(call.out_shape(position), "place_shape")
    call.emit("Reshape", [place, shape], outputs=outputs, suffix=suffix)


@translates("argmax", "argmin")
def place_of_extreme(call: CallSite) -> None:
    """The place of the greatest or least element along an axis, or among all."""
    _emit_place(call, "ArgMax" if call.operator == "argmax" else "ArgMin", 0)


@translates("aminmax")
def both_extremes(call: CallSite) -> None:
    """(least values, greatest values)."""
    _emit_extreme(call, "ReduceMin", 0)
    _emit_extreme(call, "ReduceMax", 1)


@translates("count_nonzero")
def count_nonzero(call: CallSite) -> None:
    """How many elements are not 0."""
    x = call.tensor("self")
    truth = cast(call, x, DType.BOOL, "truth")
    emit_reduction(call, "ReduceSum", cast(call, truth, DType.INT64), reduced_axes(call, x), False)


@translates("nansum", "nanmean")
def reduction_without_nan(call: CallSite) -> None:
    """A sum or a mean of the elements that are numbers."""
    x, dtype = cast(call, call.tensor("self"), call.out_type().dtype), call.out_type().dtype
    axes, keep = reduced_axes(call, x), call.flag("keepdim")
    nodes = ExpressionNodes(call, {"x": x}, dtype)
    numbers = nodes.value(("Where", ("IsNaN", "x"), 0.0, "x")) if dtype.is_float else x
    if call.operator == "nansum":
        emit_reduction(call, "ReduceSum", numbers, axes, keep)
        return
    total = emit_reduction(call, "ReduceSum", numbers, axes, keep, suffix="sum")
    known = nodes.value(("Cast", ("Not", ("IsNaN", "x")), (("to", dtype.code),)))
    count = emit_reduction(call, "ReduceSum", known, axes, keep, suffix="count")
    call.emit("Div", [total, count])


@translates("var", "std", "var_mean", "std_mean")
def variance(call: CallSite) -> None:
    """The mean of (x − mean)², divided by n − correction instead of n; its root; with the mean as a second output."""
    x, dtype = call.tensor("self"), call.type(call.tensor("self")).dtype
    if dtype in COMPLEX:
        raise LoadError(f"{call.target} of complex numbers", "the operator has no rule for them")
    axes, keep = reduced_axes(call, x), call.flag("keepdim")
    correction = call.get("correction", int(call.flag("unbiased", True)))
    mean = emit_reduction(call, "ReduceMean", x, axes, True, suffix="mean")
    nodes = ExpressionNodes(call, {"x": x, "mean": mean}, dtype)
    difference = nodes.value(("Sub", "x", "mean"))
    square = nodes.value(("Mul", ("Sub", "x", "mean"), ("Sub", "x", "mean")))
    has_root = call.operator in ("std", "std_mean")
    if not correction:
        total = emit_reduction(call, "ReduceMean", square, axes, keep, suffix="variance" if has_root else "")
        expression: Expression = "total"
    else:
        total = emit_reduction(call, "ReduceSum", square, axes, keep, suffix="squares")
        nodes.operands["count"] = add_scalar(call, _count(call, x, axes, correction), dtype, "count")
        expression = ("Div", "total", "count")
    nodes.operands["total"] = total
    if has_root:
        nodes.output(("Sqrt", expression))
    elif correction:
        nodes.output(expression)
    assert difference
    if len(call.outputs) > 1:
        _emit_mean(call, mean)


def _count(call: CallSite, x: str, axes: tuple[int, ...], correction: Any) -> Any:
    """n − correction; None where the correction is no number."""
    shape = call.shape(x)
    count: Dim = prod([shape[axis] for axis in axes]) if axes else prod(shape)
    if isinstance(count, int):
        return count - correction if isinstance(correction, (int, float)) else None
    is_whole = isinstance(correction, int) or (isinstance(correction, float) and correction.is_integer())
    return count - int(correction) if is_whole else None


def _emit_mean(call: CallSite, mean: str) -> None:
    """The mean as the second output, in its shape."""
    if not call.is_read(1):
        return
    if call.shape(mean) == call.out_shape(1):
        call.alias(mean, 1)
    else:
        shape = call.constant(call.out_shape(1), "mean_shape")
        call.emit("Reshape", [mean, shape], outputs=[call.output(1)], suffix="means")


@translates("linalg_vector_norm", "norm", "frobenius_norm", "linalg_matrix_norm", "linalg_norm")
def norm(call: CallSite) -> None:
    """(Σ |x|ᵖ)^(1/p): the Euclidean norm, the sum of magnitudes, the greatest or least magnitude, the number of
    elements that are not 0, or with another p by powers."""
    x, dtype = call.tensor("self"), call.out_type().dtype
    order = call.get("ord", call.get("p", 2))
    if call.type(x).dtype in COMPLEX:
        x = ExpressionNodes(call, {"x": x}, call.type(x).dtype).value(("Abs", "x"))
    axes = reduced_axes(call, x)
    matrix = _matrix_axes(call, x, axes)
    if matrix and order != "fro" and call.get("ord") is not None:
        _emit_matrix_norm(call, cast(call, x, dtype), order, matrix)
        return
    if matrix or order == "fro":
        axes, order = matrix or axes, 2
    x, keep = cast(call, x, dtype), call.flag("keepdim")
    nodes = ExpressionNodes(call, {"x": x}, dtype)
    if order in (1, 2):
        emit_reduction(call, f"ReduceL{order:.0f}", x, axes, keep)
    elif order == 0:
        truth = cast(call, x, DType.BOOL, "truth")
        emit_reduction(call, "ReduceSum", cast(call, truth, dtype), axes, keep)
    elif isinstance(order, (int, float)) and math.isinf(order):
        emit_reduction(call, "ReduceMax" if order > 0 else "ReduceMin", nodes.value(("Abs", "x")), axes, keep)
    elif isinstance(order, (int, float)):
        power = nodes.value(("Pow", ("Abs", "x"), float(order)))
        nodes.operands["sum"] = emit_reduction(call, "ReduceSum", power, axes, keep, suffix="sum")
        nodes.output(("Pow", "sum", 1 / order))
    else:
        raise LoadError(f"a norm of the order {order!r}", "it is none of the norms of vectors")


def _matrix_axes(call: CallSite, x: str, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The two axes of the matrices whose norm a call takes; () where it takes that of vectors."""
    rank = len(call.shape(x))
    if call.operator == "linalg_matrix_norm":
        return axes or (rank - 2, rank - 1)
    axes = axes or tuple(range(rank))
    return axes if call.operator == "linalg_norm" and len(axes) == 2 else ()


def _emit_matrix_norm(call: CallSite, x: str, order: Any, axes: tuple[int, ...]) -> None:
    """Of the orders 1 and ∞ the greatest sum of magnitudes of a column or a row, with a sign the least; of the others
    the greatest or least singular value, or their sum. LoadError for another order."""
    rank = len(call.shape(x))
    if order in (1, -1) or (isinstance(order, float) and math.isinf(order)):
        summed = axes[:1] if abs(order) == 1 else axes[1:]
        magnitude = ExpressionNodes(call, {"x": x}, call.type(x).dtype).value(("Abs", "x"))
        total = emit_reduction(call, "ReduceSum", magnitude, summed, True, suffix="sum")
        emit_reduction(call, "ReduceMax" if order > 0 else "ReduceMin", total, axes, call.flag("keepdim"))
    elif order in (2, -2, "nuc") and axes == (rank - 2, rank - 1):
        emit_own(call, "singular_norm", x)
    else:
        raise LoadError(f"a norm of matrices of the order {order!r} over the axes {list(axes)}", REMEDY)


SOFTMAX = {
    "softmax": "Softmax",
    "_softmax": "Softmax",
    "_safe_softmax": "Softmax",
    "special_softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "_log_softmax": "LogSoftmax",
    "special_log_softmax": "LogSoftmax",
}


def _softmax(call: CallSite, operator: str) -> None:
    """Along one axis, in the element type of the output."""
    out = call.out_type()
    x = cast(call, call.tensor("self"), out.dtype)
    if out.shape:
        call.emit(operator, [x], {"axis": call.axis("dim", x)})
        return
    line = call.emit("Reshape", [x, call.constant((1,), "line_shape")], suffix="line")
    value = call.emit(operator, [line], {"axis": 0}, suffix=operator.lower())
    call.emit("Reshape", [value, call.constant((), "scalar_shape")])


for _name, _operator in SOFTMAX.items():
    TRANSLATIONS[f"aten.{_name}"] = partial(_softmax, operator=_operator)


@translates("cumsum", "cumprod")
def running_total(call: CallSite) -> None:
    """The sum or product of the elements so far, along an axis."""
    out = call.out_type()
    x = cast(call, call.tensor("self"), out.dtype)
    if not out.shape:
        call.alias(x)
        return
    axis = add_scalar(call, call.axis("dim", x), DType.INT64, "axis")
    call.emit("CumSum" if call.operator == "cumsum" else "CumProd", [x, axis])


@translates("cummax", "cummin", "logcumsumexp")
def running_extreme(call: CallSite) -> None:
    """The greatest or least element so far, with its place; the logarithm of the sum of the exponentials so far."""
    emit_own(call, call.operator, cast(call, call.tensor("self"), call.out_type().dtype))


@translates("diff")
def differences(call: CallSite) -> None:
    """Each element less the one before it along an axis, n times over."""
    x = call.tensor("self")
    dtype, axis, count = call.type(x).dtype, call.axis("dim", x, -1), call.integer("n", 1)
    parts = [call.optional_tensor("prepend"), x, call.optional_tensor("append")]
    if any(parts[::2]):
        present = [cast(call, part, dtype, f"part{i}") for i, part in enumerate(parts) if part]
        x = call.emit("Concat", present, {"axis": axis}, suffix="joined")
    axes = call.constant((axis,), "axis")
    for step in range(count):
        halves = []
        for name, start, end in (("before", 0, -1), ("after", 1, _LAST)):
            limits = [call.constant((n,), f"{name}{step}_{word}") for word, n in (("start", start), ("end", end))]
            halves.append(call.emit("Slice", [x, *limits, axes], suffix=f"{name}{step}"))
        operator = "Xor" if dtype is DType.BOOL else "Sub"
        x = call.emit(operator, halves[::-1], suffix="" if step == count - 1 else f"difference{step}")
    if not count:
        call.alias(x)


_LAST = (1 << 63) - 1
