"""A block that stands in many places and is edited once: each place shows its own change, and nothing drifts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import SPECS
from support.versions import named, net, of, sound, statuses

from costcalc import Report

STAGES = ("stage: {filters: 64, stride: 1}", "stage: {filters: 128}", "stage: {filters: 256}", "relu", "softmax")
BLOCKS = """blocks:
  basic:
    args: {filters: , stride: 1}
    layers:
      - conv: {filters: filters, kernel: 3, stride: stride, pad: 1}
      - batch_norm
      - relu
      - conv: {filters: filters, kernel: 3, pad: 1}
      - batch_norm
      - relu
  stage:
    args: {filters: , stride: 2}
    layers:
      - basic: {filters: filters, stride: stride}
      - repeat: {times: 3, layers: [{basic: {filters: filters}}]}"""
PLACES = 3 * 4


def edited(*pairs: tuple[str, str], layers: tuple[str, ...] = STAGES) -> tuple[Report, Report]:
    """The stages before and after texts of their blocks are replaced."""
    after = BLOCKS
    for old, new in pairs:
        assert old in after
        after = after.replace(old, new)
    return net(*STAGES, size=32, head=BLOCKS), net(*layers, size=32, head=after)


SECOND = "      - conv: {filters: filters, kernel: 3, pad: 1}\n"


def test_a_layer_that_a_block_has_twice_now_is_added_in_every_place() -> None:
    result = sound(*edited((SECOND, SECOND + SECOND)))
    assert statuses(result) == {"added": PLACES}
    assert {name.rpartition("/")[2].rstrip("123") for name in named(result, "added")} == {"conv"}
    places = {name.rpartition("/")[0] for name in named(result, "added")}
    assert places == {f"stage{i}/basic{j}" for i in (1, 2, 3) for j in (1, 2, 3, 4)}


def test_layers_that_a_block_lost_are_removed_in_every_place() -> None:
    result = sound(*edited((SECOND + "      - batch_norm\n      - relu\n", "")))
    assert statuses(result) == {"removed": 3 * PLACES}


def test_the_only_block_that_is_left_is_the_first() -> None:
    result = sound(*edited(("      - repeat: {times: 3, layers: [{basic: {filters: filters}}]}", "")))
    assert statuses(result) == {"removed": 3 * 3 * 6}


def test_a_stride_in_every_block_is_one_change_in_every_place() -> None:
    result = sound(*edited((SECOND, SECOND.replace("pad: 1", "pad: 1, stride: 2"))))
    assert {status: n for status, n in statuses(result).items() if status != "follows"} == {"changed": PLACES}


@given(st.integers(0, 3), st.sampled_from(("sigmoid", "batch_norm", "pointwise_conv: {filters: 8}")))
@settings(max_examples=8)
def test_a_layer_before_a_stage_that_is_edited_too(at: int, text: str) -> None:
    result = sound(*edited((SECOND, SECOND + "      - tanh\n"), layers=(*STAGES[:at], text, *STAGES[at:])))
    found = statuses(result)
    assert found.pop("added") == PLACES + 1 and set(found) <= {"follows"}


@pytest.mark.parametrize(
    ("model", "path", "lost"),
    [
        ("gpt2", ("blocks", "decoder", "layers", 0, "residual", "body"), 12 * 6),
        ("resnet18", ("blocks", "stage", "layers", 1, "repeat", "layers"), 4 * 7),
    ],
)
def test_published_networks_without_a_part_of_their_block(
    model: str, path: tuple[str | int, ...], lost: int, tmp_path: Path
) -> None:
    document = yaml.safe_load((SPECS / f"{model}.yaml").read_text(encoding="utf-8"))
    part = document
    for key in path:
        part = part[key]
    part.pop()
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    assert statuses(sound(of(model), of(str(tmp_path / "net.yaml")))) == {"removed": lost}


def test_a_renamed_block_among_blocks_that_are_alike() -> None:
    before = "blocks:\n  pair:\n    layers: [{basic: {filters: 64}}, {basic: {filters: 64}}]\n" + BLOCKS[8:]
    after = before.replace("{basic: {filters: 64}}]", "{basic: {filters: 64}, as: second}]")
    assert before != after
    result = sound(*(net("repeat: {times: 3, layers: [pair]}", size=32, head=head) for head in (before, after)))
    assert set(statuses(result)) == {"renamed"}


def test_of_layers_that_are_all_alike_the_names_of_containers_tell() -> None:
    before = "blocks:\n  pair:\n    layers: [{sigmoid: {}, as: old}]"
    after = before.replace("[{sig", "[{sigmoid: {}, as: new}, {sig")
    result = sound(*(net("repeat: {times: 3, layers: [pair]}", head=head) for head in (before, after)))
    assert named(result, "added") == [f"pair{i}/new" for i in (1, 2, 3)]
    assert statuses(result) == {"added": 3}
