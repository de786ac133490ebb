"""`costcalc models`, `ops` and `hardware` with a part of a name."""

from __future__ import annotations

import csv
import io

import pytest
from support.cli import call


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    code, out, err = call(capsys, *words, "--format", "csv")
    assert code == 0, err
    return [row[0] for row in csv.reader(io.StringIO(out))][1:]


@pytest.mark.parametrize("text", ["resnet", "ResNet", "res-net", "RES_NET"])
def test_a_part_of_a_name_lists_the_models_that_have_it(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "models", text) == ["resnet101", "resnet152", "resnet18", "resnet34", "resnet50"]
    assert listed(capsys, "models", "ViT-B") == ["vit_b_16"]


def test_a_part_of_a_name_lists_the_devices_that_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    names = listed(capsys, "hardware", "STM32-h")
    assert names and all(name.startswith("stm32h7") for name in names)
    assert "Figure" in call(capsys, "hardware", "stm32h743")[1], "a whole name shows the profile"


def test_a_part_of_a_name_lists_the_operators_that_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    names = listed(capsys, "ops", "relu")
    assert {"Relu", "LeakyRelu", "PRelu"} <= set(names) and all("relu" in name.lower() for name in names)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("models", "resnte50"), "did you mean 'resnet50'?"),
        (("models", "zork"), "leave the name out"),
        (("ops", "Rleu"), "did you mean 'Relu'?"),
        (("hardware", "zork"), "`costcalc hardware` lists all"),
    ],
)
def test_a_name_that_nothing_has_is_refused(
    words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, *words)
    assert (code, out) == (2, "") and hint in err
