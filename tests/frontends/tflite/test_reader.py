"""Files of TensorFlow Lite as graphs: names, types, quantisation, custom operators, new shapes of inputs."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from support.paths import DATA, SHARED

import costcalc
from costcalc.analysis.memory.tflm.plan import tflm_arena
from costcalc.analysis.options import ExecutionOptions
from costcalc.core.errors import ShapeError, UnknownNameError, UsageError
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.frontends.tflite.names import NodeNames
from costcalc.graph.patterns.convolution import filter_shape, is_depthwise

FOLDER = DATA / "tflite"
TRUTH = SHARED / "tflite" / "truth.csv"
COPIES = DATA / "npu" / "vela"
"""The networks of MLPerf Tiny without the bytes of their weights, which are said to lie in another file."""


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


FIGURES = tuple(csv.DictReader((DATA / "npu" / "mlperf_tiny.csv").open(encoding="utf-8")))
"""MLPerf Tiny's networks by another reader of the format, and the arena that the tflite-micro package's interpreter
allocates: tests/tflite_models/vela_runs.py makes the copies."""


def test_networks_of_mlperf_tiny_are_seven() -> None:
    assert len(FIGURES) == 7


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row["model"])
@pytest.mark.parametrize("folder", [COPIES, TRUTH.parent], ids=["copy", "file"])
def test_networks_of_mlperf_tiny(folder: Path, row: dict[str, str]) -> None:
    """MACs, elements and bytes of all constants, operators; head, tail and total of the arena."""
    if folder == TRUTH.parent and not TRUTH.exists():
        pytest.skip("the networks of MLPerf Tiny are not on this machine")
    report = costcalc.analyze(folder / row["model"])
    arena = tflm_arena(report.graph, ExecutionOptions())
    assert [arena.total, arena.head_bytes, arena.tail_bytes] == [
        int(row[f"tflm_{part}"]) for part in ("total", "head", "tail")
    ]
    stored = report.graph.initializers.values()
    assert report.macs == int(row["macs"])
    assert sum(t.elements for t in stored) == int(row["const_elements"])
    assert sum(t.nbytes for t in stored) == int(row["const_bytes"])
    names = sorted(node.op_type for node in report.graph.nodes)
    assert names == sorted(
        name for part in row["op_types"].split(";") for name in [part.partition(":")[0]] * int(part.partition(":")[2])
    )


def test_layers_of_one_name_are_numbered_at_once() -> None:
    names = NodeNames()
    begin = time.process_time()
    given = [names.name("ADD", "layer") for _ in range(20_000)]
    assert given[:2] == ["layer", "layer_2"] and given[-1] == "layer_20000"
    assert names.name("ADD", "layer_2") == "layer_2_2"
    assert time.process_time() - begin < 2
