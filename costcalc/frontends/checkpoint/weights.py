"""The tensors of files -> the weights that they hold: packed words, scales and zero points of one weight together.

Names decide: `….q_proj.qweight`, `….q_proj.qzeros`, `….q_proj.scales` are the weight `….q_proj.weight`. Parameters are
the model's values, not the packed words; bytes are those of all tensors of the weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from costcalc.frontends.checkpoint.tensor import TensorEntry

PAYLOADS = (".qweight", ".weight_packed", ".weight:qdata", "._weight_qdata", ":_data")
"""Ends of the names of packed values, in the place of `.weight`."""

BESIDE = (
    ".qzeros",
    ".scales",
    ".g_idx",
    ".weight_scale",
    ".weight_scale_inv",
    ".weight_scale_2",
    ".weight_zero_point",
    ".weight_shape",
    ".weight_g_idx",
    ".weight_global_scale",
    ".input_scale",
    ".input_zero_point",
    ".input_global_scale",
    ".activation_scale",
    ".pre_quant_scale",
    ".scale",
    ".SCB",
    ".weight_format",
    ".weight.absmax",
    ".weight.quant_map",
    ".weight.nested_absmax",
    ".weight.nested_quant_map",
    ".weight:scale",
    ".weight:zero_point",
    "._weight_scale",
    "._weight_zero_point",
)
"""Ends of the names of what is stored beside the values: scales, zero points, groups."""

STATE = ".weight.quant_state."
"""Begins the name of bitsandbytes' state, behind the weight's name."""

BLOCKS, BLOCK_SCALES, SCALE_INV = "_blocks", "_scales", "_scale_inv"
"""Ends of the tensors of a parameter that has no `.weight` of its own: gpt-oss' experts, DeepSeek's merged experts."""

CACHE_SCALES = (".k_scale", ".v_scale", ".q_scale", ".prob_scale", ".output_scale", ".kv_scale")
"""Scales of the cache or of attention, which are no parameters of the model."""


class StoredWeight(NamedTuple):
    """A weight of a checkpoint: its name, its values as stored, and the tensors beside them."""

    name: str
    payload: TensorEntry
    beside: tuple[TensorEntry, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the values with their scales, zero points and groups."""
        return self.payload.nbytes + sum([tensor.nbytes for tensor in self.beside])

    def values(self, bits: int | None = None) -> int | None:
        """How many values the weight has; bits are those of a value in words of 32 bits, which files do not say. None
        where that is not known: without the bits, and of weight_packed where they do not divide 32, for versions of
        compressed-tensors pack them with or without a gap at the end of each word."""
        payload, ends = self.payload, {tensor.name.removeprefix(self.name) for tensor in self.beside}
        if payload.encoding == "I32" and payload.name.endswith((".qweight", ".weight_packed")):
            has_gaps = bits is not None and 32 % bits != 0 and payload.name.endswith(".weight_packed")
            return None if bits is None or has_gaps else 8 * payload.nbytes // bits
        scales = {tensor.encoding for tensor in self.beside}
        is_pair = payload.encoding == "U8" and (payload.name != self.name or self.beside)
        is_pair = is_pair or (payload.encoding == "I8" and "F8_E8M0" in scales and ".SCB" not in ends)
        return (2 if is_pair else 1) * payload.elements


def group_weights(tensors: Mapping[str, TensorEntry]) -> tuple[dict[str, StoredWeight], tuple[TensorEntry, ...]]:
    """The tensors of a checkpoint by name -> its weights by name, and the scales of the cache that belong to none. A
    tensor that belongs to no other is a weight of its own."""
    payloads: dict[str, TensorEntry] = {}
    beside: dict[str, list[TensorEntry]] = {}
    cache: list[TensorEntry] = []
    for name, tensor in tensors.items():
        owner, is_payload = _owner(name, tensors)
        if owner is None:
            cache.append(tensor)
        elif is_payload:
            payloads[owner] = tensor
        else:
            beside.setdefault(owner, []).append(tensor)
    for owner, parts in beside.items():
        if owner not in payloads:
            payloads.update((part.name, part) for part in parts)
            beside[owner] = []
    weights = {name: StoredWeight(name, tensor, tuple(beside.get(name, ()))) for name, tensor in payloads.items()}
    return weights, tuple(cache)


def _owner(name: str, tensors: Mapping[str, TensorEntry]) -> tuple[str | None, bool]:
    """A tensor's name -> the weight that it is a part of (None: a scale of the cache), and whether it is the values."""
    if name.endswith(".weight"):
        return name, True
    for suffix in PAYLOADS:
        if name.endswith(suffix):
            return name.removesuffix(suffix) + ".weight", True
    stem, state, _ = name.partition(STATE)
    if state:
        return stem + ".weight", False
    if name.endswith(CACHE_SCALES):
        return _cache_owner(name, tensors), False
    dot = name.rfind(".weight")
    suffix = name[dot:] if dot > 0 else name[name.rfind(".") :]
    if suffix in _BESIDE:
        owner = name.removesuffix(suffix) + ".weight"
        if _has_payload(owner, tensors):
            return owner, False
    for suffix, is_payload in ((BLOCKS, True), (BLOCK_SCALES, False), (SCALE_INV, False)):
        stem = name.removesuffix(suffix)
        if stem != name and (stem in tensors or stem + BLOCKS in tensors):
            return stem, is_payload
    return name, True


def _cache_owner(name: str, tensors: Mapping[str, TensorEntry]) -> str | None:
    """A scale of the cache (`….k_proj.k_scale` of ModelOpt, `….self_attn.k_scale`) -> the weight that gives what is
    cached, for which it is counted; None where there is no such weight."""
    stem, _, scale = name.rpartition(".")
    owners = (f"{stem}.weight", f"{stem}.{scale[0]}_proj.weight")
    return next((owner for owner in owners if _has_payload(owner, tensors)), None)


_BESIDE = frozenset(BESIDE)


def _has_payload(owner: str, tensors: Mapping[str, TensorEntry]) -> bool:
    stem = owner.removesuffix(".weight")
    return owner in tensors or any(stem + suffix in tensors for suffix in PAYLOADS)
