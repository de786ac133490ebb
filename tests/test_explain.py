"""explain prints the working of every figure from the same formulas that were costed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made import attention_scores, blocks, separable, standard_conv, unknown

import costcalc
from costcalc.build import GraphBuilder
from costcalc.dim import symbol
from costcalc.errors import UsageError
from costcalc.ir import DType, Graph
from costcalc.separable import separables
from costcalc.windows import WHOLE, extent_lines, fields, window
from costcalc.working import find

F32 = DType.FLOAT32


def explained(graph: Graph, layer: str | None = None) -> str:
    return str(costcalc.explain(graph, layer))


def test_the_standard_convolution() -> None:
    text = explained(standard_conv())
    assert "#filter params × #filter positions × #filters = 27 × 16 × 5 = 2,160" in text
    assert "#filter params = C_in/group × k_h × k_w = 3 × 3 × 3 = 27" in text
    assert "h, w: ⌊(6 + 0 + 0 - 3) / 1⌋ + 1 = 4" in text
    assert "Params           5 × 3 × 3 × 3 = 135" in text


def test_the_separable_convolution_against_the_standard_one() -> None:
    text = explained(separable())
    assert "432 + 240 = 672" in text
    assert "672 / 2,160 = 1/5 + 1/9" in text


@pytest.mark.parametrize("graph", [standard_conv, separable, blocks, unknown, attention_scores])
def test_gold(graph: Callable[[], Graph], gold: Callable[[str, str], None]) -> None:
    gold(f"explain_{graph.__name__}.txt", explained(graph()))


def test_gold_of_many_layers(gold: Callable[[str, str], None]) -> None:
    gold("explain_many.txt", explained(blocks(stages=5)))


def test_the_ratio_holds_for_any_batch() -> None:
    b = GraphBuilder("open", "made", {"": 17})
    x = b.add_input("x", F32, (symbol("N"), 8, symbol("H"), symbol("W")))
    w, v = b.add_initializer("w", F32, (8, 1, 5, 5)), b.add_initializer("v", F32, (32, 8, 1, 1))
    (y,) = b.add("Conv", [x, w], {"group": 8, "pads": (2, 2, 2, 2)}, name="dw")
    (y,) = b.add("Clip", [y], name="relu6")
    (pair,) = separables(costcalc.analyze(b.build(b.add("Conv", [y, v], name="pw"))))
    assert pair.macs * (32 * 25) == pair.standard * (25 + 32)


def test_what_is_no_separable_pair() -> None:
    b = GraphBuilder("pairs", "made", {"": 17})
    x = b.add_input("x", F32, (1, 8, 8, 8))
    grouped, pointwise = b.add_initializer("g", F32, (8, 2, 3, 3)), b.add_initializer("p", F32, (4, 8, 1, 1))
    (y,) = b.add("Conv", [x, grouped], {"group": 4}, name="grouped")
    assert not list(separables(costcalc.analyze(b.build(b.add("Conv", [y, pointwise], name="pw")))))


def windowed(op: str, extent: int, kernel: int, **attributes: object) -> tuple[str, int]:
    """The extent's line and the extent of a square window over a square input."""
    b = GraphBuilder("one", "made", {"": 19})
    x = b.add_input("x", F32, (1, 4, extent, extent))
    names = [x]
    if op in ("Conv", "ConvTranspose"):
        names.append(b.add_initializer("w", F32, (4, 4, kernel, kernel)))
    else:
        attributes["kernel_shape"] = (kernel, kernel)
    (y,) = b.add(op, names, attributes, name="y")
    graph = b.build([y])
    found = window(graph.nodes[0], graph.types)
    assert found is not None
    (line,) = extent_lines(found)
    out = graph.types[y].shape
    assert out is not None
    return line, int(out[2])


@pytest.mark.parametrize(
    ("op", "extent", "kernel", "attributes", "line", "out"),
    [
        ("Conv", 224, 7, {"strides": (2, 2), "pads": (3, 3, 3, 3)}, "⌊(224 + 3 + 3 - 7) / 2⌋ + 1 = 112", 112),
        ("Conv", 16, 3, {"dilations": (2, 2)},
         "⌊(16 + 0 + 0 - 5) / 1⌋ + 1 = 12, the kernel's reach 2 × (3 - 1) + 1 = 5", 12),
        ("Conv", 5, 3, {"auto_pad": "SAME_UPPER", "strides": (2, 2)}, "⌈5 / 2⌉ = 3", 3),
        ("Conv", 5, 3, {"auto_pad": "VALID"}, "⌊(5 + 0 + 0 - 3) / 1⌋ + 1 = 3", 3),
        ("MaxPool", 6, 3, {"strides": (2, 2), "ceil_mode": 1}, "⌈(6 + 0 + 0 - 3) / 2⌉ + 1 = 3", 3),
        ("MaxPool", 5, 2, {"strides": (3, 3), "pads": (1, 1, 1, 1), "ceil_mode": 1},
         "⌈(5 + 1 + 1 - 2) / 3⌉ + 1 = 3, less a window that would start behind the input = 2", 2),
        ("ConvTranspose", 8, 4, {"strides": (2, 2), "pads": (1, 1, 1, 1)}, "2 × (8 - 1) + 4 + 0 - (1 + 1) = 16", 16),
        ("ConvTranspose", 8, 3, {"strides": (2, 2), "output_padding": (1, 1)},
         "2 × (8 - 1) + 3 + 1 - (0 + 0) = 18", 18),
    ],
)  # fmt: skip
def test_how_extents_follow(
    op: str, extent: int, kernel: int, attributes: dict[str, object], line: str, out: int
) -> None:
    assert windowed(op, extent, kernel, **attributes) == (f"h, w: {line}", out)


