"""Flatten and fully connected layers → global average pooling and one linear layer."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.dim import prod
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.graph.patterns.convolution import is_convolution, works_per_value
from costcalc.studies.suggest.catalogue import rule
from costcalc.studies.suggest.replacement import CopiedOption, GraphChange, RewriteMatch, RewriteOptions, layer


@rule(
    "gap",
    "global average pooling",
    ratio="C·units/Σ in·out",
    source="Lin et al., Network in Network, arXiv:1312.4400, section 3.2; GoogLeNet, arXiv:1409.4842",
)
def pool_head(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The mean of each channel over all positions takes the place of the flattened map, and of every fully connected
    layer but the last, which then reads C values in the place of C·H·W. A head of VGG's kind holds most of a network's
    parameters."""
    graph = flow.graph
    for i, node in enumerate(graph.nodes):
        given = flow.shape(node.inputs[0]) if node.inputs else ()
        if not _flattens(flow, i) or prod(given[2:]) == 1 or not _is_map(flow, node.inputs[0]):
            continue
        linear = [i]
        chain, last = [i], None
        reader = flow.only_reader(node.outputs[0])
        while reader is not None:
            op = graph.nodes[reader]
            if _is_linear(flow, reader):
                last = reader
                linear.append(reader)
            elif not works_per_value(op) or flow.data_inputs(op) != graph.nodes[chain[-1]].outputs[:1]:
                break
            chain.append(reader)
            reader = flow.only_reader(op.outputs[0])
        if last is None:
            continue
        nodes = tuple(chain[: chain.index(last) + 1])
        end = graph.nodes[last]
        units, bias = flow.shape(end.outputs[0])[1], len(end.inputs) > 2
        pieces = (
            layer("global_avg_pool"),
            layer("flatten"),
            layer("linear", units=CopiedOption(units, "$units"), bias=CopiedOption(bias, "$bias")),
        )
        change = GraphChange(nodes, node.inputs[:1], pieces, end.outputs[0], last, ("linear",))
        n = len(linear) - 1
        said = f"{n} linear {'layer' if n == 1 else 'layers'} over {prod(given[1:])} values: one over {given[1]}"
        yield RewriteMatch(tuple(graph.nodes[j].name for j in linear), (change,), None, said)


def _is_map(flow: GraphIndex, value: str) -> bool:
    """Whether a value is a map of channels [N, C, spatial…]: a convolution has given it, with what may follow one."""
    at = flow.producers.get(value)
    while at is not None and _keeps_maps(flow.graph.nodes[at]):
        at = flow.producers.get(flow.graph.nodes[at].inputs[0])
    if at is None:
        return False
    node = flow.graph.nodes[at]
    return is_convolution(node) and traits_of(node).layout_of(node.attributes) != "channels_last"


def _keeps_maps(node: Node) -> bool:
    """Whether a node gives maps of channels where it reads them."""
    t = traits_of(node)
    joins = t.arithmetic == "add" or operator_key(node) == ("", "Concat")
    return works_per_value(node) or t.kind in ("pool", "normalisation") or joins


def _flattens(flow: GraphIndex, index: int) -> bool:
    """[N, C, spatial…] → [N, C·∏spatial]."""
    node = flow.graph.nodes[index]
    if operator_key(node) not in {("", "Flatten"), ("", "Reshape")}:
        return False
    given, out = flow.shape(node.inputs[0]), flow.shape(node.outputs[0])
    return len(out) == 2 and len(given) > 2 and given[0] == out[0] and prod(given[1:]) == out[1]


def _is_linear(flow: GraphIndex, index: int) -> bool:
    node = flow.graph.nodes[index]
    if operator_key(node) != ("", "Gemm") or node.attributes.get("transA", 0):
        return False
    return flow.is_owned(node, 1) and (len(node.inputs) < 3 or flow.is_stored(node.inputs[2]))
