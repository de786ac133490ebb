"""Short names of pools -> ONNX nodes."""

from __future__ import annotations

from typing import Any

from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.frontends.yaml.layers.conv import PAD, Extents, window_attributes

POOL = {
    "kernel": LayerKey("extents", doc="window size"),
    "stride": LayerKey("extents", None, "step between two windows (the kernel unless given)"),
    "pad": PAD,
    "dilation": LayerKey("extents", 1, "distance between two window elements"),
    "ceil": LayerKey("bool", False, "round the output extent up"),
}


def _pool(
    site: Site,
    op_type: str,
    kernel: Extents,
    stride: Extents | None,
    pad: Any,
    dilation: Extents,
    ceil: bool,
    **extra: Any,
) -> str:
    stride = kernel if stride is None else stride
    attributes = window_attributes(site.spatial(), kernel, stride, pad, dilation, site.shape()[2:]) | extra
    if ceil:
        attributes["ceil_mode"] = 1
    return site.op(op_type, [site.x], attributes)


@layer("max_pool", **POOL)
def max_pool(site: Site, kernel: Extents, stride: Extents | None, pad: Any, dilation: Extents, ceil: bool) -> str:
    """The largest value under each window."""
    return _pool(site, "MaxPool", kernel, stride, pad, dilation, ceil)


@layer("avg_pool", **POOL, count_pad=LayerKey("bool", False, "whether the mean counts the padding"))
def avg_pool(
    site: Site, kernel: Extents, stride: Extents | None, pad: Any, dilation: Extents, ceil: bool, count_pad: bool
) -> str:
    """The mean under each window."""
    extra = {"count_include_pad": 1} if count_pad else {}
    return _pool(site, "AveragePool", kernel, stride, pad, dilation, ceil, **extra)


@layer("global_avg_pool")
def global_avg_pool(site: Site) -> str:
    """The mean over all positions: [N, C, 1, …]."""
    site.spatial()
    return site.op("GlobalAveragePool", [site.x])


@layer("global_max_pool")
def global_max_pool(site: Site) -> str:
    """The maximum over all positions: [N, C, 1, …]."""
    site.spatial()
    return site.op("GlobalMaxPool", [site.x])
