"""Graph -> Folding: what is left of its batch normalisations when a converter folds them into the layers before them.

At inference a batch normalisation is a factor and a summand for each channel: both go into the weights and the bias of
the layer that computes its input (arXiv:1712.05877, section 3.2). What converters write has a bias for each channel
instead of two learned values and two statistics.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim, sum_dims
from costcalc.core.ir import Graph
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex


class Folding(NamedTuple):
    """Batch normalisations that fold, the parameters and the buffers that go with them, and the biases that the layers
    before them have afterwards and had not before."""

    normalisations: int
    params: Dim
    buffers: Dim
    biases: Dim

    def folded_params(self, params: Dim) -> Dim:
        """Parameters of the graph -> those after folding."""
        return params - self.params + self.biases


BIAS = 2
"""The position of a contraction's bias among its inputs."""


def measure_folding(graph: Graph) -> Folding:
    """Graph -> its folding: normalisations with stored statistics whose input a contraction computes for them alone."""
    index = GraphIndex(graph)
    count = 0
    params, buffers, biases = list[Dim](), list[Dim](), list[Dim]()
    for node in graph.nodes:
        traits = traits_of(node)
        producer = index.producers.get(node.inputs[0]) if node.inputs else None
        if traits.kind != "normalisation" or len(traits.buffers) < 2 or producer is None:
            continue
        layer = graph.nodes[producer]
        if traits_of(layer).fusion != "begins" or index.only_reader(node.inputs[0]) is None:
            continue
        count += 1
        learned = [node.inputs[i] for i in sorted(traits.weights) if i < len(node.inputs) and node.inputs[i]]
        statistics = [node.inputs[i] for i in sorted(traits.buffers) if i < len(node.inputs) and node.inputs[i]]
        params += [graph.types[name].elements for name in learned]
        buffers += [graph.types[name].elements for name in statistics]
        if not any(layer.inputs[BIAS : BIAS + 1]):
            biases.append(graph.types[statistics[0]].elements)
    return Folding(count, sum_dims(params), sum_dims(buffers), sum_dims(biases))