def test_receptive_fields_of_vgg_style_blocks() -> None:
    """3×3, 3×3, 2×2/2 see 3, 5, 6, then 10, 14, 16 with a jump of 2, 4 behind the second pool."""
    graph = blocks()
    found = fields(graph)
    sizes = {node.name: found[node.outputs[0]] for node in graph.nodes}
    assert [sizes[n].size[0] for n in ("stage0/conv0/Conv", "stage0/conv1/Relu", "stage0/MaxPool")] == [3, 5, 6]
    assert [sizes[n].size[0] for n in ("stage1/conv0/Conv", "stage1/conv1/Conv", "stage1/MaxPool")] == [10, 14, 16]
    assert [list(map(int, sizes[n].jump)) for n in ("stage1/conv1/Conv", "stage1/MaxPool")] == [[2, 2], [4, 4]]
    assert sizes["fc"] == WHOLE


def test_the_receptive_field_of_branches_is_the_larger_one() -> None:
    b = GraphBuilder("branches", "made", {"": 17})
    x = b.add_input("x", F32, (1, 4, 16, 16))
    three, five = b.add_initializer("w3", F32, (4, 4, 3, 3)), b.add_initializer("w5", F32, (4, 4, 5, 5))
    (left,) = b.add("Conv", [x, three], {"auto_pad": "SAME_UPPER"}, name="left")
    (right,) = b.add("Conv", [x, five], {"auto_pad": "SAME_UPPER", "dilations": (2, 2)}, name="right")
    graph = b.build(b.add("Add", [left, right], name="sum"))
    assert fields(graph)["sum"].size == (9, 9)


def test_finding_a_layer() -> None:
    report = costcalc.analyze(blocks())
    names = [row.name for row in report.rows]
    for asked, name in [
        ("stage1/conv0/Conv", "stage1/conv0/Conv"),
        ("STAGE1/CONV0/CONV", "stage1/conv0/Conv"),
        ("fc", "fc"),
        ("stage1/max", "stage1/MaxPool"),
        ("flat", "Flatten"),
        ("gemm", "fc"),
    ]:
        assert names[find(report, asked)] == name


def test_not_finding_a_layer() -> None:
    report = costcalc.analyze(blocks())
    with pytest.raises(UsageError, match=r"fits 4 layers; which one of stage0/conv0/Conv, stage0/conv0/Relu"):
        find(report, "conv0")
    with pytest.raises(UsageError, match="did you mean Flatten"):
        find(report, "Flaten")
    with pytest.raises(UsageError, match="see `costcalc analyze`"):
        find(report, "zzzzzz")


def test_every_step_is_true() -> None:
    """What stands on both sides of a numeric `=` is equal."""
    for graph in (standard_conv(), separable(), blocks(), blocks(stages=5)):
        for working in costcalc.explain(graph).workings:
            for step in working.steps:
                if step.value is not None and step.sides[-1].replace("#", "").replace(",", "")[0].isdigit():
                    assert eval(step.sides[-1].replace(",", "").replace("×", "*")) == step.value


def test_to_dict() -> None:
    content = costcalc.explain(separable()).to_dict()
    assert content["separable"] == [
        {"depthwise": "depthwise", "pointwise": "pointwise", "macs": 672, "standard": 2160, "filters": 5, "kernel": 9}
    ]
    macs = next(step for step in content["layers"][0]["steps"] if step["what"] == "MACs")
    assert macs == {
        "what": "MACs",
        "working": ["#filter params × #filter positions × #filters", "9 × 16 × 3"],
        "value": 432,
    }


def test_a_layer_is_found_by_parts_of_its_path_in_order() -> None:
    report = costcalc.analyze("bert_base")
    for asked in (
        "encoder1/self_attention/attention",
        "…encoder1…self_attention/attention",
        "ENCODER1/residual1/attention",
    ):
        found = costcalc.explain(report, asked).layer
        assert found == "encoder1/residual1/self_attention/attention", asked
    with pytest.raises(UsageError, match=r"did you mean encoder1/residual1/self_attention/query or encoder1/"):
        costcalc.explain(report, "encoder1/attentoin/query")
