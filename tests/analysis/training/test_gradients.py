"""MACs of gradients, by hand: which layers need which gradient."""

from __future__ import annotations

from itertools import pairwise

import pytest

from costcalc import analyze
from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.training.step import TrainingReport, cost_training
from costcalc.rules import DType, Graph, GraphBuilder, UsageError, symbol

F32, I64 = DType.FLOAT32, DType.INT64
RESNET18, CONV1 = 1_814_073_344, 64 * 112 * 112 * 3 * 7 * 7


def cost(graph: Graph, freeze: tuple[str, ...] = (), input_gradient: bool = False) -> TrainingReport:
    return cost_training(analyze_graph(graph), TrainingOptions(freeze=freeze, input_gradient=input_gradient))


def backward(report: Report) -> dict[str, object]:
    return {row.name: row["backward_macs"] for row in report.rows if row["backward_macs"] != 0}


def chain(*extents: int, shared: bool = False) -> Graph:
    """Linear layers fc0, fc1, … with a Relu between, at 10 rows."""
    b = GraphBuilder("chain", "made", {"": 17})
    x = b.add_input("x", F32, (10, extents[0]))
    for i, (n, m) in enumerate(pairwise(extents)):
        w = "w0" if shared and i else b.add_initializer(f"w{i}", F32, (n, m))
        (x,) = b.add("MatMul", [x, w], name=f"fc{i}", scope=(f"block{i}",))
        (x,) = b.add("Relu", [x], name=f"relu{i}", scope=(f"block{i}",))
    return b.build([x])


def one(op: str, x: tuple[int, ...], *weights: tuple[int, ...], **attributes: object) -> Graph:
    b = GraphBuilder(op, "made", {"": 21})
    names = [b.add_input("x", F32, x)]
    names += [b.add_initializer(f"w{i}", F32, shape) for i, shape in enumerate(weights)]
    return b.build(b.add(op, names, attributes, name="layer")[:1])


def test_the_first_layer_needs_no_input_gradient() -> None:
    report = cost(chain(3, 5, 7))
    assert backward(report) == {"fc0": 10 * 3 * 5, "fc1": 2 * 10 * 5 * 7}
    assert report.step.backward_macs == 10 * 3 * 5 + 2 * 10 * 5 * 7
    assert report.totals["backward_macs"] == report.step.backward_macs
    assert report.step.total_macs == 10 * (3 * 5 + 5 * 7) + report.step.backward_macs


def test_a_parameter_that_no_output_depends_on_has_no_gradient() -> None:
    """A branch that ends nowhere, and a table that is read and dropped: they are trainable parameters, but no backward
    pass reaches them, and no optimiser keeps a state of theirs."""
    b = GraphBuilder("dead", "made", {"": 17})
    x = b.add_input("x", F32, (10, 3))
    (y,) = b.add("MatMul", [x, b.add_initializer("w", F32, (3, 5))], name="live")
    b.add("MatMul", [y, b.add_initializer("v", F32, (5, 7))], name="dead")
    b.add("Identity", [b.add_initializer("u", F32, (11,))], name="unread")
    report = cost(b.build([y]))
    assert backward(report) == {"live": 10 * 3 * 5}
    assert report.step.params["trained"] == 3 * 5 + 5 * 7 + 11
    assert report.totals["gradient_bytes"] == 4 * 3 * 5 and report.totals["optimizer_bytes"] == 2 * 4 * 3 * 5
    with pytest.raises(UsageError, match="no output depends on a parameter"):
        cost(b.build([y]), ("w",))


def test_with_an_input_gradient() -> None:
    assert backward(cost(chain(3, 5, 7), input_gradient=True)) == {"fc0": 2 * 10 * 3 * 5, "fc1": 2 * 10 * 5 * 7}


@pytest.mark.parametrize("pattern", ["w0", "fc0", "block0", "*0"])
def test_a_frozen_first_layer_stops_the_gradient(pattern: str) -> None:
    """Nothing before fc1 is trained: no gradient of its input, none at all of fc0."""
    report = cost(chain(3, 5, 7, 2), (pattern,))
    assert backward(report) == {"fc1": 10 * 5 * 7, "fc2": 2 * 10 * 7 * 2}
    assert report.step.params == {"trained": 5 * 7 + 7 * 2, "frozen": 3 * 5}


