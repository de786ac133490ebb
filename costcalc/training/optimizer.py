"""The state that an optimiser keeps for each trained parameter, and the parameter's gradient."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.dim import Dim
from costcalc.ir import DType, TensorType
from costcalc.storage import Stored

SMALL, BLOCK = 4096, 256
"""bitsandbytes 0.4x: tensors below SMALL elements keep their state in float32; a float32 scale for BLOCK elements."""


def gradient_bytes(item: Stored) -> Dim:
    """Bytes of a parameter's gradient: in its own type, in float32 where that is no float type."""
    dtype = item.type.dtype if item.type.dtype.is_float else DType.FLOAT32
    return TensorType(dtype, (item.values,)).nbytes


def _eight_bits(item: Stored) -> Dim:
    """Both moments in 8 bits by blocks, as bitsandbytes' AdamW8bit keeps them (arXiv:2110.02861)."""
    if item.values < SMALL:
        return 2 * 4 * item.values
    return 2 * (item.values + 4 * ((item.values + BLOCK - 1) // BLOCK))


OPTIMIZERS: dict[str, Callable[[Stored], Dim]] = {
    "sgd": lambda item: 0,
    "momentum": gradient_bytes,
    "adam": lambda item: 2 * gradient_bytes(item),
    "adamw-8bit": _eight_bits,
}
"""State bytes of a parameter: none; a velocity; two moments in the gradient's type, as PyTorch keeps them; both in 8
bits. A float32 master copy of narrower weights is not assumed."""
