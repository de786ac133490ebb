"""com.microsoft's operators: ONNX Runtime's executed shapes, and the arithmetic spelled out."""

from __future__ import annotations

from typing import Any

import pytest
from support.node_execution import executed
from support.operator_rules import BOOL, F32, I8, I32, I64, U8, cost, run, shape, t

from costcalc.analysis.cost import cost_graph
from costcalc.core.dim import symbol
from costcalc.core.ir import TensorType
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.parameters import StoredCount

MS = "com.microsoft"
S, Z, Z8 = t(value=(0.5,)), t(dtype=U8, value=(1,)), t(dtype=I8, value=(0,))

Case = tuple[str, list[TensorType | None], dict[str, Any], int]

CASES: list[Case] = [
    ("FusedMatMul", [t(2, 5, 3, 4), t(2, 5, 4, 6)], {}, 2 * 5 * 3 * 6 * 4),
    ("FusedMatMul", [t(2, 4, 3), t(2, 4, 6)], {"transA": 1}, 2 * 3 * 6 * 4),
    ("FusedMatMul", [t(3, 2, 4), t(6, 2, 4)], {"transBatchA": 1, "transBatchB": 1, "transB": 1}, 2 * 3 * 6 * 4),
    ("FusedMatMul", [t(4, 2, 3), t(2, 4, 6)], {"transBatchA": 1, "transA": 1, "alpha": 0.5}, 2 * 3 * 6 * 4),
    ("TransposeMatMul", [t(2, 3, 4), t(2, 6, 4)], {"transB": 1}, 2 * 3 * 6 * 4),
    ("FusedGemm", [t(4, 3), t(4, 6), t(6)], {"transA": 1, "activation": "Relu"}, 3 * 6 * 4),
    ("FusedConv", [t(1, 3, 8, 8), t(6, 3, 3, 3), t(6)], {"activation": "Relu", "pads": (1, 1, 1, 1)}, 6 * 64 * 27),
    ("Attention", [t(2, 5, 8), t(8, 24), t(24)], {"num_heads": 2}, 2 * 5 * 8 * 24 + 2 * 2 * 25 * (4 + 4)),
    (
        "Attention",
        [t(2, 5, 8), t(8, 22), t(22)],
        {"num_heads": 2, "qkv_hidden_sizes": (8, 8, 6)},
        2 * 5 * 8 * 22 + 2 * 2 * 25 * (4 + 3),
    ),
    ("MultiHeadAttention", [t(2, 5, 8), t(2, 7, 8), t(2, 7, 6)], {"num_heads": 2}, 2 * 2 * 5 * 7 * (4 + 3)),
    ("MultiHeadAttention", [t(2, 5, 8), t(2, 2, 7, 4), t(2, 2, 7, 4)], {"num_heads": 2}, 2 * 2 * 5 * 7 * 8),
    ("BiasGelu", [t(2, 5, 8), t(8)], {}, 0),
    ("FastGelu", [t(2, 5, 8), t(8)], {}, 0),
    ("Gelu", [t(2, 5, 8)], {}, 0),
    ("QuickGelu", [t(2, 5, 8)], {}, 0),
    ("RotaryEmbedding", [t(2, 3, 8), t(2, 3, dtype=I64), t(9, 2), t(9, 2)], {"num_heads": 2}, 0),
    ("DynamicQuantizeMatMul", [t(3, 8), t(8, 6, dtype=U8), S, Z], {}, 3 * 8 * 6),
    ("MatMulIntegerToFloat", [t(3, 8, dtype=U8), t(8, 6, dtype=U8), S, S, Z, Z, t(6)], {}, 3 * 8 * 6),
    ("MatMulNBits", [t(2, 3, 32), t(6, 2, 8, dtype=U8), t(12)], {"K": 32, "N": 6, "block_size": 16}, 2 * 3 * 32 * 6),
    ("QGemm", [t(3, 8, dtype=U8), S, Z, t(6, 8, dtype=U8), S, Z, None, S, Z], {"transB": 1}, 3 * 8 * 6),
    ("QGemm", [t(3, 8, dtype=U8), S, Z, t(8, 6, dtype=U8), S, Z], {}, 3 * 8 * 6),
    ("QLinearAdd", [t(2, 3, dtype=U8), S, Z, t(3, dtype=U8), S, Z, S, Z], {}, 0),
    ("QLinearMul", [t(2, 3, dtype=U8), S, Z, t(2, 1, dtype=U8), S, Z, S, Z], {}, 0),
    ("QLinearSigmoid", [t(2, 3, dtype=U8), S, Z, S, Z], {}, 0),
    ("QLinearLeakyRelu", [t(2, 3, dtype=I8), S, Z8, S, Z8], {}, 0),
    ("QLinearConcat", [S, Z, t(2, 3, dtype=U8), S, Z, t(2, 4, dtype=U8), S, Z], {"axis": 1}, 0),
    ("QLinearGlobalAveragePool", [t(2, 3, 5, 6, dtype=U8), S, Z, S, Z], {}, 0),
    ("QLinearGlobalAveragePool", [t(2, 5, 6, 3, dtype=U8), S, Z, S, Z], {"channels_last": 1}, 0),
    ("QLinearAveragePool", [t(2, 3, 6, 6, dtype=U8), S, Z, S, Z], {"kernel_shape": (2, 2), "strides": (2, 2)}, 0),
    (
        "QLinearAveragePool",
        [t(2, 6, 6, 3, dtype=U8), S, Z, S, Z],
        {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "channels_last": 1},
        0,
    ),
    (
        "QLinearWhere",
        [t(2, 1, dtype=BOOL), t(2, 3, dtype=U8), S, Z, t(3, dtype=U8), S, Z, S, Z],
        {},
        0,
    ),
    (
        "QLinearConv",
        [t(1, 8, 9, 3, dtype=U8), S, Z, t(6, 3, 3, 3, dtype=I8), S, Z8, S, Z],
        {"channels_last": 1, "strides": (2, 2)},
        3 * 4 * 6 * 27,
    ),
    ("NhwcMaxPool", [t(1, 8, 9, 3, dtype=U8)], {"kernel_shape": (3, 3), "strides": (2, 2)}, 0),
    ("QuantizeLinear", [t(2, 3), S, Z], {}, 0),
    ("DequantizeLinear", [t(2, 3, dtype=U8), S, Z], {}, 0),
    ("Pad", [t(2, 3), t(4, dtype=I64, value=(0, 1, 2, 0))], {}, 0),
    ("GatherND", [t(4, 5), t(3, 1, dtype=I64)], {}, 0),
    ("Trilu", [t(2, 4, 4)], {}, 0),
    ("ExpandDims", [t(2, 3), t(dtype=I32, value=(1,))], {}, 0),
    ("Range", [t(value=(1.0,)), t(value=(7.0,)), t(value=(2.0,))], {}, 0),
    ("CDist", [t(3, 8), t(5, 8)], {"metric": "sqeuclidean"}, 0),
    ("Inverse", [t(2, 3, 3, value=(1.0, 0, 0, 0, 1, 0, 0, 0, 1) * 2)], {}, 0),
    ("GridSample", [t(1, 2, 4, 4), t(1, 3, 5, 2)], {}, 0),
    ("MoE", [t(4, 8), t(4, 3), t(3, 16, 8), None, t(3, 8, 16)], {"k": 2}, 4 * 2 * (16 * 8 + 8 * 16)),
    (
        "GatherBlockQuantized",
        [t(10, 16, dtype=U8), t(2, 3, dtype=I64), t(10, 2)],
        {"bits": 4, "block_size": 16, "quantize_axis": 1, "gather_axis": 0},
        0,
    ),
]


