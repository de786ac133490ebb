"""Custom operators of `.tflite` files that are known by name: those with a definition have rules, the others a reason.

Domain `tflite.custom` has custom operators by the names in the file, `tflite.flex` those of TensorFlow that the Select
TF operators run, by TensorFlow's names (`FlexErf` is `tflite.flex:Erf`). Source: LiteRT's
tflite/kernels/detection_postprocess.cc, audio_spectrogram.cc, mfcc.cc; MediaPipe's util/tflite/operations.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, declare_unknown, describe, free, operands, shape_rule
from costcalc.core.traits import contraction_gradient, traits
from costcalc.ops.common.channels import to_channels_first
from costcalc.ops.conv import conv_transpose_cost
from costcalc.ops.pool import max_pool_cost
from costcalc.ops.tflite import CUSTOM, FLEX
from costcalc.ops.tflite.common import known_shape, output_work
from costcalc.ops.tflite.counterparts import take_rules

DETECTION = "TFLite_Detection_PostProcess"

BIASED = ("Convolution2DTransposeBias", "TransposeConvBias")

_SAME = """
Abs Acos Acosh Add Asin Asinh Atan Atanh Ceil Cos Cosh Div Elu Erf Exp Floor Identity Log Mul Neg Pow Relu Round Selu
Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Tan Tanh
"""
"""Operators that ONNX has under the same name."""

FLEX_FUNCTIONS = {
    **{name: name for name in _SAME.split()},
    "AddV2": "Add",
    "Maximum": "Max",
    "Minimum": "Min",
    "RealDiv": "Div",
    "Relu6": "Clip",
}
"""Operators of TensorFlow on each element that ONNX has."""

for _name, _counterpart in FLEX_FUNCTIONS.items():
    take_rules(_name, _counterpart, FLEX)

declare_unknown(
    "how many pairs of boxes it compares depends on data (at most all pairs of each class)", DETECTION, domain=CUSTOM
)

declare_unknown(
    "which bins its filters take follows from frequencies; a rule is not written yet", "Mfcc", domain=CUSTOM
)

declare_unknown(
    "a network compiled for an Arm Ethos-U stands in it as the device's commands: cost the file from before Vela",
    "ethos-u",
    domain=CUSTOM,
)

declare_unknown(
    "a network compiled for an Edge TPU stands in it: cost the file from before edgetpu_compiler",
    "edgetpu-custom-op",
    domain=CUSTOM,
)

declare_unknown(
    "a network compiled for one accelerator stands in it: cost the file from before its compiler",
    *("DISPATCH_OP", "NeutronGraph", "nbg"),
    domain=CUSTOM,
)

declare_unknown("a custom operator without a name; the runtime finds its kernel by that", "CUSTOM", domain=CUSTOM)

describe("Boxes are decoded from anchors, and those that overlap a better one are dropped.", DETECTION, domain=CUSTOM)

operands(*BIASED, domain=CUSTOM, weights=(1, 2))

traits(
    *BIASED,
    domain=CUSTOM,
    kind="transposed_convolution",
    layout="channels_last",
    filters="outputs_first",
    bias=2,
    gradient=contraction_gradient(((0,), (1,))),
)

traits("MaxPoolingWithArgmax2D", domain=CUSTOM, kind="pool", layout="channels_last", keeps="maxima")

traits("MaxUnpooling2D", domain=CUSTOM, layout="channels_last", positions="lost", keeps="indices")

free("MaxUnpooling2D", domain=CUSTOM)

describe("Windows of a signal are taken apart into frequencies.", "AudioSpectrogram", domain=CUSTOM)

describe("Each input value spreads over the output, plus a bias.", *BIASED, domain=CUSTOM)

describe(
    "Takes the greatest input under each position of a window, and its place.", "MaxPoolingWithArgmax2D", domain=CUSTOM
)

describe("Each value returns to the place that its maximum had.", "MaxUnpooling2D", domain=CUSTOM)


@shape_rule(DETECTION, domain=CUSTOM)
def detection_shape(
    boxes: TensorType,
    scores: TensorType,
    anchors: TensorType,
    *,
    max_detections: int = 0,
    max_classes_per_detection: int = 1,
) -> tuple[TensorType, ...]:
    """boxes [1, n, 4], scores [1, n, classes], anchors [n, 4] -> (boxes [1, k, 4], their classes [1, k], their scores
    [1, k], how many of them count [1]), k = max_detections · max_classes_per_detection."""
    known_shape(boxes, 3, "the input of boxes")
    known_shape(scores, 3, "the input of scores")
    count = max_detections * max_classes_per_detection
    rows = TensorType(DType.FLOAT32, (1, count))
    return TensorType(DType.FLOAT32, (1, count, 4)), rows, rows, TensorType(DType.FLOAT32, (1,))


@shape_rule("AudioSpectrogram", domain=CUSTOM)
def spectrogram_shape(x: TensorType, *, window_size: int, stride: int) -> TensorType:
    """x [samples, channels] -> [channels, (samples − window) // stride + 1, bins], 0 frames of a shorter signal.

    bins is half of the power of two that holds the window, and one."""
    samples, channels = known_shape(x, 2, "the signal")
    if stride < 1 or window_size < 2:
        raise ShapeError(f"a window of {window_size} moves by {stride}", "correct them")
    frames = maximum((samples - window_size) // stride + 1, 0)
    return TensorType(x.dtype, (channels, frames, _transform_length(window_size) // 2 + 1))


def _transform_length(window_size: int) -> int:
    """The power of two that holds a window."""
    return 1 << (window_size - 1).bit_length()


@cost_rule("AudioSpectrogram", domain=CUSTOM)
def spectrogram_cost(x: TensorType, *, window_size: int, magnitude_squared: int = 0, out: TensorType) -> Cost:
    """By its definition, per bin a sum over the window's samples of 2 multiplications and 2 additions, and 2
    multiplications and 1 addition for its magnitude, with a root unless that stays squared; 1 multiplication per
    windowed sample. A fast Fourier transform does less; no MACs are counted."""
    channels, frames, _ = known_shape(out, 3, "the output")
    n = out.elements
    work = elementwise_work("multiply", "elementwise", channels * frames * window_size, 1, "#windowed samples")
    work += elementwise_work("multiply", "elementwise", n, 2 * window_size + 2, "#bins")
    work += elementwise_work("add", "elementwise", n, 2 * window_size + 1, "#bins")
    return Cost(work=work + elementwise_work("transcendental", "elementwise", n, int(not magnitude_squared), "#bins"))


@shape_rule("Mfcc", domain=CUSTOM)
def mfcc_shape(x: TensorType, rate: TensorType, *, dct_coefficient_count: int) -> TensorType:
    """x [channels, frames, bins] -> [channels, frames, coefficients]."""
    channels, frames, _ = known_shape(x, 3, "the spectrogram")
    return TensorType(x.dtype, (channels, frames, dct_coefficient_count))


@cost_rule(*BIASED, domain=CUSTOM)
def biased_transpose_cost(x: TensorType, w: TensorType, b: TensorType | None = None, *, out: TensorType) -> Cost:
    """#inputs (N · C_in · ∏in) × #filter params (C_out · ∏kernel), w [C_out, *kernel, C_in]; a bias adds one addition
    per output."""
    outputs, rows, columns, inputs = known_shape(w, 4, "the filters")
    known_shape(x, 4, "the input")
    filters = TensorType(w.dtype, (inputs, outputs, rows, columns))
    cost = conv_transpose_cost(to_channels_first(x), filters, b, out=to_channels_first(out))
    return Cost(cost.macs, cost.work + output_work("", x, w, out))


@cost_rule("MaxPoolingWithArgmax2D", domain=CUSTOM)
def argmax_pool_cost(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    auto_pad: str = "SAME_UPPER",
    out: TensorType,
) -> Cost:
    """∏kernel − 1 comparisons per output."""
    first, result = to_channels_first(x), to_channels_first(out)
    return max_pool_cost(first, kernel_shape=kernel_shape, strides=strides, auto_pad=auto_pad, out=result)
