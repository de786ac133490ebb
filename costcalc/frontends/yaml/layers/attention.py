"""Short names of attention and of rotary embeddings -> nodes: ONNX's where it has the operator, else costcalc's own."""

from __future__ import annotations

from typing import Any

from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.ops.llm import LLM


@layer(
    "attention",
    heads=LayerKey("extent", doc="query heads"),
    kv_heads=LayerKey(
        "extent", None, "key and value heads, fewer for grouped-query attention (the query heads unless given)"
    ),
    causal=LayerKey("bool", False, "whether a position sees only those before it (all products count)"),
    window=LayerKey("extent", None, "of a causal one, the last positions that a position sees, its own among them"),
    chunk=LayerKey("extent", None, "of a causal one, positions in a chunk: a position sees those of its own only"),
    sinks=LayerKey("bool", False, "with a window or chunk: whether the fourth value read is a learned score a head"),
    softcap=LayerKey("number", None, "limit of a score: softcap · tanh(score / softcap)"),
)
def attention(
    site: Site,
    heads: int,
    kv_heads: int | None,
    causal: bool,
    window: int | None,
    chunk: int | None,
    sinks: bool,
    softcap: float | None,
) -> str:
    """Scaled dot-product attention of [N, positions, heads · size] query, key and value; no projections. Keys and
    values of a causal one can be cached; with a window or a chunk only the last ones are."""
    inputs = _attention_inputs(site, 4 if sinks else 3)
    kv_heads = heads if kv_heads is None else kv_heads
    for value, count in ((inputs[0], heads), (inputs[1], kv_heads), (inputs[2], kv_heads)):
        if len(site.shape(value)) != 3:
            raise ShapeError(f"an input has {len(site.shape(value))} axes", "each is [N, positions, heads · size]")
        features = site.shape(value)[-1]
        if features % count != 0:
            raise ShapeError(f"{features} features do not divide into {count} heads", "change heads")
    attributes: dict[str, Any] = {"q_num_heads": heads, "kv_num_heads": kv_heads}
    if softcap is not None:
        attributes["softcap"] = softcap
    if window is None and chunk is None and not sinks:
        return site.op("Attention", inputs, attributes | ({"is_causal": 1} if causal else {}))
    if not causal:
        raise ShapeError("it has a window, a chunk or sinks and is not causal", "give `causal: true`")
    attributes |= {key: size for key, size in (("window", window), ("chunk", chunk)) if size is not None}
    return site.op("CausalAttention", inputs, attributes, domain=LLM)


def _attention_inputs(site: Site, count: int) -> list[str]:
    if len(site.inputs) == 1 and count == 3:
        return [site.x] * 3
    if len(site.inputs) != count:
        names = "query, key, value" + (", sinks" if count == 4 else "")
        raise ShapeError(f"it reads {len(site.inputs)} values", f"give `from: [{names}]`")
    return list(site.inputs)


@layer(
    "latent_attention",
    heads=LayerKey("extent", doc="query heads"),
    size=LayerKey("extent", doc="of a head, the features of a key that come from the latents"),
    value_size=LayerKey("extent", doc="features of a head's value"),
    name=LayerKey("text", "kv_b_proj", "the layer that its weights are named after"),
    top_k=LayerKey(
        "extent", None, "of sparse attention, the positions that a position sees; a fourth value may name them"
    ),
)
def latent_attention(site: Site, heads: int, size: int, value_size: int, name: str, top_k: int | None) -> str:
    """Causal attention whose keys and values are linear maps of one latent vector a position (arXiv:2405.04434):
    `from: [query, latent, rope_key]`, query [N, positions, heads · (size + r)], latent [N, positions, c], rope_key
    [N, positions, r], which all heads share. Latents and rope_keys can be cached."""
    if len(site.inputs) != 3 and (len(site.inputs) != 4 or top_k is None):
        names = "query, latent, rope_key" + ("" if top_k is None else ", indices")
        raise ShapeError(f"it reads {len(site.inputs)} values", f"give `from: [{names}]`")
    shape = (site.shape(site.inputs[1])[-1], heads * (size + value_size))
    sibling = Site(site.builder, f"{site.name.rpartition('/')[0]}/{name}", (), (), "", site.by_rows, "", site.style)
    inputs = [*site.inputs[:3], sibling.weight("weight", shape)]
    if top_k is None:
        return site.op("LatentAttention", inputs, {"num_heads": heads}, domain=LLM)
    attributes = {"num_heads": heads, "top_k": top_k}
    chosen = ["", "", site.inputs[3]] if len(site.inputs) == 4 else []
    return site.op("LatentAttention", [*inputs, *chosen], attributes, domain=LLM)


MAX_ROTATED = 1 << 14
"""The most features of a head: each pair has an angle of its own, which is written out."""


@layer(
    "rotary_table",
    size=LayerKey("extent", doc="features of a head that are rotated"),
    theta=LayerKey("number", 10_000, "positions after which the slowest pair of features comes round, over 2π"),
)
def rotary_table(site: Site, size: int, theta: float) -> tuple[str, str]:
    """Cosines and sines of a rotary embedding (arXiv:2104.09864) from int64 position ids [N, positions]: two values
    [N, positions, size / 2]; name them with `as: [cosines, sines]`. Nothing of it is stored."""
    if not isinstance(size, int) or size % 2 or size > MAX_ROTATED:
        raise ShapeError(f"{size} features are rotated in pairs", f"give an even number, {MAX_ROTATED:,} at most")
    angles_per_position = [theta ** (-2 * i / size) for i in range(size // 2)]
    frequencies = site.floats(angles_per_position, "frequencies")
    positions = site.op("Cast", [site.x], {"to": DType.FLOAT32.code}, suffix="positions")
    column = site.op("Unsqueeze", [positions, site.ints([-1], "axis")], suffix="column")
    angles = site.op("Mul", [column, frequencies], suffix="angles")
    return site.op("Cos", [angles]), site.op("Sin", [angles], suffix="sines")


@layer(
    "rotary",
    heads=LayerKey("extent", doc="heads of the value"),
    size=LayerKey("extent", None, "features of a head that are rotated (all unless given)"),
)
def rotary(site: Site, heads: int, size: int | None) -> str:
    """Rotates pairs of features by their position: `from: [value, cosines, sines]`, value [N, positions, heads ·
    features]."""
    if len(site.inputs) != 3:
        raise ShapeError(f"it reads {len(site.inputs)} values", "give `from: [value, cosines, sines]`")
    attributes = {"num_heads": heads} | ({"rotary_embedding_dim": size} if size is not None else {})
    return site.op("RotaryEmbedding", site.inputs, attributes)
