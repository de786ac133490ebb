"""explain prints the working of every figure from the same formulas that were costed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import helper
from support.cli import ok
from support.graphs import attention_scores, blocks, separable, standard_conv, unknown
from support.onnx_models import info, model, weight
from support.paths import DATA

import costcalc
from costcalc import CostcalcError
from costcalc.frontends.builtin import builtin_names
from costcalc.rules import DType, Graph, UsageError
from costcalc.views.explain import amount_line
from costcalc.views.explain_parts import more_layers

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
    for asked, name in [
        ("stage1/conv0/Conv", "stage1/conv0/Conv"),
        ("STAGE1/CONV0/CONV", "stage1/conv0/Conv"),
        ("fc", "fc"),
        ("stage1/max", "stage1/MaxPool"),
        ("flat", "Flatten"),
        ("gemm", "fc"),
    ]:
        assert costcalc.explain(report, asked).layer == name


def test_not_finding_a_layer() -> None:
    report = costcalc.analyze(blocks())
    with pytest.raises(UsageError, match=r"fits 2 blocks; which one of stage0/conv0, stage1/conv0"):
        costcalc.explain(report, "conv0")
    with pytest.raises(UsageError, match="did you mean Flatten"):
        costcalc.explain(report, "Flaten")
    with pytest.raises(UsageError, match="see `costcalc analyze`"):
        costcalc.explain(report, "zzzzzz")


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
        {
            "depthwise": "depthwise",
            "pointwise": "pointwise",
            "macs": 672,
            "standard": 2160,
            "filters": 5,
            "kernel": 9,
            "filter_params": 27,
            "positions": 16,
        }
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("separable22", "did you mean separable2 or separable"),
        ("separable2/depthwse", "did you mean separable2/depthwise_conv"),
        ("traffic_byts", "did you mean traffic_bytes?"),
        ("parms", "did you mean params?"),
        ("latency", "for layers and blocks; of quantities there are macs, flops, params"),
    ],
)
def test_blocks_and_quantities_are_suggested_too(name: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        costcalc.explain(costcalc.analyze("mobilenet_v1"), name)
    assert said in str(refused.value)


# What the settings ask for.


def lines(explanation: Any, section: str) -> list[tuple[str, str]]:
    return [(line.label, str(line)) for line in explanation.sections.get(section, ())]


def test_without_settings_nothing_is_added() -> None:
    assert costcalc.explain("lenet5").sections == {}
    assert set(costcalc.explain("lenet5").to_dict()) == {"model", "source", "layers", "sums", "separable"}


def test_the_peak_of_an_execution_is_a_sum_of_the_tensors_alive() -> None:
    """LeNet-5's second step reads tanh1, 6 × 28 × 28, and writes S2, 6 × 14 × 14."""
    execution: dict[str, Any] = {"fuse": True, "align": 64}
    found = lines(costcalc.explain("lenet5", execution=execution), "execution")
    first, second = 4 * 6 * 28 * 28, 4 * 6 * 14 * 14
    assert found[1:5] == [
        ("Step", "2 of 11, S2"),
        ("Alive", f"tanh1 1×6×28×28 float32 = {first:,}"),
        ("Alive", f"S2 1×6×14×14 float32 = {second:,}"),
        ("Peak", f"{first:,} + {second:,} = {first + second:,}"),
    ]
    arena = costcalc.footprint("lenet5", **execution).arena
    assert arena is not None and found[-1][1].endswith(f"= {arena.size:,}")
    layer = lines(costcalc.explain("lenet5", "C3", execution={"fuse": True}), "execution")
    assert layer[1] == ("Step", "4 of 11, C3, which runs C3, tanh2")
    assert layer[-1] == ("Live bytes", f"{4 * 1600:,} + {4 * 1176:,} = {4 * (1600 + 1176):,}")
    open_peak = lines(costcalc.explain(attention_scores(), execution={"reorder": True}), "execution")
    assert "--dim seq=…" in open_peak[-1][1]


def test_backward_macs_are_the_products_of_the_forward_pass() -> None:
    explanation = costcalc.explain("lenet5", training={"optimizer": "sgd"})
    working = {w.row.name: [s for s in w.steps if s.label == "Backward MACs"] for w in explanation.workings}
    (first,), (second,) = working["C1"], working["C3"]
    assert first.sides[0] == "weight gradient" and first.value == 25 * 784 * 6, "the image has no gradient"
    assert second.sides[-1] == "2 × 150 × 100 × 16" and second.value == 2 * 150 * 100 * 16
    values = [s.value for steps in working.values() for s in steps if isinstance(s.value, int)]
    assert sum(values) == explanation.report.totals["backward_macs"]
    (macs, total) = lines(explanation, "training")
    weights, kept = 4 * 61_706, explanation.report.totals["kept_activation_bytes"]
    assert macs[1].endswith(f"= {explanation.report.totals['training_macs']:,}")
    assert total[1].endswith(f"{weights:,} + {weights:,} + 0 + {kept:,} = {2 * weights + kept:,}")


def test_the_gradients_of_an_attention_are_of_each_of_its_products() -> None:
    explanation = costcalc.explain("gpt2", "decoder1/residual1/self_attention/attention", training=True)
    found = [step for step in explanation.workings[0].steps if step.label == "Backward MACs"]
    assert [step.sides[0] for step in found[:2]] == ["input gradient + input gradient"] * 2
    assert found[-1].value == explanation.workings[0].row.figures["backward_macs"]


