"""com.ms.internal.nhwc: ONNX's operators on images with channels last, as ONNX Runtime hands them to its accelerators.

The first input and the outputs are [N, *spatial, C]; weights and all else stand as in ONNX. Each rule is that of the
operator with channels first, between two changes of order; an `activation` adds one operation per output.

Source: ONNX Runtime's core/graph/contrib_ops/internal_nhwc_onnx_schemas.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType
from costcalc.core.registry import COST_RULES, FREE_OPS, MS, SHAPE_RULES, OperatorRule
from costcalc.core.traits import TRAITS, LeastWork, LeastWorkRule, OperatorUse, traits
from costcalc.ops import conv, elementwise, layout, norm, pool, quantize, resize, vision  # noqa: F401  their rules
from costcalc.ops.common.channels import from_channels_first, to_channels_first
from costcalc.ops.contrib import pool as contrib_pool  # noqa: F401  the rules of com.microsoft's
from costcalc.ops.contrib.matmul import fused_activation

INTERNAL_NHWC = "com.ms.internal.nhwc"
"""The domain."""

OPERATORS: dict[str, str] = {
    **dict.fromkeys(("AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "GridSample"), ""),
    **dict.fromkeys(("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "InstanceNormalization", "LRN"), ""),
    **dict.fromkeys(("LpPool", "MaxPool", "QLinearConv", "SpaceToDepth"), ""),
    "QLinearAveragePool": MS,
}
"""The operators whose first input alone is an image, and the domain of their counterparts with channels first."""


def _shape_function(rule: OperatorRule) -> Callable[..., tuple[TensorType, ...]]:
    def shape(x: TensorType, *inputs: TensorType | None, **keywords: Any) -> tuple[TensorType, ...]:
        found = rule.function(to_channels_first(x), *inputs, **_first(keywords))
        types = (found,) if isinstance(found, TensorType) else found
        return tuple(
            t if t.shape is None or len(t.shape) < 3 else TensorType(t.dtype, from_channels_first(t.shape))
            for t in types
        )

    return shape


def _cost_function(rule: OperatorRule) -> Callable[..., Cost | None]:
    def cost(x: TensorType, *inputs: TensorType | None, **keywords: Any) -> Cost | None:
        activation = keywords.pop("activation", "")
        given = {k: v for k, v in _first(keywords).items() if k in rule.accepts}
        found: Cost | None = rule.function(to_channels_first(x), *inputs, **given)
        return found and Cost(found.macs, found.work + fused_activation(activation, keywords["out"]))

    cost.__doc__ = rule.function.__doc__
    return cost


def _least_work_function(rule: LeastWorkRule | None) -> LeastWorkRule | None:
    def least_work(use: OperatorUse) -> LeastWork:
        assert rule is not None
        first, *others = use.types
        attributes = {key: value for key, value in use.attributes.items() if key != "channels_last"}
        return rule(use._replace(types=(first and to_channels_first(first), *others), attributes=attributes))

    return rule and least_work


def _first(keywords: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments with channels first: the output's type, no attribute channels_last."""
    changed = {k: v for k, v in keywords.items() if k != "channels_last"}
    if "out" in changed:
        changed["out"] = to_channels_first(changed["out"])
    return changed


for _name, _domain in OPERATORS.items():
    _shape = SHAPE_RULES[_domain, _name]
    SHAPE_RULES[INTERNAL_NHWC, _name] = _shape._replace(function=_shape_function(_shape))
    _cost = COST_RULES.get((_domain, _name))
    if _cost is None:
        FREE_OPS.add((INTERNAL_NHWC, _name))
    else:
        COST_RULES[INTERNAL_NHWC, _name] = _cost._replace(
            function=_cost_function(_cost), accepts=_cost.accepts | {"out", "activation"}
        )
    TRAITS[INTERNAL_NHWC, _name] = TRAITS[_domain, _name]
    least_work = _least_work_function(TRAITS[_domain, _name].least_work)
    traits(_name, domain=INTERNAL_NHWC, layout="channels_last", least_work=least_work)


# Scales and sizes of a Resize stand in the order of the input's axes.
SHAPE_RULES[INTERNAL_NHWC, "Resize"] = SHAPE_RULES["", "Resize"]

COST_RULES[INTERNAL_NHWC, "Resize"] = COST_RULES["", "Resize"]

TRAITS[INTERNAL_NHWC, "Resize"] = TRAITS["", "Resize"]

traits("Resize", domain=INTERNAL_NHWC, layout="channels_last")
