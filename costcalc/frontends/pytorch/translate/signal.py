"""Fourier transforms: ATen's calls -> nodes. Their numbers are complex, which ONNX's are not."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.program import REMEDY
from costcalc.frontends.pytorch.translate.arrangement import emit_roll, find_axes
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_own

TRANSFORMS = {
    "fft": "complex",
    "ifft": "complex",
    "rfft": "real",
    "ihfft": "real",
    "irfft": "inverse",
    "hfft": "inverse",
}
"""Transforms -> whether they take real numbers, give them, or are complex on both sides."""


@translates(*[f"fft_{name}{axes}" for name in TRANSFORMS for axes in ("", "2", "n")])
def transform(call: CallSite) -> None:
    """A discrete Fourier transform along one axis, the last two, or those that are named; lengths cut or fill up."""
    x = call.tensor("self")
    rank = len(call.shape(x))
    name = call.operator.removeprefix("fft_")
    if name[-1] in "2n":
        lengths: tuple[Dim, ...] = call.dims("s") if call.get("s") is not None else ()
        default = (-2, -1) if name[-1] == "2" else tuple(range(-len(lengths) if lengths else -rank, 0))
        axes = call.ints("dim", default)
        name = name[:-1]
    else:
        lengths, axes = (call.dim("n"),) if call.get("n") is not None else (), (call.integer("dim", -1),)
    _emit_transform(call, x, TRANSFORMS[name], find_axes(call, axes, rank), lengths)


def _emit_transform(call: CallSite, x: str, kind: str, axes: Sequence[int], lengths: Sequence[Dim]) -> None:
    """A node of the transform. Of a real input that is filled up only the transform's lengths count."""
    if lengths and len(lengths) != len(axes):
        raise LoadError(f"{call.target} has {len(lengths)} lengths for {len(axes)} axes", REMEDY)
    if kind == "complex" and not call.type(x).dtype.name.startswith("COMPLEX"):
        kind = "widened"
    pairs = zip(axes, lengths or (-1,) * len(axes), strict=True)
    extents = [call.extent(x, axis) if n == -1 else n for axis, n in pairs]
    attributes = {"kind": kind, "axes": tuple(axes), "lengths": tuple(extents)}
    emit_own(call, "fft", x, attributes=attributes)


@translates("_fft_r2c", "_fft_c2c", "_fft_c2r")
def transform_core(call: CallSite) -> None:
    """The same transforms as core ATen writes them. One from real numbers to all bins is computed for half of them,
    the others are their conjugates."""
    x = call.tensor("self")
    kind = {"r2c": "real", "c2c": "complex", "c2r": "inverse"}[call.operator[-3:]]
    axes = find_axes(call, call.ints("dim"), len(call.shape(x)))
    _emit_transform(call, x, kind, axes, ())


@translates("fft_fftshift", "fft_ifftshift")
def shift(call: CallSite) -> None:
    """The frequency 0 moves to the middle of each axis, or back: a roll by half of its extent."""
    x = call.tensor("self")
    shape = call.shape(x)
    axes = find_axes(call, call.ints("dim", tuple(range(len(shape)))), len(shape))
    is_inverse = call.operator == "fft_ifftshift"
    shifts = [(shape[axis] + 1) // 2 if is_inverse else shape[axis] // 2 for axis in axes]
    if not all(isinstance(n, int) for n in shifts):
        emit_own(call, "roll", x)
        return
    emit_roll(call, x, [n for n in shifts if isinstance(n, int)], axes)


@translates("stft")
def stft(call: CallSite) -> None:
    """A signal [B, n] or [n] -> [B, bins, frames], complex or as pairs of reals."""
    _emit_frames(call, "stft")


@translates("istft")
def istft(call: CallSite) -> None:
    """[B, bins, frames] -> the signal [B, n]."""
    _emit_frames(call, "istft")


def _emit_frames(call: CallSite, operator: str) -> None:
    inputs = [call.tensor("self"), *filter(None, [call.optional_tensor("window")])]
    attributes = {"n_fft": call.integer("n_fft")}
    emit_own(call, operator, *inputs, attributes=attributes)
