"""Types of images with channels first, last or in blocks -> the same type in another layout.

ONNX Runtime stores a tensor [N, C, H, W] of com.microsoft.nchwc as [N, ⌈C / block⌉, H, W, block]; its type is
[N, block · ⌈C / block⌉, H, W]. Channels that only fill the last block are storage.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType

NCHWC = "com.microsoft.nchwc"
"""The domain."""

LOGICAL = frozenset(("logical_channels", "logical_input_channels"))
"""The attributes that the front end adds to nodes."""

BLOCK, LARGEST_BLOCK = 8, 16
"""The channels of a block with AVX2, and with AVX-512 and on Arm."""


def to_channels_first(t: TensorType, last: int = 1) -> TensorType:
    """A channels-last type with its channels at axis 1. ShapeError where it has no axes for them."""
    if not last:
        return t
    assert t.shape is not None
    if t.rank < 2:
        raise ShapeError(f"an input of {t.rank} axes has no channels last", "its axes are [N, *spatial, C]")
    return TensorType(t.dtype, (t.shape[0], t.shape[-1], *t.shape[1:-1]))


def from_channels_first(shape: Sequence[Dim], last: int = 1) -> tuple[Dim, ...]:
    """[N, C, *spatial] -> [N, *spatial, C]."""
    return (shape[0], *shape[2:], shape[1]) if last else tuple(shape)


def blocked_type(x: TensorType, channels_last: int, block: int) -> TensorType:
    """The type of a tensor [N, C, …], or [N, …, C], whose channels are stored in blocks."""
    n, c, *spatial = to_channels_first(x, channels_last).shape or ()
    return TensorType(x.dtype, (n, (c + (block - 1)) // block * block, *spatial))


def logical_type(t: TensorType, channels: int | None) -> TensorType:
    """A type [N, C, …] with `channels` channels, where they are known."""
    assert t.shape is not None
    return t if channels is None else TensorType(t.dtype, (t.shape[0], channels, *t.shape[2:]))


def logical_weight(w: TensorType, channels: int | None, input_channels: int | None) -> tuple[Dim, ...]:
    """The shape of a weight [C_out, C_in/group, *kernel], or of a bias [C_out], without padded channels."""
    assert w.shape is not None
    filters, *rest = w.shape
    if rest and input_channels is not None:
        rest[0] = input_channels
    return (filters if channels is None else channels, *rest)
