"""What is suggested for a word that is none of ours is near to it, or nothing is."""

from __future__ import annotations

import pytest
from support.cli import call

from costcalc.core.errors import did_you_mean, is_near


@pytest.mark.parametrize(
    ("word", "name", "expected"),
    [
        ("CC999", "CC009", False),
        ("CC01", "CC011", True),
        ("CC013", "CC113", True),
        ("--select", "--set", False),
        ("--ouptut", "--output", True),
        ("resnt18", "resnet18", True),
        ("stm32h734", "stm32h743", True),
        ("pramas", "params", True),
        ("zork", "sort", False),
        ("int9", "int8", True),
        ("alfa", "alpha", True),
        ("resnet51", "resnet50", True),
    ],
)
def test_near_is_a_slip(word: str, name: str, expected: bool) -> None:
    assert is_near(word, name) == expected
    assert bool(did_you_mean(word, [name])) == expected


def test_options_that_are_not_near_are_not_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "check", "--select", "CC999")
    assert code == 2 and "No such option" in err and "ean" not in err
    assert "'--sort'" in call(capsys, "analyze", "lenet5", "--sorts", "macs")[2]
