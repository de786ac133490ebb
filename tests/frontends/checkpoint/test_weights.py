"""Tensors of files -> weights: packed words, scales and zero points of one weight are united by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.checkpoint_files import write_safetensors
from support.quantisations import BYTES, K, N, parse

from costcalc.frontends.checkpoint.folder import read_file
from costcalc.frontends.checkpoint.weights import StoredWeight, group_weights

MODULE = "model.layers.0.self_attn.q_proj"


def read(path: Path, tensors: Mapping[str, tuple[str, Any]]) -> tuple[dict[str, StoredWeight], int]:
    write_safetensors(path / "m.safetensors", tensors)
    checkpoint = read_file(path / "m.safetensors", "m")
    weights, cache = group_weights(checkpoint.tensors)
    assert sum(weight.nbytes for weight in weights.values()) + sum(t.nbytes for t in cache) == checkpoint.nbytes
    return weights, sum(t.nbytes for t in cache)


@pytest.mark.parametrize(("config", "nbytes"), [row[1:] for row in BYTES], ids=[row[0] for row in BYTES])
def test_each_quantisation_in_a_file(config: Mapping[str, Any], nbytes: int, tmp_path: Path) -> None:
    quantisation = parse(config)
    layout = quantisation.layout_of(f"{MODULE}.weight", (N, K))
    assert layout is not None
    tensors = {f"{MODULE}.{part.suffix}": (part.encoding, part.shape) for part in layout.parts((N, K))}
    others = {"model.norm.weight": ("BF16", (K,)), f"{MODULE}.bias": ("BF16", (N,))}
    weights, _ = read(tmp_path, {**tensors, **others})
    assert sorted(weights) == sorted([f"{MODULE}.weight", *others])
    weight = weights[f"{MODULE}.weight"]
    assert weight.nbytes == nbytes
    assert weight.values(quantisation.bits) == N * K
    assert [weights[name].values(quantisation.bits) for name in others] == [K, N]


def test_words_need_the_number_of_bits(tmp_path: Path) -> None:
    weights, _ = read(tmp_path, {"a.qweight": ("I32", (512, 64)), "a.scales": ("F16", (32, 64))})
    assert weights["a.weight"].values() is None
    assert weights["a.weight"].values(4) == 512 * 8 * 64


def test_words_of_three_bits(tmp_path: Path) -> None:
    """GPTQ has 32 values in three words; compressed-tensors as well, or ten in each word in its earlier versions."""
    weights, _ = read(tmp_path, {"a.qweight": ("I32", (96, 64)), "b.weight_packed": ("I32", (64, 103))})
    assert weights["a.weight"].values(3) == 1024 * 64 and weights["b.weight"].values(3) is None


def test_experts_of_gpt_oss(tmp_path: Path) -> None:
    stem = "model.layers.0.mlp.experts.gate_up_proj"
    tensors = {
        f"{stem}_blocks": ("U8", (128, 5760, 90, 16)),
        f"{stem}_scales": ("U8", (128, 5760, 90)),
        f"{stem}_bias": ("BF16", (128, 5760)),
    }
    weights, _ = read(tmp_path, tensors)
    assert sorted(weights) == [stem, f"{stem}_bias"]
    assert weights[stem].values() == 128 * 5760 * 2880
    assert weights[stem].nbytes == 128 * 5760 * 90 * 17


def test_merged_experts_with_scales(tmp_path: Path) -> None:
    stem = "model.layers.0.mlp.experts.down_proj"
    weights, _ = read(tmp_path, {stem: ("F8_E4M3", (4, 256, 128)), f"{stem}_scale_inv": ("F32", (4, 2, 1))})
    assert {name: weight.nbytes for name, weight in weights.items()} == {stem: 4 * 256 * 128 + 4 * 2 * 4}


def test_scales_of_the_cache_count_for_what_gives_it(tmp_path: Path) -> None:
    layer = "model.layers.0.self_attn"
    tensors = {
        f"{layer}.k_proj.weight": ("F8_E4M3", (4, 4)),
        f"{layer}.v_proj.weight_packed": ("I32", (4, 4)),
        f"{layer}.k_proj.k_scale": ("F32", ()),
        f"{layer}.v_scale": ("BF16", (1,)),
        f"{layer}.prob_scale": ("F32", ()),
    }
    weights, cache = read(tmp_path, tensors)
    assert {name: weight.nbytes for name, weight in weights.items()} == {
        f"{layer}.k_proj.weight": 16 + 4,
        f"{layer}.v_proj.weight": 64 + 2,
    }
    assert cache == 4


def test_names_that_only_look_like_scales(tmp_path: Path) -> None:
    """A layer scale and a `g_idx` without values beside them are parameters of their own."""
    weights, _ = read(
        tmp_path, {"vit.layer_scale.scale": ("F32", (8,)), "x.g_idx": ("I32", (4,)), "y_scales": ("F32", (2,))}
    )
    assert sorted(weights) == ["vit.layer_scale.scale", "x.g_idx", "y_scales"]


def test_a_byte_tensor_is_not_packed_by_itself(tmp_path: Path) -> None:
    weights, _ = read(tmp_path, {"a.weight": ("U8", (4, 4)), "b.weight": ("I8", (4, 4)), "b.scale": ("F32", (4,))})
    assert [weight.values() for weight in weights.values()] == [16, 16]
