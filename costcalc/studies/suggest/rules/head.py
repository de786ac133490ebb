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
def pool_head(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The mean of each channel over all positions takes the place of the flattened map, and of every fully connected
    layer but the last, which then reads C values in the place of C·H·W. A head of VGG's kind holds most of a network's
    parameters."""
    graph = index.graph
    for i, node in enumerate(graph.nodes):
        input_shape = index.shape(node.inputs[0]) if node.inputs else ()
        if not _flattens(index, i) or prod(input_shape[2:]) == 1 or not _is_map(index, node.inputs[0]):
            continue
        linear = [i]
        chain, last = [i], None
        reader = index.only_reader(node.outputs[0])
        while reader is not None:
            op = graph.nodes[reader]
            if _is_linear(index, reader):
                last = reader
                linear.append(reader)
            elif not works_per_value(op) or index.data_inputs(op) != graph.nodes[chain[-1]].outputs[:1]:
                break
            chain.append(reader)
            reader = index.only_reader(op.outputs[0])
        if last is None:
            continue
        nodes = tuple(chain[: chain.index(last) + 1])
        end = graph.nodes[last]
        units, bias = index.shape(end.outputs[0])[1], len(end.inputs) > 2
        replacements = (
            layer("global_avg_pool"),
            layer("flatten"),
            layer("linear", units=CopiedOption(units, "$units"), bias=CopiedOption(bias, "$bias")),
        )
        change = GraphChange(nodes, node.inputs[:1], replacements, end.outputs[0], last, ("linear",))
        n = len(linear) - 1
        layers = "layer" if n == 1 else "layers"
        remark = f"{n} linear {layers} over {prod(input_shape[1:])} values: one over {input_shape[1]}"
        yield RewriteMatch(tuple(graph.nodes[j].name for j in linear), (change,), None, remark)


def _is_map(index: GraphIndex, value: str) -> bool:
    """Whether a value is a map of channels [N, C, spatial…]: a convolution has given it, with what may follow one."""
    at = index.producers.get(value)
    while at is not None and _keeps_maps(index.graph.nodes[at]):
        at = index.producers.get(index.graph.nodes[at].inputs[0])
    if at is None:
        return False
    node = index.graph.nodes[at]
    return is_convolution(node) and traits_of(node).layout_of(node.attributes) != "channels_last"


def _keeps_maps(node: Node) -> bool:
    """Whether a node gives maps of channels where it reads them."""
    t = traits_of(node)
    joins = t.arithmetic == "add" or operator_key(node) == ("", "Concat")
    return works_per_value(node) or t.kind in ("pool", "normalisation") or joins


def _flattens(index: GraphIndex, node_index: int) -> bool:
    """[N, C, spatial…] → [N, C·∏spatial]."""
    node = index.graph.nodes[node_index]
    if operator_key(node) not in {("", "Flatten"), ("", "Reshape")}:
        return False
    input_shape, output_shape = index.shape(node.inputs[0]), index.shape(node.outputs[0])
    return (
        len(output_shape) == 2
        and len(input_shape) > 2
        and input_shape[0] == output_shape[0]
        and prod(input_shape[1:]) == output_shape[1]
    )


def _is_linear(index: GraphIndex, node_index: int) -> bool:
    node = index.graph.nodes[node_index]
    if operator_key(node) != ("", "Gemm") or node.attributes.get("transA", 0):
        return False
    return index.is_unshared(node, 1) and (len(node.inputs) < 3 or index.is_stored(node.inputs[2]))
