"""Reductions along axes (Reduce*, ArgMax, ArgMin) and cumulative sums and products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, product
from typing import Any, NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.registry import FreshSymbol, cost_rule, describe, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import normalise_axes, normalise_axis, vector_length
from costcalc.ops.common.elements import (
    ADD,
    DIVIDE,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    Arithmetic,
    element_function,
    fold_elements,
)


class Reduction(NamedTuple):
    """The operations of a reduction: on each input, to combine two, on each output; "" where there is none."""

    sentence: str
    before: str
    combine: str
    after: str


REDUCTIONS = {
    "ReduceSum": Reduction("Sums", "", "add", ""),
    "ReduceMean": Reduction("Averages", "", "add", "divide"),
    "ReduceProd": Reduction("Multiplies", "", "multiply", ""),
    "ReduceMax": Reduction("Takes the greatest of", "", "compare", ""),
    "ReduceMin": Reduction("Takes the least of", "", "compare", ""),
    "ReduceL1": Reduction("Sums the magnitudes of", "compare", "add", ""),
    "ReduceL2": Reduction("Takes the Euclidean norm of", "multiply", "add", "transcendental"),
    "ReduceSumSquare": Reduction("Sums the squares of", "multiply", "add", ""),
    "ReduceLogSum": Reduction("Takes the logarithm of the sum of", "", "add", "transcendental"),
    "ReduceLogSumExp": Reduction(
        "Takes the logarithm of the sum of the exponentials of", "exp", "add", "transcendental"
    ),
}

for _op_type, _reduction in REDUCTIONS.items():
    describe(f"{_reduction.sentence} the elements along axes.", _op_type)

traits("ReduceMean", "ReduceMax", "ReduceSum", positions="mixed")

traits("ReduceMean", "ReduceSum", keeps="nothing")

describe("Finds the place of the greatest element along an axis.", "ArgMax")

describe("Finds the place of the least element along an axis.", "ArgMin")


def reduced_axes(
    x: TensorType, axes_input: TensorType | None, axes: Sequence[int] | None, noop_with_empty_axes: int
) -> tuple[int, ...] | None:
    """The axes that a reduction removes, None where they are not known. They are an input since opset 13 (ReduceSum)
    or 18, before an attribute; without any, all, or none with noop_with_empty_axes."""
    assert x.shape is not None
    if axes_input is not None and axes_input.elements != 0:
        if axes_input.value is None:
            return None
        axes = [int(axis) for axis in axes_input.value]
    if not axes:
        return () if noop_with_empty_axes else tuple(range(len(x.shape)))
    return normalise_axes(axes, len(x.shape))


@shape_rule(*REDUCTIONS)
def reduce_shape(
    x: TensorType,
    axes_input: TensorType | None = None,
    *,
    axes: Sequence[int] | None = None,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
    fresh: FreshSymbol,
) -> TensorType:
    """The input's shape without the reduced axes, or with extent 1 there (keepdims). Axes that depend on data leave
    every extent open."""
    assert x.shape is not None
    removed = reduced_axes(x, axes_input, axes, noop_with_empty_axes)
    if removed is None:
        assert axes_input is not None
        rank = len(x.shape)
        result_rank = rank if keepdims else rank - vector_length(axes_input)
        limits = x.shape if keepdims else [None] * result_rank
        return TensorType(x.dtype, tuple([fresh(f"axis{i}", limits[i]) for i in range(result_rank)]))
    return TensorType(x.dtype, reduced_shape(x.shape, removed, keepdims))


def reduced_shape(shape: Sequence[Dim], removed: Sequence[int], keepdims: int) -> tuple[Dim, ...]:
    """A shape whose removed axes are 1 or left out."""
    if keepdims:
        return tuple([1 if i in removed else extent for i, extent in enumerate(shape)])
    return tuple([extent for i, extent in enumerate(shape) if i not in removed])


def _count_combinations(x: TensorType, out: TensorType) -> Dim:
    """The number of times that two elements are combined: #inputs − #outputs, 0 where there is no input or output."""
    inputs, outputs = x.elements, out.elements
    return 0 if inputs == 0 or outputs == 0 else inputs - outputs


def combination_work(kind: str, role: str, x: TensorType, out: TensorType) -> Cost:
    """One operation for every pair of elements that is combined."""
    n = _count_combinations(x, out)
    return Cost(work=elementwise_work(kind, role, n, 1, "(#inputs − #outputs)") if n != 0 else ())


def _register_cost(op_type: str, reduction: Reduction) -> None:
    @cost_rule(op_type)
    def reduce_cost(x: TensorType, axes_input: TensorType | None = None, *, out: TensorType) -> Cost:
        """#inputs − #outputs operations to combine the elements (additions, multiplications or comparisons); L1, L2,
        SumSquare and LogSumExp one more per input (magnitude, square, exponential), Mean, L2, LogSum and LogSumExp one
        more per output (division, root, logarithm)."""
        before = elementwise_work(reduction.before, "reduction", x.elements, int(bool(reduction.before)), "#inputs")
        after = elementwise_work(reduction.after, "reduction", out.elements, int(bool(reduction.after)), "#outputs")
        return Cost(work=before + combination_work(reduction.combine, "reduction", x, out).work + after)


