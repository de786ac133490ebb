"""Inputs whose axes stand as in other tools: channels last, without the batch, an image to a linear layer."""

from __future__ import annotations

import pytest

import costcalc

CONV = "  - conv: {filters: 8, kernel: 3, pad: 1}\n"
POOL = "  - max_pool: {kernel: 2}\n"


def net(shape: str, layers: str) -> bytes:
    return f"input: {shape}\nlayers:\n{layers}".encode()


def notes(shape: str, layers: str) -> str:
    return " ".join(costcalc.load(net(shape, layers)).notes)


@pytest.mark.parametrize(
    ("shape", "axes", "ours"),
    [
        ("[N, 32, 32, 3]", "[N, H, W, C]", "[N, 3, 32, 32]"),
        ("[N, 224, 160, 3]", "[N, H, W, C]", "[N, 3, 224, 160]"),
        ("[8, 28, 28, 1]", "[N, H, W, C]", "[N, 1, 28, 28]"),
        ("[N, H, W, 3]", "[N, H, W, C]", "[N, 3, H, W]"),
        ("[3, 224, 224]", "[C, H, W]", "[N, 3, 224, 224]"),
        ("[N, 28, 28]", "[N, H, W]", "[N, 1, 28, 28]"),
        ("[32, 32, 3]", "[H, W, C]", "[N, 3, 32, 32]"),
        ("[N, 14, 14, 256]", "[N, H, W, C]", "[N, 256, 14, 14]"),
    ],
)
def test_axes_of_other_tools_are_told(shape: str, axes: str, ours: str) -> None:
    text = f"the input looks like {axes}; images are [N, C, H, W] here: write its shape as {ours}"
    assert text in notes(shape, CONV)
    named = notes(f"{{image: {shape}}}", CONV + CONV)
    assert named.count(f"the input 'image' looks like {axes}") == 1
    if ours.endswith(", 3]") or shape.endswith((", 3]", ", 1]")):
        with pytest.raises(costcalc.CostcalcError) as raised:
            costcalc.load(net(shape, (CONV + POOL) * 3))
        assert raised.value.remedy.startswith(text)
        assert "use a smaller kernel" in raised.value.remedy


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (
            "[N, 16, 64, 64, 3]",
            "looks like [N, T, H, W, C]; videos are [N, C, T, H, W] here: write its shape as [N, 3, 16",
        ),
        ("[N, 16000, 1]", "looks like [N, L, C]; sequences are [N, C, L] here: write its shape as [N, 1, 16000]"),
    ],
)
def test_videos_and_signals_are_told_too(shape: str, text: str) -> None:
    assert text in notes(shape, CONV)


@pytest.mark.parametrize(
    ("shape", "ours"),
    [("[28, 28]", "[N, 1, 28, 28]"), ("[1, 16000]", "[N, 1, 16000]"), ("[16000, 1]", "[N, 1, 16000]")],
)
def test_an_input_of_two_axes_is_refused_with_its_shape(shape: str, ours: str) -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load(net(shape, CONV))
    assert f"write its shape as {ours}" in raised.value.remedy


@pytest.mark.parametrize("before", ["  - relu\n", "  - batch_norm\n", "  - dropout\n"])
def test_axes_are_told_behind_layers_that_keep_them(before: str) -> None:
    assert notes("[224, 224, 3]", before + CONV).count("looks like [H, W, C]") == 1


@pytest.mark.parametrize("shape", ["[28, 28]", "[28, 28, 1]", "[3, 32, 32]", "[32, 32, 3]"])
def test_flatten_takes_the_first_axis_for_the_batch(shape: str) -> None:
    assert "looks like" in notes(shape, "  - flatten\n  - linear: {units: 10}\n")


