"""`repeat: {for: …, in: …}`: what is chosen block by block is a list."""

from __future__ import annotations

from typing import Any

import pytest

from costcalc.core.errors import SpecError
from costcalc.frontends.yaml.reader import load_spec

MODEL = """
params: {{kernels: [1, 3, 5], widths: [8, 16, 24], acts: [relu, tanh, relu], one: 7}}
input: [N, 4, 9, 9]
blocks:
  unit:
    args: {{k: , width: 6}}
    layers:
      - conv: {{filters: width, kernel: k, pad: same, bias: false}}
layers:
  - repeat: {{{loop}}}
"""


def weights(loop: str, **params: Any) -> list[tuple[Any, ...] | None]:
    graph = load_spec(MODEL.format(loop=loop), "m.yaml", params=params)
    return [t.shape for t in graph.initializers.values()]


def test_a_name_stands_for_each_element_of_a_list() -> None:
    loop = "for: k, in: kernels, layers: [{unit: {k: k}}]"
    assert weights(loop) == [(6, 4, 1, 1), (6, 6, 3, 3), (6, 6, 5, 5)]
    assert weights(loop, kernels=[3]) == [(6, 4, 3, 3)]
    assert weights(loop, kernels="[5, 1]") == [(6, 4, 5, 5), (6, 6, 1, 1)]
    assert weights(loop, kernels=[]) == []


def test_several_lists_go_side_by_side() -> None:
    loop = "for: [k, w], in: [kernels, widths], layers: [{unit: {k: k, width: w}}]"
    assert weights(loop) == [(8, 4, 1, 1), (16, 8, 3, 3), (24, 16, 5, 5)]
    assert weights("for: [k, w], in: [[3, one], widths], layers: [{unit: {k: k, width: w}}]", widths=[2, 4]) == [
        (2, 4, 3, 3),
        (4, 2, 7, 7),
    ]


def test_an_element_names_a_layer_and_decides_a_condition() -> None:
    graph = load_spec(MODEL.format(loop="for: act, in: acts, layers: [act, {exp: {when: one - 6}}]"), "m.yaml")
    assert [n.op_type for n in graph.nodes] == ["Relu", "Exp", "Tanh", "Exp", "Relu", "Exp"]


def test_the_name_is_known_inside_only() -> None:
    text = MODEL.format(loop="for: k, in: kernels, layers: [relu]") + "  - unit: {k: k}\n"
    with pytest.raises(SpecError, match=r"the name 'k' is not known|kernel is 'k'"):
        load_spec(text, "m.yaml")


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        ("for: k, layers: [relu]", r"m.yaml:10:\d+.*repeat needs 'in'"),
        ("in: kernels, layers: [relu]", "repeat needs 'for'"),
        ("for: k, in: kernels, times: 2, layers: [relu]", "`times:` stands beside"),
        ("for: k, in: one, layers: [relu]", "`in:` holds 7, which is no list"),
        ("for: k, in: nothing, layers: [relu]", "`in:` holds 'nothing', which is no list"),
        ("for: [k, w], in: [kernels, 3], layers: [relu]", "`in:` holds 3"),
        ("for: [k, w], in: kernels, layers: [relu]", "`in:` holds 1"),
        ("for: [k, w], in: [kernels], layers: [relu]", "`for:` has 2 names, `in:` 1 lists"),
        ("for: [k, w], in: [kernels, [1, 2]], layers: [relu]", "have 3, 2 elements"),
        ("for: [k, k], in: [kernels, widths], layers: [relu]", "`for:` is no name"),
        ("for: 3, in: kernels, layers: [relu]", "`for:` is no name"),
        ("for: k, in: kernels, layer: [relu]", "repeat has no key 'layer'"),
    ],
)
def test_what_is_no_loop_is_told_with_its_place(loop: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_spec(MODEL.format(loop=loop), "m.yaml")


def test_a_round_has_a_number() -> None:
    model = """
params:
  depth: 4
  kinds: "['wide' if i % 2 else 'narrow' for i in range(depth)]"
input: [N, 8]
layers:
  - repeat:
      times: depth
      index: i
      layers:
        - linear: {units: "32 if kinds[i] == 'wide' else 8 + i"}
          as: layers.{i}
  - linear: {units: 4, from: layers.3}
"""
    graph = load_spec(model, "m.yaml")
    shapes = [graph.types[node.outputs[0]].shape for node in graph.nodes]
    assert [node.name for node in graph.nodes] == ["layers.0", "layers.1", "layers.2", "layers.3", "linear"]
    assert shapes == [(1, 8), (1, 32), (1, 10), (1, 32), (1, 4)]


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("{relu: , as: 'a{j}'}", r"\{j\} is None; put a name of a whole number or a word in braces"),
        ("{relu: , as: 'a{i'}", "'a{i' is no name"),
        ("{linear: {units: 'kinds[i]'}}", "takes the element 2 of 2"),
    ],
)
def test_mistakes_with_numbers_of_rounds(layer: str, says: str) -> None:
    model = f"params: {{kinds: [8, 9]}}\ninput: [N, 8]\nlayers:\n  - repeat: {{times: 3, index: i, layers: [{layer}]}}"
    with pytest.raises(SpecError, match=says):
        load_spec(model, "m.yaml")


def test_an_index_is_a_name() -> None:
    with pytest.raises(SpecError, match="index is '0'; write a name: `index: i`"):
        load_spec("input: [N, 8]\nlayers:\n  - repeat: {times: 3, index: 0, layers: [relu]}", "m.yaml")
