"""Attention: ATen's calls -> ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.pytorch.program import REMEDY, SubgraphArgument, ValueName
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.control import add_graph
from costcalc.frontends.pytorch.translate.product import add_linear
from costcalc.ops.aten import ATEN

PREVIEW = "ai.onnx.preview"


@translates(
    "scaled_dot_product_attention",
    "_scaled_dot_product_attention_math",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
)
def scaled_dot_product_attention(call: CallSite) -> None:
    """query [..., H, L, E], key [..., H_kv, S, E] and value [..., H_kv, S, E_v] -> [..., H, L, E_v]; the forms for one
    device give statistics of the softmax besides."""
    operands = [call.tensor(name) for name in ("query", "key", "value")]
    mask = call.optional_tensor("attn_mask") or call.optional_tensor("attn_bias")
    add_attention(call, operands, mask, call.flag("is_causal"), call.get("scale"), call.number("dropout_p"))
    _add_statistics(call, operands[0])


def _add_statistics(call: CallSite, query: str) -> None:
    """Adds a node that gives the outputs behind the first."""
    outputs = [(name, call.out_type(i)) for i, name in enumerate(call.outputs) if i and call.is_read(i)]
    if outputs:
        names, types = zip(*outputs, strict=True)
        call.emit("attention_statistics", (query,), outputs=names, types=types, domain=ATEN, suffix="statistics")


def add_attention(
    call: CallSite, operands: Sequence[str], mask: str, is_causal: bool, scale: object, dropout: float
) -> None:
    """Adds an attention that gives the call's first output: its operands as [B, H, S, D], with one batch."""
    out = call.out_type()
    shapes = [call.shape(value) for value in operands]
    rank = len(shapes[0])
    if min(map(len, shapes)) < 2:
        raise LoadError(f"an operand of {call.target} has fewer than 2 axes", REMEDY)
    operands = [_as_four_axes(call, *entry) for entry in zip(operands, shapes, "qkv", strict=True)]
    if mask and rank > 4 and len(call.shape(mask)) > 2:
        shape = (*shapes[0][:-1], shapes[1][-2])
        mask = call.emit("Expand", (mask, call.constant(shape, "mask_shape")), suffix="mask")
        mask = call.emit("Reshape", (mask, call.constant(_four_axes(shape), "mask4_shape")), suffix="mask4")
    four = TensorType(out.dtype, _four_axes(out.shape or ()))
    final = rank == 4
    outputs = call.outputs[:1] if final else (f"{call.name}/Attention",)
    attributes: dict[str, object] = {"is_causal": 1} if is_causal else {}
    if isinstance(scale, (int, float)):
        attributes["scale"] = float(scale)
    inputs = (*operands, mask) if mask else tuple(operands)
    if dropout:
        value = call.emit("attention", inputs, attributes, outputs=outputs, domain=ATEN, types=[four])
    elif is_causal:  # as one operator, which half of the scores nobody needs is known
        value = call.emit("Attention", inputs, attributes, outputs=outputs)
    else:
        value = _add_products(call, operands, mask, scale, outputs)
    if not final:
        call.emit(
            "Reshape", (value, call.constant(out.shape or (), "shape")), outputs=call.outputs[:1], suffix="Reshape"
        )


