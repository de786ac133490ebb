"""Flatten and fully connected layers → global average pooling and one linear layer."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.dim import prod
from costcalc.separable import is_between
from costcalc.suggest.between import PLAIN
from costcalc.suggest.pieces import Change, Copied, Knobs, Match, layer
from costcalc.suggest.registry import rule
from costcalc.suggest.view import View

PASSED = frozenset((*PLAIN, "Clip", "LeakyRelu", "Elu", "Dropout", "BatchNormalization", "Identity"))
"""What stands between the fully connected layers of a head."""

AFTER = frozenset(("MaxPool", "AveragePool", "LpPool", "LRN", "Add", "Concat"))


@rule("gap", "global average pooling", ratio="C·units/Σ in·out",
      source="Lin et al., Network in Network, arXiv:1312.4400, section 3.2; GoogLeNet, arXiv:1409.4842")  # fmt: skip
def pooling_head(seen: View, knobs: Knobs) -> Iterator[Match]:
    """The mean of each channel over all positions takes the place of the flattened map, and of every fully connected
    layer but the last, which then reads C values in the place of C·H·W. A head of VGG's kind holds most of a network's
    parameters."""
    graph = seen.graph
    for i, node in enumerate(graph.nodes):
        given = seen.shape(node.inputs[0]) if node.inputs else ()
        if not _flattens(seen, i) or prod(given[2:]) == 1 or not _is_map(seen, node.inputs[0]):
            continue
        linear = [i]
        chain, last = [i], None
        reader = seen.only_reader(node.outputs[0])
        while reader is not None:
            op = graph.nodes[reader]
            if _is_linear(seen, reader):
                last = reader
                linear.append(reader)
            elif op.op_type not in PASSED or op.domain or op.inputs[0] != graph.nodes[chain[-1]].outputs[0]:
                break
            chain.append(reader)
            reader = seen.only_reader(op.outputs[0])
        if last is None:
            continue
        nodes = tuple(chain[: chain.index(last) + 1])
        end = graph.nodes[last]
        units, bias = seen.shape(end.outputs[0])[1], len(end.inputs) > 2
        pieces = (layer("global_avg_pool"), layer("flatten"),
                  layer("linear", units=Copied(units, "$units"), bias=Copied(bias, "$bias")))  # fmt: skip
        change = Change(nodes, node.inputs[:1], pieces, end.outputs[0], last, ("linear",))
        n = len(linear) - 1
        said = f"{n} linear {'layer' if n == 1 else 'layers'} over {prod(given[1:])} values: one over {given[1]}"
        yield Match(tuple(graph.nodes[j].name for j in linear), (change,), None, said)


def _is_map(seen: View, value: str) -> bool:
    """Whether a value is a map of channels [N, C, spatial…]: a convolution has given it, with what may follow one."""
    at = seen.producers.get(value)
    while at is not None and (is_between(seen.graph.nodes[at]) or seen.graph.nodes[at].op_type in AFTER):
        at = seen.producers.get(seen.graph.nodes[at].inputs[0])
    return at is not None and seen.graph.nodes[at].op_type == "Conv"


def _flattens(seen: View, index: int) -> bool:
    """[N, C, spatial…] → [N, C·∏spatial]."""
    node = seen.graph.nodes[index]
    if node.op_type not in ("Flatten", "Reshape") or node.domain:
        return False
    given, out = seen.shape(node.inputs[0]), seen.shape(node.outputs[0])
    return len(out) == 2 and len(given) > 2 and given[0] == out[0] and prod(given[1:]) == out[1]


def _is_linear(seen: View, index: int) -> bool:
    node = seen.graph.nodes[index]
    if node.op_type != "Gemm" or node.domain or node.attributes.get("transA", 0):
        return False
    return seen.owned(node, 1) and (len(node.inputs) < 3 or seen.stored(node, 2))
