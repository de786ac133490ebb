"""ATen's and torchvision's operators on images without a counterpart in ONNX (domains `aten`, `torchvision`): pools,
normalisations that give their statistics, resizing, regions. Their types are those of the exported program.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from costcalc.core.dim import Dim, prod, terms_of
from costcalc.core.formula import Cost, contraction, elementwise_work, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import COST_RULES, cost_rule, describe, free, operands
from costcalc.core.traits import PRODUCT_GRADIENT, TRAITS, traits
from costcalc.ops.aten import ATEN
from costcalc.ops.vision import interpolation_work

TORCHVISION = "torchvision"


def register_like(name: str, op_type: str, domain: str = ATEN) -> None:
    """Gives an operator the cost rule and the traits of ONNX's op_type: it has other outputs besides, or attributes
    that ONNX's does not take."""
    COST_RULES[domain, name] = COST_RULES["", op_type]
    TRAITS[domain, name] = TRAITS["", op_type]._replace(counterpart=op_type)


register_like("convolution", "Conv")

register_like("conv_transpose", "ConvTranspose")

register_like("avg_pool", "AveragePool")

register_like("batch_norm", "BatchNormalization")

register_like("group_norm", "GroupNormalization")

register_like("rms_norm", "RMSNormalization")

register_like("roi_pool", "MaxRoiPool", TORCHVISION)

operands("conv_tbc", domain=ATEN, weights=(1, 2))

traits("conv_tbc", domain=ATEN, bias=2, positions="lost", gradient=PRODUCT_GRADIENT)

traits("adaptive_avg_pool", domain=ATEN, kind="pool", keeps="nothing")

traits("adaptive_max_pool", "fractional_max_pool", domain=ATEN, kind="pool", keeps="maxima")

traits("upsample_lanczos", domain=ATEN, layout="channels_first", positions="lost", keeps="nothing")

free("max_unpool", "im2col", domain=ATEN)

traits("im2col", domain=ATEN, positions="lost", keeps="nothing")

traits("max_unpool", domain=ATEN, positions="lost", keeps="indices")

describe("Each filter slides along the length and gives one channel.", "conv_tbc", domain=ATEN)

describe(
    "Averages the inputs of each window; as many windows as are asked for cover the input.",
    "adaptive_avg_pool",
    domain=ATEN,
)

describe(
    "Takes the greatest input of each window; as many windows as are asked for cover the input.",
    "adaptive_max_pool",
    domain=ATEN,
)

describe(
    "Takes the greatest input of each window; the windows stand at random places.", "fractional_max_pool", domain=ATEN
)

describe("Puts each value back where a max pool found it, zeros elsewhere.", "max_unpool", domain=ATEN)

describe("Copies the pixels under each position of a window into a column.", "im2col", domain=ATEN)

describe("Each output pixel is interpolated from 6 inputs an axis.", "upsample_lanczos", domain=ATEN)

describe("Boxes that overlap a better one too much are dropped.", "nms", domain=TORCHVISION)

describe("Each bin of each region averages channels of its own.", "ps_roi_align", "ps_roi_pool", domain=TORCHVISION)


