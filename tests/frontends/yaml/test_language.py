"""The YAML language: what it means, and that every error says where, what is wrong and what to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.analysis.report import analyze_graph
from costcalc.core.dim import symbol
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import DType, Graph
from costcalc.frontends.yaml.reader import load_spec


def model(layers: str, head: str = "input: [N, 3, 8, 8]\n", **options: object) -> Graph:
    return load_spec(head + "layers:\n" + layers, "m.yaml", **options)  # type: ignore[arg-type]


def shapes(graph: Graph) -> dict[str, object]:
    return {node.name: graph.types[node.outputs[0]].shape for node in graph.nodes}


def macs(graph: Graph) -> object:
    return analyze_graph(graph).totals["macs"]


def test_a_lone_layer_needs_no_number_and_others_are_counted() -> None:
    graph = model("  - conv: {filters: 4, kernel: 3}\n  - relu\n  - conv: {filters: 5, kernel: 1}\n")
    assert shapes(graph) == {"conv1": (1, 4, 6, 6), "relu": (1, 4, 6, 6), "conv2": (1, 5, 6, 6)}


def test_block_arguments_defaults_and_parameters() -> None:
    head = """
params: {alpha: 0.5}
input: [N, 3, 8, 8]
blocks:
  unit:
    args: {filters: , kernel: 3, act: relu}
    layers:
      - conv: {filters: round(filters * alpha), kernel: kernel, pad: same}
      - act
