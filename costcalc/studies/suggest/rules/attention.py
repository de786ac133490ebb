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
    macs_ratio,
)

MATMUL = ("", "MatMul")


def repeat_heads(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """One match for each attention that is written in several nodes and has as many key and value heads as query
    heads."""
    for pattern in find_attentions(index):
        size = _head_size(index, pattern)
        layers = [_find_rewritable_projection(index, value) for value in (pattern.query, pattern.key, pattern.value)]
        query, key, value = layers
        if size is None or query is None or key is None or value is None:
            continue
        heads = _count_heads(index, size, query, key, value)
        if heads is None or heads % options.group:
            continue
        changes = tuple(_narrow_projections(index, query, key, value, heads, options.group))
        kv_heads = heads // options.group
        noun = "head" if kv_heads == 1 else "heads"
        remark = f"{kv_heads} key and value {noun} for {heads} query heads, repeated behind their projections"
        names = tuple(dict.fromkeys(index.graph.nodes[p.nodes[0]].name for p in (key, value)))
        yield RewriteMatch(names, changes, macs_ratio({"1/group": (1, options.group)}), remark)


def _head_size(index: GraphIndex, pattern: AttentionPattern) -> Dim | None:
    """Attention -> the features of a head, where two MatMuls give [..., queries, keys] and [..., queries, features] of
    it."""
    if pattern.softmax is None:
        return None
    softmax, scores, values = (index.graph.nodes[i] for i in (pattern.softmax, *pattern.products))
    rank = len(index.shape(softmax.inputs[0]))
    along_keys = rank >= 3 and softmax.attributes.get("axis", -1) in (-1, rank - 1)
    products = operator_key(scores) == operator_key(values) == MATMUL and values.inputs[1] == pattern.value
    features = index.shape(pattern.query)[-1:]
    return features[0] if along_keys and products and features else None


def _find_rewritable_projection(index: GraphIndex, value: str) -> LinearLayer | None:
    """The projection that gives a value; None where its weights are shared or computed. A computed bias stays behind
    it."""
    layer = find_projection(index, value)
    if layer is None:
        return None
    product = index.graph.nodes[layer.nodes[0]]
    if product.domain or product.attributes.get("transA", 0) or not index.is_unshared(product, 1):
        return None
    if not layer.bias or index.is_stored(layer.bias):
        return layer
    return layer._replace(nodes=layer.nodes[:1], y=product.outputs[0], bias="") if len(layer.nodes) > 1 else None


def _count_heads(index: GraphIndex, size: Dim, query: LinearLayer, key: LinearLayer, value: LinearLayer) -> int | None:
    """Projections -> the number of heads of each; None where they differ, or nothing tells."""
    width = query.units
    if query.nodes == key.nodes == value.nodes:
        if not isinstance(width, int) or width % 3 or not _has_equal_thirds(index, query):
            return None
        width //= 3
    elif len({query.nodes, key.nodes, value.nodes}) < 3 or not query.units == key.units == value.units:
        return None
    return width // size if isinstance(width, int) and isinstance(size, int) and width % size == 0 else None


def _has_equal_thirds(index: GraphIndex, joint: LinearLayer) -> bool:
    """Whether all queries stand before all keys, and these before all values."""
    value, rows = joint.y, len(index.shape(joint.y)) - 1
    while True:
        readers = index.element_readers(value)
        if len(readers) != 1:
            return False
        node = index.graph.nodes[readers[0]]
        shape = index.shape(node.outputs[0])
        if operator_key(node) == ("", "Split"):
            return len(node.outputs) == 3 and len({index.shape(name) for name in node.outputs}) == 1
        if operator_key(node) != ("", "Reshape"):
            return False
        if len(shape) > 1 and shape[-1] != joint.units:
            return len(shape) > rows + 1 and shape.index(3) == rows if 3 in shape else False
        value, rows = node.outputs[0], len(shape) - 1


def _narrow_projections(
    index: GraphIndex, query: LinearLayer, key: LinearLayer, value: LinearLayer, heads: int, group: int
) -> Iterator[GraphChange]:
    joint = query.nodes == key.nodes
    for projection in (key,) if joint else (key, value):
        product = index.graph.nodes[projection.nodes[0]]
        emit = _emit_narrow(projection, product, heads, group, joint)
        yield GraphChange(
            projection.nodes, (projection.x,), (Replacement("", (), emit),), projection.y, projection.nodes[0]
        )


def _emit_narrow(projection: LinearLayer, product: Node, heads: int, group: int, joint: bool) -> Emit:
    """The projection to heads // group heads of keys or values; a joint one to these of both and all query heads."""

    def emit(site: Site) -> str:
        size = projection.units // (heads * (3 if joint else 1))
        query_width, kv_width = heads * size, heads // group * size
        out = _emit_product(site, projection, product, query_width + 2 * kv_width if joint else kv_width)
        if not joint:
            return _emit_repeat(site, out, heads // group, group, size, "")
        sizes = site.ints((query_width, kv_width, kv_width), "parts")
        names = [f"{site.name}.{role}" for role in ("query", "key", "value")]
        query = site.op("Split", [out, sizes], {"axis": len(site.shape(out)) - 1}, suffix="split", outputs=names)
        parts = [_emit_repeat(site, name, heads // group, group, size, name[-3:]) for name in names[1:]]
        return site.op("Concat", [query, *parts], {"axis": len(site.shape(out)) - 1}, suffix="joined")

    return emit


def _emit_product(site: Site, projection: LinearLayer, product: Node, width: Dim) -> str:
    """x · W + b with fewer columns."""
    by_rows = bool(product.attributes.get("transB", 0))
    weight = site.weight("weight", (width, projection.features) if by_rows else (projection.features, width))
    if operator_key(product) == ("", "Gemm"):
        bias = [site.weight("bias", (width,))] if projection.bias else []
        return site.op("Gemm", [site.x, weight, *bias], product.attributes)
    out = site.op("MatMul", [site.x, weight])
    return site.op("Add", [out, site.weight("bias", (width,))], suffix="bias") if projection.bias else out


def _emit_repeat(site: Site, value: str, kv_heads: int, group: int, size: Dim, prefix: str) -> str:
    """Every head group times: [rows…, kv_heads·size] → [rows…, kv_heads·group·size]."""
    rows = site.shape(value)[:-1]

    def suffix_of(text: str) -> str:
        return f"{prefix}_{text}" if prefix else text

    split = site.op(
        "Reshape", [value, site.ints((*rows, kv_heads, 1, size), suffix_of("apart"))], suffix=suffix_of("apart")
    )
    repeated = site.op(
        "Expand", [split, site.ints((*rows, kv_heads, group, size), suffix_of("many"))], suffix=suffix_of("repeat")
    )
    return site.op(
        "Reshape",
        [repeated, site.ints((*rows, kv_heads * group * size), suffix_of("all"))],
        suffix=suffix_of("together"),
    )


@rule(
    "gqa",
    "grouped-query attention",
    ratio="1/group of the key and value projections",
    source="Ainslie et al., GQA, arXiv:2305.13245, section 2.2",
)
def group_queries(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """Each group of query heads (--group) shares one key and value head. The projections of keys and values, and the
    cache of them, shrink to 1/group; the products QKᵀ and PV stay, for every query head still has its own. Where a
    graph spells attention out, the heads are repeated behind their projections, so that the rest of it stays. The paper
    pools the heads of a trained model and trains on for 5 % of its steps."""
    for i, node in enumerate(index.graph.nodes):
        heads = node.attributes.get("q_num_heads")
        if operator_key(node) != ("", "Attention") or heads != node.attributes.get("kv_num_heads"):
            continue
        if not isinstance(heads, int) or heads % options.group or heads == heads // options.group:
            continue
        if any(node.inputs[4:]) or any(node.outputs[1:]):
            continue
        changes = _narrow_paths(index, node, options.group)
        if changes is None:
            continue
        attention = changed_layer(
            _emit_attention(node, heads // options.group), kv_heads=f"${{kv_heads|heads}} // {options.group}"
        )
        changes.append(GraphChange((i,), node.inputs, (attention,), node.outputs[0], i, ("attention",)))
        ratio = macs_ratio({"1/group": (1, options.group)})
        noun = "head" if heads == options.group else "heads"
        remark = f"{heads // options.group} key and value {noun} for {heads} query heads; 1/group of their projections"
        yield RewriteMatch((node.name,), tuple(changes), ratio, remark)
    yield from repeat_heads(index, options)


def _narrow_paths(index: GraphIndex, node: Node, group: int) -> list[GraphChange] | None:
    """Attention node -> the changes of its key and value projections; None where one cannot be narrowed."""
    query, key, value = node.inputs[:3]
    if key == value or not index.has_shapes(node):
        return None
    at = {index.producers.get(name) for name in (query, key, value)}
    if len(at) == 1 and None not in at:
        return _narrow_joint(index, next(i for i in at if i is not None), (query, key, value), group)
    paths = [_narrow_path(index, name, group) for name in (key, value)]
    return None if None in paths else [change for path in paths if path for change in path]


def _narrow_joint(index: GraphIndex, node_index: int, outputs: tuple[str, ...], group: int) -> list[GraphChange] | None:
    """Queries, keys and values of one projection that a Split cuts into equal parts."""
    split = index.graph.nodes[node_index]
    width = index.shape(outputs[0])[-1]
    if (
        operator_key(split) != ("", "Split")
        or split.outputs != outputs
        or any(index.only_reader(output) is None for output in outputs)
    ):
        return None
    if index.only_reader(split.inputs[0]) != node_index or split.inputs[0] not in index.producers or width % group != 0:
        return None
    if split.attributes.get("axis", 0) not in (-1, len(index.shape(outputs[0])) - 1):
        return None
    kv_width = width // group
    units = CopiedOption(width + 2 * kv_width, f"$units // 3 + 2 * ($units // 3 // {group})")
    projection = _narrow_linear(index, index.producers[split.inputs[0]], units)
    if projection is None or any(index.shape(output)[-1] != width for output in outputs):
        return None

    def emit(site: Site) -> str:
        sizes = site.ints((width, kv_width, kv_width), "parts")
        attributes = {"axis": split.attributes.get("axis", 0)}
        return site.op("Split", [site.x, sizes], attributes, outputs=split.outputs)

    narrow_split = changed_layer(emit, parts=f"[{width}, {kv_width}, {kv_width}]")
    return [
        projection,
        GraphChange((node_index,), split.inputs[:1], (narrow_split,), split.outputs[0], node_index, ("split",)),
    ]


def _narrow_path(index: GraphIndex, value: str, group: int) -> list[GraphChange] | None:
    """The changes from a projection to the attention: the linear layer, and a rotary embedding behind it."""
    changes: list[GraphChange] = []
    if index.producers.get(value) is None or index.only_reader(value) is None:
        return None
    i = index.producers[value]
    node = index.graph.nodes[i]
    if operator_key(node) == ("", "RotaryEmbedding") and node.attributes.get("num_heads", 0):
        attributes = {**node.attributes, "num_heads": node.attributes["num_heads"] // group}
        rotary = changed_layer(_copy_operator(node, attributes), num_heads=f"$num_heads // {group}")
        changes.append(GraphChange((i,), node.inputs, (rotary,), value, i, ("RotaryEmbedding",)))
        value = node.inputs[0]
        if index.only_reader(value) is None or value not in index.producers:
            return None
        i = index.producers[value]
    width = index.shape(value)[-1]
    if width % group != 0:
        return None
    projection = _narrow_linear(index, i, CopiedOption(width // group, f"$units // {group}"))
    return None if projection is None else [projection, *changes]


def _narrow_linear(index: GraphIndex, node_index: int, units: CopiedOption) -> GraphChange | None:
    """A linear layer of one MatMul, or of a MatMul and the addition of its bias."""
    nodes, product = [node_index], index.graph.nodes[node_index]
    output, bias = product.outputs[0], False
    if operator_key(product) == ("", "Add"):
        producers = [index.producers.get(name) for name in product.inputs]
        stored = [position for position in (0, 1) if index.is_stored(product.inputs[position])]
        products = [producer for producer in producers if producer is not None]
        if (
            len(stored) != 1
            or len(products) != 1
            or index.only_reader(index.graph.nodes[products[0]].outputs[0]) is None
        ):
            return None
        nodes, product, bias = [products[0], node_index], index.graph.nodes[products[0]], True
    if operator_key(product) != ("", "MatMul") or not index.is_unshared(product, 1):
        return None
    replacement = changed_layer(_emit_linear(units.value, bias), units=units.text)
    return GraphChange(tuple(nodes), product.inputs[:1], (replacement,), output, nodes[0], ("linear",))


def _emit_linear(units: Dim, bias: bool) -> Emit:
    def emit(site: Site) -> str:
        result = LAYERS["linear"].emit(site, units=units, bias=bias)
        assert isinstance(result, str)
        return result

    return emit


def _emit_attention(node: Node, kv_heads: int) -> Emit:
    return _copy_operator(node, {**node.attributes, "kv_num_heads": kv_heads})


def _copy_operator(node: Node, attributes: dict[str, Any]) -> Emit:
    return lambda site: site.op(node.op_type, site.inputs, attributes)


PROBABILITIES = {("", "Softmax"), ("", "LogSoftmax")}


@rule(
    "tied",
    "weights tied to the embedding",
    source="Press and Wolf, Using the Output Embedding, arXiv:1608.05859; Inan et al., arXiv:1611.01462",
)
def tie_embedding(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The projection to the vocabulary reads the table that tokens are looked up in, transposed: it is stored once.
    MACs stay; vocabulary × features parameters go. Only for a projection without a bias."""
    graph = index.graph
    tables = [node.inputs[0] for node in graph.nodes if _is_embedding(index, node)]
    for i, node in enumerate(graph.nodes):
        if (
            operator_key(node) not in {("", "MatMul"), ("", "Gemm")}
            or not index.is_unshared(node, 1)
            or len(node.inputs) > 2
        ):
            continue
        if not _is_output(index, node.outputs[0]):
            continue
        weight, input_shape = graph.types[node.inputs[1]], index.shape(node.inputs[0])
        by_rows = bool(node.attributes.get("transB", 0))
        if weight.shape is None or len(weight.shape) != 2 or len(input_shape) < 2 or node.attributes.get("transA", 0):
            continue
        rows = weight.shape if by_rows else weight.shape[::-1]
        table = next((t for t in tables if graph.types[t].shape == rows and graph.types[t].dtype is weight.dtype), None)
        if table is None or rows[0] == 1:
            continue
        # `weights:` names a layer of the file; the table's tensor is called after it
        replacement = Replacement("", (("weights", table.removesuffix(".weight")),), _emit_tied_product(table))
        change = GraphChange((i,), node.inputs[:1], (replacement,), node.outputs[0], i, ("linear",))
        remark = f"{table} {rows[0]}×{rows[1]} serves both"
        yield RewriteMatch((node.name,), (change,), None, remark)


def _is_embedding(index: GraphIndex, node: Node) -> bool:
    """Whether a node looks rows of a stored table up by indices that the network is given."""
    if (
        traits_of(node).kind != "lookup"
        or node.inputs[0] not in index.graph.initializers
        or node.attributes.get("axis", 0)
    ):
        return False
    indices = node.inputs[1]
    while (producer := index.producer(indices)) is not None and traits_of(producer).passes_on in UNSCALED:
        indices = producer.inputs[0]
    return indices in index.graph.inputs


def _is_output(index: GraphIndex, value: str) -> bool:
    """Whether a value is what the network gives, or that before a softmax."""
    while value not in index.graph.outputs:
        reader = index.only_reader(value)
        node = None if reader is None else index.graph.nodes[reader]
        if node is None or not (traits_of(node).passes_on in UNSCALED or operator_key(node) in PROBABILITIES):
            return False
        value = node.outputs[0]
    return True


def _emit_tied_product(table: str) -> Emit:
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