def test_generation_has_its_working() -> None:
    options: dict[str, Any] = {"generation": {"prompt": 16, "generate": 4}, "devices": "t4"}
    found = dict(lines(costcalc.explain("gpt2", **options), "generation"))
    assert found["KV cache"].endswith(f"= 18,432 × 20 × 1 × 32 / 8 = {12 * 2 * 768 * 20 * 4:,}")
    assert found["Tokens/s on t4"].startswith("≤ ")
    with pytest.raises(CostcalcError, match="the model generates nothing"):
        costcalc.explain("lenet5", generation=True)


def test_a_tensor_leads_to_the_layer_that_computes_it(tmp_path: Path) -> None:
    """What `memory` prints can be given to `explain`, shortened too."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["/body/Conv_output_0"], name="first")]
    nodes.append(helper.make_node("Relu", ["/body/Conv_output_0"], ["getitem_9"], name="Conv"))
    path = tmp_path / "net.onnx"
    path.write_bytes(model(nodes, [info("x", shape=[1, 3, 6, 6])], ["getitem_9"], [weight("w", 5, 3, 3, 3)]))
    for tensor, layer in (("/body/Conv_output_0", "first"), ("…Conv_output_0", "first"), ("getitem_9", "Conv")):
        assert costcalc.explain(path, tensor).layer == layer


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("name", builtin_names())
def test_every_working_of_a_table_multiplies_out(name: str, runs: int) -> None:
    """The numbers of a row's formula, calculated, are the row's figure, where a loop runs the layers too."""
    graph = costcalc.analyze(name, dims={"*": 64}).graph
    graph = graph._replace(nodes=tuple([node._replace(count=runs) for node in graph.nodes]))
    rows = [(row, key) for row in costcalc.analyze(graph).rows for key in ("macs", "flops")]
    workings = [amount_line(*pair).sides[-1].replace(",", "").replace("×", "*") for pair in rows]
    assert all(re.fullmatch(r"[\d()+ *]+", working) for working in workings)
    figures = [row.figures[key] for row, key in rows]
    assert [eval(working) for working in workings] == figures


def test_the_middle_of_long_names_of_tensors_is_left_out() -> None:
    """A fused operator of a .tflite file has the names of all that it was made of; its document has them whole."""
    explanation = costcalc.explain(DATA / "npu" / "vela" / "pretrainedResnet_quant.tflite", "model/add")
    (working,) = explanation.workings
    assert max(map(len, working.inputs)) > 150
    text = str(explanation)
    assert "…" in text and "1×32×32×16" in text
    assert not any(operand in " ".join(text.split()) for operand in working.inputs)
    (layer,) = explanation.to_dict()["layers"]
    assert layer["inputs"] == list(working.inputs)


def test_equal_blocks_are_one_row_of_the_workings_and_one_term_of_a_total() -> None:
    table, every = ok("explain", "vit_b_16"), ok("explain", "vit_b_16", "--all-layers")
    row = next(line for line in table.splitlines() if line.startswith("encoder2 … 12 × 11"))
    times, one, total = (int(text.replace(",", "")) for text in re.findall(r"[\d,]+", row)[-3:])
    report = costcalc.analyze("vit_b_16")
    macs = sum(layer.figures["macs"] or 0 for layer in report.rows if re.match("encoder([2-9]|1[0-2])/", layer.name))
    assert times * one == total == macs and times == 11
    assert "encoder3/" not in table and "--all-layers" in table
    assert "encoder3/" in every and " × 11 " not in every and "--all-layers" not in every
    lines = ok("explain", "vit_b_16", "macs").splitlines()
    assert f"encoder2 … 12 × 11 = {total:,}" in lines[2] and lines[-1].endswith(f"{report.totals['macs']:,}")
    assert "encoder2/" in ok("explain", "vit_b_16", "macs", "--all-layers")
    document = json.loads(ok("explain", "vit_b_16", "macs", "--format", "json"))["explanation"]
    assert not any("× 11" in side for line in document["quantity"] for side in line["working"])


@pytest.mark.parametrize(
    "name", ["separable8 … 11", "separable8 … 11 × 4", "separable8 … 11 × 4   209,133,568   36.8%"]
)
def test_the_name_of_a_folded_row_is_answered(name: str) -> None:
    text = ok("explain", "mobilenet", name)
    assert "separable8/pointwise_conv  Conv" in text and "separable9/" not in text
    assert "separable8 … 11 × 4: 4 equal blocks" in " ".join(text.split())
    assert "4 × 52,283,392 = 209,133,568" in text


def test_a_folded_row_that_does_not_stand_in_the_table_has_no_layer() -> None:
    with pytest.raises(UsageError, match="has no layer 'separable8 … 12'"):
        costcalc.explain("mobilenet", "separable8 … 12")


def test_the_rest_of_a_sum_says_how_many_layers_it_is() -> None:
    text = " ".join(ok("explain", "resnet18", "conv2_x").split())
    rows = [row for row in costcalc.analyze("resnet18").rows if row.scope[:1] == ("conv2_x",)]
    flops = [row.figures["flops"] for row in rows if row.figures["flops"]]
    assert f"{sum(flops[8:]):,} ({len(flops) - 8} more layers) = {sum(flops):,}" in text
    assert more_layers(1) == "1 more layer"
