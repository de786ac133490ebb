"""What a training step keeps, by hand."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from costcalc import analyze
from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import analyze_graph
from costcalc.analysis.training.step import TrainingStep, cost_training
from costcalc.cli.group import cli
from costcalc.graph.convert import convert
from costcalc.rules import DType, Graph, GraphBuilder, UsageError

F32, I64, BOOL = DType.FLOAT32, DType.INT64, DType.BOOL


def training(graph: Graph, setup: TrainingOptions = TrainingOptions()) -> TrainingStep:  # noqa: B008
    found = cost_training(analyze_graph(graph), setup).step
    assert found
    return found


def test_a_convolution_with_all_that_follows() -> None:
    """Kept: the input of the convolution, the batch norm's input and statistics, the Relu's output (the second
    convolution's input is the same tensor), the pool's input and places; the flattened tensor is the pool's output."""
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (2, 3, 8, 8))
    (x,) = b.add("Conv", [x, b.add_initializer("w", F32, (4, 3, 3, 3))], {"pads": (1, 1, 1, 1)}, name="conv")
    norm = [b.add_initializer(f"bn{i}", F32, (4,)) for i in range(4)]
    (x,) = b.add("BatchNormalization", [x, *norm], name="bn")
    (x,) = b.add("Relu", [x], name="relu")
    (x,) = b.add("Conv", [x, b.add_initializer("v", F32, (4, 4, 1, 1))], name="conv2")
    (x,) = b.add("MaxPool", [x], {"kernel_shape": (2, 2), "strides": (2, 2)}, name="pool")
    (x,) = b.add("Flatten", [x], name="flat")
    graph = b.build(b.add("Gemm", [x, b.add_initializer("u", F32, (64, 10))], name="fc"))
    map_, pooled = 2 * 4 * 8 * 8, 2 * 4 * 4 * 4
    kept = 4 * 2 * 3 * 8 * 8 + (4 * map_ + 4 * 2 * 4) + 4 * map_ + 4 * map_ + 8 * pooled + 4 * pooled
    found = training(graph)
    assert found.nbytes["activations"] == kept
    params = 4 * 3 * 9 + 4 + 4 + 4 * 4 + 64 * 10
    assert found.params == {"trained": params, "frozen": 0}
    assert found.nbytes["weights"] == 4 * (params + 8)
    assert found.nbytes["gradients"] == 4 * params
    assert found.nbytes["optimizer"] == 8 * params
    assert found.total_bytes == kept + 4 * (params + 8) + 12 * params


def test_what_is_frozen_keeps_nothing() -> None:
    """fc0 is frozen, so its input is not needed; fc1's is."""
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (2, 3))
    (x,) = b.add("MatMul", [x, b.add_initializer("w0", F32, (3, 5))], name="fc0")
    (x,) = b.add("Sigmoid", [x], name="act")
    graph = b.build(b.add("MatMul", [x, b.add_initializer("w1", F32, (5, 7))], name="fc1"))
    assert training(graph).nbytes["activations"] == 4 * (2 * 3 + 2 * 5)
    assert training(graph, TrainingOptions(freeze=("w0",))).nbytes["activations"] == 4 * 2 * 5
    assert training(graph, TrainingOptions(freeze=("w1",))).nbytes["activations"] == 4 * (2 * 3 + 2 * 5)


def test_products_quotients_masks_and_ids() -> None:
    b = GraphBuilder("net", "made", {"": 17})
    ids, y = b.add_input("ids", I64, (6,)), b.add_input("y", F32, (6, 4))
    (x,) = b.add("Gather", [b.add_initializer("table", F32, (9, 4)), ids], name="embed")
    (x,) = b.add("Mul", [x, y], name="mul")
    (x,) = b.add("Dropout", [x], name="dropout")
    (x,) = b.add("Div", [y, x], name="div")
    graph = b.build(b.add("Softmax", [x], name="softmax"))
    ids_, each = 8 * 6, 4 * 6 * 4
    mask = 6 * 4
    assert training(graph).nbytes["activations"] == ids_ + each + mask + each + each
    "the ids; y, which both the product and the quotient keep; the mask; what dropout gives; the softmax's output"


def test_layer_norm_keeps_a_mean_and_a_deviation_a_row() -> None:
    b = GraphBuilder("net", "made", {"": 17})
    x = b.add_input("x", F32, (2, 5, 8))
    scale, bias = b.add_initializer("s", F32, (8,)), b.add_initializer("b", F32, (8,))
    graph = b.build(b.add("LayerNormalization", [x, scale, bias], {"axis": -1}, name="ln", outputs=["y"]))
    assert training(graph).nbytes["activations"] == 4 * 2 * 5 * 8 + 4 * 2 * (2 * 5)


def test_attention_keeps_its_probabilities() -> None:
    b = GraphBuilder("attention", "made", {"": 23})
    x = b.add_input("x", F32, (2, 49, 64))
    q, k, v = (b.add("MatMul", [x, b.add_initializer(f"w_{n}", F32, (64, 64))], name=n)[0] for n in "qkv")
    heads = {"q_num_heads": 4, "kv_num_heads": 4}
    graph = b.build(b.add("Attention", [q, k, v], heads, name="attention", outputs=["y"]))
    assert training(graph).nbytes["activations"] == 4 * (4 * 2 * 49 * 64 + 2 * 4 * 49 * 49)