def _add_products(call: CallSite, operands: Sequence[str], mask: str, scale: object, outputs: Sequence[str]) -> str:
    """Adds an attention over [B, H, S, D] as PyTorch's exporters write it for opsets without the operator: the product
    of scaled queries and keys, the mask, the softmax, the product with the values. So it has their layers, FLOPs and
    peak."""
    query, key, value = operands
    dtype, heads = call.type(query).dtype, call.extent(query, 1)
    if call.extent(key, 1) != heads:
        key, value = (_repeat_heads(call, *entry, heads) for entry in zip((key, value), "kv", strict=True))
    root = call.constant((_root_of_scale(call, query, scale),), "scale", dtype, scalar=True)
    key = call.emit("Transpose", (key,), {"perm": (0, 1, 3, 2)}, suffix="transpose")
    query = call.emit("Mul", (query, root), suffix="q_scaled")
    key = call.emit("Mul", (key, root), suffix="k_scaled")
    is_bool = bool(mask) and call.type(mask).dtype is DType.BOOL
    if is_bool:
        low, high = (call.constant((x,), n, dtype, scalar=True) for x, n in ((0.0, "zero"), (float("-inf"), "inf")))
        mask = call.emit("Where", (mask, low, high), suffix="mask_value")
    scores = call.emit("MatMul", (query, key), suffix="scores")
    if mask:
        scores = call.emit("Add", (scores, mask), suffix="masked")
    weights = call.emit("Softmax", (scores,), {"axis": -1}, suffix="softmax")
    if is_bool:  # a query that sees no key has no weights
        nan = call.emit("IsNaN", (weights,), suffix="isnan")
        weights = call.emit("Where", (nan, low, weights), suffix="weights")
    return call.emit("MatMul", (weights, value), outputs=outputs)


def _root_of_scale(call: CallSite, query: str, scale: object) -> float:
    """The factor of queries and of keys: the root of the scale, by default of 1/√D."""
    size = call.extent(query, 3)
    if isinstance(scale, (int, float)):
        return math.sqrt(abs(scale))
    return 1 / math.sqrt(math.sqrt(size)) if isinstance(size, int) and size > 0 else 1.0