@pytest.mark.parametrize(("op_type", "inputs", "how", "macs"), CASES)
def test_cases(op_type: str, inputs: list[TensorType | None], how: Any, macs: int) -> None:
    (y,) = run(op_type, *inputs, domain=MS, opset=1, **how)
    assert [(y.dtype, y.shape)] == executed(op_type, *inputs, domain=MS, **how)
    assert cost(op_type, *inputs, domain=MS, opset=1, **how).macs.value == macs


SEVERAL: list[tuple[str, list[TensorType | None], dict[str, Any], int]] = [
    ("Attention", [t(2, 5, 8), t(8, 24), t(24), None, t(2, 2, 2, 3, 4)], {"num_heads": 2}, 2),
    (
        "MultiHeadAttention",
        [t(2, 5, 8), t(2, 5, 8), t(2, 5, 8), None, None, None, t(2, 2, 3, 4), t(2, 2, 3, 4)],
        {"num_heads": 2},
        3,
    ),
    (
        "GroupQueryAttention",
        [t(1, 5, 32), t(1, 5, 16), t(1, 5, 16), None, None, t(1, dtype=I32, value=(4,)), t(dtype=I32, value=(5,))],
        {"num_heads": 4, "kv_num_heads": 2},
        3,
    ),
    (
        "GroupQueryAttention",
        [
            t(1, 1, 32),
            t(1, 1, 16),
            t(1, 1, 16),
            t(1, 2, 7, 8),
            t(1, 2, 7, 8),
            t(1, dtype=I32, value=(7,)),
            t(dtype=I32, value=(8,)),
        ],
        {"num_heads": 4, "kv_num_heads": 2},
        3,
    ),
    (
        "GroupQueryAttention",
        [t(1, 1, 64), None, None, t(1, 2, 9, 8), t(1, 2, 9, 8), t(1, dtype=I32, value=(4,)), t(dtype=I32, value=(5,))],
        {"num_heads": 4, "kv_num_heads": 2},
        3,
    ),
    ("SkipLayerNormalization", [t(2, 5, 8), t(2, 5, 8), t(8), t(8), t(8)], {}, 4),
    ("SkipSimplifiedLayerNormalization", [t(2, 5, 8), t(2, 5, 8), t(8)], {}, 4),
    (
        "EmbedLayerNormalization",
        [t(2, 5, dtype=I32), t(2, 5, dtype=I32), t(9, 8), t(7, 8), t(2, 8), t(8), t(8), t(2, 5, dtype=I32)],
        {},
        3,
    ),
    ("Unique", [t(6, value=(2.0, 1.0, 1.0, 3.0, 4.0, 3.0))], {}, 3),
]


