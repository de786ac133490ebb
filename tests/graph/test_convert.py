"""A graph as if stored and computed in other types."""

from __future__ import annotations

import pytest
from support.cli import call, ok

from costcalc import analyze
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.convert import convert

F32, I8, I64 = DType.FLOAT32, DType.INT8, DType.INT64
RESNET18, STATISTICS = 11_689_512, 9_600
"""Parameters; running means and variances, two for each of 4,800 channels."""


def net() -> Graph:
    """An embedding of 10×3, its product with a transposed 5×3 weight, a mask, a bias."""
    b = GraphBuilder("net", "made", {"": 21})
    ids, mask = b.add_input("ids", I64, (1, 7)), b.add_input("mask", DType.BOOL, (1, 7, 1))
    table, weight = b.add_initializer("table", F32, (10, 3)), b.add_initializer("weight", F32, (5, 3))
    bias = b.add_initializer("bias", F32, (5,))
    (x,) = b.add("Gather", [table, ids], name="embed")
    (t,) = b.add("Transpose", [weight], {"perm": (1, 0)}, name="t")
    (x,) = b.add("MatMul", [x, t], name="product")
    (x,) = b.add("Add", [x, bias], name="add")
    return b.build(b.add("Where", [mask, x, bias], name="where"))


def test_weights_in_int8() -> None:
    before, after = analyze(net()), analyze(convert(net(), DType.INT8))
    assert before.totals["weight_bytes"] == 4 * (10 * 3 + 5 * 3 + 5)
    assert after.totals["weight_bytes"] == 10 * 3 + 5 * 3 + 5
    assert after.params == before.params == 50
    assert after.macs == before.macs == 7 * 3 * 5
    types = after.graph.types
    assert types["t"].dtype is DType.INT8, "a transposed weight is still the weight"
    assert types["embed"].dtype is F32, "what is looked up is an activation"
    assert after.notes == ("weights as if int8",)


def test_activations_in_float16() -> None:
    graph = convert(net(), None, DType.FLOAT16)
    kinds = {name: str(t.dtype) for name, t in graph.types.items()}
    assert kinds == {
        "ids": "int64",
        "mask": "bool",
        "table": "float32",
        "weight": "float32",
        "bias": "float32",
        "t": "float32",
        "embed": "float16",
        "product": "float16",
        "add": "float16",
        "where": "float16",
    }
    before, after = analyze(net()), analyze(graph)
    assert before.totals["activation_bytes"] == 4 * (7 * 3 + 5 * 3 + 3 * 7 * 5)
    assert after.totals["activation_bytes"] == 2 * (7 * 3 + 3 * 7 * 5) + 4 * 5 * 3


def test_nothing_asked_is_nothing_done() -> None:
    graph = net()
    assert convert(graph) is graph


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 16), ("bfloat16", 16), ("int8", 8), ("int4", 4)])
def test_resnet18(dtype: str, bits: int) -> None:
    report = analyze("resnet18", dtype=dtype)
    assert report.params == RESNET18
    assert report.totals["weight_bytes"] == (RESNET18 + STATISTICS) * bits // 8
    assert report.totals["peak_activation_bytes"] == 6_422_528


def test_activations_of_resnet18() -> None:
    assert analyze("resnet18", act_dtype="int8").totals["peak_activation_bytes"] == 6_422_528 // 4


def test_four_bits_are_packed_tensor_by_tensor() -> None:
    b = GraphBuilder("odd", "made", {"": 17})
    x, w, c = b.add_input("x", F32, (1, 3)), b.add_initializer("w", F32, (3, 5)), b.add_initializer("c", F32, (5,))
    graph = convert(b.build(b.add("Gemm", [x, w, c], name="fc")), DType.INT4)
    assert analyze(graph).totals["weight_bytes"] == 8 + 3


def test_quantised_weights_are_converted_and_ids_are_not() -> None:
    b = GraphBuilder("quantised", "made", {"": 21})
    x = b.add_input("x", F32, (1, 4))
    w, scale = b.add_initializer("w", I8, (4, 6)), b.add_initializer("scale", F32, ())
    zero = b.add_initializer("zero", I8, ())
    (d,) = b.add("DequantizeLinear", [w, scale, zero], name="dequantised")
    graph = b.build(b.add("MatMul", [x, d], name="product"))
    before, after = analyze(graph), analyze(convert(graph, DType.INT4, DType.FLOAT16))
    assert (before.totals["weight_bytes"], before.params) == (24 + 4 + 1, 24)
    assert (after.totals["weight_bytes"], after.params) == (12 + 1 + 1, 24)
    assert after.graph.types["zero"].dtype is I8
    assert after.graph.types["dequantised"].dtype is DType.FLOAT16


def test_packed_weights_stay() -> None:
    b = GraphBuilder("packed", "made", {"": 21, "com.microsoft": 1})
    x = b.add_input("x", F32, (1, 64))
    w, scale = b.add_initializer("w", DType.UINT8, (8, 2, 16)), b.add_initializer("scale", F32, (16,))
    attributes = {"K": 64, "N": 8, "bits": 4, "block_size": 32}
    graph = b.build(b.add("MatMulNBits", [x, w, scale], attributes, name="product", domain="com.microsoft"))
    after = analyze(convert(graph, DType.INT8))
    assert after.params == analyze(graph).params == 64 * 8
    assert after.totals["weight_bytes"] == 64 * 8 // 2 + 16
    assert after.notes == ("weights as if int8; 1 packed tensor stays as stored",)


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = ok("analyze", "lenet5", "--dtype", "fp16", "--act-dtype", "int8", "--format", "json")
    assert '"weights as if float16"' in text and '"activations as if int8"' in text
    code, _, error = call(capsys, "analyze", "lenet5", "--dtype", "float17")
    assert code == 2 and "float16" in error


def test_an_unknown_type() -> None:
    with pytest.raises(UsageError, match="float17"):
        analyze("lenet5", dtype="float17")
