"""The MobileNet ratio 1/C_out + 1/k², per layer and of a whole network, by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from support.networks import VGG_STYLE, layers, made, promised

import costcalc

CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
"""What each convolution of VGG-16 reads, and the last one gives."""
SIDES = (224, 224, 112, 112, 56, 56, 56, 28, 28, 28, 14, 14, 14)
DENSE = 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000


def test_vgg16_has_the_mobilenet_ratio_at_every_layer() -> None:
    found = costcalc.suggest("vgg16", rules=["separable"])
    (one,) = found.ranked
    ratios = [match.ratio for match in one.matches]
    assert [ratio.value for ratio in ratios if ratio] == [Fraction(1, c) + Fraction(1, 9) for c in CHANNELS[1:]]
    assert {ratio.names for ratio in ratios if ratio} == {"1/C_out + 1/k²"}
    assert ratios[0] is not None and ratios[0].numbers == "1/64 + 1/9"


def test_vgg16_rewritten_costs_the_sum_by_hand(tmp_path: Path) -> None:
    found = costcalc.suggest("vgg16", rules=["separable"])
    pairs = zip(CHANNELS, CHANNELS[1:], SIDES, strict=False)
    by_hand = sum(9 * i * s * s + i * o * s * s for i, o, s in pairs) + DENSE
    assert promised(found, 1, tmp_path).macs == by_hand == found[0].after["macs"]


def test_a_network_of_3x3_layers(tmp_path: Path) -> None:
    found = costcalc.suggest(made(tmp_path, VGG_STYLE), rules=["separable"])
    assert [(one.name, one.ratio) for one in found.ranked] == [
        ("conv2", Fraction(1, 128) + Fraction(1, 9)),
        ("second", Fraction(1, 64) + Fraction(1, 9)),
        ("conv1", Fraction(1, 32) + Fraction(1, 9)),
    ]
    now = 9 * (16 * 32 * 32**2 + 32 * 64 * 32**2 + 64 * 128 * 16**2) + 128 * 10
    new = (9 * 16 + 16 * 32) * 32**2 + (9 * 32 + 32 * 64) * 32**2 + (9 * 64 + 64 * 128) * 16**2 + 128 * 10
    assert found.report.macs == now
    assert promised(found, "separable", tmp_path).macs == new


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ("kernel: 3, stride: 2, pad: 1", 9),
        ("kernel: 5, pad: same, dilation: 2", 25),
        ("kernel: [3, 5], stride: [1, 2], pad: [1, 2]", 15),
        ("kernel: 4, pad: [1, 2, 2, 1]", 16),
    ],
)
def test_stride_padding_and_dilation_stay_with_the_depthwise_one(tmp_path: Path, options: str, kernel: int) -> None:
    found = costcalc.suggest(made(tmp_path, layers(f"conv: {{filters: 24, {options}}}")), rules=["separable"])
    assert found[0].ratio == Fraction(1, 24) + Fraction(1, kernel)
    assert f"- depthwise_conv: {{{options}}}" in found.apply(1)
    promised(found, 1, tmp_path)


def test_open_extents_give_formulas(tmp_path: Path) -> None:
    path = made(tmp_path, layers("conv: {filters: 24, kernel: 3, pad: 1}", shape="[N, 16, H, W]"))
    found = costcalc.suggest(path, rules=["separable"], dims={"N": "N"})
    saving = found[0].total_saving("macs")
    assert {"H", "N", "W"} <= set(str(saving))
    assert str(saving) == str(found.report.macs - found[0].after["macs"])
    ratio = found[0].matches[0].ratio
    assert ratio is not None and ratio.value == Fraction(1, 24) + Fraction(1, 9) == found[0].ratio


def test_what_is_no_standard_convolution_is_left_alone(tmp_path: Path) -> None:
    text = layers(
        "depthwise_conv: {kernel: 3, pad: 1}",
        "pointwise_conv: {filters: 32}",
        "conv: {filters: 32, kernel: 3, pad: 1, groups: 4}",
    )
    found = costcalc.suggest(made(tmp_path, text))
    assert not [one for one in found.ranked if one.rule.id in ("separable", "stack", "factor", "bottleneck")]


def test_one_input_channel_is_no_suggestion_of_its_own(tmp_path: Path) -> None:
    text = layers("conv: {filters: 8, kernel: 3}", shape="[N, 1, 8, 8]")
    assert not costcalc.suggest(made(tmp_path, text), rules=["separable"]).ranked


def test_a_layer_over_an_image_says_what_mobilenet_does() -> None:
    (one,) = costcalc.suggest("standard_conv", rules=["separable"]).ranked
    assert one.ratio == Fraction(1, 5) + Fraction(1, 9) == Fraction(672, 2160)
    assert "MobileNet keeps its first convolution whole" in one.matches[0].remark