def blocks(n: int = 3) -> Graph:
    """n blocks of two linear layers 8 → 8 with a Sigmoid behind each, at 10 rows."""
    b = GraphBuilder("blocks", "made", {"": 17})
    x = b.add_input("x", F32, (10, 8))
    for i in range(n):
        for j in range(2):
            w = b.add_initializer(f"w{i}{j}", F32, (8, 8))
            (x,) = b.add("MatMul", [x, w], name=f"b{i}/fc{j}", scope=(f"b{i}",))
            (x,) = b.add("Sigmoid", [x], name=f"b{i}/s{j}", scope=(f"b{i}",))
    return b.build([x])


def test_checkpoints() -> None:
    """Everything: the input and two sigmoids a block. With checkpoints: each block's input, and the sigmoids of one."""
    each, forward = 4 * 10 * 8, 10 * 8 * 8 * 6
    whole, again = training(blocks()), training(blocks(), TrainingOptions(checkpoint=True))
    assert whole.nbytes["activations"] == 7 * each
    assert again.nbytes["activations"] == 3 * each + 2 * each
    assert again.checkpoint and (again.checkpoint.depth, again.checkpoint.blocks) == (1, 3)
    assert (whole.macs["recompute"], again.macs["recompute"]) == (0, forward)
    assert again.total_macs == whole.total_macs + forward


def test_frozen_blocks_are_not_computed_again() -> None:
    found = training(blocks(), TrainingOptions(checkpoint=True, freeze=("b0",)))
    assert found.checkpoint and found.checkpoint.blocks == 2
    assert found.macs["recompute"] == 10 * 8 * 8 * 4


def test_no_blocks_to_checkpoint() -> None:
    b = GraphBuilder("net", "made", {"": 17})
    x, w = b.add_input("x", F32, (2, 3)), b.add_initializer("w", F32, (3, 5))
    with pytest.raises(UsageError, match="no blocks"):
        training(b.build(b.add("MatMul", [x, w], name="fc")), TrainingOptions(checkpoint=True))


@pytest.mark.parametrize(
    ("optimizer", "nbytes"),
    [
        ("sgd", 0),
        ("momentum", 4 * (100 * 50 + 50)),
        ("adam", 8 * (100 * 50 + 50)),
        ("adamw-8bit", 2 * (100 * 50 + 4 * 20) + 8 * 50),  # 5,000 in 20 blocks of 256; 50 are too few for 8 bits
    ],
)
def test_optimizers(optimizer: str, nbytes: int) -> None:
    b = GraphBuilder("net", "made", {"": 17})
    x, w, c = (
        b.add_input("x", F32, (2, 100)),
        b.add_initializer("w", F32, (100, 50)),
        b.add_initializer("c", F32, (50,)),
    )
    graph = b.build(b.add("Gemm", [x, w, c], name="fc"))
    assert training(graph, TrainingOptions(optimizer)).nbytes["optimizer"] == nbytes


def test_half_precision_halves_all_but_the_statistics() -> None:
    graph = blocks()
    half = training(convert(graph, DType.BFLOAT16, DType.BFLOAT16))
    assert {name: 2 * n for name, n in half.nbytes.items()} == training(graph).nbytes


def test_gradients_of_integer_weights_are_float32() -> None:
    found = training(convert(blocks(), DType.INT8))
    assert found.nbytes["weights"] == 6 * 64
    assert found.nbytes["gradients"] == 4 * 6 * 64


def test_an_optimizer_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="lion"):
        cost_training(analyze("lenet5"), TrainingOptions("lion"))


def test_the_command_line() -> None:
    options = ["--training", "--optimizer", "sgd", "--freeze", "conv1", "--format", "json"]
    run = CliRunner().invoke(cli, ["analyze", "resnet18", *options])
    assert run.exit_code == 0, run.output
    model = json.loads(run.output)["models"][0]
    assert model["training"]["freeze"] == ["conv1"]
    assert model["training"]["macs"]["backward"] == model["totals"]["backward_macs"]
    assert sum(layer["backward_macs"] for layer in model["layers"]) == model["totals"]["backward_macs"]
    table = CliRunner().invoke(cli, ["analyze", "resnet18", "--training", "--checkpoint", "--by", "block"])
    assert table.exit_code == 0 and "Backward MACs" in table.output and "Recomputed MACs" in table.output


def test_options_that_need_training() -> None:
    for options in (["--optimizer", "sgd"], ["--checkpoint"]):
        run = CliRunner().invoke(cli, ["analyze", "lenet5", *options])
        assert run.exit_code != 0
        assert "add --training" in str(getattr(run.exception, "remedy", ""))


def test_whether_training_fits_a_device() -> None:
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.analysis.roofline.energy import memory_fits

    report = cost_training(analyze_graph(blocks()))
    *_, fit = memory_fits(report, find_profile("t4"))
    assert fit.nbytes == report.step.total_bytes
    assert fit.contents.startswith("training") and fit.fits
