"""Projections of exported attention → narrower ones whose heads are repeated, so that all behind them stays."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.dim import Dim
from costcalc.load.layers.base import Site
from costcalc.suggest.pieces import Change, Emit, Knobs, Match, Piece, fraction
from costcalc.suggest.spelled import Projection, Spelled, spelled
from costcalc.suggest.view import View


def repeated(seen: View, knobs: Knobs) -> Iterator[Match]:
    """One match for each attention that is spelled out and has as many key and value heads as query heads."""
    for found in spelled(seen):
        heads = _heads(seen, found)
        if heads is None or heads % knobs.group:
            continue
        changes = tuple(_changes(found, heads, knobs.group))
        few = heads // knobs.group
        word = "head" if few == 1 else "heads"
        said = f"{few} key and value {word} for {heads} query heads, repeated behind their projections"
        layers = tuple(dict.fromkeys(p.product.name for p in (found.key, found.value)))
        yield Match(layers, changes, fraction({"1/group": (1, knobs.group)}), said)


def _heads(seen: View, found: Spelled) -> int | None:
    """How many heads of each kind there are; None where they differ, or nothing tells."""
    query, key, value = found.query, found.key, found.value
    width = query.width
    if query.nodes == key.nodes == value.nodes:
        if not isinstance(width, int) or width % 3 or not _in_thirds(seen, query):
            return None
        width //= 3
    elif len({query.nodes, key.nodes, value.nodes}) < 3 or not query.width == key.width == value.width:
        return None
    size = found.size
    return width // size if isinstance(width, int) and isinstance(size, int) and width % size == 0 else None


def _in_thirds(seen: View, joint: Projection) -> bool:
    """Whether all queries stand before all keys, and these before all values."""
    value, rows = joint.output, len(seen.shape(joint.output)) - 1
    while True:
        readers = [seen.graph.nodes[i] for i in seen.readers.get(value, ())]
        onward = [node for node in readers if node.op_type != "Shape"]
        if len(onward) != 1:
            return False
        (node,) = onward
        shape = seen.shape(node.outputs[0])
        if node.op_type == "Split":
            return len(node.outputs) == 3 and len({seen.shape(name) for name in node.outputs}) == 1
        if node.op_type != "Reshape":
            return False
        if len(shape) > 1 and shape[-1] != joint.width:
            return len(shape) > rows + 1 and shape.index(3) == rows if 3 in shape else False
        value, rows = node.outputs[0], len(shape) - 1


def _changes(found: Spelled, heads: int, group: int) -> Iterator[Change]:
    joint = found.query.nodes == found.key.nodes
    for one in (found.key,) if joint else (found.key, found.value):
        emit = _narrow(one, heads, group, joint)
        yield Change(one.nodes, one.product.inputs[:1], (Piece("", (), emit),), one.output, one.nodes[0])


def _narrow(one: Projection, heads: int, group: int, joint: bool) -> Emit:
    """The projection to heads // group heads of keys or values; a joint one to these of both and all query heads."""

    def emit(site: Site) -> str:
        size = one.width // (heads * (3 if joint else 1))
        full, few = heads * size, heads // group * size
        out = _product(site, one, full + 2 * few if joint else few)
        if not joint:
            return _repeat(site, out, heads // group, group, size, "")
        sizes = site.ints((full, few, few), "parts")
        names = [f"{site.name}.{part}" for part in ("query", "key", "value")]
        query = site.op("Split", [out, sizes], {"axis": len(site.shape(out)) - 1}, suffix="split", outputs=names)
        parts = [_repeat(site, name, heads // group, group, size, name[-3:]) for name in names[1:]]
        return site.op("Concat", [query, *parts], {"axis": len(site.shape(out)) - 1}, suffix="joined")

    return emit


def _product(site: Site, one: Projection, width: Dim) -> str:
    """x · W + b with fewer columns."""
    by_rows = bool(one.product.attributes.get("transB", 0))
    weight = site.weight("weight", (width, one.features) if by_rows else (one.features, width))
    if one.product.op_type == "Gemm":
        bias = [site.weight("bias", (width,))] if one.bias else []
        return site.op("Gemm", [site.x, weight, *bias], one.product.attributes)
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
