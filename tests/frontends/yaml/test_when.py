"""`when:` leaves a layer out."""

from __future__ import annotations

import pytest

from costcalc.core.errors import SpecError
from costcalc.frontends.yaml.reader import load_spec

MODEL = """
params: {{on: {value}}}
input: [N, 8, 4, 4]
blocks:
  unit:
    args: {{wide: false}}
    layers:
      - conv: {{filters: 16, kernel: 1, when: wide}}
      - relu
layers:
  - unit: {{wide: on}}
  - unit
  - residual:
      body: [tanh]
      shortcut:
        - repeat: {{times: 2, layers: [sigmoid]}}
          when: on
  - repeat: {{times: 1, layers: [exp], when: {condition}}}
"""


def ops(value: str, condition: str = "on") -> list[str]:
    graph = load_spec(MODEL.format(value=value, condition=condition), "m.yaml")
    return [node.op_type for node in graph.nodes]


@pytest.mark.parametrize("value", ["true", "1", "4 - 2"])
def test_a_layer_whose_condition_holds_stays(value: str) -> None:
    assert ops(value) == ["Conv", "Relu", "Relu", "Tanh", "Sigmoid", "Sigmoid", "Add", "Exp"]


@pytest.mark.parametrize("value", ["false", "0", "4 - 4"])
def test_a_layer_whose_condition_fails_is_left_out(value: str) -> None:
    assert ops(value) == ["Relu", "Relu", "Tanh", "Add"]


def test_the_condition_may_be_an_expression() -> None:
    assert ops("3", "on - 3") == ["Conv", "Relu", "Relu", "Tanh", "Sigmoid", "Sigmoid", "Add"]


@pytest.mark.parametrize("condition", ["maybe", "on / 2", "[1, 0]", "~"])
def test_a_condition_is_a_truth_value_or_a_number(condition: str) -> None:
    with pytest.raises(SpecError, match=r"m.yaml:18:45: when is .*; give true, false"):
        ops("1", condition)


def test_the_batch_may_decide() -> None:
    assert ops("1", "N - 1")[-1] == "Add"


def test_an_open_extent_decides_nothing() -> None:
    text = MODEL.format(value="1", condition="N")
    with pytest.raises(SpecError, match=r"when is N, which is open.*bind it with --dim"):
        load_spec(text, "m.yaml", symbolic=True)


def test_a_condition_given_twice_is_refused() -> None:
    with pytest.raises(SpecError, match=r"`when:` is given twice"):
        load_spec("input: [N, 3]\nlayers:\n  - softmax: {when: true}\n    when: false\n", "m.yaml")


def test_layers_called_by_an_argument_are_numbered_as_the_argument() -> None:
    text = """
blocks:
  unit:
    args: {nl: }
    layers: [{nl: {when: false}}, nl, tanh, nl]
input: [N, 3]
layers: [{unit: {nl: relu}}]
"""
    names = [node.name for node in load_spec(text, "m.yaml").nodes]
    assert names == ["unit/relu1", "unit/tanh", "unit/relu2"]
