"""Names that differ by automatic numbers alone."""

from __future__ import annotations

import pytest
from support.versions import net, sound, statuses

from costcalc.studies.diff.names import count_ordinals, is_numbered, is_same_name, stem

C64 = "conv: {filters: 64, kernel: 3, pad: same}"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("conv3", "conv4", True),
        ("conv", "conv1", True),
        ("block2/conv1", "block3/conv1", True),
        ("conv3", "pool3", False),
        ("conv3", "conv9", False),
        ("node_Conv_12", "node_Conv_319", True),
        ("layer.3", "layer.4", True),
        ("a/Add", "a/Add_4", True),
    ],
)
def test_automatic_numbers(before: str, after: str, same: bool) -> None:
    old = count_ordinals(["conv1", "conv2", "conv3", "conv", "block1/conv1", "block2/conv1", before])
    new = count_ordinals(["conv1", "conv2", "conv3", "conv4", "block1/conv1", "block2/conv1", "block3/conv1", after])
    assert is_same_name(before, after, old if before != "conv" else count_ordinals(["conv"]), new) is same


def test_the_numbers_of_a_kind_that_ends_in_a_digit() -> None:
    one, two, three = (net(C64, *["relu6"] * n, C64) for n in (1, 2, 3))
    assert [layer.name for layer in two.layers] == ["conv1", "relu6_1", "relu6_2", "conv2"]
    for before, after, status in ((one, two, "added"), (two, one, "removed"), (two, three, "added")):
        assert statuses(sound(before, after)) == {status: 1}
    named = net(C64, "relu6: {}\n    as: relu6_2", C64)
    assert statuses(sound(one, named)) == {"renamed": 1}


def test_a_number_that_somebody_wrote_is_part_of_the_name() -> None:
    result = sound(net(C64, C64 + "\n    as: stage_2"), net(C64, C64 + "\n    as: stage_3"))
    assert statuses(result) == {"renamed": 1}


def test_stems_are_names_without_trailing_numbers() -> None:
    assert stem("separable3/batch_norm1") == ("separable", "batch_norm")
    assert is_numbered("a/b1") and not is_numbered("conv2_x/a")
    assert stem("x" + "9" * 5000) == ("x" + "9" * 5000,)
