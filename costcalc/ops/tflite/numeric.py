"""TensorFlow Lite's functions of elements, reductions, normalisations and resizings that ONNX has in another form, and
quantising.

Source: LiteRT's tflite/kernels.
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import broadcast_types, known_integers
from costcalc.ops.common.selection_reads import Sampling, count_sampled
from costcalc.ops.quantize import requantization_work
from costcalc.ops.reduce import combination_work, reduced_axes, reduced_shape
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import activation_work, is_quantised, known_shape
from costcalc.ops.vision import interpolation_work

RESIZES = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "ATAN2": ("transcendental",),
    "FAKE_QUANT": ("multiply", "add"),
    "RSQRT": ("transcendental", "divide"),
    "SELECT": ("compare",),
    "SQUARE": ("multiply",),
    "SQUARED_DIFFERENCE": ("add", "multiply"),
    "STABLEHLO_CBRT": ("transcendental",),
    "STABLEHLO_CLAMP": ("compare",),
    "STABLEHLO_COMPARE": ("compare",),
    "STABLEHLO_RSQRT": ("transcendental", "divide"),
}
"""The operations of each output element; RSQRT is a root and a division, as the same network in ONNX has them."""

operands("DEQUANTIZE", domain=TFLITE, weights=(0,))

traits("DEQUANTIZE", domain=TFLITE, passes_on="dequantised", keeps="nothing")

traits("QUANTIZE", "FAKE_QUANT", domain=TFLITE, fusion="joins", in_place=True, keeps="nothing", straight_through=True)

traits("L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", domain=TFLITE, kind="normalisation", layout="channels_last")

traits(*RESIZES, domain=TFLITE, layout="channels_last", positions="lost", keeps="nothing")

traits(*FUNCTIONS, domain=TFLITE, in_place=True)

describe("Computes a function of the elements at each place.", *FUNCTIONS, domain=TFLITE)

describe("Gives each element a place on the scale of the output's integers.", "QUANTIZE", domain=TFLITE)

describe("Gives the numbers that integers stand for.", "DEQUANTIZE", domain=TFLITE)

describe("Each output is a weighted mean of four inputs.", "RESIZE_BILINEAR", domain=TFLITE)

describe("Each output is the nearest input.", "RESIZE_NEAREST_NEIGHBOR", domain=TFLITE)

describe("Divides by the norm of the channels.", "L2_NORMALIZATION", domain=TFLITE)


def _register_function(name: str, kinds: tuple[str, ...]) -> None:
    @cost_rule(name, domain=TFLITE)
    def function_cost(*inputs: TensorType, out: TensorType) -> Cost:
        """One operation of each kind per output element."""
        return Cost(work=tuple([w for kind in kinds for w in elementwise_work(kind, "elementwise", out.elements)]))


for _name, _kinds in FUNCTIONS.items():
    _register_function(_name, _kinds)


@shape_rule("ATAN2", "SQUARED_DIFFERENCE", "SQUARE", "RSQRT", "FAKE_QUANT", domain=TFLITE)
def function_shape(*inputs: TensorType) -> TensorType:
    """The shape that all inputs broadcast to."""
    if not inputs:
        raise ShapeError("no input is given", "the operator needs one or more")
    return TensorType(inputs[0].dtype, broadcast_types(*inputs))


@shape_rule("SELECT", domain=TFLITE)
def select_shape(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    """The shape of x; a condition of one axis chooses rows."""
    return TensorType(x.dtype, x.shape)


@shape_rule("QUANTIZE", "DEQUANTIZE", "L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", domain=TFLITE)
def kept_shape(x: TensorType) -> TensorType:
    """The input's shape."""
    return TensorType(x.dtype, x.shape)


@cost_rule("QUANTIZE", domain=TFLITE)
def quantize_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One multiplication and one addition per element."""
    return Cost(work=requantization_work(out))


@cost_rule("DEQUANTIZE", domain=TFLITE)
def dequantize_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One subtraction and one multiplication per element; from float16 nothing."""
    if x.dtype.is_float:
        return Cost()
    return Cost(
        work=elementwise_work("add", "quantization", out.elements)
        + elementwise_work("multiply", "quantization", out.elements)
    )


@shape_rule("REDUCE_ALL", "REDUCE_ANY", domain=TFLITE)
def reduce_all_shape(x: TensorType, axes: TensorType, *, keepdims: int = 0) -> TensorType:
    """The shape without the reduced axes, or with 1 there."""
    if known_integers(axes) is None:
        return TensorType(DType.BOOL, None)
    assert x.shape is not None
    removed = reduced_axes(x, axes, None, 0) or ()
    return TensorType(DType.BOOL, reduced_shape(x.shape, removed, keepdims))


