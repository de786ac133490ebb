"""Normalisations with and without learned scale and shift: over the batch, layers, groups, channels, p-norms, axes.

A sum over many elements counts as one addition per element.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, traits
from costcalc.ops.common.axes import check_unidirectional, normalise_axes, normalise_axis

operands("BatchNormalization", weights=(1, 2), buffers=(3, 4))

operands("LayerNormalization", "InstanceNormalization", "GroupNormalization", weights=(1, 2))

operands("RMSNormalization", weights=(1,))

traits(
    "BatchNormalization",
    "LayerNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "RMSNormalization",
    kind="normalisation",
)

traits("BatchNormalization", "InstanceNormalization", "GroupNormalization", layout="channels_first")

traits("LayerNormalization", "InstanceNormalization", "GroupNormalization", positions="mixed")

traits("BatchNormalization", in_place=True, fusion="joins")

describe(
    "Scales and shifts each channel, so that over the training data it had mean 0 and variance 1 before learned "
    "scale and shift.",
    "BatchNormalization",
)

describe("Gives each row mean 0 and variance 1, then a learned scale and shift.", "LayerNormalization")

describe(
    "Gives each channel of each sample mean 0 and variance 1, then a learned scale and shift.", "InstanceNormalization"
)

describe(
    "Gives each group of channels of each sample mean 0 and variance 1, then a learned scale and shift.",
    "GroupNormalization",
)

describe("Divides each row by its root mean square, then scales it by learned factors.", "RMSNormalization")

ROLE = "normalization"


def row_statistics(x: TensorType, attributes: Attributes, per_row: int = 1) -> Dim:
    """The number of values that the backward pass needs of the rows from `axis` on: `per_row` of every row."""
    assert x.shape is not None
    return per_row * prod(x.shape[: normalise_axis(int(attributes.get("axis", -1)), x.rank)])


def _channel_statistics(x: TensorType, attributes: Attributes) -> Dim:
    """Mean and deviation of each channel of the batch; values without further axes, [N], are of one channel."""
    assert x.shape is not None
    return 2 * (x.shape[1] if x.rank > 1 else 1)


def _sample_statistics(x: TensorType, attributes: Attributes) -> Dim:
    """Mean and deviation of each channel, or group of channels, of each sample."""
    assert x.shape is not None
    return 2 * x.shape[0] * int(attributes.get("num_groups", 1))


traits("BatchNormalization", statistics=_channel_statistics)

traits("InstanceNormalization", statistics=lambda x, attributes: x.shape[0] * _channel_statistics(x, attributes))

traits("GroupNormalization", statistics=_sample_statistics)

traits("LayerNormalization", statistics=lambda x, attributes: row_statistics(x, attributes, 2))

traits("RMSNormalization", statistics=row_statistics)


def standardize(elements: Dim, groups: Dim, scaled: bool, shifted: bool) -> tuple[Work, ...]:
    """Mean 0 and variance 1 in groups, then scale and shift."""
    return (
        *elementwise_work("add", ROLE, elements, 3 + shifted),
        *elementwise_work("multiply", ROLE, elements, 2 + scaled),
        *elementwise_work("add", ROLE, groups, 1, "#groups"),
        *elementwise_work("divide", ROLE, groups, 3, "#groups"),
        *elementwise_work("transcendental", ROLE, groups, 1, "#groups"),
    )


@shape_rule("BatchNormalization")
def batch_norm_shape(
    x: TensorType,
    scale: TensorType,
    b: TensorType,
    mean: TensorType,
    var: TensorType,
    *,
    spatial: int = 1,
    n_outputs: int = 1,
) -> TensorType | tuple[TensorType, ...]:
    """x [N, C, …], all others [C] -> the input's type; while training also the running mean and variance (and before
    opset 14 the saved ones)."""
    assert x.shape is not None
    channels: Dim = x.shape[1] if len(x.shape) > 1 else 1
    if spatial:
        for t, name in ((scale, "scale"), (b, "shift"), (mean, "mean"), (var, "variance")):
            if t.shape != (channels,):
                require_equal(t.elements, channels, f"the {name} and the channels")
    y = TensorType(x.dtype, x.shape)
    if n_outputs == 1:
        return y
    return (y, *[TensorType(t.dtype, t.shape) for t in (mean, var, mean, var)][: n_outputs - 1])


@cost_rule("BatchNormalization")
def batch_norm_cost(
    x: TensorType,
    scale: TensorType,
    b: TensorType,
    mean: TensorType,
    var: TensorType,
    *,
    training_mode: int = 0,
    outs: Sequence[TensorType | None],
) -> Cost:
    """One multiplication and one addition per element: mean, variance, scale and shift are constants and folded into
    two numbers per channel. While training, per element four additions (mean, deviation, variance, shift) and three
    multiplications (square, deviation, scale), and per channel one addition, three divisions and a root."""
    if not training_mode and len(outs) == 1:
        return Cost(work=elementwise_work("multiply", ROLE, x.elements) + elementwise_work("add", ROLE, x.elements))
    return Cost(work=standardize(x.elements, scale.elements, scaled=True, shifted=True))


@shape_rule("LayerNormalization")
def layer_norm_shape(
    x: TensorType,
    scale: TensorType,
    b: TensorType | None = None,
    *,
    axis: int = -1,
    stash_type: int = 1,
    n_outputs: int = 1,
) -> TensorType | tuple[TensorType, ...]:
    """The input's type; Mean and InvStdDev have extent 1 from `axis` on, in the type of stash_type."""
    assert x.shape is not None
    check_unidirectional(x, scale, "the scale")
    if b is not None:
        check_unidirectional(x, b, "the shift")
    y = TensorType(x.dtype, x.shape)
    if n_outputs == 1:
        return y
    axis_index = normalise_axis(axis, len(x.shape))
    row = TensorType(DTYPE_OF_CODE[stash_type], (*x.shape[:axis_index], *(1,) * (len(x.shape) - axis_index)))
    return y, row, row


