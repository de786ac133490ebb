"""Elements of small tensors as row-major tuples -> moved, combined, folded elements: integers, floats and symbols."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, Poly, maximum, minimum
from costcalc.core.ir import DType, Value
from costcalc.ops.common import ratio
from costcalc.ops.common.ratio import ExtentRatio, Number, store_element


def concrete_shape(shape: Sequence[Dim]) -> tuple[int, ...]:
    """A shape whose extents are numbers (that of every tensor whose elements are known)."""
    return tuple([int(extent) for extent in shape])


def take(value: Value, shape: Sequence[int], axis: int, indices: Sequence[int]) -> Value:
    """numpy.take along an axis, the indices not negative."""
    if len(shape) == 1:
        return tuple([value[i] for i in indices])
    inner = math.prod(shape[axis + 1 :])
    block = inner * shape[axis]
    out: list[object] = []
    for start in range(0, block * math.prod(shape[:axis]), block or 1):
        for i in indices:
            out += value[start + i * inner : start + (i + 1) * inner]
    return tuple(out)


def concatenate(values: Sequence[Value], shapes: Sequence[Sequence[int]], axis: int) -> Value:
    """numpy.concatenate along an axis."""
    blocks = [math.prod(shape[axis:]) for shape in shapes]
    out: list[object] = []
    for i in range(math.prod(shapes[0][:axis])):
        for value, block in zip(values, blocks, strict=True):
            out += value[i * block : (i + 1) * block]
    return tuple(out)


def permute(value: Value, shape: Sequence[int], perm: Sequence[int]) -> Value:
    """numpy.transpose."""
    strides = [math.prod(shape[axis + 1 :]) for axis in perm]
    offsets = [0]
    for axis, stride in zip(perm, strides, strict=True):
        offsets = [offset + i * stride for offset in offsets for i in range(shape[axis])]
    return tuple([value[offset] for offset in offsets])


def expand(value: Value, shape: Sequence[int], out: Sequence[int]) -> Value:
    """numpy.broadcast_to."""
    shape = [1] * (len(out) - len(shape)) + list(shape)
    offsets = [0]
    for axis, extent in enumerate(out):
        stride = 0 if shape[axis] == 1 else math.prod(shape[axis + 1 :])
        offsets = [offset + i * stride for offset in offsets for i in range(extent)]
    return tuple([value[offset] for offset in offsets])


MAX_POWER = 64
"""The largest exponent of an integer power that is followed."""

Binary = Callable[[Any, Any], Any]


class Arithmetic(NamedTuple):
    """One operation on integers (which are Dims), on floats, and on the numbers of float tensors where a symbol is
    involved. Each gives None where the result is not known."""

    integers: Binary
    floats: Binary
    symbols: Binary


def _integer_modulo(a: Dim, b: Dim) -> Dim | None:
    return None if b == 0 else a % b


def _integer_fmod(a: Dim, b: Dim) -> Dim | None:
    integer = ratio.divide_truncating(a, b)
    return None if integer is None else a - integer * b


def _float_fmod(a: float, b: float) -> float | None:
    return math.fmod(a, b) if b and math.isfinite(a) else None


def _unknown(a: Number, b: Number) -> None:
    return None


def _integer_power(a: Dim, b: Number) -> Number | None:
    if isinstance(b, float) and not b.is_integer():
        power = None if isinstance(a, Poly) else _float_power(float(a), b)
        return None if power is None else ratio.truncate(power)
    return _symbol_power(a, b)


def _symbol_power(a: Number, b: Number) -> Number | None:
    if isinstance(a, ExtentRatio) or isinstance(b, (Poly, ExtentRatio)):
        return None
    exponent = ratio.truncate(b)
    if not isinstance(exponent, int) or exponent != b or not 0 <= exponent <= MAX_POWER:
        return None
    return a**exponent


def _float_power(a: float, b: float) -> float | None:
    if (a < 0 and not b.is_integer()) or (a == 0 and b < 0) or not (math.isfinite(a) and math.isfinite(b)):
        return None
    return None if a and b * math.log2(abs(a)) > 1023 else math.pow(a, b)


def smaller_element(a: Number, b: Number) -> Number | None:
    """min(a, b); None where it depends on a symbol and is no Dim."""
    return _extreme(a, b, minimum, want_low=True)


def larger_element(a: Number, b: Number) -> Number | None:
    """max(a, b); None where it depends on a symbol and is no Dim."""
    return _extreme(a, b, maximum, want_low=False)


def _extreme(a: Number, b: Number, dims: Callable[[Dim, Dim], Dim], want_low: bool) -> Number | None:
    if a == b:
        return a
    low, high = ratio.difference(a, b)
    if high <= 0:
        return a if want_low else b
    if low >= 0:
        return b if want_low else a
    p, q = ratio.fraction(a), ratio.fraction(b)
    return dims(p[0], q[0]) if p is not None and q is not None and p[1] == q[1] == 1 else None


ADD = Arithmetic(operator.add, operator.add, ratio.add)

SUBTRACT = Arithmetic(operator.sub, operator.sub, ratio.subtract)

MULTIPLY = Arithmetic(operator.mul, operator.mul, ratio.multiply)

DIVIDE = Arithmetic(ratio.divide_truncating, lambda x, y: x / y if y else None, ratio.quotient)

MODULO = Arithmetic(_integer_modulo, lambda x, y: x % y if y and math.isfinite(x) else None, _unknown)

FMOD = Arithmetic(_integer_fmod, _float_fmod, _unknown)

POWER = Arithmetic(_integer_power, _float_power, _symbol_power)

MINIMUM = Arithmetic(smaller_element, smaller_element, smaller_element)

MAXIMUM = Arithmetic(larger_element, larger_element, larger_element)


def element_function(arithmetic: Arithmetic, dtype: DType) -> Binary:
    """The operation on two elements of a tensor of that type."""
    integers, floats, symbols = arithmetic
    if not dtype.is_float:
        return lambda x, y: store_element(integers(x, y), dtype)

    def element(x: Number, y: Number) -> Number | None:
        if isinstance(x, (Poly, ExtentRatio)) or isinstance(y, (Poly, ExtentRatio)):
            return store_element(symbols(x, y), dtype)
        return store_element(floats(float(x), float(y)), dtype)

    return element


def fold_elements(function: Binary, elements: Sequence[Any]) -> Any:
    """function over one or more elements from left to right; None as soon as it gives None."""
    result = elements[0]
    for x in elements[1:]:
        if result is None:
            return None
        result = function(result, x)
    return result
