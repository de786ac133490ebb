"""All errors of a YAML model at once: each mistake is one error, and what depends on it is none."""

import random

import pytest
from support.paths import SPECS
from support.random_edits import edit

from costcalc.core.errors import Correction, CostcalcError, SpecError
from costcalc.frontends import Source, read_model
from costcalc.frontends.yaml.diagnosis import diagnose

HEAD = "input: [N, 3, 32, 32]\nlayers:\n"


def facts(text: str) -> list[str]:
    """The errors of a text without their remedies: `line:column fact`."""
    errors = diagnose(text, "net.yaml").errors
    return [f"{e.place.partition(': ')[0].removeprefix('net.yaml:')} {e.fact}" for e in errors]


def test_independent_errors_are_told_together_in_the_order_of_their_lines() -> None:
    text = """params: {width: 8, depth: widht * 2}
input: [N, 3, 32, 32]
blcks: {}
layers:
  - conv: {filters: 32, kernal: 3, padding: same}
  - batchnorm
  - linear: {units: nothing}
  - add: {from: [conv, lost]}
output: nope
"""
    assert facts(text) == [
        "1:27 the name 'widht' is not known",
        "3:1 unknown key 'blcks'",
        "5:25 conv has no key 'kernal'",
        "5:36 conv has no key 'padding'",
        "6:5 there is no layer, block or operator 'batchnorm'",
        "7:21 the name 'nothing' is not known",
        "8:24 nothing above is called 'lost'",
        "9:9 nothing above is called 'nope'",
    ]


def test_one_mistake_is_one_error() -> None:
    body = "  - conv: {filters: 4, kernel: 50}\n  - relu\n  - conv: {filters: 4, kernel: 3}\n  - flatten\n  - linear: {units: 2}\n"
    assert len(facts(HEAD + body)) == 1


def test_a_name_of_a_layer_with_an_error_can_be_read() -> None:
    body = "  - conv: {filters: 4, kernl: 3, as: stem}\n  - relu\n  - add: {from: [relu, stem]}\n"
    assert facts(HEAD + body) == ["3:24 conv has no key 'kernl'"]


def test_what_reads_a_parameter_with_an_error_has_none() -> None:
    text = (
        "params: {a: 1 / 0, b: a * 2, c: 3}\n"
        + HEAD
        + "  - conv: {filters: b * c, kernel: c}\n  - linear: {units: a}\n"
    )
    assert facts(text) == ["1:13 '1 / 0' divides by zero"]


def test_an_error_in_a_block_is_told_once_for_all_its_uses() -> None:
    text = (
        "blocks:\n  b: {layers: [{conv: {filters: 3, kernel: 3, pd: 1}}]}\n"
        + HEAD
        + "  - b\n  - b\n  - repeat: {times: 9, layers: [b]}\n"
    )
    assert facts(text) == ["2:47 conv has no key 'pd'"]


def test_a_shape_is_checked_where_nothing_before_it_is_broken() -> None:
    branches = "  - branches:\n      - - conv: {filters: 4, kernl: 3}\n      - - conv: {filters: 4, kernel: 99}\n"
    found = facts(HEAD + branches)
    assert found[0].endswith("has no key 'kernl'")
    assert len(found) == 2
    assert found[1].startswith("5:11 ")


def test_what_stands_above_an_error_of_yaml_is_checked_too() -> None:
    text = HEAD + "  - conv: {filters: 4, kernl: 3}\n  - relu\n  - linear: {units: [\n  - relu: }\n"
    found = facts(text)
    assert found[0] == "3:24 conv has no key 'kernl'"
    assert len(found) == 2


@pytest.mark.parametrize("text", ["", "# nothing\n", "a", "[1, 2]", "{", "input: [1\n", "&a [*a]", "layers:\n", "\t"])
def test_a_text_that_is_no_model_has_an_error_and_no_trace(text: str) -> None:
    diagnosis = diagnose(text, "net.yaml")
    assert diagnosis.errors
    assert diagnosis.trace is None


def test_keys_that_stand_twice_are_all_told() -> None:
    text = "name: a\nname: b\ninput: [N, 3, 32, 32]\nlayers:\n  - conv: {filters: 3, filters: 4, kernel: 3}\n"
    assert [fact.partition(" (")[0] for fact in facts(text)] == [
        "2:1 the key 'name' is given twice",
        "5:24 the key 'filters' is given twice",
    ]


def test_a_correction_names_the_wrong_word_and_the_right_ones() -> None:
    (error,) = diagnose(HEAD + "  - conv: {filters: 3, kernl: 3}\n", "net.yaml").errors
    assert isinstance(error.remedy, Correction)
    assert (error.remedy.word, error.remedy.choices) == ("kernl", ("kernel",))


def test_a_model_without_errors_has_the_graph_that_the_reader_gives() -> None:
    text = (SPECS / "mobilenet_v1.yaml").read_text(encoding="utf-8")
    diagnosis = diagnose(text, "net.yaml")
    assert diagnosis.trace is not None
    graph = read_model(Source("net.yaml", data=text.encode(), file="net.yaml")).graph
    assert diagnosis.trace.graph.nodes == graph.nodes
    assert diagnosis.trace.graph.types == graph.types


@pytest.mark.parametrize("seed", range(4))
def test_there_are_errors_where_the_reader_has_one_and_nowhere_else(seed: int) -> None:
    """Random edits: both readers agree whether the text is a model, and the reader's fact is among the errors wherever
    it is not about shapes."""
    draw = random.Random(seed)
    text = base = (SPECS / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    for _ in range(60):
        text = edit(base if draw.random() < 0.4 else text, draw)
        errors = diagnose(text, "net.yaml").errors
        try:
            read_model(Source("net.yaml", data=text.encode(), kind=".yaml", file="net.yaml"))
        except SpecError as error:
            assert error.fact in [e.fact for e in errors]
        except CostcalcError:
            assert errors
        else:
            assert not errors
