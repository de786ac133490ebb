"""Every suggestion for every built-in model, applied: the written file costs what was promised."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.builtin import NAMES
from support.networks import promised

import costcalc

LARGE = ("resnet101", "resnet152", "densenet169")
"""The same blocks as in a smaller one, more often."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LARGE])
def test_every_suggestion_applied_saves_what_was_promised(name: str, tmp_path: Path) -> None:
    found = costcalc.suggest(name)
    for one in found.ranked:
        if one.writable:
            promised(found, one.number, tmp_path)
        else:
            assert one.site.reason


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "lenet5", "googlenet", "bert_base", "llama_7b"])
def test_all_places_of_a_rewrite_at_once(name: str, tmp_path: Path) -> None:
    found = costcalc.suggest(name)
    for rule in dict.fromkeys(one.rule.id for one in found.ranked if one.writable):
        promised(found, rule, tmp_path)


def test_the_best_of_them_are_there() -> None:
    best = {name: costcalc.suggest(name).ranked[0].rule.id for name in ("vgg16", "resnet50", "bert_base", "gpt2")}
    assert best == {"vgg16": "separable", "resnet50": "separable", "bert_base": "gqa", "gpt2": "gqa"}


def test_a_model_that_is_separable_already_has_little_to_gain() -> None:
    found = costcalc.suggest("mobilenet", rules=["separable"])
    assert [one.name for one in found.ranked] == ["conv"]


def test_the_opposite_condition_keeps_the_other_uses() -> None:
    """ResNet-50's block takes its kernel as an argument: its 1×1 uses stay as they are."""
    found = costcalc.suggest("resnet50", rules=["separable"])
    text = found.apply(1)
    assert "bias: false, when: 1 // kernel}" in text
    assert "- pointwise_conv: {filters: filters, bias: false, when: kernel - 1}" in text
    assert len(found[0].matches) == 17


def test_parameters_are_still_parameters(tmp_path: Path) -> None:
    """The new file under other parameters is what the old one under these would have been rewritten to."""
    found = costcalc.suggest("googlenet", rules=["separable"])
    path = tmp_path / "googlenet.yaml"
    path.write_text(found.apply(1))
    other = costcalc.suggest("googlenet", rules=["separable"], params={"large": 5, "classes": 10})
    assert costcalc.analyze(path, params={"large": 5, "classes": 10}).macs == other[0].after["macs"]
