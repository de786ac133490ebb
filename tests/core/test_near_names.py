"""Wrong words and what is suggested for each: one rule for models, devices, layers, inputs, files of a revision."""

from __future__ import annotations

import pytest

from costcalc.cli.app import run
from costcalc.core.errors import near_names


@pytest.mark.parametrize(
    ("word", "known", "count", "near"),
    [
        ("input", ("inputs", "input_mask", "x"), 3, ["inputs", "input_mask"]),
        ("sek", ("seq", "sea", "N"), 3, ["seq", "sea"]),
        ("sek", ("seq", "sea", "N"), 1, ["seq"]),
        ("SEK", ("seq", "N"), 1, ["seq"]),
        ("latency", ("flatten",), 3, []),
        ("net.pt", ("unet",), 3, []),
        ("t44", ("t4",), 3, ["t4"]),
        ("x", (), 3, []),
    ],
)
def test_near_names_up_to_a_count(word: str, known: tuple[str, ...], count: int, near: list[str]) -> None:
    assert near_names(word, known, count) == near


HUB = "hf:ORG/NAME, or its config.json"
BUILTIN = "see `costcalc models` for the built-in ones"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("net.pt", BUILTIN),
        ("net.onnx", BUILTIN),
        ("models/unet5.onnx", BUILTIN),
        ("model.safetensors", BUILTIN),
        ("lenet.yaml", "there are lenet5, lenet5_modern"),
        ("resnet50.onnx", "did you mean 'resnet50'?"),
        ("alexnt.tflite", "did you mean 'alexnet'?"),
        ("resnet51", "did you mean 'resnet50'?"),
        ("lenet55", "did you mean 'lenet5'?"),
        ("alexnt", "did you mean 'alexnet'?"),
        ("efficientnet", "there are efficientnet_b0"),
        ("llama3", HUB),
        ("llama-2-13b", HUB),
        ("unet3", HUB),
        ("zzz", HUB),
        ("meta-llama/Meta-Llama-3-8B", "hf:meta-llama/Meta-Llama-3-8B, or its config.json"),
        ("Llama-3.1-8B", HUB),
    ],
)
def test_a_model_that_is_not_there(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", word]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert said in error and f"{word!r}" in error
    assert ("did you mean" in error) == ("did you mean" in said)
