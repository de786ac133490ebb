"""Short names of normalisations -> ONNX nodes."""

from __future__ import annotations

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer

EPSILON = LayerKey("number", 1e-5, "added to the variance")


LEARNED = LayerKey("bool", True, "whether the result is scaled by learned weights")


MAX_ONES = 4096
"""Elements of the largest constant whose values are written out."""


def _scale(site: Site, shape: tuple[Dim, ...], learned: bool) -> str:
    if learned:
        return site.weight("weight", shape)
    count = prod(shape)
    ones = (1.0,) * count if isinstance(count, int) and count <= MAX_ONES else None
    return site.builder.add_constant(f"{site.name}.ones", site.style.dtype, shape, ones)


@layer("batch_norm", epsilon=EPSILON)
def batch_norm(site: Site, epsilon: float) -> str:
    """Batch normalisation of the channels, as at inference."""
    channels = (site.channels(),)
    learned = [site.weight(name, channels) for name in ("weight", "bias")]
    running = [site.buffer(name, channels) for name in ("running_mean", "running_var")]
    return site.op("BatchNormalization", [site.x, *learned, *running], {"epsilon": epsilon})


@layer(
    "layer_norm",
    axis=LayerKey("int", -1, "first of the axes that are normalised together"),
    epsilon=EPSILON,
    bias=LayerKey("bool", True, "whether a bias is added"),
    learned=LEARNED,
)
def layer_norm(site: Site, axis: int, epsilon: float, bias: bool, learned: bool) -> str:
    """Layer normalisation over the last axes."""
    site.extent(axis)
    shape = site.shape()[axis:]
    inputs = [site.x, _scale(site, shape, learned), *([site.weight("bias", shape)] if bias and learned else [])]
    return site.op("LayerNormalization", inputs, {"axis": axis, "epsilon": epsilon})


@layer(
    "rms_norm",
    axis=LayerKey("int", -1, "first of the axes that are normalised together"),
    epsilon=EPSILON,
    heads=LayerKey("extent", None, "equal parts of the last axis, each normalised alone with the same weights"),
    learned=LEARNED,
)
def rms_norm(site: Site, axis: int, epsilon: float, heads: int | None, learned: bool) -> str:
    """Root-mean-square normalisation over the last axes."""
    site.extent(axis)
    attributes = {"axis": axis, "epsilon": epsilon}
    if heads is None:
        return site.op("RMSNormalization", [site.x, _scale(site, site.shape()[axis:], learned)], attributes)
    rows, features = [0] * (len(site.shape()) - 1), site.extent(-1)
    if features % heads != 0:
        raise ShapeError(f"{features} features do not divide into {heads} heads", "change heads")
    split_up = site.op("Reshape", [site.x, site.ints([*rows, heads, features // heads], "heads")], suffix="split")
    inputs = [split_up, _scale(site, (features // heads,), learned)]
    normalised = site.op("RMSNormalization", inputs, attributes, suffix="norm")
    return site.op("Reshape", [normalised, site.ints([*rows, features], "features")])


@layer("group_norm", groups=LayerKey("extent", doc="groups of channels"), epsilon=EPSILON)
def group_norm(site: Site, groups: int, epsilon: float) -> str:
    """Group normalisation of the channels."""
    channels = (site.channels(),)
    inputs = [site.x, site.weight("weight", channels), site.weight("bias", channels)]
    return site.op("GroupNormalization", inputs, {"num_groups": groups, "epsilon": epsilon})


@layer("instance_norm", epsilon=EPSILON)
def instance_norm(site: Site, epsilon: float) -> str:
    """Instance normalisation of the channels."""
    channels = (site.channels(),)
    inputs = [site.x, site.weight("weight", channels), site.weight("bias", channels)]
    return site.op("InstanceNormalization", inputs, {"epsilon": epsilon})


@layer(
    "lrn",
    size=LayerKey("extent", doc="channels that are summed over"),
    alpha=LayerKey("number", 1e-4, "scale"),
    beta=LayerKey("number", 0.75, "exponent"),
    bias=LayerKey("number", 1.0, "constant"),
)
def lrn(site: Site, size: int, alpha: float, beta: float, bias: float) -> str:
    """Local response normalisation across channels."""
    return site.op("LRN", [site.x], {"size": size, "alpha": alpha, "beta": beta, "bias": bias})
