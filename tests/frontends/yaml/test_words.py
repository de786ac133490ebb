"""Slips of layout, and words of other languages, are told as what they are."""

from __future__ import annotations

import pytest

import costcalc

HEAD = "input: [N, 3, 8, 8]\nlayers:\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\t- relu\n", "a tab stands where YAML takes spaces only; indent with spaces"),
        ("  - conv:\n\tfilters: 3\n", "a tab stands"),
        ("  - conv {filters: 3, kernel: 3}\n", "the colon behind 'conv' is missing; write `- conv: {…}`"),
        ("  - conv\n    filters: 3\n", "the colon behind 'conv', in the line above, is missing; write `- conv:`"),
        ("  - conv:\n    filters: 3\n    kernel: 3\n", "the options of 'conv' stand below it, not in it; indent them"),
        ("- conv:\n  filters: 3\n", "the options of 'conv' stand below it"),
    ],
)
def test_slips_of_layout(text: str, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load((HEAD + text).encode())
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("layer", "remedy"),
    [
        ("Conv2d: {in_channels: 3, out_channels: 8}", "write `conv: {"),
        ("nn.Conv2d: {}", "write `conv: {"),
        ("Conv2D: {filters: 8}", "write `conv: {"),
        ("Dense: {units: 10}", "write `linear: {"),
        ("BatchNorm2d: {num_features: 3}", "write `batch_norm`"),
        ("BatchNormalization2: {}", "did you mean"),
        ("MaxPooling2D: {pool_size: 2}", "write `max_pool: {"),
        ("GlobalAveragePooling2D", "write `global_avg_pool`"),
        ("nn.ReLU", "write `relu`"),
        ("conv: {in_channels: 3, filters: 8}", "leave it out: the input's shape says it"),
        ("conv: {out_channels: 8, kernel: 3}", "write `filters:`"),
        ("conv: {filters: 8, kernel_size: 3}", "write `kernel:`"),
        ("conv: {filters: 8, kernel: 3, padding: 1}", "write `pad:`"),
        ("conv: {filters: 8, kernel: 3, strides: 1}", "write `stride:`"),
        ("conv: {filters: 8, kernel: 3, activation: relu}", "as a layer of its own: `- relu`"),
        ("max_pool: {pool_size: 2}", "write `kernel:`"),
        ("linear: {out_features: 2}", "write `units:`"),
        ("Dropout: {p: 0.5}", "write `rate:`"),
    ],
)
def test_words_of_pytorch_and_keras_get_ours(layer: str, remedy: str) -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load(f"{HEAD}  - {layer}\n".encode())
    assert remedy in raised.value.remedy


def notes(text: str) -> str:
    return " ".join(costcalc.load(text.encode()).notes)


def test_a_shape_with_channels_at_its_end_is_noted() -> None:
    layers = "layers: [conv: {filters: 8, kernel: 3}]\n"
    assert "write its shape as [N, 3, 224, 224]" in notes(f"input: [N, 224, 224, 3]\n{layers}")
    assert "channels" not in notes(f"input: [N, 3, 224, 224]\n{layers}")
    assert "[N, H, W, C]" not in notes(f"input: [N, 64, 4, 4]\n{layers}".replace("kernel: 3", "kernel: 1"))


def test_a_linear_layer_behind_a_feature_map_is_noted() -> None:
    text = HEAD + "  - conv: {filters: 8, kernel: 3}\n  - relu\n  - max_pool: {kernel: 2}\n"
    assert "put `- flatten` before it" in notes(f"{text}  - linear: {{units: 2}}\n")
    assert "flatten" not in notes(f"{text}  - flatten\n  - linear: {{units: 2}}\n")