@cost_rule("conv_tbc", domain=ATEN)
def conv_tbc_cost(x: TensorType, w: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """x [length, N, C_in], w [k, C_in, C_out] -> [length, N, C_out]: #filter params (C_in · k) × #filter positions
    (N · length) × #filters; the bias adds one addition per output."""
    assert w.shape is not None and out.shape is not None
    kernel, c_in, c_out = w.shape
    return contraction(
        product_factor("#filter params", ("C_in", c_in), ("k", kernel)),
        product_factor("#filter positions", ("length", out.shape[0]), ("N", out.shape[1])),
        ("#filters", c_out),
        bias=out.elements,
    )


_MAX_TERMS = 256
"""Terms of the longest formula for the elements of an adaptive pool's windows; a longer one tells nobody anything."""


def adaptive_elements(extent: Dim, windows: Dim) -> Dim | None:
    """The elements of all windows of an adaptive pool along an axis, ⌊i · extent / windows⌋ … ⌈(i + 1) · extent /
    windows⌉ of the i-th: extent + windows - gcd(extent, windows), as neighbours share an element wherever the border
    between them is no whole number. None where no short formula says so."""
    if extent == windows or windows == 1:
        return extent
    if isinstance(extent, int) and isinstance(windows, int):
        return extent + windows - math.gcd(extent, windows)
    if not isinstance(windows, int) or windows > _MAX_TERMS // 2:
        return None
    total = extent
    for i in range(1, windows):
        total = total + (i * extent + (windows - 1)) // windows - i * extent // windows
    return total


@cost_rule("adaptive_avg_pool", domain=ATEN)
def adaptive_average_cost(x: TensorType, *, axes: int, out: TensorType) -> Cost | None:
    """One addition less per window than it has elements, and one division per output. Windows that share elements count
    in full."""
    cost = adaptive_combinations("add", x, axes, out)
    return cost and Cost(work=cost.work + elementwise_work("divide", "pooling", out.elements, 1, "#outputs"))


@cost_rule("adaptive_max_pool", domain=ATEN)
def adaptive_max_cost(x: TensorType, *, axes: int, out: TensorType) -> Cost | None:
    """One comparison less per window than it has elements. Windows that share elements count in full."""
    return adaptive_combinations("compare", x, axes, out)


def adaptive_combinations(kind: str, x: TensorType, axes: int, out: TensorType) -> Cost | None:
    """One operation less per window of an adaptive pool than the window has elements."""
    assert x.shape is not None and out.shape is not None
    elements, terms = prod(out.shape[:-axes]), 1
    for extent, windows in zip(x.shape[-axes:], out.shape[-axes:], strict=True):
        along_axis = adaptive_elements(extent, windows)
        terms *= 1 if along_axis is None else len(list(terms_of(along_axis)))
        if along_axis is None or terms > _MAX_TERMS:
            return None
        elements = elements * along_axis
    combined = elements - out.elements
    name = "(#window elements − #outputs)"
    return Cost(work=elementwise_work(kind, "pooling", combined, 1, name) if combined != 0 else ())


@cost_rule("fractional_max_pool", domain=ATEN)
def fractional_max_cost(x: TensorType, random: TensorType, *, kernel_shape: Sequence[int], out: TensorType) -> Cost:
    """∏kernel − 1 comparisons per output. How the windows' places are found does not count."""
    return Cost(work=elementwise_work("compare", "pooling", out.elements, math.prod(kernel_shape) - 1, "#outputs"))


@cost_rule("upsample_lanczos", domain=ATEN)
def lanczos_cost(x: TensorType, *, axes: int, out: TensorType) -> Cost:
    """6 taps an axis, each a multiplication, added up by one addition less. How their weights are computed does not
    count, nor do the wider windows of a smaller image."""
    return Cost(work=interpolation_work(out.elements, 6**axes))


@cost_rule("ps_roi_align", domain=TORCHVISION)
def ps_roi_align_cost(x: TensorType, rois: TensorType, *, sampling_ratio: int = 0, out: TensorType) -> Cost:
    """As RoiAlign: per output sampling_ratio² points, each 4 multiplications and 3 additions (bilinear) and 1 addition
    of the mean; with sampling_ratio 0, where the points depend on the regions' sizes, 1 point."""
    points = out.elements * max(sampling_ratio, 1) ** 2
    mean = elementwise_work("add", "pooling", points, 1, "#points")
    return Cost(work=interpolation_work(points, 4, "#points") + mean)


@cost_rule("ps_roi_pool", domain=TORCHVISION)
def ps_roi_pool_cost(x: TensorType, rois: TensorType, *, out: TensorType) -> Cost:
    """1 addition per output: how many inputs lie in a bin depends on the regions; 1 is the least there is."""
    return Cost(work=elementwise_work("add", "pooling", out.elements))


@cost_rule("nms", domain=TORCHVISION)
def nms_cost(boxes: TensorType, scores: TensorType) -> Cost:
    """One comparison per score, a lower bound: how many pairs of boxes are compared depends on data."""
    return Cost(work=elementwise_work("compare", "elementwise", scores.elements, 1, "#scores"))
