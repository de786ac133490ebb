"""The operators that need more than a rule (most are graphs of other operators), each with the function that adds it to
the graph."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.load.onnx_arange import expand_constant_of_shape, expand_nonzero
from costcalc.load.onnx_flex import expand_flex_attention
from costcalc.load.onnx_if import expand_if
from costcalc.load.onnx_loop import expand_loop
from costcalc.load.onnx_scan import expand_scan, expand_sequence_map
from costcalc.load.onnx_walk import Expand

EXPAND: Mapping[str, Expand] = {
    "ConstantOfShape": expand_constant_of_shape,
    "FlexAttention": expand_flex_attention,
    "If": expand_if,
    "Loop": expand_loop,
    "NonZero": expand_nonzero,
    "Scan": expand_scan,
    "SequenceMap": expand_sequence_map,
}
