"""Graph to the precisions in which its contractions multiply, and to the bytes of its weights by element type."""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.parameters import find_stored_tensors

SHORT_NAMES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64"}


class OperandPrecisions:
    """Contraction of a graph -> its precision: `fp32` where both operands are float32, `fp16×int4` where they differ,
    `int8×int8` for integers. An operand behind DequantizeLinear counts as what it was quantised to: that is what a
    runtime multiplies; so does a weight in a format whose other operand is quantised for it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        quantised = any(traits_of(node).passes_on == "dequantised" for node in graph.nodes)
        self.index = GraphIndex(graph) if quantised else None

    def find_precision(self, node: Node) -> str:
        """Contraction -> the precision in which it multiplies."""
        operator = traits_of(node)
        first, second = operator.factors
        compute_dtype = self._stored_type(node)
        if compute_dtype:
            return f"{compute_dtype}×{compute_dtype}" if "int" in compute_dtype else compute_dtype
        a = "uint8" if operator.quantises_input == "uint8" else self._operand_type(node, first)
        if operator.packed is not None and operator.packed.bits is not None:
            b = f"int{operator.packed.bits(node.attributes)}"
        else:
            b = self._operand_type(node, second) or a
        if operator.quantises_input == "int8" and "int" in b and "int" not in a:
            a = "int8"
        return a if a == b and "int" not in a else f"{a}×{b}"

    def _stored_type(self, node: Node) -> str:
        """The element type that the format of a node's weights lets it multiply in; "" where they have none."""
        formats = self.graph.stored_formats
        if not formats:
            return ""
        found = [formats[name].compute_dtype for name in node.inputs if name in formats]
        return next((name for name in found if name), "")

    def _operand_type(self, node: Node, position: int) -> str:
        name = node.inputs[position] if position < len(node.inputs) else ""
        source = name
        for _ in range(4):
            producer = self.index.producer(source) if self.index is not None else None
            if producer is None or not producer.inputs:
                break
            source = producer.inputs[0]
            passes_on = traits_of(producer).passes_on
            if passes_on == "dequantised":
                name = source
            if passes_on != "same":
                break
        label = str(self.graph.types[name].dtype) if name else ""
        return SHORT_NAMES.get(label, label)


def weight_bytes_by_dtype(graph: Graph) -> dict[str, Dim]:
    """Graph -> bytes of parameters and buffers by the element type of storage (MatMulNBits packs int4 in uint8), or by
    the label of the format that the file has them in."""
    sums: dict[str, Dim] = {}
    for item in find_stored_tensors(graph):
        if item.kind != "constant":
            size = item.type.nbytes if item.format is None else item.nbytes
            sums[item.storage] = sums.get(item.storage, 0) + size
    return sums
