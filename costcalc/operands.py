"""Graph → in which precisions its contractions multiply, and in which element types its weights are stored."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.dim import Dim
from costcalc.ir import Graph, Node
from costcalc.storage import PASS_THROUGH, stored

MS = "com.microsoft"

POSITIONS = {
    ("", "QLinearConv"): (0, 3),
    ("", "QLinearMatMul"): (0, 3),
    (MS, "QLinearConv"): (0, 3),
    (MS, "QGemm"): (0, 3),
    (MS, "MoE"): (0, 2),
    (MS, "QMoE"): (0, 2),
}
"""Which two inputs an operator multiplies with each other, where they are not the first two."""

QUANTISES_FIRST = frozenset([(MS, "DynamicQuantizeMatMul"), (MS, "DynamicQuantizeLSTM")])
"""Operators that quantise their first input to uint8 before they multiply."""

PACKED_BITS = {
    (MS, "MatMulNBits"): ("bits", 4),
    (MS, "MatMulBnb4"): ("", 4),
    (MS, "QMoE"): ("expert_weight_bits", 4),
}
"""The attribute that tells how many bits a weight has where bytes hold several, and its default."""

SHORT = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64"}

_SAME_NUMBERS = PASS_THROUGH - {"Cast"}


class Precisions:
    """The precision of each contraction of a graph: `fp32` where both operands are float32, `fp16×int4` where they
    differ, `int8×int8` for integers. An operand behind DequantizeLinear counts as what it was quantised to: that is
    what a runtime multiplies."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.producers: Mapping[str, Node] = {}
        if any(node.op_type == "DequantizeLinear" for node in graph.nodes):
            self.producers = {node.outputs[0]: node for node in graph.nodes if node.outputs}

    def of(self, node: Node) -> str:
        """The precision in which a node multiplies."""
        key = (node.domain, node.op_type)
        first, second = POSITIONS.get(key, (0, 1))
        a = "uint8" if key in QUANTISES_FIRST else self._operand(node, first)
        if key in PACKED_BITS:
            attribute, default = PACKED_BITS[key]
            b = f"int{node.attributes.get(attribute, default)}"
        else:
            b = self._operand(node, second) or a
        return a if a == b and "int" not in a else f"{a}×{b}"

    def _operand(self, node: Node, position: int) -> str:
        name = node.inputs[position] if position < len(node.inputs) else ""
        behind = name
        for _ in range(4):
            producer = self.producers.get(behind)
            if producer is None or not producer.inputs:
                break
            behind = producer.inputs[0]
            if producer.op_type == "DequantizeLinear":
                name = behind
                break
            if producer.op_type not in _SAME_NUMBERS:
                break
        label = str(self.graph.types[name].dtype) if name else ""
        return SHORT.get(label, label)


def weight_bytes_by_dtype(graph: Graph) -> dict[str, Dim]:
    """Bytes of parameters and buffers by the element type that they are stored in (MatMulNBits packs int4 in uint8)."""
    sums: dict[str, Dim] = {}
    for item in stored(graph):
        if item.kind != "constant":
            name = str(item.type.dtype)
            sums[name] = sums.get(name, 0) + item.type.nbytes
    return sums
