"""The written file: only the layers that are rewritten change; comments, names and expressions stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.networks import VGG_STYLE, layers, made, promised

import costcalc
from costcalc.rules import UsageError


def apply_to_text(folder: Path, text: str, which: str, **options: object) -> str:
    found = costcalc.suggest(made(folder, text), **options)  # type: ignore[arg-type]
    promised(found, which, folder)
    return found.apply(which)


def test_every_other_line_stays_as_it_is(tmp_path: Path) -> None:
    new = apply_to_text(tmp_path, VGG_STYLE, "separable")
    changed = VGG_STYLE.replace(
        "- conv: {filters: 32, kernel: 3, pad: 1}      # the first",
        "- depthwise_conv: {kernel: 3, pad: 1}\n  - relu\n  - pointwise_conv: {filters: 32}      # the first",
    )
    changed = changed.replace(
        "- conv: {filters: 64, kernel: 3, pad: 1, bias: false, as: second}",
        "- depthwise_conv: {kernel: 3, pad: 1, bias: false}\n  - relu\n"
        "  - pointwise_conv: {filters: 64, bias: false, as: second}",
    )
    changed = changed.replace(
        "- conv: {filters: 128, kernel: 3, pad: 1}",
        "- depthwise_conv: {kernel: 3, pad: 1}\n  - relu\n  - pointwise_conv: {filters: 128}",
    )
    assert new == changed


def test_expressions_stay_expressions(tmp_path: Path) -> None:
    line = 'conv: {filters: "max(8, round(48 * alpha))", kernel: k, pad: k // 2, bias: false}'
    text = layers(line, params="{alpha: 0.5, k: 3}")
    new = apply_to_text(tmp_path, text, "bottleneck")
    assert '- pointwise_conv: {filters: "max(8, round(48 * alpha)) // 4", bias: false}' in new
    assert '{filters: "max(8, round(48 * alpha)) // 4", kernel: k, pad: k // 2, bias: false}' in new
    assert '- pointwise_conv: {filters: "max(8, round(48 * alpha))", bias: false}' in new
    sums = layers("conv: {filters: a + 8, kernel: 3, pad: 1}", params="{a: 16}")
    assert "- pointwise_conv: {filters: (a + 8) // 4}" in apply_to_text(tmp_path, sums, "bottleneck")
    numbers = layers("conv: {filters: 24, kernel: 3, pad: 1}")
    assert "- pointwise_conv: {filters: 6}" in apply_to_text(tmp_path, numbers, "bottleneck")
    assert "[0, k // 2]" in apply_to_text(tmp_path, text, "factor") and "[1, k]" in apply_to_text(
        tmp_path, text, "factor"
    )


def test_lists_in_brackets(tmp_path: Path) -> None:
    text = layers(
        "residual: {body: [{conv: {filters: 16, kernel: 3, pad: 1}}, relu, relu, {batch_norm: {epsilon: 1e-3}}]}"
    )
    new = apply_to_text(tmp_path, text, "separable")
    assert "[{depthwise_conv: {kernel: 3, pad: 1}}, relu, {pointwise_conv: {filters: 16}}, relu, relu, " in new
    assert "kernel: 3, pad: 1}}, relu, {batch_norm" in apply_to_text(tmp_path, text, "redundant")
    last = layers("residual: {body: [{depthwise_conv: {kernel: 3, pad: 1}}, relu , relu ]}")
    assert "relu ]" in apply_to_text(tmp_path, last, "redundant")


def test_layers_over_several_lines(tmp_path: Path) -> None:
    line = """\
conv:   # why
      filters: 16
      kernel: 3   # small
      pad: 1
    from: first
    as: second"""
    text = layers("relu: {as: first}", "tanh", line, "add: {from: [first, second]}  # joined")
    new = apply_to_text(tmp_path, text, "separable")
    assert (
        """\
  - tanh
  # why
  # small
  - depthwise_conv: {kernel: 3, pad: 1, from: first}
  - pointwise_conv: {filters: 16, as: second}
  - add: {from: [first, second]}  # joined
