"""Elementwise operators that change nothing, and transposes that cancel."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.activation import clip_bounds
from costcalc.ir import Node
from costcalc.suggest.pieces import Change, Knobs, Match, Piece, layer
from costcalc.suggest.registry import EXACT, rule


@rule("redundant", "operator that changes nothing", accuracy=EXACT,
      source="relu(relu(x)) = relu(x); x[p][q] = x[p∘q]")  # fmt: skip
def redundant(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """A ReLU behind a ReLU, a sigmoid or a softmax, a Clip behind one of the same bounds, a ReLU that only a ReLU6
    reads: one of the two changes nothing. Two transposes in a row are one, or none where they cancel."""
    graph = flow.graph
    gone: set[int] = set()
    for i, node in enumerate(graph.nodes):
        at = flow.producers.get(node.inputs[0]) if node.inputs else None
        if node.domain or at is None or i in gone or graph.nodes[at].domain:
            continue
        before = graph.nodes[at]
        if flow.is_part(i) or flow.is_part(at):
            continue
        if (
            node.op_type == "Transpose" == before.op_type
            and at not in gone
            and flow.only_reader(before.outputs[0]) == i
        ):
            gone |= {at, i}
            yield _transposes(flow, at, i)
        elif _is_idle(flow, before, node):
            gone.add(i)
            change = Change((i,), node.inputs[:1], (), node.outputs[0], i, _kinds(node))
            yield Match((node.name,), (change,), None, f"{before.name} has done it")
        elif at not in gone and _is_covered(flow, before, node) and flow.only_reader(before.outputs[0]) == i:
            gone.add(at)
            change = Change((at,), before.inputs[:1], (), before.outputs[0], at, _kinds(before))
            yield Match((before.name,), (change,), None, f"{node.name} does it again")


def _kinds(node: Node) -> tuple[str, ...]:
    return ("relu6", "Clip") if node.op_type == "Clip" else (node.op_type.lower(), node.op_type)


def _is_idle(flow: GraphIndex, before: Node, node: Node) -> bool:
    """Whether a node gives what it reads."""
    if node.op_type in ("Relu", "Abs"):
        least = clip_bounds(flow, before)[0] if before.op_type == "Clip" else None
        return traits_of(before).non_negative or (least is not None and least >= 0)
    if node.op_type == "Clip" == before.op_type:
        own = clip_bounds(flow, node)
        return own == clip_bounds(flow, before) and own != (None, None)
    return False


def _is_covered(flow: GraphIndex, before: Node, node: Node) -> bool:
    """Whether what a ReLU does is done again by the Clip that reads it."""
    least = clip_bounds(flow, node)[0] if node.op_type == "Clip" else None
    return before.op_type == "Relu" and least is not None and least >= 0


def _transposes(flow: GraphIndex, first: int, second: int) -> Match:
    """Two transposes in a row as one, or as none."""
    one, other = flow.graph.nodes[first], flow.graph.nodes[second]
    rank = len(flow.shape(one.inputs[0]))
    p, q = (tuple(n.attributes.get("perm", range(rank - 1, -1, -1))) for n in (one, other))
    perm = [p[axis] for axis in q]
    pieces: tuple[Piece, ...] = () if perm == list(range(rank)) else (layer("transpose", perm=perm),)
    said = f"their permutations together: {perm}" + ("" if pieces else ", which is none")
    change = Change((first, second), one.inputs[:1], pieces, other.outputs[0], second, ("transpose", "Transpose"))
    return Match((one.name, other.name), (change,), None, said)
