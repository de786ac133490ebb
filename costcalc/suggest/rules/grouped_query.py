"""Full attention → grouped-query attention: fewer key and value heads than query heads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.dim import Dim
from costcalc.graph.index import GraphIndex, operator
from costcalc.ir import Node
from costcalc.load.layers import LAYERS
from costcalc.load.layers.base import Site
from costcalc.suggest.pieces import Change, Copied, Emit, Knobs, Match, fraction, own
from costcalc.suggest.registry import rule
from costcalc.suggest.repeated import repeated


@rule("gqa", "grouped-query attention", ratio="1/group of the key and value projections",
      source="Ainslie et al., GQA, arXiv:2305.13245, section 2.2")  # fmt: skip
def grouped_query(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """Each group of query heads (--group) shares one key and value head. The projections of keys and values, and the
    cache of them, shrink to 1/group; the products QKᵀ and PV stay, for every query head still has its own. Where a
    graph spells attention out, the heads are repeated behind their projections, so that the rest of it stays. The paper
    pools the heads of a trained model and trains on for 5 % of its steps."""
    for i, node in enumerate(flow.graph.nodes):
        heads = node.attributes.get("q_num_heads")
        if operator(node) != ("", "Attention") or heads != node.attributes.get("kv_num_heads"):
            continue
        if not isinstance(heads, int) or heads % knobs.group or heads == heads // knobs.group:
            continue
        if any(node.inputs[4:]) or any(node.outputs[1:]):
            continue
        changes = _paths(flow, node, knobs.group)
        if changes is None:
            continue
        attention = own(_attention(node, heads // knobs.group), kv_heads=f"${{kv_heads|heads}} // {knobs.group}")
        changes.append(Change((i,), node.inputs, (attention,), node.outputs[0], i, ("attention",)))
        ratio = fraction({"1/group": (1, knobs.group)})
        word = "head" if heads == knobs.group else "heads"
        said = f"{heads // knobs.group} key and value {word} for {heads} query heads; 1/group of their projections"
        yield Match((node.name,), tuple(changes), ratio, said)
    yield from repeated(flow, knobs)


def _paths(flow: GraphIndex, node: Node, group: int) -> list[Change] | None:
    """The changes that make keys and values narrower."""
    query, key, value = node.inputs[:3]
    if key == value:
        return None
    at = {flow.producers.get(name) for name in (query, key, value)}
    if len(at) == 1 and None not in at:
        return _joint(flow, next(i for i in at if i is not None), (query, key, value), group)
    paths = [_path(flow, name, group) for name in (key, value)]
    return None if None in paths else [change for path in paths if path for change in path]


def _joint(flow: GraphIndex, index: int, parts: tuple[str, ...], group: int) -> list[Change] | None:
    """Queries, keys and values of one projection that a Split cuts into equal parts."""
    split = flow.graph.nodes[index]
    d = flow.shape(parts[0])[-1]
    if operator(split) != ("", "Split") or split.outputs != parts or any(flow.only_reader(p) is None for p in parts):
        return None
    if flow.only_reader(split.inputs[0]) != index or split.inputs[0] not in flow.producers or d % group != 0:
        return None
    if split.attributes.get("axis", 0) not in (-1, len(flow.shape(parts[0])) - 1):
        return None
    few = d // group
    units = Copied(d + 2 * few, f"$units // 3 + 2 * ($units // 3 // {group})")
    projection = _projection(flow, flow.producers[split.inputs[0]], units)
    if projection is None or any(flow.shape(p)[-1] != d for p in parts):
        return None

    def cut(site: Site) -> str:
        sizes = site.ints((d, few, few), "parts")
        given = {"axis": split.attributes.get("axis", 0)}
        return site.op("Split", [site.x, sizes], given, outputs=split.outputs)

    piece = own(cut, parts=f"[{d}, {few}, {few}]")
    return [projection, Change((index,), split.inputs[:1], (piece,), split.outputs[0], index, ("split",))]


def _path(flow: GraphIndex, value: str, group: int) -> list[Change] | None:
    """The changes from a projection to the attention: the linear layer, and a rotary embedding behind it."""
    changes: list[Change] = []
    if flow.producers.get(value) is None or flow.only_reader(value) is None:
        return None
    i = flow.producers[value]
    node = flow.graph.nodes[i]
    if operator(node) == ("", "RotaryEmbedding") and node.attributes.get("num_heads", 0):
        fewer = {**node.attributes, "num_heads": node.attributes["num_heads"] // group}
        rotary = own(_again(node, fewer), num_heads=f"$num_heads // {group}")
        changes.append(Change((i,), node.inputs, (rotary,), value, i, ("RotaryEmbedding",)))
        value = node.inputs[0]
        if flow.only_reader(value) is None or value not in flow.producers:
            return None
        i = flow.producers[value]
    width = flow.shape(value)[-1]
    if width % group != 0:
        return None
    projection = _projection(flow, i, Copied(width // group, f"$units // {group}"))
    return None if projection is None else [projection, *changes]


def _projection(flow: GraphIndex, index: int, units: Copied) -> Change | None:
    """A linear layer of one MatMul, or of a MatMul and the addition of its bias."""
    nodes, product = [index], flow.graph.nodes[index]
    output, bias = product.outputs[0], False
    if operator(product) == ("", "Add"):
        sides = [flow.producers.get(name) for name in product.inputs]
        stored = [position for position in (0, 1) if flow.is_stored(product.inputs[position])]
        behind = [s for s in sides if s is not None]
        if len(stored) != 1 or len(behind) != 1 or flow.only_reader(flow.graph.nodes[behind[0]].outputs[0]) is None:
            return None
        nodes, product, bias = [behind[0], index], flow.graph.nodes[behind[0]], True
    if operator(product) != ("", "MatMul") or not flow.is_owned(product, 1):
        return None
    piece = own(_linear(units.value, bias), units=units.text)
    return Change(tuple(nodes), product.inputs[:1], (piece,), output, nodes[0], ("linear",))


def _linear(units: Dim, bias: bool) -> Emit:
    def emit(site: Site) -> str:
        result = LAYERS["linear"].emit(site, units=units, bias=bias)
        assert isinstance(result, str)
        return result

    return emit


def _attention(node: Node, kv_heads: int) -> Emit:
    return _again(node, {**node.attributes, "kv_num_heads": kv_heads})


def _again(node: Node, attributes: dict[str, Any]) -> Emit:
    return lambda site: site.op(node.op_type, site.inputs, attributes)
