"""Full attention → grouped-query attention: fewer key and value heads than query heads.

An output projection whose weights could be the embedding's.

Projections of exported attention → narrower ones whose heads are repeated, so that all behind them stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.frontends.yaml.layers.base import LAYERS, Site
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.graph.parameters import UNSCALED
from costcalc.graph.patterns.attention import AttentionPattern, find_attentions, find_projection
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.studies.suggest.catalogue import rule
from costcalc.studies.suggest.replacement import (
    CopiedOption,
    Emit,
    GraphChange,
    Replacement,
    RewriteMatch,
    RewriteOptions,
    changed_layer,
    fraction,
)

MATMUL = ("", "MatMul")


def repeat_heads(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """One match for each attention that is written in several nodes and has as many key and value heads as query
    heads."""
    for pattern in find_attentions(flow):
        size = _head_size(flow, pattern)
        layers = [_rewritable(flow, value) for value in (pattern.query, pattern.key, pattern.value)]
        query, key, value = layers
        if size is None or query is None or key is None or value is None:
            continue
        heads = _heads(flow, size, query, key, value)
        if heads is None or heads % options.group:
            continue
        changes = tuple(_changes(flow, query, key, value, heads, options.group))
        few = heads // options.group
        word = "head" if few == 1 else "heads"
        said = f"{few} key and value {word} for {heads} query heads, repeated behind their projections"
        names = tuple(dict.fromkeys(flow.graph.nodes[p.nodes[0]].name for p in (key, value)))
        yield RewriteMatch(names, changes, fraction({"1/group": (1, options.group)}), said)


def _head_size(flow: GraphIndex, pattern: AttentionPattern) -> Dim | None:
    """The features of a head, where two MatMuls give [..., queries, keys] and [..., queries, features] of it."""
    if pattern.softmax is None:
        return None
    softmax, scores, values = (flow.graph.nodes[i] for i in (pattern.softmax, *pattern.products))
    rank = len(flow.shape(softmax.inputs[0]))
    along_keys = rank >= 3 and softmax.attributes.get("axis", -1) in (-1, rank - 1)
    products = operator_key(scores) == operator_key(values) == MATMUL and values.inputs[1] == pattern.value
    features = flow.shape(pattern.query)[-1:]
    return features[0] if along_keys and products and features else None


def _rewritable(flow: GraphIndex, value: str) -> LinearLayer | None:
    """The projection that gives a value; None where its weights are shared or computed. A computed bias stays behind
    it."""
    layer = find_projection(flow, value)
    if layer is None:
        return None
    product = flow.graph.nodes[layer.nodes[0]]
    if product.domain or product.attributes.get("transA", 0) or not flow.is_unshared(product, 1):
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
        if operator_key(node) == ("", "Split"):
            return len(node.outputs) == 3 and len({flow.shape(name) for name in node.outputs}) == 1
        if operator_key(node) != ("", "Reshape"):
            return False
        if len(shape) > 1 and shape[-1] != joint.units:
            return len(shape) > rows + 1 and shape.index(3) == rows if 3 in shape else False
        value, rows = node.outputs[0], len(shape) - 1


def _changes(
    flow: GraphIndex, query: LinearLayer, key: LinearLayer, value: LinearLayer, heads: int, group: int
) -> Iterator[GraphChange]:
    joint = query.nodes == key.nodes
    for one in (key,) if joint else (key, value):
        product = flow.graph.nodes[one.nodes[0]]
        emit = _narrow(one, product, heads, group, joint)
        yield GraphChange(one.nodes, (one.x,), (Replacement("", (), emit),), one.y, one.nodes[0])


def _narrow(one: LinearLayer, product: Node, heads: int, group: int, joint: bool) -> Emit:
    """The projection to heads // group heads of keys or values; a joint one to these of both and all query heads."""

    def emit(site: Site) -> str:
        size = one.units // (heads * (3 if joint else 1))
        full, few = heads * size, heads // group * size
        out = _product_weight(site, one, product, full + 2 * few if joint else few)
        if not joint:
            return _repeat(site, out, heads // group, group, size, "")
        sizes = site.ints((full, few, few), "parts")
        names = [f"{site.name}.{part}" for part in ("query", "key", "value")]
        query = site.op("Split", [out, sizes], {"axis": len(site.shape(out)) - 1}, suffix="split", outputs=names)
        parts = [_repeat(site, name, heads // group, group, size, name[-3:]) for name in names[1:]]
        return site.op("Concat", [query, *parts], {"axis": len(site.shape(out)) - 1}, suffix="joined")

    return emit


def _product_weight(site: Site, one: LinearLayer, product: Node, width: Dim) -> str:
    """x · W + b with fewer columns."""
    by_rows = bool(product.attributes.get("transB", 0))
    weight = site.weight("weight", (width, one.features) if by_rows else (one.features, width))
    if operator_key(product) == ("", "Gemm"):
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


@rule(
    "gqa",
    "grouped-query attention",
    ratio="1/group of the key and value projections",
    source="Ainslie et al., GQA, arXiv:2305.13245, section 2.2",
)
def group_queries(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """Each group of query heads (--group) shares one key and value head. The projections of keys and values, and the
    cache of them, shrink to 1/group; the products QKᵀ and PV stay, for every query head still has its own. Where a
    graph spells attention out, the heads are repeated behind their projections, so that the rest of it stays. The paper
    pools the heads of a trained model and trains on for 5 % of its steps."""
    for i, node in enumerate(flow.graph.nodes):
        heads = node.attributes.get("q_num_heads")
        if operator_key(node) != ("", "Attention") or heads != node.attributes.get("kv_num_heads"):
            continue
        if not isinstance(heads, int) or heads % options.group or heads == heads // options.group:
            continue
        if any(node.inputs[4:]) or any(node.outputs[1:]):
            continue
        changes = _paths(flow, node, options.group)
        if changes is None:
            continue
        attention = changed_layer(
            _attention(node, heads // options.group), kv_heads=f"${{kv_heads|heads}} // {options.group}"
        )
        changes.append(GraphChange((i,), node.inputs, (attention,), node.outputs[0], i, ("attention",)))
        ratio = fraction({"1/group": (1, options.group)})
        word = "head" if heads == options.group else "heads"
        said = f"{heads // options.group} key and value {word} for {heads} query heads; 1/group of their projections"
        yield RewriteMatch((node.name,), tuple(changes), ratio, said)
    yield from repeat_heads(flow, options)


def _paths(flow: GraphIndex, node: Node, group: int) -> list[GraphChange] | None:
    """The changes that make keys and values narrower."""
    query, key, value = node.inputs[:3]
    if key == value:
        return None
    at = {flow.producers.get(name) for name in (query, key, value)}
    if len(at) == 1 and None not in at:
        return _joint(flow, next(i for i in at if i is not None), (query, key, value), group)
    paths = [_path(flow, name, group) for name in (key, value)]
    return None if None in paths else [change for path in paths if path for change in path]


def _joint(flow: GraphIndex, index: int, parts: tuple[str, ...], group: int) -> list[GraphChange] | None:
    """Queries, keys and values of one projection that a Split cuts into equal parts."""
    split = flow.graph.nodes[index]
    d = flow.shape(parts[0])[-1]
    if (
        operator_key(split) != ("", "Split")
        or split.outputs != parts
        or any(flow.only_reader(p) is None for p in parts)
    ):
        return None
    if flow.only_reader(split.inputs[0]) != index or split.inputs[0] not in flow.producers or d % group != 0:
        return None
    if split.attributes.get("axis", 0) not in (-1, len(flow.shape(parts[0])) - 1):
        return None
    few = d // group
    units = CopiedOption(d + 2 * few, f"$units // 3 + 2 * ($units // 3 // {group})")
    projection = _projection(flow, flow.producers[split.inputs[0]], units)
    if projection is None or any(flow.shape(p)[-1] != d for p in parts):
        return None

    def cut(site: Site) -> str:
        sizes = site.ints((d, few, few), "parts")
        given = {"axis": split.attributes.get("axis", 0)}
        return site.op("Split", [site.x, sizes], given, outputs=split.outputs)

    piece = changed_layer(cut, parts=f"[{d}, {few}, {few}]")
    return [projection, GraphChange((index,), split.inputs[:1], (piece,), split.outputs[0], index, ("split",))]


def _path(flow: GraphIndex, value: str, group: int) -> list[GraphChange] | None:
    """The changes from a projection to the attention: the linear layer, and a rotary embedding behind it."""
    changes: list[GraphChange] = []
    if flow.producers.get(value) is None or flow.only_reader(value) is None:
        return None
    i = flow.producers[value]
    node = flow.graph.nodes[i]
    if operator_key(node) == ("", "RotaryEmbedding") and node.attributes.get("num_heads", 0):
        fewer = {**node.attributes, "num_heads": node.attributes["num_heads"] // group}
        rotary = changed_layer(_again(node, fewer), num_heads=f"$num_heads // {group}")
        changes.append(GraphChange((i,), node.inputs, (rotary,), value, i, ("RotaryEmbedding",)))
        value = node.inputs[0]
        if flow.only_reader(value) is None or value not in flow.producers:
            return None
        i = flow.producers[value]
    width = flow.shape(value)[-1]
    if width % group != 0:
        return None
    projection = _projection(flow, i, CopiedOption(width // group, f"$units // {group}"))
    return None if projection is None else [projection, *changes]


def _projection(flow: GraphIndex, index: int, units: CopiedOption) -> GraphChange | None:
    """A linear layer of one MatMul, or of a MatMul and the addition of its bias."""
    nodes, product = [index], flow.graph.nodes[index]
    output, bias = product.outputs[0], False
    if operator_key(product) == ("", "Add"):
        sides = [flow.producers.get(name) for name in product.inputs]
        stored = [position for position in (0, 1) if flow.is_stored(product.inputs[position])]
        behind = [s for s in sides if s is not None]
        if len(stored) != 1 or len(behind) != 1 or flow.only_reader(flow.graph.nodes[behind[0]].outputs[0]) is None:
            return None
        nodes, product, bias = [behind[0], index], flow.graph.nodes[behind[0]], True
    if operator_key(product) != ("", "MatMul") or not flow.is_unshared(product, 1):
        return None
    piece = changed_layer(_linear(units.value, bias), units=units.text)
    return GraphChange(tuple(nodes), product.inputs[:1], (piece,), output, nodes[0], ("linear",))


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


PROBABILITIES = {("", "Softmax"), ("", "LogSoftmax")}


@rule(
    "tied",
    "weights tied to the embedding",
    source="Press and Wolf, Using the Output Embedding, arXiv:1608.05859; Inan et al., arXiv:1611.01462",
)
def tie_embedding(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The projection to the vocabulary reads the table that tokens are looked up in, transposed: it is stored once.
    MACs stay; vocabulary × features parameters go. Only for a projection without a bias."""
    graph = flow.graph
    tables = [node.inputs[0] for node in graph.nodes if _looks_up(flow, node)]
    for i, node in enumerate(graph.nodes):
        if (
            operator_key(node) not in {("", "MatMul"), ("", "Gemm")}
            or not flow.is_unshared(node, 1)
            or len(node.inputs) > 2
        ):
            continue
        if not _ends(flow, node.outputs[0]):
            continue
        weight, given = graph.types[node.inputs[1]], flow.shape(node.inputs[0])
        by_rows = bool(node.attributes.get("transB", 0))
        if weight.shape is None or len(weight.shape) != 2 or len(given) < 2 or node.attributes.get("transA", 0):
            continue
        rows = weight.shape if by_rows else weight.shape[::-1]
        table = next((t for t in tables if graph.types[t].shape == rows and graph.types[t].dtype is weight.dtype), None)
        if table is None or rows[0] == 1:
            continue
        # `weights:` names a layer of the file; the table's tensor is called after it
        piece = Replacement("", (("weights", table.removesuffix(".weight")),), _product(table))
        change = GraphChange((i,), node.inputs[:1], (piece,), node.outputs[0], i, ("linear",))
        said = f"{table} {rows[0]}×{rows[1]} serves both"
        yield RewriteMatch((node.name,), (change,), None, said)


def _looks_up(flow: GraphIndex, node: Node) -> bool:
    """Whether a node looks rows of a stored table up by indices that the network is given."""
    if (
        traits_of(node).kind != "lookup"
        or node.inputs[0] not in flow.graph.initializers
        or node.attributes.get("axis", 0)
    ):
        return False
    indices = node.inputs[1]
    while (before := flow.producer(indices)) is not None and traits_of(before).passes_on in UNSCALED:
        indices = before.inputs[0]
    return indices in flow.graph.inputs


def _ends(flow: GraphIndex, value: str) -> bool:
    """Whether a value is what the network gives, or that before a softmax."""
    while value not in flow.graph.outputs:
        reader = flow.only_reader(value)
        node = None if reader is None else flow.graph.nodes[reader]
        if node is None or not (traits_of(node).passes_on in UNSCALED or operator_key(node) in PROBABILITIES):
            return False
        value = node.outputs[0]
    return True


def _product(table: str) -> Emit:
    """x · tableᵀ as one Gemm, over rows where x is no matrix."""

    def emit(site: Site) -> str:
        *rows, features = site.shape()
        entries = site.shape(table)[0]
        if len(rows) == 1:
            return site.op("Gemm", [site.x, table], {"transB": 1})
        flat = site.op("Reshape", [site.x, site.ints((-1, features), "rows")], suffix="rows")
        product = site.op("Gemm", [flat, table], {"transB": 1})
        return site.op("Reshape", [product, site.ints((*rows, entries), "shape")], suffix="unrows")

    return emit