@cost_rule("REDUCE_ALL", "REDUCE_ANY", domain=TFLITE)
def reduce_all_cost(x: TensorType, axes: TensorType, *, out: TensorType) -> Cost:
    """#inputs − #outputs comparisons."""
    return combination_work("compare", "reduction", x, out)


@cost_rule("L2_NORMALIZATION", domain=TFLITE)
def l2_normalization_cost(x: TensorType, *, activation: str = "", out: TensorType) -> Cost:
    """Per element a multiplication (square), an addition and a division; per row of channels a root."""
    assert x.shape is not None
    n = x.elements
    rows: Dim = 1
    for extent in x.shape[:-1]:
        rows = rows * extent
    work = elementwise_work("multiply", "normalization", n) + elementwise_work("add", "normalization", n)
    work += elementwise_work("divide", "normalization", n)
    work += elementwise_work("transcendental", "normalization", rows, 1, "#rows")
    return Cost(work=work + activation_work(activation, out))


@cost_rule("LOCAL_RESPONSE_NORMALIZATION", domain=TFLITE)
def local_response_cost(x: TensorType, *, radius: int = 0) -> Cost:
    """Per element two multiplications (square, alpha), 2 · radius + 1 additions (the sum of squares and the bias), one
    power and one division, as LRN of ONNX."""
    n = x.elements
    work = elementwise_work("multiply", "normalization", n, 2)
    work += elementwise_work("add", "normalization", n, 2 * max(radius, 0) + 1)
    work += elementwise_work("transcendental", "normalization", n)
    return Cost(work=work + elementwise_work("divide", "normalization", n))


@shape_rule(*RESIZES, domain=TFLITE)
def resize_shape(x: TensorType, size: TensorType) -> TensorType:
    """[N, H, W, C] -> [N, *size, C]."""
    n, _, _, c = known_shape(x, 4, "the input")
    extents = known_integers(size)
    if extents is None:
        return TensorType(x.dtype, None)
    if len(extents) != 2:
        raise ShapeError(f"the size has {len(extents)} numbers", "give height and width")
    return TensorType(x.dtype, (n, *extents, c))


@least_work_rule("RESIZE_BILINEAR", domain=TFLITE)
def resize_bilinear_least_work(use: OperatorUse) -> LeastWork:
    """Positions that no output is at, or is interpolated from: all of them where the size comes at run time."""
    return _resize_reads(use, "linear")


@least_work_rule("RESIZE_NEAREST_NEIGHBOR", domain=TFLITE)
def resize_nearest_least_work(use: OperatorUse) -> LeastWork:
    """As RESIZE_BILINEAR, of the nearest position alone."""
    return _resize_reads(use, "nearest")


def _resize_reads(use: OperatorUse, mode: str) -> LeastWork:
    """A resizing by these taps -> what it reads of [N, H, W, C]. Places are at the corners, at centres, or at
    ⌊output · extent / size⌋ (LiteRT's reference kernels)."""
    x, size = use.input(0), use.input(1)
    assert x is not None and x.shape is not None and size is not None
    sizes = known_integers(size)
    if sizes is None:
        return LeastWork(0, {0: 0})
    extents = [n for n in x.shape[1:3] if isinstance(n, int)]
    if len(extents) < 2:
        return LeastWork(0)
    centres, corners = use.attributes.get("half_pixel_centers"), use.attributes.get("align_corners")
    transform = "half_pixel" if centres else "align_corners" if corners else "asymmetric"
    sampling = Sampling({"mode": mode}, transform, "round_prefer_ceil" if centres or corners else "floor")
    reads = [count_sampled(n, out, out / n, sampling) if n else 0 for n, out in zip(extents, sizes, strict=True)]
    return LeastWork(0, {0: x.shape[0] * reads[0] * reads[1] * x.shape[3]})


@cost_rule("RESIZE_BILINEAR", domain=TFLITE)
def resize_bilinear_cost(x: TensorType, size: TensorType, *, out: TensorType) -> Cost:
    """4 multiplications and 3 additions per output; a quantised output one multiplication and one addition more."""
    work = interpolation_work(out.elements, 4)
    return Cost(work=work + (requantization_work(out) if is_quantised(x) else ()))


free("RESIZE_NEAREST_NEIGHBOR", domain=TFLITE)