"""
    graph = model("  - unit: {filters: 8}\n  - unit: {filters: 6, kernel: 1, act: tanh}\n", head)
    assert [n.op_type for n in graph.nodes] == ["Conv", "Relu", "Conv", "Tanh"]
    assert shapes(graph)["unit1/conv"] == (1, 4, 8, 8)
    assert shapes(graph)["unit2/conv"] == (1, 3, 8, 8)
    assert graph.nodes[0].scope == ("unit1",)
    doubled = model("  - unit: {filters: 8}\n", head, params={"alpha": "1.0"})
    assert shapes(doubled)["unit/conv"] == (1, 8, 8, 8)


def test_repeat_counts_on_and_may_be_zero() -> None:
    body = "  - repeat: {times: %s, layers: [{conv: {filters: 3, kernel: 3, pad: 1}}, relu]}\n  - tanh\n"
    assert list(shapes(model(body % 2))) == ["conv1", "relu1", "conv2", "relu2", "tanh"]
    assert list(shapes(model(body % 0))) == ["tanh"]


def test_a_repeated_layer_may_have_a_name() -> None:
    graph = model("  - repeat: {times: 2, layers: [{relu: {as: a}}, {tanh: {from: a}}, {add: {from: [a, tanh1]}}]}\n")
    assert list(shapes(graph)) == ["a1", "tanh1", "add1", "a2", "tanh2", "add2"]
    assert graph.nodes[4].inputs == ("a2",)


def test_quoted_expressions_are_expressions() -> None:
    head = "params: {n: 'min(3, 4)'}\ninput: [N, 3, 8, 8]\nblocks: {b: {args: {f: }, layers: [{pointwise_conv: {filters: f}}]}}\n"
    assert shapes(model('  - b: {f: "max(n, 2)"}\n', head))["b/pointwise_conv"] == (1, 3, 8, 8)


def test_a_whole_shape_binds_the_symbols_in_its_place() -> None:
    head = "input: {ids: {shape: [N, seq], dtype: int64}, mask: [N, seq]}\n"
    graph = model("  - relu: {from: mask}\n", head, shapes={"ids": [2, 7]})
    assert graph.types["relu"].shape == (2, 7)
    assert graph.symbols == {"N": 2, "seq": 7}
    with pytest.raises(CostcalcError, match="seq is 7 and, by --shape mask, 8"):
        model("  - relu: {from: mask}\n", head, shapes={"ids": [2, 7], "mask": [2, 8]})


def test_a_parameter_that_is_defined_below() -> None:
    with pytest.raises(CostcalcError, match=r"m.yaml:1:13: 'b' is defined below; move it above"):
        model("  - relu\n", "params: {a: b * 2, b: 3}\ninput: [N, 2]\n")


def test_residual_identity_projection_and_zero_padding() -> None:
    identity = model("  - residual: {body: [{conv: {filters: 3, kernel: 3, pad: 1}}]}\n")
    assert [n.op_type for n in identity.nodes] == ["Conv", "Add"]
    assert identity.nodes[1].inputs == ("residual/conv", "input")
    projected = model(
        "  - residual:\n      body: [{conv: {filters: 6, kernel: 3, stride: 2, pad: 1}}]\n"
        "      shortcut: [{pointwise_conv: {filters: 6, stride: 2}}]\n"
    )
    assert shapes(projected)["residual/shortcut/pointwise_conv"] == (1, 6, 4, 4)
    padded = model(
        "  - residual:\n      body: [{conv: {filters: 6, kernel: 3, stride: 2, pad: 1}}]\n"
        "      shortcut: [{max_pool: {kernel: 1, stride: 2}}, {pad_channels: {to: 6}}]\n"
    )
    assert shapes(padded)["residual/add"] == (1, 6, 4, 4)


def test_branches_merge() -> None:
    two = "[{conv: {filters: 4, kernel: 1}}], []"
    assert shapes(model(f"  - branches: [{two}]\n"))["branches/concat"] == (1, 7, 8, 8)
    graph = model("  - branches: {merge: mul, paths: {gate: [sigmoid], value: []}}\n")
    assert [n.name for n in graph.nodes] == ["branches/gate/sigmoid", "branches/mul"]


def test_any_dag_by_names() -> None:
    graph = model(
        "  - conv: {filters: 4, kernel: 1}\n    as: a\n  - relu: {from: a, as: b}\n  - tanh:\n    from: a\n"
        "  - add: {from: [b, tanh]}\n  - concat: {from: [a, add, input]}\n"
    )
    assert graph.nodes[-1].inputs == ("a", "add", "input")
    assert shapes(graph)["concat"] == (1, 11, 8, 8)


def test_several_inputs_and_outputs() -> None:
    head = "input: {ids: {shape: [N, seq], dtype: int64}, mask: [N, seq, 16]}\noutput: [sum, embedding]\n"
    graph = model(
        "  - embedding: {entries: 10, features: 16, from: ids}\n  - add: {from: [embedding, mask], as: sum}\n", head
    )
    assert graph.outputs == ("sum", "embedding")
    assert graph.types["ids"].dtype is DType.INT64
    assert graph.types["sum"].shape == (1, symbol("seq"), 16)
    bound = model("  - relu: {from: mask}\n", "input: {ids: [N, seq], mask: [N, seq, 4]}\n", dims={"seq": 5, "N": 2})
    assert bound.types["relu"].shape == (2, 5, 4)


def test_every_operator_by_its_op_type() -> None:
    graph = model(
        "  - Transpose: {perm: [0, 2, 3, 1]}\n  - Softmax: {axis: -1}\n  - Reshape: {from: [Softmax, [0, -1]]}\n"
    )
    assert shapes(graph)["Reshape"] == (1, 192)
    graph = model(
        "  - parameter: {shape: [5, 3, 3, 3], as: w}\n  - Conv: {from: [input, w], pads: [1, 1, 1, 1], strides: [2, 2]}\n"
    )
    assert shapes(graph)["Conv"] == (1, 5, 4, 4)
    assert analyze_graph(graph).params == 5 * 3 * 3 * 3


def test_shared_weights_count_once() -> None:
    graph = model(
        "  - linear: {units: 4, as: first}\n  - repeat: {times: 9, layers: [{linear: {units: 4, weights: first}}]}\n",
        "input: [B, 4]\n",
        dims={"B": 3},
    )
    report = analyze_graph(graph)
    assert report.macs == 10 * 3 * 4 * 4
    assert report.params == 4 * 4 + 4


def test_recurrent_layers_share_weights() -> None:
    head = "input: [N, 5, 8]\n"
    shared = model("  - lstm: {hidden: 8, layers: 2, as: a}\n  - lstm: {hidden: 8, layers: 2, weights: a}\n", head)
    once = model("  - lstm: {hidden: 8, layers: 2}\n", head)
    assert analyze_graph(shared).params == analyze_graph(once).params
    assert analyze_graph(shared).macs == 2 * analyze_graph(once).macs


def test_yaml_surprises_are_read_as_meant() -> None:
    assert macs(model("  - conv: {filters: 2, kernel: 1, bias: no}\n")) == 2 * 3 * 64
    assert analyze_graph(model("  - conv: {filters: 2, kernel: 1, bias: no}\n")).params == 6
    assert shapes(model("  - conv: {filters: 1e1, kernel: 1}\n"))["conv"] == (1, 10, 8, 8)
    assert shapes(model("  - conv: {filters: 010, kernel: 1}\n"))["conv"] == (1, 10, 8, 8)


ERRORS = [
    (
        "  - conv: {filter: 4, kernel: 3}\n",
        "m.yaml:3:12: conv (conv): conv has no key 'filter'; did you mean 'filters'?",
    ),
    ("  - conv: {kernel: 3}\n", "conv needs 'filters'"),
    (
        "  - convv: {filters: 3}\n",
        "m.yaml:3:5: convv (convv): there is no layer, block or operator 'convv'; did you mean 'conv'?",
    ),
    ("  - conv: {filters: 4, kernel: 9}\n", "the kernel reaches over 9 but its padded input has only 8"),
    ("  - conv: {filters: 4.5, kernel: 3}\n", "filters is 4.5, not a whole number; use round(), floor(), ceil() or //"),
    ("  - conv: {filters: 0, kernel: 3}\n", "filters is 0; it is at least 1"),
    ("  - conv: {filters: -4, kernel: 3}\n", "filters is -4"),
    ("  - conv: {filters: 4, kernel: [3, 3, 3]}\n", "kernel has 3 numbers for 2 spatial axes"),
    ("  - conv: {filters: 4, kernel: 3, pad: sane}\n", "did you mean 'same'?"),
    ("  - conv: {filters: 4, kernel: 3, bias: maybe}\n", "neither true nor false"),
    ("  - conv: {filters: 4, kernel: 3, groups: 2}\n", "3 channels do not divide into 2 groups"),
    ("  - conv: {filters: filtres, kernel: 3}\n", "the name 'filtres' is not known"),
    ("  - conv: {filters: 12:30, kernel: 3}\n", "'12:30' is not an expression"),
    ("  - residual: {body: [{conv: {filters: 3, kernel: 3}}]}\n", "pad the body's convolutions (`pad: same`)"),
    ("  - residual: {body: [{conv: {filters: 1, kernel: 1}}]}\n", "which cannot be added"),
    ("  - relu: {from: []}\n", "`from:` names nothing"),
    ("  - relu: {from: [[input]]}\n", "the constant ['input'] is no number"),
    ("  - rotary_table: {size: 8, theta: 0}\n", "theta is 0; give a number above 0"),
    ("  - split: {parts: x}\n", "parts is 'x'"),
    ("  - slice: {axis: 2, end: x}\n", "end is 'x'"),
    ("  - flatten\n  - select: {axis: 1}\n  - batch_norm\n", "its input has 1 axes and no channels"),
    ("  - layer_norm: {axis: 9}\n", "its input has 4 axes, none is 9"),
    ('  - conv: {filters: "make_divisible(37, 0)", kernel: 1}\n', "make_divisible by 0"),
    ("  - {repeat: {times: 1000000000, layers: [relu]}}\n", "it repeats 1 layers 1,000,000,000 times"),
    ("  - relu: {as: a, when: 0}\n  - tanh: {from: a}\n", "'a' is left out by its `when:`"),
    ("  - relu: {from: nothing}\n", "m.yaml:3:18: relu (relu): nothing above is called 'nothing'"),
    ("  - relu: {from: later}\n  - tanh: {as: later}\n", "nothing above is called 'later'"),
    ("  - relu: {as: a}\n  - tanh: {as: a}\n", "given twice"),
    (
        "  - residual: {body: [{conv: {filters: 4, kernel: 3, pad: 1}}]}\n",
        "residual (residual): the body and the shortcut give [1, 4, 8, 8] and [1, 3, 8, 8], which cannot be added; give it a `shortcut:` that ends in 4 channels",
    ),
    ("  - residual: {bdy: []}\n", "residual has no key 'bdy'; did you mean 'body'?"),
    ("  - {relu: , tanh: }\n", "a layer has one kind, here are 2 ('relu', 'tanh')"),
    ("  - conv: 3\n", "the options of 'conv' are no mapping"),
    ("  - conv {filters: 16}\n", "the colon behind 'conv' is missing; write `- conv: {filters: 16}`"),
    ("  - maxpool: 2\n", "there is no layer 'maxpool'; write `- max_pool: {kernel: 2}`"),
    ("  - conv: {filters: 4, filters: 5, kernel: 3}\n", "the key 'filters' is given twice"),
    ("  - Conv: {kernel_shape: [3], padz: 1}\n", "Conv has no attribute 'padz'; did you mean 'pads'?"),
    ("  - Softmax: {axis: x}\n", "axis is 'x'"),
    ("  - Conv\n", "Conv): 1 input is given, the operator needs 2"),
    ("  - linear: {units: 4}\n  - flatten\n  - conv: {filters: 1, kernel: 1}\n", "has no spatial axes"),
    ("  - {repeat: {times: -1, layers: []}}\n", "times is -1"),
    ("  - &a [*a]\n", "stands inside its own anchor"),
    ("  - relu: {<<: {}}\n", "merge keys"),
    ("  - !!python/object:os.system {}\n", "a layer has one kind"),
    ("  - !evil relu\n", "the tag !evil is not part of the language"),
    ("  - relu: {from: [input\n", "the '[' in line 3 is not closed"),
    ("  - " + "[" * 100 + "]" * 100 + "\n", "levels are nested"),
]


@pytest.mark.parametrize(("layers", "says"), ERRORS)
def test_errors_say_where_what_and_what_to_do(layers: str, says: str) -> None:
    with pytest.raises(CostcalcError) as caught:
        model(layers)
    assert says in str(caught.value)
    assert str(caught.value).startswith("m.yaml:")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("just words", "it is no model"),
        ("input: [1]\n", "`layers:` is missing"),
        ("layers: []\n", "`input:` is missing"),
        ("inputs: [1]\nlayers: []\n", "unknown key 'inputs'; did you mean 'input'?"),
        ("input: {}\nlayers: [relu]\n", "`input:` names no input"),
        ("input: 5\nlayers: []\n", "the shape of 'input' is no list"),
        ("input: [N, -3]\nlayers: [relu]\n", "the extent is -3"),
        ("input: [3]\nblocks: {a: {layers: [{a: {}}]}}\nlayers: [a]\n", "the block 'a' uses itself"),
        ("input: [3]\nblocks: {a: {args: {n: }, layers: []}}\nlayers: [a]\n", "the block 'a' needs 'n'"),
        ("input: [3]\nlayers: [relu]\noutput: rely\n", "nothing above is called 'rely'; did you mean 'relu'?"),
        ("--- 1\n--- 2\n", "a second document"),
        ("a: \x00", "not YAML"),
    ],
)
def test_broken_files(text: str, says: str) -> None:
    with pytest.raises(CostcalcError) as caught:
        load_spec(text, "m.yaml")
    assert says in str(caught.value)


def test_unknown_parameters_and_symbols() -> None:
    with pytest.raises(CostcalcError, match="no parameter 'alhpa'; did you mean 'alpha'"):
        model("  - relu\n", "params: {alpha: 1}\ninput: [N, 2]\n", params={"alhpa": 2})
    with pytest.raises(CostcalcError, match="--set size="):
        model("  - relu\n", "params: {size: 1}\ninput: [N, size]\n", dims={"size": 2})
    with pytest.raises(CostcalcError, match="no symbol 'sequ'; did you mean 'seq'"):
        model("  - relu\n", "input: [N, seq]\n", dims={"sequ": 2})


def test_a_bomb_of_aliases_is_bounded() -> None:
    lines = ["a0: &a0 [relu]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(CostcalcError):
        load_spec("\n".join(lines) + "\ninput: [1]\nlayers: *a8\n", "m.yaml")


def aliases(first: str, levels: int, each: int) -> str:
    """A list whose last item stands for first, each^(levels - 1) times."""
    rows = [f"&a{i} [{', '.join([f'*a{i - 1}'] * each)}]" for i in range(1, levels)]
    return f"[{', '.join([f'&a0 [{first}]', *rows])}]"


@pytest.mark.parametrize(
    ("levels", "each", "says"),
    [
        (9, 10, "aliases stand for more than 100,000 values"),
        (5000, 1, "more than 60 levels are nested"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "params: {a: VALUE}\ninput: [1, 4]\nlayers: [relu]\n",
        "input: [1, 4]\nlayers:\n  - Reshape: {shape: VALUE}\n",
        "input: [1, 4]\nblocks: {b: {args: {k: VALUE}, layers: [relu]}}\nlayers: [b]\n",
    ],
)
def test_aliases_of_values_are_bounded(text: str, levels: int, each: int, says: str) -> None:
    with pytest.raises(CostcalcError, match=says):
        load_spec(text.replace("VALUE", aliases("1", levels, each)), "m.yaml")


def test_an_alias_within_the_bounds_is_what_it_stands_for() -> None:
    graph = load_spec(
        "input: [2, 12]\nlayers:\n  - Reshape: {from: [input, &s [4, 6]]}\n  - relu\n  - Reshape: {from: [relu, *s]}\n",
        "m.yaml",
    )
    assert [graph.types[node.outputs[0]].shape for node in graph.nodes] == [(4, 6)] * 3


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abN: -[]{},&*!\n\"'#|>%@`0123456789.relucnvmd", max_size=80))
def test_any_text_is_a_model_or_a_refusal(text: str) -> None:
    try:
        load_spec("input: [N, 3, 8, 8]\nlayers:\n" + text, "m.yaml")
    except CostcalcError as error:
        assert error.fact
