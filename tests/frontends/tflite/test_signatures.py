"""Signatures, variables and custom operators of `.tflite` files, and what their weights are stored as."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cli import environment, ok
from support.paths import DATA

import costcalc
from costcalc.core.errors import CostcalcError, UnknownNameError
from costcalc.frontends.onnx.writer import export
from costcalc.frontends.tflite.flexbuffer import read_custom_options
from costcalc.frontends.tflite.model import read_model

FOLDER = DATA / "tflite"


def analyze(name: str, **options: Any) -> costcalc.Report:
    return costcalc.analyze(FOLDER / f"{name}.tflite", **options)


def total(report: costcalc.Report, key: str) -> object:
    """A total of the JSON document."""
    return report.to_dict()["totals"][key]


def test_inputs_have_the_names_of_the_signature() -> None:
    """A tensor's own name is taken as well."""
    assert analyze("trained_weights").graph.inputs == ("x",)
    assert analyze("trained_weights", shapes={"x": (5, 6)}).macs == 5 * 4 * 6
    assert analyze("trained_weights", shapes={"x_0": (5, 6)}).macs == 5 * 4 * 6
    assert analyze("trained_weights", dims={"x_0.0": 3}).macs == 3 * 4 * 6


def test_a_signature_is_chosen_as_a_parameter() -> None:
    report = analyze("trained_weights", params={"signature": "restore"})
    assert report.graph.inputs == ("weights",) and report.macs == 0
    assert "signature restore is read; the file has infer too (--set signature=KEY)" in report.notes
    with pytest.raises(UnknownNameError, match=r"no signature 'infr'; did you mean 'infer'\?"):
        analyze("trained_weights", params={"signature": "infr"})
    with pytest.raises(UnknownNameError, match="has no parameter 'alpha'"):
        analyze("trained_weights", params={"alpha": 1})
    with pytest.raises(UnknownNameError, match="without signatures has no parameters"):
        analyze("products", params={"signature": "infer"})


def test_variables_are_weights_or_states() -> None:
    """What a product reads as its weights is a parameter, once; what only stays from run to run is a buffer."""
    weights, state = analyze("trained_weights"), analyze("state")
    assert tuple(total(weights, key) for key in ("params", "buffers", "weight_bytes")) == (4 * 6, 0, 4 * 6 * 4)
    assert tuple(total(state, key) for key in ("params", "buffers", "weight_bytes")) == (0, 2 * 3, 2 * 3 * 4)


def test_what_a_loop_carries() -> None:
    """The weights that it leaves as they are count once, as weights; the state that it begins with is a buffer."""
    report = analyze("counted")
    assert (total(report, "params"), total(report, "buffers")) == (6 * 6, 2 * 6)
    assert report.macs == 4 * 2 * 6 * 6


def test_symbolic_opens_the_batch_and_the_image() -> None:
    """Channels stand last: the extent of 3 stays."""
    report = analyze("quantised", symbolic=True)
    assert list(map(str, report.graph.types["image"].shape or ())) == ["N", "H", "W", "3"]
    assert analyze("quantised", symbolic=True, dims={"N": 2, "H": 16, "W": 10}).macs == (
        analyze("quantised", shapes={"image": (2, 16, 10, 3)}).macs
    )