def _repeat_heads(call: CallSite, value: str, name: str, heads: Dim) -> str:
    """Keys or values [B, H_kv, S, D] -> [B, H, S, D], each head for several heads of queries."""
    batch, few, length, size = call.shape(value, 4, 4)
    axes = call.constant((2,), f"{name}_axes")
    value = call.emit("Unsqueeze", (value, axes), suffix=f"{name}_unsqueeze")
    shape = call.constant((batch, few, heads // few, length, size), f"{name}_heads")
    value = call.emit("Expand", (value, shape), suffix=f"{name}_expand")
    shape = call.constant((batch, heads, length, size), f"{name}_shape4")
    return call.emit("Reshape", (value, shape), suffix=f"{name}_repeat")


def _four_axes(shape: Sequence[Dim]) -> tuple[Dim, ...]:
    """A shape -> [B, H, S, D]: extents of 1 before a shorter one, the first ones of a longer one as one."""
    return (1,) * (4 - len(shape)) + tuple(shape) if len(shape) < 4 else (prod(shape[:-3]), *shape[-3:])


def _as_four_axes(call: CallSite, value: str, shape: Sequence[Dim], name: str) -> str:
    """A value -> the same as [B, H, S, D], its batch as long as the query's."""
    batch = call.out_shape()[:-3]
    if len(shape) > 3 and tuple(shape[:-3]) != batch:
        shape = (*batch, *shape[-3:])
        value = call.emit("Expand", (value, call.constant(shape, f"{name}_batch")), suffix=f"{name}_Expand")
    if len(shape) == 4:
        return value
    return call.emit("Reshape", (value, call.constant(_four_axes(shape), f"{name}_shape")), suffix=name)


@translates("_native_multi_head_attention")
def native_multi_head_attention(call: CallSite) -> None:
    """query, key and value of one tensor [B, S, E] -> [B, S, E]: a joint projection, an attention by head, an output
    projection; and the scores, averaged over the heads or not."""
    x = call.tensor("query")
    if not x == call.tensor("key") == call.tensor("value"):
        raise LoadError("its query, key and value are different tensors", "export it in training mode")
    if call.is_read(1):
        raise LoadError("its scores are an output", "call it with need_weights=False")
    value = add_self_attention(call, x, call.integer("num_head"))
    add_linear(call, value, call.tensor("proj_weight"), call.tensor("proj_bias"), call.outputs[:1], "proj")
    _add_statistics(call, x)


def add_self_attention(call: CallSite, x: str, heads: int) -> str:
    """Adds the joint projection of x [B, S, E] and the attention by head; returns [B, S, E]."""
    weight, bias = call.tensor("qkv_weight"), call.tensor("qkv_bias")
    joint = add_linear(call, x, weight, bias, (f"{call.name}/qkv",), "qkv")
    parts = tuple([f"{call.name}/{part}" for part in "qkv"])
    call.emit("Split", (joint,), {"axis": -1, "num_outputs": 3}, outputs=parts, suffix="split")
    mask = call.optional_tensor("mask")
    if mask and len(call.shape(mask)) == 2 and call.get("mask_type", 0) == 1:
        batch, keys = call.shape(mask, 2, 2)
        mask = call.emit("Reshape", (mask, call.constant((batch, 1, 1, keys), "mask_shape")), suffix="mask")
    attributes = {"q_num_heads": heads, "kv_num_heads": heads}
    return call.emit("Attention", (*parts, mask) if mask else parts, attributes, suffix="Attention")


@translates("_transformer_encoder_layer_fwd")
def transformer_encoder_layer(call: CallSite) -> None:
    """The fast path of nn.TransformerEncoderLayer: attention and feed-forward network, each with a normalisation
    before or behind it, and a sum."""
    norm_first, eps = call.flag("norm_first"), {"axis": -1, "epsilon": call.number("eps", 1e-5)}

    def normalise(value: str, number: int, outputs: Sequence[str]) -> str:
        inputs = (value, call.tensor(f"norm_weight_{number}"), call.tensor(f"norm_bias_{number}"))
        return call.emit("LayerNormalization", inputs, eps, outputs=outputs, suffix=f"norm{number}")

    def name(word: str) -> tuple[str]:
        return (f"{call.name}/{word}",)

    x = call.tensor("src")
    inner = normalise(x, 1, name("norm1")) if norm_first else x
    inner = add_self_attention(call, inner, call.integer("num_heads"))
    inner = add_linear(call, inner, call.tensor("proj_weight"), call.tensor("proj_bias"), name("proj"), "proj")
    x = call.emit("Add", (x, inner), suffix="add1")
    x = x if norm_first else normalise(x, 1, name("norm1"))
    inner = normalise(x, 2, name("norm2")) if norm_first else x
    inner = add_linear(call, inner, call.tensor("ffn_weight_1"), call.tensor("ffn_bias_1"), name("fc1"), "fc1")
    inner = call.emit("Gelu" if call.flag("use_gelu") else "Relu", (inner,), suffix="activation")
    inner = add_linear(call, inner, call.tensor("ffn_weight_2"), call.tensor("ffn_bias_2"), name("fc2"), "fc2")
    call.emit("Add", (x, inner), outputs=call.outputs if norm_first else name("add2"), suffix="add2")
    if not norm_first:
        normalise(f"{call.name}/add2", 2, call.outputs)


@translates("higher_order::flex_attention")
def flex_attention(call: CallSite) -> None:
    """query, key, value [B, H, S, D], score_mod, block_mask, scale, kernel_options, and the values that the graphs
    read -> output, logsumexp, maxima. score_mod runs once per score; the scores that the mask hides count too: which
    blocks are empty stands in its tensors."""
    query, key, value = (call.tensor(str(i)) for i in range(3))
    mod = call.arguments.get("3")
    if isinstance(mod, SubgraphArgument) and mod.graph.calls:
        _add_score_mod(call, mod, query, key)
    call.emit("FlexAttention", (query, key, value), outputs=call.outputs[:1], domain=PREVIEW)
    _add_statistics(call, query)


def _add_score_mod(call: CallSite, mod: SubgraphArgument, query: str, key: str) -> None:
    """Adds the nodes of a function of (a score, its batch, head, query and key, what it reads besides), as often as
    there are scores."""
    names = [f"{call.name}/score_mod/{name}" for name in ("score", "batch", "head", "query", "key")]
    for name in names:
        dtype = call.type(query).dtype if name is names[0] else DType.INT32
        call.builder.types[name] = TensorType(dtype, ())
    captured = [value for value in call.arguments.values() if isinstance(value, tuple)]
    others = [call.names.get(v, v) for v in captured[-2] if isinstance(v, ValueName)] if len(captured) > 1 else []
    scores = prod((*call.shape(query)[:-1], call.extent(key, -2)))
    add_graph(call, "3", [*names, *others], "score_mod", scores)
