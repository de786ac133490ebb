"""Files of TensorFlow Lite as graphs: names, types, quantisation, custom operators, new shapes of inputs."""

from __future__ import annotations

import csv
import time

import pytest
from support.paths import DATA, SHARED

import costcalc
from costcalc.core.errors import ShapeError, UnknownNameError, UsageError
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.frontends.tflite.names import NodeNames
from costcalc.graph.patterns.convolution import filter_shape, is_depthwise

FOLDER = DATA / "tflite"
TRUTH = SHARED / "tflite" / "truth.csv"


def nodes(name: str) -> dict[str, Node]:
    """The nodes of a small network by their operators."""
    return {node.op_type: node for node in costcalc.analyze(FOLDER / f"{name}.tflite").graph.nodes}


def test_filters_stand_as_in_the_file() -> None:
    graph = costcalc.analyze(FOLDER / "convolutions.tflite").graph
    depthwise = nodes("convolutions")["DEPTHWISE_CONV_2D"]
    assert graph.types[depthwise.inputs[1]].shape == (1, 3, 3, 16)
    assert filter_shape(graph, depthwise) == (16, 1, 3, 3) and is_depthwise(graph, depthwise)
    assert depthwise.attributes["group"] == 8
    assert traits_of(depthwise).layout == "channels_last"


def test_windows_and_activations_are_attributes() -> None:
    attributes = nodes("convolutions")["AVERAGE_POOL_2D"].attributes
    assert attributes == {"kernel_shape": (2, 3), "strides": (2, 2), "auto_pad": "VALID"}
    assert nodes("convolutions")["DEPTHWISE_CONV_2D"].attributes["activation"] == "RELU6"


def test_quantisation_is_told() -> None:
    report = costcalc.analyze(FOLDER / "quantised.tflite")
    assert "quantised tensors: 1 int32, 8 int8; scales: 2 by channel, 7 by tensor" in report.notes
    assert report.graph.quantised >= {"main/CONV_2D_1:0", "main/SOFTMAX_5:0"}


def test_weights_behind_a_dequantisation_are_parameters() -> None:
    """float16 weights that are made float32 before each run, as the converter writes them."""
    assert costcalc.analyze(FOLDER / "quantised.tflite").params == 8 * 27 + 8 + 32 + 12


def test_custom_operators_are_unknown_by_name() -> None:
    report = costcalc.analyze(FOLDER / "custom.tflite")
    assert [(u.domain, u.op_type) for u in report.unknown] == [("tflite.custom", "TFLite_Detection_PostProcess")]


def test_the_shape_of_an_input_that_no_operator_takes() -> None:
    with pytest.raises(ShapeError, match=r"inner extents|whole number of rows"):
        costcalc.analyze(FOLDER / "products.tflite", shapes={"rows": (3, 4, 9)})


def test_names_of_inputs_and_axes() -> None:
    with pytest.raises(UnknownNameError, match="no input 'row'"):
        costcalc.analyze(FOLDER / "products.tflite", shapes={"row": (3, 4, 8)})
    with pytest.raises(UsageError, match="has 2 extents"):
        costcalc.analyze(FOLDER / "products.tflite", shapes={"rows": (3, 8)})
    with pytest.raises(UnknownNameError, match=r"rows\.0"):
        costcalc.analyze(FOLDER / "products.tflite", dims={"rows": 2})
    assert costcalc.analyze(FOLDER / "shapes.tflite", dims={"x.0": 5}).macs == 5 * 24 * 3


@pytest.mark.skipif(not TRUTH.exists(), reason="the networks of MLPerf Tiny are not on this machine")
def test_networks_of_mlperf_tiny() -> None:
    """MACs, elements and bytes of all constants, and operators, as another reader of the format counts them."""
    for row in csv.DictReader(TRUTH.open(encoding="utf-8")):
        report = costcalc.analyze(TRUTH.parent / row["model"])
        stored = report.graph.initializers.values()
        assert report.macs == int(row["macs"])
        assert sum(t.elements for t in stored) == int(row["const_elements"])
        assert sum(t.nbytes for t in stored) == int(row["const_bytes"])
        names = sorted(node.op_type for node in report.graph.nodes)
        assert names == sorted(
            name
            for part in row["op_types"].split(";")
            for name in [part.partition(":")[0]] * int(part.partition(":")[2])
        )


def test_layers_of_one_name_are_numbered_at_once() -> None:
    names = NodeNames()
    begin = time.process_time()
    given = [names.name("ADD", f"layer;{i}") for i in range(20_000)]
    assert given[:2] == ["layer", "layer_2"] and given[-1] == "layer_20000"
    assert names.name("ADD", "layer_2") == "layer_2_2"
    assert time.process_time() - begin < 2
