"""A use of a block with the weights of an earlier one: `weights: NAME`."""

from __future__ import annotations

import pytest

import costcalc

BLOCKS = """
name: shared
input: [N, seq, 8]
blocks:
  inner:
    layers:
      - linear: {units: 16}
      - relu
      - linear: {units: 8}
      - parameter: {shape: [8], as: scale}
      - mul: {from: [linear2, scale]}
  layer:
    args: {features: 8}
    layers:
      - residual:
          body:
            - layer_norm
            - inner: {as: part}
  narrow:
    layers:
      - linear: {units: 4}
"""

OWN = 2 * 8 + (8 * 16 + 16) + (16 * 8 + 8) + 8


def load(layers: str) -> costcalc.Report:
    return costcalc.analyze((BLOCKS + layers).encode(), dims={"seq": 3})


def test_weights_count_once_and_macs_each_time() -> None:
    layers = "layers:\n  - layer: {as: first}\n  - repeat: {times: 3, layers: [layer: {weights: first, as: again}]}\n"
    report = load(layers)
    assert report.params == OWN
    assert report.macs == 4 * 3 * (8 * 16 + 16 * 8)
    assert load("layers:\n  - repeat: {times: 4, layers: [layer]}\n").params == 4 * OWN


def test_a_block_inside_of_another_shares_with_one_of_its_path() -> None:
    layers = "layers:\n  - layer: {as: first}\n  - inner: {weights: first/residual/part}\n"
    assert load(layers).params == OWN


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("layers:\n  - layer: {as: first}\n  - layer: {weights: frst}\n", "nothing above is called 'frst'"),
        ("layers:\n  - layer: {as: first}\n  - narrow: {weights: first}\n", "has no weight to share"),
        ("layers:\n  - layer: {as: first}\n  - layer: {weights: [first]}\n", "a name is expected"),
    ],
)
def test_what_has_no_such_weights(layers: str, message: str) -> None:
    with pytest.raises(costcalc.CostcalcError, match=message):
        load(layers)
