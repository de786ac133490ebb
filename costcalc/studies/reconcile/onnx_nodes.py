"""Graph -> its nodes as calls: what a counter of ONNX graphs looks at."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import Node
from costcalc.graph.index import operator
from costcalc.studies.reconcile.call import Call
from costcalc.studies.reconcile.call_sizes import CostIndex, bias_of, call, is_recurrent, recurrent


def nodes(flow: CostIndex) -> tuple[Call, ...]:
    """A call for every node whose shapes are known; its kind is the operator."""
    return tuple(_nodes(flow))


def _nodes(flow: CostIndex) -> Iterator[Call]:
    for index, node in enumerate(flow.graph.nodes):
        if all(flow.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name):
            first = node.inputs[0] if node.inputs else ""
            one = call(flow, node.op_type, "node", (index,), first, node.outputs[0])
            bias = bias_of(node)
            one = one._replace(bias=flow.elements(bias) if bias else 0, also=tuple(_sizes(flow, node)))
            if is_recurrent(node):
                one = recurrent(flow, node, one)._replace(kind=node.op_type)
            yield one


def _sizes(flow: CostIndex, node: Node) -> Iterator[tuple[str, Dim]]:
    """What single operators need beyond elements."""
    key = operator(node)
    if key == ("", "ConvTranspose"):
        yield "filter", prod((flow.type(node.inputs[1]).shape or ())[1:])
    elif key in {("", "MaxPool"), ("", "AveragePool")}:
        yield "kernel", prod(node.attributes["kernel_shape"])
    elif key == ("", "LayerNormalization"):
        yield "last", (flow.type(node.inputs[0]).shape or (1,))[node.attributes.get("axis", -1)]
    elif key == ("", "LRN"):
        yield "window", node.attributes["size"]
    elif key == ("", "Sum"):
        yield "inputs", len(node.inputs)
    elif key == ("", "Resize"):
        yield str(node.attributes.get("mode", "nearest")), 1