def test_a_frozen_layer_in_between_passes_the_gradient_on() -> None:
    assert backward(cost(chain(3, 5, 7, 2), ("fc1",))) == {
        "fc0": 10 * 3 * 5,
        "fc1": 10 * 5 * 7,
        "fc2": 2 * 10 * 7 * 2,
    }


def test_a_frozen_last_layer_passes_the_gradient_on() -> None:
    assert backward(cost(chain(3, 5, 7), ("fc1",))) == {"fc0": 10 * 3 * 5, "fc1": 10 * 5 * 7}


def test_shared_weights_accumulate() -> None:
    """Each use has a weight gradient; the gradient itself is stored once."""
    report = cost(chain(4, 4, 4, 4, shared=True))
    assert backward(report) == {"fc0": 10 * 4 * 4, "fc1": 2 * 10 * 4 * 4, "fc2": 2 * 10 * 4 * 4}
    assert report.step.nbytes["gradients"] == 4 * 4 * 4


def test_a_pattern_that_fits_nothing() -> None:
    with pytest.raises(UsageError, match="fc9") as raised:
        cost(chain(3, 5), ("fc9",))
    assert "did you mean" in str(raised.value.remedy)


def test_all_frozen() -> None:
    with pytest.raises(UsageError, match="nothing is trained"):
        cost(chain(3, 5), ("*",))


@pytest.mark.parametrize(
    ("graph", "forward"),
    [
        (one("Conv", (1, 8, 16, 16), (8, 8, 3, 3), pads=(1, 1, 1, 1)), 8 * 16 * 16 * 8 * 9),
        (one("Conv", (1, 8, 16, 16), (8, 1, 3, 3), pads=(1, 1, 1, 1), group=8), 8 * 16 * 16 * 9),
        (one("Conv", (1, 8, 16), (16, 4, 3), group=2), 16 * 14 * 4 * 3),
        (one("ConvTranspose", (1, 16, 8, 8), (16, 8, 4, 4), strides=(2, 2), pads=(1, 1, 1, 1)), 131_072),
        (one("Gemm", (7, 3), (3, 5), (5,)), 7 * 3 * 5),
        (one("Einsum", (2, 7, 3), (3, 5), equation="bij,jk->bik"), 2 * 7 * 3 * 5),
        (one("LSTM", (10, 2, 32), (1, 256, 32), (1, 256, 64), hidden_size=64), 20 * 256 * (32 + 64)),
        (one("GRU", (10, 2, 32), (1, 192, 32), (1, 192, 64), hidden_size=64), 20 * 192 * (32 + 64)),
    ],
    ids=lambda v: v.name if isinstance(v, Graph) else "",
)
def test_twice_the_forward_pass(graph: Graph, forward: int) -> None:
    """Both gradients cost the forward's MACs; a depthwise convolution's too."""
    assert analyze_graph(graph).macs == forward
    assert cost(graph, input_gradient=True).totals["backward_macs"] == 2 * forward


def test_a_first_lstm_has_no_gradient_of_its_input_but_through_time() -> None:
    graph = one("LSTM", (10, 2, 32), (1, 256, 32), (1, 256, 64), hidden_size=64)
    assert cost(graph).totals["backward_macs"] == 20 * 256 * 32 + 2 * 20 * 256 * 64
    assert cost(graph, ("w1",)).totals["backward_macs"] == 20 * 256 * 32 + 20 * 256 * 64


def attention() -> Graph:
    """x [2, 49, 64] projected to q, k, v; 4 heads of 16."""
    b = GraphBuilder("attention", "made", {"": 23})
    x = b.add_input("x", F32, (2, 49, 64))
    q, k, v = (b.add("MatMul", [x, b.add_initializer(f"w_{n}", F32, (64, 64))], name=n)[0] for n in "qkv")
    heads = {"q_num_heads": 4, "kv_num_heads": 4}
    return b.build(b.add("Attention", [q, k, v], heads, name="attention", outputs=["y"]))