@pytest.mark.parametrize("shape", ["[N, 784]", "[1, 784]", "[N, 28, 28]", "[1, 28, 28]", "[N, 28, 28, 1]", "[64, 784]"])
def test_flatten_of_a_batch_has_no_note(shape: str) -> None:
    assert "looks like" not in notes(shape, "  - flatten\n  - linear: {units: 10}\n")


def test_an_error_of_the_first_layer_tells_the_axes_too() -> None:
    with pytest.raises(costcalc.CostcalcError, match=r"looks like \[N, H, W, C\].*write its shape as \[N, 3, 32, 32\]"):
        costcalc.load(net("[N, 32, 32, 3]", "  - conv: {filters: 8, kernel: 5}\n"))


@pytest.mark.parametrize("shape", ["[N, 3, 32, 32]", "[N, 1, 28, 28]", "[N, 16, 100]", "[N, 40, 100]", "[N, 64, 3]"])
def test_axes_that_are_ours_have_no_note(shape: str) -> None:
    assert "looks like" not in notes(shape, CONV)


def test_an_error_of_other_shapes_has_no_word_about_axes() -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load(net("[N, 3, 8, 8]", "  - conv: {filters: 8, kernel: 9}\n"))
    assert "looks like" not in str(raised.value)


@pytest.mark.parametrize("before", ["", "  - relu\n", "  - batch_norm\n"])
def test_a_linear_layer_straight_on_an_image_has_a_note(before: str) -> None:
    text = "maps the last axis of an image [N, C, H, W]: where all of it is meant, put `- flatten` before it"
    assert text in notes("[N, 1, 28, 28]", f"{before}  - linear: {{units: 128}}\n")
    assert "flatten" not in notes("[N, 1, 28, 28]", f"{before}  - flatten\n  - linear: {{units: 128}}\n")


@pytest.mark.parametrize(
    "before",
    [
        "  - global_avg_pool\n",
        "  - dropout\n",
        "  - upsample: {scale: 2}\n",
        "  - branches: {paths: [[relu], [{conv: {filters: 8, kernel: 1}}]], merge: concat}\n",
        "  - pad: {pads: [0, 0, 1, 1, 0, 0, 1, 1]}\n",
    ],
)
def test_a_linear_layer_on_a_feature_map_has_a_note_behind_layers_that_keep_its_axes(before: str) -> None:
    text = "linear maps the last axis of a feature map [N, C, H, W]"
    assert text in notes("[N, 3, 32, 32]", f"{CONV}{before}  - linear: {{units: 10}}\n")
    assert text not in notes("[N, 3, 32, 32]", f"{CONV}{before}  - flatten\n  - linear: {{units: 10}}\n")


def test_a_linear_layer_on_a_sequence_has_none() -> None:
    assert "flatten" not in notes("[N, 128, 768]", "  - linear: {units: 128}\n")
    assert "axis" not in notes("[N, 16000, 1]", "  - linear: {units: 128}\n")
    assert "image [N, H, W]" in notes("[N, 28, 28]", "  - linear: {units: 128}\n")


@pytest.mark.parametrize("batch", ["None", "null", "~", "-1", "none"])
def test_a_batch_that_other_tools_leave_open_is_one(batch: str) -> None:
    graph = costcalc.load(net(f"[{batch}, 3, 32, 32]", CONV))
    assert graph.types["input"].shape == (1, 3, 32, 32)
    assert "N = 1 by default (--dim N=…)" in graph.notes
    assert costcalc.load(net(f"[{batch}, 3, 32, 32]", CONV), dims={"N": 8}).types["input"].shape == (8, 3, 32, 32)


def test_open_extents_without_a_name_are_no_equal_ones() -> None:
    graph = costcalc.load(net("[None, 3, None, None]", CONV))
    assert [str(extent) for extent in graph.types["input"].shape or ()] == ["1", "3", "H", "W"]
    graph = costcalc.load(net("[None, null, 8]", "  - linear: {units: 2}\n"))
    assert [str(extent) for extent in graph.types["input"].shape or ()] == ["1", "axis1", "8"]