for _op_type, _reduction in REDUCTIONS.items():
    _register_cost(_op_type, _reduction)


@shape_rule("ArgMax", "ArgMin")
def arg_shape(x: TensorType, *, axis: int = 0, keepdims: int = 1) -> TensorType:
    """Places (int64) in the input's shape without the axis, or with extent 1 there."""
    assert x.shape is not None
    return TensorType(DType.INT64, reduced_shape(x.shape, (normalise_axis(axis, len(x.shape)),), keepdims))


@cost_rule("ArgMax", "ArgMin")
def arg_cost(x: TensorType, *, out: TensorType) -> Cost:
    """#inputs − #outputs comparisons."""
    return combination_work("compare", "reduction", x, out)


def _register_value(op_type: str, arithmetic: Arithmetic, of_none: int | None = None) -> None:
    @value_rule(op_type)
    def reduce_value(
        x: TensorType,
        axes_input: TensorType | None = None,
        *,
        axes: Sequence[int] | None = None,
        noop_with_empty_axes: int = 0,
    ) -> Value | None:
        """The elements along the axes, combined one after the other."""
        groups = _group_elements(x, reduced_axes(x, axes_input, axes, noop_with_empty_axes))
        if groups is None:
            return None
        function = element_function(arithmetic, x.dtype)
        result = tuple([fold_elements(function, group) if group else of_none for group in groups])
        return None if None in result else result


_register_value("ReduceSum", ADD, 0)

_register_value("ReduceProd", MULTIPLY, 1)

_register_value("ReduceMin", MINIMUM)

_register_value("ReduceMax", MAXIMUM)


@value_rule("ReduceMean")
def reduce_mean_value(
    x: TensorType,
    axes_input: TensorType | None = None,
    *,
    axes: Sequence[int] | None = None,
    noop_with_empty_axes: int = 0,
) -> Value | None:
    """The sum of the elements along the axes, divided by their number."""
    groups = _group_elements(x, reduced_axes(x, axes_input, axes, noop_with_empty_axes))
    if not groups or not groups[0]:
        return None
    add, divide = element_function(ADD, x.dtype), element_function(DIVIDE, x.dtype)
    sums = [fold_elements(add, group) for group in groups]
    if None in sums:
        return None
    result = tuple([divide(total, len(groups[0])) for total in sums])
    return None if None in result else result


def _group_elements(x: TensorType, removed: Sequence[int] | None) -> list[list[Any]] | None:
    """The elements that become one output each, in row-major order of the outputs; None where they are not known."""
    if x.value is None or removed is None or x.shape is None:
        return None
    extents = [int(extent) for extent in x.shape]
    ranges = [range(1 if i in removed else extent) for i, extent in enumerate(extents)]
    groups: dict[tuple[int, ...], list[Any]] = {index: [] for index in product(*ranges)}
    for index, element in zip(product(*map(range, extents)), x.value, strict=True):
        groups[tuple([0 if axis in removed else i for axis, i in enumerate(index)])].append(element)
    return list(groups.values())


traits("CumSum", keeps="nothing")

describe("Sums the elements so far along an axis.", "CumSum")

describe("Multiplies the elements so far along an axis.", "CumProd")


@shape_rule("CumSum", "CumProd")
def cumulative_shape(x: TensorType, axis: TensorType) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("CumSum")
def cumsum_cost(x: TensorType, axis: TensorType) -> Cost:
    """One addition per element."""
    return Cost(work=elementwise_work("add", "reduction", x.elements))


@cost_rule("CumProd")
def cumprod_cost(x: TensorType, axis: TensorType) -> Cost:
    """One multiplication per element."""
    return Cost(work=elementwise_work("multiply", "reduction", x.elements))


def _register_cumulative_value(op_type: str, arithmetic: Arithmetic, neutral: int) -> None:
    @value_rule(op_type)
    def cumulative_value(x: TensorType, axis: TensorType, *, exclusive: int = 0, reverse: int = 0) -> Value | None:
        """The elements so far, combined; followed for vectors."""
        if x.value is None or x.shape is None or len(x.shape) != 1:
            return None
        function = element_function(arithmetic, x.dtype)
        elements = x.value[::-1] if reverse else x.value
        if exclusive:
            elements = (neutral, *elements)[: len(elements)]
        result = tuple(accumulate(elements, lambda a, b: None if a is None else function(a, b)))
        return None if None in result else result[::-1] if reverse else result


_register_cumulative_value("CumSum", ADD, 0)

_register_cumulative_value("CumProd", MULTIPLY, 1)
