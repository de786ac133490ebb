"""What TensorFlow Lite's operators share: fused activations, quantised outputs, SAME and VALID padding.

An operator with quantised (integer) data requantises its output, as ONNX Runtime's QLinear operators do.
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.ops.quantize import dynamic_quantization_work, requantization_work

QUANTISED_BITS = 16
"""Bits of the widest integers that stand for reals; int32 and int64 are sizes and indices."""


def activation_work(activation: str, out: TensorType) -> tuple[Work, ...]:
    """One operation per output of a fused activation: a transcendental for TANH, else a comparison."""
    if not activation:
        return ()
    return elementwise_work("transcendental" if activation == "TANH" else "compare", "activation", out.elements)


def is_quantised(t: TensorType) -> bool:
    """Whether a tensor's integers stand for reals."""
    return t.dtype.is_integer and t.dtype.bits <= QUANTISED_BITS and t.dtype is not DType.BOOL


def is_hybrid(x: TensorType, w: TensorType) -> bool:
    """Whether weights are quantised and the input is not, so that the kernel quantises that as well (dynamic range)."""
    return x.dtype.is_float and is_quantised(w)


def output_work(activation: str, x: TensorType, w: TensorType, out: TensorType) -> tuple[Work, ...]:
    """What stands around a product: requantising (one multiplication and one addition per output) where x is quantised;
    quantising x, and one multiplication with the scales per output, where only the weights are; the fused
    activation."""
    return scale_work(x, w, out) + activation_work(activation, out)


def scale_work(x: TensorType, w: TensorType, out: TensorType) -> tuple[Work, ...]:
    """output_work without the activation."""
    if is_quantised(x):
        return requantization_work(out)
    if is_hybrid(x, w):
        return dynamic_quantization_work(x) + elementwise_work("multiply", "quantization", out.elements)
    return ()


def known_shape(t: TensorType, rank: int, name: str) -> tuple[Dim, ...]:
    """The extents of a tensor of a known rank. ShapeError for another rank."""
    assert t.shape is not None
    if len(t.shape) != rank:
        raise ShapeError(f"{name} has {len(t.shape)} axes", f"it has {rank}")
    return t.shape