@pytest.mark.parametrize(("op_type", "inputs", "how", "n"), SEVERAL)
def test_several_outputs(op_type: str, inputs: list[TensorType | None], how: Any, n: int) -> None:
    found = run(op_type, *inputs, domain=MS, opset=1, n=n, **how)
    ran = executed(op_type, *inputs, domain=MS, n=n, **how)
    if op_type == "Unique":
        assert [len(y.shape or ()) for y in found] == [len(s) for _, s in ran]
        return
    if op_type.startswith("Skip"):
        found, ran = [found[0], found[3]], [ran[0], ran[3]]  # the CPU kernel leaves the row statistics empty
    assert [(y.dtype, y.shape) for y in found] == ran


def test_simplified_norm_stands_in_the_default_domain() -> None:
    for domain in ("", MS):
        assert run("SimplifiedLayerNormalization", t(2, 5, 8), t(8), domain=domain, n=2)[1].shape == (2, 5, 1)
    assert [s for _, s in executed("SimplifiedLayerNormalization", t(2, 5, 8), t(8), axis=-1)] == [(2, 5, 8)]


def test_dynamic_quantize_lstm() -> None:
    inputs = [
        t(5, 2, 4),
        t(1, 4, 12, dtype=U8),
        t(1, 3, 12, dtype=U8),
        t(1, 24),
        None,
        None,
        None,
        None,
        t(1),
        t(1, dtype=U8),
        t(1),
        t(1, dtype=U8),
    ]
    found = run("DynamicQuantizeLSTM", *inputs, domain=MS, opset=1, n=3, hidden_size=3)
    ran = executed("DynamicQuantizeLSTM", *inputs, domain=MS, n=3, hidden_size=3, constant=(1, 2, 9, 11))
    assert [(y.dtype, y.shape) for y in found] == ran
    assert cost("DynamicQuantizeLSTM", *inputs, domain=MS, n=3).macs.value == 5 * 2 * (4 * 12 + 3 * 12)


def test_qattention() -> None:
    inputs = [t(2, 5, 8, dtype=U8), t(8, 24, dtype=I8), t(24), S, S, None, Z, Z8]
    (y,) = run("QAttention", *inputs, domain=MS, opset=1, num_heads=2)
    assert [(y.dtype, y.shape)] == executed("QAttention", *inputs, domain=MS, num_heads=2)
    assert cost("QAttention", *inputs, domain=MS, num_heads=2).macs.value == 2 * 5 * 8 * 24 + 2 * 2 * 25 * 8


