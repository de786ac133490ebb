"""Fourier transforms and mel filter banks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, TensorType
from costcalc.core.registry import FreshSymbol, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule
from costcalc.ops.common.axes import normalise_axis
from costcalc.ops.common.window_reads import axis_reads

operands("STFT", buffers=(2,))

describe("A signal is taken apart into frequencies.", "DFT")

describe("Windows of a signal are taken apart into frequencies.", "STFT")

describe("Triangular filters turn frequencies into bands as wide as the ear hears them.", "MelWeightMatrix")


def _scalar(t: TensorType) -> Dim | None:
    """The value of a tensor of one element, None where it is not known."""
    if t.value is None:
        return None
    element: Dim = t.value[0]
    return element


def _dft_axis(x: TensorType, axis_input: TensorType | None, axis: int, opset: int) -> int | None:
    """The transformed axis: an attribute (1 by default) before opset 20, then an input (-2 by default)."""
    if opset < 20:
        return normalise_axis(axis, x.rank)
    if axis_input is None:
        return normalise_axis(-2, x.rank)
    return None if axis_input.value is None else normalise_axis(axis_input.value[0], x.rank)


@shape_rule("DFT")
def dft_shape(
    x: TensorType,
    dft_length: TensorType | None = None,
    axis_input: TensorType | None = None,
    *,
    axis: int = 1,
    onesided: int = 0,
    inverse: int = 0,
    opset: int,
    fresh: FreshSymbol,
) -> TensorType:
    """x [*, n, 1 or 2] -> [*, length, 2]; one-sided [*, length // 2 + 1, 2], its inverse [*, length, 1]."""
    assert x.shape is not None
    axis_index = _dft_axis(x, axis_input, axis, opset)
    if axis_index is None:
        return TensorType(x.dtype, None)
    extent = x.shape[axis_index]
    length: Dim | None = 2 * (extent - 1) if onesided and inverse else extent
    if dft_length is not None:
        length = _scalar(dft_length)
    if length is not None and onesided and not inverse:
        length = length // 2 + 1
    bins = fresh("bins") if length is None else length
    shape = [*x.shape[:-1], 1 if onesided and inverse else 2]
    shape[axis_index] = bins
    return TensorType(x.dtype, tuple(shape))


@cost_rule("DFT")
def dft_cost(
    x: TensorType,
    dft_length: TensorType | None = None,
    axis_input: TensorType | None = None,
    *,
    axis: int = 1,
    onesided: int = 0,
    inverse: int = 0,
    opset: int,
    out: TensorType,
) -> Cost:
    """By its definition, a sum over n samples: per real output n × (1 for real input, 2 for complex) multiplications
    and as many additions, n the transform's length (half of it for the one-sided inverse). A fast Fourier transform
    does less; no MACs are counted."""
    assert x.shape is not None and out.shape is not None
    axis_index = _dft_axis(x, axis_input, axis, opset)
    samples = x.shape[axis_index] if axis_index is not None else 1
    if onesided and not inverse:
        length = None if dft_length is None else _scalar(dft_length)
        samples = length if length is not None else samples
    elif axis_index is not None:
        samples = out.shape[axis_index] // 2 + 1 if onesided else out.shape[axis_index]
    return Cost(work=_sum_work(out, samples * x.shape[-1]))


def _sum_work(out: TensorType, terms: Dim) -> tuple[Work, ...]:
    products = out.elements * terms
    return elementwise_work("multiply", "elementwise", products, 1, "#terms") + elementwise_work(
        "add", "elementwise", products, 1, "#terms"
    )


@least_work_rule("DFT")
def dft_least_work(use: OperatorUse) -> LeastWork:
    """Samples behind dft_length; all but one where it comes at run time."""
    x, dft_length, axis_input = (use.input(i) for i in range(3))
    assert x is not None and x.shape is not None
    if dft_length is None:
        return LeastWork(0)
    length = _scalar(dft_length)
    if axis_input is not None:
        axes: Sequence[int] = (
            range(x.rank - 1) if axis_input.value is None else [normalise_axis(axis_input.value[0], x.rank)]
        )
    elif "axis" in use.attributes:
        axes = [normalise_axis(use.attributes["axis"], x.rank)]
    else:
        axes = [1, x.rank - 2]  # the default of an attribute, before opset 20, and of an input
    elements = [
        prod([minimum(d, 1 if length is None else length) if i == axis else d for i, d in enumerate(x.shape)])
        for axis in axes
    ]
    return LeastWork(0, {0: reduce(minimum, elements)})


@shape_rule("STFT")
def stft_shape(
    signal: TensorType,
    frame_step: TensorType,
    window: TensorType | None = None,
    frame_length: TensorType | None = None,
    *,
    onesided: int = 1,
    fresh: FreshSymbol,
) -> TensorType:
    """signal [B, n, 1 or 2] -> [B, (n - length) // step + 1, length // 2 + 1 (or length), 2]. A signal [B, n] is real:
    ONNX does not have it, but ONNX Runtime runs it and exporters write it."""
    assert signal.shape is not None
    if signal.rank not in (2, 3):
        raise ShapeError(f"the signal has {signal.rank} axes", "it is [batch, samples, 1 or 2]")
    batch, samples = signal.shape[:2]
    length, step = _frame(signal, window, frame_length), _scalar(frame_step)
    if length is None:
        frames, bins = fresh("frames"), fresh("bins")
    else:
        frames = fresh("frames") if step is None else (samples - length) // step + 1
        bins = length // 2 + 1 if onesided else length
    return TensorType(signal.dtype, (batch, frames, bins, 2))


def _frame(signal: TensorType, window: TensorType | None, frame_length: TensorType | None) -> Dim | None:
    """The number of samples of a frame: the window's length, or frame_length, or the whole signal; None if open."""
    assert signal.shape is not None
    if window is not None:
        return window.elements
    return signal.shape[1] if frame_length is None else _scalar(frame_length)


@cost_rule("STFT")
def stft_cost(
    signal: TensorType,
    frame_step: TensorType,
    window: TensorType | None = None,
    frame_length: TensorType | None = None,
    *,
    onesided: int = 1,
    out: TensorType,
) -> Cost:
    """By its definition, a sum over the length of a frame: per real output length × (1 for a real signal, 2 for a
    complex one) multiplications and as many additions; 1 multiplication per windowed sample. A fast Fourier transform
    does less; no MACs are counted."""
    assert signal.shape is not None and out.shape is not None
    parts = signal.shape[2] if signal.rank == 3 else 1
    length = _frame(signal, window, frame_length)
    if length is None:
        length = 2 * (out.shape[2] - 1) if onesided else out.shape[2]
    work = _sum_work(out, length * parts)
    if window is not None:
        samples = out.shape[0] * out.shape[1] * length * parts
        work += elementwise_work("multiply", "elementwise", samples, 1, "#windowed samples")
    return Cost(work=work)


@least_work_rule("STFT")
def stft_least_work(use: OperatorUse) -> LeastWork:
    """Samples between frames whose step is beyond their length, and a rest behind the last one. A step that comes at
    run time may leave one frame, a length may leave one sample."""
    signal, frame_step, window, frame_length = (use.input(i) for i in range(4))
    assert signal is not None and signal.shape is not None and frame_step is not None
    samples, length, step = signal.shape[1], _frame(signal, window, frame_length), _scalar(frame_step)
    if not isinstance(samples, int) or not (length is None or isinstance(length, int)):
        return LeastWork(0)
    length = 1 if length is None else length
    frames = 1 if not isinstance(step, int) else max(0, (samples - length) // step + 1)
    read = axis_reads(samples, length, step if isinstance(step, int) else 1, 0, 1, frames).positions
    return LeastWork(0, {0: prod(signal.shape[:1] + signal.shape[2:]) * read})


@shape_rule("MelWeightMatrix")
def mel_shape(
    num_mel_bins: TensorType,
    dft_length: TensorType,
    sample_rate: TensorType,
    lower_edge_hertz: TensorType,
    upper_edge_hertz: TensorType,
    *,
    output_datatype: int = 1,
    fresh: FreshSymbol,
) -> TensorType:
    """Five scalars -> [dft_length // 2 + 1, num_mel_bins]."""
    length, bins = _scalar(dft_length), _scalar(num_mel_bins)
    return TensorType(
        DTYPE_OF_CODE[output_datatype],
        (fresh("spectrogram_bins") if length is None else length // 2 + 1, fresh("mel_bins") if bins is None else bins),
    )


@cost_rule("MelWeightMatrix")
def mel_cost(
    num_mel_bins: TensorType,
    dft_length: TensorType,
    sample_rate: TensorType,
    lower_edge_hertz: TensorType,
    upper_edge_hertz: TensorType,
    *,
    out: TensorType,
) -> Cost:
    """Per weight 1 subtraction and 1 division, the slope of its triangle."""
    return Cost(
        work=elementwise_work("add", "elementwise", out.elements)
        + elementwise_work("divide", "elementwise", out.elements)
    )
