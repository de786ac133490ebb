"""Projections of exported attention → narrower ones whose heads are repeated, so that all behind them stays."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.dim import Dim
from costcalc.graph.index import GraphIndex, operator
from costcalc.graph.patterns.attention import AttentionPattern, attentions, projection
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.ir import Node
from costcalc.load.layers.base import Site
from costcalc.suggest.pieces import Change, Emit, Knobs, Match, Piece, fraction

MATMUL = ("", "MatMul")


def repeated(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """One match for each attention that is written in several nodes and has as many key and value heads as query
    heads."""
    for pattern in attentions(flow):
        size = _head_size(flow, pattern)
        layers = [_rewritable(flow, value) for value in (pattern.query, pattern.key, pattern.value)]
        query, key, value = layers
        if size is None or query is None or key is None or value is None:
            continue
        heads = _heads(flow, size, query, key, value)
        if heads is None or heads % knobs.group:
            continue
        changes = tuple(_changes(flow, query, key, value, heads, knobs.group))
        few = heads // knobs.group
        word = "head" if few == 1 else "heads"
        said = f"{few} key and value {word} for {heads} query heads, repeated behind their projections"
        names = tuple(dict.fromkeys(flow.graph.nodes[p.nodes[0]].name for p in (key, value)))
        yield Match(names, changes, fraction({"1/group": (1, knobs.group)}), said)


def _head_size(flow: GraphIndex, pattern: AttentionPattern) -> Dim | None:
    """The features of a head, where two MatMuls give [..., queries, keys] and [..., queries, features] of it."""
    if pattern.softmax is None:
        return None
    softmax, scores, values = (flow.graph.nodes[i] for i in (pattern.softmax, *pattern.products))
    rank = len(flow.shape(softmax.inputs[0]))
    along_keys = rank >= 3 and softmax.attributes.get("axis", -1) in (-1, rank - 1)
    products = operator(scores) == operator(values) == MATMUL and values.inputs[1] == pattern.value
    features = flow.shape(pattern.query)[-1:]
    return features[0] if along_keys and products and features else None


def _rewritable(flow: GraphIndex, value: str) -> LinearLayer | None:
    """The projection that gives a value; None where its weights are shared or computed. A computed bias stays behind
    it."""
    layer = projection(flow, value)
    if layer is None:
        return None
    product = flow.graph.nodes[layer.nodes[0]]
    if product.domain or product.attributes.get("transA", 0) or not flow.is_owned(product, 1):
        return None
    if not layer.bias or flow.is_stored(layer.bias):
        return layer
    return layer._replace(nodes=layer.nodes[:1], y=product.outputs[0], bias="") if len(layer.nodes) > 1 else None


def _heads(flow: GraphIndex, size: Dim, query: LinearLayer, key: LinearLayer, value: LinearLayer) -> int | None:
    """How many heads of each kind there are; None where they differ, or nothing tells."""
    width = query.units
    if query.nodes == key.nodes == value.nodes:
        if not isinstance(width, int) or width % 3 or not _in_thirds(flow, query):
            return None
        width //= 3
    elif len({query.nodes, key.nodes, value.nodes}) < 3 or not query.units == key.units == value.units:
        return None
    return width // size if isinstance(width, int) and isinstance(size, int) and width % size == 0 else None


def _in_thirds(flow: GraphIndex, joint: LinearLayer) -> bool:
    """Whether all queries stand before all keys, and these before all values."""
    value, rows = joint.y, len(flow.shape(joint.y)) - 1
    while True:
        onward = flow.element_readers(value)
        if len(onward) != 1:
            return False
        node = flow.graph.nodes[onward[0]]
        shape = flow.shape(node.outputs[0])
        if operator(node) == ("", "Split"):
            return len(node.outputs) == 3 and len({flow.shape(name) for name in node.outputs}) == 1
        if operator(node) != ("", "Reshape"):
            return False
        if len(shape) > 1 and shape[-1] != joint.units:
            return len(shape) > rows + 1 and shape.index(3) == rows if 3 in shape else False
        value, rows = node.outputs[0], len(shape) - 1


def _changes(
    flow: GraphIndex, query: LinearLayer, key: LinearLayer, value: LinearLayer, heads: int, group: int
) -> Iterator[Change]:
    joint = query.nodes == key.nodes
    for one in (key,) if joint else (key, value):
        product = flow.graph.nodes[one.nodes[0]]
        emit = _narrow(one, product, heads, group, joint)
        yield Change(one.nodes, (one.x,), (Piece("", (), emit),), one.y, one.nodes[0])


def _narrow(one: LinearLayer, product: Node, heads: int, group: int, joint: bool) -> Emit:
    """The projection to heads // group heads of keys or values; a joint one to these of both and all query heads."""

    def emit(site: Site) -> str:
        size = one.units // (heads * (3 if joint else 1))
        full, few = heads * size, heads // group * size
        out = _product(site, one, product, full + 2 * few if joint else few)
        if not joint:
            return _repeat(site, out, heads // group, group, size, "")
        sizes = site.ints((full, few, few), "parts")
        names = [f"{site.name}.{part}" for part in ("query", "key", "value")]
        query = site.op("Split", [out, sizes], {"axis": len(site.shape(out)) - 1}, suffix="split", outputs=names)
        parts = [_repeat(site, name, heads // group, group, size, name[-3:]) for name in names[1:]]
        return site.op("Concat", [query, *parts], {"axis": len(site.shape(out)) - 1}, suffix="joined")

    return emit


def _product(site: Site, one: LinearLayer, product: Node, width: Dim) -> str:
    """x · W + b with fewer columns."""
    by_rows = bool(product.attributes.get("transB", 0))
    weight = site.weight("weight", (width, one.features) if by_rows else (one.features, width))
    if operator(product) == ("", "Gemm"):
        bias = [site.weight("bias", (width,))] if one.bias else []
        return site.op("Gemm", [site.x, weight, *bias], product.attributes)
    out = site.op("MatMul", [site.x, weight])
    return site.op("Add", [out, site.weight("bias", (width,))], suffix="bias") if one.bias else out


def _repeat(site: Site, value: str, few: int, group: int, size: Dim, of: str) -> str:
    """Every head group times: [rows…, few·size] → [rows…, few·group·size]."""
    rows = site.shape(value)[:-1]

    def word(text: str) -> str:
        return f"{of}_{text}" if of else text

    apart = site.op("Reshape", [value, site.ints((*rows, few, 1, size), word("apart"))], suffix=word("apart"))
    many = site.op("Expand", [apart, site.ints((*rows, few, group, size), word("many"))], suffix=word("repeat"))
    return site.op("Reshape", [many, site.ints((*rows, few * group * size), word("all"))], suffix=word("together"))