"""
        in new
    )


def test_a_layer_that_goes_leaves_its_comment_and_its_name(tmp_path: Path) -> None:
    text = layers("relu", "relu   # twice", "relu: {as: x}", "tanh")
    new = apply_to_text(tmp_path, text, "redundant")
    assert new.endswith("layers:\n  - relu\n  # twice\n  - identity: {as: x}\n  - tanh\n")


def test_line_ends_and_marks_of_windows(tmp_path: Path) -> None:
    text = "\ufeff" + VGG_STYLE.replace("\n", "\r\n")
    new = apply_to_text(tmp_path, text, "separable")
    assert new.startswith("\ufeffname:")
    assert new.replace("\r\n", "").count("\n") == 0 and new.count("\r\n") == VGG_STYLE.count("\n") + 6


def test_conditions(tmp_path: Path) -> None:
    text = layers("conv: {filters: 16, kernel: 3, pad: 1, when: deep}", params="{deep: true}")
    assert apply_to_text(tmp_path, text, "separable").count("when: deep") == 2
    block = "blocks:\n  unit:\n    args: {filters: , kernel: }\n    layers:\n      - conv: {filters: filters, kernel: kernel}\n"
    uses = [f"unit: {{filters: 16, kernel: {k}}}" for k in (5, 3, 1)]
    new = apply_to_text(tmp_path, layers(*uses, more=block), "stack")
    assert "- conv: {filters: filters, kernel: kernel, when: kernel - 5}" in new
    assert "- conv: {filters: filters, kernel: 3, when: 1 // (1 + (kernel - 5) ** 2)}" in new


def test_two_options_tell_uses_apart_that_neither_does_alone(tmp_path: Path) -> None:
    block = """\
blocks:
  unit:
    args: {filters: , kernel: 3, groups: 1}
    layers:
      - conv: {filters: filters, kernel: kernel, groups: groups, pad: same}
"""
    uses = ["unit: {filters: 16}", "unit: {filters: 16, kernel: 1}", "unit: {filters: 16, groups: 16}"]
    new = apply_to_text(tmp_path, layers(*uses, more=block), "separable")
    assert "groups: groups, pad: same, when: (kernel - 3) ** 2 + (groups - 1) ** 2}" in new
    assert (
        "- depthwise_conv: {kernel: kernel, pad: same, when: 1 // (1 + (kernel - 3) ** 2 + (groups - 1) ** 2)}" in new
    )


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    operator = layers("Conv: {kernel_shape: [3, 3], from: [input, w]}")
    operator = operator.replace("layers:\n", "layers:\n  - parameter: {shape: [8, 16, 3, 3], as: w}\n")
    found = costcalc.suggest(made(tmp_path, operator), rules=["separable"])
    assert not found[0].writable and found[0].site.reason == "the layer is written as 'Conv'"
    with pytest.raises(UsageError, match="cannot be written"):
        found.apply(1)
    anchor = layers("&c {conv: {filters: 16, kernel: 3, pad: 1}}", "*c")
    with pytest.raises(UsageError, match="anchor"):
        costcalc.suggest(made(tmp_path, anchor), rules=["separable"]).apply(1)
    numbered = layers(
        "conv: {filters: 16, kernel: 3, pad: 1}", "pointwise_conv: {filters: 16}", "add: {from: [conv, pointwise_conv]}"
    )
    with pytest.raises(UsageError, match="read by the name that reports print"):
        costcalc.suggest(made(tmp_path, numbered), rules=["separable"]).apply(1)


def test_options_that_are_lists_have_an_entry_for_each_axis(tmp_path: Path) -> None:
    line = "conv: {filters: 16, kernel: [k, 5], stride: [1, 2], pad: [2, 2, 2, 2]}"
    new = apply_to_text(tmp_path, layers(line, params="{k: 5}"), "factor")
    assert "- conv: {filters: 16, kernel: [1, 5], stride: [1, 2], pad: [0, 2]}" in new
    assert "- conv: {filters: 16, kernel: [k, 1], stride: [1, 1], pad: [2, 0]}" in new


def test_of_all_places_those_are_written_that_can_be(tmp_path: Path) -> None:
    plain = "conv: {filters: 16, kernel: 3, pad: 1}"
    found = costcalc.suggest(made(tmp_path, layers(f"&c {{{plain}}}", "*c", f"# why\n    {plain}", plain)))
    ones = {one.where.rpartition("net.yaml:")[2]: one for one in found.select("separable")}
    assert [one.site.reason for one in ones.values() if not one.writable] == [
        "the layer has a YAML anchor or is an alias",
        "a comment stands between a dash and its layer",
    ]
    (able,) = (one for one in ones.values() if one.writable)
    assert found.apply("separable") == found.apply(able.number)


def test_rewrites_of_one_layer_exclude_each_other(tmp_path: Path) -> None:
    found = costcalc.suggest(made(tmp_path, VGG_STYLE))
    both = [one for one in found.ranked if one.name == "second"]
    with pytest.raises(UsageError, match="the same layer"):
        found.apply(both)
