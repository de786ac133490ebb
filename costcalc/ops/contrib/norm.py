"""Normalisations that ONNX Runtime's optimiser fuses with the additions and lookups before them."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import normalise_axis
from costcalc.ops.common.lookup import count_gathered
from costcalc.ops.norm import layer_norm_cost, rms_norm_cost, row_statistics, standardize

DOMAINS = ("", MS)
"""ONNX Runtime writes SimplifiedLayerNormalization into the default domain."""

for _domain in DOMAINS:
    operands("SimplifiedLayerNormalization", domain=_domain, weights=(1,))
    describe(
        "Divides each row by its root mean square, then scales it by learned factors.",
        "SimplifiedLayerNormalization",
        domain=_domain,
    )
    traits("SimplifiedLayerNormalization", domain=_domain, kind="normalisation", statistics=row_statistics)

traits(
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
    "EmbedLayerNormalization",
    "GroupNorm",
    "SkipGroupNorm",
    domain=MS,
    kind="normalisation",
)

traits("GroupNorm", "SkipGroupNorm", domain=MS, layout="channels_last")

operands("SkipLayerNormalization", domain=MS, weights=(2, 3, 4))

operands("SkipSimplifiedLayerNormalization", domain=MS, weights=(2, 3))

operands("EmbedLayerNormalization", domain=MS, weights=(2, 3, 4, 5, 6))

operands("GroupNorm", domain=MS, weights=(1, 2))

operands("SkipGroupNorm", domain=MS, weights=(1, 2, 4))

describe(
    "Adds a residual (and a bias), then gives each row mean 0 and variance 1 and a learned scale and shift.",
    "SkipLayerNormalization",
    domain=MS,
)

describe(
    "Adds a residual (and a bias), then divides each row by its root mean square and scales it.",
    "SkipSimplifiedLayerNormalization",
    domain=MS,
)

describe(
    "Looks up and adds word, position and segment embeddings, then normalises each row.",
    "EmbedLayerNormalization",
    domain=MS,
)

describe(
    "Gives each group of channels mean 0 and variance 1, then a learned scale and shift.",
    "GroupNorm",
    "SkipGroupNorm",
    domain=MS,
)


def _row_type(x: TensorType, axis: int = -1) -> TensorType:
    """One float32 per normalised row: a mean, an inverse deviation."""
    assert x.shape is not None
    axis_index = normalise_axis(axis, x.rank)
    return TensorType(DType.FLOAT32, (*x.shape[:axis_index], *(1,) * (x.rank - axis_index)))


def simplified_norm_shape(x: TensorType, scale: TensorType, *, axis: int = -1) -> tuple[TensorType, ...]:
    """The input's shape in the scale's type; the inverse root mean square has extent 1 from `axis` on."""
    return TensorType(scale.dtype, x.shape), _row_type(x, axis)


for _domain in DOMAINS:
    shape_rule("SimplifiedLayerNormalization", domain=_domain)(simplified_norm_shape)
    cost_rule("SimplifiedLayerNormalization", domain=_domain)(rms_norm_cost)


@shape_rule("SkipLayerNormalization", domain=MS)
def skip_layer_norm_shape(
    x: TensorType,
    skip: TensorType,
    gamma: TensorType,
    beta: TensorType | None = None,
    bias: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """x [B, S, C] and skip -> the normalised sum, a mean and an inverse deviation per row, the sum."""
    return _skip_norm_types(x, gamma)


def _skip_norm_types(x: TensorType, gamma: TensorType) -> tuple[TensorType, ...]:
    assert x.shape is not None
    require_equal(x.shape[-1], gamma.elements, "the input's features and the scale")
    same, row = TensorType(x.dtype, x.shape), _row_type(x)
    return same, row, row, same


@cost_rule("SkipLayerNormalization", domain=MS)
def skip_layer_norm_cost(
    x: TensorType,
    skip: TensorType,
    gamma: TensorType,
    beta: TensorType | None = None,
    bias: TensorType | None = None,
) -> Cost:
    """Per element one addition of the residual and one of a bias, then as LayerNormalization: three additions (mean,
    deviation, variance), one more with a shift, and three multiplications (square, deviation, scale); per row one
    addition (epsilon), three divisions (mean, variance, reciprocal) and a root."""
    return Cost(work=_addition_work(x, bias) + layer_norm_cost(x, gamma, beta).work)


def _addition_work(x: TensorType, bias: TensorType | None) -> tuple[Work, ...]:
    return elementwise_work("add", "elementwise", x.elements) + elementwise_work(
        "add", "bias", x.elements, int(bias is not None)
    )


@shape_rule("SkipSimplifiedLayerNormalization", domain=MS)
def skip_simplified_norm_shape(
    x: TensorType, skip: TensorType, gamma: TensorType, bias: TensorType | None = None
) -> tuple[TensorType, ...]:
    """x [B, S, C] and skip -> the normalised sum, a mean and an inverse root mean square per row, the sum."""
    return _skip_norm_types(x, gamma)


@cost_rule("SkipSimplifiedLayerNormalization", domain=MS)
def skip_simplified_norm_cost(
    x: TensorType, skip: TensorType, gamma: TensorType, bias: TensorType | None = None
) -> Cost:
    """Per element one addition of the residual and one of a bias, then as RMSNormalization: two multiplications
    (square, scale), one addition (mean) and one division; per row one addition (epsilon), one division (mean) and a
    root."""
    return Cost(work=_addition_work(x, bias) + rms_norm_cost(x, gamma).work)


@shape_rule("EmbedLayerNormalization", domain=MS)
def embed_layer_norm_shape(
    input_ids: TensorType,
    segment_ids: TensorType | None,
    word: TensorType,
    position: TensorType,
    segment: TensorType | None,
    gamma: TensorType,
    beta: TensorType,
    mask: TensorType | None = None,
    position_ids: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """input_ids [B, S], tables [·, C] -> [B, S, C], how long each sequence is [B], the sum before normalising."""
    assert input_ids.shape is not None and word.shape is not None
    if len(input_ids.shape) != 2 or len(word.shape) != 2:
        raise ShapeError(f"the ids have {input_ids.rank} axes, the table {word.rank}", "both have 2")
    y = TensorType(word.dtype, (*input_ids.shape, word.shape[1]))
    return y, TensorType(DType.INT32, (input_ids.shape[0],)), y


@least_work_rule("EmbedLayerNormalization", domain=MS)
def embed_least_work(use: OperatorUse) -> LeastWork:
    """Rows of the tables that no id names, and a row that several name is read once: stored ids are read, any other may
    all name one row. Without position_ids the first S positions are read."""
    return LeastWork(0, count_embedded(use, use.input(8)))


def count_embedded(use: OperatorUse, position_ids: TensorType | None) -> dict[int, Dim]:
    """Ids and tables of words, positions and segments (inputs 0 to 4) -> elements that are read of each table."""
    ids, segment_ids, word, position, segment = (use.input(i) for i in range(5))
    assert ids is not None and ids.shape is not None and word is not None and position is not None
    assert position.shape is not None
    reads = {2: count_gathered(word, ids), 3: minimum(ids.shape[-1], position.shape[0]) * position.shape[-1]}
    if position_ids is not None:
        reads[3] = count_gathered(position, position_ids)
    if segment is not None:
        reads[4] = count_gathered(segment, segment_ids) if segment_ids is not None else 0
    return reads


@cost_rule("EmbedLayerNormalization", domain=MS)
def embed_layer_norm_cost(
    input_ids: TensorType,
    segment_ids: TensorType | None,
    word: TensorType,
    position: TensorType,
    segment: TensorType | None,
    gamma: TensorType,
    beta: TensorType,
    mask: TensorType | None = None,
    position_ids: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """Per element one addition of the position and one of a segment, then as LayerNormalization: four additions and
    three multiplications, per row one addition, three divisions and a root; one addition per element of a mask.
    Lookups are no arithmetic."""
    n = out.elements
    work = elementwise_work("add", "elementwise", n, 1 + (segment is not None)) + layer_norm_cost(out, gamma, beta).work
    return Cost(
        work=work + (elementwise_work("add", "elementwise", mask.elements, 1, "#mask") if mask is not None else ())
    )


@shape_rule("GroupNorm", domain=MS)
def ms_group_norm_shape(x: TensorType, gamma: TensorType, beta: TensorType) -> TensorType:
    """x [N, H, W, C], or [N, C, H, W] -> the same."""
    return TensorType(x.dtype, x.shape)


@cost_rule("GroupNorm", domain=MS)
def ms_group_norm_cost(x: TensorType, gamma: TensorType, beta: TensorType, *, groups: int, activation: int = 0) -> Cost:
    """As GroupNormalization: per element four additions and three multiplications, per sample and group one addition,
    three divisions and a root; one function per element for the activation."""
    return Cost(work=_group_norm_work(x, groups, activation))


def _group_norm_work(x: TensorType, groups: int, activation: int) -> tuple[Work, ...]:
    assert x.shape is not None
    count: Dim = x.shape[0] * groups
    return standardize(x.elements, count, scaled=True, shifted=True) + elementwise_work(
        "transcendental", "activation", x.elements, int(bool(activation))
    )


@shape_rule("SkipGroupNorm", domain=MS)
def skip_group_norm_shape(
    x: TensorType,
    gamma: TensorType,
    beta: TensorType,
    skip: TensorType,
    bias: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """x [N, H, W, C] and skip -> the normalised sum, the sum."""
    return TensorType(x.dtype, x.shape), TensorType(x.dtype, x.shape)


@cost_rule("SkipGroupNorm", domain=MS)
def skip_group_norm_cost(
    x: TensorType,
    gamma: TensorType,
    beta: TensorType,
    skip: TensorType,
    bias: TensorType | None = None,
    *,
    groups: int,
    activation: int = 0,
) -> Cost:
    """Per element one addition of the residual and one of a bias, then as GroupNorm."""
    return Cost(work=_addition_work(x, bias) + _group_norm_work(x, groups, activation))
