"""Short names of normalisations -> ONNX nodes."""

from __future__ import annotations

from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer

EPSILON = LayerKey("number", 1e-5, "added to the variance")


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
)
def layer_norm(site: Site, axis: int, epsilon: float, bias: bool) -> str:
    """Layer normalisation over the last axes."""
    site.extent(axis)
    shape = site.shape()[axis:]
    inputs = [site.x, site.weight("weight", shape), *([site.weight("bias", shape)] if bias else [])]
    return site.op("LayerNormalization", inputs, {"axis": axis, "epsilon": epsilon})


@layer("rms_norm", axis=LayerKey("int", -1, "first of the axes that are normalised together"), epsilon=EPSILON)
def rms_norm(site: Site, axis: int, epsilon: float) -> str:
    """Root-mean-square normalisation over the last axes."""
    site.extent(axis)
    return site.op(
        "RMSNormalization", [site.x, site.weight("weight", site.shape()[axis:])], {"axis": axis, "epsilon": epsilon}
    )


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
