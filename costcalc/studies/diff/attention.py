"""Snapshots -> the same, comparable where one writes attention as an operator and the other as its products.

PyTorch calls one function, and ONNX has an operator since opset 23; most exports spell it out as two products around a
softmax. Then the operator is compared as if it were these three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from costcalc.core.dim import Dim
from costcalc.studies.diff.definition import operator_traits
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer, SnapshotTensor

QUERY, KEY, VALUE = 0, 1, 2
"""Inputs of ONNX's Attention: [B, H, S, D], or [B, S, H·D] with the number of heads as an attribute."""


def expand_attention(before: Snapshot, after: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Two versions -> the same; where one alone has attention operators, and the other products of computed values,
    each is three layers: the product of queries and keys, the softmax, the product with the values. Their figures add
    up to the operator's."""
    has_operators = [any(map(_is_attention, version.layers)) for version in (before, after)]
    if has_operators[0] == has_operators[1] or not any(
        map(_multiplies_values, (after if has_operators[0] else before).layers)
    ):
        return before, after
    before, after = (
        replace(version, layers=tuple([part for layer in version.layers for part in _expand_layer(layer)]))
        if has_operator
        else version
        for version, has_operator in zip((before, after), has_operators, strict=True)
    )
    return before, after


def _multiplies_values(layer: SnapshotLayer) -> bool:
    """Whether a layer is a product of two values that the model computes."""
    is_product = operator_traits((layer.domain, layer.op_type)).kind == "product"
    return is_product and len(layer.inputs) > 1 and not any(t.stored for t in layer.inputs[:2])


def _is_attention(layer: SnapshotLayer) -> bool:
    """Whether a layer is ONNX's own attention, with a query, keys and values of known shapes."""
    inputs = layer.inputs[: VALUE + 1]
    return (
        operator_traits((layer.domain, layer.op_type)).kind == "attention"
        and not layer.domain
        and len(inputs) > VALUE
        and all(t.shape and len(t.shape) in (3, 4) for t in inputs)
        and isinstance(_ratio(inputs), tuple)
    )


def _ratio(inputs: Sequence[SnapshotTensor]) -> tuple[int, int] | None:
    """The extents of a key and of a value, by which the MACs of the two products stand; None where they are open."""
    key, value = (t.shape[-1] for t in inputs[KEY:] if t.shape)
    return (key, value) if isinstance(key, int) and isinstance(value, int) and key + value > 0 else None


def _expand_layer(layer: SnapshotLayer) -> Iterator[SnapshotLayer]:
    """A layer -> itself, or the three that an attention is."""
    ratio = _ratio(layer.inputs[: VALUE + 1]) if _is_attention(layer) else None
    if ratio is None:
        yield layer
        return
    query, key, value = layer.inputs[: VALUE + 1]
    scores = SnapshotTensor(f"{layer.name}/scores", query.dtype, _scores_shape(layer))
    weights = scores._replace(name=f"{layer.name}/weights")
    amounts = layer.amounts
    nothing = {name: None if amount is None else 0 for name, amount in amounts.items()}
    macs, flops = amounts["macs"], amounts["flops"]
    first = None if macs is None else macs * ratio[0] // sum(ratio)
    second = None if macs is None or first is None else macs - first
    softmax_flops = None if macs is None or flops is None else flops - 2 * macs

    def part(
        name: str, op_type: str, inputs: Sequence[SnapshotTensor], output: SnapshotTensor, **attributes: int
    ) -> SnapshotLayer:
        return replace(
            layer,
            name=f"{layer.name}/{name}",
            op_type=op_type,
            inputs=tuple(inputs),
            outputs=(output,),
            attributes=attributes,
        )

    yield replace(
        part("scores", "MatMul", (query, key), scores), amounts={**nothing, "macs": first, "flops": _double(first)}
    )
    yield replace(part("softmax", "Softmax", (scores,), weights, axis=-1), amounts={**nothing, "flops": softmax_flops})
    product = part("product", "MatMul", (weights, value), layer.outputs[0])
    yield replace(product, outputs=layer.outputs, amounts={**amounts, "macs": second, "flops": _double(second)})


def _double(macs: Dim | None) -> Dim | None:
    return None if macs is None else 2 * macs


def _scores_shape(layer: SnapshotLayer) -> tuple[Dim, ...] | None:
    """The shape of an attention's scores: [B, H, S_q, S_kv], without keys of the past."""
    query, key = (t.shape or () for t in layer.inputs[: KEY + 1])
    if len(query) == 4:
        return (*query[:-1], key[-2])
    heads = layer.attributes.get("q_num_heads")
    return (query[0], heads, query[1], key[1]) if isinstance(heads, int) else None
