"""An operator of a `.tflite` file -> the attributes of its node: those in its options, and what only other parts of the
file say.

That is how many groups a convolution has, what type a result has that no input tells, and what the body of a reduction
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.tflite.flatbuffer import REMEDY
from costcalc.frontends.tflite.model import OperatorCall, TfliteModel

GROUPED = ("CONV_2D", "DEPTHWISE_CONV_2D")

TYPED = (
    *("BITCAST", "STABLEHLO_BROADCAST_IN_DIM", "STABLEHLO_IOTA", "STABLEHLO_RESHAPE", "STABLEHLO_RNG_BIT_GENERATOR"),
)
"""Operators whose result is told by the type of their last output alone: its shape and element type are attributes."""

MAX_BODY = 8
"""Operators of the body of a reduction that are named."""


def derive_attributes(
    model: TfliteModel,
    operator: OperatorCall,
    types: Sequence[TensorType | None],
    declared: Sequence[TensorType],
) -> dict[str, Any]:
    """An operator, the types of its inputs, and those of its outputs in the file -> the attributes of its node.
    LoadError where its body is no subgraph of the file."""
    attributes = _follow_shapes(operator, types)
    if operator.name in TYPED and declared:
        attributes |= {"shape": declared[-1].shape, "to": declared[-1].dtype.code}
    body = attributes.get("body")
    if body is not None and not operator.is_custom:
        subgraphs = model.subgraphs
        if not 0 <= body < len(subgraphs):
            raise LoadError(f"{operator.name} calls subgraph {body}, and there are {len(subgraphs)}", REMEDY)
        attributes["body"] = " ".join([inner.name for inner in subgraphs[body].operators[:MAX_BODY]])
    return attributes


def _follow_shapes(operator: OperatorCall, types: Sequence[TensorType | None]) -> dict[str, Any]:
    """The attributes in the file with those that follow from the inputs' shapes: the groups of a convolution, and that
    the weights of a product have a row for each output."""
    attributes = dict(operator.attributes)
    shapes = [t.shape if t is not None else None for t in types]
    if operator.name == "FULLY_CONNECTED":
        attributes["transB"] = 1
    elif operator.name in GROUPED and len(shapes) > 1 and shapes[0] and shapes[1]:
        channels, per_group = shapes[0][-1], 1 if operator.name == "DEPTHWISE_CONV_2D" else shapes[1][-1]
        if isinstance(channels, int) and isinstance(per_group, int) and per_group and channels != per_group:
            attributes["group"] = channels // per_group
    return attributes
