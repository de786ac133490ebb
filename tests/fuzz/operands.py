"""An operator and the types of known values -> inputs that fit it most of the time: weights, shapes, axes, splits."""

from __future__ import annotations

import random
from collections.abc import Callable

Shape = tuple[int | str | None, ...]


def _number(extent: int | str | None) -> int:
    """An extent as a number of a weight, which has no symbols."""
    return extent if isinstance(extent, int) and 0 < extent < 5000 else 4


def convolution(r: random.Random, x: Shape) -> list[list[int]]:
    channels, filters = _number(x[1] if len(x) > 1 else 1), r.choice((1, 4, 8, 6))
    group = r.choice((1, 1, channels))
    kernel = [r.choice((1, 2, 3, 3, 5)) for _ in x[2:]]
    filters = filters * group if group > 1 else filters
    return r.choice(([[filters, channels // group, *kernel]], [[filters, channels // group, *kernel], [filters]]))


def transposed(r: random.Random, x: Shape) -> list[list[int]]:
    return [[_number(x[1] if len(x) > 1 else 1), r.choice((1, 4)), *(r.choice((1, 2, 3)) for _ in x[2:])]]


def product(r: random.Random, x: Shape) -> list[list[int]]:
    return [[_number(x[-1] if x else 1), r.choice((1, 4, 10))]]


def channelwise(count: int) -> Callable[[random.Random, Shape], list[list[int]]]:
    return lambda r, x: [[_number(x[1] if len(x) > 1 else 1)] for _ in range(count)]


def last(r: random.Random, x: Shape) -> list[list[int]]:
    return [[_number(x[-1] if x else 1)]]


def recurrent(gates: int) -> Callable[[random.Random, Shape], list[list[int]]]:
    def weights(r: random.Random, x: Shape) -> list[list[int]]:
        hidden = r.choice((1, 4, 8))
        return [[1, gates * hidden, _number(x[-1] if x else 1)], [1, gates * hidden, hidden]]

    return weights


def alike(r: random.Random, x: Shape) -> list[list[int]]:
    """An operand that broadcasts with x."""
    choices: tuple[list[list[int]], ...] = ([[]], [[1]], [[_number(x[-1] if x else 1)]], [[_number(d) for d in x]])
    return r.choice(choices)


WEIGHTS: dict[str, Callable[[random.Random, Shape], list[list[int]]]] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "MatMul": product,
    "Gemm": product,
    "BatchNormalization": channelwise(4),
    "InstanceNormalization": channelwise(2),
    "GroupNormalization": channelwise(2),
    "LayerNormalization": last,
    "RMSNormalization": last,
    "PRelu": alike,
    "LSTM": recurrent(4),
    "GRU": recurrent(3),
    "RNN": recurrent(1),
    **dict.fromkeys(("Add", "Mul", "Sub", "Div", "Pow", "Min", "Max", "Sum", "Mean"), alike),
}
"""The extents of the stored tensors behind the first input."""


def shape_elements(r: random.Random, op_type: str, x: Shape) -> list[int]:
    """The elements of the integer tensor that is an operator's second input."""
    rank = len(x)
    axes = list(range(rank)) or [0]
    choices: dict[str, tuple[list[int], ...]] = {
        "Reshape": ([0, -1], [-1], [1, -1], [0] * rank, [2, -1, 2], [-1, 1, 1, 1, 1]),
        "Expand": ([1] * rank, [2, *[1] * rank], [3]),
        "Tile": ([1] * rank, [2] * rank, [1, 3, 1, 1][:rank]),
        "Squeeze": ([axes[-1]], [0], [-1]),
        "Unsqueeze": ([0], [-1], [0, 1], [rank]),
        "Pad": ([0, 1] * rank, [1] * (2 * rank), [0] * (2 * rank), [-1] * (2 * rank)),
        "TopK": ([1], [2], [1000]),
        "Slice": ([0], [1], [-1], [0] * rank),
        "Gather": ([0], [0, 1, 0], [-1]),
        "Split": ([1, 1], [2, 2], [3]),
        "ReduceSum": ([0], [-1], axes),
        "OneHot": ([4],),
        "CumSum": ([0], [1]),
    }
    return r.choice(choices.get(op_type, ([1], [0], [2, 2], axes)))
