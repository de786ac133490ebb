"""Causes where axes are split, merged, or learned by themselves: flattened features, heads of attention, tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path

from support.versions import net, of, sound, words

from costcalc import Report, analyze


def attention(d: int, heads: int, kv: int | None = None) -> Report:
    """Attention over 64 places of d features; kv heads of keys as wide as the others unless there are as many."""
    width = d if kv is None else d // heads * kv
    text = (
        f"input: [N, 64, 256]\nlayers:\n  - linear: {{units: {d}, as: q}}\n  - linear: {{units: {width}, as: k, from: "
        f"input}}\n  - linear: {{units: {width}, as: v, from: input}}\n  - attention: {{heads: {heads}, kv_heads: "
        f"{kv or heads}, from: [q, k, v]}}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text(text)
        return analyze(path)


def test_a_hidden_layer_behind_flattened_channels_gives_the_next_one_other_channels() -> None:
    before = net("global_avg_pool", "flatten", "linear: {units: 10}", channels=64)
    after = net("global_avg_pool", "flatten", "linear: {units: 16}", "linear: {units: 10}", channels=64)
    result = sound(before, after)
    # 64·16 of the new layer; the old one reads 16 features now instead of 64·1·1
    assert result.causes["macs"] == {"added": 64 * 16, "channels": (16 - 64) * 10}
    assert result.causes["params"] == {"added": 64 * 16 + 16, "channels": (16 - 64) * 10}


def test_a_flattened_image_that_grows_is_resolution_and_one_that_is_pooled_away_too() -> None:
    flat = ["flatten", "linear: {units: 10}"]
    assert sound(net(*flat, size=4), net(*flat, size=5)).causes["macs"] == {"resolution": 8 * (25 - 16) * 10}
    pooled = sound(net("relu", *flat, size=4), net("relu", "global_avg_pool", *flat, size=4))
    assert pooled.causes["macs"] == {"resolution": 8 * (1 - 16) * 10}


def test_more_heads_of_the_same_width_altogether_are_heads() -> None:
    result = sound(attention(256, 8), attention(256, 4))
    assert {cause for parts in result.causes.values() for cause in parts} == {"heads"}
    assert "macs" not in result.causes
    assert words(result) == ["heads 8 → 4"]


def test_wider_attention_with_more_heads_is_channels_even_where_it_could_not_be_wider_alone() -> None:
    result = sound(attention(240, 6), attention(256, 8))
    # 64 places: query, key, value from 256 features, and two products of all places with all
    assert result.causes["macs"] == {"channels": 64 * 256 * 16 * 3 + 2 * 64 * 64 * 16}
    assert set(result.causes["flops"]) == {"channels", "heads"}


def test_fewer_heads_of_keys() -> None:
    result = sound(attention(256, 8), attention(256, 8, 2))
    assert result.causes["macs"] == {"channels": 64 * 256 * (64 - 256) * 2}
    assert [text for text in words(result) if text.startswith("key heads 8 → 2")]


def test_a_class_token_is_as_wide_as_the_network() -> None:
    result = sound(of("vit_b_16"), of("vit_b_16", {"d": 1536}))
    assert all(set(parts) == {"channels"} for key, parts in result.causes.items() if key in ("macs", "params"))


def test_a_longer_table_of_positions() -> None:
    result = sound(of("gpt2", dims={"seq": 8}), of("gpt2", {"positions": 2048}, dims={"seq": 8}))
    assert result.causes["params"] == {"resolution": 1024 * 768}
