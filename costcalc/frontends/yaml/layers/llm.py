"""Short names of sparse and compressed attention and of hyper-connections -> costcalc's own nodes."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.ops.llm import LLM


def _check_inputs(site: Site, names: Sequence[str], optional: int = 0) -> None:
    """ShapeError where the layer does not read the values of these names, the last ones of which are optional."""
    if not len(names) - optional <= len(site.inputs) <= len(names):
        raise ShapeError(f"it reads {len(site.inputs)} values", f"give `from: [{', '.join(names)}]`")


@layer("sparse_indexer", top_k=LayerKey("extent", doc="positions that a position attends to"))
def sparse_indexer(site: Site, top_k: int) -> str:
    """Which earlier positions each position attends to, as indices [N, positions, top_k] (DeepSeek-V3.2): `from:
    [query, key, weights]`, query [N, positions, heads · size], key [N, positions, size], weights [N, positions, heads].
    Keys can be cached."""
    _check_inputs(site, ("query", "key", "weights"))
    return site.op("SparseIndexer", site.inputs, {"top_k": top_k}, domain=LLM)


@layer("compressed_indexer", top_k=LayerKey("extent", doc="entries that a position attends to"))
def compressed_indexer(site: Site, top_k: int) -> str:
    """Which compressed entries each position attends to (DeepSeek-V4): `from: [query, states, gates, bias, norm,
    weights]`, query [N, positions, heads · size], states and gates [N, positions, size] or twice as wide, bias
    [positions of an entry, width of states], norm [size], weights [N, positions, heads]."""
    _check_inputs(site, ("query", "states", "gates", "bias", "norm", "weights"))
    return site.op("CompressedIndexer", site.inputs, {"top_k": top_k}, domain=LLM)


@layer(
    "compressed_attention",
    heads=LayerKey("extent", doc="query heads; keys and values have one, and are one vector"),
    window=LayerKey("extent", doc="the last positions that a position sees, its own among them"),
)
def compressed_attention(site: Site, heads: int, window: int) -> str:
    """Attention over the last positions and over compressed entries of the others (DeepSeek-V4): `from: [query, kv,
    sinks, states, gates, bias, norm, indices]`, as in compressed_indexer; without indices all entries are read."""
    _check_inputs(site, ("query", "kv", "sinks", "states", "gates", "bias", "norm", "indices"), optional=1)
    return site.op("CompressedAttention", site.inputs, {"num_heads": heads, "window": window}, domain=LLM)


@layer("hyper_connection", iterations=LayerKey("extent", doc="Sinkhorn's iterations of the map of streams"))
def hyper_connection(site: Site, iterations: int) -> tuple[str, str, str]:
    """A mixture of residual streams (arXiv:2409.19606): `from: [streams, fn, base, scale]`, streams [N, positions, n,
    features], fn [(2 + n) · n, n · features], base [(2 + n) · n], scale [3]; name what it gives with `as: [mixture,
    weights, map]`."""
    _check_inputs(site, ("streams", "fn", "base", "scale"))
    names = (site.name, f"{site.name}.weights", f"{site.name}.map")
    site.op("HyperConnection", site.inputs, {"iterations": iterations}, outputs=names, domain=LLM)
    return names