@cost_rule("LayerNormalization")
def layer_norm_cost(x: TensorType, scale: TensorType, b: TensorType | None = None, *, axis: int = -1) -> Cost:
    """Per element three additions (mean, deviation, variance), one more with a shift, and three multiplications
    (square, deviation, scale); per row one addition (epsilon), three divisions (mean, variance, reciprocal) and a
    root."""
    assert x.shape is not None
    groups = prod(x.shape[: normalise_axis(axis, len(x.shape))])
    return Cost(work=standardize(x.elements, groups, scaled=True, shifted=b is not None))


@shape_rule("InstanceNormalization")
def instance_norm_shape(x: TensorType, scale: TensorType, b: TensorType) -> TensorType:
    """x [N, C, …], scale and b [C] -> the input's type."""
    _per_channel(scale, b, _check_channels(x)[1])
    return TensorType(x.dtype, x.shape)


def _check_channels(x: TensorType) -> tuple[Dim, ...]:
    assert x.shape is not None
    if len(x.shape) < 2:
        raise ShapeError(f"the input has rank {len(x.shape)}", "give it [N, C, …]")
    return x.shape


def _per_channel(scale: TensorType, b: TensorType, count: Dim) -> None:
    require_equal(scale.elements, count, "the scale and the channels")
    require_equal(b.elements, count, "the shift and the channels")


@cost_rule("InstanceNormalization")
def instance_norm_cost(x: TensorType, scale: TensorType, b: TensorType) -> Cost:
    """Per element four additions (mean, deviation, variance, shift) and three multiplications (square, deviation,
    scale); per sample and channel one addition (epsilon), three divisions (mean, variance, reciprocal) and a root."""
    n, c, *_ = _check_channels(x)
    return Cost(work=standardize(x.elements, n * c, scaled=True, shifted=True))


@shape_rule("GroupNormalization")
def group_norm_shape(
    x: TensorType, scale: TensorType, b: TensorType, *, num_groups: int, opset: int = 21
) -> TensorType:
    """x [N, C, …], scale and b [C] (before opset 21 [num_groups]) -> the input's type."""
    channels = _check_channels(x)[1]
    if num_groups < 1 or (isinstance(channels, int) and channels % num_groups):
        raise ShapeError(f"{channels} channels do not divide into {num_groups} groups", "choose a divisor")
    _per_channel(scale, b, num_groups if opset < 21 else channels)
    return TensorType(x.dtype, x.shape)


@cost_rule("GroupNormalization")
def group_norm_cost(x: TensorType, scale: TensorType, b: TensorType, *, num_groups: int) -> Cost:
    """Per element four additions (mean, deviation, variance, shift) and three multiplications (square, deviation,
    scale); per sample and group one addition (epsilon), three divisions (mean, variance, reciprocal) and a root."""
    return Cost(work=standardize(x.elements, _check_channels(x)[0] * num_groups, scaled=True, shifted=True))


@shape_rule("RMSNormalization")
def rms_norm_shape(x: TensorType, scale: TensorType) -> TensorType:
    """The input's shape in the scale's element type."""
    check_unidirectional(x, scale, "the scale")
    return TensorType(scale.dtype, x.shape)


