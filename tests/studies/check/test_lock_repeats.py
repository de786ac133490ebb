"""Runs of layers that repeat: what is found is what stands there, and templates give back their texts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.analysis.repeats import Repeat, find_repeats
from costcalc.rules import LoadError
from costcalc.studies.check import lock_file
from costcalc.studies.check.lock_repeats import LEAST_SAVED, expand_template, make_template, skeleton


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ("", []),
        ("abcabc", []),  # three lines saved
        ("ababab", [Repeat(0, 2, 3)]),
        ("xabcdabcdy", [Repeat(1, 4, 2)]),
        ("aaaaaa", [Repeat(0, 1, 6)]),
        ("sabababtabababu", [Repeat(1, 2, 3), Repeat(8, 2, 3)]),
    ],
)
def test_runs(tokens: str, found: list[Repeat]) -> None:
    assert find_repeats(tokens, LEAST_SAVED) == found


@given(st.lists(st.sampled_from("abc"), max_size=60))
@settings(deadline=None)
def test_runs_are_what_stands_there(tokens: list[str]) -> None:
    end = 0
    for start, period, times in find_repeats(tokens, LEAST_SAVED):
        assert start >= end and times > 1
        end = start + period * times
        assert tokens[start:end] == tokens[start : start + period] * times


def test_many_layers_of_one_kind_take_no_square() -> None:
    assert find_repeats(["a"] * 200_000, LEAST_SAVED) == [Repeat(0, 1, 200_000)]
    half = [str(i) for i in range(50_000)]
    assert find_repeats([*half, "x", *half], LEAST_SAVED) == []


@pytest.mark.parametrize(
    ("texts", "template"),
    [
        (["conv1", "conv2", "conv3"], "conv{1}"),
        (["h.0.w_3", "h.0.w_5"], "h.0.w_{3+2}"),
        (["a9", "a8", "a7"], "a{9+-1}"),
        (["x3", "x8", "x9"], "x{3,8,9}"),
        (["{7}", "{8}"], "{{{7}}}"),
        (["same", "same"], "same"),
    ],
)
def test_templates(texts: list[str], template: str) -> None:
    assert make_template(texts) == template
    assert expand_template(template, len(texts)) == texts


TEXT = st.text(st.sampled_from("a{}1+,0 é"), max_size=8)


@given(st.lists(st.tuples(*[st.integers(0, 10**18)] * 2), min_size=2, max_size=5), TEXT, TEXT)
@settings(deadline=None)
def test_templates_give_back_their_texts(rounds: list[tuple[int, int]], before: str, between: str) -> None:
    texts = [f"{before}x{a}{between}y{b}" for a, b in rounds]
    if len({skeleton(text) for text in texts}) == 1:
        assert expand_template(make_template(texts), len(texts)) == texts


def test_leading_zeros_and_long_numbers_are_text() -> None:
    assert skeleton("a007") == ("a007",)
    assert skeleton("a" + "9" * 30) == ("a" + "9" * 30,)
    assert skeleton("a0b10") == ("a", "b", "")


@pytest.mark.parametrize("template", ["a{", "a}", "{x}", "{1,2}", "{1+}", "{}"])
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(ValueError, match=r"brace|rounds"):
        expand_template(template, 3)


LAYER = '{"op": "Relu", "in": [null], "out": [["~", "float32", 4]], "flops": 4}'


def document(layers: str) -> str:
    fields = {"title": "n", "source": "n", "settings": {}, "inputs": [["x", "float32", 4]], "symbols": {}}
    fields |= {"assumptions": [], "unknown": {}, "totals": {"macs": 0}}
    text = json.dumps(fields)[:-1] + f', "definitions": {{"Relu-1": {LAYER}}}, "layers": [{layers}]}}'
    return f'{{"format_version": 2, "costcalc": "0.1.0", "models": {{"n": {{"": {text}}}}}}}'


def test_a_run_is_read() -> None:
    run = '["r0", "Relu-1", ["x"]], {"repeat": 3, "layers": [["r{1}", "Relu-1"]]}'
    (entry,) = lock_file.parse_lock(document(run), "f").entries
    assert [(layer.name, layer.inputs[0].name) for layer in entry.snapshot.layers] == [
        ("r0", "x"),
        ("r1", "r0"),
        ("r2", "r1"),
        ("r3", "r2"),
    ]


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ('["r0", "Relu-2"]', "definition Relu-2: the lock file is broken: a mapping is missing"),
        ('["r0", "Relu-1"]', "nothing stands -1 layers from it"),
        ('["r0", "Relu-1", [0]]', "nothing stands 0 layers from it"),
        ('["r0", "Relu-1", ["x"]], ["r1", "Relu-1", [[-1, 5]]]', "r0 has no output 5"),
        ('["r0", "Relu-1", ["y"]]', "nothing before it gives 'y'"),
        ('["r0", "Relu-1", []]', "a number is missing"),
        ('["r0", "Relu-1", ["x", "x"]]', "it reads more than its definition says"),
        ('["r0"]', "a list is missing"),
        ('["r0", "Relu-1", ["x"], [], []]', "a layer has at most four fields"),
        ('{"repeat": 2000000000, "layers": [["r{0}", "Relu-1", ["x"]]]}', "more than 1,000,000"),
        ('{"repeat": 1000000000000000, "layers": []}', "a run of layers has no layer"),
        ('{"repeat": -1, "layers": [["r{0}", "Relu-1", ["x"]]]}', "less than once"),
        ('{"repeat": 2, "layers": [["r{", "Relu-1", ["x"]]]}', "has a single brace"),
        ('{"repeat": 2, "layers": [[["r", "s"], "Relu-1", ["x"]]]}', "a name is missing"),
    ],
)
def test_what_is_refused(layers: str, said: str) -> None:
    with pytest.raises(LoadError) as found:
        lock_file.parse_lock(document(layers), "f")
    assert said in str(found.value) and found.value.remedy