def test_a_product_of_two_activations_needs_both() -> None:
    scores, linear = 2 * 4 * 49 * 49 * 16, 2 * 49 * 64 * 64
    assert backward(cost(attention())) == {"q": linear, "k": linear, "v": linear, "attention": 4 * scores}
    assert backward(cost(attention(), ("w_v",))) == {"q": linear, "k": linear, "attention": 3 * scores}
    assert backward(cost(attention(), ("w_q", "w_k"))) == {"v": linear, "attention": scores}


def test_attention_written_out_costs_the_same() -> None:
    b = GraphBuilder("scores", "made", {"": 21})
    x = b.add_input("x", F32, (49, 64))
    (q,) = b.add("MatMul", [x, b.add_initializer("w", F32, (64, 64))], name="q")
    (t,) = b.add("Transpose", [q], {"perm": (1, 0)}, name="t")
    graph = b.build(b.add("MatMul", [q, t], name="scores"))
    assert backward(cost(graph)) == {"q": 49 * 64 * 64, "scores": 2 * 49 * 49 * 64}


def test_an_einsum_of_three() -> None:
    """ab,bc,cd: step 1 makes ac from ab and bc, step 2 ad from ac and cd; only the last operand is trained."""
    b = GraphBuilder("einsum", "made", {"": 21})
    x, y = b.add_input("x", F32, (2, 3)), b.add_input("y", F32, (3, 5))
    w = b.add_initializer("w", F32, (5, 7))
    graph = b.build(b.add("Einsum", [x, y, w], {"equation": "ab,bc,cd->ad"}, name="e"))
    assert cost(graph).totals["backward_macs"] == 2 * 5 * 7
    assert cost(graph, input_gradient=True).totals["backward_macs"] == 2 * (2 * 3 * 5 + 2 * 5 * 7)


def test_an_embedding_has_no_macs_and_a_tied_head_trains_it() -> None:
    b = GraphBuilder("tied", "made", {"": 21})
    ids, table = b.add_input("ids", I64, (7,)), b.add_initializer("table", F32, (100, 16))
    (x,) = b.add("Gather", [table, ids], name="embed")
    (t,) = b.add("Transpose", [table], {"perm": (1, 0)}, name="t")
    report = cost(b.build(b.add("MatMul", [x, t], name="head")))
    assert backward(report) == {"head": 2 * 7 * 16 * 100}
    assert report.step.macs["weight_gradient"] == 7 * 16 * 100
    assert report.step.nbytes["gradients"] == 4 * 100 * 16


def test_integers_stop_the_gradient_and_fake_quantisers_do_not() -> None:
    b = GraphBuilder("quantised", "made", {"": 21})
    x, w, v = b.add_input("x", F32, (2, 3)), b.add_initializer("w", F32, (3, 4)), b.add_initializer("v", F32, (4, 5))
    scale = b.add_initializer("scale", F32, ())
    (x,) = b.add("MatMul", [x, w], name="first")
    (q,) = b.add("QuantizeLinear", [x, scale], name="q")
    (d,) = b.add("DequantizeLinear", [q, scale], name="d")
    (y,) = b.add("MatMul", [d, v], name="second")
    (i,) = b.add("Cast", [y], {"to": 7}, name="i")
    (f,) = b.add("Cast", [i], {"to": 1}, name="f")
    u = b.add_initializer("u", F32, (5, 6))
    report = cost(b.build(b.add("MatMul", [f, u], name="third")))
    assert backward(report) == {"first": 2 * 3 * 4, "second": 2 * 2 * 4 * 5, "third": 2 * 5 * 6}


def test_an_operator_without_a_rule_is_not_nothing() -> None:
    b = GraphBuilder("unknown", "made", {"": 21, "com.acme": 1})
    x, w = b.add_input("x", F32, (2, 3)), b.add_initializer("w", F32, (3, 4))
    (x,) = b.add("MatMul", [x, w], name="fc")
    (x,) = b.add("Mystery", [x], name="mystery", domain="com.acme")
    report = cost(b.build(b.add("Relu", [x], name="relu")))
    assert [row["backward_macs"] for row in report.rows] == [2 * 3 * 4, None, None]
    assert report.step.without_rule == ("mystery", "relu")
    assert report.lower_bound


