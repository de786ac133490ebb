"""Short names of linear layers, embeddings and bare products -> ONNX nodes."""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import WarningNote
from costcalc.core.traits import traits_of
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.frontends.yaml.layers.conv import BIAS, WEIGHTS
from costcalc.frontends.yaml.layers.layout import foreign_axes, trace_axes
from costcalc.graph.builder import GraphBuilder


@layer("linear", units=LayerKey("extent", doc="output features"), bias=BIAS, weights=WEIGHTS)
def linear(site: Site, units: Dim, bias: bool) -> str:
    """A linear map of the last axis. Over a matrix it is one Gemm, else a MatMul and an Add. Its weights may be shared
    with another linear layer or with an embedding (a tied head)."""
    if len(site.shape()) < 2:
        raise ShapeError(f"its input has {len(site.shape())} axes", "it takes [N, features] or [N, …, features]")
    *rows, features = site.shape()
    if axes := _image_axes(site.builder, site.x):
        advice = "where all of it is meant, put `- flatten` before it"
        site.builder.notes.append(WarningNote(f"{site.name} maps the last axis of {axes}: {advice}"))
    shared = site.builder.initializers.get(site.stored_name("weight")) if site.share else None
    by_rows = shared is not None and site.stored_name("weight") in site.by_rows
    if len(rows) == 1 and (shared is None or by_rows):
        return _gemm(site, site.x, units, features, bias)
    if by_rows:
        flat = site.op("Reshape", [site.x, site.ints((-1, features), "rows")], suffix="rows")
        product = _gemm(site, flat, units, features, bias)
        shape = site.ints((*([0] if len(rows) == 1 else rows), units), "shape")
        return site.op("Reshape", [product, shape], suffix="unrows")
    product = site.op("MatMul", [site.x, site.weight("weight", (features, units))])
    return site.op("Add", [product, site.weight("bias", (units,))], suffix="bias") if bias else product


MAP_KINDS = ("convolution", "transposed_convolution", "pool", "global_pool")
"""Kinds of operators that give a feature map."""


def _image_axes(builder: GraphBuilder, value: str) -> str:
    """A value → `a feature map [N, C, H, W]` where a convolution or a pool gives it, `an image [N, C, H, W]` where an
    input does, directly or through operators that keep its axes; "" for others."""
    source, node = trace_axes(builder, value)
    rank = len(builder.types[source].shape or ())
    if node is not None:
        return "a feature map [N, C, H, W]" if rank > 3 and traits_of(node).kind in MAP_KINDS else ""
    if source not in builder.inputs:
        return ""
    if rank > 3:
        return "an image [N, C, H, W]"
    axes, _ = foreign_axes(builder.types[source])
    return "an image [N, H, W]" if rank == 3 and "H, W" in axes else ""


def _gemm(site: Site, x: str, units: Dim, features: Dim, bias: bool) -> str:
    weight = site.weight("weight", (units, features))
    site.by_rows.add(weight)
    inputs = [x, weight, *([site.weight("bias", (units,))] if bias else [])]
    return site.op("Gemm", inputs, {"transB": 1})


@layer(
    "embedding",
    entries=LayerKey("extent", doc="rows of the table (the vocabulary)"),
    features=LayerKey("extent", doc="numbers in a row"),
    weights=WEIGHTS,
)
def embedding(site: Site, entries: Dim, features: Dim) -> str:
    """Looks up rows of a table by int64 indices: no arithmetic."""
    weight = site.weight("weight", (entries, features))
    site.by_rows.add(weight)
    return site.op("Gather", [weight, site.x])


@layer("matmul")
def matmul(site: Site) -> str:
    """The product of two values (numpy.matmul)."""
    return site.op("MatMul", site.inputs)


@layer("einsum", equation=LayerKey("text", doc="such as bhqd,bhkd->bhqk"))
def einsum(site: Site, equation: str) -> str:
    """A sum of products in Einstein's notation."""
    return site.op("Einsum", site.inputs, {"equation": equation})
