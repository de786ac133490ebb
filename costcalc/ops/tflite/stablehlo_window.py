"""Operators with windows that StableHLO defines: its convolution, reductions under a window, dilation.

The axes of a convolution are told by number, so that its layout is any. Source: the StableHLO specification,
https://openxla.org/stablehlo/spec, and LiteRT's tflite/kernels/reduce_window.cc, dilate.cc.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim, maximum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, traits
from costcalc.ops.common.axes import known_integers, normalise_axis
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.stablehlo import body_kind

REDUCE_FUNCTIONS = ("", "add", "multiply", "compare", "compare", "compare", "compare")
"""What REDUCE_WINDOW does by its number: a sum, a product, a minimum, a maximum, all, any."""

free("DILATE", domain=TFLITE)

operands("STABLEHLO_CONVOLUTION", domain=TFLITE, weights=(1,))

traits("STABLEHLO_CONVOLUTION", domain=TFLITE, fusion="begins", positions="lost", gradient=PRODUCT_GRADIENT)

traits("STABLEHLO_REDUCE_WINDOW", "REDUCE_WINDOW", "DILATE", domain=TFLITE, positions="lost")

describe("Each filter slides over the input and gives one channel.", "STABLEHLO_CONVOLUTION", domain=TFLITE)

describe("Combines the elements under a window.", "STABLEHLO_REDUCE_WINDOW", "REDUCE_WINDOW", domain=TFLITE)

describe("Puts a value between the elements.", "DILATE", domain=TFLITE)


@shape_rule("DILATE", domain=TFLITE)
def dilate_shape(x: TensorType, dilations: TensorType, value: TensorType) -> TensorType:
    """(d − 1) · dilation + 1 of each axis, 0 of one without elements."""
    assert x.shape is not None
    steps = dilations.value
    if steps is None:
        return TensorType(x.dtype, None)
    if len(steps) != len(x.shape):
        raise ShapeError(f"{len(steps)} dilations are given for {len(x.shape)} axes", "give one of each axis")
    return TensorType(x.dtype, tuple([maximum((d - 1) * s + 1, 0) for d, s in zip(x.shape, steps, strict=True)]))


@shape_rule("STABLEHLO_CONVOLUTION", domain=TFLITE)
def convolution_shape(
    x: TensorType,
    w: TensorType,
    *,
    window_strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    lhs_dilation: Sequence[int] = (),
    rhs_dilation: Sequence[int] = (),
    input_batch: int = 0,
    input_spatial: Sequence[int] = (),
    kernel_output_feature: int = 0,
    kernel_spatial: Sequence[int] = (),
    output_batch: int = 0,
    output_feature: int = 0,
    output_spatial: Sequence[int] = (),
    batch_group_count: int = 1,
) -> TensorType:
    """The axes of input, kernel and output by their numbers; ⌊(dilated in + pads − dilated kernel) / stride⌋ + 1."""
    assert x.shape is not None and w.shape is not None
    rank = len(output_spatial)
    if not len(input_spatial) == len(kernel_spatial) == rank or x.rank != rank + 2 or w.rank != rank + 2:
        raise ShapeError("the axes of the input, the kernel and the output differ in number", "name each axis once")
    if sorted((output_batch, output_feature, *output_spatial)) != list(range(rank + 2)):
        raise ShapeError("the output's axes are not named once each", "name each axis once")
    inputs = [x.shape[normalise_axis(i, x.rank)] for i in input_spatial]
    kernel = [w.shape[normalise_axis(i, w.rank)] for i in kernel_spatial]
    extents = window_extents(inputs, kernel, window_strides, lhs_dilation, rhs_dilation, pads)
    shape: list[Dim] = [0] * (rank + 2)
    shape[output_batch] = x.shape[normalise_axis(input_batch, x.rank)] // max(batch_group_count, 1)
    shape[output_feature] = w.shape[normalise_axis(kernel_output_feature, w.rank)]
    for axis, extent in zip(output_spatial, extents, strict=True):
        shape[axis] = extent
    return TensorType(x.dtype, tuple(shape))


def window_extents(
    spatial: Sequence[Dim],
    window: Sequence[Dim],
    strides: Sequence[int],
    base_dilations: Sequence[int],
    window_dilations: Sequence[int],
    pads: Sequence[int],
) -> list[Dim]:
    """⌊(dilated in + pads − dilated window) / stride⌋ + 1 of each axis, 0 where the window does not fit; what is not
    given is 1, pads 0. pads has two numbers of each axis. ShapeError for other counts of them, or one below 1."""
    rank = len(spatial)
    if {len(numbers) for numbers in (strides, base_dilations, window_dilations)} - {0, rank} or len(pads) not in (
        0,
        2 * rank,
    ):
        raise ShapeError(f"a window over {rank} axes has other numbers of strides, dilations or pads", "correct them")
    if min((*strides, *base_dilations, *window_dilations), default=1) < 1:
        raise ShapeError("a stride or a dilation is below 1", "correct it")
    extents: list[Dim] = []
    for i in range(rank):
        reach = maximum((spatial[i] - 1) * (base_dilations[i] if base_dilations else 1) + 1, 0)
        width = maximum((window[i] - 1) * (window_dilations[i] if window_dilations else 1) + 1, 0)
        padded = reach + (pads[2 * i] + pads[2 * i + 1] if pads else 0)
        extents.append(maximum((padded - width) // (strides[i] if strides else 1) + 1, 0))
    return extents


@cost_rule("STABLEHLO_CONVOLUTION", domain=TFLITE)
def convolution_cost(x: TensorType, w: TensorType, *, kernel_output_feature: int = 0, out: TensorType) -> Cost:
    """#filter params (C_in/group · ∏kernel) × #filter positions (N · ∏out) × #filters (C_out). Positions whose filter
    reaches into the padding count, and those between the elements of a dilated input."""
    assert w.shape is not None
    filters = w.shape[normalise_axis(kernel_output_feature, w.rank)]
    rest = prod([d for i, d in enumerate(w.shape) if i != kernel_output_feature])
    positions = out.elements // filters if filters != 0 else 0
    return Cost(formula(("#filter params", rest), ("#filter positions", positions), ("#filters", filters)))


@shape_rule("STABLEHLO_REDUCE_WINDOW", domain=TFLITE)
def reduce_window_shape(
    *inputs: TensorType,
    window_dimensions: Sequence[int] = (),
    window_strides: Sequence[int] = (),
    base_dilations: Sequence[int] = (),
    window_dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    n_outputs: int = 1,
) -> tuple[TensorType, ...]:
    """⌊(dilated in + pads − dilated window) / stride⌋ + 1 of each axis of the first half of the inputs."""
    types = []
    for x in inputs[: len(inputs) // 2]:
        assert x.shape is not None
        if len(window_dimensions) != len(x.shape):
            raise ShapeError(f"a window of {len(window_dimensions)} axes over {len(x.shape)}", "correct it")
        extents = window_extents(x.shape, window_dimensions, window_strides, base_dilations, window_dilations, pads)
        types.append(TensorType(x.dtype, tuple(extents)))
    return tuple(types)


@cost_rule("STABLEHLO_REDUCE_WINDOW", domain=TFLITE)
def reduce_window_cost(
    *inputs: TensorType, window_dimensions: Sequence[int] = (), body: str | None = None, out: TensorType
) -> Cost | None:
    """∏window − 1 operations of the body per output, where that is one operation; else it is not known."""
    kind = body_kind(body)
    if not kind or len(inputs) != 2:
        return None
    return window_cost(kind, prod(window_dimensions), out)


def window_cost(kind: str, size: Dim, out: TensorType) -> Cost:
    """The kind of a combination, the elements of a window and the output -> size − 1 operations per output."""
    combinations = maximum(size - 1, 0) * out.elements
    return Cost(work=elementwise_work(kind, "pooling", combinations, 1, "#outputs × (∏window − 1)"))


@shape_rule("REDUCE_WINDOW", domain=TFLITE)
def builtin_window_shape(
    x: TensorType, start: TensorType, window: TensorType, strides: TensorType, dilations: TensorType
) -> TensorType:
    """As STABLEHLO_REDUCE_WINDOW without pads; what the window is stands in inputs."""
    assert x.shape is not None
    size, steps, apart = known_integers(window), known_integers(strides), known_integers(dilations)
    if size is None or steps is None or apart is None:
        return TensorType(x.dtype, None)
    if len(size) != len(x.shape):
        raise ShapeError(f"a window of {len(size)} axes over {len(x.shape)}", "correct it")
    return TensorType(x.dtype, tuple(window_extents(x.shape, size, steps, (), apart, ())))


@cost_rule("REDUCE_WINDOW", domain=TFLITE)
def builtin_window_cost(
    x: TensorType,
    start: TensorType,
    window: TensorType,
    strides: TensorType,
    dilations: TensorType,
    *,
    reduce_function: int = 0,
    out: TensorType,
) -> Cost | None:
    """∏window − 1 additions, multiplications or comparisons per output; None where the window is not known."""
    size = known_integers(window)
    kind = REDUCE_FUNCTIONS[reduce_function] if 0 <= reduce_function < len(REDUCE_FUNCTIONS) else ""
    return window_cost(kind, prod(size), out) if size is not None and kind else None
