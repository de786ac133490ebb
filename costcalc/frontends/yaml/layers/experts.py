"""Short name of a mixture of experts -> com.microsoft's MoE."""

from __future__ import annotations

from typing import Any

from costcalc.core.errors import ShapeError
from costcalc.core.registry import MS
from costcalc.frontends.yaml.layers.activation import ACTIVATIONS
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.frontends.yaml.layers.conv import BIAS

GATED_TENSORS = ("*.gate_proj.weight", "*.down_proj.weight", "*.up_proj.weight")

TENSORS = ("*.up_proj.weight", "*.down_proj.weight")
"""Names of an expert's tensors in most checkpoints."""


@layer(
    "experts",
    count=LayerKey("extent", doc="experts"),
    top_k=LayerKey("extent", doc="experts that a position goes to"),
    units=LayerKey("extent", doc="hidden features of an expert"),
    activation=LayerKey("word", "silu", "the function of hidden features", tuple(ACTIVATIONS)),
    gated=LayerKey("bool", True, "whether hidden features are multiplied with a second map of the input"),
    bias=BIAS._replace(default=False),
    tensors=LayerKey(
        "any",
        None,
        "names of the stored tensors: first map, last map and, of a gated one, second map; two names where both first "
        "maps are one tensor; a * stands for the number of the expert, where each has a tensor of its own "
        "(*.gate_proj.weight, *.down_proj.weight, *.up_proj.weight unless given)",
    ),
)
def experts(
    site: Site, count: int, top_k: int, units: int, activation: str, gated: bool, bias: bool, tensors: Any
) -> str:
    """A mixture of experts: `from: [value, scores]`, value [N, positions, features], scores [N, positions, experts] of
    the router, a linear layer before it. Each position costs the products of its top_k experts; all are stored."""
    if len(site.inputs) != 2 or not isinstance(count, int) or not isinstance(top_k, int):
        raise ShapeError(f"it reads {len(site.inputs)} values", "give `from: [value, scores]`, and numbers of experts")
    if top_k > count or site.shape(site.inputs[1])[-1] != count:
        fact = f"{top_k} of {count} experts are chosen by {site.shape(site.inputs[1])[-1]} scores"
        raise ShapeError(fact, "give a score for each expert")
    tensors = list(GATED_TENSORS if gated else TENSORS) if tensors is None else tensors
    is_list = isinstance(tensors, list) and all(isinstance(name, str) for name in tensors)
    if not is_list or len(tensors) not in ((2, 3) if gated else (2,)):
        raise ShapeError(f"tensors is {tensors!r}", "give two names, or of gated experts two or three")
    features, is_fused = site.extent(-1), gated and len(tensors) == 2
    shapes = [(count, 2 * units if is_fused else units, features), (count, features, units), (count, units, features)]
    scores = site.op("Reshape", [site.inputs[1], site.ints((-1, count), "rows")], suffix="scores")
    inputs = [site.x, scores]
    for name, shape in zip(tensors, shapes, strict=False):
        bias_name = f"{name.removesuffix('.weight')}.bias" if name.endswith(".weight") else f"{name}_bias"
        inputs += [site.weight(name, shape), site.weight(bias_name, shape[:2]) if bias else ""]
    function = "swiglu" if is_fused and activation in ("silu", "swish") else activation
    attributes = {"k": top_k, "activation_type": function, **({"swiglu_fusion": 1} if is_fused else {})}
    return site.op("MoE", inputs if bias else inputs[:-1], attributes, domain=MS)