def test_quantised_products_have_no_gradient_rule() -> None:
    b = GraphBuilder("integer", "made", {"": 21})
    x, w = b.add_input("x", F32, (2, 3)), b.add_initializer("w", F32, (3, 4))
    scale, zero = b.add_initializer("s", F32, ()), b.add_initializer("z", DType.UINT8, ())
    (x,) = b.add("MatMul", [x, w], name="fc")
    (q,) = b.add("QuantizeLinear", [x, scale, zero], name="q")
    v = b.add_initializer("v", DType.UINT8, (4, 5))
    graph = b.build(b.add("QLinearMatMul", [q, scale, zero, v, scale, zero, scale, zero], name="product"))
    report = cost(graph, ("v",))
    assert report.step.without_rule == ("product",)
    assert [row["backward_macs"] for row in report.rows] == [2 * 3 * 4, 0, None]


def test_resnet18() -> None:
    """Forward and backward with an input gradient are three times the forward's; without, conv1's is missing."""
    whole = cost_training(analyze("resnet18"), TrainingOptions(input_gradient=True)).step
    assert whole and whole.total_macs == 3 * RESNET18
    usual = cost_training(analyze("resnet18")).step
    assert usual and usual.total_macs == 3 * RESNET18 - CONV1
    assert CONV1 == 118_013_952


def test_only_a_new_head_is_trained() -> None:
    """Of ResNet-18 the last layer alone: its weight gradient, 512 × 1000."""
    found = cost_training(analyze("resnet18"), TrainingOptions(freeze=("conv*",))).step
    assert found and found.backward_macs == 512 * 1000


def test_symbols_flow_and_binding_is_the_same() -> None:
    b = GraphBuilder("open", "made", {"": 21})
    x = b.add_input("x", F32, (symbol("n"), 3))
    (x,) = b.add("MatMul", [x, b.add_initializer("w", F32, (3, 4))], name="fc")
    (x,) = b.add("Relu", [x], name="relu")
    report = cost(b.build(b.add("MatMul", [x, b.add_initializer("v", F32, (4, 5))], name="head")))
    assert str(report.totals["backward_macs"]) == str(symbol("n") * (3 * 4 + 2 * 4 * 5))
    bound = report.bind({"n": 6})
    assert bound.totals["backward_macs"] == 6 * (3 * 4 + 2 * 4 * 5)
    assert bound.step.nbytes["activations"] == 4 * 6 * (3 + 4)


def test_a_loop() -> None:
    """The first trip could do without the gradient of what it is given; like the others it counts."""
    b = GraphBuilder("loop", "made", {"": 21})
    b.types["h"] = b.types[b.add_input("x", F32, (2, 3))]
    (y,) = b.add("MatMul", ["h", b.add_initializer("w", F32, (3, 3))], name="fc", count=10)
    report = cost(b.build(b.add("Tanh", [y], name="tanh", count=10)))
    assert report.macs == 10 * 2 * 3 * 3
    assert report.totals["backward_macs"] == 2 * 10 * 2 * 3 * 3
    assert report.step.nbytes["activations"] == 4 * 10 * 2 * (2 * 3)


@pytest.mark.parametrize("name", ["mobilenet_v2", "lstm", "gpt2"])
def test_a_precision_moves_bytes_and_no_gradient(name: str) -> None:
    dims = {"seq": 8} if name == "gpt2" else None
    plain = analyze(name, dims=dims, training=True).totals
    int8 = analyze(name, dims=dims, training=True, dtype="int8", act_dtype="int8").totals
    for key in ("backward_macs", "training_macs", "gradient_bytes", "optimizer_bytes"):
        assert int8[key] == plain[key]
    assert 0 < int8["kept_activation_bytes"] < plain["kept_activation_bytes"]
