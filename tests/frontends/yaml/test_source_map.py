"""Which nodes each layer of a file adds, and where layers stand in its text."""

from __future__ import annotations

from costcalc.frontends.yaml.document import find_spans
from costcalc.frontends.yaml.items import read_item
from costcalc.frontends.yaml.source_map import trace

TEXT = """\
input: [N, 4, 8, 8]
blocks:
  unit:
    args: {k: }
    layers:
      - conv: {filters: 4, kernel: k}   # inside
      - relu
layers:
  - unit: {k: 3}
  - repeat: {times: 2, layers: [{unit: {k: 1}}, tanh]}
  - silu:
    as: last   # "quoted # sign"
  - relu: {when: false}
"""


def test_each_use_has_its_nodes_and_its_names() -> None:
    found = trace(TEXT, "net.yaml")
    ops = [node.op_type for node in found.graph.nodes]
    assert ops == ["Conv", "Relu", "Conv", "Relu", "Tanh", "Conv", "Relu", "Tanh", "Sigmoid", "Mul"]
    uses = [(call.item.kind, call.first, call.last) for call in found.calls]
    assert uses == [
        ("conv", 0, 1),
        ("relu", 1, 2),
        ("unit", 0, 2),
        ("conv", 2, 3),
        ("relu", 3, 4),
        ("unit", 2, 4),
        ("tanh", 4, 5),
        ("conv", 5, 6),
        ("relu", 6, 7),
        ("unit", 5, 7),
        ("tanh", 7, 8),
        ("repeat", 2, 8),
        ("silu", 8, 10),
    ]
    assert [call.names["k"] for call in found.calls if call.item.kind == "conv"] == [3, 1, 1]
    within = [found.calls[call.parent].item.kind if call.parent >= 0 else "" for call in found.calls]
    assert within[:4] == ["unit", "unit", "", "unit"] and within[5] == "repeat" and within[-1] == ""


def test_spans_hold_a_layer_and_nothing_else() -> None:
    found, seen = trace(TEXT, "net.yaml"), find_spans(TEXT)
    texts = {}
    for call in found.calls:
        span = seen.of(call.item.node)
        texts[call.item.kind] = TEXT[span.start : span.end]
    assert texts == {
        "conv": "conv: {filters: 4, kernel: k}",
        "relu": "relu",
        "unit": "{unit: {k: 1}}",
        "tanh": "tanh",
        "repeat": "repeat: {times: 2, layers: [{unit: {k: 1}}, tanh]}",
        "silu": "silu:\n    as: last",
    }
    home = found.position(found.calls[0])
    assert home.entry == 0 and not seen.of(home.layers).flow
    assert read_item(home.layers.items[1], found.reader).kind == "relu"
    assert seen.comments(0, len(TEXT)) == ["# inside", '# "quoted # sign"']


def test_a_sign_inside_a_scalar_is_no_comment() -> None:
    text = 'a: "x # y"   # z\nb: [1, 2]  # w\n'
    assert find_spans(text).comments(0, len(text)) == ["# z", "# w"]