def test_what_only_other_processors_run() -> None:
    softmax: Any = {"axis": 3, "is_inner_broadcast": 0}
    assert cost("BiasSoftmax", t(2, 3, 4, 4), t(2, 1, 1, 4), domain=MS, **softmax).flops == 6 * 2 * 3 * 4 * 4
    assert shape("NhwcFusedConv", t(1, 8, 9, 3), t(6, 3, 3, 3), domain=MS, group=1) == (1, 6, 7, 6)
    assert cost("NhwcFusedConv", t(1, 8, 9, 3), t(6, 3, 3, 3), domain=MS).macs.value == 6 * 7 * 6 * 27
    assert shape("BiasSplitGelu", t(2, 5, 8), t(8), domain=MS) == (2, 5, 4)
    assert shape("BiasAdd", t(2, 5, 8), t(8), t(2, 5, 8), domain=MS) == (2, 5, 8)
    assert cost("GroupNorm", t(2, 4, 4, 8), t(8), t(8), domain=MS, groups=4, activation=0).flops == 7 * 256 + 5 * 8
    packed = [t(9, 8), t(8, 24), t(24), t(2, 6, dtype=I32), t(3, dtype=I32)]
    assert shape("PackedAttention", *packed, domain=MS, num_heads=2) == (9, 8)
    assert cost("PackedAttention", *packed, domain=MS, num_heads=2).macs.value == 9 * 8 * 24 + 2 * 2 * 36 * 8
    assert shape("MultiHeadAttention", t(2, 5, 2, 3, 4), domain=MS, num_heads=2) == (2, 5, 8)
    assert cost("MultiHeadAttention", t(2, 5, 2, 3, 4), domain=MS, num_heads=2).macs.value == 2 * 2 * 25 * 8
    quantised = [t(4, 8), t(4, 3), t(3, 16, 4, dtype=U8), t(3, 16), None, t(3, 8, 8, dtype=U8), t(3, 8)]
    assert cost("QMoE", *quantised, domain=MS, k=2).macs.value == 4 * 2 * (16 * 8 + 8 * 16)


def test_open_cache() -> None:
    past, seq = symbol("past"), symbol("seq")
    inputs = [
        t(1, seq, 32),
        t(1, seq, 16),
        t(1, seq, 16),
        t(1, 2, past, 8),
        t(1, 2, past, 8),
        t(1, dtype=I32),
        t(dtype=I32),
    ]
    found = run("GroupQueryAttention", *inputs, domain=MS, n=3, num_heads=4, kv_num_heads=2)
    assert found[1].shape == (1, 2, past + seq, 8)
    assert cost("GroupQueryAttention", *inputs, domain=MS, n=3, num_heads=4, kv_num_heads=2).macs.value == (
        4 * seq * (past + seq) * 16
    )
    assert found[0] == t(1, seq, 32, dtype=F32)


def test_packed_weights_are_counted_unpacked() -> None:
    builder = GraphBuilder("test", "", {MS: 1})
    builder.add_input("a", F32, (3, 32))
    builder.add_initializer("b", U8, (6, 2, 8))
    builder.add_initializer("scales", F32, (12,))
    how = {"K": 32, "N": 6, "bits": 4, "block_size": 16}
    builder.add("MatMulNBits", ["a", "b", "scales"], how, name="y", domain=MS)
    (found,) = cost_graph(builder.build(["y"]))
    assert found.storage == StoredCount(params=32 * 6, buffers=12, weight_bytes=32 * 6 // 2 + 12 * 4)


def test_quantised_softmax() -> None:
    """Its attribute `opset` is that of the Softmax that it stands for."""
    builder = GraphBuilder("softmax", "", {MS: 1})
    builder.types |= {"x": t(2, 3, dtype=U8), "s": S, "z": Z}
    builder.add("QLinearSoftmax", "xszsz", {"opset": 13}, name="y", domain=MS)
    assert cost_graph(builder.build("y"))[0].flops == (5 + 2 + 2) * 6