@cost_rule("RMSNormalization")
def rms_norm_cost(x: TensorType, scale: TensorType, *, axis: int = -1) -> Cost:
    """Per element two multiplications (square, scale), one addition (mean) and one division (by the root mean square);
    per row one addition (epsilon), one division (mean) and a root."""
    assert x.shape is not None
    groups = prod(x.shape[: normalise_axis(axis, len(x.shape))])
    return Cost(
        work=(
            *elementwise_work("multiply", ROLE, x.elements, 2),
            *elementwise_work("add", ROLE, x.elements),
            *elementwise_work("divide", ROLE, x.elements),
            *elementwise_work("add", ROLE, groups, 1, "#groups"),
            *elementwise_work("divide", ROLE, groups, 1, "#groups"),
            *elementwise_work("transcendental", ROLE, groups, 1, "#groups"),
        )
    )


traits("LRN", "LpNormalization", "MeanVarianceNormalization", kind="normalisation")

traits("LRN", layout="channels_first")

describe("Divides each value by a power of the squares summed over the neighbouring channels.", "LRN")

describe("Divides by the p-norm along an axis.", "LpNormalization")

describe("Subtracts the mean over axes and divides by the standard deviation.", "MeanVarianceNormalization")


@shape_rule("LRN")
def lrn_shape(x: TensorType) -> TensorType:
    """x [N, C, …] -> the input's type."""
    assert x.shape is not None
    if len(x.shape) < 2:
        raise ShapeError(f"the input has rank {len(x.shape)}", "give it [N, C, …]")
    return TensorType(x.dtype, x.shape)


@cost_rule("LRN")
def lrn_cost(x: TensorType, *, size: int) -> Cost:
    """Per element two multiplications (square, alpha / size), `size` additions (size − 1 for the sum of squares, one
    for the bias), one power and one division. Windows at the first and the last channels count in full."""
    n = x.elements
    return Cost(
        work=elementwise_work("multiply", ROLE, n, 2)
        + elementwise_work("add", ROLE, n, size)
        + elementwise_work("transcendental", ROLE, n)
        + elementwise_work("divide", ROLE, n)
    )


@shape_rule("LpNormalization")
def lp_norm_shape(x: TensorType, *, axis: int = -1) -> TensorType:
    """The input's type."""
    assert x.shape is not None
    normalise_axis(axis, len(x.shape))
    return TensorType(x.dtype, x.shape)


@cost_rule("LpNormalization")
def lp_norm_cost(x: TensorType, *, axis: int = -1, p: int = 2) -> Cost:
    """Per element one square (p = 2) or magnitude (p = 1, a comparison), one addition and one division; per norm a
    root with p = 2."""
    assert x.shape is not None
    axis_index = normalise_axis(axis, len(x.shape))
    return Cost(
        work=elementwise_work("multiply" if p == 2 else "compare", ROLE, x.elements)
        + elementwise_work("add", ROLE, x.elements)
        + elementwise_work("divide", ROLE, x.elements)
        + elementwise_work(
            "transcendental", ROLE, prod(x.shape[:axis_index] + x.shape[axis_index + 1 :]), int(p == 2), "#norms"
        )
    )


@shape_rule("MeanVarianceNormalization")
def mvn_shape(x: TensorType, *, axes: Sequence[int] = (0, 2, 3)) -> TensorType:
    """The input's type."""
    assert x.shape is not None
    normalise_axes(axes, len(x.shape))
    return TensorType(x.dtype, x.shape)


@cost_rule("MeanVarianceNormalization")
def mvn_cost(x: TensorType, *, axes: Sequence[int] = (0, 2, 3)) -> Cost:
    """Per element three additions (mean, mean of squares, deviation), one multiplication (square) and one division; per
    group two divisions (the means), one multiplication (the mean's square), two additions (variance, epsilon) and a
    root."""
    assert x.shape is not None
    removed = normalise_axes(axes, len(x.shape))
    groups = prod([extent for i, extent in enumerate(x.shape) if i not in removed])
    return Cost(
        work=(
            *elementwise_work("add", ROLE, x.elements, 3),
            *elementwise_work("multiply", ROLE, x.elements),
            *elementwise_work("divide", ROLE, x.elements),
            *elementwise_work("add", ROLE, groups, 2, "#groups"),
            *elementwise_work("multiply", ROLE, groups, 1, "#groups"),
            *elementwise_work("divide", ROLE, groups, 2, "#groups"),
            *elementwise_work("transcendental", ROLE, groups, 1, "#groups"),
        )
    )
