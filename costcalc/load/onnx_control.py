"""The operators whose work is graphs of other operators, each with the function that adds those to the graph."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.load.onnx_flex import expand_flex_attention
from costcalc.load.onnx_if import expand_if
from costcalc.load.onnx_loop import expand_loop
from costcalc.load.onnx_scan import expand_scan, expand_sequence_map
from costcalc.load.onnx_walk import Expand

EXPAND: Mapping[str, Expand] = {
    "FlexAttention": expand_flex_attention,
    "If": expand_if,
    "Loop": expand_loop,
    "Scan": expand_scan,
    "SequenceMap": expand_sequence_map,
}
