"""explain prints the working of every figure from the same formulas that were costed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.graphs import attention_scores, blocks, separable, standard_conv, unknown

import costcalc
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph
from costcalc.views.explain import find

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
