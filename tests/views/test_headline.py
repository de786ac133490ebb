"""The sentence that a page opens with: true of bounds, unknown operators, symbols, types, and models of next to nothing."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import unknown
from support.paths import ONNX_FILES

import costcalc
from costcalc.analysis.drawing_point import drawing_point
from costcalc.analysis.report import analyze_graph
from costcalc.rules import DType, GraphBuilder
from costcalc.views.headline import cut_name, report_headline


def sentence(source: Any, **options: Any) -> str:
    report = costcalc.analyze(source, **options)
    return report_headline(report, drawing_point(report))


def detector() -> costcalc.Report:
    """What is not 0 among 32 numbers, multiplied by a matrix."""
    b = GraphBuilder("found", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (4, 8))
    (places,) = b.add("NonZero", [x], name="places")
    (numbers,) = b.add("Cast", [places], {"to": 1}, name="numbers")
    (columns,) = b.add("Transpose", [numbers], {"perm": (1, 0)}, name="columns")
    (y,) = b.add("MatMul", [columns, b.add_initializer("w", DType.FLOAT32, (2, 3))], name="product")
    return analyze_graph(b.build([y]))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "resnet50",
            "ResNet-50: 4.09 GMACs, 25.6 M parameters (97.7 MiB); conv4_x takes 36 % of the MACs; activations peak at 9.19 MiB.",
        ),
        (
            "gpt2",
            "GPT-2 at seq = 1,024 (the most that it takes): ≤ 146 GMACs, 124 M parameters (475 MiB); head takes 27 % of the MACs; "
            "activations peak at ≤ 199 MiB.",
        ),
        (
            "llama_7b",
            "Llama 7B at seq = 128 (an example): 850 GMACs, 6.74 G parameters (25.1 GiB); each of 32 parts like decoder1 takes 3 % of "
            "the MACs; activations peak at 20.1 MiB.",
        ),
        (
            "pointwise_conv",
            "Pointwise (1×1) convolution: 18.4 kMACs, 512 parameters (2.00 KiB); activations peak at 6.75 KiB.",
        ),
        (
            ONNX_FILES / "toy_if__ts.onnx",
            "toy_if__ts: ≤ 8.19 kMACs, 3.73 k parameters (14.6 KiB); activations peak at ≤ 3.00 KiB; the dearer branch of each open If "
            "is counted.",
        ),
    ],
)
def test_the_sentence_of_a_model(source: Any, said: str) -> None:
    assert sentence(source) == said


def test_what_depends_on_data_stands_at_its_upper_bound() -> None:
    report = detector()
    said = report_headline(report, drawing_point(report))
    assert said.startswith(
        "found with the extent that depends on data at its upper bound: ≤ 192 MACs, 6 parameters (24 B)"
    )
    assert 32 * 2 * 3 == 192


def test_a_lower_bound_says_so_and_what_is_not_known() -> None:
    said = sentence(unknown())
    assert said.startswith("unknown: ≥ ") and "what 2 of 3 layers cost is not known" in said
    assert "of the known MACs" not in said, "one layer alone has MACs"


def test_a_model_without_products_leads_with_its_operations() -> None:
    b = GraphBuilder("table", "", {"": 17})
    (y,) = b.add("Relu", [b.add_input("x", DType.FLOAT32, (1, 40))], name="relu")
    assert sentence(b.build([y])) == "table: no MACs, 40 FLOPs, no parameters; activations peak at 320 B."


def test_types_are_told_where_they_are_not_float32() -> None:
    assert "4.09 GMACs (int8×int8)" in sentence("resnet50", dtype="int8", act_dtype="int8")
    assert "25.6 M parameters (24.4 MiB, " in sentence("resnet50", dtype="int8")
    assert "(fp16)" in sentence(ONNX_FILES / "toy_fp16__ts.onnx")


def test_a_share_that_rounds_to_the_whole_is_nearly_all() -> None:
    b = GraphBuilder("uneven", "", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 1000))
    (x,) = b.add("MatMul", [x, b.add_initializer("w", DType.FLOAT32, (1000, 1000))], name="large")
    (x,) = b.add("MatMul", [x, b.add_initializer("v", DType.FLOAT32, (1000, 1))], name="small")
    assert "large takes nearly all of the MACs" in sentence(b.build([x]))


def test_names_without_end_are_cut_in_the_middle() -> None:
    assert cut_name("n" * 100 + "_end") == "n" * 24 + "…" + "n" * 31 + "_end" and len(cut_name("n" * 1000)) == 60
    b = GraphBuilder("<b>" + "m" * 500, "", {"": 17})
    (y,) = b.add("Relu", [b.add_input("x", DType.FLOAT32, (1, 4))], name="relu")
    assert len(sentence(b.build([y]))) < 140