@pytest.mark.parametrize(
    ("name", "params", "nbytes", "precisions"),
    [
        ("hybrid_products", 128 + 8 + 32, 128 + 8 * 4 + 32, {"int8×int8": 5 * 8 * 16 + 5 * 4 * 8}),
        ("lstm_hybrid", 160 + 16, 160 + 16 * 4 + 2 * 2 * 4 * 4, {"int8×int8": 10 * 160}),
        ("four_bits", 256 + 32, 128 + 16, {"int8×int4": 3 * 8 * 32 + 3 * 4 * 8}),
        ("sixteen_by_eight", 108 + 4 + 8 + 2, 108 + 4 * 8 + 8 + 2 * 8, {"int16×int8": 36 * 4 * 27 + 2 * 4}),
        ("half_weights", 108 + 4 + 8 + 2, 112 * 2 + 10 * 4, {"fp32×fp16": 36 * 4 * 27, "fp32": 36 * 2 * 4}),
        ("sparse_weights", 7 + 2, (7 + 2) * 4 + (4 + 7 + 3 + 2) * 4, {"fp32": 2 * 3 * 8 + 2 * 2 * 3}),
    ],
)
def test_weights_as_they_are_stored(name: str, params: int, nbytes: int, precisions: dict[str, int]) -> None:
    """Parameters once, bytes as in the file, and what the kernel multiplies: a hybrid one quantises its input."""
    report = analyze(name)
    assert (report.params, total(report, "weight_bytes")) == (params, nbytes)
    assert report.macs_by_precision() == precisions


def test_sparse_weights_are_told() -> None:
    assert "sparse weights: 2 tensors, 9 of 30 values stored" in analyze("sparse_weights").notes


def test_custom_operators_are_told_as_what_they_are() -> None:
    text = ok("analyze", str(FOLDER / "compiled.tflite"))
    assert "tflite.custom:ethos-u" in text
    assert "a network compiled for an Arm Ethos-U" in ok("explain", str(FOLDER / "compiled.tflite"), "main/ethos-u_0:0")
    flex = analyze("flex")
    assert [(n.domain, n.op_type) for n in flex.graph.nodes] == [
        ("tflite.flex", "Erf"),
        ("tflite.flex", "MatrixInverse"),
    ]
    assert [unknown.op_type for unknown in flex.unknown] == ["MatrixInverse"]


def test_options_of_a_custom_operator_are_attributes() -> None:
    (detection,) = analyze("detection").graph.nodes
    assert detection.attributes["max_detections"] == 10
    assert detection.attributes["nms_iou_threshold"] == pytest.approx(0.6)
    pool = analyze("mediapipe").graph.nodes[0]
    assert pool.attributes == {"auto_pad": "SAME_UPPER", "strides": (2, 2), "kernel_shape": (2, 2)}


def test_every_cut_of_options_gives_attributes_or_none() -> None:
    """A flexbuffer is read from its end: each beginning, end and changed byte of one is read without a failure."""
    data = (FOLDER / "detection.tflite").read_bytes()
    (call,) = read_model(data).subgraphs[0].operators
    start = data.index(b"max_detections\0") - 200
    options = data[max(start, 0) : start + 600]
    assert call.attributes["num_classes"] == 3
    for size in range(len(options)):
        read_custom_options("acme", options[:size])
        for byte in (0, 9 << 2, 255):
            read_custom_options("acme", options[:size] + bytes((byte, 38, 1)))


RULES = """
from costcalc.rules import Cost, TensorType, cost_rule, formula, shape_rule

@shape_rule("MatrixInverse", domain="tflite.flex")
def inverse_shape(x: TensorType) -> TensorType:
    return x

@cost_rule("MatrixInverse", domain="tflite.flex")
def inverse_cost(x: TensorType) -> Cost:
    return Cost(formula(("n", x.shape[0]), ("n", x.shape[1]), ("n", x.shape[1])))
"""


def test_rules_for_a_custom_operator(tmp_path: Path) -> None:
    """In a process of its own: rules stay registered."""
    path = tmp_path / "inverse.py"
    path.write_text(RULES)
    model = str(FOLDER / "flex.tflite")
    words = [sys.executable, "-m", "costcalc", "explain", model, "--rules", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    assert "n × n × n = 2 × 3 × 3 = 18" in done.stdout


def test_export_to_onnx_is_refused(tmp_path: Path) -> None:
    """Images have channels first there: what stands in the file would not be what is exported."""
    with pytest.raises(CostcalcError, match="tflite:QUANTIZE is no operator of ONNX"):
        export(costcalc.load(FOLDER / "quantised.tflite"), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
