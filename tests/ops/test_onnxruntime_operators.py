"""Every operator of ONNX Runtime's schemas is costed, free or unknown for a stated reason."""

from __future__ import annotations

from typing import Any

import pytest
from support.node_execution import executed
from support.operator_rules import F16, I8, I32, I64, U8, cost, ints, run, shape, t, work
from support.paths import ONNX_FILES

from costcalc.analysis.report import analyze_graph
from costcalc.core import registry
from costcalc.core.ir import TensorType
from costcalc.core.traits import TRAITS
from costcalc.frontends.onnx.fallback import onnx_operators
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.schema import find_schema

NAMES = ONNX_FILES / "onnxruntime_operators.txt"
"""The names of ONNX Runtime 1.32.0; an installed release is asked for its own as well."""

MS = "com.microsoft"


def named_operators() -> set[tuple[str, str]]:
    lines = [line.split() for line in NAMES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {("" if domain == "ai.onnx" else domain, name) for domain, name in lines}


def without_state(operators: set[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(
        key
        for key in operators
        if registry.rule_state(*key) not in ("costed", "free") and key not in registry.UNKNOWN_REASONS
    )


def test_every_operator_of_the_list_has_a_state() -> None:
    operators = named_operators()
    assert len(operators) > 400
    assert without_state(operators) == []


def test_every_operator_of_the_installed_onnx_runtime_has_a_state() -> None:
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state", reason="ONNX Runtime is not installed")
    assert without_state({(schema.domain, schema.name) for schema in state.get_all_operator_schema()}) == []


def test_every_operator_of_onnx_has_a_state() -> None:
    assert without_state(set(onnx_operators())) == []


def test_what_is_unknown_has_no_rule() -> None:
    for key in registry.UNKNOWN_REASONS:
        assert key not in registry.COST_RULES and key not in registry.FREE_OPS


X = t(2, 5, 8)

CASES: list[tuple[str, list[Any], dict[str, Any], tuple[Any, ...], int]] = [
    # operator, inputs, attributes, output, FLOPs
    ("SwiGLU", [t(2, 5, 8), t(2, 5, 8)], {"activation_beta": 1.0}, (2, 5, 8), 80 * (1 + 2 + 1)),
    ("SwiGLU", [t(2, 5, 16)], {"limit": 7.0}, (2, 5, 8), 80 * (1 + 2 + 2)),
    ("ScaledSiLU", [X], {"alpha": 2.0}, (2, 5, 8), 80 * 3),
    ("LinearAttentionGate", [t(2, 5, 4), t(4), t(4), t(2, 5, 4)], {}, (2, 5, 4), 40 * 3 + 40),
    ("GatedRMSNorm", [t(2, 5, 8), t(4), t(2, 5, 8)], {}, (2, 5, 8), 80 * 4 + 20 * 3 + 80 * (1 + 2)),
    ("BranchwiseRMSNorm", [X], {"num_branches": 2}, (2, 5, 8), 80 * 4 + 20 * 3),
    ("ComplexMul", [t(3, 4, 2), t(4, 2)], {}, (3, 4, 2), 24 * 3),
    ("ComplexMulConj", [t(3, 4, 2), t(3, 4, 2)], {}, (3, 4, 2), 24 * 3),
    ("IsAllFinite", [t(3, 4), t(5)], {}, (), 12 + 5),
    ("BitmaskDropout", [X], {}, (2, 5, 8), 0),
    ("BitmaskBiasDropout", [X, t(8), X], {}, (2, 5, 8), 80 * 2),
    ("RelativePositionBias", [t(32, 4), ints(6), ints(7)], {"max_distance": 9}, (1, 4, 6, 7), 0),
    (
        "MRotaryEmbedding",
        [t(2, 5, 16), t(3, 2, 5, dtype=I64), t(9, 4), t(9, 4)],
        {"mrope_section": (2, 1, 1)},
        (2, 5, 16),
        160 * 3,
    ),
    ("GemmaRotaryEmbedding", [t(1, 3, 4), *[t(1, 2, 3, 4)] * 4], {}, (1, 2, 3, 4), 12 * 2 + 48 * 3),
    ("QOrderedGelu", [t(2, 3, dtype=I8), t(), t()], {}, (2, 3), 6 * 3),
    ("QuantizeWithOrder", [t(2, 3), t()], {"order_input": 1, "order_output": 1}, (2, 3), 6),
    ("DequantizeWithOrder", [t(2, 3, dtype=I8), t()], {"to": 10, "order_input": 1, "order_output": 1}, (2, 3), 6),
    ("ReduceSumInteger", [t(2, 3, 4, dtype=I8)], {"axes": (1,), "keepdims": 0}, (2, 4), 24 - 8),
    ("MaxpoolWithMask", [t(1, 2, 6), t(1, 2, 6, dtype=I32)], {"kernel_shape": (3,)}, (1, 2, 4), 8 * 2),
    ("CropAndResize", [t(1, 2, 8, 8), t(3, 4), t(3, dtype=I32), ints(4, 5, dtype=I32)], {}, (3, 2, 4, 5), 120 * 7),
    ("SampleOp", [X], {}, (2, 5, 8), 0),
    ("GatedAdd", [X, X, t(2, 5, 1)], {}, (2, 5, 8), 80 * 2),
    ("GatedAdd", [X, X, t(2, 5, 3), t(3, 1)], {}, (2, 5, 8), 80 * 2 + 2 * 10 * 3 + 10),
    ("HyperConnectionPreMix", [t(5, 4, 8), t(5, 4)], {}, (5, 8), 160 + (160 - 40)),
    ("HyperConnectionPreMix", [t(5, 32), t(5, 4)], {"num_branches": 4, "reduction_scale": 0.5}, (5, 8), 160 + 120 + 40),
    ("HyperConnectionPostMix", [t(5, 4, 8), t(5, 8), t(5, 4)], {}, (5, 4, 8), 160 * 2),
    (
        "HyperConnectionPostMix",
        [t(5, 4, 8), t(5, 8), t(5, 4), t(5, 4, 4)],
        {},
        (5, 4, 8),
        2 * (5 * 4 * 4 * 8) + 160 * 2,
    ),
    # 7 per element of a LayerNormalization with a shift, 5 per row; two lookups, dequantised as scale and shift are
    (
        "QEmbedLayerNormalization",
        [t(2, 3, dtype=I32), None, t(9, 4, dtype=U8), t(9, 4, dtype=U8), None, t(4, dtype=U8), t(4, dtype=U8), None]
        + [t(), t(), None, t(), t(), t(dtype=U8), t(dtype=U8), None, t(dtype=U8), t(dtype=U8)],
        {},
        (2, 3, 4),
        24 * 1 + (24 * 7 + 6 * 5) + 2 * (24 * 2 + 4 + 4),
    ),
    # projections, scores and values; a bias, the scale of Q and K, 5 per score and the mask; requantising
    (
        "QOrderedAttention",
        [t(2, 3, 8, dtype=I8), *[t()] * 4, *[t(8, 8, dtype=I8)] * 3, *[t()] * 3, *[t(8)] * 3, *[t()] * 3, t(2, 3)],
        {"num_heads": 2, "order_input": 1, "order_output": 1, "order_weight": 0},
        (2, 3, 8),
        2 * (6 * 8 * 24 + 2 * 2 * 9 * 4 * 2) + 6 * 24 + 2 * 48 + 36 * (5 + 1) + 48 * 2,
    ),
    # (words × positions × filters) × window × size; a bias, a tanh each, and one comparison less than positions
    (
        "WordConvEmbedding",
        [t(6, 7, dtype=I32), t(4, 1, 3, 5), t(4), t(9, 5)],
        {},
        (6, 4),
        2 * (6 * 5 * 4 * 3 * 5) + 2 * (6 * 5 * 4) + 6 * 4 * 4,
    ),
    (
        "MatMulNBitsMlp",
        [t(2, 32), None, t(32), t(8, 2, 8, dtype=U8), t(16), t(8), t(8, 2, 8, dtype=U8), t(16), t(8)],
        {"K": 32, "N": 8, "block_size": 16, "activation": "silu"},
        (2, 8),
        2 * (2 * 2 * 8 * 32) + (64 * 4 + 2 * 3) + 2 * 8 * 32 + 16 * (2 + 1 + 2),
    ),
    (
        "MatMulNBitsQkv",
        [t(2, 32), t(2, 32), t(32), *[t(8, 2, 8, dtype=U8), t(16), t(8)], *[t(4, 2, 8, dtype=U8), t(8), None] * 2],
        {"K": 32, "Nq": 8, "Nkv": 4, "block_size": 16},
        (2, 8),
        2 * (2 * 16 * 32) + 64 + (64 * 4 + 2 * 3) + 16 * 32 + 2 * 8,
    ),
    (
        "MatMulBlockQuantizedFp4Weight",
        [t(3, 32, dtype=F16), t(8, 16, dtype=U8), t(8, 2, dtype=U8), t(), None, t(8)],
        {},
        (3, 8),
        2 * (3 * 8 * 32) + 2 * (8 * 32) + 3 * 8,
    ),
    (
        "MatMulBlockQuantizedFp8Weight",
        [t(3, 32, dtype=F16), t(8, 32, dtype=U8), t(8, 1), t()],
        {},
        (3, 8),
        2 * (3 * 8 * 32) + 8 * 32 + 2 * 96,
    ),
    ("RouterGateUpProj", [t(3, 16), t(16, 4 + 2 * 8)], {"router_size": 4}, (3, 4), 2 * (3 * 20 * 16) + 3 * 8 * 3),
    (
        "QOrderedMatMul",
        [t(2, 3, 4, dtype=I8), t(), t(4, 5, dtype=I8), t(), t(), t(5)],
        {"order_A": 1, "order_B": 0, "order_Y": 1},
        (2, 3, 5),
        2 * (2 * 3 * 5 * 4) + 30 * (1 + 2),
    ),
    # two norms (4 an element, 3 a row), the sum of key × query, the gate of each row, its product with the value
    (
        "EngramGate",
        [t(2, 5, 4, 8), t(2, 5, 4, 8), t(2, 5, 8), t(4, 8), t(4, 8)],
        {},
        (2, 5, 4, 8),
        2 * (320 * 4 + 40 * 3) + (320 + 280) + 40 * 6 + 320,
    ),
    # the product of the gates, biases of query and gates, sums of halves of 3, 6 a head and token, one an output
    (
        "GatedRelativePositionBias",
        [t(2, 5, 16), t(16), t(1, 4, 5, 5), t(4, 6), t(6), t(1, 4, 1, 1)],
        {"num_heads": 4},
        (2, 4, 5, 5),
        2 * (10 * 4 * 4 * 6) + 160 + 240 + 10 * 4 * 4 + 40 * 6 + 200,
    ),
    (
        "GatedRelativePositionBias",
        [t(7, 16), t(16), t(1, 4, 5, 5), t(4, 6), t(6), t(1, 4, 1, 1), t(2, 5, dtype=I32)],
        {"num_heads": 4},
        (2, 4, 5, 5),
        2 * (7 * 4 * 4 * 6) + 112 + 168 + 7 * 4 * 4 + 28 * 6 + 200,
    ),
    (
        "HyperConnectionLowRankMix",
        [t(5, 32), t(32), t(32, 3), t(3, 32), t(32, 4), t(5, 8), t(5, 4)],
        {"num_branches": 4, "reduction_scale": 0.5},
        (5, 8),
        2 * 5 * (32 * 3 + 3 * 32 + 32 * 4) + 160 * 2 + (160 * 4 + 20 * 3) + 15 * 3 + 160 * 2 + 120 + 40 + 20 * 3,
    ),
    (
        "MatMulNBitsQLoRA",
        [t(3, 32), *[t(8, 2, 8, dtype=U8), t(8, 2)], *[t(6, 2, 16, dtype=U8), t(6, 2)], t(8, 1, 16, dtype=U8), t(8, 1)],
        {"K": 32, "N": 8, "block_size": 16, "lora_block_size": 16},
        (3, 8),
        2 * 3 * (8 * 32 + 6 * 32 + 8 * 6) + (8 * 32 + 6 * 32 + 8 * 6) + 24,
    ),
    (
        "MatMulNBitsQLoRA",
        [t(3, 32), *[t(8, 2, 8, dtype=U8), t(8, 2)], *[t(0, 2, 16, dtype=U8), t(6, 2)], t(8, 0, 16, dtype=U8), t(8, 1)],
        {"K": 32, "N": 8, "block_size": 16, "lora_block_size": 16},
        (3, 8),
        2 * 3 * (8 * 32) + 8 * 32,
    ),
    # sigmoid and bias, two choices among 16 scores and one among 4 groups of sums of two, and 2 chosen ones
    ("MoEGroupRouter", [t(2, 3, 16), t(16)], {"top_k": 2, "n_group": 4}, (6, 16), 96 * 4 + 24 + 24 + 12 * 2),
    ("RMSNormRotary", [t(2, 5, 3, 12, dtype=F16), t(8), t(1, dtype=I64), t(9, 2), t(9, 2)], {"rotary_embedding_dim": 4})
    + ((2, 5, 24), 240 * 4 + 30 * 3 + 30 * 4 * 3),
    # an LSTM over input and attention, keys, query, scores, what is read, the attention layer; tanh and softmax
    (
        "AttnLSTM",
        [t(3, 2, 4), t(1, 20, 4 + 9), t(1, 20, 5), *[None] * 5, t(1, 5, 8), t(1, 7, 8), t(1, 8), t(2, 6, 7), None]
        + [t(1, 7 + 5, 9)],
        {"hidden_size": 5},
        (3, 1, 2, 5),
        2 * (6 * (260 + 100) + 12 * 56 + 6 * 40 + 36 * 8 + 36 * 7 + 6 * 108) + 30 * 9 + 36 * 8 * 2 + 36 * 5,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_contributed_operators(case: tuple[str, list[TensorType | None], dict[str, Any], tuple[Any, ...], int]) -> None:
    op_type, inputs, attributes, expected, flops = case
    outputs = find_schema(MS, op_type, 1)
    assert outputs is not None
    n = max(outputs.min_outputs, 1)
    assert shape(op_type, *inputs, domain=MS, n=n, **attributes) == expected
    assert cost(op_type, *inputs, domain=MS, n=n, **attributes).flops == flops


RUNS = (
    *("ScaledSiLU", "LinearAttentionGate", "GatedRMSNorm", "BranchwiseRMSNorm", "MaxpoolWithMask", "CropAndResize"),
    *("SampleOp", "WordConvEmbedding", "AttnLSTM"),
)
"""Those that ONNX Runtime runs on a processor; the newest ones only in the release that NAMES comes from."""


@pytest.mark.parametrize("case", [case for case in CASES if case[0] in RUNS], ids=lambda case: case[0])
def test_shapes_are_onnx_runtimes(
    case: tuple[str, list[TensorType | None], dict[str, Any], tuple[Any, ...], int],
) -> None:
    op_type, inputs, attributes, expected, _ = case
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state", reason="ONNX Runtime is not installed")
    if (MS, op_type) not in {(schema.domain, schema.name) for schema in state.get_all_operator_schema()}:
        pytest.skip("this release of ONNX Runtime does not have it")
    assert executed(op_type, *inputs, domain=MS, **attributes)[0][1] == expected


def test_a_router_that_gives_all_scores_projects_and_chooses_nothing() -> None:
    inputs = (t(6, 256), t(16), t(16, 256))
    assert [out.shape for out in run("MoEGroupRouter", *inputs, domain=MS, n=3, top_k=2)] == [(6, 16)] * 3
    builder = GraphBuilder("router", "", {MS: 1})
    names = [builder.add_input(f"i{i}", type_.dtype, type_.shape) for i, type_ in enumerate(inputs)]
    builder.add("MoEGroupRouter", names, {"top_k": 2}, name="n", outputs=["", "scores", "weights"], domain=MS)
    (row,) = analyze_graph(builder.build(["scores", "weights"])).rows
    assert row.figures["macs"] == 6 * 16 * 256 and row.figures["flops"] == 2 * 6 * 16 * 256 + 6 * 16 * 2


def test_packed_adapters_have_bits_of_their_own() -> None:
    packed = TRAITS[MS, "MatMulNBitsQLoRA"].packed
    assert packed is not None
    attributes = {"K": 40, "N": 8, "block_size": 16, "lora_block_size": 16}
    base, adapter = t(8, 3, 8, dtype=U8), t(6, 3, 16, dtype=U8)
    assert packed.values(base, attributes) == 8 * 40, "the last block is padded"
    assert (
        packed.values(adapter, attributes) == 6 * 3 * 16
        and packed.values(adapter, {**attributes, "lora_bits": 4}) == 576
    )


RETIRED: list[tuple[str, list[Any], dict[str, Any], dict[tuple[str, str], int]]] = [
    ("Affine", [t(3, 4)], {"alpha": 2.0, "beta": 1.0}, {("multiply", "elementwise"): 12, ("add", "elementwise"): 12}),
    (
        "ImageScaler",
        [t(1, 3, 2, 2)],
        {"scale": 2.0, "bias": (1.0, 1.0, 1.0)},
        {("multiply", "elementwise"): 12, ("add", "elementwise"): 12},
    ),
    ("Scale", [t(3, 4)], {"scale": 2.0}, {("multiply", "elementwise"): 12}),
    (
        "ScaledTanh",
        [t(3, 4)],
        {"alpha": 1.0, "beta": 1.0},
        {("transcendental", "activation"): 12, ("multiply", "elementwise"): 24},
    ),
    (
        "ParametricSoftplus",
        [t(3, 4)],
        {"alpha": 1.0, "beta": 1.0},
        {("transcendental", "activation"): 12, ("multiply", "elementwise"): 24},
    ),
    ("Crop", [t(1, 3, 6, 7)], {"border": (1, 2, 3, 1)}, {}),
    ("Crop", [t(1, 3, 6, 7)], {"border": (1, 2, 3, 1), "scale": (2, 3)}, {}),
    ("DynamicSlice", [t(5, 4), ints(1), ints(3), ints(0)], {}, {}),
]


@pytest.mark.parametrize("case", RETIRED, ids=lambda case: case[0])
def test_operators_that_onnx_took_out_again(
    case: tuple[str, list[TensorType | None], dict[str, Any], dict[tuple[str, str], int]],
) -> None:
    op_type, inputs, attributes, expected = case
    assert executed(op_type, *inputs, opset=9, **attributes)[0][1] == shape(op_type, *inputs, opset=9, **attributes)
    assert work(cost(op_type, *inputs, opset=9, **attributes)) == expected


CHANNELS_LAST: list[tuple[str, tuple[int, ...], list[TensorType | None], dict[str, Any]]] = [
    ("Conv", (1, 3, 8, 9), [t(4, 3, 3, 3), t(4)], {"strides": (2, 2)}),
    ("ConvTranspose", (1, 8, 4, 5), [t(8, 3, 2, 2)], {"strides": (2, 2)}),
    ("MaxPool", (1, 3, 8, 9), [], {"kernel_shape": (2, 2)}),
    ("AveragePool", (1, 3, 3, 4), [], {"kernel_shape": (2, 2), "strides": (2, 2), "ceil_mode": 1}),
    ("LpPool", (1, 3, 8, 9), [], {"kernel_shape": (2, 2)}),
    ("GlobalAveragePool", (1, 3, 8, 9), [], {}),
    ("DepthToSpace", (1, 8, 2, 3), [], {"blocksize": 2}),
    ("SpaceToDepth", (1, 2, 4, 6), [], {"blocksize": 2}),
    ("GridSample", (1, 8, 4, 6), [t(1, 2, 3, 2)], {}),
    ("InstanceNormalization", (1, 8, 4, 6), [t(8), t(8)], {}),
    ("BatchNormalization", (1, 8, 4, 6), [t(8), t(8), t(8), t(8)], {}),
    ("LRN", (1, 8, 4, 6), [], {"size": 3}),
]


@pytest.mark.parametrize("case", CHANNELS_LAST, ids=lambda case: case[0])
def test_channels_last_cost_what_channels_first_cost(
    case: tuple[str, tuple[int, ...], list[TensorType | None], dict[str, Any]],
) -> None:
    op_type, (n, c, *spatial), others, attributes = case
    first, last = t(n, c, *spatial), t(n, *spatial, c)
    how: dict[str, Any] = {"domain": "com.ms.internal.nhwc", **attributes}
    expected = shape(op_type, first, *others, **attributes)
    assert expected is not None
    assert shape(op_type, last, *others, **how) == (expected[0], *expected[2:], expected[1])
    assert work(cost(op_type, last, *others, **how)) == work(cost(op_type, first, *others, **attributes))


def test_a_fused_activation_of_channels_last_counts() -> None:
    how: dict[str, Any] = {"domain": "com.ms.internal.nhwc", "activation": "Relu"}
    assert cost("Conv", t(1, 8, 8, 3), t(4, 3, 3, 3), **how).flops == 2 * 4 * 6 * 6 * 27 + 4 * 6 * 6


def test_linear_attention_of_com_microsoft_is_onnxs() -> None:
    inputs = [t(2, 5, 12), t(2, 5, 6), t(2, 5, 8), None, t(2, 5, 2), t(2, 5, 2)]
    how: Any = {"q_num_heads": 4, "kv_num_heads": 2, "n": 2}
    assert run("LinearAttention", *inputs, domain=MS, **how) == run("LinearAttention", *inputs, opset=27, **how)
    assert cost("LinearAttention", *inputs, domain=MS, **how).macs.value == 2 * 5 * (3 * 4) * (2 + 4 + 2)
    convolution = [t(2, 6, 10), t(6, 1, 4), t(6)]
    assert cost("CausalConvWithState", *convolution, domain=MS, n=2).macs.value == 2 * 6 * 10 * 4
    assert shape("CausalConvWithState", *convolution, domain=MS, n=2, channels_last=1) is None
