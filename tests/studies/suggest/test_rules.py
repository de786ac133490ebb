"""Each rewrite on a small network, its saving by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from support.networks import layers, made, promised

import costcalc

P = 16 * 16
"""Positions of the map."""


def found(folder: Path, rule: str, *lines: str, shape: str = "[N, 16, 16, 16]", **options: Any) -> Any:
    return costcalc.suggest(made(folder, layers(*lines, shape=shape)), rules=[rule], **options)


def test_a_5x5_is_two_and_a_7x7_three_of_3x3(tmp_path: Path) -> None:
    for k, n in ((5, 2), (7, 3)):
        many = found(tmp_path, "stack", f"conv: {{filters: 16, kernel: {k}, pad: {k // 2}, bias: false}}", "relu")
        assert many[0].saves("macs") == (k * k - n * 9) * 16 * 16 * P
        assert many[0].saves("flops") == 2 * (k * k - n * 9) * 16 * 16 * P - (n - 1) * 16 * P
        assert many[0].ratio == Fraction(n * 9, k * k)
        assert promised(many, 1, tmp_path).graph.types
        assert many.apply(1).count("conv: {filters: 16, kernel: 3, pad: 1, bias: false}") == n
        assert many.apply(1).count("- relu") == n


def test_a_stack_pads_in_all_as_much_and_strides_last(tmp_path: Path) -> None:
    one = found(tmp_path, "stack", "conv: {filters: 64, kernel: 7, pad: 2, stride: 2}")
    assert [line.strip() for line in one.apply(1).splitlines()[-3:]] == [
        "- conv: {filters: 16, kernel: 3, pad: [1, 1, 1, 1]}",
        "- conv: {filters: 16, kernel: 3, pad: [1, 1, 1, 1]}",
        "- conv: {filters: 64, kernel: 3, stride: 2, pad: [0, 0, 0, 0]}",
    ]
    assert promised(one, 1, tmp_path).rows[-1].outputs[0].type.shape == (1, 64, 7, 7)


def test_a_stack_keeps_to_the_channels_that_are_read(tmp_path: Path) -> None:
    one = found(tmp_path, "stack", "conv: {filters: 64, kernel: 5, pad: same}")
    assert one[0].after["macs"] == (9 * 16 * 16 + 9 * 16 * 64) * P
    promised(one, 1, tmp_path)


def test_1xk_and_kx1(tmp_path: Path) -> None:
    one = found(tmp_path, "factor", "conv: {filters: 16, kernel: 7, pad: 3, bias: false}")
    assert one[0].after["macs"] == 2 * 7 * 16 * 16 * P
    assert one[0].ratio == Fraction(2, 7)
    assert "- conv: {filters: 16, kernel: [1, 7], pad: [0, 3], bias: false}" in one.apply(1)
    strided = found(tmp_path, "factor", "conv: {filters: 16, kernel: 3, pad: [0, 1, 2, 1], stride: 2}")
    assert strided[0].after["macs"] == 3 * 16 * 16 * (16 * 8 + 8 * 8)
    promised(strided, 1, tmp_path)


def test_a_convolution_of_an_image_is_doubtful_and_one_that_cuts_it_into_patches_stays(tmp_path: Path) -> None:
    image = "[N, 3, 32, 32]"
    stem = found(tmp_path, "separable", "conv: {filters: 32, kernel: 3, stride: 2, pad: 1}", shape=image)
    assert "MobileNet keeps its first convolution whole" in stem[0].matches[0].doubt
    assert "Doubtful  1: it reads the input's 3 channels" in str(stem)
    assert not found(tmp_path, "separable", "conv: {filters: 768, kernel: 16, stride: 16}", shape=image).ranked
    merge = found(tmp_path, "separable", "conv: {filters: 32, kernel: 2, stride: 2}")
    assert merge[0].ratio == Fraction(1, 32) + Fraction(1, 4) and "Doubtful" not in str(merge)


def test_nothing_of_what_was_asked_for(tmp_path: Path) -> None:
    lines = ("conv: {filters: 16, kernel: 3, pad: 1}",)
    assert "no rewrite of those asked for (--rule, --min-saving)" in str(found(tmp_path, "gap", *lines))
    assert "no rewrite that costcalc knows" in str(costcalc.suggest("pointwise_conv"))


def test_a_bottleneck(tmp_path: Path) -> None:
    one = found(tmp_path, "bottleneck", "conv: {filters: 32, kernel: 3, pad: 1, bias: false}", reduction=8)
    assert one[0].after["macs"] == (16 * 4 + 9 * 4 * 4 + 4 * 32) * P
    ratio = one[0].matches[0].ratio
    assert ratio is not None and ratio.value == one[0].ratio
    fed = found(tmp_path, "bottleneck", "pointwise_conv: {filters: 16}", "conv: {filters: 32, kernel: 3}")
    assert not fed.ranked
    strided = found(tmp_path, "bottleneck", "conv: {filters: 32, kernel: 3, pad: 1, stride: 2, bias: false}")
    assert strided[0].after["macs"] == 16 * 8 * P + (9 * 8 * 8 + 8 * 32) * P // 4
    assert strided[0].matches[0].ratio is not None and strided[0].matches[0].ratio.value == strided[0].ratio
    promised(strided, 1, tmp_path)


def test_a_head_of_fully_connected_layers(tmp_path: Path) -> None:
    lines = (
        "conv: {filters: 8, kernel: 3, pad: 1}",
        "flatten",
        "linear: {units: 100}",
        "relu",
        "dropout",
        "linear: {units: 10, as: logits}",
        "softmax",
    )
    one = found(tmp_path, "gap", *lines)
    assert one[0].saves("macs") == 8 * P * 100 + 100 * 10 - 8 * 10
    assert one[0].saves("params") == 8 * P * 100 + 100 + 100 * 10 - 8 * 10
    text = one.apply(1)
    assert text.endswith("  - global_avg_pool\n  - flatten\n  - linear: {units: 10, as: logits}\n  - softmax\n")
    promised(one, 1, tmp_path)
    assert not found(tmp_path, "gap", "global_avg_pool", "flatten", "linear: {units: 10}").ranked


def test_grouped_queries(tmp_path: Path) -> None:
    lines = (
        "linear: {units: 32, as: q, from: x}",
        "linear: {units: 32, as: k, from: x}",
        "linear: {units: 32, bias: false, as: v, from: x}",
        "attention: {heads: 8, from: [q, k, v]}",
    )
    one = found(tmp_path, "gqa", *lines, shape="{x: [N, 10, 32]}", group=2)
    assert one[0].saves("macs") == 2 * 10 * 32 * 16
    assert one[0].saves("params") == 2 * 32 * 16 + 16
    assert "- attention: {heads: 8, kv_heads: 4, from: [q, k, v]}" in one.apply(1)
    promised(one, 1, tmp_path)
    assert not found(tmp_path, "gqa", *lines, shape="{x: [N, 10, 32]}", group=3).ranked


def test_tied_weights(tmp_path: Path) -> None:
    lines = ("embedding: {entries: 100, features: 8, as: table}", "linear: {units: 100, bias: false}")
    one = found(tmp_path, "tied", *lines, shape="{ids: {shape: [N, 5], dtype: int64}}")
    assert (one[0].saves("macs"), one[0].saves("params"), one[0].saves("weight_bytes")) == (0, 800, 3200)
    assert "- linear: {units: 100, bias: false, weights: table}" in one.apply(1)
    promised(one, 1, tmp_path)


def test_batch_normalisation_is_folded(tmp_path: Path) -> None:
    one = found(tmp_path, "folded", "conv: {filters: 8, kernel: 3, bias: false, as: c}", "batch_norm", "relu")
    assert (one[0].saves("macs"), one[0].saves("params"), one[0].saves("buffers")) == (0, 8, 16)
    assert one[0].saves("flops") == 2 * 8 * 14 * 14 - 8 * 14 * 14
    assert one.apply(1).endswith("  - conv: {filters: 8, kernel: 3, as: c}\n  - relu\n")
    promised(one, 1, tmp_path)


def test_what_changes_nothing(tmp_path: Path) -> None:
    for lines in (("relu", "relu"), ("sigmoid", "relu"), ("relu", "relu6"), ("relu6", "relu6"), ("softmax", "abs")):
        one = found(tmp_path, "redundant", *lines)
        assert len(one) == 1 and one[0].saves("flops") == 16 * P and one[0].rule.accuracy.startswith("the same")
        promised(one, 1, tmp_path)
    for lines in (("tanh", "relu"), ("relu", "sigmoid"), ("neg", "abs")):
        assert not found(tmp_path, "redundant", *lines).ranked
    gone = found(tmp_path, "redundant", "transpose: {perm: [0, 2, 3, 1]}", "transpose: {perm: [0, 3, 1, 2]}", "tanh")
    assert gone[0].saves("activation_bytes") == 2 * 16 * P * 4 and gone.apply(1).endswith("layers:\n  - tanh\n")
    one = found(tmp_path, "redundant", "transpose: {perm: [0, 2, 1, 3]}", "transpose: {perm: [0, 1, 3, 2]}")
    assert "- transpose: {perm: [0, 2, 3, 1]}" in one.apply(1)
    promised(one, 1, tmp_path)


def test_an_activation_in_one_operator(tmp_path: Path) -> None:
    one = found(tmp_path, "fused", "relu: {as: x}", "hard_sigmoid: {alpha: 1 / 6, as: h}", "mul: {from: [x, h]}")
    assert one[0].saves("activation_bytes") == 16 * P * 4 and one[0].matches[0].layers == ("h", "mul")
    assert "x · hard_sigmoid(x) as HardSwish" in one[0].matches[0].remark
    assert one.apply(1).endswith("  - relu: {as: x}\n  - hard_swish: {as: h}\n")
    promised(one, 1, tmp_path)
    silu = found(tmp_path, "fused", "silu")
    assert silu.apply(1).endswith("layers:\n  - Swish\n") and silu[0].saves("peak_activation_bytes") > 0
    promised(silu, 1, tmp_path)
    mish = found(tmp_path, "fused", "relu: {as: x}", "softplus", "tanh: {as: t}", "mul: {from: [x, t]}")
    assert mish[0].saves("activation_bytes") == 2 * 16 * P * 4 and mish.apply(1).endswith("  - mish: {as: t}\n")
    promised(mish, 1, tmp_path)
    for lines in (
        ("sigmoid: {as: s}", "mul: {from: [input, s]}", "add: {from: [s, mul]}"),
        ("hard_sigmoid: {as: h}", "mul: {from: [input, h]}"),
        ("sigmoid: {as: s}", "mul: {from: [s, s]}"),
    ):
        assert not found(tmp_path, "fused", *lines).ranked


def test_an_activation_goes_behind_its_pool(tmp_path: Path) -> None:
    one = found(tmp_path, "pool_first", "tanh", "max_pool: {kernel: 2}")
    assert one[0].saves("flops") == 16 * P - 16 * P // 4
    assert one.apply(1).endswith("  - max_pool: {kernel: 2}\n  - tanh\n")
    promised(one, 1, tmp_path)
    assert not found(tmp_path, "pool_first", "abs", "max_pool: {kernel: 2}").ranked
