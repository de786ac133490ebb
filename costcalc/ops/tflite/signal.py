"""TensorFlow Lite's operators on frequencies, complex numbers and random numbers.

Source: LiteRT's tflite/kernels (rfft2d.cc, complex_support.cc, random_ops.cc, multinomial.cc).
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import known_shape

RANDOM = ("RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "MULTINOMIAL")

PARTS = ("IMAG", "REAL")

free(*RANDOM, *PARTS, domain=TFLITE)

traits(*RANDOM, domain=TFLITE, random=True, keeps="nothing")

traits("RFFT2D", domain=TFLITE, positions="mixed")

traits("COMPLEX_ABS", *PARTS, domain=TFLITE, positions="kept")

describe("Random numbers; drawing them is no counted arithmetic.", *RANDOM, domain=TFLITE)

describe("The real or the imaginary part of each number.", *PARTS, domain=TFLITE)

describe("The magnitude of each complex number.", "COMPLEX_ABS", domain=TFLITE)

describe("An image is taken apart into frequencies.", "RFFT2D", domain=TFLITE)


@shape_rule("RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", domain=TFLITE)
def random_shape(shape: TensorType) -> TensorType:
    """The shape that the input gives."""
    return TensorType(DType.FLOAT32, None if shape.value is None else tuple(shape.value))


@shape_rule("MULTINOMIAL", domain=TFLITE)
def multinomial_shape(logits: TensorType, count: TensorType) -> TensorType:
    """logits [batch, classes] -> [batch, count]."""
    n, _ = known_shape(logits, 2, "the logits")
    return TensorType(DType.INT64, None if count.value is None else (n, count.value[0]))


@shape_rule(*PARTS, "COMPLEX_ABS", domain=TFLITE)
def part_shape(x: TensorType) -> TensorType:
    """The input's shape, of real numbers."""
    return TensorType(DType.FLOAT64 if x.dtype is DType.COMPLEX128 else DType.FLOAT32, x.shape)


@cost_rule("COMPLEX_ABS", domain=TFLITE)
def magnitude_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Two multiplications, one addition and one root per number."""
    work = elementwise_work("multiply", "elementwise", out.elements, 2)
    work += elementwise_work("add", "elementwise", out.elements)
    return Cost(work=work + elementwise_work("transcendental", "elementwise", out.elements))


@shape_rule("RFFT2D", domain=TFLITE)
def rfft_shape(x: TensorType, length: TensorType) -> TensorType:
    """[*batch, H, W] and the lengths (h, w) -> [*batch, h, w // 2 + 1] of complex numbers."""
    assert x.shape is not None
    if len(x.shape) < 2:
        raise ShapeError(f"an image has {len(x.shape)} axes", "it is [*batch, H, W]")
    if length.value is None:
        return TensorType(DType.COMPLEX64, None)
    if len(length.value) != 2:
        raise ShapeError(f"{len(length.value)} lengths are given", "give height and width")
    rows, columns = length.value
    return TensorType(DType.COMPLEX64, (*x.shape[:-2], rows, columns // 2 + 1))


@cost_rule("RFFT2D", domain=TFLITE)
def rfft_cost(x: TensorType, length: TensorType, *, out: TensorType) -> Cost | None:
    """By its definition, row by row and then column by column: per complex output w terms of 2 multiplications and 2
    additions, then h terms of 4 and 4. A fast Fourier transform does less; no MACs are counted."""
    if length.value is None:
        return None
    rows, columns = length.value
    terms: Dim = out.elements * (2 * columns + 4 * rows)
    return Cost(
        work=elementwise_work("multiply", "elementwise", terms, 1, "#terms")
        + elementwise_work("add", "elementwise", terms, 1, "#terms")
    )
