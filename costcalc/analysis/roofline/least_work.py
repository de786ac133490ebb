"""Node -> its least work by the operator's rule, and Graph -> the values and the nodes that its outputs need.

What an implementation may skip is stated beside each operator's other rules (Traits.least_work).
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from costcalc.analysis.layers import LayerCost
from costcalc.core.dim import Dim, minimum
from costcalc.core.formula import Formula, Product
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import LeastWork, OperatorUse, traits_of
from costcalc.ops.common.visibility import Visibility


def find_least_work(graph: Graph, node: Node, macs: Formula, needed: AbstractSet[str] | None = None) -> LeastWork:
    """Node, its MACs by the definition and the values that are needed (all unless given) -> its least work, for one
    run; where the shape of an input is not known, nothing."""
    operator = traits_of(node)
    if needed is not None and needed.isdisjoint(node.outputs):
        return LeastWork(0, unused=frozenset(range(len(node.inputs))))
    if any(name and graph.types[name].shape is None for name in node.inputs):
        return LeastWork(0, dict.fromkeys(range(len(node.inputs)), 0))
    if operator.least_work is not None:
        outputs = frozenset(i for i, name in enumerate(node.outputs) if name and (needed is None or name in needed))
        types = tuple([graph.types[name] if name else None for name in node.inputs])
        work = operator.least_work(OperatorUse(macs, types, node.attributes, outputs))
        return work._replace(macs=minimum(work.macs, macs.value))
    if operator.causal is not None and operator.causal(node.attributes):
        return LeastWork(sum([_unmasked_product(term) for term in macs.terms], 0))
    return LeastWork(macs.value)


def least_macs(graph: Graph, row: LayerCost, node: Node, needed: AbstractSet[str] | None = None) -> int:
    """Row and node -> the MACs over all its runs that the needed values depend on; 0 where they are not a number."""
    total, count = row.figures["macs"], row.count
    if not isinstance(total, int) or not isinstance(count, int) or not total:
        return 0
    if row.cost is None:
        return total
    macs = find_least_work(graph, node, row.cost.macs, needed).macs
    return min(macs * count, total) if isinstance(macs, int) else 0


def _unmasked_product(term: Product) -> Dim:
    """Product of a causal attention without a rule of its own -> its MACs where query i sees the keys up to its own."""
    extents = {extent.name: extent.value for factor in term.factors for extent in (factor.factors or (factor,))}
    queries, keys = extents.get("S_q"), extents.get("S_kv")
    if queries is None or keys is None or queries == 0 or keys == 0:
        return term.value
    return term.value * Visibility(queries, keys, 0).pairs // (queries * keys)


def find_needed_values(graph: Graph, names: Iterable[str]) -> set[str]:
    """Graph and names of values -> these values and all that they are computed from."""
    values = {name for name in names if name}
    for node in reversed(graph.nodes):
        if not values.isdisjoint(node.outputs):
            unused = _unused_inputs(graph, node, values)
            values.update(name for i, name in enumerate(node.inputs) if name and i not in unused)
    return values


def _unused_inputs(graph: Graph, node: Node, needed: AbstractSet[str]) -> frozenset[int]:
    if traits_of(node).least_work is None or all(name in needed for name in node.outputs if name):
        return frozenset()
    return find_least_work(graph, node, Formula(), needed).unused


def needed_by_outputs(graph: Graph) -> set[str] | None:
    """Graph -> the values that its outputs need; None (all) where it names no output."""
    return find_needed_values(graph, graph.outputs) if any(graph.outputs) else None
