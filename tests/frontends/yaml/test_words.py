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
        ("  - conv {filters: 3, kernel: 3}\n", "the colon behind 'conv' is missing; write `- conv: {…"),
        ("  - conv\n    filters: 3\n", "the colon behind 'conv', in the line above, is missing; write `- conv:`"),
        ("  - conv:\n    filters: 3\n    kernel: 3\n", "the options of 'conv' stand below it, not in it; indent them"),
        ("- conv:\n  filters: 3\n", "the options of 'conv' stand below it"),
        ("  - conv:\n  filters: 3\n  kernel: 3\n", "stand at the level of its dash; indent them by 6 spaces"),
        ("  - conv: {filters: 3, kernel: 3}\n - relu\n", "this entry is indented by 1, the one above by 2"),
        (" - relu\n  - conv: {filters: 3, kernel: 3}\n", "this entry is indented by 2, the one above by 1"),
        ("  - relu\n- relu\n", "this entry is indented by 0, the one above by 2; indent both alike"),
        ("  - conv:\n      filters: 3\n     kernel: 3\n", "this line is indented by 5, the one above by 6"),
        ("  - conv:{filters: 3}\n", "a blank is missing behind the colon of 'conv'; write `- conv: {…"),
        ("  -relu\n  -conv: {filters: 3}\n", "a blank is missing between the dash and 'conv'"),
        ("  - conv: filters: 3, kernel: 3\n", "write `- conv: {filters: 3, kernel: 3}`"),
        ("  - conv:\n      filters 3\n      kernel: 3\n", "the colon behind 'filters', in the line above, is missing"),
        ("  - conv: {filters: 3, kernel: 3\n  - relu\n", "the '{' in line 3 is not closed; add '}'"),
        ("  - linear: {units: 3}}\n", "the '}' in line 3 closes nothing; remove it"),
        ("  - relu: {as: conv.{i}}\n", 'conv.{i} stands without quotes inside of braces or brackets; write "conv.{i}"'),
        ("  - relu: {as: [a, b[0]]}\n", 'write "b[0]"'),
        ("  * relu\n", "'*' starts no layer; write `- relu`"),
        ("  - linear: {units: '3}\n", "the quote ' in line 3 is not closed"),
    ],
)
def test_slips_of_layout(text: str, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load((HEAD + text).encode())
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input: [N, 3, 8, 8]\nlayers\n  - relu\n", "the colon behind 'layers' in line 2 is missing; write `layers:`"),
        ("input [N, 3]\nlayers:\n  - relu\n", "the colon behind 'input' in line 1 is missing; write `input: [N, 3]`"),
        ("name: x\ninput = [N, 3]\nlayers: [relu]\n", "'input' in line 2 is missing; write `input: [N, 3]`"),
        ("input: [N, 3\nlayers: [relu]\n", "the '[' in line 1 is not closed"),
        ("input: [N, 3]\nlayers: - relu\n", "a list stands in the line of 'layers'"),
        ("input: [N, 3]\n layers: [relu]\n", "this line is indented by 1, the one above by 0"),
        ("name: a: b\ninput: [N, 3]\nlayers: [relu]\n", "write `name: 'a: b'`"),
        ("name: @x\ninput: [N, 3]\nlayers: [relu]\n", "a text begins with '@'; write it in quotes"),
    ],
)
def test_slips_at_the_top(text: str, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError) as raised:
        costcalc.load(text.encode())
    assert message in str(raised.value)
    assert "not YAML" not in str(raised.value)


@pytest.mark.parametrize(
    ("layer", "remedy"),
    [
        ("Conv2d: {in_channels: 3, out_channels: 8}", "write `conv: {"),
        ("nn.Conv2d: {}", "write `conv: {"),
        ("Conv2D: {filters: 8}", "write `conv: {"),
        ("depthwise_separable: {filters: 8}", "`depthwise_conv: {kernel: 3}` and `pointwise_conv: {filters: 64}`"),
        ("DepthwiseSeparableConv2d", "`depthwise_conv: {kernel: 3}` and `pointwise_conv: {filters: 64}`"),
        ("zzqqxx", "`costcalc schema` has all layers, `costcalc ops` lists the operators"),
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
        ("Dropout: {p: 0.5}", "`Dropout` is ONNX's operator; write `- dropout: {rate: …}`"),
        ("Conv2d: [3, 16, 3]", "write `- conv: {filters: 16, kernel: 3}`"),
        ("MaxPool2d: 2", "write `- max_pool: {kernel: 2}`"),
        ("AdaptiveAvgPool2d: 1", "write `- global_avg_pool`"),
        ("Linear: [10, 20]", "write `- linear: {units: 20}`"),
        ("Dropout: 0.5", "write `- dropout: {rate: 0.5}`"),
        ("dense: 10", "write `- linear: {units: 10}`"),
        ("activation: relu", "write `- relu`"),
        ("linear: 10", "write `- linear: {units: 10}`"),
        ("conv: 16", "write `- conv: {filters: 16, kernel: 3}`"),
        ("max_pool: 2", "write `- max_pool: {kernel: 2}`"),
        ("BatchNorm2d: 64", "write `- batch_norm`"),
        ("reshape: [1, 3]", "write `- reshape: {shape: [1, 3]}`"),
        ("Conv2d(3, 16, 3)", "write `- conv: {filters: 16, kernel: 3}`"),
        ("nn.Conv2d(3, 16, kernel_size=5, padding=2)", "write `- conv: {filters: 16, kernel: 5, pad: 2}`"),
        ("nn.ReLU()", "write `- relu`"),
        ("Flatten: {start_dim: 1}", "`Flatten` is ONNX's operator; write `- flatten: {axis: …}`"),
        ("BatchNormalization", "`BatchNormalization` is ONNX's operator; write `- batch_norm`"),
        ("LSTM: {hidden_size: 8}", "`LSTM` is ONNX's operator; write `- lstm: {hidden: 64}`"),
        ("Conv: {filters: 3}", "`Conv` is ONNX's operator; write `- conv: {filters: 64, kernel: 3}`"),
        ("Conv: {kernel_shape: [3, 3]}", "`Conv` is ONNX's operator; write `- conv: {filters: 64, kernel: 3}`"),
        ("MaxPool: {kernel: 2}", "`MaxPool` is ONNX's operator; write `- max_pool: {kernel: 2}`"),
        ("conv: {filters:3, kernel: 3}", "write `filters: 3`, with a blank"),
        ("relu\n    - relu", "indent all layers of a list alike"),
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
