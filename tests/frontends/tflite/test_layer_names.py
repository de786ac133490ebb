"""What layers of `.tflite` files are called, and in which blocks they stand: after the converter's joined names."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.paths import DATA

import costcalc
from costcalc.analysis.grouping import block_tree
from costcalc.frontends.tflite.layer_names import layer_names
from costcalc.frontends.tflite.model import OperatorCall, Subgraph

VELA = DATA / "npu" / "vela"


def name_layers(*calls: tuple[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Operators with the names of their outputs -> the layers' names and blocks."""
    names = [output for _, output in calls]
    operators = tuple(OperatorCall(operator, False, (), (i,), {}) for i, (operator, _) in enumerate(calls))
    return [(layer.name, layer.scope) for layer in layer_names(Subgraph("main", (), (), (), operators), names)]


@pytest.mark.parametrize(
    ("operator", "joined", "layer"),
    [
        ("CONV_2D", "m/relu/Relu;m/bn/FusedBatchNormV3;m/c2/BiasAdd;m/c9/Conv2D;m/c2/Conv2D1", "m/c2"),
        ("CONV_2D", "m/relu/Relu;m/dw/depthwise;m/c/BiasAdd/ReadVariableOp/resource;m/c/Conv2D", "m/c"),
        ("DEPTHWISE_CONV_2D", "m/r/Relu6;m/bn/batchnorm/mul_1;m/dw/depthwise;;m/p/Pad;1", "m/dw"),
        ("FULLY_CONNECTED", "m/activation/Relu;m/dense/BiasAdd", "m/dense"),
        ("ADD", "m/activation_2/Relu;m/add/add", "m/add"),
        ("TANH", "m/act/Tanh", "m/act"),
        ("SOFTMAX", "StatefulPartitionedCall:0", "StatefulPartitionedCall:0"),
        ("CONV_2D", "Relu;Conv2D", "Relu"),
    ],
)
def test_a_layer_is_called_after_what_it_computes(operator: str, joined: str, layer: str) -> None:
    assert name_layers((operator, joined))[0][0] == layer


def test_operators_of_one_layer_stand_in_its_block() -> None:
    calls = [("SHAPE", "m/up/Shape"), ("PACK", "m/up/stack"), ("TRANSPOSE_CONV", "m/up/conv_transpose")]
    assert name_layers(*calls) == [(joined, ("m", "up")) for _, joined in calls]


def test_numbered_blocks_are_found_where_several_layers_name_them() -> None:
    layers = ["conv1_1", "block_1_expand_1", "block_1_project_1", "block_2_expand_1"]
    scopes = [scope for _, scope in name_layers(*[("CONV_2D", f"m/{name}/convolution") for name in layers])]
    assert scopes == [("m",), ("m", "block_1"), ("m", "block_1"), ("m",)]


def test_names_that_no_converter_writes_take_no_time() -> None:
    begin = time.process_time()
    for text in ("a/" * 500_000, "1_" * 500_000 + "a", "a;" * 500_000, "m/" + "1_" * 190 + "a"):
        assert len(name_layers(*[("CONV_2D", text)] * 20)) == 20
    assert time.process_time() - begin < 2


def blocks(path: Path) -> list[str]:
    return [child.label for child in block_tree(costcalc.analyze(path).rows).children.values()]


def test_blocks_of_published_networks() -> None:
    """Keras' MobileNetV2 has 16 numbered blocks, its ResNet-50 four stages of blocks; MLPerf Tiny's networks number
    their layers and nothing else."""
    assert [f"block_{i}" for i in range(1, 17)] == [
        b for b in blocks(VELA / "mobilenet_v2_0.35_96.tflite") if "block" in b
    ]
    assert [f"conv{i}" for i in range(1, 6)] == [b for b in blocks(VELA / "resnet50_224.tflite") if "conv" in b]
    layers = [name for i in range(14) for name in (f"conv2d_{i}", f"depthwise_conv2d_{i}")][:-1]
    assert [name.removesuffix("_0") for name in layers] == blocks(VELA / "vww_96_int8.tflite")[:27]


@pytest.mark.parametrize("path", sorted(DATA.glob("**/*.tflite")), ids=lambda path: path.name)
def test_layers_of_a_file_have_names_of_their_own(path: Path) -> None:
    """No column of blocks says `Relu` for each layer."""
    try:
        labels = blocks(path)
    except costcalc.rules.CostcalcError:
        return
    assert len(labels) < 3 or len(set(labels)) > len(labels) // 2
