"""Notes on what an exporter did: a tied weight stored twice, BatchNormalization folded into convolutions."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto
from onnx import helper as h
from support.onnx_models import model

from costcalc.frontends.onnx.reader import load_onnx

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def notes(nodes: list[Any], inputs: list[Any], stored: dict[str, list[int]]) -> tuple[str, ...]:
    tensors = [
        TensorProto(name=name, data_type=FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        for name, shape in stored.items()
    ]
    return load_onnx(model(nodes, inputs, ["y"], tensors)).notes


IDS = [h.make_tensor_value_info("ids", INT, [1, 7])]
IMAGE = [h.make_tensor_value_info("x", FLOAT, [1, 3, 8, 8])]


def language_model(*, blocks: int = 2) -> list[Any]:
    """A table of 50 words, `blocks` products of 8 × 30 and back, and a product with all words."""
    nodes = [h.make_node("Gather", ["table", "ids"], ["h0"])]
    for i in range(blocks):
        nodes.append(h.make_node("MatMul", [f"h{i}", f"up{i}"], [f"u{i}"]))
        nodes.append(h.make_node("MatMul", [f"u{i}", f"down{i}"], [f"h{i + 1}"]))
    return [*nodes, h.make_node("MatMul", [f"h{blocks}", "head"], ["y"])]


BLOCKS = {"up0": [8, 30], "down0": [30, 8], "up1": [8, 30], "down1": [30, 8]}


def test_a_table_and_a_head_of_its_transposed_shape() -> None:
    (found,) = notes(language_model(), IDS, {"table": [50, 8], "head": [8, 50], **BLOCKS})
    assert found == (
        "table and head have the same shape up to transposition: if they are one tied weight, "
        "400 of the parameters are counted twice"
    )


def test_weights_of_blocks_that_have_a_tables_shape_are_no_hint() -> None:
    assert notes(language_model(), IDS, {"table": [30, 8], "head": [8, 50], **BLOCKS}) == ()


def test_folded_batch_normalization() -> None:
    """Torch's exporter names a weight that it has changed after the operator."""
    convolution = [h.make_node("Conv", ["x", "onnx::Conv_12", "onnx::Conv_13"], ["y"])]
    (found,) = notes(convolution, IMAGE, {"onnx::Conv_12": [4, 3, 3, 3], "onnx::Conv_13": [4]})
    assert found.startswith("BatchNormalization seems to be folded into convolutions (onnx::Conv_12, …)")
    untouched = [h.make_node("Conv", ["x", "conv1.weight", "conv1.bias"], ["y"])]
    assert notes(untouched, IMAGE, {"conv1.weight": [4, 3, 3, 3], "conv1.bias": [4]}) == ()
